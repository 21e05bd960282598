//! What resetting each parameter would do to the behaviours, to first order.
//!
//! ```text
//! L_X = mean over probe states of X of -log sum over right actions of pi(a)
//! rise_X,p = -(dL_X / dtheta_p)(theta_T) (theta_T,p - theta_0,p)
//! score_p = least rise over the targets - max(0, greatest rise over the spared)
//! ```
//!
//! each rise divided by the sum of its absolute values over the parameters. Attribution patching (Nanda
//! 2023) with the initial parameters in the place of the corrupted run.

use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::probe_gradient::{right_loss, sum_and_gradient};
use super::run::{Probe, Run};
use crate::ablate::{Claim, Rate};
use crate::nn::Policy;

/// The first-order effect of a reset.
#[derive(Clone, Copy, Debug)]
pub struct GradientDisplacement;

impl Locator for GradientDisplacement {
    fn method(&self) -> Method {
        Method::GradientTimesDisplacement
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(behaviour) = run.behaviour else {
            return Ok(None);
        };
        let displacement = run.displacement();
        let rises: Vec<(Rate, Vec<f64>)> = behaviour
            .probes
            .iter()
            .map(|probe| (probe.rate, rise(behaviour.policy, probe, &displacement)))
            .collect();
        let of = |rates: &[Rate]| -> Vec<&Vec<f64>> {
            let wanted = rises.iter().filter(|(rate, _)| rates.contains(rate));
            wanted.map(|(_, rise)| rise).collect()
        };
        let scores = Claim::ALL.map(|claim| {
            let (targets, spared) = (of(claim.targets()), of(claim.spared()));
            let score = |p: usize| {
                let least = targets.iter().map(|rise| rise[p]).fold(f64::MAX, f64::min);
                least - spared.iter().map(|rise| rise[p]).fold(0.0, f64::max)
            };
            (0..displacement.len()).map(score).collect()
        });
        let found = "every tensor".to_owned();
        Ok(Some(Located::scored(scores, [found.clone(), found])))
    }
}

/// By how much the probe's loss rises when each parameter is reset; absolute values sum to 1.
pub fn rise(policy: Policy<'_>, probe: &Probe, displacement: &[f32]) -> Vec<f64> {
    let states: Vec<u32> = (0..probe.right.len() as u32).collect();
    let scale = 1.0 / states.len().max(1) as f64;
    let (_, gradient) = sum_and_gradient(
        policy,
        &probe.observations,
        &states,
        &|state, log_probs: &[f32], d_log_probs| {
            right_loss(log_probs, probe.right[state], scale, d_log_probs)
        },
    );
    let pairs = gradient.iter().zip(displacement);
    let mut rise: Vec<f64> = pairs.map(|(&g, &d)| -f64::from(g) * f64::from(d)).collect();
    let total: f64 = rise.iter().map(|r| r.abs()).sum();
    if total > 0.0 {
        rise.iter_mut().for_each(|r| *r /= total);
    }
    rise
}
