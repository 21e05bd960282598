//! The matrix of a known spectrum that `gouda bench svd` decomposes:
//! `sum_i (1/i) v_i u_i^T + noise`, i up to 200: V orthonormal, `u_i` of random signs, and
//! noise whose largest singular value is near 0.01. It is written a few rows at a time; an entry of U
//! or of the noise is a function of its place, so nothing of size P is held.

use std::path::Path;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use rayon::prelude::*;

use super::super::Error;
use crate::numeric::random::{Purpose, Stream};
use crate::storage::GrowingNpy;

/// Singular values that are planted.
const PLANTED: usize = 200;
/// Largest singular value of the noise.
const NOISE: f64 = 0.01;
/// Columns of a piece of rows that are made together.
const PIECE: usize = 2048;

/// Writes the matrix.
pub(super) fn make(path: &Path, rows: usize, cols: usize) -> Result<(), Error> {
    let planted = PLANTED.min(rows).min(cols);
    let mut stream = Stream::new(0, Purpose::Controls, 0);
    let random = Mat::from_fn(rows, planted, |_, _| stream.normal());
    let v = random.qr().compute_thin_Q();
    let factors = Mat::from_fn(rows, planted, |t, i| {
        (v[(t, i)] / (i + 1) as f64 / (cols as f64).sqrt()) as f32
    });
    // Uniform entries of this width have the deviation that puts the noise's edge there.
    let width = 2.0 * 3f64.sqrt() * NOISE / ((rows as f64).sqrt() + (cols as f64).sqrt());
    let file = GrowingNpy::create(path, cols)?;
    let together = (64 << 20) / (4 * cols).max(1);
    let mut block = vec![0.0f32; together.clamp(1, rows) * cols];
    for first in (0..rows).step_by(together.clamp(1, rows)) {
        let len = together.clamp(1, rows).min(rows - first);
        let pieces: Vec<(usize, Mat<f32>)> = (0..cols)
            .step_by(PIECE)
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|start| {
                let piece = start..cols.min(start + PIECE);
                let u = signs(planted, piece.clone());
                let mut out = Mat::from_fn(len, piece.len(), |t, p| {
                    let place = (first + t) as u64 * cols as u64 + (start + p) as u64;
                    ((uniform(place) - 0.5) * width) as f32
                });
                let factors = factors.as_ref().subrows(first, len);
                matmul(&mut out, Accum::Add, factors, u.as_ref(), 1.0, Par::Seq);
                (start, out)
            })
            .collect();
        for (start, piece) in pieces {
            for (t, row) in block.chunks_exact_mut(cols).take(len).enumerate() {
                for (p, entry) in row[start..start + piece.ncols()].iter_mut().enumerate() {
                    *entry = piece[(t, p)];
                }
            }
        }
        file.write_rows(first, &block[..len * cols])?;
    }
    Ok(file.seal(rows)?)
}

/// Rows of U^T, unscaled: signs.
fn signs(planted: usize, params: std::ops::Range<usize>) -> Mat<f32> {
    let words = planted.div_ceil(64);
    let bits: Vec<u64> = params
        .clone()
        .flat_map(|p| (0..words).map(move |w| mixed(!((p * words + w) as u64))))
        .collect();
    Mat::from_fn(planted, params.len(), |i, p| {
        let bit = (bits[p * words + i / 64] >> (i % 64)) & 1;
        if bit == 0 { 1.0 } else { -1.0 }
    })
}

fn uniform(place: u64) -> f64 {
    (mixed(place) >> 11) as f64 / (1u64 << 53) as f64
}

/// SplitMix64 at a counter.
fn mixed(counter: u64) -> u64 {
    let mut z = counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
