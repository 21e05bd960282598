//! Where an iteration starts: random directions, alone or beside a sketch.

use faer::Mat;

use super::dense::{basis, product, subtract_product};
use crate::numeric::random::{Purpose, Stream};

/// What is shorter than this, for each row, is no direction.
const NOISE: f64 = 8.0 * f64::EPSILON;

/// An orthonormal basis of columns of random signs.
pub(super) fn random_block(time_len: usize, block: usize, seed: u64, draw: u64) -> Mat<f64> {
    // Stream 1 of the purpose belongs to Lanczos.
    let index = if draw == 0 { 0 } else { draw + 1 };
    let mut stream = Stream::new(seed, Purpose::Sketch, index);
    let signs: Vec<f64> = (0..time_len * block).map(|_| stream.sign()).collect();
    let matrix = Mat::from_fn(time_len, block, |t, j| signs[t * block + j]);
    basis(matrix, NOISE * time_len as f64, block)
}

/// `start`, orthonormal, and so many random directions outside it.
pub(super) fn join_random(start: Mat<f64>, random: usize, seed: u64) -> Mat<f64> {
    let (time_len, known) = start.shape();
    let mut drawn = random_block(time_len, random, seed, 0);
    for _ in 0..2 {
        let inside = product(start.transpose(), drawn.as_ref());
        subtract_product(drawn.as_mut(), start.as_ref(), inside.as_ref());
    }
    let drawn = basis(drawn, NOISE * time_len as f64, random.min(time_len - known));
    Mat::from_fn(time_len, known + drawn.ncols(), |t, j| {
        match j.checked_sub(known) {
            None => start[(t, j)],
            Some(j) => drawn[(t, j)],
        }
    })
}
