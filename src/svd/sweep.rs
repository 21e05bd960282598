//! One reading of the whole matrix, tile by tile.
//!
//! A tile is all of time over a range of parameters, `(T, w)` row-major in `f32`; `w` depends on T
//! alone. As many tiles as there are threads are in memory at a time; what is computed from them
//! is handed on in their order, so sums have the same bits for any number of threads.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

use super::Error;
use crate::gradients::GradientMatrix;
use crate::numeric::sum::dot;

/// Entries of a tile: 16 MB.
const TILE_LEN: usize = 1 << 22;
/// A row of a tile is at most 4 KB: more would leave too few tiles to share between threads.
const WIDTH_MAX: usize = 1024;
/// And at least a cache line: less would read the file in pieces smaller than that.
const WIDTH_MIN: usize = 16;
/// Rows that are widened to `f64` at a time; with the widest tile 1 MB, which stays in cache.
const STRIP_LEN: usize = 128;

/// Parameters in a tile.
pub(super) fn tile_width(time_len: usize) -> usize {
    (TILE_LEN / time_len).clamp(WIDTH_MIN, WIDTH_MAX)
}

/// All of time over a range of parameters.
pub(super) struct Tile<'a> {
    /// Which parameters.
    pub(super) params: Range<usize>,
    /// The squared Frobenius norm.
    pub(super) energy: f64,
    values: &'a [f32],
}

impl Tile<'_> {
    /// The columns: parameters.
    fn width(&self) -> usize {
        self.params.len()
    }

    /// `tile^T q`: `(T, l)` to `(w, l)`.
    pub(super) fn transposed_times(&self, q: MatRef<'_, f64>) -> Mat<f64> {
        let mut out = Mat::zeros(self.width(), q.ncols());
        self.for_each_strip(|first, strip| {
            let q = q.subrows(first, strip.nrows());
            matmul(&mut out, Accum::Add, strip.transpose(), q, 1.0, Par::Seq);
        });
        out
    }

    /// `tile y`: `(w, l)` to `(T, l)`.
    pub(super) fn times(&self, y: MatRef<'_, f64>) -> Mat<f64> {
        let mut out = Mat::zeros(self.values.len() / self.width(), y.ncols());
        self.for_each_strip(|first, strip| {
            let out = out.as_mut().subrows_mut(first, strip.nrows());
            matmul(out, Accum::Replace, strip, y, 1.0, Par::Seq);
        });
        out
    }

    fn for_each_strip(&self, mut visit: impl FnMut(usize, MatRef<'_, f64>)) {
        let mut wide = Vec::new();
        for (index, strip) in self.values.chunks(STRIP_LEN * self.width()).enumerate() {
            wide.clear();
            wide.extend(strip.iter().map(|&x| f64::from(x)));
            let rows = strip.len() / self.width();
            let strip = MatRef::from_row_major_slice(&wide, rows, self.width());
            visit(index * STRIP_LEN, strip);
        }
    }
}

/// Reads the matrix once: `job` on every tile, in parallel, and `fold` of its results in the order
/// of the tiles.
pub(super) fn sweep<R: Send>(
    matrix: &dyn GradientMatrix,
    job: impl Fn(&Tile<'_>) -> R + Sync,
    mut fold: impl FnMut(R),
) -> Result<(), Error> {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    let width = tile_width(time_len);
    let mut buffers = vec![Vec::new(); rayon::current_num_threads()];
    let starts: Vec<usize> = (0..param_len).step_by(width).collect();
    for group in starts.chunks(buffers.len()) {
        let results: Vec<Result<R, Error>> = buffers
            .par_iter_mut()
            .zip(group)
            .map(|(buffer, &first)| {
                let params = first..param_len.min(first + width);
                buffer.resize(time_len * params.len(), 0.0f32);
                matrix.read(params.clone(), buffer)?;
                // Squares of finite f32 do not overflow f64, so this finds what is not finite.
                let energy = dot(buffer, buffer);
                if !energy.is_finite() {
                    return Err(Error::NotFinite {
                        first,
                        last: params.end - 1,
                    });
                }
                Ok(job(&Tile {
                    params,
                    energy,
                    values: buffer,
                }))
            })
            .collect();
        for result in results {
            fold(result?);
        }
    }
    Ok(())
}
