//! Central differences in `f64`, which every backward pass is held against.
//!
//! An operation with outputs y is turned into one number by a random linear functional, `sum of
//! r_i y_i`: then `d_y = r`, and the operation's backward pass must return the derivatives of that
//! number. `(f(x + h) - f(x - h)) / 2h` is off by `h^2 f''' / 6` and by `1e-16 |f| / h` of
//! rounding; with `h = 1e-5` both stay below the tolerance for functions of order 1 to 100.

use super::Image;
use crate::numeric::random::{Purpose, Stream};

const STEP: f64 = 1e-5;
const RELATIVE: f64 = 1e-6;
const ABSOLUTE: f64 = 1e-8;

/// How many random shapes an operation is tried on.
pub const SHAPE_LEN: u64 = 24;

/// The random numbers of one shape.
pub fn stream(shape: u64) -> Stream {
    Stream::new(20, Purpose::Nulls, shape)
}

/// A length from 1 to `most`.
pub fn length(stream: &mut Stream, most: u32) -> usize {
    1 + stream.below(most) as usize
}

/// Standard normal values.
pub fn normals(stream: &mut Stream, len: usize) -> Vec<f64> {
    (0..len).map(|_| stream.normal()).collect()
}

/// Normal values inside the images, zeros on their borders.
pub fn bordered(stream: &mut Stream, image: Image, sample_len: usize) -> Vec<f64> {
    let mut values = vec![0.0; sample_len * image.bordered_len()];
    for row in image.rows(sample_len) {
        for value in &mut values[row] {
            *value = stream.normal();
        }
    }
    values
}

/// The values without the borders.
pub fn interior(values: &[f64], image: Image, sample_len: usize) -> Vec<f64> {
    image
        .rows(sample_len)
        .flat_map(|row| &values[row])
        .copied()
        .collect()
}

/// Whether there is nothing but zeros on the borders.
pub fn border_is_zero(values: &[f64], image: Image, sample_len: usize) -> bool {
    let mut rest = values.to_vec();
    image.rows(sample_len).for_each(|row| rest[row].fill(0.0));
    rest.iter().all(|&value| value == 0.0)
}

/// The linear functional `r` of `y`.
pub fn functional(r: &[f64], y: &[f64]) -> f64 {
    r.iter().zip(y).map(|(r, y)| r * y).sum()
}

/// The slopes of `f` to the left and to the right of `x[index]`.
pub fn slopes(x: &[f64], index: usize, f: &mut dyn FnMut(&[f64]) -> f64) -> (f64, f64) {
    let mut moved = x.to_vec();
    let here = f(&moved);
    moved[index] = x[index] - STEP;
    let left = (here - f(&moved)) / (x[index] - moved[index]);
    moved[index] = x[index] + STEP;
    let right = (f(&moved) - here) / (moved[index] - x[index]);
    (left, right)
}

/// Whether two derivatives agree.
pub fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= RELATIVE * a.abs().max(b.abs()) + ABSOLUTE
}

/// Holds `d_x` against the central difference of `f` by each of `x`.
pub fn check(name: &str, x: &[f64], d_x: &[f64], f: &mut dyn FnMut(&[f64]) -> f64) {
    assert_eq!(x.len(), d_x.len(), "{name}");
    for (index, &analytic) in d_x.iter().enumerate() {
        let (left, right) = slopes(x, index, f);
        let numeric = 0.5 * (left + right);
        assert!(
            close(analytic, numeric),
            "{name}[{index}]: {analytic:e} by hand, {numeric:e} by differences"
        );
    }
}
