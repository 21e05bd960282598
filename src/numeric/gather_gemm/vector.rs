//! Tiles of the gathered product in vector registers, written once for every instruction set; the
//! compiler does not find them in plain loops.
//!
//! A tile keeps the sums of a few rows by one, two or four vectors of columns in registers; a step
//! loads the vectors of `b` once and one value of `a` a row. Where there are many steps they are taken in
//! parts, all rows going through one part before the next, so that a part's values of `b` stay in
//! the nearest cache. Between parts the sums wait in `c`: no bit of them changes.

use super::intrinsics;
use super::parts::{End, Init, Pair, Product};

/// Steps of a part: at most 10 KB of `b`, and as many cache lines of `a`.
const PART_LEN: usize = 80;

/// A part of the steps.
#[derive(Clone, Copy)]
struct Part<'a> {
    steps: &'a [Pair],
    is_first: bool,
    is_last: bool,
}

/// The steps in as few parts as can be, evenly; one where there are none.
fn parts(steps: &[Pair]) -> impl Iterator<Item = Part<'_>> {
    let count = steps.len().div_ceil(PART_LEN).max(1);
    let part_len = steps.len().div_ceil(count);
    (0..count).map(move |part| {
        let (first, end) = (part * part_len, (part + 1) * part_len);
        Part {
            steps: &steps[first.min(steps.len())..end.min(steps.len())],
            is_first: part == 0,
            is_last: part + 1 == count,
        }
    })
}

