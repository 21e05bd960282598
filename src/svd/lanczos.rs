//! faer's solver, on request and as a cross-check of small problems: restarted Lanczos
//! bidiagonalisation (`matrix_free::eigen::partial_svd`).
//!
//! It stands behind guards, since in faer 0.24.4 it panics where `min(T, P) <= max(64, 2k)` and does
//! not return from a matrix whose Krylov space ends early (zeros, low rank, repeated rows). Its
//! tolerance is absolute.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::eigen::{PartialEigenParams, partial_svd, partial_svd_scratch};
use faer::{Col, Mat, Par};

use super::dense::{basis, hold};
use super::{Decomposition, Error, range};
use crate::gradients::GradientMatrix;
use crate::numeric::random::{Purpose, Stream};

/// Most entries of the matrix: it is held in `f64`, twice.
const ENTRIES_MAX: usize = 1 << 22;
/// Least pivot, relative to the norm of the matrix, of a matrix of full rank.
const PIVOT_MIN: f64 = 1e-10;
/// Convergence, relative to the root mean square of the singular values.
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
    if k == 0 {
        return Ok(CrossCheck::Refused("the matrix is zero".into()));
    }
    if let Err(reason) = size_allows(m, n, k) {
        return Ok(CrossCheck::Refused(reason));
    }
    let largest = range::largest(matrix)?;
    let scale = range::power_of_two(1.0 / largest);
    let (mut s, _) = match run(&hold(matrix, scale)?, k) {
        Ok(found) => found,
        Err(reason) => return Ok(CrossCheck::Refused(reason)),
    };
    s.iter_mut().for_each(|s| *s /= scale);
    let differences = s.iter().zip(&found.s).map(|(a, b)| (a - b).abs());
    Ok(CrossCheck::Compared {
        worst_difference: differences.fold(0.0, f64::max) / found.s[0],
        singular_values: s,
    })
}

/// The `k` leading left singular vectors of `a`, `(T, P)`, whose largest entry is about 1.
///
/// # Errors
/// A guard forbids it.
pub(super) fn left_vectors(a: &Mat<f64>, k: usize) -> Result<Mat<f64>, Error> {
    let found = size_allows(a.nrows(), a.ncols(), k).and_then(|()| run(a, k));
    let (_, vectors) = found.map_err(|found| Error::Unsuited {
        method: "lanczos",
        expected: "a matrix that faer's solver returns from".into(),
        found,
    })?;
    Ok(vectors)
}

fn size_allows(m: usize, n: usize, k: usize) -> Result<(), String> {
    if m.saturating_mul(n) > ENTRIES_MAX {
        return Err(format!("{m} x {n} is more than {ENTRIES_MAX} entries"));
    }
    let least = 64.max(2 * k);
    if m.min(n) <= least {
        let smaller = m.min(n);
        return Err(format!(
            "the smaller side is {smaller}, and must be above {least}"
        ));
    }
    Ok(())
}

/// Singular values and left singular vectors of `a`, or why not.
fn run(a: &Mat<f64>, k: usize) -> Result<(Vec<f64>, Mat<f64>), String> {
    // Tall, for the QR; and of norm near 1, for the tolerance, which is absolute.
    let norm = a.norm_l2() / (a.nrows().min(a.ncols()) as f64).sqrt();
    let wide = a.nrows() < a.ncols();
    let tall = if wide {
        a.transpose().to_owned()
    } else {
        a.clone()
    };
    let tall = tall * faer::Scale(1.0 / norm);
    let rank = basis(tall.clone(), PIVOT_MIN, tall.ncols()).ncols();
    if rank < tall.ncols() {
        let full = tall.ncols();
        return Err(format!(
            "the matrix has rank {rank}, and full rank is {full}"
        ));
    }

    let mut stream = Stream::new(0, Purpose::Sketch, 1);
    let length = (tall.ncols() as f64).sqrt();
    let start = Col::from_fn(tall.ncols(), |_| stream.sign() / length);
    let (mut left, mut right) = (Mat::zeros(tall.nrows(), k), Mat::zeros(tall.ncols(), k));
    let mut s = vec![0.0f64; k];
    let params = PartialEigenParams::default();
    let scratch = partial_svd_scratch(&tall, k, Par::Seq, params);
    let info = partial_svd(
        left.as_mut(),
        right.as_mut(),
        &mut s,
        &tall,
        start.as_ref(),
        TOLERANCE,
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        params,
    );
    if info.n_converged_eigen < k {
        let found = info.n_converged_eigen;
        return Err(format!("Lanczos converged for {found} of {k} values"));
    }
    s.iter_mut().for_each(|s| *s *= norm);
    Ok((s, if wide { right } else { left }))
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
