//! The two products behind a pass of the SVD, on rows of a panel: [`Panel::WIDTH`] columns of the
//! matrix, `rows x WIDTH` row-major.
//!
//! ```text
//! add_transposed_times   y[j][c] += sum over t, in order, of  panel[t][c] * q[t][j]      0 <= j < l
//! add_times              z[t][j] += sum over c, in order, of  panel[t][c] * y[c][j]
//! ```
//!
//! A vector lane is always a different output, and every sum is one chain of fused multiply-adds in
//! the order given: the bits are those of the portable loops below on every path, and those of
//! one call for all rows where they come in blocks. `l` is a multiple of [`STEP`]. Cost:
//! `rows * WIDTH * l` multiply-adds each.

use super::Real;
#[cfg(target_arch = "x86_64")]
use super::simd::Path;
use super::simd::path;

/// The number of vectors that a panel is multiplied by is a multiple of this.
pub const STEP: usize = 16;

/// Rows to multiply at a time: with what they are multiplied by they stay in the nearest cache.
pub const BLOCK: usize = 64;

/// A scalar that panels are made of.
pub trait Panel: Real {
    /// Columns of a panel: 128 bytes.
    const WIDTH: usize;

    #[doc(hidden)]
    /// `add_transposed_times`.
    ///
    /// # Safety
    /// The slices have the lengths that [`add_transposed_times`] checks.
    unsafe fn strip(panel: &[Self], q: &[Self], l: usize, y: &mut [Self]);
    #[doc(hidden)]
    /// `add_times`.
    ///
    /// # Safety
    /// The slices have the lengths that [`add_times`] checks.
    unsafe fn times(panel: &[Self], y: &[Self], l: usize, z: &mut [Self]);
}

/// `y += panel^T q`, with `q` `(rows, l)` and `y` `(l, WIDTH)`, both row-major.
///
/// # Panics
/// When lengths do not fit together.
pub fn add_transposed_times<T: Panel>(panel: &[T], q: &[T], l: usize, y: &mut [T]) {
    let rows = panel.len() / T::WIDTH;
    assert!(l > 0 && l.is_multiple_of(STEP), "{l} vectors");
    assert!(panel.len() == rows * T::WIDTH && q.len() == rows * l);
    assert_eq!(y.len(), l * T::WIDTH);
    // SAFETY: the lengths were checked above.
    unsafe { T::strip(panel, q, l, y) };
}

/// `z += panel y`, with `y` `(WIDTH, l)` and `z` `(rows, l)`, both row-major.
///
/// # Panics
/// When lengths do not fit together.
pub fn add_times<T: Panel>(panel: &[T], y: &[T], l: usize, z: &mut [T]) {
    let rows = panel.len() / T::WIDTH;
    assert!(l > 0 && l.is_multiple_of(STEP), "{l} vectors");
    assert!(panel.len() == rows * T::WIDTH && z.len() == rows * l);
    assert_eq!(y.len(), l * T::WIDTH);
    // SAFETY: the lengths were checked above.
    unsafe { T::times(panel, y, l, z) };
}

fn strip_portable<T: Panel>(panel: &[T], q: &[T], l: usize, y: &mut [T]) {
    for (row, q) in panel.chunks_exact(T::WIDTH).zip(q.chunks_exact(l)) {
        for (y, &q) in y.chunks_exact_mut(T::WIDTH).zip(q) {
            for (y, &entry) in y.iter_mut().zip(row) {
                *y = entry.mul_add(q, *y);
            }
        }
    }
}

fn times_portable<T: Panel>(panel: &[T], y: &[T], l: usize, z: &mut [T]) {
    for (row, z) in panel.chunks_exact(T::WIDTH).zip(z.chunks_exact_mut(l)) {
        for (&entry, y) in row.iter().zip(y.chunks_exact(l)) {
            for (z, &y) in z.iter_mut().zip(y) {
                *z = entry.mul_add(y, *z);
            }
        }
    }
}