macro_rules! tiles {
    (
        $name:ident on $arch:literal with $feature:literal:
        $($rows:literal rows of $vectors:literal),+
    ) => {
        #[cfg(target_arch = $arch)]
        pub mod $name {
            use super::intrinsics::$name::{self as op, LANES, Vector};
            use super::{End, Init, Pair, Part, Product, parts};

            /// Computes the leading columns and returns how many are done: all but fewer than a
            /// vector.
            ///
            /// # Safety
            /// The CPU must have what this module is compiled for, and every offset of `product`
            /// lie inside its slice.
            #[target_feature(enable = $feature)]
            pub unsafe fn leading(product: &mut Product<'_, f32>) -> usize {
                let mut j = 0;
                $(
                    while j + $vectors * LANES <= product.n {
                        for part in parts(product.steps.list()) {
                            // SAFETY: as the caller's; the columns are below n.
                            unsafe { columns::<$rows, $vectors>(product, &part, j) };
                        }
                        j += $vectors * LANES;
                    }
                )+
                j
            }

            // Not inlined: the compiler would work out the part's bounds anew at every step.
            #[inline(never)]
            #[target_feature(enable = $feature)]
            unsafe fn columns<const ROWS: usize, const VECTORS: usize>(
                product: &mut Product<'_, f32>,
                part: &Part<'_>,
                j: usize,
            ) {
                let (groups, rest) = product.rows.list().as_chunks::<ROWS>();
                // One chain of sums waits four cycles for each term: what is left over stays
                // together.
                let (fours, rest) = rest.as_chunks::<4>();
                // SAFETY: as the caller's.
                unsafe {
                    for rows in groups {
                        tile::<ROWS, VECTORS>(product, part, rows, j);
                    }
                    for rows in fours {
                        tile::<4, VECTORS>(product, part, rows, j);
                    }
                    match *rest {
                        [a] => tile::<1, VECTORS>(product, part, &[a], j),
                        [a, b] => tile::<2, VECTORS>(product, part, &[a, b], j),
                        [a, b, c] => tile::<3, VECTORS>(product, part, &[a, b, c], j),
                        _ => {}
                    }
                }
            }

            // Below, loops over rows and vectors have few and constant turns: the compiler unrolls
            // them, and each of `sums` is a register.
            #[inline]
            #[target_feature(enable = $feature)]
            unsafe fn tile<const ROWS: usize, const VECTORS: usize>(
                product: &mut Product<'_, f32>,
                part: &Part<'_>,
                rows: &[Pair; ROWS],
                j: usize,
            ) {
                let mut sums = [[op::zero(); VECTORS]; ROWS];
                // SAFETY: gather_gemm checked that every row has n outputs in c and in what the end
                // reads and writes beside it, and n biases; every step n factors in b; and that
                // row.left + step.left lies in a.
                unsafe {
                    match product.init {
                        _ if !part.is_first => read(product.c.as_ptr(), rows, j, &mut sums),
                        Init::Zero => {}
                        Init::Bias(bias) => {
                            for sum in &mut sums {
                                for (v, sum) in sum.iter_mut().enumerate() {
                                    *sum = op::load(bias.as_ptr().add(j + LANES * v));
                                }
                            }
                        }
                        Init::Accumulate => read(product.c.as_ptr(), rows, j, &mut sums),
                    }
                    let starts = rows.map(|row| product.a.as_ptr().add(row.left as usize));
                    for step in part.steps {
                        let b = product.b.as_ptr().add(step.right as usize + j);
                        let mut right = [op::zero(); VECTORS];
                        for (v, right) in right.iter_mut().enumerate() {
                            *right = op::load(b.add(LANES * v));
                        }
                        for (sum, start) in sums.iter_mut().zip(starts) {
                            let left = op::splat(*start.add(step.left as usize));
                            for (sum, &right) in sum.iter_mut().zip(&right) {
                                *sum = op::fmadd(left, right, *sum);
                            }
                        }
                    }
                    match &mut product.end {
                        _ if !part.is_last => {}
                        End::Store => {}
                        End::Rectify => rectify(&mut sums),
                        End::Add(x) => add(x.as_ptr(), rows, j, &mut sums),
                        End::AddRectified { x, z } => {
                            rectify(&mut sums);
                            write(z.as_mut_ptr(), rows, j, &sums);
                            add(x.as_ptr(), rows, j, &mut sums);
                        }
                    }
                    write(product.c.as_mut_ptr(), rows, j, &sums);
                }
            }

            /// # Safety
            /// Every row has its columns from `j` on at `from`; so below.
            #[inline]
            #[target_feature(enable = $feature)]
            unsafe fn read<const ROWS: usize, const VECTORS: usize>(
                from: *const f32,
                rows: &[Pair; ROWS],
                j: usize,
                sums: &mut [[Vector; VECTORS]; ROWS],
            ) {
                for (sum, row) in sums.iter_mut().zip(rows) {
                    for (v, sum) in sum.iter_mut().enumerate() {
                        // SAFETY: as the caller's.
                        *sum = unsafe { op::load(from.add(row.right as usize + j + LANES * v)) };
                    }
                }
            }

            #[inline]
            #[target_feature(enable = $feature)]
            unsafe fn write<const ROWS: usize, const VECTORS: usize>(
                to: *mut f32,
                rows: &[Pair; ROWS],
                j: usize,
                sums: &[[Vector; VECTORS]; ROWS],
            ) {
                for (sum, row) in sums.iter().zip(rows) {
                    for (v, &sum) in sum.iter().enumerate() {
                        // SAFETY: as the caller's.
                        unsafe { op::store(to.add(row.right as usize + j + LANES * v), sum) };
                    }
                }
            }

            #[inline]
            #[target_feature(enable = $feature)]
            unsafe fn add<const ROWS: usize, const VECTORS: usize>(
                x: *const f32,
                rows: &[Pair; ROWS],
                j: usize,
                sums: &mut [[Vector; VECTORS]; ROWS],
            ) {
                for (sum, row) in sums.iter_mut().zip(rows) {
                    for (v, sum) in sum.iter_mut().enumerate() {
                        // SAFETY: as the caller's.
                        let x = unsafe { op::load(x.add(row.right as usize + j + LANES * v)) };
                        *sum = op::add(x, *sum);
                    }
                }
            }

            #[inline]
            #[target_feature(enable = $feature)]
            fn rectify<const ROWS: usize, const VECTORS: usize>(
                sums: &mut [[Vector; VECTORS]; ROWS],
            ) {
                for sum in sums {
                    for sum in sum {
                        *sum = op::rectify(*sum);
                    }
                }
            }
        }
    };
}

tiles!(avx2 on "x86_64" with "avx2,fma": 6 rows of 2, 8 rows of 1);
tiles!(avx512 on "x86_64" with "avx512f": 8 rows of 2, 8 rows of 1);
// 24 sums keep four units with a latency of four cycles at work, and leave room in 32 registers for
// four vectors of `b`.
tiles!(neon on "aarch64" with "neon": 6 rows of 4, 8 rows of 2, 8 rows of 1);
