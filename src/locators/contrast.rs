//! What one phase has and another has not: generalised eigenvectors.
//!
//! Rows are given by their coordinates y_t in a few directions. With `C = sum y y^T / n` of the rows of
//! either phase, a *filter* w of phase 1 is a leading solution of
//! ```text
//! C_1 w = lambda (C_2 + epsilon I) w,      epsilon = .1 tr C_2 / k
//! ```
//! (common spatial patterns; Fukunaga 1990). Where gradients of phase 1 run along a and those of phase
//! 2 along b, w is the part of a outside of b: it tells the phases apart, but has b's parameters in it. Where
//! the power came from is the *pattern* `C_1 w / sqrt(w^T C_1 w)` (Haufe et al. 2014), which is a.
//! epsilon keeps directions with hardly any power in either phase from being the most telling.
//!
//! Cost: `O(k^3)`.

use faer::Mat;

use super::error::Error;
use crate::svd::{eigen, product};

/// Share of the mean eigenvalue that is added to all.
const RIDGE: f64 = 0.1;

/// One solution, in the coordinates it was given.
#[derive(Clone, Debug)]
pub struct Contrast {
    /// Power in phase 1 over power in phase 2 (and epsilon) along the filter.
    pub ratio: f64,
    /// w, of length 1.
    pub filter: Vec<f64>,
    /// Where its power in phase 1 comes from; its length is an amplitude.
    pub pattern: Vec<f64>,
}

/// `sum y y^T / n` over the rows of y that `is_in` names; zeros for none.
pub fn covariance(y: &Mat<f64>, is_in: &dyn Fn(usize) -> bool) -> Mat<f64> {
    let rows: Vec<usize> = (0..y.nrows()).filter(|&t| is_in(t)).collect();
    let part = Mat::from_fn(rows.len(), y.ncols(), |i, j| y[(rows[i], j)]);
    let c = product(part.transpose(), part.as_ref());
    c * faer::Scale(1.0 / rows.len().max(1) as f64)
}

/// The `len` most telling solutions for phase 1 against phase 2; fewer where phase 1 has a greater share of its
/// power than phase 2 of its own in no more directions, or none where phase 2 has no power at all.
///
/// # Errors
/// Eigenvalues that do not converge.
pub fn contrast(c_1: &Mat<f64>, c_2: &Mat<f64>, len: usize) -> Result<Vec<Contrast>, Error> {
    let k = c_1.nrows();
    let whole = |c: &Mat<f64>| (0..k).map(|i| c[(i, i)]).sum::<f64>();
    let (of_1, trace) = (whole(c_1), whole(c_2));
    if trace <= 0.0 {
        return Ok(Vec::new());
    }
    let epsilon = RIDGE * trace / k as f64;
    let (values, vectors) = eigen(c_2.as_ref())?;
    // In the columns of `white`, C_2 + epsilon I is the identity.
    let white = Mat::from_fn(k, k, |i, j| {
        vectors[(i, j)] / (values[j].max(0.0) + epsilon).sqrt()
    });
    let inner = product(
        white.transpose(),
        product(c_1.as_ref(), white.as_ref()).as_ref(),
    );
    let (ratios, x) = eigen(inner.as_ref())?;
    let filters = product(white.as_ref(), x.as_ref());
    let images = product(c_1.as_ref(), filters.as_ref());
    let solution = |j: usize| {
        let length = (0..k).map(|i| filters[(i, j)].powi(2)).sum::<f64>().sqrt();
        let amplitude = ratios[j].sqrt();
        Contrast {
            ratio: ratios[j],
            filter: (0..k).map(|i| filters[(i, j)] / length).collect(),
            pattern: (0..k).map(|i| images[(i, j)] / amplitude).collect(),
        }
    };
    let telling = (0..len.min(k)).filter(|&j| ratios[j] * trace > of_1);
    Ok(telling.map(solution).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_leave_the_other_phase_out_and_patterns_are_the_own_direction() {
        // Phase 1 along a = (1, 0, 0), phase 2 along b = (.5, sqrt .75, 0), a little of everything.
        let b = [0.5, 0.75f64.sqrt(), 0.0];
        let small = |i, j| if i == j { 1e-6 } else { 0.0 };
        let c_1 = Mat::from_fn(3, 3, |i, j| {
            small(i, j) + if i + j == 0 { 4.0 } else { 0.0 }
        });
        let c_2 = Mat::from_fn(3, 3, |i, j| small(i, j) + 400.0 * b[i] * b[j]);
        let found = contrast(&c_1, &c_2, 1).unwrap();
        let [
            Contrast {
                filter, pattern, ..
            },
        ] = &found[..]
        else {
            panic!("{found:?}");
        };
        let along: f64 = filter.iter().zip(b).map(|(w, b)| w * b).sum();
        assert!(along.abs() < 0.05, "{filter:?}");
        assert!((pattern[0].abs() - 2.0).abs() < 1e-3, "{pattern:?}");
        assert!(pattern[1].abs() < 1e-3 && pattern[2].abs() < 1e-3);
        // The other phase's direction tells nothing of this one.
        assert_eq!(contrast(&c_1, &c_2, 3).unwrap().len(), 1);
        assert!(contrast(&c_1, &Mat::zeros(3, 3), 1).unwrap().is_empty());
    }
}
