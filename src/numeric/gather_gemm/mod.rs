//! The micro-kernel behind convolution and dense layers: a matrix product whose left factor is
//! gathered through offsets, so that one kernel serves forward, input-gradient and
//! weight-gradient passes without an im2col copy.
//!
//! ```text
//! c[row.right + j] = end(init_j + sum over steps s, in order:  a[row.left + s.left] * b[s.right + j])
//! ```
//!
//! for `0 <= j < n`. A vector lane is always a different output `j`, and the sum runs over the steps
//! in the order given, one fused multiply-add a step. Tiling and lane width therefore change no bit.
//! Cost: `rows * steps * n` multiply-adds; bias, rectifier and residual sum take no further pass
//! over memory.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod intrinsics;
mod parts;
mod tile;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod vector;

pub use parts::{End, Init, Pair, Pairs, Product, Turns};

use super::Real;
use super::simd;

/// Computes the gathered product; rows of `c` that no `rows` names stay as they are. No two rows may have
/// outputs in common: between parts of the steps their sums wait there.
///
/// # Panics
/// When an offset leads outside a slice: a fault of the caller's shapes.
pub fn gather_gemm<T: Real>(mut product: Product<'_, T>) {
    let Product {
        a,
        b,
        c,
        rows,
        steps,
        n,
        init,
        end,
    } = &product;
    let n = *n;
    if rows.list().is_empty() || n == 0 {
        return;
    }
    let (row, step, none) = (rows.largest(), steps.largest(), steps.list().is_empty());
    assert!(
        none || row.left as usize + (step.left as usize) < a.len(),
        "left factor too short"
    );
    assert!(
        none || step.right as usize + n <= b.len(),
        "right factor too short"
    );
    let c_len = row.right as usize + n;
    assert!(c_len <= c.len(), "output too short");
    if let Init::Bias(bias) = init {
        assert_eq!(bias.len(), n, "one bias a column");
    }
    match end {
        End::Store | End::Rectify => {}
        End::Add(x) => assert!(c_len <= x.len(), "summand too short"),
        End::AddRectified { x, z } => {
            assert!(c_len <= x.len().min(z.len()), "summand too short");
        }
    }
    // SAFETY: the path was found on this CPU; the offsets were checked above.
    unsafe {
        match simd::path() {
            #[cfg(target_arch = "x86_64")]
            simd::Path::Avx512 => {
                let single = product.as_f32();
                let done = single.map_or(0, |mut product| vector::avx512::leading(&mut product));
                avx2_tiles(&mut product, done);
            }
            #[cfg(target_arch = "x86_64")]
            simd::Path::Avx2 => {
                let single = product.as_f32();
                let done = single.map_or(0, |mut product| vector::avx2::leading(&mut product));
                avx2_tiles(&mut product, done);
            }
            #[cfg(target_arch = "aarch64")]
            simd::Path::Neon => {
                let single = product.as_f32();
                let done = single.map_or(0, |mut product| vector::neon::leading(&mut product));
                tile::all(&mut product, done);
            }
            _ => tile::all(&mut product, 0),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2_tiles<T: Real>(product: &mut Product<'_, T>, first: usize) {
    // SAFETY: as the caller's.
    unsafe { tile::all(product, first) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{Purpose, Stream};

    /// The definition, one output after another; returns what the end keeps beside `c`.
    fn naive(product: Product<'_, f32>) {
        let Product {
            a,
            b,
            c,
            rows,
            steps,
            n,
            init,
            mut end,
        } = product;
        for row in rows.list() {
            for j in 0..n {
                let out = row.right as usize + j;
                let mut sum = match init {
                    Init::Zero => 0.0,
                    Init::Bias(bias) => bias[j],
                    Init::Accumulate => c[out],
                };
                for step in steps.list() {
                    let left = a[(row.left + step.left) as usize];
                    sum = f32::mul_add(left, b[step.right as usize + j], sum);
                }
                let rectified = if sum > 0.0 { sum } else { 0.0 };
                c[out] = match &mut end {
                    End::Store => sum,
                    End::Rectify => rectified,
                    End::Add(x) => x[out] + sum,
                    End::AddRectified { x, z } => {
                        z[out] = rectified;
                        x[out] + rectified
                    }
                };
            }
        }
    }

    /// A product of `n` columns, rows and steps, by the kernels or by the definition: what it leaves
    /// in `c` and keeps beside it.
    fn run(
        n: usize,
        rows: u32,
        steps: u32,
        init: usize,
        end: usize,
        is_fast: bool,
    ) -> [Vec<u32>; 2] {
        let mut stream = Stream::new(1, Purpose::Nulls, 0);
        let mut random =
            |len: usize| -> Vec<f32> { (0..len).map(|_| stream.normal() as f32).collect() };
        let row = |r: u32| Pair {
            left: r * 5 % 97,
            right: r * (n as u32 + 3),
        };
        let step = |s: u32| Pair {
            left: s * 7 % 101,
            right: (s % 40) * n as u32,
        };
        let c_len = rows as usize * (n + 3);
        let (a, b, bias) = (random(200), random(40 * n), random(n));
        let (mut c, x, mut z) = (random(c_len), random(c_len), random(c_len));
        let rows = Pairs::once(&(0..rows).map(row).collect::<Vec<_>>());
        let steps = Pairs::once(&(0..steps).map(step).collect::<Vec<_>>());
        let product = Product {
            a: &a,
            b: &b,
            c: &mut c,
            rows: rows.all(),
            steps: steps.all(),
            n,
            init: [Init::Zero, Init::Bias(&bias), Init::Accumulate][init],
            end: match end {
                0 => End::Store,
                1 => End::Rectify,
                2 => End::Add(&x),
                _ => End::AddRectified { x: &x, z: &mut z },
            },
        };
        match is_fast {
            true => gather_gemm(product),
            false => naive(product),
        }
        [c, z].map(|values| values.iter().map(|x| x.to_bits()).collect())
    }

    fn check(n: usize, rows: u32, steps: u32, init: usize, end: usize) {
        let [fast, plain] = [true, false].map(|is_fast| run(n, rows, steps, init, end, is_fast));
        assert!(
            fast == plain,
            "n {n} rows {rows} steps {steps} init {init} end {end}"
        );
    }

    #[test]
    fn every_tile_equals_the_definition_to_the_bit() {
        for n in 1..=33 {
            for rows in 1..=40 {
                check(n, rows, 33, rows as usize % 3, n % 4);
            }
        }
        for n in [5, 16, 24, 53, 64] {
            for rows in [1, 3, 7, 18, 25] {
                for (init, end) in (0..12).map(|i| (i / 4, i % 4)) {
                    check(n, rows, 9, init, end);
                }
            }
        }
    }

    #[test]
    fn steps_taken_in_parts_change_no_bit() {
        for steps in [0, 1, 79, 80, 81, 160, 161, 333] {
            for (init, end) in (0..12).map(|i| (i / 4, i % 4)) {
                check(27, 11, steps, init, end);
            }
        }
    }

    #[test]
    fn turns_of_a_list_know_their_largest_offsets() {
        let pair = |left, right| Pair { left, right };
        let pairs = Pairs::repeated(&[pair(3, 1), pair(0, 4)], pair(10, 7), 3);
        for turns in 1..=3 {
            let turns = pairs.first(turns);
            let largest = |of: fn(&Pair) -> u32| turns.list().iter().map(of).max().unwrap();
            assert_eq!(
                turns.largest(),
                pair(largest(|p| p.left), largest(|p| p.right))
            );
        }
        assert!(pairs.first(0).list().is_empty());
    }

    #[test]
    fn rectified_zeros_and_nans_are_zeros() {
        let b = [[f32::NAN; 16], [-0.0; 16], [-1.0; 16]].concat();
        for (step, row) in [0, 16, 32].into_iter().enumerate() {
            let mut c = [9.0f32; 16];
            let rows = Pairs::once(&[Pair::default()]);
            let steps = Pairs::once(&[Pair {
                left: 0,
                right: row,
            }]);
            gather_gemm(Product {
                a: &[1.0],
                b: &b,
                c: &mut c,
                rows: rows.all(),
                steps: steps.all(),
                n: 16,
                init: Init::Zero,
                end: End::Rectify,
            });
            assert!(c.iter().all(|x| x.to_bits() == 0), "step {step}: {c:?}");
        }
    }

    #[test]
    #[should_panic(expected = "left factor too short")]
    fn an_offset_outside_is_refused() {
        gather_gemm(Product {
            a: &[0.0f32; 2],
            b: &[0.0; 4],
            c: &mut [0.0; 1],
            rows: Pairs::once(&[Pair::default()]).all(),
            steps: Pairs::once(&[Pair { left: 2, right: 0 }]).all(),
            n: 1,
            init: Init::Zero,
            end: End::Store,
        });
    }

    #[test]
    #[should_panic(expected = "summand too short")]
    fn a_short_summand_is_refused() {
        gather_gemm(Product {
            a: &[0.0f32; 2],
            b: &[0.0; 4],
            c: &mut [0.0; 4],
            rows: Pairs::once(&[Pair::default()]).all(),
            steps: Pairs::once(&[Pair::default()]).all(),
            n: 4,
            init: Init::Zero,
            end: End::Add(&[0.0; 3]),
        });
    }
}
