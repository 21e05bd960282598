//! Directions of what lies on one side of a cut of training, in a decomposition of windows of time.
//!
//! Window j has the coordinates `y_j = S V_j` in U. Late is after the cut, early before it:
//!
//! - **in the phase**: the components with at least nine tenths of their course there, `sum_{j in phase} v_ij^2 >= .9`, as
//!   many as there are. As all components are orthogonal, so are the late ones to the early ones;
//! - **alone**: the principal directions of the phase's windows alone, `sum_{j in phase} y_j y_j^T`, as many as have at
//!   least a mean share of its power (Guttman 1954);
//! - **orthogonal**: the same, each outside of what those of the other phase alone span and of those before it.
//!
//! Cuts are known without labels: halves, two thirds, four fifths.
//!
//! Cost: `O(k^3)` of k components.

use std::ops::Range;

use faer::Mat;

use super::contrast::covariance;
use super::error::Error;
use super::oblique::outside;
use crate::numeric::sum::norm;
use crate::svd::{Decomposition, eigen};

/// Shares of training at which it is cut.
pub const CUTS: [f64; 3] = [0.5, 2.0 / 3.0, 0.8];
/// Share of a course that lies in its phase.
const PHASE_SHARE: f64 = 0.9;
/// Of a direction, what has to be left outside of others.
const LEAST_LEFT: f64 = 1e-3;

/// Which directions of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Components of all windows that lie in it.
    InPhase,
    /// Components of its windows alone.
    Alone,
    /// The same, outside of those of the other phase.
    Orthogonal,
}

impl Choice {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::InPhase, Self::Alone, Self::Orthogonal];

    /// What members say of it.
    pub fn words(self) -> &'static str {
        match self {
            Self::InPhase => "",
            Self::Alone => ", alone",
            Self::Orthogonal => ", alone, orthogonal",
        }
    }
}

/// Windows in the coordinates of their components, and when they were.
pub struct Courses<'a> {
    decomposition: &'a Decomposition,
    tau: &'a [f64],
}

/// A direction's power, sigma^2, and its coordinates in U; those of a set are orthonormal.
pub type Direction = (f64, Vec<f64>);

impl<'a> Courses<'a> {
    /// The components of windows whose middles are at the shares `tau` of training.
    pub fn new(decomposition: &'a Decomposition, tau: &'a [f64]) -> Self {
        Self { decomposition, tau }
    }

    /// The windows of the phase of A (after the cut) or of B (before it); they are in the order of time.
    fn phase(&self, claim: usize, cut: f64) -> Range<usize> {
        let after = self.tau.partition_point(|&tau| tau <= cut);
        match claim {
            0 => after..self.tau.len(),
            _ => 0..after,
        }
    }

    /// The directions of a phase, orthonormal, the most powerful first.
    ///
    /// # Errors
    /// Eigenvalues that do not converge.
    pub fn directions(
        &self,
        claim: usize,
        cut: f64,
        choice: Choice,
    ) -> Result<Vec<Direction>, Error> {
        match choice {
            Choice::InPhase => Ok(self.in_phase(&self.phase(claim, cut))),
            Choice::Alone => self.alone(&self.phase(claim, cut)),
            Choice::Orthogonal => {
                let own = self.alone(&self.phase(claim, cut))?;
                let other = self.alone(&self.phase(1 - claim, cut))?;
                let mut span: Vec<Vec<f64>> = other.into_iter().map(|(_, x)| x).collect();
                let mut left = Vec::new();
                for (power, x) in own {
                    let mut x = outside(x, &span);
                    let length = norm(&x);
                    if length > LEAST_LEFT {
                        x.iter_mut().for_each(|x| *x /= length);
                        span.push(x.clone());
                        left.push((power * length * length, x));
                    }
                }
                Ok(left)
            }
        }
    }

    fn in_phase(&self, phase: &Range<usize>) -> Vec<Direction> {
        let d = self.decomposition;
        let share = |i: usize| {
            let own = d.v_column(i);
            let part: f64 = own[phase.clone()].iter().map(|v| v * v).sum();
            part / own.iter().map(|v| v * v).sum::<f64>()
        };
        let chosen = (0..d.rank).filter(|&i| share(i) >= PHASE_SHARE);
        let axis = |i: usize| (0..d.rank).map(|j| f64::from(u8::from(i == j))).collect();
        chosen.map(|i| (d.s[i] * d.s[i], axis(i))).collect()
    }

