//! Lanczos bidiagonalisation (Golub and Kahan 1965) of a matrix in memory, with full reorthogonalisation: on request,
//! and as a cross-check that shares nothing with the iteration but the products.
//!
//! From a random u_1: `a_i w_i = A^T u_i - b_i w_i-1` and `b_i+1 u_i+1 = A w_i - a_i u_i`, so that `A^T U = W L^T` with L
//! lower bidiagonal. The SVD `L = X S Y^T` gives Ritz values, and of each the residual `b_j+1 |y_j|`.
//!
//! The space of one start holds one copy of every value, and may end early. So sweep follows sweep, each from a
//! random start orthogonal to what was found, until one finds nothing above the last value wanted. A sweep has no
//! more steps than the matrix has rows, and each but the last finds a value: it always ends.

use faer::Mat;

use super::dense::{hold, product, right_svd, subtract_product};
use super::{Decomposition, Error, range};
use crate::gradients::GradientMatrix;
use crate::numeric::random::{Purpose, Stream};

/// Most entries of the matrix: it is held in `f64`, and the basis beside it.
const ENTRIES_MAX: usize = 1 << 22;
/// Residual of a value that counts as found, relative to the largest.
const TOLERANCE: f64 = 1e-10;
/// A vector this much shorter than what it was computed from is rounding.
const BREAKDOWN: f64 = 64.0 * f64::EPSILON;
/// Steps between two looks at the values.
const STRIDE: usize = 8;

/// What the cross-check found.
#[derive(Clone, Debug, PartialEq)]
pub enum CrossCheck {
    /// Lanczos ran.
    Compared {
        /// Its singular values, largest first.
        singular_values: Vec<f64>,
        /// The largest difference from the decomposition's, relative to the largest value.
        worst_difference: f64,
        /// Which of the two is wrong.
        verdict: Verdict,
    },
    /// A guard forbade it, for the reason given.
    Refused(String),
}

/// Which of two decompositions is wrong. Values of both come from orthonormal vectors, so that neither is above the
/// true one of the same index but for rounding (Cauchy): the lower one is wrong, or has missed a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Neither, as far as the residuals tell.
    Agree,
    /// The decomposition's value of this index is too low.
    DecompositionLow(usize),
    /// Lanczos's value of this index is too low.
    LanczosLow(usize),
}

/// Computes the singular values of `found` anew from `matrix`; `go_on` is asked at every step.
///
/// # Errors
/// The matrix cannot be read, or is not the one that was decomposed; `go_on` said no.
pub fn cross_check(
    matrix: &dyn GradientMatrix,
    found: &Decomposition,
    go_on: &mut dyn FnMut() -> bool,
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
    if let Err(reason) = size_allows(m, n) {
        return Ok(CrossCheck::Refused(reason));
    }
    let largest = range::largest(matrix)?;
    let scale = range::power_of_two(1.0 / largest);
    let mut a = hold(matrix, scale)?;
    if m > n {
        a = a.transpose().to_owned();
    }
    let (mut s, _) = run(&a, k, go_on)?;
    s.iter_mut().for_each(|s| *s /= scale);
    s.resize(k, 0.0);
    let verdict = (0..k).find_map(|i| {
        let apart = found.residual(i).min(1e-6 * found.s[0]) + 1e-9 * found.s[0];
        match s[i] - found.s[i] {
            higher if higher > apart => Some(Verdict::DecompositionLow(i)),
            higher if higher < -apart => Some(Verdict::LanczosLow(i)),
            _ => None,
        }
    });
    let differences = s.iter().zip(&found.s).map(|(a, b)| (a - b).abs());
    Ok(CrossCheck::Compared {
        worst_difference: differences.fold(0.0, f64::max) / found.s[0],
        singular_values: s,
        verdict: verdict.unwrap_or(Verdict::Agree),
    })
}

