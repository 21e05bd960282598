//! Fully connected layer: `y[n, o] = bias[o] + sum over i: x[n, i] w[i, o]`.
//!
//! x `(samples, in)`, w `(in, out)`, y `(samples, out)`. Cost: in out multiply-adds a sample, three
//! times that with both gradients.

use crate::numeric::Real;
use crate::numeric::gather_gemm::{Init, Row, Step, gather_gemm};

/// A dense layer's sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Inputs of a sample.
    pub in_len: usize,
    /// Outputs of a sample.
    pub out_len: usize,
}

impl Dense {
    /// Writes `y`.
    pub fn forward<T: Real>(
        self,
        sample_len: usize,
        x: &[T],
        weight: &[T],
        bias: &[T],
        y: &mut [T],
    ) {
        let rows = rows(sample_len, self.in_len, self.out_len);
        let steps = steps(self.in_len, 1, self.out_len);
        gather_gemm(
            (x, weight, y),
            &rows,
            &steps,
            self.out_len,
            Init::Bias(bias),
        );
    }

    /// Writes `d_weight` and `d_bias`, summed over the samples in order.
    pub fn backward_weight<T: Real>(
        self,
        sample_len: usize,
        x: &[T],
        d_y: &[T],
        d_weight: &mut [T],
        d_bias: &mut [T],
    ) {
        let rows = rows(self.in_len, 1, self.out_len);
        let steps = steps(sample_len, self.in_len, self.out_len);
        gather_gemm((x, d_y, d_weight), &rows, &steps, self.out_len, Init::Zero);
        d_bias.fill(T::ZERO);
        for sample in d_y[..sample_len * self.out_len].chunks_exact(self.out_len) {
            for (sum, &d) in d_bias.iter_mut().zip(sample) {
                *sum += d;
            }
        }
    }

    /// Adds to `d_x`. `scratch` holds as many values as the weights.
    pub fn backward_input<T: Real>(
        self,
        sample_len: usize,
        d_y: &[T],
        weight: &[T],
        scratch: &mut [T],
        d_x: &mut [T],
    ) {
        let swapped = &mut scratch[..self.in_len * self.out_len];
        transpose(weight, self.in_len, self.out_len, swapped);
        let rows = rows(sample_len, self.out_len, self.in_len);
        let steps = steps(self.out_len, 1, self.in_len);
        gather_gemm(
            (d_y, swapped, d_x),
            &rows,
            &steps,
            self.in_len,
            Init::Accumulate,
        );
    }
}

/// `to[j, i] = from[i, j]` for `from` of shape `(rows, columns)`.
pub fn transpose<T: Real>(from: &[T], rows: usize, columns: usize, to: &mut [T]) {
    for (i, row) in from.chunks_exact(columns).take(rows).enumerate() {
        for (j, &value) in row.iter().enumerate() {
            to[j * rows + i] = value;
        }
    }
}

fn rows(len: usize, a: usize, c: usize) -> Vec<Row> {
    (0..len)
        .map(|i| Row {
            a: (i * a) as u32,
            c: (i * c) as u32,
        })
        .collect()
}

fn steps(len: usize, a: usize, b: usize) -> Vec<Step> {
    (0..len)
        .map(|i| Step {
            a: (i * a) as u32,
            b: (i * b) as u32,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::finite_difference as fd;

    #[test]
    fn gradients_are_the_differences() {
        for shape in 0..fd::SHAPE_LEN {
            let s = &mut fd::stream(shape);
            let dense = Dense {
                in_len: fd::length(s, 20),
                out_len: fd::length(s, 20),
            };
            let n = fd::length(s, 5);
            let name = format!("{dense:?} of {n}");
            let x = fd::normals(s, n * dense.in_len);
            let weight = fd::normals(s, dense.in_len * dense.out_len);
            let bias = fd::normals(s, dense.out_len);
            let d_y = fd::normals(s, n * dense.out_len);

            let (mut d_weight, mut d_bias) = (vec![9.0; weight.len()], vec![9.0; bias.len()]);
            dense.backward_weight(n, &x, &d_y, &mut d_weight, &mut d_bias);
            // The gradient is added to what is there.
            let before = fd::normals(s, x.len());
            let mut d_x = before.clone();
            dense.backward_input(n, &d_y, &weight, &mut vec![9.0; weight.len()], &mut d_x);
            d_x.iter_mut().zip(&before).for_each(|(d, b)| *d -= b);

            let loss = |x: &[f64], weight: &[f64], bias: &[f64]| {
                let mut y = vec![9.0; d_y.len()];
                dense.forward(n, x, weight, bias, &mut y);
                fd::functional(&d_y, &y)
            };
            fd::check(&name, &x, &d_x, &mut |x| loss(x, &weight, &bias));
            fd::check(&name, &weight, &d_weight, &mut |w| loss(&x, w, &bias));
            fd::check(&name, &bias, &d_bias, &mut |b| loss(&x, &weight, b));
        }
    }
}
