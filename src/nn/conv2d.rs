//! Convolution 3x3, zero padding 1, stride 1 or 2.
//!
//! ```text
//! y[n, i, j, o] = bias[o] + sum over ki, kj, c:  x[n, s i + ki - 1, s j + kj - 1, c] * w[ki, kj, c, o]
//! ```
//!
//! x `(samples, height, width, in)` and y `(samples, ceil(height / s), ceil(width / s), out)` are
//! bordered, w is `(3, 3, in, out)`. All three products are [`gather_gemm`]s, cut so that what is
//! known to be zero is left out: cells that the same taps reach go together, with the terms of those taps alone.
//! On an image of 5 x 5 that saves a quarter of the work; a term of zero changes no sum of finite
//! factors but the sign of a zero.
//! Cost: in out multiply-adds for every output cell and tap inside the image, three times that with both
//! gradients (the gradient of the weights of few channels takes all taps).

use std::collections::BTreeMap;

use crate::numeric::Real;
use crate::numeric::gather_gemm::{End, Init, Pair, Pairs, Product, gather_gemm};
use crate::numeric::sum;

use super::Image;

/// Channels below which the gradient of the weights is one product: a tap of its own would have too
/// few rows to keep the multiply-add units busy.
const ALONE: usize = 8;

/// A convolution for blocks of up to a fixed number of samples, with the offsets its products need.
#[derive(Clone, Debug)]
pub struct Conv2d {
    x: Image,
    y: Image,
    /// Pairs of an output cell and a tap that reaches inside the image, of one sample.
    reached: usize,
    /// One an output cell, sample by sample: `left` in x, `right` in y.
    cells: Pairs,
    /// Rows: output cells, `left` in x, `right` in y. Steps: `left` in x, `right` in w.
    forward: Vec<Gathered>,
    /// Rows: weight rows `(ki, kj, c)`, `left` in x, `right` in w. Steps: output cells, `left` in x,
    /// `right` in d_y.
    weight: Vec<Gathered>,
    /// Rows: input cells, `left` in d_y, `right` in d_x. Steps: `left` in d_y, `right` in the
    /// transposed weights.
    input: Vec<Gathered>,
}

/// Sums of the same terms. Cells, be they rows or steps, stand sample by sample.
#[derive(Clone, Debug)]
struct Gathered {
    rows: Pairs,
    steps: Pairs,
}

/// A place in the kernel.
type Tap = (usize, usize);

