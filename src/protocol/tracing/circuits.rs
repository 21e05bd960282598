//! One question after another about a trained policy: patching, hypotheses, steering, pictures. Pairs and
//! directions come from discovery levels, what the directions do is measured on test levels.

use super::discovery::Discovery;
use super::hypotheses::scrub;
use super::patching;
use super::pictures::pictures;
use crate::ablate::Split;
use crate::circuits::own_vectors::measure_own;
use crate::circuits::steering::{self, Dosing, Steered};
use crate::circuits::{Fact, Hypothesis, Sought};
use crate::experiment::checkpoint::{checkpoints, load_numbered};
use crate::experiment::{Config, Error, Progress};
use crate::findings::tracing::Circuits;
use crate::nn::Policy;
use crate::protocol::clock::Clock;
use crate::storage::{self, RunDir};

/// Shares of a direction that are added.
const DOSES: [f64; 6] = [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0];
/// Random vectors beside each direction.
const RANDOM: u64 = 4;
/// Random vectors of a level beside the one that is its own.
const RANDOM_OWN: u64 = 2;
/// Most pairs of each fact in the main job.
const BRIEF_PAIRS: usize = 128;
/// Most test levels of a situation in the main job.
const BRIEF_LEVELS: usize = 32;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Pairs of each fact.
    pub pairs: usize,
    /// Test levels of a situation that directions are measured on.
    pub levels: usize,
    /// Shares of a direction that are added.
    pub doses: &'static [f64],
    /// Layers of the paths that are sought, if any.
    pub hops: Option<usize>,
}

impl Extent {
    /// What `gouda circuits` does.
    pub fn whole(config: &Config, pairs: usize, hops: Option<usize>) -> Self {
        Self {
            pairs,
            hops,
            levels: config.ablate.selection_levels,
            doses: &DOSES,
        }
    }

    /// What the main job has time for.
    pub fn brief(config: &Config) -> Self {
        Self {
            pairs: config.ablate.selection_levels.clamp(2, BRIEF_PAIRS),
            levels: config.ablate.test_levels.min(BRIEF_LEVELS),
            doses: &[-1.0, 1.0],
            hops: None,
        }
    }
}

/// Traces the policy of the run in `run`, which is its last checkpoint; `own` hypotheses beside ours.
///
/// # Errors
/// A run without checkpoints, files that cannot be read, or the user's interruption.
pub fn trace_run(
    config: &Config,
    run: &RunDir,
    extent: Extent,
    own: &[Hypothesis],
    progress: &mut dyn Progress,
) -> Result<Circuits, Error> {
    let network = config.network()?;
    let Some(last) = checkpoints(&run.checkpoints())?.pop() else {
        let path = run.checkpoints();
        return Err(storage::Error::malformed(&path, "a checkpoint", "none").into());
    };
    let params = load_numbered(&last, &network.layout)?;
    trace_policy(
        config,
        Policy::new(&network, &params),
        extent,
        own,
        progress,
    )
}

/// Traces a policy; `own` hypotheses beside ours.
///
/// # Errors
/// Mazes that cannot be made, a policy that is not finite, or the user's interruption.
pub fn trace_policy(
    config: &Config,
    policy: Policy<'_>,
    extent: Extent,
    own: &[Hypothesis],
    progress: &mut dyn Progress,
) -> Result<Circuits, Error> {
    let mut clock = Clock::default();

    let discovery = Discovery::new(config, extent.pairs)?;
    let wanted = Sought::ALL
        .into_iter()
        .flat_map(|sought| Fact::of(sought).iter().map(move |&fact| (sought, fact)));
    let wanted: Vec<(Sought, Fact)> = wanted.collect();
    progress.begin("patching activations and edges", wanted.len() as u64);
    let (mut facts, mut leaders) = (Vec::new(), Vec::new());
    for (sought, fact) in wanted {
        progress.stop_if_interrupted("patching")?;
        let (traced, leading) = patching::trace(policy, &discovery.pairs(sought, fact));
        facts.push(traced);
        leaders.push(leading);
        progress.advance(facts.len() as u64, fact.name());
    }
    clock.lap("patching");

    if let Some(hops) = extent.hops {
        progress.begin("searching for paths", facts.len() as u64);
        for (number, (traced, leading)) in facts.iter_mut().zip(&leaders).enumerate() {
            progress.stop_if_interrupted("the search for paths")?;
            traced.paths = patching::paths(policy, &leading.distinguished, hops);
            progress.advance(number as u64 + 1, traced.fact.name());
        }
    }
    clock.lap("paths");

    let scrubbing = scrub(config, policy, &discovery, own, progress)?;
    clock.lap("scrubbing");

    let test = config.tasks(Split::Test, extent.levels)?;
    let sites = policy.network.sites().len() as u64;
    progress.begin("steering along directions", 2 * sites);
    let mut done = 0;
    let mut dosing = Dosing {
        doses: extent.doses,
        random_len: RANDOM,
        seed: config.seed,
    };
    let directions = steering::measure(policy, &discovery.tasks, &test, dosing, || {
        done += 1;
        progress.advance(done, "");
        progress.stop_if_interrupted("steering")
    })?;
    clock.lap("steering");

    progress.begin("steering levels by their own cheese", sites);
    let mut done = 0;
    dosing.random_len = RANDOM_OWN;
    let own_vectors = measure_own(policy, &test, dosing, || {
        done += 1;
        progress.advance(done, "");
        progress.stop_if_interrupted("steering")
    })?;
    clock.lap("own vectors");

    progress.stop_if_interrupted("pictures")?;
    progress.begin("pictures of circuits", 1);
    let pictures = pictures(config, policy, &discovery.tasks, &leaders)?;
    clock.lap("atlas");
    Ok(Circuits {
        seed: config.seed,
        facts,
        base: Steered::of(&test.measure_exact(policy)?),
        directions,
        own_vectors,
        scrubbing,
        pictures: Some(pictures),
        seconds: clock.seconds,
    })
}