/// The leading left singular vectors of `a`, `(T, P)` with T at most P: `k`, or as many as it has.
///
/// # Errors
/// It is too large; `go_on` said no.
pub(super) fn left_vectors(
    a: &Mat<f64>,
    k: usize,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Mat<f64>, Error> {
    size_allows(a.nrows(), a.ncols()).map_err(|found| Error::Unsuited {
        method: "lanczos",
        expected: format!("a matrix of at most {ENTRIES_MAX} entries"),
        found,
    })?;
    Ok(run(a, k, go_on)?.1)
}

fn size_allows(m: usize, n: usize) -> Result<(), String> {
    if m.saturating_mul(n) > ENTRIES_MAX {
        return Err(format!("{m} x {n} is more than {ENTRIES_MAX} entries"));
    }
    Ok(())
}

/// The `k` largest singular values of `a`, or as many as are not 0, and their left vectors.
fn run(
    a: &Mat<f64>,
    k: usize,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(Vec<f64>, Mat<f64>), Error> {
    let rows = a.nrows();
    let mut stream = Stream::new(0, Purpose::Sketch, 1);
    let mut found: Vec<(f64, Vec<f64>)> = Vec::new();
    while found.len() < rows {
        let known = Mat::from_fn(rows, found.len(), |t, j| found[j].1[t]);
        let largest = found.first().map_or(0.0, |found| found.0);
        let last = found.get(k - 1).map_or(0.0, |found| found.0);
        // The first sweep is after all of them; the others, after what it missed.
        let wanted = if found.len() < k { k - found.len() } else { 1 };
        let above = (last * (1.0 + TOLERANCE)).max(BREAKDOWN * largest);
        let start: Vec<f64> = (0..rows).map(|_| stream.normal()).collect();
        let mut fresh = sweep(a, &known, start, wanted, go_on)?;
        fresh.retain(|fresh| fresh.0 > above);
        if fresh.is_empty() {
            break;
        }
        found.extend(fresh);
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
    }
    found.truncate(k);
    let vectors = Mat::from_fn(rows, found.len(), |t, j| found[j].1[t]);
    Ok((found.into_iter().map(|found| found.0).collect(), vectors))
}

/// The `wanted` largest values in the Krylov space of `start`, orthogonal to `known`, and their left vectors: all of
/// them to [`TOLERANCE`], or those of a space that ended.
fn sweep(
    a: &Mat<f64>,
    known: &Mat<f64>,
    start: Vec<f64>,
    wanted: usize,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Vec<(f64, Vec<f64>)>, Error> {
    let (rows, columns) = a.shape();
    let room = rows - known.ncols();
    let mut u = Mat::<f64>::zeros(rows, 0);
    let mut w = Mat::<f64>::zeros(columns, 0);
    let (mut diagonal, mut below) = (Vec::new(), Vec::new());
    let mut next = Mat::from_fn(rows, 1, |t, _| start[t]);
    orthogonalise(&mut next, &[known]);
    let mut next = unit(next);
    loop {
        if !go_on() {
            return Err(Error::Interrupted);
        }
        let steps = u.ncols() + 1;
        push(&mut u, &next);
        let mut image = product(a.transpose(), next.as_ref());
        let before = image.norm_l2();
        orthogonalise(&mut image, &[&w]);
        let alpha = if image.norm_l2() > BREAKDOWN * before {
            image.norm_l2()
        } else {
            0.0
        };
        diagonal.push(alpha);
        if alpha > 0.0 {
            image *= faer::Scale(1.0 / alpha);
        } else {
            image.fill(0.0);
        }
        push(&mut w, &image);
        let mut back = product(a.as_ref(), image.as_ref());
        let before = back.norm_l2();
        orthogonalise(&mut back, &[known, &u]);
        let residual = back.norm_l2();
        let ended = alpha == 0.0 || residual <= BREAKDOWN * before || steps == room;
        if ended || steps.is_multiple_of(STRIDE) {
            let l = Mat::from_fn(steps, steps, |i, j| match (i, j) {
                _ if i == j => diagonal[i],
                _ if i == j + 1 => below[j],
                _ => 0.0,
            });
            // L^T has X on its right.
            let (s, x) = right_svd(l.transpose())?;
            let y = product(l.transpose(), x.as_ref());
            let count = wanted.min(steps);
            let last = |j: usize| y[(steps - 1, j)].abs() / s[j].max(f64::MIN_POSITIVE);
            let converged =
                count == wanted && (0..count).all(|j| residual * last(j) <= TOLERANCE * s[0]);
            if ended || converged {
                let vectors = product(u.as_ref(), x.subcols(0, count));
                let vector = |j: usize| (0..rows).map(|t| vectors[(t, j)]).collect();
                return Ok((0..count).map(|j| (s[j], vector(j))).collect());
            }
        }
        below.push(residual);
        next = unit(back);
    }
}

fn orthogonalise(x: &mut Mat<f64>, bases: &[&Mat<f64>]) {
    for _ in 0..2 {
        for basis in bases {
            let inside = product(basis.transpose(), x.as_ref());
            subtract_product(x.as_mut(), basis.as_ref(), inside.as_ref());
        }
    }
}

fn unit(x: Mat<f64>) -> Mat<f64> {
    let length = x.norm_l2();
    x * faer::Scale(1.0 / length)
}

fn push(basis: &mut Mat<f64>, column: &Mat<f64>) {
    let old = basis.ncols();
    basis.resize_with(column.nrows(), old + 1, |t, _| column[(t, 0)]);
}

#[cfg(test)]
mod tests {
    use super::super::tests::{dense, noise, run};
    use super::super::{Method, Options};
    use super::*;
    use crate::gradients::Dense;

    fn checked(matrix: &Dense, found: &Decomposition) -> (Vec<f64>, Verdict) {
        match cross_check(matrix, found, &mut || true).unwrap() {
            CrossCheck::Compared {
                singular_values,
                verdict,
                ..
            } => (singular_values, verdict),
            CrossCheck::Refused(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn copies_and_spaces_that_end_early_are_found_whole() {
        let diagonal = |value: fn(usize) -> f64| {
            dense(100, 100, |at| {
                if at / 100 == at % 100 {
                    value(at % 100)
                } else {
                    0.0
                }
            })
        };
        let steps = |i: usize| if i < 10 { 1.0 } else { 0.5 };
        for (matrix, expected) in [
            (diagonal(|_| 1.0), [1.0; 12]),
            (
                diagonal(steps),
                [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5],
            ),
            (diagonal(|i| 4.0 - (i % 4) as f64), [4.0; 12]),
        ] {
            let options = Options {
                method: Method::Lanczos,
                ..Options::with_rank(12)
            };
            let found = run(&matrix, &options);
            assert!(found.converged, "{found:?}");
            for (s, expected) in found.s.iter().zip(expected) {
                assert!((s - expected).abs() < 1e-12, "{:?}", found.s);
            }
            let (_, verdict) = checked(&matrix, &found);
            assert_eq!(verdict, Verdict::Agree);
            // Whoever missed a copy is told so.
            let mut low = found.clone();
            low.s[11] = 0.25;
            let (values, verdict) = checked(&matrix, &low);
            assert_eq!(verdict, Verdict::DecompositionLow(11), "{values:?}");
            low.s[11] = 5.0;
            assert_eq!(checked(&matrix, &low).1, Verdict::LanczosLow(11));
        }
        // Rank 1, tall, and zeros.
        let one = dense(80, 30, |at| (at % 30) as f64);
        assert_eq!(checked(&one, &run(&one, &Options::with_rank(3))).0.len(), 1);
        let noise = noise(40, 60, 2);
        let found = run(&noise, &Options::with_rank(5));
        assert_eq!(checked(&noise, &found).1, Verdict::Agree);
        let zero = dense(40, 60, |_| 0.0);
        let zeros = run(&zero, &Options::with_rank(5));
        let told = cross_check(&zero, &zeros, &mut || true).unwrap();
        assert_eq!(told, CrossCheck::Refused("the matrix is zero".into()));
        // And whoever watches may end it.
        let mut steps = 0;
        let stopped = cross_check(&noise, &found, &mut || {
            steps += 1;
            steps < 3
        });
        assert!(matches!(stopped, Err(Error::Interrupted)));
    }
}
