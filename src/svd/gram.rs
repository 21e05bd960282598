//! The matrix of inner products `A A^T` (T x T), formed in `f64` in one reading, and its
//! eigenvectors.
//!
//! Only the lower triangle is formed, in blocks of [`BLOCK`] rows: each block sums over the columns
//! of the matrix in order and belongs to one task, so bits do not depend on the number of threads.
//! Singular values below 1e-8 of the largest drown in the rounding of the products; the
//! certificate's pass takes them from the matrix itself.
//!
//! Cost: `T^2 P` multiply-adds and `9 T^3` for the eigenvectors. Memory: `7 T^2` numbers.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

use super::Error;
use super::dense::eigen;
use super::sweep::Watch;
use crate::gradients::GradientMatrix;

/// Rows and columns of a block of inner products.
const BLOCK: usize = 192;
/// Bytes of the columns that are held at a time.
const TILE_BYTES: usize = 32 << 20;
/// Rows read together.
const ROWS: usize = 64;

fn tile_width(time_len: usize) -> usize {
    (TILE_BYTES / 8 / time_len.max(1)).clamp(16, 2048)
}

/// Memory of the columns that are held.
pub(super) fn tile_bytes(time_len: usize) -> u64 {
    8 * time_len as u64 * tile_width(time_len) as u64
}

/// Left singular vectors of A, `(T, len)`, and all eigenvalues, largest first, from `A A^T`.
pub(super) fn eigenvectors(gram: Mat<f64>, len: usize) -> Result<(Vec<f64>, Mat<f64>), Error> {
    let (values, vectors) = eigen(gram.as_ref())?;
    Ok((values, vectors.subcols(0, len).to_owned()))
}

/// `A A^T`, of which the lower triangle is right.
pub(super) fn inner_products(
    matrix: &dyn GradientMatrix,
    scale: f64,
    watch: &mut Watch<'_>,
) -> Result<Mat<f64>, Error> {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    let width = tile_width(time_len);
    let bands = time_len.div_ceil(BLOCK);
    let rows = |band: usize| band * BLOCK..time_len.min((band + 1) * BLOCK);
    let mut blocks: Vec<(usize, usize, Mat<f64>)> = (0..bands)
        .flat_map(|i| (0..=i).map(move |j| (i, j)))
        .map(|(i, j)| (i, j, Mat::zeros(rows(i).len(), rows(j).len())))
        .collect();
    let mut tile = vec![0.0f64; time_len * width];
    for first in (0..param_len).step_by(width) {
        let params = first..param_len.min(first + width);
        let width = params.len();
        let tile = &mut tile[..time_len * width];
        tile.par_chunks_mut(ROWS * width)
            .enumerate()
            .try_for_each(|(index, out)| {
                let start = index * ROWS;
                let rows = start..start + out.len() / width;
                matrix.read_block_f64(rows, params.clone(), out)?;
                if scale != 1.0 {
                    out.iter_mut().for_each(|entry| *entry *= scale);
                }
                Ok::<(), Error>(())
            })?;
        let band = |index: usize| {
            let rows = rows(index);
            let entries = &tile[rows.start * width..rows.end * width];
            MatRef::from_row_major_slice(entries, rows.len(), width)
        };
        blocks.par_iter_mut().for_each(|(i, j, block)| {
            matmul(
                block,
                Accum::Add,
                band(*i),
                band(*j).transpose(),
                1.0,
                Par::Seq,
            );
        });
        let done = u128::from(matrix.pass_bytes()) * params.end as u128 / param_len as u128;
        if !(watch.tell)(done as u64) {
            return Err(Error::Interrupted);
        }
    }
    let mut gram = Mat::zeros(time_len, time_len);
    for (i, j, block) in blocks {
        gram.as_mut()
            .submatrix_mut(i * BLOCK, j * BLOCK, block.nrows(), block.ncols())
            .copy_from(block);
    }
    Ok(gram)
}
