//! What the residuals prove.
//!
//! With `r_i` the larger residual of triplet i: some singular value of G lies within `r_i` of `s_i`
//! (Weyl, on `[0 G; G^T 0]`). With the distance `d_i` from `s_i` to the other singular values, the
//! angles from `u_i`, `v_i` to true singular vectors obey `sin <= r_i / d_i`, those between the spaces
//! `sin <= |r|_2 / d` with `d` the gap below the last (Wedin 1972), and the error of `s_i` is below
//! `r_i^2 / d_i`. Distances are to the values found and to the method's estimate of the next one: they
//! assume that none was missed. What the tail allows is proven without that: no singular value outside
//! exceeds `(|G|_F^2 - sum s_i^2)^1/2`.

use serde::{Deserialize, Serialize};

use super::{Decomposition, Stop};

/// Bounds on the errors of a [`Decomposition`]; angles in radians, none where nothing is proven.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// How far each `s_i` may be from a singular value of the matrix.
    pub singular_value_errors: Vec<f64>,
    /// The same from the gaps.
    pub singular_value_errors_by_gap: Vec<Option<f64>>,
    /// Angles from each `u_i` and `v_i` to the true ones.
    pub vector_angles: Vec<Option<f64>>,
    /// From the last value found to the next.
    pub gap: Option<f64>,
    /// The largest angle between the spaces of all `u_i`, or all `v_i`, and the true ones.
    pub subspace_angle: Option<f64>,
    /// No singular value outside the triplets is larger.
    pub others_at_most: f64,
}

/// The bounds that follow from the residuals of `d`.
pub fn bounds(d: &Decomposition) -> Bounds {
    // Vectors are of unit length but for rounding.
    let length = 1.0 - d.orthogonality_u.max(d.orthogonality_v).min(0.5);
    let errors: Vec<f64> = (0..d.rank).map(|i| d.residual(i) / length).collect();
    let short = d.rank < d.requested && d.stop != Stop::MaxPasses;
    let full = d.rank == d.time_len.min(d.param_len) || short;
    // Below the rank of the matrix there is nothing but zeros.
    let next = d.next_singular_value.or(full.then_some(0.0));
    let gaps: Vec<Option<f64>> = (0..d.rank)
        .map(|i| {
            let above = i.checked_sub(1).map(|above| d.s[above] - d.s[i]);
            let below = match d.s.get(i + 1) {
                Some(below) => Some(*below),
                None => next,
            };
            let gap = above.unwrap_or(f64::INFINITY).min(d.s[i] - below?) - errors[i];
            (gap > 0.0).then_some(gap)
        })
        .collect();
    let sine = |residual: f64, gap: f64| (residual < gap).then(|| (residual / gap).asin());
    let gap = d.s.last().zip(next).map(|(last, next)| last - next);
    let all = errors.iter().map(|r| r * r).sum::<f64>().sqrt();
    let explained: f64 = d.explained().iter().sum();
    Bounds {
        singular_value_errors_by_gap: gaps
            .iter()
            .zip(&errors)
            .map(|(gap, r)| gap.map(|gap| r * (r / gap)))
            .collect(),
        vector_angles: gaps
            .iter()
            .zip(&errors)
            .map(|(gap, &r)| sine(r, (*gap)?))
            .collect(),
        gap,
        subspace_angle: gap.and_then(|gap| sine(all, gap)),
        others_at_most: d.frobenius_norm * (1.0 - explained).max(0.0).sqrt(),
        singular_value_errors: errors,
    }
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
                if let Some(angle) = b.vector_angles[i] {
                    let v = d.v_column(i);
                    let along: f64 = (0..60).map(|t| svd.U()[(t, i)] * v[t]).sum();
                    assert!(
                        along.abs().min(1.0).acos() <= angle + 1e-7,
                        "{i} {along} {b:?}"
                    );
                }
            }
            let true_next = svd.S().column_vector()[4];
            assert!(b.others_at_most >= true_next, "{b:?} {true_next}");
            assert_eq!(matrix.time_len(), 60);
        }
        let exact = run(&matrix, &Options::with_rank(4));
        assert!(bounds(&exact).subspace_angle.unwrap() < 1e-4);
    }
}
