//! What a run's trained policy carries where: layers, channels and cells by activation patching, edges by
//! path patching, activation directions, hypotheses by [causal scrubbing](super::scrubbing). Pairs and
//! directions come from discovery levels, what the directions do is measured on test levels.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::ablate::Split;
use crate::circuits::Distinguished;
use crate::circuits::hops;
use crate::circuits::own_vectors;
use crate::circuits::patching;
use crate::circuits::paths::{self, Edge};
use crate::circuits::steering::{self, Dosing, Steered};
use crate::circuits::{
    Direction, Fact, Hypothesis, OwnVector, Pairs, Patched, Scrubbed, Share, Sought,
};
use crate::locators::path_patching::VERIFIED;
use crate::nn::{Network, Part, Policy, Site};
use crate::numeric::statistics::spearman;
use crate::ppo::trainer;
use crate::storage::{self, RunDir};

use super::atlas::{Atlas, atlas};
use super::checkpoint::{checkpoints, load_numbered};
use super::{Config, Error, Progress, scrubbing};

/// Channels and edges that are named.
const NAMED: usize = 16;
/// Channels whose cells are patched one by one.
const MAPPED: usize = 3;
/// Shares of a direction that are added.
const DOSES: [f64; 6] = [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0];
/// Random vectors beside each, and beside the vectors that every level has of its own.
const RANDOM: (u64, u64) = (4, 2);
/// Paths that are kept at every step of the search, and named.
const BEAM: usize = 16;
/// Most pairs, and test levels, of the main job.
const BRIEF: (usize, usize) = (128, 32);

/// What was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Circuits {
    /// The run's seed.
    pub seed: u64,
    /// Patching, by fact.
    pub facts: Vec<Traced>,
    /// Without any steering.
    pub base: Steered,
    /// Steering, by direction and site.
    pub directions: Vec<Direction>,
    /// Steering every level by what its own cheese adds, by site.
    #[serde(default)]
    pub own_vectors: Vec<OwnVector>,
    /// What becomes of the policy under hypotheses.
    #[serde(default)]
    pub scrubbing: Vec<Scrubbed>,
    /// What of it can be looked at.
    #[serde(default)]
    pub atlas: Option<Atlas>,
    /// Seconds of each part.
    pub seconds: BTreeMap<String, f64>,
}

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
            levels: config.study.selection_levels,
            doses: &DOSES,
        }
    }

    /// What the main job has time for.
    pub fn brief(config: &Config) -> Self {
        Self {
            pairs: config.ablate.selection_levels.clamp(2, BRIEF.0),
            levels: config.ablate.test_levels.min(BRIEF.1),
            doses: &[-1.0, 1.0],
            hops: None,
        }
    }
}

/// What pairs that differ in one fact say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Traced {
    /// What is sought.
    pub sought: Sought,
    /// In what the states differ.
    pub fact: Fact,
    /// Pairs.
    pub pairs: usize,
    /// Those of them that the policy tells apart.
    pub told: usize,
    /// Whole sites, in the order of the forward pass.
    pub layers: Vec<Found>,
    /// The channels with the greatest effects.
    pub channels: Vec<Found>,
    /// Of the first of them, what each cell restores, row by row.
    pub cells: Vec<Cells>,
    /// The edges with the greatest effects of those that were patched.
    pub edges: Vec<Found>,
    /// The paths of several hops with the greatest effects that a search found, where it was asked for.
    #[serde(default)]
    pub paths: Vec<Found>,
    /// Rank correlation of the edges' first-order effects with the exact ones, where there is one.
    pub screen: Option<f64>,
    /// Edges patched, and edges that there are.
    pub patched: (usize, usize),
}

/// What a part restores and corrupts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Found {
    /// Which part: "conv3", "conv3 5", "conv3 2 to 5", "cheese plane -> conv0 2 -> dense 5".
    pub part: String,
    /// Of the second state's run, with the first's part.
    pub restored: Share,
    /// Of the first state's run, with the second's part.
    pub corrupted: Share,
}

impl Found {
    /// The mean of both.
    pub fn effect(&self) -> f64 {
        0.5 * (self.restored.value + self.corrupted.value)
    }
}

/// A channel, cell by cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cells {
    /// The channel.
    pub part: String,
    /// What each cell restores.
    pub restored: Vec<Vec<f64>>,
}

/// The number of layers of the network of these settings: hops that a path can have.
///
/// # Errors
/// A size outside what is possible.
pub fn layer_len(config: &Config) -> Result<usize, Error> {
    let network = Network::new(config.net.shape(&config.env), trainer::RUN);
    Ok(hops::layers(&network.map_err(crate::ppo::Error::from)?).len())
}

