//! What directions in the span of a decomposition have of a displacement, and what as many random ones there have.
//!
//! With U orthonormal, directions are known by coordinates in it, and B of these orthonormal:
//! ```text
//! removed = U B B^T U^T delta          random = the same of as many random directions, scaled to the length of `removed`, so that it moves as far
//! ```
//!
//! Cost: `O(P k + k^3)`, and no direction of P entries is held.

use std::sync::Arc;

use super::span::combine;
use crate::numeric::random::Stream;
use crate::numeric::sum::{dot, norm};
use crate::svd::Decomposition;

/// Directions in the span of a decomposition's components.
#[derive(Clone, Debug, PartialEq)]
pub struct InSpan {
    /// Whose components.
    pub span: Arc<Decomposition>,
    /// Coordinates in U, orthonormal.
    pub basis: Vec<Vec<f64>>,
}

impl InSpan {
    /// What the directions have of a displacement.
    pub fn removed(&self, displacement: &[f32]) -> Vec<f32> {
        self.vector(&projected(&self.basis, &self.along(displacement)))
    }

    /// What as many random directions have of it, as long as what these have; `None` where they have nothing.
    pub fn random(&self, displacement: &[f32], stream: &mut Stream) -> Option<Vec<f32>> {
        let along = self.along(displacement);
        let length = norm(&projected(&self.basis, &along));
        let mut drawn: Vec<Vec<f64>> = Vec::new();
        for _ in &self.basis {
            let mut x: Vec<f64> = (0..self.span.rank).map(|_| stream.normal()).collect();
            for _ in 0..2 {
                let inside = projected(&drawn, &x);
                x.iter_mut()
                    .zip(&inside)
                    .for_each(|(x, inside)| *x -= inside);
            }
            let own = norm(&x);
            x.iter_mut().for_each(|x| *x /= own);
            drawn.push(x);
        }
        let mut taken = projected(&drawn, &along);
        let own = norm(&taken);
        taken.iter_mut().for_each(|x| *x *= length / own);
        (own > 0.0).then(|| self.vector(&taken))
    }

    fn along(&self, displacement: &[f32]) -> Vec<f64> {
        let d = &self.span;
        let mut along = vec![0.0; d.rank];
        for (row, &delta) in d.u.chunks_exact(d.rank).zip(displacement) {
            let terms = along.iter_mut().zip(row);
            terms.for_each(|(sum, &u)| *sum += f64::from(u) * f64::from(delta));
        }
        along
    }

    fn vector(&self, coordinates: &[f64]) -> Vec<f32> {
        let vector = combine(&self.span.u, coordinates);
        vector.into_iter().map(|x| x as f32).collect()
    }
}

/// `B B^T x`.
fn projected(basis: &[Vec<f64>], x: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; x.len()];
    for q in basis {
        let share = dot(q, x);
        sum.iter_mut().zip(q).for_each(|(sum, q)| *sum += share * q);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::edit;
    use crate::gradients::Dense;
    use crate::numeric::random::Purpose;
    use crate::svd;

    #[test]
    fn what_is_removed_is_the_projection_and_random_sets_remove_as_much() {
        let mut stream = Stream::new(3, Purpose::Locators, 0);
        let mut draw = |len| -> Vec<f32> { (0..len).map(|_| stream.normal() as f32).collect() };
        let matrix = Dense::new(6, 40, draw(240)).unwrap();
        let d = svd::truncated(&matrix, &svd::Options::with_rank(6), &mut |_| {}).unwrap();
        let (theta, theta_0) = (draw(40), vec![0.0; 40]);
        let directions = vec![d.u_column(4), d.u_column(1)];
        let axis = |i: usize| (0..6).map(|j| f64::from(u8::from(i == j))).collect();
        let set = InSpan {
            span: Arc::new(d),
            basis: vec![axis(4), axis(1)],
        };
        let off = edit::project(&theta, &theta_0, &directions, 1.0);
        let removed = set.removed(&theta);
        for (p, removed) in removed.iter().enumerate() {
            assert!((theta[p] - removed - off[p]).abs() < 1e-5);
        }
        let mut stream = Stream::new(3, Purpose::Locators, 1);
        let random = set.random(&theta, &mut stream).unwrap();
        assert!((norm(&random) / norm(&removed) - 1.0).abs() < 1e-5);
        assert!(dot(&random, &removed).abs() < 0.999 * norm(&removed).powi(2));
        // All of the span is all of the span.
        let all = InSpan {
            basis: (0..6).map(axis).collect(),
            ..set
        };
        let (removed, random) = (all.removed(&theta), all.random(&theta, &mut stream));
        for (a, b) in removed.iter().zip(random.unwrap()) {
            assert!((a - b).abs() < 1e-5);
        }
        assert!(all.random(&[0.0; 40], &mut stream).is_none());
    }
}
