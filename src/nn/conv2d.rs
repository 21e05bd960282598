//! Convolution 3x3, zero padding 1, stride 1 or 2.
//!
//! ```text
//! y[n, i, j, o] = bias[o] + sum over ki, kj, c:  x[n, s i + ki - 1, s j + kj - 1, c] * w[ki, kj, c, o]
//! ```
//!
//! x `(samples, height, width, in)` and y `(samples, ceil(height / s), ceil(width / s), out)` are
//! bordered, w is `(3, 3, in, out)`. All three products are one [`gather_gemm`] each. Cost: 9 in out
//! multiply-adds an output cell, three times that with both gradients.

use crate::numeric::Real;
use crate::numeric::gather_gemm::{End, Init, Pair, Product, gather_gemm};
use crate::numeric::sum;

use super::Image;

/// A convolution for blocks of up to a fixed number of samples, with the offsets its products need.
#[derive(Clone, Debug)]
pub struct Conv2d {
    x: Image,
    y: Image,
    /// One an output cell, sample by sample: `left` in x, `right` in y.
    outputs: Vec<Pair>,
    /// One a weight row `(ki, kj, c)`: `left` in x, `right` in w.
    taps: Vec<Pair>,
    /// Input cells by their remainder modulo the stride, with the terms that reach them.
    inputs: Vec<InputClass>,
}

#[derive(Clone, Debug)]
struct InputClass {
    /// One an input cell, sample by sample: `left` in d_y, `right` in d_x.
    rows: Vec<Pair>,
    /// `left` in d_y, `right` in the transposed weights.
    steps: Vec<Pair>,
}

impl Conv2d {
    /// A convolution from `x` to `out_channels`, for up to `sample_len` samples at once.
    pub fn new(x: Image, out_channels: usize, stride: usize, sample_len: usize) -> Self {
        assert!(stride == 1 || stride == 2, "stride 1 or 2");
        let half = |len: usize| (len - 1) / stride + 1;
        let y = Image {
            height: half(x.height),
            width: half(x.width),
            channels: out_channels,
        };
        let mut outputs = Vec::with_capacity(sample_len * y.height * y.width);
        for sample in 0..sample_len {
            for i in 0..y.height {
                for j in 0..y.width {
                    outputs.push(Pair {
                        left: offset(x.offset(sample, stride * i, stride * j)),
                        right: offset(y.offset(sample, i + 1, j + 1)),
                    });
                }
            }
        }
        let mut taps = Vec::with_capacity(9 * x.channels);
        for (tap, (ki, kj)) in TAPS.into_iter().enumerate() {
            for c in 0..x.channels {
                taps.push(Pair {
                    left: offset(x.offset(0, ki, kj) + c),
                    right: offset((tap * x.channels + c) * out_channels),
                });
            }
        }
        let inputs = (0..stride * stride)
            .map(|class| {
                InputClass::new(x, y, stride, (class / stride, class % stride), sample_len)
            })
            .collect();
        Self {
            x,
            y,
            outputs,
            taps,
            inputs,
        }
    }

    /// The input's shape.
    pub fn x(&self) -> Image {
        self.x
    }

    /// The output's shape.
    pub fn y(&self) -> Image {
        self.y
    }

    /// Multiply-adds of one sample forward.
    pub fn forward_len(&self) -> usize {
        9 * self.x.channels * self.y.interior_len()
    }

    /// Writes the interior of `y`, ended as `end` says.
    pub fn forward<T: Real>(
        &self,
        sample_len: usize,
        x: &[T],
        weight: &[T],
        bias: &[T],
        y: &mut [T],
        end: End<'_, T>,
    ) {
        let (rows, init) = (self.cells(sample_len), Init::Bias(bias));
        gather_gemm(Product {
            a: x,
            b: weight,
            c: y,
            rows,
            steps: &self.taps,
            n: self.y.channels,
            init,
            end,
        });
    }

    /// Writes `d_weight` and `d_bias`, the sums over all cells of all samples in order, or adds to
    /// them.
    pub fn backward_weight<T: Real>(
        &self,
        sample_len: usize,
        x: &[T],
        d_y: &[T],
        d_weight: &mut [T],
        d_bias: &mut [T],
        adds: bool,
    ) {
        let cells = self.cells(sample_len);
        let init = if adds { Init::Accumulate } else { Init::Zero };
        gather_gemm(Product {
            a: x,
            b: d_y,
            c: d_weight,
            rows: &self.taps,
            steps: cells,
            n: self.y.channels,
            init,
            end: End::Store,
        });
        sum::columns(d_y, cells, d_bias, adds);
    }

