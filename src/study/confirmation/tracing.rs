//! What is said of a seed's whole policy, beside what locators say of parameters: hypotheses by causal
//! scrubbing, and what an average cheese or open corner taken off the activations does where the step to
//! the cheese parts from the one to the corner.

use serde::{Deserialize, Serialize};

use crate::ablate::{Measurement, Split};
use crate::circuits::{Scrubbed, Sought, steering};
use crate::nn::Steering;
use crate::study::candidates::TrainedPolicy;
use crate::study::{Config, Error, Progress, scrubbing};

use super::bench::Bench;

/// Pairs of each fact.
const PAIRS: usize = 256;

/// What was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Traced {
    /// The hypotheses of the question, their swaps and nulls.
    pub scrubbed: Vec<Scrubbed>,
    /// Directions taken off, site by site.
    pub taken_off: Vec<TakenOff>,
}

/// One direction taken off at one site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakenOff {
    /// Whose direction.
    pub sought: Sought,
    /// Where.
    pub site: String,
    /// Probability at decision squares of selection levels of the step to what is sought: as it is.
    pub before: f64,
    /// With the direction taken off.
    pub after: f64,
    /// With a random vector of its length.
    pub random: f64,
}

/// Finds it.
///
/// # Errors
/// Mazes that cannot be made, a policy that is not finite, or the user's interruption.
pub fn trace(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    selection: &Bench<'_>,
    progress: &mut dyn Progress,
) -> Result<Traced, Error> {
    let (network, theta) = (policy.network, policy.theta);
    let discovery = config.tasks(Split::Discovery, 2 * PAIRS)?;
    let pairs = (&discovery, PAIRS);
    let scrubbed = scrubbing::scrubbing(config, policy.policy(), pairs, &[], progress)?;
    let sites = network.sites();
    progress.begin("directions taken off", 2 * sites.len() as u64);
    let mut taken_off = Vec::new();
    let base = selection.measure(theta, None)?;
    for sought in Sought::ALL {
        let directions = steering::directions(policy.policy(), &discovery, sought);
        for (site, (vector, _)) in sites.iter().zip(directions) {
            if progress.is_interrupted() {
                return Err(Error::Stopped {
                    stage: "directions taken off",
                });
            }
            let site = site.clone();
            let direction = Steering {
                site,
                vectors: vec![vector],
            };
            let index = (1 << 43) + taken_off.len() as u64;
            let random = direction.random_like(config.seed, index);
            let step = |measured: &Measurement| match sought {
                Sought::Cheese => measured.p_cheese.value,
                Sought::Corner => measured.p_corner.value,
            };
            let steered = |steering: &Steering| -> Result<f64, Error> {
                Ok(step(&selection.measure(theta, Some(steering))?))
            };
            taken_off.push(TakenOff {
                sought,
                before: step(&base),
                after: steered(&direction.times(-1.0))?,
                random: steered(&random)?,
                site: direction.site.name,
            });
            progress.advance(taken_off.len() as u64, "");
        }
    }
    Ok(Traced {
        scrubbed,
        taken_off,
    })
}
