//! Whether a component would come out again: the decompositions of odd and of even rows against
//! each other and against that of all rows. And which components cannot be told apart at all.

use serde::Serialize;

use super::Error;
use crate::svd::Decomposition;

/// Neighbours whose singular values are closer than this, relative to the larger, form a block
/// within which directions are arbitrary.
const GAP_MIN: f64 = 0.02;

/// Split-half stability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stability {
    /// For each `u_i` of all rows, `sqrt(sum_j (u_i . u'_j)^2)` over a half's components, in the half
    /// that holds less of it. Each half went into `u_i`, so that noise gives about `sqrt 1/2`.
    pub captured: Vec<f64>,
    /// For each `u_i`, the cosine between its projections on the two halves' spans: 1 where both
    /// hold the same part of it, near 0 for noise.
    pub agreement: Vec<f64>,
    /// Principal angles between the two halves' spans, in radians, smallest first.
    pub principal_angles: Vec<f64>,
}

/// Compares the decomposition of all rows with those of odd and of even rows
/// ([`crate::gradients::EveryOther`]).
///
/// # Errors
/// They have different numbers of parameters.
pub fn split_half(
    whole: &Decomposition,
    odd: &Decomposition,
    even: &Decomposition,
) -> Result<Stability, Error> {
    let (in_odd, in_even) = (whole.cross(odd)?, whole.cross(even)?);
    let between = odd.cross(even)?;
    let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (mut captured, mut agreement) = (Vec::new(), Vec::new());
    for i in 0..whole.rank {
        let a = in_odd
            .get(i * odd.rank..(i + 1) * odd.rank)
            .unwrap_or_default();
        let b = in_even
            .get(i * even.rank..(i + 1) * even.rank)
            .unwrap_or_default();
        let mut inner = 0.0;
        for (row, a) in between.chunks(even.rank.max(1)).zip(a) {
            inner += a * row.iter().zip(b).map(|(x, b)| x * b).sum::<f64>();
        }
        let norms = norm(a) * norm(b);
        captured.push(norm(a).min(norm(b)).min(1.0));
        agreement.push(if norms > 0.0 {
            (inner / norms).clamp(-1.0, 1.0)
        } else {
            0.0
        });
    }
    Ok(Stability {
        captured,
        agreement,
        principal_angles: odd.principal_angles(even)?,
    })
}

/// For each component the number of its block, from 0: neighbours share one where their singular
/// values differ by less than 2 % of the larger, or by less than their residuals leave open.
pub fn blocks(decomposition: &Decomposition) -> Vec<usize> {
    let mut block = 0;
    (0..decomposition.rank)
        .map(|i| {
            if i > 0 {
                let (above, below) = (decomposition.s[i - 1], decomposition.s[i]);
                let open = decomposition.residual(i - 1) + decomposition.residual(i);
                block += usize::from(above - below >= (GAP_MIN * above).max(open));
            }
            block
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::{Dense, EveryOther};
    use crate::numeric::random::{Purpose, Stream};
    use crate::svd::{Options, truncated};

    fn decompose(matrix: &dyn crate::gradients::GradientMatrix, rank: usize) -> Decomposition {
        let options = Options {
            max_passes: 60,
            ..Options::with_rank(rank)
        };
        truncated(matrix, &options, &mut |_| {}).unwrap()
    }

    #[test]
    fn a_planted_direction_is_stable_and_noise_is_not() {
        let (t, p) = (200, 600);
        let mut stream = Stream::new(5, Purpose::Controls, 0);
        let course: Vec<f64> = (0..t).map(|_| stream.sign()).collect();
        let direction: Vec<f64> = (0..p).map(|_| stream.sign()).collect();
        let entry = |at: usize| 0.5 * course[at / p] * direction[at % p] + stream.normal();
        let values = (0..t * p).map(entry).map(|x| x as f32).collect();
        let matrix = Dense::new(t, p, values).unwrap();
        let [whole, odd, even] = [
            decompose(&matrix, 3),
            decompose(&EveryOther::new(&matrix, true), 3),
            decompose(&EveryOther::new(&matrix, false), 3),
        ];
        let stability = split_half(&whole, &odd, &even).unwrap();
        assert!(
            stability.captured[0] > 0.95 && stability.agreement[0] > 0.9,
            "{stability:?}"
        );
        assert!(
            stability.captured[2] < 0.8 && stability.agreement[2].abs() < 0.3,
            "{stability:?}"
        );
        let angles = &stability.principal_angles;
        assert!(
            angles[0] < 0.5 && angles[1] > 1.2 && angles.len() == 3,
            "{angles:?}"
        );
        let same = split_half(&whole, &whole, &whole).unwrap();
        assert!(
            same.captured
                .iter()
                .chain(&same.agreement)
                .all(|x| *x > 1.0 - 1e-6)
        );

        let zeros = decompose(&Dense::new(4, p, vec![0.0; 4 * p]).unwrap(), 3);
        let none = split_half(&whole, &zeros, &even).unwrap();
        assert_eq!((none.captured[0], none.agreement[0]), (0.0, 0.0));
        let narrow = decompose(&Dense::new(2, 2, vec![1.0; 4]).unwrap(), 1);
        assert!(split_half(&whole, &narrow, &even).is_err());
    }

    #[test]
    fn near_equal_values_form_blocks() {
        let diagonal = [10.0, 9.9, 5.0, 4.0, 3.99, 3.98, 1.0];
        let values = (0..49).map(|at| {
            if at / 7 == at % 7 {
                diagonal[at / 7]
            } else {
                0.0
            }
        });
        let matrix = Dense::new(7, 7, values.collect()).unwrap();
        let mut found = decompose(&matrix, 7);
        assert_eq!(blocks(&found), [0, 0, 1, 2, 2, 2, 3]);
        found.right_residuals[2] = 2.0;
        assert_eq!(blocks(&found), [0, 0, 1, 1, 1, 1, 2]);
    }
}
