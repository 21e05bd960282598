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

mod parts;
mod tile;
#[cfg(target_arch = "x86_64")]
mod vector;

pub use parts::{End, Init, Pair, Product};

use super::Real;
use super::simd::{Path, path, vectorised};

/// Computes the gathered product; rows of `c` that no `rows` names stay as they are.
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
    if rows.is_empty() || n == 0 {
        return;
    }
    let (row, step) = (largest(rows), largest(steps));
    assert!(
        steps.is_empty() || row.left as usize + (step.left as usize) < a.len(),
        "left factor too short"
    );
    assert!(
        steps.is_empty() || step.right as usize + n <= b.len(),
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
        match path() {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => {
                let single = product.as_f32();
                let done = single.map_or(0, |mut product| vector::avx512::leading(&mut product));
                avx2_tiles(&mut product, done);
            }
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => {
                let single = product.as_f32();
                let done = single.map_or(0, |mut product| vector::avx2::leading(&mut product));
                avx2_tiles(&mut product, done);
            }
            _ => tile::all(&mut product, 0),
        }
    }
}

/// The largest offset on either side.
fn largest(pairs: &[Pair]) -> Pair {
    vectorised(|| {
        pairs.iter().fold(Pair::default(), |most, pair| Pair {
            left: most.left.max(pair.left),
            right: most.right.max(pair.right),
        })
    })
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
        for row in rows {
            for j in 0..n {
                let out = row.right as usize + j;
                let mut sum = match init {
                    Init::Zero => 0.0,
                    Init::Bias(bias) => bias[j],
                    Init::Accumulate => c[out],
                };
                for step in steps {
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

    #[test]
    fn every_width_and_remainder_equals_the_definition_to_the_bit() {
        let mut stream = Stream::new(1, Purpose::Nulls, 0);
        let mut random =
            |len: usize| -> Vec<f32> { (0..len).map(|_| stream.normal() as f32).collect() };
        let bits = |c: &[f32]| c.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        for n in [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 53, 64] {
            for row_len in [1, 2, 3, 5, 7, 8, 9, 18] {
                let (a, b, bias) = (random(200), random(40 * n), random(n));
                let rows: Vec<Pair> = (0..row_len)
                    .map(|r| Pair {
                        left: r * 5 % 97,
                        right: r * (n as u32 + 3),
                    })
                    .collect();
                let steps: Vec<Pair> = (0..33)
                    .map(|s| Pair {
                        left: s * 7 % 101,
                        right: (s % 40) * n as u32,
                    })
                    .collect();
                let c_len = row_len as usize * (n + 3);
                let (start, x, kept) = (random(c_len), random(c_len), random(c_len));
                for init in [Init::Zero, Init::Bias(&bias), Init::Accumulate] {
                    for which in 0..4 {
                        let run = |is_fast: bool| {
                            let (mut c, mut z) = (start.clone(), kept.clone());
                            let end = match which {
                                0 => End::Store,
                                1 => End::Rectify,
                                2 => End::Add(&x),
                                _ => End::AddRectified { x: &x, z: &mut z },
                            };
                            let product = Product {
                                a: &a,
                                b: &b,
                                c: &mut c,
                                rows: &rows,
                                steps: &steps,
                                n,
                                init,
                                end,
                            };
                            match is_fast {
                                true => gather_gemm(product),
                                false => naive(product),
                            }
                            (bits(&c), bits(&z))
                        };
                        let name = format!("n {n} rows {row_len} {init:?} end {which}");
                        assert_eq!(run(true), run(false), "{name}");
                    }
                }
            }
        }
    }

    #[test]
    fn rectified_zeros_and_nans_are_zeros() {
        let b = [[f32::NAN; 16], [-0.0; 16], [-1.0; 16]].concat();
        for (step, row) in [0, 16, 32].into_iter().enumerate() {
            let mut c = [9.0f32; 16];
            let (rows, steps) = (
                [Pair::default()],
                [Pair {
                    left: 0,
                    right: row,
                }],
            );
            gather_gemm(Product {
                a: &[1.0],
                b: &b,
                c: &mut c,
                rows: &rows,
                steps: &steps,
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
            rows: &[Pair::default()],
            steps: &[Pair { left: 2, right: 0 }],
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
            rows: &[Pair::default()],
            steps: &[Pair::default()],
            n: 4,
            init: Init::Zero,
            end: End::Add(&[0.0; 3]),
        });
    }
}
