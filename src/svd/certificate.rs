//! From a basis of the right singular vectors to certified triplets, in two passes.
//!
//! The first takes the triangle R of `G V = Q R` (a QR on a fixed sequence of tiles; Demmel et al.
//! 2012) and its SVD `R = . S W^T`, and turns V to `V W`: the small singular values come from
//! G itself and not from its square. The second stores `u_i = G v_i / s_i`, rounded to
//! `f32`, and from the same tiles computes the residuals of the vectors *as stored*.

use faer::Mat;

use super::dense::{orthogonality_of_gram, product, right_svd, triangle};
use super::sweep::sweep;
use super::{Decomposition, Error, Stop};
use crate::gradients::GradientMatrix;

/// Passes that [`certify`] makes.
pub(super) const PASSES: usize = 2;
/// Singular values below this share of the largest count as zero: the rounding of the matrix's
/// entries to `f32` moves them.
pub(super) const RANK_FLOOR: f64 = f32::EPSILON as f64;

/// What the iteration hands over.
pub(super) struct Candidate {
    /// Orthonormal columns that span approximate right singular vectors, `(T, k)`.
    pub(super) v: Mat<f64>,
    /// `|G|_F^2`, not 0.
    pub(super) energy: f64,
    /// Passes so far.
    pub(super) passes: usize,
    /// Why it ended.
    pub(super) stop: Stop,
}

/// The triplets of `candidate`. Holds `(P, k)` in `f32`, and T x k for each thread.
pub(super) fn certify(
    matrix: &dyn GradientMatrix,
    candidate: Candidate,
    tolerance: f64,
    mut progress: impl FnMut(usize),
) -> Result<Decomposition, Error> {
    let requested = candidate.v.ncols();
    let (mut s, mut v) = turn(matrix, &candidate)?;
    progress(candidate.passes + 1);
    let rank = s.iter().take_while(|&&x| x > RANK_FLOOR * s[0]).count();
    s.truncate(rank);
    v.truncate(v.nrows(), rank);
    fix_signs(&mut v);

    let param_len = matrix.param_len();
    let mut u = vec![0.0f32; param_len * rank];
    let mut left_squared = vec![0.0; rank];
    let mut gram = Mat::<f64>::zeros(rank, rank);
    let mut back = Mat::<f64>::zeros(v.nrows(), rank);
    let mut energy = 0.0;
    sweep(
        matrix,
        |tile| {
            let y = tile.transposed_times(v.as_ref());
            let stored: Vec<f32> = (0..y.nrows() * rank)
                .map(|at| (y[(at / rank, at % rank)] / s[at % rank]) as f32)
                .collect();
            let u = Mat::from_fn(y.nrows(), rank, |i, j| f64::from(stored[i * rank + j]));
            let left: Vec<f64> = (0..rank)
                .map(|j| {
                    (0..y.nrows())
                        .map(|i| (y[(i, j)] - s[j] * u[(i, j)]).powi(2))
                        .sum()
                })
                .collect();
            let gram = product(u.transpose(), u.as_ref());
            (
                tile.params.start,
                tile.energy,
                stored,
                left,
                gram,
                tile.times(u.as_ref()),
            )
        },
        |(first, tile_energy, stored, left, tile_gram, tile_back)| {
            u[first * rank..first * rank + stored.len()].copy_from_slice(&stored);
            left_squared
                .iter_mut()
                .zip(left)
                .for_each(|(sum, part)| *sum += part);
            gram += tile_gram;
            back += tile_back;
            energy += tile_energy;
        },
    )?;
    let passes = candidate.passes + PASSES;
    progress(passes);

    let left_residuals: Vec<f64> = left_squared.iter().map(|x| x.sqrt()).collect();
    let right_residuals: Vec<f64> = (0..rank)
        .map(|j| {
            let squares = (0..v.nrows()).map(|t| (back[(t, j)] - s[j] * v[(t, j)]).powi(2));
            squares.sum::<f64>().sqrt()
        })
        .collect();
    let mut residuals = left_residuals.iter().chain(&right_residuals);
    Ok(Decomposition {
        rank,
        requested,
        time_len: v.nrows(),
        param_len,
        converged: residuals.all(|&residual| residual <= tolerance * s[0]),
        orthogonality_u: orthogonality_of_gram(gram.as_ref()),
        orthogonality_v: orthogonality_of_gram(product(v.transpose(), v.as_ref()).as_ref()),
        v: (0..v.nrows() * rank)
            .map(|at| v[(at / rank, at % rank)])
            .collect(),
        u,
        s,
        left_residuals,
        right_residuals,
        frobenius_squared: energy,
        passes,
        stop: candidate.stop,
    })
}

/// Singular values of `G V`, and V turned to its right singular vectors.
fn turn(matrix: &dyn GradientMatrix, candidate: &Candidate) -> Result<(Vec<f64>, Mat<f64>), Error> {
    // Entries near either end of f32's range would leave f64's when squared twice.
    let scale = candidate.energy.sqrt();
    let k = candidate.v.ncols();
    let mut r = Mat::<f64>::zeros(0, k);
    sweep(
        matrix,
        |tile| triangle(tile.transposed_times(candidate.v.as_ref()) * faer::Scale(1.0 / scale)),
        |below| {
            let above = r.nrows();
            r = triangle(Mat::from_fn(above + below.nrows(), k, |i, j| {
                if i < above {
                    r[(i, j)]
                } else {
                    below[(i - above, j)]
                }
            }));
        },
    )?;
    let (s, w) = right_svd(r.as_ref())?;
    Ok((
        s.iter().map(|s| s * scale).collect(),
        product(candidate.v.as_ref(), w.as_ref()),
    ))
}

/// Makes the entry largest in size of every column positive; the first of them where they tie.
fn fix_signs(v: &mut Mat<f64>) {
    for j in 0..v.ncols() {
        let mut largest = 0.0f64;
        for t in 0..v.nrows() {
            if v[(t, j)].abs() > largest.abs() {
                largest = v[(t, j)];
            }
        }
        if largest < 0.0 {
            for t in 0..v.nrows() {
                v[(t, j)] = -v[(t, j)];
            }
        }
    }
}
