//! The micro-kernel behind convolution and dense layers: a matrix product whose left factor is
//! gathered through offsets, so that one kernel serves forward, input-gradient and
//! weight-gradient passes without an im2col copy.
//!
//! ```text
//! c[row.c + j] = init_j + sum over steps s, in order:  a[row.a + s.a] * b[s.b + j]      0 <= j < n
//! ```
//!
//! A vector lane is always a different output `j`, and the sum runs over the steps in the order
//! given, one fused multiply-add a step. Tiling and lane width therefore change no bit. Cost:
//! `rows * steps * n` multiply-adds.

#[cfg(target_arch = "x86_64")]
use std::any::TypeId;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::Real;
use super::simd::{Path, path};

/// An output row: where it starts in `a` and in `c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Offset added to every step's offset in `a`.
    pub a: u32,
    /// Offset of the row's first output in `c`.
    pub c: u32,
}

/// A term of the sum: where its factors lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Offset in `a`, added to the row's.
    pub a: u32,
    /// Offset in `b` of the first of `n` consecutive factors.
    pub b: u32,
}

/// What a sum starts from.
#[derive(Clone, Copy, Debug)]
pub enum Init<'a, T> {
    /// Zero.
    Zero,
    /// One value a column, `n` in all.
    Bias(&'a [T]),
    /// What `c` holds.
    Accumulate,
}

/// Computes the gathered product; rows of `c` that no [`Row`] names stay as they are.
///
/// # Panics
/// When an offset leads outside `a`, `b` or `c`: a fault of the caller's shapes.
pub fn gather_gemm<T: Real>(
    (a, b, c): (&[T], &[T], &mut [T]),
    rows: &[Row],
    steps: &[Step],
    n: usize,
    init: Init<'_, T>,
) {
    if rows.is_empty() || n == 0 {
        return;
    }
    let largest = |offsets: &mut dyn Iterator<Item = u32>| offsets.max().map_or(0, |x| x as usize);
    let step_a = largest(&mut steps.iter().map(|s| s.a));
    let step_b = largest(&mut steps.iter().map(|s| s.b));
    let row_a = largest(&mut rows.iter().map(|r| r.a));
    let row_c = largest(&mut rows.iter().map(|r| r.c));
    assert!(
        steps.is_empty() || row_a + step_a < a.len(),
        "left factor too short"
    );
    assert!(
        steps.is_empty() || step_b + n <= b.len(),
        "right factor too short"
    );
    assert!(row_c + n <= c.len(), "output too short");
    if let Init::Bias(bias) = init {
        assert_eq!(bias.len(), n, "one bias a column");
    }
    let product = Product {
        a,
        b,
        rows,
        steps,
        n,
        init,
    };
    // SAFETY: the path was found on this CPU; the offsets were checked above.
    unsafe {
        match path() {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => {
                let done = match as_f32(&product, c) {
                    Some((product, c)) => avx512(&product, c),
                    None => 0,
                };
                avx2(&product, c, done);
            }
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => avx2(&product, c, 0),
            _ => all_tiles::<T, 16, 8>(&product, c, 0),
        }
    }
}

struct Product<'a, T> {
    a: &'a [T],
    b: &'a [T],
    rows: &'a [Row],
    steps: &'a [Step],
    n: usize,
    init: Init<'a, T>,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Real>(product: &Product<'_, T>, c: &mut [T], first: usize) {
    // SAFETY: as the caller's.
    unsafe { all_tiles::<T, 16, 8>(product, c, first) }
}

/// The same product where `T` is `f32`.
#[cfg(target_arch = "x86_64")]
fn as_f32<'a, T: Real>(
    product: &'a Product<'_, T>,
    c: &'a mut [T],
) -> Option<(Product<'a, f32>, &'a mut [f32])> {
    if TypeId::of::<T>() != TypeId::of::<f32>() {
        return None;
    }
    let init = match product.init {
        Init::Zero => Init::Zero,
        Init::Bias(bias) => Init::Bias(bytemuck::cast_slice(bias)),
        Init::Accumulate => Init::Accumulate,
    };
    let product = Product {
        a: bytemuck::cast_slice(product.a),
        b: bytemuck::cast_slice(product.b),
        rows: product.rows,
        steps: product.steps,
        n: product.n,
        init,
    };
    Some((product, bytemuck::cast_slice_mut(c)))
}