/// Finds all of it for the run in `run`, whose last checkpoint is its policy. `pair_len` pairs of
/// each fact; paths of so many hops, if any; `own` hypotheses beside ours.
///
/// # Errors
/// A run without checkpoints, files that cannot be read, or the user's interruption.
pub fn circuits(
    config: &Config,
    run: &RunDir,
    (pair_len, hops): (usize, Option<usize>),
    own: &[Hypothesis],
    progress: &mut dyn Progress,
) -> Result<Circuits, Error> {
    let network = Network::new(config.net.shape(&config.env), trainer::RUN)
        .map_err(crate::ppo::Error::from)?;
    let Some(last) = checkpoints(&run.checkpoints())?.pop() else {
        let path = run.checkpoints();
        return Err(storage::Error::malformed(&path, "a checkpoint", "none").into());
    };
    let params = load_numbered(&last, &network.layout)?;
    let extent = Extent::whole(config, pair_len, hops);
    of_policy(
        config,
        Policy::new(&network, &params),
        extent,
        own,
        progress,
    )
}

/// Finds it for a policy; `own` hypotheses beside ours.
///
/// # Errors
/// Mazes that cannot be made, a policy that is not finite, or the user's interruption.
pub fn of_policy(
    config: &Config,
    policy: Policy<'_>,
    extent: Extent,
    own: &[Hypothesis],
    progress: &mut dyn Progress,
) -> Result<Circuits, Error> {
    let network = policy.network;
    let pair_len = extent.pairs;
    let mut seconds = BTreeMap::new();

    let begun = Instant::now();
    let discovery = config.tasks(Split::Discovery, 2 * pair_len)?;
    let wanted = Sought::ALL
        .into_iter()
        .flat_map(|sought| Fact::of(sought).iter().map(move |&fact| (sought, fact)));
    let wanted: Vec<(Sought, Fact)> = wanted.collect();
    progress.begin("patching activations and edges", wanted.len() as u64);
    let (mut facts, mut path_seconds) = (Vec::new(), 0.0);
    for (sought, fact) in wanted {
        stop_if_interrupted(progress, "patching")?;
        let pairs = Pairs::new(&discovery, sought, fact, pair_len);
        let mut traced = traced(policy, &pairs);
        if let Some(hops) = extent.hops {
            let begun = Instant::now();
            traced.paths = traced_paths(policy, &pairs, hops);
            path_seconds += begun.elapsed().as_secs_f64();
        }
        facts.push(traced);
        progress.advance(facts.len() as u64, fact.name());
    }
    let patching_seconds = begun.elapsed().as_secs_f64() - path_seconds;
    seconds.insert("patching".into(), patching_seconds);
    seconds.insert("paths".into(), path_seconds);

    let begun = Instant::now();
    let scrubbing = scrubbing::scrubbing(config, policy, (&discovery, pair_len), own, progress)?;
    seconds.insert("scrubbing".into(), begun.elapsed().as_secs_f64());

    let begun = Instant::now();
    let test = config.tasks(Split::Test, extent.levels)?;
    let sites = network.sites().len() as u64;
    progress.begin("steering along directions", 2 * sites);
    let mut done = 0;
    let (of_directions, of_levels) = RANDOM;
    let dosing = |random_len| Dosing {
        doses: extent.doses,
        random_len,
        seed: config.seed,
    };
    let random = dosing(of_directions);
    let directions = steering::measure(policy, &discovery, &test, random, || {
        done += 1;
        progress.advance(done, "");
        stop_if_interrupted(progress, "steering")
    })?;
    seconds.insert("steering".into(), begun.elapsed().as_secs_f64());

    let begun = Instant::now();
    progress.begin("steering levels by their own cheese", sites);
    let (mut done, random) = (0, dosing(of_levels));
    let own_vectors = own_vectors::measure_own(policy, &test, random, || {
        done += 1;
        progress.advance(done, "");
        stop_if_interrupted(progress, "steering")
    })?;
    seconds.insert("own vectors".into(), begun.elapsed().as_secs_f64());

    let begun = Instant::now();
    stop_if_interrupted(progress, "pictures")?;
    progress.begin("pictures of circuits", 1);
    let atlas = atlas(config, policy, (&discovery, pair_len), &facts)?;
    seconds.insert("atlas".into(), begun.elapsed().as_secs_f64());
    Ok(Circuits {
        seed: config.seed,
        facts,
        base: Steered::of(&test.measure_exact(policy)?),
        directions,
        own_vectors,
        scrubbing,
        atlas: Some(atlas),
        seconds,
    })
}

