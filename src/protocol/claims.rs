//! The choice on selection levels, frozen and hashed; then, and only then, test levels.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ablate::recipe::Recipe;
use crate::ablate::{Claim, Drawn, Rate, Resampling, Split};
use crate::experiment::{Config, Error, Progress};
use crate::findings::results::{Rise, Role};
use crate::locators::{Located, Supervision};
use crate::numeric::random::{Purpose, Stream};
use crate::numeric::statistics;
use crate::protocol::ablation::rises;
use crate::protocol::candidates::{TrainedPolicy, displacement, distance};

use crate::protocol::bench::Bench;
use crate::protocol::edits::{Named, STEP, Tried};

/// Bootstrap draws over mazes behind every interval.
const BOOTSTRAP: u32 = 200;
/// Random controls as extreme as the choice after which no more are drawn.
const ENOUGH: u64 = 10;

/// The best edit of one family for one claim, as frozen before test levels were touched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    /// The claim.
    pub claim: Claim,
    /// The family.
    pub family: String,
    /// What the edit is to the claim.
    pub role: Role,
    /// What its choice was told.
    pub supervision: Supervision,
    /// Which member.
    pub member: String,
    /// The dose.
    pub dose: f64,
    /// Members, signs and doses it was chosen from.
    pub candidates: usize,
    /// Directions or sets among them.
    pub members: usize,
    /// How far inside the rule of success on selection levels.
    pub margin: f64,
    /// Selectivity on selection levels.
    pub selectivity: f64,
    /// Where it is in the trials.
    #[serde(skip)]
    tried: usize,
}

impl Frozen {
    /// Its place among what was tried.
    pub fn place(&self) -> usize {
        self.tried
    }
}

/// What a frozen choice did on test levels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claimed {
    /// The choice.
    pub frozen: Frozen,
    /// |theta' - theta_T| / |theta_T - theta_0|.
    pub length: f64,
    /// Exact rates on test levels, in the order of [`Rate::ALL`].
    pub rates: [f64; 7],
    /// Losses.
    pub losses: [f64; 7],
    /// Their 95 % intervals over mazes.
    pub intervals: [(f64, f64); 7],
    /// Selectivity for the claim.
    pub selectivity: f64,
    /// Its 95 % interval over mazes.
    pub interval: (f64, f64),
    /// Its bootstrap draws over mazes, for the bootstrap over seeds.
    pub draws: Vec<f32>,
    /// Whether the rule of success is met.
    pub succeeds: bool,
    /// Random controls of equal length or count that came as far inside the rule on selection
    /// levels, and how many were drawn; for the families of the two hypotheses.
    pub controls: Option<Controls>,
}

/// A Monte-Carlo p-value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Controls {
    /// The sequential p-value.
    pub p: f64,
    /// Controls drawn.
    pub draws: u64,
    /// Times the candidates the choice was made among (the union bound): controls were drawn at the
    /// chosen dose alone.
    pub p_chosen: f64,
}

/// The choices: for either claim the best of each family and role by its margin, the first of
/// equals.
pub fn freeze(tried: &[Tried]) -> Vec<Frozen> {
    let mut frozen = Vec::new();
    for claim in Claim::ALL {
        let mut families: BTreeMap<(&str, Role), Vec<usize>> = BTreeMap::new();
        for (index, one) in tried.iter().enumerate() {
            if let Some(role) = one.role(claim) {
                let key = (one.family.as_str(), role);
                families.entry(key).or_default().push(index);
            }
        }
        for ((family, role), indices) in families {
            let best = indices.iter().copied().reduce(|best, index| {
                let better = tried[index].margin(claim) > tried[best].margin(claim);
                if better { index } else { best }
            });
            let best = best.expect("a family has members");
            let mut members: Vec<&str> = indices.iter().map(|&i| &*tried[i].member).collect();
            members.sort_unstable();
            members.dedup();
            let one = &tried[best];
            frozen.push(Frozen {
                claim,
                family: family.into(),
                role,
                supervision: one.supervision,
                member: one.member.clone(),
                dose: one.dose,
                candidates: indices.len(),
                members: members.len(),
                margin: one.margin(claim),
                selectivity: one.selectivity(claim),
                tried: best,
            });
        }
    }
    frozen
}

