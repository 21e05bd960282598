//! What moved before and after the corner was learnt: the baseline that every early and late set must
//! beat.
//!
//! With theta_c the checkpoint nearest to t_corner:
//! ```text
//! A   score (theta_T - theta_c)^2    edit theta_T - c (theta_T - theta_c): c = 1 is theta_c itself
//! B   score (theta_c - theta_0)^2    edit theta_T - c (theta_c - theta_0)
//! ```
//! Nothing is said where t_corner is not known.

use super::error::Error;
use super::kind::Kind;
use super::locator::{Located, Locator, Native, Offer};
use super::method::Method;
use super::run::Run;
use crate::ablate::Claim;

/// Displacement since and until the corner was learnt.
#[derive(Clone, Copy, Debug)]
pub struct Rollback;

impl Locator for Rollback {
    fn method(&self) -> Method {
        Method::Rollback
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some((share, moved)) = displacements(run) else {
            return Ok(None);
        };
        let squares = |moved: &Vec<f32>| moved.iter().map(|&d| f64::from(d).powi(2)).collect();
        let found = |when: &str| format!("{when} the checkpoint at {:.1} %", 100.0 * share);
        let found = [found("since"), found("until")];
        let located = Located::scored(moved.each_ref().map(squares), found.clone());
        let supervision = self.method().supervision();
        Ok(Some(located.offering(move || {
            let offer = |((claim, member), moved): ((Claim, String), Vec<f32>)| Offer {
                claim: Some(claim),
                edit: Kind::TakeBack,
                member,
                supervision,
                native: Native::Add(moved.iter().map(|d| -d).collect()),
            };
            let offers = Claim::ALL.into_iter().zip(found).zip(moved);
            Ok(offers.map(offer).collect())
        })))
    }
}

/// The share of training of the checkpoint nearest to t_corner, and what the edits subtract: for A
/// `theta_T - theta_c`, for B `theta_c - theta_0`.
pub fn displacements(run: &Run<'_>) -> Option<(f64, [Vec<f32>; 2])> {
    let t_corner = run.t_corner?;
    let distance = |share: f64| (share - t_corner).abs();
    let nearest = run
        .checkpoints
        .iter()
        .min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)))?;
    let (share, corner) = nearest;
    let moved =
        |to: &[f32], from: &[f32]| to.iter().zip(from).map(|(&to, &from)| to - from).collect();
    Some((
        *share,
        [moved(run.theta, corner), moved(corner, run.theta_0)],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locators::planted::{PLANTS, Planted};

    #[test]
    fn the_nearest_checkpoint_parts_the_displacement() {
        let planted = Planted::new(&PLANTS[0], 2);
        let mut run = planted.run();
        let (expected, checkpoint) = &run.checkpoints[17];
        run.t_corner = Some(expected + 0.01);
        let (share, [since, until]) = displacements(&run).unwrap();
        assert_eq!(share, *expected);
        for (p, &at) in checkpoint.iter().enumerate() {
            assert!((run.theta[p] - since[p] - at).abs() < 1e-6);
            assert_eq!(until[p], at - run.theta_0[p]);
        }
        run.t_corner = None;
        assert!(Rollback.locate(&run).unwrap().is_none());
    }
}