/// The kernels for one vector type. `vectors` x `columns` and `rows` x `vectors` sums are held in
/// registers.
macro_rules! kernels {
    ($module:ident, $features:literal, $scalar:ty, $vector:ident, $lanes:literal, $columns:literal,
     $rows:literal, $load:ident, $store:ident, $set1:ident, $fmadd:ident) => {
        #[cfg(target_arch = "x86_64")]
        mod $module {
            use std::arch::x86_64::{$fmadd, $load, $set1, $store, $vector};

            use super::{Panel, STEP};

            const WIDTH: usize = <$scalar as Panel>::WIDTH;
            /// Vectors of a panel's row that are summed together.
            const ACROSS: usize = 2;

            /// # Safety
            /// The CPU has the features, and the lengths are those that `add_transposed_times`
            /// checks.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn strip(
                panel: &[$scalar],
                q: &[$scalar],
                l: usize,
                y: &mut [$scalar],
            ) {
                const { assert!(STEP % 4 == 0 && WIDTH.is_multiple_of(ACROSS * $lanes)) };
                // As many columns together as there are registers for, and fours so that none is left.
                let mut j = 0;
                while j < l {
                    // SAFETY: the columns j .. j + 4 or j + $columns are below l.
                    unsafe {
                        if (l - j).is_multiple_of($columns) {
                            strip_columns::<$columns>(panel, q, l, y, j);
                            j += $columns;
                        } else {
                            strip_columns::<4>(panel, q, l, y, j);
                            j += 4;
                        }
                    }
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn strip_columns<const COLUMNS: usize>(
                panel: &[$scalar],
                q: &[$scalar],
                l: usize,
                y: &mut [$scalar],
                j: usize,
            ) {
                let rows = panel.len() / WIDTH;
                for c in (0..WIDTH).step_by(ACROSS * $lanes) {
                    // SAFETY: t < rows, c + ACROSS * lanes <= WIDTH and j + COLUMNS <= l.
                    unsafe {
                        let out = y.as_mut_ptr().add(j * WIDTH + c);
                        let mut sums: [[$vector; ACROSS]; COLUMNS] = std::array::from_fn(|i| {
                            std::array::from_fn(|v| $load(out.add(i * WIDTH + v * $lanes)))
                        });
                        for t in 0..rows {
                            let at = panel.as_ptr().add(t * WIDTH + c);
                            let entries: [$vector; ACROSS] =
                                std::array::from_fn(|v| $load(at.add(v * $lanes)));
                            let factors = q.as_ptr().add(t * l + j);
                            for (i, sums) in sums.iter_mut().enumerate() {
                                let factor = $set1(*factors.add(i));
                                for (sum, &entry) in sums.iter_mut().zip(&entries) {
                                    *sum = $fmadd(entry, factor, *sum);
                                }
                            }
                        }
                        for (i, sums) in sums.iter().enumerate() {
                            for (v, &sum) in sums.iter().enumerate() {
                                $store(out.add(i * WIDTH + v * $lanes), sum);
                            }
                        }
                    }
                }
            }

            /// # Safety
            /// The CPU has the features, and the lengths are those that `add_times` checks.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn times(
                panel: &[$scalar],
                y: &[$scalar],
                l: usize,
                z: &mut [$scalar],
            ) {
                const { assert!(STEP.is_multiple_of($lanes)) };
                let rows = panel.len() / WIDTH;
                let mut j = 0;
                while j < l {
                    // SAFETY: as the caller's; the columns j .. j + vectors * lanes are below l.
                    unsafe {
                        match (l - j) / $lanes {
                            1 => {
                                columns::<1>(panel, y, l, z, j, rows);
                                j += $lanes;
                            }
                            3 => {
                                columns::<3>(panel, y, l, z, j, rows);
                                j += 3 * $lanes;
                            }
                            _ => {
                                columns::<2>(panel, y, l, z, j, rows);
                                j += 2 * $lanes;
                            }
                        }
                    }
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn columns<const VECTORS: usize>(
                panel: &[$scalar],
                y: &[$scalar],
                l: usize,
                z: &mut [$scalar],
                j: usize,
                rows: usize,
            ) {
                let mut t = 0;
                // SAFETY: as the caller's; the rows t .. t + ROWS are below rows.
                unsafe {
                    while t + $rows <= rows {
                        block::<$rows, VECTORS>(panel, y, l, z, j, t);
                        t += $rows;
                    }
                    while t < rows {
                        block::<1, VECTORS>(panel, y, l, z, j, t);
                        t += 1;
                    }
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn block<const ROWS: usize, const VECTORS: usize>(
                panel: &[$scalar],
                y: &[$scalar],
                l: usize,
                z: &mut [$scalar],
                j: usize,
                t: usize,
            ) {
                // SAFETY: rows t .. t + ROWS and columns j .. j + VECTORS * lanes are within.
                unsafe {
                    let out = z.as_mut_ptr().add(t * l + j);
                    let mut sums: [[$vector; VECTORS]; ROWS] = std::array::from_fn(|r| {
                        std::array::from_fn(|v| $load(out.add(r * l + v * $lanes)))
                    });
                    let entries = panel.as_ptr().add(t * WIDTH);
                    for c in 0..WIDTH {
                        let factors = y.as_ptr().add(c * l + j);
                        let factors: [$vector; VECTORS] =
                            std::array::from_fn(|v| $load(factors.add(v * $lanes)));
                        for (r, sums) in sums.iter_mut().enumerate() {
                            let entry = $set1(*entries.add(r * WIDTH + c));
                            for (sum, &factor) in sums.iter_mut().zip(&factors) {
                                *sum = $fmadd(entry, factor, *sum);
                            }
                        }
                    }
                    for (r, sums) in sums.iter().enumerate() {
                        for (v, &sum) in sums.iter().enumerate() {
                            $store(out.add(r * l + v * $lanes), sum);
                        }
                    }
                }
            }
        }
    };
}

kernels!(
    avx512_f32,
    "avx512f",
    f32,
    __m512,
    16,
    8,
    8,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps
);
kernels!(
    avx512_f64,
    "avx512f",
    f64,
    __m512d,
    8,
    8,
    8,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_set1_pd,
    _mm512_fmadd_pd
);
kernels!(
    avx2_f32,
    "avx2,fma",
    f32,
    __m256,
    8,
    6,
    4,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps
);
kernels!(
    avx2_f64,
    "avx2,fma",
    f64,
    __m256d,
    4,
    6,
    4,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    _mm256_fmadd_pd
);

macro_rules! panel {
    ($scalar:ty, $width:literal, $avx512:ident, $avx2:ident) => {
        impl Panel for $scalar {
            const WIDTH: usize = $width;

            unsafe fn strip(panel: &[Self], q: &[Self], l: usize, y: &mut [Self]) {
                match path() {
                    // SAFETY: the path was found on this CPU; lengths as the caller's.
                    #[cfg(target_arch = "x86_64")]
                    Path::Avx512 => unsafe { $avx512::strip(panel, q, l, y) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Path::Avx2 => unsafe { $avx2::strip(panel, q, l, y) },
                    _ => strip_portable(panel, q, l, y),
                }
            }

            unsafe fn times(panel: &[Self], y: &[Self], l: usize, z: &mut [Self]) {
                match path() {
                    // SAFETY: the path was found on this CPU; lengths as the caller's.
                    #[cfg(target_arch = "x86_64")]
                    Path::Avx512 => unsafe { $avx512::times(panel, y, l, z) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Path::Avx2 => unsafe { $avx2::times(panel, y, l, z) },
                    _ => times_portable(panel, y, l, z),
                }
            }
        }
    };
}

panel!(f32, 32, avx512_f32, avx2_f32);
panel!(f64, 16, avx512_f64, avx2_f64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{Purpose, Stream};

    fn numbers<T: Panel>(len: usize, index: u64) -> Vec<T> {
        let mut stream = Stream::new(3, Purpose::Controls, index);
        (0..len).map(|_| T::from_f64(stream.normal())).collect()
    }

    /// Every path against the portable loops, bit for bit, and those against plain sums.
    fn check<T: Panel>(rows: usize, l: usize) {
        let (panel, q) = (numbers::<T>(rows * T::WIDTH, 0), numbers::<T>(rows * l, 1));
        let mut y = vec![T::ZERO; l * T::WIDTH];
        let mut expected = y.clone();
        // In blocks, of which the last is short.
        for (panel, q) in panel.chunks(50 * T::WIDTH).zip(q.chunks(50 * l)) {
            add_transposed_times(panel, q, l, &mut y);
        }
        strip_portable(&panel, &q, l, &mut expected);
        assert!(y == expected, "{rows} rows, {l} vectors");
        let (c, j) = (T::WIDTH - 1, l - 1);
        let plain: f64 = (0..rows)
            .map(|t| panel[t * T::WIDTH + c].to_f64() * q[t * l + j].to_f64())
            .sum();
        let found = y[j * T::WIDTH + c].to_f64();
        assert!((found - plain).abs() < 1e-3, "{found} {plain}");

        let (factors, mut z) = (numbers::<T>(T::WIDTH * l, 2), numbers::<T>(rows * l, 3));
        let mut portable = z.clone();
        add_times(&panel, &factors, l, &mut z);
        times_portable(&panel, &factors, l, &mut portable);
        assert!(z == portable, "{rows} rows, {l} vectors");
        if rows > 0 {
            let plain: f64 = (0..T::WIDTH)
                .map(|c| panel[(rows - 1) * T::WIDTH + c].to_f64() * factors[c * l + j].to_f64())
                .sum();
            let start: Vec<T> = numbers(rows * l, 3);
            let found = z[(rows - 1) * l + j].to_f64() - start[(rows - 1) * l + j].to_f64();
            assert!((found - plain).abs() < 1e-4, "{found} {plain}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_narrower_vectors_give_the_same_bits() {
        if !is_x86_feature_detected!("avx2") || !is_x86_feature_detected!("fma") {
            return;
        }
        for (rows, l) in [(1, 16), (61, 48), (256, 80)] {
            let (panel, q) = (numbers::<f32>(rows * 32, 0), numbers::<f32>(rows * l, 1));
            let mut y = vec![0.0; l * 32];
            let mut expected = y.clone();
            // SAFETY: the features were found, and the lengths are those of `rows` and `l`.
            unsafe { avx2_f32::strip(&panel, &q, l, &mut y) };
            strip_portable(&panel, &q, l, &mut expected);
            assert!(y == expected);
            let (mut z, mut expected) = (q.clone(), q.clone());
            // SAFETY: as above.
            unsafe { avx2_f32::times(&panel, &y, l, &mut z) };
            times_portable(&panel, &y, l, &mut expected);
            assert!(z == expected);

            let (panel, q) = (numbers::<f64>(rows * 16, 0), numbers::<f64>(rows * l, 1));
            let mut y = vec![0.0; l * 16];
            let mut expected = y.clone();
            // SAFETY: as above.
            unsafe { avx2_f64::strip(&panel, &q, l, &mut y) };
            strip_portable(&panel, &q, l, &mut expected);
            assert!(y == expected);
            let (mut z, mut expected) = (q.clone(), q.clone());
            // SAFETY: as above.
            unsafe { avx2_f64::times(&panel, &y, l, &mut z) };
            times_portable(&panel, &y, l, &mut expected);
            assert!(z == expected);
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_path() {
        for rows in [0, 1, 7, 8, 61, 255, 256, 700] {
            for l in [16, 32, 48, 64, 80] {
                check::<f32>(rows, l);
                check::<f64>(rows, l);
            }
        }
    }
}
