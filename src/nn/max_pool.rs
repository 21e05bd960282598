//! Max-pool 3x3, stride 2, padding 1 with minus infinity.
//!
//! `y[n, i, j, c] = max over ki, kj of x[n, 2 i + ki - 1, 2 j + kj - 1, c]`, cells outside the image
//! left out; the first maximum in row order takes the gradient, as in PyTorch. Both images bordered.

use crate::numeric::Real;
use crate::numeric::simd::{Work, apply};

use super::Image;

/// A max-pool from images `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// The input's shape.
    pub x: Image,
}

impl MaxPool {
    /// The output's shape.
    pub fn y(self) -> Image {
        let half = |len: usize| len.div_ceil(2);
        Image {
            height: half(self.x.height),
            width: half(self.x.width),
            ..self.x
        }
    }

    /// Values of `argmax` a sample needs.
    pub fn argmax_len(self) -> usize {
        self.y().interior_len()
    }

    /// Writes the interior of `y`, and for every output the offset in `x` of its maximum.
    pub fn forward<T: Real>(self, sample_len: usize, x: &[T], y: &mut [T], argmax: &mut [u32]) {
        apply(Forward {
            pool: self,
            sample_len,
            x,
            y,
            argmax,
        });
    }

    /// The maxima of one output cell, one a channel, and their offsets.
    #[inline(always)]
    fn cell<T: Real>(
        self,
        sample: usize,
        i: usize,
        j: usize,
        x: &[T],
        y: &mut [T],
        argmax: &mut [u32],
    ) {
        let (blocks, rest) = y.as_chunks_mut::<16>();
        let (argmax_blocks, argmax_rest) = argmax.as_chunks_mut::<16>();
        let rest_start = 16 * blocks.len();
        for (block, (y, best)) in blocks.iter_mut().zip(argmax_blocks).enumerate() {
            (*y, *best) = self.maxima::<T, 16>(sample, i, j, x, 16 * block);
        }
        for (c, (y, best)) in rest.iter_mut().zip(argmax_rest).enumerate() {
            let (maximum, offset) = self.maxima::<T, 1>(sample, i, j, x, rest_start + c);
            (*y, *best) = (maximum[0], offset[0]);
        }
    }

    /// The same for a block of channels from `c` on, which stays in registers.
    #[inline(always)]
    fn maxima<T: Real, const LANES: usize>(
        self,
        sample: usize,
        i: usize,
        j: usize,
        x: &[T],
        c: usize,
    ) -> ([T; LANES], [u32; LANES]) {
        // Bordered coordinates: the image is 1..=height.
        let rows = (2 * i).max(1)..=(2 * i + 2).min(self.x.height);
        let columns = (2 * j).max(1)..=(2 * j + 2).min(self.x.width);
        let mut cell = self.x.offset(sample, *rows.start(), *columns.start()) + c;
        let mut maximum = [T::ZERO; LANES];
        maximum.copy_from_slice(&x[cell..cell + LANES]);
        let mut best = [cell as u32; LANES];
        for row in rows {
            cell = self.x.offset(sample, row, *columns.start()) + c;
            for _ in columns.clone() {
                let x = &x[cell..cell + LANES];
                for lane in 0..LANES {
                    // By masks: a condition would become a branch a lane.
                    let mask = u32::from(x[lane] > maximum[lane]).wrapping_neg();
                    maximum[lane] = maximum[lane].maximum(x[lane]);
                    best[lane] = (best[lane] & !mask) | (cell as u32 & mask);
                }
                cell += self.x.channels;
            }
        }
        for (lane, best) in best.iter_mut().enumerate() {
            *best += lane as u32;
        }
        (maximum, best)
    }

    /// Adds to `d_x` at the maxima that `forward` noted.
    pub fn backward<T: Real>(self, sample_len: usize, d_y: &[T], argmax: &[u32], d_x: &mut [T]) {
        let out = self.y();
        let d_y = out.rows(sample_len).flat_map(|row| &d_y[row]);
        for (&d_y, &cell) in d_y.zip(argmax) {
            d_x[cell as usize] += d_y;
        }
    }
}