    fn alone(&self, phase: &Range<usize>) -> Result<Vec<Direction>, Error> {
        let d = self.decomposition;
        if phase.is_empty() || d.rank == 0 {
            return Ok(Vec::new());
        }
        let y = Mat::from_fn(d.time_len, d.rank, |t, j| d.v[t * d.rank + j] * d.s[j]);
        let (power, x) = eigen(covariance(&y, &|t| phase.contains(&t)).as_ref())?;
        let mean = power.iter().sum::<f64>() / phase.len().min(d.rank) as f64;
        let leading = (0..d.rank).filter(|&j| power[j] > 0.0 && power[j] >= mean);
        let direction = |j: usize| (0..d.rank).map(|i| x[(i, j)]).collect();
        let windows = phase.len() as f64;
        Ok(leading
            .map(|j| (power[j] * windows, direction(j)))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::Dense;
    use crate::numeric::random::{Purpose, Stream};
    use crate::numeric::sum::dot;
    use crate::svd;

    /// 20 windows of 50 parameters: `early` in the first half, `late` in the second, each as strong as told.
    fn windows(early: f64, late: f64, both: f64) -> svd::Decomposition {
        let mut stream = Stream::new(5, Purpose::Locators, 0);
        let mut draw = || -> Vec<f64> { (0..50).map(|_| stream.normal()).collect() };
        let [a, b, c] = [draw(), draw(), draw()];
        let rows = (0..20).flat_map(|t| {
            let own = if t < 10 { (early, &a) } else { (late, &b) };
            let parts = own.1.iter().zip(&c);
            let row = parts.map(|(x, c)| (own.0 * x + both * c) as f32);
            row.collect::<Vec<f32>>()
        });
        let matrix = Dense::new(20, 50, rows.collect()).unwrap();
        svd::truncated(&matrix, &svd::Options::with_rank(20), &mut |_| {}).unwrap()
    }

    fn tau() -> Vec<f64> {
        (0..20).map(|t| (f64::from(t) + 0.5) / 20.0).collect()
    }

    #[test]
    fn what_was_there_in_one_phase_is_its_set_and_what_was_there_in_both_is_none() {
        let tau = tau();
        let d = windows(3.0, 1.0, 0.0);
        let courses = Courses::new(&d, &tau);
        let of = |claim, choice| courses.directions(claim, 0.5, choice).unwrap();
        for choice in Choice::ALL {
            let [late, early] = [of(0, choice), of(1, choice)];
            assert_eq!((late.len(), early.len()), (1, 1), "{choice:?}");
            assert!(early[0].0 > 8.0 * late[0].0);
        }
        // Nothing but a constant.
        let d = windows(0.0, 0.0, 1.0);
        let courses = Courses::new(&d, &tau);
        for claim in [0, 1] {
            let in_phase = courses.directions(claim, 0.5, Choice::InPhase).unwrap();
            let left = courses.directions(claim, 0.5, Choice::Orthogonal).unwrap();
            assert!(in_phase.is_empty() && left.is_empty());
            let alone = courses.directions(claim, 0.5, Choice::Alone).unwrap();
            assert_eq!(alone.len(), 1);
        }
        // No window is after the end.
        assert!(
            courses
                .directions(0, 1.0, Choice::Alone)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn orthogonal_sets_have_nothing_along_the_other_phases() {
        let (tau, d) = (tau(), windows(1.0, 1.0, 2.0));
        let courses = Courses::new(&d, &tau);
        for claim in [0, 1] {
            let own = courses.directions(claim, 0.5, Choice::Orthogonal).unwrap();
            let other = courses.directions(1 - claim, 0.5, Choice::Alone).unwrap();
            let alone = courses.directions(claim, 0.5, Choice::Alone).unwrap();
            assert!(!own.is_empty() && !other.is_empty());
            let along = |a: &[Direction], b: &[Direction]| {
                let pairs = a
                    .iter()
                    .flat_map(|(_, x)| b.iter().map(move |(_, y)| dot(x, y)));
                pairs.fold(0.0, |most: f64, cosine| most.max(cosine.abs()))
            };
            assert!(along(&own, &other) < 1e-9, "{}", along(&own, &other));
            assert!(along(&alone, &other) > 0.5);
            let lengths = own.iter().map(|(_, x)| norm(x));
            lengths.for_each(|length| assert!((length - 1.0).abs() < 1e-9));
        }
    }
}