/// SHA-256 of the choices as JSON, in hexadecimal.
pub fn hash(frozen: &[Frozen]) -> String {
    let json = serde_json::to_vec(frozen).expect("plain data");
    let digest = Sha256::digest(json);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What all of a seed's choices did on test levels.
#[derive(Debug)]
pub struct Tested {
    /// Exact rates of the unedited policy.
    pub base: [f64; 7],
    /// Of the untrained one.
    pub floor: [f64; 7],
    /// What training gained.
    pub rises: Vec<Rise>,
    /// One a choice.
    pub claims: Vec<Claimed>,
}

/// Measures the frozen choices on test levels.
///
/// # Errors
/// Levels that cannot be made, or the user's interruption.
pub fn test(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    (frozen, tried): (&[Frozen], &[Tried]),
    progress: &mut dyn Progress,
) -> Result<Tested, Error> {
    let bench = Bench::new(config, policy, Split::Test, config.study.test_levels)?;
    // The same draws of mazes for every seed of the study: all are measured on the same mazes.
    let mazes = config.study.first_seed;
    let resampling = Resampling::new(&bench.tasks.seeds(), BOOTSTRAP, mazes);
    let drawn = Drawn::new(&bench.reference, &resampling);
    let rises = rises(&bench.reference, &drawn);
    let learnt = |rate: Rate| rises[rate.index()].is_learnt;
    let total = displacement(policy);
    progress.begin("measuring on test levels", frozen.len() as u64);
    let mut claims: Vec<Claimed> = Vec::new();
    let mut measured = BTreeMap::new();
    for (index, choice) in frozen.iter().enumerate() {
        progress.stop_if_interrupted("the measurement on test levels")?;
        let recipe = &tried[choice.tried].recipe;
        let edited = recipe.apply(policy.theta, policy.theta_0);
        let found = match measured.entry(choice.tried) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(bench.measure(&edited, recipe.steering())?),
        };
        let losses = bench.reference.losses(found, &resampling, &drawn);
        let place = Located::index(choice.claim);
        let inside = |rate: Rate| (losses.values[rate.index()], losses.intervals[rate.index()]);
        claims.push(Claimed {
            frozen: choice.clone(),
            length: distance(&edited, policy.theta) / total,
            rates: Rate::ALL.map(|rate| found.rate(rate)),
            losses: losses.values,
            intervals: losses.intervals,
            selectivity: losses.selectivity[place],
            interval: losses.selectivity_intervals[place],
            draws: losses.selectivity_draws[place]
                .iter()
                .map(|&draw| rounded(draw, losses.selectivity[place]))
                .collect(),
            succeeds: choice.claim.can_be_judged(&learnt) && choice.claim.succeeds(&inside),
            controls: None,
        });
        progress.advance(index as u64 + 1, &choice.family);
    }
    let reference = &bench.reference;
    Ok(Tested {
        base: Rate::ALL.map(|rate| reference.base.rate(rate)),
        floor: Rate::ALL.map(|rate| reference.floor.rate(rate)),
        rises,
        claims,
    })
}

/// Four decimals: what a bootstrap draw is worth. One that took no level of some rate, as happens
/// with a handful of levels, is the estimate.
fn rounded(draw: f64, estimate: f64) -> f32 {
    let draw = if draw.is_finite() { draw } else { estimate };
    ((draw * 1e4).round() / 1e4) as f32
}

/// Draws the random controls of the two hypotheses' choices: for a step, random directions in the
/// span of the same decomposition at the same length; for a projection
/// off components, as many random in-span directions that remove as much displacement; for a
/// reset, as many random parameters of every tensor. Compared on selection levels.
///
/// # Errors
/// The user's interruption.
pub fn controls(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    selection: &Bench<'_>,
    (claims, tried): (&mut [Claimed], &[Tried]),
    decompositions: &[Named],
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    progress.begin("random controls", config.study.controls);
    for (number, claimed) in claims.iter_mut().enumerate() {
        let (frozen, chosen) = (&claimed.frozen, &tried[claimed.frozen.tried]);
        let belongs = |named: &&Named| {
            let is_step =
                frozen.family == STEP && frozen.member.starts_with(&format!("{} ", named.name));
            let is_temporal = frozen
                .family
                .starts_with(&format!("gradient SVD, {}: ", named.name));
            !named.is_stream && (is_step || is_temporal && frozen.role == Role::Predicted)
        };
        let Some(named) = decompositions.iter().find(belongs) else {
            continue;
        };
        let claim = frozen.claim;
        let components = config.ablate.components;
        if let Recipe::Rollback(_) | Recipe::Add(..) | Recipe::Steer(_) = chosen.recipe {
            continue;
        }
        let margin = |recipe: Recipe| {
            let losses = selection.losses(&recipe.apply(policy.theta, policy.theta_0))?;
            Ok::<f64, Error>(claim.margin(&|rate| losses.of(rate)))
        };
        let family = frozen.family.clone();
        let (p, draws) = statistics::sequential_p(ENOUGH, config.study.controls, |draw| {
            progress.stop_if_interrupted("the random controls")?;
            progress.advance(draw + 1, &family);
            let index = (number as u64) << 24 | draw << 8;
            let random = match &chosen.recipe {
                Recipe::Step(_, alpha) => {
                    // Of either sign alike: the direction's own is random.
                    let direction = named.in_span(components, config.seed, 1 << 38 | index);
                    margin(Recipe::Step(std::sync::Arc::new(direction), alpha.abs()))
                }
                Recipe::Project(basis, _) => {
                    let length = claimed.length * displacement(policy);
                    let random = |i: u64| {
                        let index = 1 << 39 | index | i;
                        named.in_span(components, config.seed, index)
                    };
                    let basis: Vec<Vec<f32>> = (0..basis.len() as u64).map(random).collect();
                    let off =
                        crate::ablate::edit::project(policy.theta, policy.theta_0, &basis, 1.0);
                    let c = length / distance(&off, policy.theta);
                    margin(Recipe::Project(std::sync::Arc::new(basis), c))
                }
                Recipe::Reset(indices) => {
                    let index = 1 << 41 | index;
                    let mut stream = Stream::new(config.seed, Purpose::Controls, index);
                    let layout = &policy.network.layout;
                    let matched = crate::ablate::edit::layer_matched(layout, indices, &mut stream);
                    margin(Recipe::Reset(std::sync::Arc::new(matched)))
                }
                Recipe::Rollback(_) | Recipe::Add(..) | Recipe::Steer(_) => {
                    unreachable!("passed over above")
                }
            }?;
            Ok::<_, Error>(random >= chosen.margin(claim))
        })?;
        claimed.controls = Some(Controls {
            p,
            draws,
            p_chosen: (p * frozen.candidates as f64).min(1.0),
        });
    }
    Ok(())
}