    /// Writes the interior of `d_x`, or adds to it. `transposed` holds the weights as
    /// [`transpose`](Self::transpose) lays them.
    pub fn backward_input<T: Real>(
        &self,
        sample_len: usize,
        d_y: &[T],
        transposed: &[T],
        d_x: &mut [T],
        adds: bool,
    ) {
        let init = if adds { Init::Accumulate } else { Init::Zero };
        for class in &self.inputs {
            let rows = &class.rows[..class.rows.len() / self.sample_len() * sample_len];
            gather_gemm(Product {
                a: d_y,
                b: transposed,
                c: d_x,
                rows,
                steps: &class.steps,
                n: self.x.channels,
                init,
                end: End::Store,
            });
        }
    }

    /// The weights as `(3, 3, out, in)`.
    pub fn transpose<T: Real>(&self, weight: &[T], transposed: &mut [T]) {
        let (c_len, o_len) = (self.x.channels, self.y.channels);
        let taps = weight.chunks_exact(c_len * o_len);
        for (from, to) in taps.zip(transposed.chunks_exact_mut(c_len * o_len)) {
            super::dense::transpose(from, c_len, o_len, to);
        }
    }

    fn cells(&self, sample_len: usize) -> &[Pair] {
        &self.outputs[..sample_len * self.y.height * self.y.width]
    }

    fn sample_len(&self) -> usize {
        self.outputs.len() / (self.y.height * self.y.width)
    }
}

const TAPS: [(usize, usize); 9] = [
    (0, 0),
    (0, 1),
    (0, 2),
    (1, 0),
    (1, 1),
    (1, 2),
    (2, 0),
    (2, 1),
    (2, 2),
];

impl InputClass {
    /// Input cell `s q + r` is reached from output cell `q + (r + 1 - k) / s` by every tap `k` for
    /// which that is whole; beyond the image's edge the border supplies the zeros.
    fn new(
        x: Image,
        y: Image,
        stride: usize,
        remainder: (usize, usize),
        sample_len: usize,
    ) -> Self {
        let reach = |r: usize, k: usize| {
            let ahead = r + 1 + 2 * stride - k;
            ahead.is_multiple_of(stride).then(|| ahead / stride - 1)
        };
        let mut steps = Vec::new();
        for (tap, (ki, kj)) in TAPS.into_iter().enumerate() {
            let (Some(i), Some(j)) = (reach(remainder.0, ki), reach(remainder.1, kj)) else {
                continue;
            };
            for o in 0..y.channels {
                steps.push(Pair {
                    left: offset(y.offset(0, i, j) + o),
                    right: offset((tap * y.channels + o) * x.channels),
                });
            }
        }
        let mut rows = Vec::new();
        for sample in 0..sample_len {
            for i in (remainder.0..x.height).step_by(stride) {
                for j in (remainder.1..x.width).step_by(stride) {
                    rows.push(Pair {
                        left: offset(y.offset(sample, i / stride, j / stride)),
                        right: offset(x.offset(sample, i + 1, j + 1)),
                    });
                }
            }
        }
        Self { rows, steps }
    }
}

