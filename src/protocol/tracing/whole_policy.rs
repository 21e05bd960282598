//! What the study asks of a seed's whole policy, beside what locators say of parameters: hypotheses by causal
//! scrubbing, and what an average cheese or open corner taken off the activations does where the step to
//! the cheese parts from the one to the corner.

use super::discovery::Discovery;
use super::hypotheses::scrub;
use crate::ablate::Measurement;
use crate::circuits::{Sought, steering};
use crate::experiment::{Config, Error, Progress};
use crate::findings::tracing::{TakenOff, WholePolicy};
use crate::nn::Steering;
use crate::numeric::draws;
use crate::protocol::bench::Bench;
use crate::protocol::trained_policy::TrainedPolicy;

/// Pairs of each fact.
const PAIRS: usize = 256;

/// Scrubs the policy by the hypotheses, and takes the directions off it, measured on selection levels.
///
/// # Errors
/// Mazes that cannot be made, a policy that is not finite, or the user's interruption.
pub fn trace_whole(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    selection: &Bench<'_>,
    progress: &mut dyn Progress,
) -> Result<WholePolicy, Error> {
    let theta = policy.theta;
    let discovery = Discovery::new(config, PAIRS)?;
    let scrubbed = scrub(config, policy.policy(), &discovery, &[], progress)?;
    let sites = policy.network.sites();
    progress.begin("directions taken off", 2 * sites.len() as u64);
    let mut taken_off = Vec::new();
    let base = selection.measure(theta, None)?;
    for sought in Sought::ALL {
        let directions = steering::directions(policy.policy(), &discovery.tasks, sought);
        let step = |measured: &Measurement| match sought {
            Sought::Cheese => measured.p_cheese.value,
            Sought::Corner => measured.p_corner.value,
        };
        for (site, (vector, _)) in sites.iter().cloned().zip(directions) {
            progress.stop_if_interrupted("directions taken off")?;
            let direction = Steering {
                site,
                vectors: vec![vector],
            };
            let number = taken_off.len() as u64;
            let mut stream = draws::BESIDE_TAKEN_OFF.stream(config.seed, number);
            let random = direction.random_like(&mut stream);
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
    Ok(WholePolicy {
        scrubbed,
        taken_off,
    })
}