pub(super) fn stop_if_interrupted(
    progress: &dyn Progress,
    stage: &'static str,
) -> Result<(), Error> {
    match progress.is_interrupted() {
        true => Err(Error::Stopped { stage }),
        false => Ok(()),
    }
}

fn traced(policy: Policy<'_>, pairs: &Pairs) -> Traced {
    let sites = policy.network.sites();
    let told = Distinguished::new(policy, pairs);
    let name = |patched: &Patched| {
        let (site, part) = (&sites[patched.site], &patched.part);
        match part.channels.len() == site.image.channels {
            true => site.name.clone(),
            false => format!("{} {}", site.name, part.channels.start),
        }
    };
    let found = |patched: &Patched| Found {
        part: name(patched),
        restored: patched.restored,
        corrupted: patched.corrupted,
    };
    let patch = |parts: &[(usize, Part)]| patching::patch(policy, &told, parts);
    let layers = patch(&patching::layers(&sites)).iter().map(found).collect();

    let mut channels = patch(&patching::channels(&sites));
    let effect = |patched: &Patched| (patched.restored.value + patched.corrupted.value).abs();
    channels.sort_by(|a, b| effect(b).total_cmp(&effect(a)));
    channels.truncate(NAMED);
    let has_cells = |patched: &&Patched| sites[patched.site].image.height > 1;
    let mapped = channels.iter().filter(has_cells).take(MAPPED);
    let cells = mapped.map(|patched| {
        let channel = (patched.site, patched.part.channels.start);
        let restored: Vec<f64> = patch(&patching::cells(&sites, channel.0, channel.1))
            .iter()
            .map(|cell| cell.restored.value)
            .collect();
        let width = sites[patched.site].image.width;
        Cells {
            part: name(patched),
            restored: restored.chunks(width).map(<[f64]>::to_vec).collect(),
        }
    });
    let cells = cells.collect();

    let (edges, screen, patched) = traced_edges(policy, &sites, &told);
    Traced {
        sought: pairs.sought,
        fact: pairs.fact,
        pairs: pairs.len(),
        told: told.len(),
        layers,
        channels: channels.iter().map(found).collect(),
        cells,
        edges,
        paths: Vec::new(),
        screen,
        patched,
    }
}

/// The paths of so many hops that a search finds.
fn traced_paths(policy: Policy<'_>, pairs: &Pairs, hops: usize) -> Vec<Found> {
    let sites = policy.network.sites();
    let told = Distinguished::new(policy, pairs);
    if told.is_empty() {
        return Vec::new();
    }
    let paths = hops::leading(policy, &told, hops, BEAM).into_iter();
    let found = paths.map(|(path, [restored, corrupted])| Found {
        part: path.name(&sites),
        restored,
        corrupted,
    });
    found.collect()
}

type Edges = (Vec<Found>, Option<f64>, (usize, usize));

/// The edges that lead the screen, patched; how the screen agrees; how many were patched, of how many.
fn traced_edges(policy: Policy<'_>, sites: &[Site], told: &Distinguished) -> Edges {
    let network = policy.network;
    let all = paths::edges(network);
    let weights = paths::attribute(policy, told);
    let screened = |edge: &Edge| -> f64 {
        let slice = network.slice(&sites[edge.site], edge.from, edge.to);
        slice.iter().map(|&index| weights[index]).sum()
    };
    let mut leading: Vec<(Edge, f64)> = all.iter().map(|edge| (*edge, screened(edge))).collect();
    leading.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    let wanted = (all.len() as f64 * VERIFIED).ceil() as usize;
    leading.truncate(wanted.max(NAMED));
    let edges: Vec<Edge> = leading.iter().map(|(edge, _)| *edge).collect();
    let exact = paths::patch(policy, told, &edges);
    let mut found: Vec<Found> = edges
        .iter()
        .zip(&exact)
        .map(|(edge, &[restored, corrupted])| Found {
            part: format!("{} {} to {}", sites[edge.site].name, edge.from, edge.to),
            restored,
            corrupted,
        })
        .collect();
    let first_order: Vec<f64> = leading.iter().map(|&(_, effect)| effect).collect();
    let effects: Vec<f64> = found.iter().map(Found::effect).collect();
    let screen = spearman(&first_order, &effects);
    let patched = (edges.len(), all.len());
    found.sort_by(|a, b| b.effect().abs().total_cmp(&a.effect().abs()));
    found.truncate(NAMED);
    (found, screen, patched)
}