fn offset(value: usize) -> u32 {
    u32::try_from(value).expect("a block of activations stays below 2^32 values")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::finite_difference as fd;

    #[test]
    fn gradients_are_the_differences() {
        for shape in 0..fd::SHAPE_LEN {
            let s = &mut fd::stream(shape);
            let stride = 1 + (shape % 2) as usize;
            let (height, width, channels) = (fd::length(s, 6), fd::length(s, 6), fd::length(s, 4));
            let image = Image {
                height,
                width,
                channels,
            };
            let (out, n) = (fd::length(s, 6), fd::length(s, 3));
            let conv = Conv2d::new(image, out, stride, n + 1);
            let name = format!("{image:?} to {out}, stride {stride}");
            let x = fd::bordered(s, image, n + 1);
            let weight = fd::normals(s, 9 * channels * out);
            let bias = fd::normals(s, out);
            let d_y = fd::bordered(s, conv.y(), n);

            let mut transposed = vec![9.0; weight.len()];
            conv.transpose(&weight, &mut transposed);
            let run = |d_weight: f64, before: &[f64], adds: bool| {
                let (mut d_weight, mut d_bias) =
                    (vec![d_weight; weight.len()], vec![d_weight; out]);
                let mut d_x = before.to_vec();
                conv.backward_weight(n, &x, &d_y, &mut d_weight, &mut d_bias, adds);
                conv.backward_input(n, &d_y, &transposed, &mut d_x, adds);
                (d_weight, d_bias, d_x)
            };
            let before = fd::bordered(s, image, n);
            let (d_weight, d_bias, d_x) = run(9.0, &before, false);
            assert!(fd::border_is_zero(&d_x, image, n), "{name}");
            let zeros = vec![0.0; before.len()];
            assert_eq!(
                run(0.0, &zeros, true),
                (d_weight.clone(), d_bias.clone(), d_x.clone()),
                "{name}"
            );

            let loss = |x: &[f64], weight: &[f64], bias: &[f64]| {
                let mut y = vec![0.0; n * conv.y().bordered_len()];
                conv.forward(n, x, weight, bias, &mut y, End::Store);
                assert!(fd::border_is_zero(&y, conv.y(), n));
                fd::functional(&d_y, &y)
            };
            fd::check(&name, &weight, &d_weight, &mut |w| loss(&x, w, &bias));
            fd::check(&name, &bias, &d_bias, &mut |b| loss(&x, &weight, b));
            let mut moved = x.clone();
            let inner = fd::interior(&x, image, n);
            let mut by_x = |inner: &[f64]| {
                let mut inner = inner.iter();
                for row in image.rows(n) {
                    moved[row]
                        .iter_mut()
                        .zip(&mut inner)
                        .for_each(|(m, &v)| *m = v);
                }
                loss(&moved, &weight, &bias)
            };
            fd::check(&name, &inner, &fd::interior(&d_x, image, n), &mut by_x);
        }
    }

    #[test]
    fn forward_is_the_definition_to_the_bit() {
        for shape in 0..fd::SHAPE_LEN {
            let s = &mut fd::stream(100 + shape);
            let stride = 1 + (shape % 2) as usize;
            let (height, width, channels) = (fd::length(s, 9), fd::length(s, 9), fd::length(s, 20));
            let image = Image {
                height,
                width,
                channels,
            };
            let (out, n) = (fd::length(s, 40), fd::length(s, 3));
            let narrow = |v: Vec<f64>| -> Vec<f32> { v.into_iter().map(|v| v as f32).collect() };
            let conv = Conv2d::new(image, out, stride, n);
            let x = narrow(fd::bordered(s, image, n));
            let weight = narrow(fd::normals(s, 9 * channels * out));
            let bias = narrow(fd::normals(s, out));
            let mut y = vec![0.0; n * conv.y().bordered_len()];
            conv.forward(n, &x, &weight, &bias, &mut y, End::Store);
            let mut expected = vec![0.0; y.len()];
            for sample in 0..n {
                for i in 0..height.div_ceil(stride) {
                    for j in 0..width.div_ceil(stride) {
                        for o in 0..out {
                            let mut sum = bias[o];
                            for ki in 0..3 {
                                for kj in 0..3 {
                                    // One more than the cell, as the border counts.
                                    let (row, column) = (stride * i + ki, stride * j + kj);
                                    if !(1..=height).contains(&row)
                                        || !(1..=width).contains(&column)
                                    {
                                        continue;
                                    }
                                    for c in 0..channels {
                                        let x = x[image.offset(sample, row, column) + c];
                                        let w = weight[((ki * 3 + kj) * channels + c) * out + o];
                                        sum = f32::mul_add(x, w, sum);
                                    }
                                }
                            }
                            expected[conv.y().offset(sample, i + 1, j + 1) + o] = sum;
                        }
                    }
                }
            }
            let bits = |v: &[f32]| -> Vec<u32> { v.iter().map(|v| v.to_bits()).collect() };
            assert_eq!(
                bits(&y),
                bits(&expected),
                "{image:?} to {out}, stride {stride}"
            );
        }
    }
}
