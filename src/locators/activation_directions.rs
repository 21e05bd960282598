//! Activation directions (Turner et al. 2023), by [channel](super::channels).
//!
//! ```text
//! E_X,c = |v_X,c| / mean |a_s|        v_X: what a cheese, or an open corner, adds to site s on average
//! ```
//!
//! ([`circuits::steering`](crate::circuits::steering)). Its own edit is no edit of parameters: the
//! direction is added to one site in every forward pass, or taken off.

use super::channels::Channels;
use super::{Behaviour, Error, Located, Locator, Native, Offer, Run, Steer, Supervision};
use crate::ablate::Claim;
use crate::circuits::{Sought, steering};
use crate::nn::{Part, Steering};

/// Activation directions.
#[derive(Clone, Copy, Debug)]
pub struct ActivationDirections;

fn channels(behaviour: &Behaviour<'_>) -> Channels {
    Channels::new(behaviour.policy.network, |sites, parts| {
        Sought::ALL.map(|sought| {
            let found = steering::directions(behaviour.policy, behaviour.tasks, sought);
            let length = |(site, part): &(usize, Part)| {
                let (vector, mean) = &found[*site];
                let own = vector.iter().skip(part.channels.start);
                let own: Vec<f32> = own.step_by(sites[*site].image.channels).copied().collect();
                crate::numeric::sum::norm(&own) / mean.max(f64::MIN_POSITIVE)
            };
            parts.iter().map(length).collect()
        })
    })
}

impl Locator for ActivationDirections {
    fn name(&self) -> &'static str {
        "activation directions"
    }

    fn meaning(&self) -> &'static str {
        "length of what a cheese (or an open corner) adds to a channel on average, as a share of its \
         site's activations, target minus spared, on all weights that give the channel"
    }

    fn supervision(&self) -> Supervision {
        Supervision::Situations
    }

    fn locate(&self, run: &Run<'_>) -> Result<Option<Located>, Error> {
        let channels = run.behaviour.map(|behaviour| channels(&behaviour));
        Ok(channels.map(|channels| channels.located(run.theta.len())))
    }

    /// The direction of the target at every site, for either claim.
    fn offers(&self, run: &Run<'_>, _: &Located) -> Result<Vec<Offer>, Error> {
        let Some(behaviour) = run.behaviour else {
            return Ok(Vec::new());
        };
        let sites = behaviour.policy.network.sites();
        let offer = |claim| {
            let (sought, name) = match claim {
                Claim::A => (Sought::Cheese, "cheese"),
                Claim::B => (Sought::Corner, "corner"),
            };
            let found = steering::directions(behaviour.policy, behaviour.tasks, sought);
            let steer = sites.iter().zip(found).map(|(site, (vector, _))| Steer {
                member: format!("{name} at {}", site.name),
                steering: Steering {
                    site: site.clone(),
                    vectors: vec![vector],
                },
            });
            Offer {
                claim: Some(claim),
                edit: "steer",
                member: name.into(),
                supervision: Supervision::Effects,
                native: Native::Steer(steer.collect()),
            }
        };
        Ok(Claim::ALL.map(offer).into())
    }
}
