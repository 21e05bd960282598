//! Hypotheses about a run's trained policy put to causal scrubbing: those of the question, their swaps
//! and nulls, and the user's own.
//!
//! - late: in the region some units K of the hidden layer depend on where the cheese lies from the mouse,
//!   and nothing else matters. Nothing passes this layer by, so that all else is all else.
//! - early: outside of the region everything depends on walls and mouse, not on the cheese.
//!
//! K are the units that lead activation patching of pairs whose cheese moved, a quarter of them. The nulls
//! have as many at random, or the same ones of any state. States are of discovery mazes that no pair is from.

use std::path::PathBuf;

use super::discovery::Discovery;
use crate::ablate::Split;
use crate::circuits::hypothesis::{Feature, Hypothesis, Place};
use crate::circuits::{self, Fact, Graph, Scrubbed, Sought, States, scrubbing};
use crate::circuits::{Distinguished, patching};
use crate::experiment::{Config, Error, Progress};
use crate::nn::{Part, Policy, Site};
use crate::numeric::draws;
use crate::storage;

/// Random sets of units.
const NULLS: u64 = 4;
/// One unit in so many is in K.
const LEADING: usize = 4;
/// There is one maze of states to so many pairs,
const PAIRS_PER_MAZE: usize = 4;
/// but never fewer than these.
const MAZES_MIN: usize = 8;

/// Reads the user's hypotheses, which must be of the network whose sites these are.
///
/// # Errors
/// A file that cannot be read, or is none; the file and the key are named.
pub fn read_hypotheses(paths: &[PathBuf], sites: &[Site]) -> Result<Vec<Hypothesis>, Error> {
    let read = |path: &PathBuf| {
        let text = storage::read_named_text(path)?;
        let hypothesis = Hypothesis::parse(&text);
        let hypothesis = hypothesis.and_then(|h| Graph::new(&h, sites).map(|_| h));
        hypothesis.map_err(|error| {
            let circuits::Error::Hypothesis {
                key,
                expected,
                found,
            } = error;
            storage::Error::malformed(path, format!("{key}: {expected}"), found).into()
        })
    };
    paths.iter().map(read).collect()
}

/// Scrubs the policy by the hypotheses of the question, their swaps and nulls, and then by the user's `own`.
///
/// # Errors
/// Mazes that cannot be made, or the user's interruption.
pub fn scrub(
    config: &Config,
    policy: Policy<'_>,
    discovery: &Discovery,
    own: &[Hypothesis],
    progress: &mut dyn Progress,
) -> Result<Vec<Scrubbed>, Error> {
    let sites = policy.network.sites();
    let mut all = built_in(policy, &sites, discovery, config.seed);
    all.extend_from_slice(own);
    let maze_len = (discovery.pair_len / PAIRS_PER_MAZE).max(MAZES_MIN);
    let mut avoid = discovery.tasks.seeds().concat();
    avoid.sort_unstable();
    avoid.dedup();
    let (world, region) = (config.env.world, config.env.region);
    let states = States::new(Split::Discovery, world, region, maze_len, &avoid)?;
    progress.begin("scrubbing by hypotheses", all.len() as u64);
    let mut found = Vec::new();
    for hypothesis in &all {
        progress.stop_if_interrupted("scrubbing")?;
        let graph = Graph::new(hypothesis, &sites);
        let graph =
            graph.expect("those of our own are of every network, the user's were held to it");
        found.push(scrubbing::scrub(
            policy,
            &states,
            hypothesis,
            &graph,
            config.seed,
        ));
        progress.advance(found.len() as u64, &hypothesis.name);
    }
    Ok(found)
}

/// The hypotheses of the question, their swaps and nulls.
fn built_in(
    policy: Policy<'_>,
    sites: &[Site],
    discovery: &Discovery,
    seed: u64,
) -> Vec<Hypothesis> {
    let (whole, early) = (Hypothesis::late(), Hypothesis::early());
    let site = sites
        .iter()
        .position(|site| site.name == whole.nodes[0].site);
    let site = site.expect("every network has a hidden layer");
    let leading = leading(policy, site, sites[site].image.channels, discovery);
    let late = whole.clone().with_channels("late", &leading);
    let mut all = vec![late.clone()];
    for number in 0..NULLS {
        let mut stream = draws::RANDOM_UNITS.stream(seed, number);
        let mut units: Vec<usize> = (0..sites[site].image.channels).collect();
        stream.shuffle(&mut units);
        units.truncate(leading.len());
        units.sort_unstable();
        let name = format!("late, random channels {}", number + 1);
        all.push(whole.clone().with_channels(name, &units));
    }
    let walls = Feature::WallsAndMouse;
    all.extend([
        late.clone()
            .with_feature("late, any state", Feature::Nothing),
        late.clone().with_feature("late, feature of early", walls),
        late.with_place("late, place of early", Place::Outside),
        whole,
        early.clone(),
        early
            .clone()
            .with_feature("early, feature of late", Feature::CheeseOffset),
        early.with_place("early, place of late", Place::InRegion),
    ]);
    all
}

/// The channels of a site with the greatest effects where the cheese moves.
fn leading(
    policy: Policy<'_>,
    site: usize,
    channel_len: usize,
    discovery: &Discovery,
) -> Vec<usize> {
    let pairs = discovery.pairs(Sought::Cheese, Fact::CheeseMoved);
    let distinguished = Distinguished::new(policy, &pairs);
    let parts: Vec<(usize, Part)> = (0..channel_len)
        .map(|channel| (site, Part::channel(channel)))
        .collect();
    let mut patched = patching::patch(policy, &distinguished, &parts);
    let effect = |p: &patching::Patched| (p.restored.value + p.corrupted.value).abs();
    patched.sort_by(|a, b| effect(b).total_cmp(&effect(a)));
    patched.truncate(channel_len.div_ceil(LEADING));
    let mut leading: Vec<usize> = patched.iter().map(|p| p.part.channels.start).collect();
    leading.sort_unstable();
    leading
}