/// Tiles of 32 and 16 columns in 512-bit registers, which the compiler does not find by itself.
/// Returns how many columns are done.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(product: &Product<'_, f32>, c: &mut [f32]) -> usize {
    let mut j = 0;
    // SAFETY: as the caller's; columns j .. j + 16 * vectors stay below n.
    unsafe {
        while j + 32 <= product.n {
            columns_512::<8, 2>(product, c, j);
            j += 32;
        }
        while j + 16 <= product.n {
            columns_512::<12, 1>(product, c, j);
            j += 16;
        }
    }
    j
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn columns_512<const ROWS: usize, const VECTORS: usize>(
    product: &Product<'_, f32>,
    c: &mut [f32],
    j: usize,
) {
    let (groups, rest) = product.rows.as_chunks::<ROWS>();
    // SAFETY: as the caller's.
    unsafe {
        for rows in groups {
            tile_512::<ROWS, VECTORS>(product, rows, c, j);
        }
        let (fours, rest) = rest.as_chunks::<4>();
        for rows in fours {
            tile_512::<4, VECTORS>(product, rows, c, j);
        }
        for row in rest {
            tile_512::<1, VECTORS>(product, &[*row], c, j);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn tile_512<const ROWS: usize, const VECTORS: usize>(
    product: &Product<'_, f32>,
    rows: &[Row; ROWS],
    c: &mut [f32],
    j: usize,
) {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    // SAFETY: gather_gemm checked that every row has n outputs in c and n biases, every step n
    // factors in b, and that row.a + step.a lies in a.
    unsafe {
        for (sum, row) in sums.iter_mut().zip(rows) {
            let start = match product.init {
                Init::Zero => continue,
                Init::Bias(bias) => bias.as_ptr().add(j),
                Init::Accumulate => c.as_ptr().add(row.c as usize + j),
            };
            for (v, sum) in sum.iter_mut().enumerate() {
                *sum = _mm512_loadu_ps(start.add(16 * v));
            }
        }
        let starts = rows.map(|row| product.a.as_ptr().add(row.a as usize));
        for step in product.steps {
            let b = product.b.as_ptr().add(step.b as usize + j);
            let mut right = [_mm512_setzero_ps(); VECTORS];
            for (v, right) in right.iter_mut().enumerate() {
                *right = _mm512_loadu_ps(b.add(16 * v));
            }
            for (sum, start) in sums.iter_mut().zip(starts) {
                let left = _mm512_set1_ps(*start.add(step.a as usize));
                for (sum, &right) in sum.iter_mut().zip(&right) {
                    *sum = _mm512_fmadd_ps(left, right, *sum);
                }
            }
        }
        for (sum, row) in sums.iter().zip(rows) {
            for (v, sum) in sum.iter().enumerate() {
                _mm512_storeu_ps(c.as_mut_ptr().add(row.c as usize + j + 16 * v), *sum);
            }
        }
    }
}

/// Covers the columns from `first` on by tiles of `WIDE`, `NARROW`, 4 and 1 lanes.
///
/// # Safety
/// Every offset of `product` must lie inside its slice.
#[inline(always)]
unsafe fn all_tiles<T: Real, const WIDE: usize, const NARROW: usize>(
    product: &Product<'_, T>,
    c: &mut [T],
    first: usize,
) {
    let mut j = first;
    // SAFETY: as the caller's; columns j .. j + lanes stay below n.
    unsafe {
        while j + WIDE <= product.n {
            columns::<T, 8, WIDE>(product, c, j);
            j += WIDE;
        }
        while j + NARROW <= product.n {
            columns::<T, 8, NARROW>(product, c, j);
            j += NARROW;
        }
        while j + 4 <= product.n {
            columns::<T, 8, 4>(product, c, j);
            j += 4;
        }
        while j < product.n {
            columns::<T, 8, 1>(product, c, j);
            j += 1;
        }
    }
}

#[inline(always)]
unsafe fn columns<T: Real, const ROWS: usize, const LANES: usize>(
    product: &Product<'_, T>,
    c: &mut [T],
    j: usize,
) {
    let (groups, rest) = product.rows.as_chunks::<ROWS>();
    // SAFETY: as the caller's.
    unsafe {
        for rows in groups {
            tile::<T, ROWS, LANES>(product, rows, c, j);
        }
        for row in rest {
            tile::<T, 1, LANES>(product, &[*row], c, j);
        }
    }
}

#[inline(always)]
unsafe fn tile<T: Real, const ROWS: usize, const LANES: usize>(
    product: &Product<'_, T>,
    rows: &[Row; ROWS],
    c: &mut [T],
    j: usize,
) {
    let mut sums = [[T::ZERO; LANES]; ROWS];
    for (sum, row) in sums.iter_mut().zip(rows) {
        match product.init {
            Init::Zero => {}
            Init::Bias(bias) => sum.copy_from_slice(&bias[j..j + LANES]),
            Init::Accumulate => {
                let start = row.c as usize + j;
                sum.copy_from_slice(&c[start..start + LANES]);
            }
        }
    }
    let (a, b) = (product.a.as_ptr(), product.b.as_ptr());
    for step in product.steps {
        // SAFETY: step.b + n <= b.len() and row.a + step.a < a.len(), checked by gather_gemm.
        unsafe {
            let right = &*b.add(step.b as usize + j).cast::<[T; LANES]>();
            for (sum, row) in sums.iter_mut().zip(rows) {
                let left = *a.add(row.a as usize + step.a as usize);
                for lane in 0..LANES {
                    sum[lane] = left.mul_add(right[lane], sum[lane]);
                }
            }
        }
    }
    for (sum, row) in sums.iter().zip(rows) {
        let start = row.c as usize + j;
        c[start..start + LANES].copy_from_slice(sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{Purpose, Stream};

    /// The definition, one output after another.
    fn naive(
        (a, b, c): (&[f32], &[f32], &mut [f32]),
        rows: &[Row],
        steps: &[Step],
        n: usize,
        init: Init<'_, f32>,
    ) {
        for row in rows {
            for j in 0..n {
                let out = row.c as usize + j;
                let mut sum = match init {
                    Init::Zero => 0.0,
                    Init::Bias(bias) => bias[j],
                    Init::Accumulate => c[out],
                };
                for step in steps {
                    let left = a[(row.a + step.a) as usize];
                    sum = f32::mul_add(left, b[step.b as usize + j], sum);
                }
                c[out] = sum;
            }
        }
    }

    #[test]
    fn every_width_and_remainder_equals_the_definition_to_the_bit() {
        let mut stream = Stream::new(1, Purpose::Nulls, 0);
        let mut random =
            |len: usize| -> Vec<f32> { (0..len).map(|_| stream.normal() as f32).collect() };
        for n in [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 53, 64] {
            for row_len in [1, 7, 8, 9, 17] {
                let (a, b, bias) = (random(200), random(40 * n), random(n));
                let rows: Vec<Row> = (0..row_len)
                    .map(|r| Row {
                        a: r * 5 % 97,
                        c: r * (n as u32 + 3),
                    })
                    .collect();
                let steps: Vec<Step> = (0..33)
                    .map(|s| Step {
                        a: s * 7 % 101,
                        b: (s % 40) * n as u32,
                    })
                    .collect();
                let start = random(row_len as usize * (n + 3));
                for init in [Init::Zero, Init::Bias(&bias), Init::Accumulate] {
                    let (mut fast, mut slow) = (start.clone(), start.clone());
                    gather_gemm((&a, &b, &mut fast), &rows, &steps, n, init);
                    naive((&a, &b, &mut slow), &rows, &steps, n, init);
                    let bits = |c: &[f32]| c.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(&fast), bits(&slow), "n {n} rows {row_len} {init:?}");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "left factor too short")]
    fn an_offset_outside_is_refused() {
        let rows = [Row { a: 0, c: 0 }];
        gather_gemm(
            (&[0.0f32; 2], &[0.0; 4], &mut [0.0; 1]),
            &rows,
            &[Step { a: 2, b: 0 }],
            1,
            Init::Zero,
        );
    }
}