const TAPS: [Tap; 9] = [
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
        let shape = Geometry {
            x,
            y,
            stride,
            sample_len,
        };
        let all = shape.cells();
        let reached = |&cell: &Tap| TAPS.iter().filter(|tap| shape.reaches(cell, **tap)).count();
        Self {
            x,
            y,
            reached: all.iter().map(reached).sum(),
            cells: shape.outputs(&all),
            forward: shape.forward(),
            weight: shape.weight(),
            input: shape.input(),
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
        self.reached * self.x.channels * self.y.channels
    }

    /// Writes the interior of `y`, ended as `end` says.
    pub fn forward<T: Real>(
        &self,
        sample_len: usize,
        x: &[T],
        weight: &[T],
        bias: &[T],
        y: &mut [T],
        mut end: End<'_, T>,
    ) {
        for gathered in &self.forward {
            gather_gemm(Product {
                a: x,
                b: weight,
                c: y,
                rows: gathered.rows.first(sample_len),
                steps: gathered.steps.all(),
                n: self.y.channels,
                init: Init::Bias(bias),
                end: end.again(),
            });
        }
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
        let init = if adds { Init::Accumulate } else { Init::Zero };
        for gathered in &self.weight {
            gather_gemm(Product {
                a: x,
                b: d_y,
                c: d_weight,
                rows: gathered.rows.all(),
                steps: gathered.steps.first(sample_len),
                n: self.y.channels,
                init,
                end: End::Store,
            });
        }
        let cells = self.cells.first(sample_len).list();
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
        for gathered in &self.input {
            gather_gemm(Product {
                a: d_y,
                b: transposed,
                c: d_x,
                rows: gathered.rows.first(sample_len),
                steps: gathered.steps.all(),
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
}

/// What the lists of a convolution follow from.
struct Geometry {
    x: Image,
    y: Image,
    stride: usize,
    sample_len: usize,
}

impl Geometry {
    /// The output cells of a sample in order.
    fn cells(&self) -> Vec<Tap> {
        let row = |i: usize| (0..self.y.width).map(move |j| (i, j));
        (0..self.y.height).flat_map(row).collect()
    }

    /// Whether `tap` of an output cell lies inside the image.
    fn reaches(&self, (i, j): Tap, (ki, kj): Tap) -> bool {
        // One more than the cell, as the border counts.
        (1..=self.x.height).contains(&(self.stride * i + ki))
            && (1..=self.x.width).contains(&(self.stride * j + kj))
    }

    /// Of one sample after another.
    fn of_samples(&self, one: &[Pair], left: Image, right: Image) -> Pairs {
        let distance = Pair::new(left.bordered_len(), right.bordered_len());
        Pairs::repeated(one, distance, self.sample_len)
    }

    /// These output cells of every sample: `left` in x, `right` in y.
    fn outputs(&self, cells: &[Tap]) -> Pairs {
        let of_cell = |&(i, j): &Tap| {
            let x = self.x.offset(0, self.stride * i, self.stride * j);
            Pair::new(x, self.y.offset(0, i + 1, j + 1))
        };
        let one: Vec<Pair> = cells.iter().map(of_cell).collect();
        self.of_samples(&one, self.x, self.y)
    }

    /// Weight rows `(ki, kj, c)` of these taps: `left` in x, `right` in w.
    fn weight_rows(&self, taps: &[usize]) -> Pairs {
        let channels = self.x.channels;
        let of_tap = |&tap: &usize| {
            let (ki, kj) = TAPS[tap];
            (0..channels).map(move |c| {
                let row = (tap * channels + c) * self.y.channels;
                Pair::new(self.x.offset(0, ki, kj) + c, row)
            })
        };
        let rows: Vec<Pair> = taps.iter().flat_map(of_tap).collect();
        Pairs::once(&rows)
    }

    fn forward(&self) -> Vec<Gathered> {
        let mut groups: BTreeMap<Vec<usize>, Vec<Tap>> = BTreeMap::new();
        for cell in self.cells() {
            let taps = (0..9).filter(|&tap| self.reaches(cell, TAPS[tap]));
            groups.entry(taps.collect()).or_default().push(cell);
        }
        let gathered = |(taps, cells): (Vec<usize>, Vec<Tap>)| Gathered {
            rows: self.outputs(&cells),
            steps: self.weight_rows(&taps),
        };
        groups.into_iter().map(gathered).collect()
    }

    fn weight(&self) -> Vec<Gathered> {
        if self.x.channels < ALONE {
            return vec![Gathered {
                rows: self.weight_rows(&[0, 1, 2, 3, 4, 5, 6, 7, 8]),
                steps: self.outputs(&self.cells()),
            }];
        }
        let of_tap = |tap: usize| {
            let mut cells = self.cells();
            cells.retain(|&cell| self.reaches(cell, TAPS[tap]));
            Gathered {
                rows: self.weight_rows(&[tap]),
                steps: self.outputs(&cells),
            }
        };
        (0..9).map(of_tap).collect()
    }

    /// Input cell `s q + r` is reached from output cell `q + (r + 1 - k) / s` by every tap `k` for
    /// which that is whole and inside the image.
    fn input(&self) -> Vec<Gathered> {
        let stride = self.stride;
        // In the bordered d_y, counted from q.
        let ahead = |at: usize, k: usize, len: usize| {
            let ahead = at % stride + 1 + 2 * stride - k;
            let steps = ahead / stride - 1;
            (ahead.is_multiple_of(stride) && (1..=len).contains(&(at / stride + steps)))
                .then_some(steps)
        };
        let mut groups: BTreeMap<Vec<(usize, Tap)>, Vec<Tap>> = BTreeMap::new();
        for i in 0..self.x.height {
            for j in 0..self.x.width {
                let reached = TAPS.iter().enumerate().filter_map(|(tap, &(ki, kj))| {
                    let to = (ahead(i, ki, self.y.height)?, ahead(j, kj, self.y.width)?);
                    Some((tap, to))
                });
                groups.entry(reached.collect()).or_default().push((i, j));
            }
        }
        let gathered = |(reached, cells): (Vec<(usize, Tap)>, Vec<Tap>)| {
            let mut steps = Vec::new();
            for (tap, (i, j)) in reached {
                for o in 0..self.y.channels {
                    let row = (tap * self.y.channels + o) * self.x.channels;
                    steps.push(Pair::new(self.y.offset(0, i, j) + o, row));
                }
            }
            let of_cell = |&(i, j): &Tap| {
                let d_y = self.y.offset(0, i / stride, j / stride);
                Pair::new(d_y, self.x.offset(0, i + 1, j + 1))
            };
            let rows: Vec<Pair> = cells.iter().map(of_cell).collect();
            Gathered {
                rows: self.of_samples(&rows, self.y, self.x),
                steps: Pairs::once(&steps),
            }
        };
        groups.into_iter().map(gathered).collect()
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
            let stride = 1 + (shape % 2) as usize;
            // Both above and below ALONE.
            let (height, width, channels) = (fd::length(s, 6), fd::length(s, 6), fd::length(s, 12));
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
