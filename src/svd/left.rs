//! `U = Y X / s`, a block of parameters at a time.
//!
//! What rounding leaves in Y is divided by s with it. Below a small share of `s_1` that is much: such columns are
//! no longer orthogonal to those before them. There U is made orthonormal, each column against those before it
//! (Cholesky QR, repeated; Yamamoto, Nakatsukasa, Yanagisawa and Fukaya 2015), so that leading vectors stay.

use faer::{Mat, MatRef};
use rayon::prelude::*;

use super::dense::{orthogonality_of_gram, product};

/// Parameters whose rows of U are computed together.
const ROWS: usize = 4096;
/// Rounds of Cholesky QR; two are enough where columns are not nearly dependent.
const ROUNDS: usize = 4;
/// Where U^T U is this near to 1, no further round is needed.
const ORTHONORMAL: f64 = 1e-14;

/// U.
pub(super) struct Left {
    /// Rounded, `(P, rank)` row-major.
    pub(super) u: Vec<f32>,
    /// Before that, where it is wanted.
    pub(super) exact: Vec<f64>,
    /// The length of what rounding changed, column by column.
    pub(super) rounding: Vec<f64>,
    /// `U^T U` of the rounded.
    pub(super) gram: Mat<f64>,
}

/// What is wanted besides the rounded U.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    /// U in `f64`.
    pub(super) exact: bool,
    /// Whether its columns have to be made orthonormal.
    pub(super) orthonormal: bool,
}

/// U of `y`, `(P, m)` row-major, singular values `s` and right vectors `x`, `(m, rank)`.
pub(super) fn left(y: &[f64], s: &[f64], x: MatRef<'_, f64>, wanted: Wanted) -> Left {
    let (m, rank) = x.shape();
    if rank == 0 {
        return Left::empty(0, 0);
    }
    if !wanted.orthonormal {
        return rounded(y, m, rank, wanted.exact, |y| {
            let rows = y.len() / m;
            let exact = product(MatRef::from_row_major_slice(y, rows, m), x);
            Mat::from_fn(rows, rank, |i, j| exact[(i, j)] / s[j])
        });
    }
    let divided = Mat::from_fn(m, rank, |i, j| x[(i, j)] / s[j]);
    let mut exact = times(y, divided.as_ref());
    for _ in 0..ROUNDS {
        let gram = gram(&exact, rank);
        if orthogonality_of_gram(gram.as_ref()) <= ORTHONORMAL {
            break;
        }
        exact = times(&exact, inverse_triangle(gram.as_ref()).as_ref());
    }
    let mut left = rounded(&exact, rank, rank, false, |u| {
        MatRef::from_row_major_slice(u, u.len() / rank, rank).to_owned()
    });
    if wanted.exact {
        left.exact = exact;
    }
    left
}

impl Left {
    fn empty(capacity: usize, rank: usize) -> Self {
        Self {
            u: Vec::with_capacity(capacity),
            exact: Vec::new(),
            rounding: vec![0.0; rank],
            gram: Mat::zeros(rank, rank),
        }
    }
}

/// Rounds what `exact` makes of each block of rows of `y`, which are `m` wide.
fn rounded(
    y: &[f64],
    m: usize,
    rank: usize,
    keep: bool,
    exact: impl Fn(&[f64]) -> Mat<f64> + Sync,
) -> Left {
    let pieces: Vec<Left> = y
        .par_chunks(ROWS * m)
        .map(|y| {
            let rows = y.len() / m;
            let exact = exact(y);
            let mut squares = vec![0.0; rank];
            let mut u = vec![0.0; rows * rank];
            for (i, row) in u.chunks_exact_mut(rank).enumerate() {
                for (j, entry) in row.iter_mut().enumerate() {
                    *entry = exact[(i, j)] as f32;
                    squares[j] += (f64::from(*entry) - exact[(i, j)]).powi(2);
                }
            }
            let wide = Mat::from_fn(rows, rank, |i, j| f64::from(u[i * rank + j]));
            let kept = if keep { rows * rank } else { 0 };
            Left {
                u,
                exact: (0..kept).map(|at| exact[(at / rank, at % rank)]).collect(),
                rounding: squares,
                gram: product(wide.transpose(), wide.as_ref()),
            }
        })
        .collect();
    let mut left = Left::empty(y.len() / m * rank, rank);
    for piece in pieces {
        left.u.extend(piece.u);
        left.exact.extend(piece.exact);
        let squares = left.rounding.iter_mut().zip(piece.rounding);
        squares.for_each(|(sum, x)| *sum += x);
        left.gram += piece.gram;
    }
    left.rounding.iter_mut().for_each(|x| *x = x.sqrt());
    left
}

/// `a b` of a row-major `a`.
fn times(a: &[f64], b: MatRef<'_, f64>) -> Vec<f64> {
    let (m, n) = b.shape();
    let blocks: Vec<Vec<f64>> = a
        .par_chunks(ROWS * m)
        .map(|a| {
            let rows = a.len() / m;
            let block = product(MatRef::from_row_major_slice(a, rows, m), b);
            (0..rows * n).map(|at| block[(at / n, at % n)]).collect()
        })
        .collect();
    blocks.concat()
}

/// `a^T a` of a row-major `a`, `n` wide.
fn gram(a: &[f64], n: usize) -> Mat<f64> {
    let blocks: Vec<Mat<f64>> = a
        .par_chunks(ROWS * n)
        .map(|a| {
            let a = MatRef::from_row_major_slice(a, a.len() / n, n);
            product(a.transpose(), a)
        })
        .collect();
    let mut sum = Mat::zeros(n, n);
    for block in blocks {
        sum += block;
    }
    sum
}

/// The inverse of the upper triangle R with `gram = R^T R`. A column that depends on those before it but for
/// rounding is told from them no further.
fn inverse_triangle(gram: MatRef<'_, f64>) -> Mat<f64> {
    let n = gram.nrows();
    let mut r = Mat::<f64>::zeros(n, n);
    for j in 0..n {
        for i in 0..=j {
            let inner: f64 = (0..i).map(|k| r[(k, i)] * r[(k, j)]).sum();
            r[(i, j)] = if i < j {
                (gram[(i, j)] - inner) / r[(i, i)]
            } else {
                (gram[(j, j)] - inner).max(1e-8 * gram[(j, j)]).sqrt()
            };
        }
    }
    let mut inverse = Mat::<f64>::zeros(n, n);
    for j in 0..n {
        inverse[(j, j)] = r[(j, j)].recip();
        for i in (0..j).rev() {
            let inner: f64 = (i + 1..=j).map(|k| r[(i, k)] * inverse[(k, j)]).sum();
            inverse[(i, j)] = -inner / r[(i, i)];
        }
    }
    inverse
}