struct Forward<'a, T> {
    pool: MaxPool,
    sample_len: usize,
    x: &'a [T],
    y: &'a mut [T],
    argmax: &'a mut [u32],
}

impl<T: Real> Work for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let out = self.pool.y();
        let channels = self.pool.x.channels;
        let mut argmax = self.argmax.chunks_exact_mut(channels);
        for sample in 0..self.sample_len {
            for i in 0..out.height {
                for j in 0..out.width {
                    let start = out.offset(sample, i + 1, j + 1);
                    let y = &mut self.y[start..start + channels];
                    let best = argmax.next().expect("argmax holds one entry an output");
                    self.pool.cell(sample, i, j, self.x, y, best);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::finite_difference as fd;

    /// An image whose values all differ by a tenth, in random order: no ties, and none within a
    /// step of the differences.
    fn untied(shape: u64) -> (MaxPool, usize, Vec<f64>) {
        let s = &mut fd::stream(shape);
        let (height, width, channels) = (fd::length(s, 8), fd::length(s, 8), fd::length(s, 4));
        let pool = MaxPool {
            x: Image {
                height,
                width,
                channels,
            },
        };
        let n = fd::length(s, 3);
        let mut values: Vec<f64> = (0..n * pool.x.interior_len())
            .map(|i| 0.1 * i as f64 - 3.05)
            .collect();
        s.shuffle(&mut values);
        (pool, n, values)
    }

    fn with_border(pool: MaxPool, n: usize, values: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; n * pool.x.bordered_len()];
        let mut values = values.iter();
        for row in pool.x.rows(n) {
            x[row]
                .iter_mut()
                .zip(&mut values)
                .for_each(|(x, &v)| *x = v);
        }
        x
    }

    #[test]
    fn gradients_are_the_differences() {
        for shape in 0..fd::SHAPE_LEN {
            let (pool, n, values) = untied(shape);
            let (y, s) = (pool.y(), &mut fd::stream(shape + 50));
            let d_y = fd::bordered(s, y, n);
            let run = |values: &[f64]| {
                let mut out = vec![0.0; n * y.bordered_len()];
                let mut argmax = vec![0; n * pool.argmax_len()];
                pool.forward(n, &with_border(pool, n, values), &mut out, &mut argmax);
                assert!(fd::border_is_zero(&out, y, n));
                (fd::functional(&d_y, &out), argmax)
            };
            // The gradient is added to what is there.
            let before = fd::bordered(s, pool.x, n);
            let mut d_x = before.clone();
            pool.backward(n, &d_y, &run(&values).1, &mut d_x);
            assert!(fd::border_is_zero(&d_x, pool.x, n));
            d_x.iter_mut().zip(&before).for_each(|(d, b)| *d -= b);
            let d_x = fd::interior(&d_x, pool.x, n);
            fd::check(&format!("{pool:?}"), &values, &d_x, &mut |v| run(v).0);
        }
    }

    #[test]
    fn forward_is_the_definition() {
        for shape in 0..fd::SHAPE_LEN {
            let (pool, n, values) = untied(shape);
            let (image, y) = (pool.x, pool.y());
            let x = with_border(pool, n, &values);
            let mut out = vec![0.0; n * y.bordered_len()];
            pool.forward(n, &x, &mut out, &mut vec![0; n * pool.argmax_len()]);
            for sample in 0..n {
                for (i, j) in (0..y.height).flat_map(|i| (0..y.width).map(move |j| (i, j))) {
                    for c in 0..image.channels {
                        let mut expected = f64::NEG_INFINITY;
                        for (ki, kj) in (0..3).flat_map(|ki| (0..3).map(move |kj| (ki, kj))) {
                            // One more than the cell, as the border counts.
                            let (row, column) = (2 * i + ki, 2 * j + kj);
                            if (1..=image.height).contains(&row)
                                && (1..=image.width).contains(&column)
                            {
                                expected = expected.max(x[image.offset(sample, row, column) + c]);
                            }
                        }
                        assert_eq!(
                            out[y.offset(sample, i + 1, j + 1) + c],
                            expected,
                            "{pool:?}"
                        );
                    }
                }
            }
        }
    }
}
