//! Sums in one fixed order, so that they have the same bits on any machine.

use super::Real;
use super::gather_gemm::Pair;
use super::simd::{Work, apply, vectorised};

/// The inner product, accumulated in `f64` from left to right in eight interleaved partial sums.
pub fn dot<T: Real>(a: &[T], b: &[T]) -> f64 {
    assert_eq!(a.len(), b.len(), "dot of vectors of different length");
    apply(Dot(a, b))
}

struct Dot<'a, T>(&'a [T], &'a [T]);

impl<T: Real> Work for Dot<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut partial = [0.0f64; 8];
        let (a_chunks, a_rest) = self.0.as_chunks::<8>();
        let (b_chunks, b_rest) = self.1.as_chunks::<8>();
        for (x, y) in a_chunks.iter().zip(b_chunks) {
            for lane in 0..8 {
                partial[lane] += x[lane].to_f64() * y[lane].to_f64();
            }
        }
        let mut total = partial.iter().sum::<f64>();
        for (x, y) in a_rest.iter().zip(b_rest) {
            total += x.to_f64() * y.to_f64();
        }
        total
    }
}

/// The Euclidean norm.
pub fn norm<T: Real>(a: &[T]) -> f64 {
    dot(a, a).sqrt()
}

/// The mean, 0 for nothing.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.iter().sum::<f64>() / values.len() as f64
}

/// Adds `values` to `total`, entry by entry.
pub fn add<T: Real>(values: &[T], total: &mut [T]) {
    vectorised(|| {
        for (total, &value) in total.iter_mut().zip(values) {
            *total += value;
        }
    });
}

/// Column sums: `out[j] = sum over rows of values[row.right + j]`, or added to `out` where `adds`.
/// Row r goes to partial sum r mod 4, and the four are added as `(0 + 1) + (2 + 3)`.
pub fn columns<T: Real>(values: &[T], rows: &[Pair], out: &mut [T], adds: bool) {
    apply(Columns {
        values,
        rows,
        out,
        adds,
    });
}

struct Columns<'a, T> {
    values: &'a [T],
    rows: &'a [Pair],
    out: &'a mut [T],
    adds: bool,
}

impl<T: Real> Work for Columns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (blocks, rest) = self.out.as_chunks_mut::<16>();
        let rest_start = blocks.len() * 16;
        for (i, block) in blocks.iter_mut().enumerate() {
            column_block(self.values, self.rows, 16 * i, block, self.adds);
        }
        for (i, out) in rest.iter_mut().enumerate() {
            let out = std::array::from_mut(out);
            column_block(self.values, self.rows, rest_start + i, out, self.adds);
        }
    }
}

#[inline(always)]
fn column_block<T: Real, const LANES: usize>(
    values: &[T],
    rows: &[Pair],
    j: usize,
    out: &mut [T; LANES],
    adds: bool,
) {
    let mut partial = [[T::ZERO; LANES]; 4];
    for four in rows.chunks(4) {
        for (sum, row) in partial.iter_mut().zip(four) {
            let values = &values[row.right as usize + j..][..LANES];
            for lane in 0..LANES {
                sum[lane] += values[lane];
            }
        }
    }
    let [a, b, c, d] = partial;
    for lane in 0..LANES {
        let total = (a[lane] + b[lane]) + (c[lane] + d[lane]);
        out[lane] = if adds { out[lane] + total } else { total };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{Purpose, Stream};

    #[test]
    fn column_sums_follow_their_definition_to_the_bit() {
        let stream = &mut Stream::new(2, Purpose::Nulls, 0);
        for (n, row_len) in [(1, 1), (5, 3), (16, 4), (19, 9), (40, 30)] {
            let values: Vec<f32> = (0..n * 40).map(|_| stream.normal() as f32).collect();
            let before: Vec<f32> = (0..n).map(|_| stream.normal() as f32).collect();
            let rows: Vec<Pair> = (0..row_len)
                .map(|r| Pair {
                    left: 0,
                    right: (r * 7 % 40 * n) as u32,
                })
                .collect();
            for adds in [false, true] {
                let mut found = before.clone();
                columns(&values, &rows, &mut found, adds);
                for j in 0..n {
                    let mut partial = [0.0f32; 4];
                    for (r, row) in rows.iter().enumerate() {
                        partial[r % 4] += values[row.right as usize + j];
                    }
                    let total = (partial[0] + partial[1]) + (partial[2] + partial[3]);
                    let expected = if adds { before[j] + total } else { total };
                    assert_eq!(found[j].to_bits(), expected.to_bits(), "{n} {row_len} {j}");
                }
            }
        }
    }
}
