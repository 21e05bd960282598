//! Fully connected layer: `y[n, o] = bias[o] + sum over i: x[n, i] w[i, o]`.
//!
//! x `(samples, in)`, w `(in, out)`, y `(samples, out)`. Cost: in out multiply-adds a sample, three
//! times that with both gradients.

use crate::numeric::Real;
use crate::numeric::gather_gemm::{End, Init, Pair, Pairs, Product, gather_gemm};
use crate::numeric::sum;

/// A dense layer for blocks of up to a fixed number of samples, with the offsets its products need.
#[derive(Clone, Debug)]
pub struct Dense {
    in_len: usize,
    out_len: usize,
    /// One a sample: `left` in x, `right` in y.
    samples: Pairs,
    /// One a weight row: `left` in x, `right` in w.
    inputs: Pairs,
    /// One a sample: `left` in d_y, `right` in d_x.
    d_samples: Pairs,
    /// One an output: `left` in d_y, `right` in the transposed weights.
    outputs: Pairs,
}

impl Dense {
    /// A layer from `in_len` to `out_len` values, for up to `sample_len` samples at once.
    pub fn new(in_len: usize, out_len: usize, sample_len: usize) -> Self {
        let pairs = |len: usize, left: usize, right: usize| {
            Pairs::repeated(&[Pair::default()], Pair::new(left, right), len)
        };
        Self {
            in_len,
            out_len,
            samples: pairs(sample_len, in_len, out_len),
            inputs: pairs(in_len, 1, out_len),
            d_samples: pairs(sample_len, out_len, in_len),
            outputs: pairs(out_len, 1, in_len),
        }
    }

    /// Multiply-adds of one sample forward.
    pub fn forward_len(&self) -> usize {
        self.in_len * self.out_len
    }

    /// Writes `y`, ended as `end` says.
    pub fn forward<T: Real>(
        &self,
        sample_len: usize,
        x: &[T],
        weight: &[T],
        bias: &[T],
        y: &mut [T],
        end: End<'_, T>,
    ) {
        let init = Init::Bias(bias);
        gather_gemm(Product {
            a: x,
            b: weight,
            c: y,
            rows: self.samples.first(sample_len),
            steps: self.inputs.all(),
            n: self.out_len,
            init,
            end,
        });
    }

    /// Writes `d_weight` and `d_bias`, summed over the samples in order, or adds to them.
    pub fn backward_weight<T: Real>(
        &self,
        sample_len: usize,
        x: &[T],
        d_y: &[T],
        d_weight: &mut [T],
        d_bias: &mut [T],
        adds: bool,
    ) {
        let samples = self.samples.first(sample_len);
        let init = if adds { Init::Accumulate } else { Init::Zero };
        gather_gemm(Product {
            a: x,
            b: d_y,
            c: d_weight,
            rows: self.inputs.all(),
            steps: samples,
            n: self.out_len,
            init,
            end: End::Store,
        });
        sum::columns(d_y, samples.list(), d_bias, adds);
    }

    /// Writes `d_x`, or adds to it. `transposed` holds the weights as
    /// [`transpose`](Self::transpose) lays them.
    pub fn backward_input<T: Real>(
        &self,
        sample_len: usize,
        d_y: &[T],
        transposed: &[T],
        d_x: &mut [T],
        adds: bool,
    ) {
        let rows = self.d_samples.first(sample_len);
        let init = if adds { Init::Accumulate } else { Init::Zero };
        gather_gemm(Product {
            a: d_y,
            b: transposed,
            c: d_x,
            rows,
            steps: self.outputs.all(),
            n: self.in_len,
            init,
            end: End::Store,
        });
    }

    /// The weights as `(out, in)`.
    pub fn transpose<T: Real>(&self, weight: &[T], transposed: &mut [T]) {
        transpose(weight, self.in_len, self.out_len, transposed);
    }
}

/// `to[j, i] = from[i, j]` for `from` of shape `(rows, columns)`.
pub fn transpose<T: Real>(from: &[T], rows: usize, columns: usize, to: &mut [T]) {
    assert_eq!(from.len(), rows * columns);
    assert_eq!(to.len(), from.len());
    // Few columns at a time: the lines being written stay in the first-level cache.
    for first in (0..columns).step_by(16) {
        let last = (first + 16).min(columns);
        for (i, row) in from.chunks_exact(columns).enumerate() {
            for (j, &value) in row[first..last].iter().enumerate() {
                to[(first + j) * rows + i] = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::finite_difference as fd;

    #[test]
    fn gradients_are_the_differences() {
        for shape in 0..fd::SHAPE_LEN {
            let s = &mut fd::stream(shape);
            let (in_len, out_len) = (fd::length(s, 20), fd::length(s, 20));
            let n = fd::length(s, 5);
            let dense = Dense::new(in_len, out_len, n + 1);
            let name = format!("{in_len} to {out_len}, {n} samples");
            let x = fd::normals(s, n * in_len);
            let weight = fd::normals(s, in_len * out_len);
            let bias = fd::normals(s, out_len);
            let d_y = fd::normals(s, n * out_len);

            let mut transposed = vec![9.0; weight.len()];
            dense.transpose(&weight, &mut transposed);
            let run = |start: f64, adds: bool| {
                let (mut d_weight, mut d_bias) = (vec![start; weight.len()], vec![start; out_len]);
                let mut d_x = vec![start; x.len()];
                dense.backward_weight(n, &x, &d_y, &mut d_weight, &mut d_bias, adds);
                dense.backward_input(n, &d_y, &transposed, &mut d_x, adds);
                (d_weight, d_bias, d_x)
            };
            let (d_weight, d_bias, d_x) = run(9.0, false);
            assert_eq!(
                run(0.0, true),
                (d_weight.clone(), d_bias.clone(), d_x.clone())
            );

            let loss = |x: &[f64], weight: &[f64], bias: &[f64]| {
                let mut y = vec![9.0; d_y.len()];
                dense.forward(n, x, weight, bias, &mut y, End::Store);
                fd::functional(&d_y, &y)
            };
            fd::check(&name, &x, &d_x, &mut |x| loss(x, &weight, &bias));
            fd::check(&name, &weight, &d_weight, &mut |w| loss(&x, w, &bias));
            fd::check(&name, &bias, &d_bias, &mut |b| loss(&x, &weight, b));
        }
    }
}
