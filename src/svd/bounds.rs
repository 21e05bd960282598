//! What the residuals prove, and what the probes make likely.
//!
//! **Proved.** With `r_i` the larger residual of triplet i, some singular value of G lies within `r_i` of `s_i`
//! (Weyl, on `[0 G; G^T 0]`). All that the triplets leave out, `|G (1 - V V^T)|` and with it every singular
//! value that was missed and the first after them, is at most `(|G|_F^2 - sum s_i^2)^1/2`. That difference
//! cancels, so what rounding may have taken from the squares is added.
//!
//! **Likely**, with the probability that is told: all that is left out is at most what fresh random
//! directions allow ([`Unseen`](super::Unseen)). With the distance `d_i` from `s_i` to the other values
//! found and to that bound, the angles from `u_i`, `v_i` to true singular vectors obey `sin <= r_i / d_i`,
//! those between the spaces `sin <= |r|_2 / d` with `d` the gap below the last (Wedin 1972), and the error
//! of `s_i` is below `r_i^2 / d_i`.

use serde::{Deserialize, Serialize};

use super::Decomposition;
use crate::numeric::panel_gemm::Panel;

/// Bounds on the errors of a [`Decomposition`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Proved: how far each `s_i` may be from a singular value of the matrix.
    pub singular_value_errors: Vec<f64>,
    /// Proved: no singular value outside the triplets is larger.
    pub others_at_most: f64,
    /// What is only likely; none in files of before.
    #[serde(default)]
    pub likely: Option<Likely>,
}

/// What holds with [`probability`](Self::probability), all of it at once; angles in radians, none where nothing
/// follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likely {
    /// The probability, over the draws of the probes.
    pub probability: f64,
    /// No singular value outside the triplets is larger.
    pub others_likely_at_most: f64,
    /// Certain: what is outside the triplets, `|G (1 - V V^T)|`, is no less.
    pub others_at_least: f64,
    /// Whether what is outside cannot be told from the rounding of the entries: then the rank is that of the
    /// matrix.
    pub others_are_rounding: bool,
    /// From the last value found to all outside.
    pub gap: Option<f64>,
    /// How far each `s_i` may be from a singular value of the matrix, from its gap.
    pub singular_value_errors_by_gap: Vec<Option<f64>>,
    /// Angles from each `u_i` and `v_i` to the true ones.
    pub vector_angles: Vec<Option<f64>>,
    /// The largest angle between the spaces of all `u_i`, or all `v_i`, and the true ones.
    pub subspace_angle: Option<f64>,
}

/// The bounds that follow from the residuals of `d`, and from its probes.
pub fn bounds(d: &Decomposition) -> Bounds {
    // Vectors are of unit length but for rounding.
    let length = 1.0 - d.orthogonality_u.max(d.orthogonality_v).min(0.5);
    let errors: Vec<f64> = (0..d.rank).map(|i| d.residual(i) / length).collect();
    Bounds {
        others_at_most: others_at_most(d),
        likely: likely(d, &errors),
        singular_value_errors: errors,
    }
}

/// `(|G|_F^2 - sum s_i^2)^1/2` and its rounding: a sum of so many terms in a row loses no more of itself than
/// that times the rounding of one.
fn others_at_most(d: &Decomposition) -> f64 {
    if d.rank == d.time_len.min(d.param_len) {
        return 0.0;
    }
    let terms = 4 * d.time_len + d.param_len / f64::WIDTH + 64;
    let explained: f64 = d.s.iter().map(|s| (s / d.frobenius_norm).powi(2)).sum();
    let lost = terms as f64 * f64::EPSILON;
    let rest = if d.rank == 0 { 1.0 } else { 1.0 - explained };
    d.frobenius_norm * (rest.max(0.0) + lost).sqrt()
}

fn likely(d: &Decomposition, errors: &[f64]) -> Option<Likely> {
    let unseen = d.unseen?;
    let outside = unseen.others_likely_at_most;
    let gaps: Vec<Option<f64>> = (0..d.rank)
        .map(|i| {
            let above = match i.checked_sub(1) {
                Some(above) => d.s[above] - errors[above] - d.s[i],
                None => f64::INFINITY,
            };
            let below = d.s.get(i + 1).map_or(0.0, |below| below + errors[i + 1]);
            let gap = above.min(d.s[i] - below.max(outside)) - errors[i];
            (gap > 0.0).then_some(gap)
        })
        .collect();
    let sine = |residual: f64, gap: f64| (residual < gap).then(|| (residual / gap).asin());
    let gap = d.s.last().map(|last| last - outside);
    let gap = gap.filter(|gap| *gap > 0.0);
    // Squares of small numbers are 0.
    let unit = d.s.first().copied().unwrap_or(1.0);
    let all = unit
        * errors
            .iter()
            .map(|r| (r / unit).powi(2))
            .sum::<f64>()
            .sqrt();
    Some(Likely {
        probability: unseen.probability,
        others_likely_at_most: outside,
        others_at_least: unseen.others_at_least,
        others_are_rounding: unseen.others_are_rounding,
        singular_value_errors_by_gap: gaps
            .iter()
            .zip(errors)
            .map(|(gap, r)| gap.map(|gap| r * (r / gap)))
            .collect(),
        vector_angles: gaps
            .iter()
            .zip(errors)
            .map(|(gap, &r)| sine(r, (*gap)?))
            .collect(),
        gap,
        subspace_angle: gap.and_then(|gap| sine(all, gap)),
    })
}

#[cfg(test)]
mod tests {
    use faer::Mat;

    use super::super::tests::{noise, run};
    use super::super::{Method, Options};
    use super::*;
    use crate::gradients::GradientMatrix;

    #[test]
    fn errors_against_the_dense_svd_are_within_their_bounds() {
        let matrix = noise(60, 90, 4);
        let a = Mat::from_fn(60, 90, |i, j| f64::from(matrix.values()[i * 90 + j]));
        let svd = a.thin_svd().unwrap();
        for (tolerance, method) in [
            (0.3, Method::Krylov),
            (1e-3, Method::Krylov),
            (1e-6, Method::Gram),
        ] {
            let options = Options {
                method,
                tolerance,
                block: Some(4),
                ..Options::with_rank(4)
            };
            let d = run(&matrix, &options);
            let b = bounds(&d);
            for i in 0..d.rank {
                let errors = svd.S().column_vector().iter().map(|s| (s - d.s[i]).abs());
                let nearest = errors.fold(f64::INFINITY, f64::min);
                assert!(nearest <= b.singular_value_errors[i], "{i} {nearest} {b:?}");
                if let Some(angle) = b.likely.as_ref().unwrap().vector_angles[i] {
                    let v = d.v_column(i);
                    let along: f64 = (0..60).map(|t| svd.U()[(t, i)] * v[t]).sum();
                    assert!(
                        along.abs().min(1.0).acos() <= angle + 1e-7,
                        "{i} {along} {b:?}"
                    );
                }
            }
            let true_next = svd.S().column_vector()[4];
            let likely = b.likely.as_ref().unwrap();
            assert!(b.others_at_most >= true_next, "{b:?} {true_next}");
            assert!(
                likely.others_likely_at_most >= true_next,
                "{b:?} {true_next}"
            );
            assert_eq!(matrix.time_len(), 60);
        }
        let exact = run(&matrix, &Options::with_rank(4));
        assert!(bounds(&exact).likely.unwrap().subspace_angle.unwrap() < 1e-4);
    }
}
