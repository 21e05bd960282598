//! Activation directions (Turner et al. 2023), by [channel](super::channels).
//!
//! ```text
//! E_X,c    = |v_X,c| / mean |a_s|        v_X: what a cheese, or an open corner, adds to site s on average
//! contrast = E_cheese in region - E_corner                  for A: mouse and cheese in the region
//!            E_corner - E_cheese anywhere                   for B: near cheese outside of it as well
//! ```
//!
//! ([`circuits::steering`](crate::circuits::steering)). Its own edit is no edit of parameters: the
//! direction that a cheese or the open corner adds where episodes start is added to one site in every forward
//! pass, or taken off.

use super::channels::{Channels, contrast};
use super::error::Error;
use super::kind::Kind;
use super::locator::{Located, Locator, Native, Offer, Steer};
use super::method::Method;
use super::method::Supervision;
use super::run::{Behaviour, Run};
use crate::ablate::Claim;
use crate::circuits::{Scene, Sought, steering};
use crate::nn::{Part, Steering};

/// Activation directions.
#[derive(Clone, Copy, Debug)]
pub struct ActivationDirections;

/// The direction at every site, and the mean length of its activations.
type Directions = Vec<(Vec<f32>, f64)>;

fn channels(behaviour: &Behaviour<'_>) -> Channels {
    let Behaviour { policy, tasks, .. } = *behaviour;
    Channels::new(policy.network, |sites, parts| {
        let lengths = |scenes: &[Scene]| -> Vec<f64> {
            let directions = steering::in_scenes(policy, tasks, scenes);
            let length = |(site, part): &(usize, Part)| {
                let (vector, mean) = &directions[*site];
                let own = vector.iter().skip(part.channels.start);
                let own: Vec<f32> = own.step_by(sites[*site].image.channels).copied().collect();
                crate::numeric::sum::norm(&own) / mean.max(f64::MIN_POSITIVE)
            };
            parts.iter().map(length).collect()
        };
        let corner = lengths(&[Scene::Corner]);
        let in_region = lengths(&[Scene::CheeseInRegion]);
        let anywhere = lengths(&[Scene::CheeseInRegion, Scene::CheeseNear]);
        [contrast(&in_region, &corner), contrast(&corner, &anywhere)]
    })
}

/// The direction of the target at every site, for either claim.
fn steer(behaviour: &Behaviour<'_>, directions: [Directions; 2]) -> Vec<Offer> {
    let sites = behaviour.policy.network.sites();
    let targets = [(Claim::A, "cheese"), (Claim::B, "corner")].into_iter();
    let offer = |((claim, name), found): ((Claim, &str), Directions)| {
        let steer = sites.iter().zip(found).map(|(site, (vector, _))| Steer {
            member: format!("{name} at {}", site.name),
            steering: Steering {
                site: site.clone(),
                vectors: vec![vector],
            },
        });
        Offer {
            claim: Some(claim),
            edit: Kind::Steer,
            member: name.into(),
            supervision: Supervision::Effects,
            native: Native::Steer(steer.collect()),
        }
    };
    targets.zip(directions).map(offer).collect()
}

impl Locator for ActivationDirections {
    fn method(&self) -> Method {
        Method::ActivationDirections
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(behaviour) = run.behaviour else {
            return Ok(None);
        };
        let directions = Sought::ALL
            .map(|sought| steering::directions(behaviour.policy, behaviour.tasks, sought));
        let located = channels(&behaviour).located(run.theta.len());
        Ok(Some(
            located.offering(move || Ok(steer(&behaviour, directions))),
        ))
    }
}
