//! Tiles of the gathered product in vector registers, written once for AVX2 and for AVX-512; the
//! compiler does not find them in plain loops.
//!
//! A tile keeps the sums of up to eight rows by two vectors of columns in registers; a step loads
//! the vectors of `b` once and one value of `a` a row.

use super::parts::{End, Init, Pair, Product};

macro_rules! tiles {
    (
        $name:ident, $feature:literal, $lanes:literal lanes, $wide_rows:literal rows of two vectors,
        $zero:ident, $splat:ident, $load:ident, $store:ident, $add:ident, $max:ident, $fmadd:ident
    ) => {
        pub mod $name {
            use std::arch::x86_64::{$add, $fmadd, $load, $max, $splat, $store, $zero};

            use super::{End, Init, Pair, Product};

            /// Computes the leading columns and returns how many are done: all but fewer than a
            /// vector.
            ///
            /// # Safety
            /// The CPU must have what this module is compiled for, and every offset of `product`
            /// lie inside its slice.
            #[target_feature(enable = $feature)]
            pub unsafe fn leading(product: &mut Product<'_, f32>) -> usize {
                let mut j = 0;
                // SAFETY: as the caller's; columns j .. j + lanes * vectors stay below n.
                unsafe {
                    while j + 2 * $lanes <= product.n {
                        columns::<$wide_rows, 2>(product, j);
                        j += 2 * $lanes;
                    }
                    while j + $lanes <= product.n {
                        columns::<8, 1>(product, j);
                        j += $lanes;
                    }
                }
                j
            }

            #[target_feature(enable = $feature)]
            unsafe fn columns<const ROWS: usize, const VECTORS: usize>(
                product: &mut Product<'_, f32>,
                j: usize,
            ) {
                let (groups, rest) = product.rows.as_chunks::<ROWS>();
                // SAFETY: as the caller's.
                unsafe {
                    for rows in groups {
                        tile::<ROWS, VECTORS>(product, rows, j);
                    }
                    // One chain of sums waits four cycles for each term: what is left over stays
                    // together.
                    let (fours, rest) = rest.as_chunks::<4>();
                    for rows in fours {
                        tile::<4, VECTORS>(product, rows, j);
                    }
                    match *rest {
                        [a] => tile::<1, VECTORS>(product, &[a], j),
                        [a, b] => tile::<2, VECTORS>(product, &[a, b], j),
                        [a, b, c] => tile::<3, VECTORS>(product, &[a, b, c], j),
                        _ => {}
                    }
                }
            }

            #[inline]
            #[target_feature(enable = $feature)]
            unsafe fn tile<const ROWS: usize, const VECTORS: usize>(
                product: &mut Product<'_, f32>,
                rows: &[Pair; ROWS],
                j: usize,
            ) {
                let mut sums = [[$zero(); VECTORS]; ROWS];
                // SAFETY: gather_gemm checked that every row has n outputs in c and in what the end
                // reads and writes beside it, and n biases; every step n factors in b; and that
                // row.left + step.left lies in a.
                unsafe {
                    for (sum, row) in sums.iter_mut().zip(rows) {
                        let start = match product.init {
                            Init::Zero => continue,
                            Init::Bias(bias) => bias.as_ptr().add(j),
                            Init::Accumulate => product.c.as_ptr().add(row.right as usize + j),
                        };
                        for (v, sum) in sum.iter_mut().enumerate() {
                            *sum = $load(start.add($lanes * v));
                        }
                    }
                    let starts = rows.map(|row| product.a.as_ptr().add(row.left as usize));
                    for step in product.steps {
                        let b = product.b.as_ptr().add(step.right as usize + j);
                        let mut right = [$zero(); VECTORS];
                        for (v, right) in right.iter_mut().enumerate() {
                            *right = $load(b.add($lanes * v));
                        }
                        for (sum, start) in sums.iter_mut().zip(starts) {
                            let left = $splat(*start.add(step.left as usize));
                            for (sum, &right) in sum.iter_mut().zip(&right) {
                                *sum = $fmadd(left, right, *sum);
                            }
                        }
                    }
                    let zero = $zero();
                    for (sum, row) in sums.iter().zip(rows) {
                        for (v, &sum) in sum.iter().enumerate() {
                            let at = row.right as usize + j + $lanes * v;
                            let c = product.c.as_mut_ptr().add(at);
                            // The maximum is its second operand where the first is no number or
                            // both are zeros.
                            match &mut product.end {
                                End::Store => $store(c, sum),
                                End::Rectify => $store(c, $max(sum, zero)),
                                End::Add(x) => $store(c, $add($load(x.as_ptr().add(at)), sum)),
                                End::AddRectified { x, z } => {
                                    let rectified = $max(sum, zero);
                                    $store(z.as_mut_ptr().add(at), rectified);
                                    $store(c, $add($load(x.as_ptr().add(at)), rectified));
                                }
                            }
                        }
                    }
                }
            }
        }
    };
}

tiles!(
    avx2, "avx2,fma", 8 lanes, 6 rows of two vectors,
    _mm256_setzero_ps, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps,
    _mm256_add_ps, _mm256_max_ps, _mm256_fmadd_ps
);
tiles!(
    avx512, "avx512f", 16 lanes, 8 rows of two vectors,
    _mm512_setzero_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps,
    _mm512_add_ps, _mm512_max_ps, _mm512_fmadd_ps
);
