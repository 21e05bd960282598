//! The same singular values by another method, as a cross-check of small problems: faer's
//! restarted Lanczos bidiagonalisation (`matrix_free::eigen::partial_svd`).
//!
//! It stands behind guards, since in faer 0.24.4 it panics where `min(T, P) <= max(64, 2k)` and does
//! not return from a matrix whose Krylov space ends early (zeros, low rank, repeated rows). Its
//! tolerance is absolute.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::eigen::{PartialEigenParams, partial_svd, partial_svd_scratch};
use faer::{Col, Mat, Par};
use rayon::prelude::*;

use super::dense::basis;
use super::{Decomposition, Error};
use crate::gradients::GradientMatrix;
use crate::numeric::random::{Purpose, Stream};

/// Most entries of the matrix: it is held in `f64`, twice.
const ENTRIES_MAX: usize = 1 << 22;
/// Least pivot, relative to the norm of the matrix, of a matrix of full rank.
const PIVOT_MIN: f64 = 1e-10;
/// Convergence, relative to the largest singular value.
const TOLERANCE: f64 = 1e-10;

/// What the cross-check found.
#[derive(Clone, Debug, PartialEq)]
pub enum CrossCheck {
    /// Lanczos ran.
    Compared {
        /// Its singular values, largest first.
        singular_values: Vec<f64>,
        /// The largest difference from the decomposition's, relative to the largest value.
        worst_difference: f64,
    },
    /// A guard forbade it, for the reason given.
    Refused(String),
}

/// Computes the singular values of `found` anew from `matrix`.
///
/// # Errors
/// The matrix cannot be read, or is not the one that was decomposed.
pub fn cross_check(
    matrix: &dyn GradientMatrix,
    found: &Decomposition,
) -> Result<CrossCheck, Error> {
    let (m, n, k) = (matrix.time_len(), matrix.param_len(), found.rank);
    for (what, expected, found) in [
        ("steps", found.time_len, m),
        ("parameters", found.param_len, n),
    ] {
        if expected != found {
            return Err(Error::Mismatch {
                what,
                expected,
                found,
            });
        }
    }
    let refuse = |reason: String| Ok(CrossCheck::Refused(reason));
    if k == 0 {
        return refuse("the matrix is zero".into());
    }
    if m * n > ENTRIES_MAX {
        return refuse(format!("{m} x {n} is more than {ENTRIES_MAX} entries"));
    }
    let least = 64.max(2 * k);
    if m.min(n) <= least {
        return refuse(format!(
            "the smaller side is {}, and must be above {least}",
            m.min(n)
        ));
    }
    let mut values = vec![0.0f32; m * n];
    matrix.read(0..n, &mut values)?;
    if values.par_iter().any(|x| !x.is_finite()) {
        return Err(Error::NotFinite {
            first: 0,
            last: n - 1,
        });
    }
    // Tall, for the QR; and of norm 1, for the tolerance.
    let scale = 1.0 / found.s[0];
    let a = Mat::from_fn(m.max(n), m.min(n), |i, j| {
        let (t, p) = if m >= n { (i, j) } else { (j, i) };
        f64::from(values[t * n + p]) * scale
    });
    let rank = basis(a.clone(), PIVOT_MIN, a.ncols()).ncols();
    if rank < a.ncols() {
        return refuse(format!(
            "the matrix has rank {rank}, and full rank is {}",
            a.ncols()
        ));
    }

    let mut stream = Stream::new(0, Purpose::Sketch, 1);
    let length = (a.ncols() as f64).sqrt();
    let start = Col::from_fn(a.ncols(), |_| stream.sign() / length);
    let (mut left, mut right) = (Mat::zeros(a.nrows(), k), Mat::zeros(a.ncols(), k));
    let mut s = vec![0.0f64; k];
    let params = PartialEigenParams::default();
    let scratch = partial_svd_scratch(&a, k, Par::Seq, params);
    let info = partial_svd(
        left.as_mut(),
        right.as_mut(),
        &mut s,
        &a,
        start.as_ref(),
        TOLERANCE,
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        params,
    );
    if info.n_converged_eigen < k {
        return refuse(format!(
            "Lanczos converged for {} of {k} values",
            info.n_converged_eigen
        ));
    }
    let differences = s.iter().zip(&found.s).map(|(a, b)| (a - b * scale).abs());
    Ok(CrossCheck::Compared {
        worst_difference: differences.fold(0.0, f64::max),
        singular_values: s.iter().map(|s| s / scale).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::super::tests::{dense, low_rank, noise, run};
    use super::*;
    use crate::gradients::Dense;

    #[test]
    fn lanczos_agrees_and_is_refused_where_it_would_hang() {
        let compare = |matrix: &Dense, rank| {
            let options = Options {
                max_passes: 60,
                ..Options::with_rank(rank)
            };
            cross_check(matrix, &run(matrix, &options)).unwrap()
        };
        for (t, p) in [(100, 150), (180, 90)] {
            match compare(&noise(t, p, 2), 5) {
                CrossCheck::Compared {
                    worst_difference,
                    singular_values,
                } => {
                    assert!(worst_difference < 1e-9, "{worst_difference}");
                    assert_eq!(singular_values.len(), 5);
                }
                CrossCheck::Refused(reason) => panic!("{reason}"),
            }
        }
        // Nearly of rank 1: full rank to Lanczos, which returns.
        let small = noise(100, 150, 3);
        let nearly = dense(100, 150, |at| 1.0 + 1e-6 * f64::from(small.values()[at]));
        let found = compare(&nearly, 5);
        assert!(matches!(found, CrossCheck::Compared { .. }), "{found:?}");
        for (matrix, reason) in [
            (dense(100, 150, |_| 0.0), "zero"),
            (
                low_rank(100, 150, &[2.0, 1.0]),
                "has rank 2, and full rank is 100",
            ),
            (dense(100, 150, |at| (at % 150) as f64), "has rank 1"),
            (
                noise(64, 150, 2),
                "smaller side is 64, and must be above 64",
            ),
            (dense(65, 70_000, |_| 1.0), "more than"),
        ] {
            match compare(&matrix, 5) {
                CrossCheck::Refused(found) => assert!(found.contains(reason), "{found}"),
                compared => panic!("{compared:?}"),
            }
        }
    }
}
