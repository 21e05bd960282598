//! Which edits are tried: steps along components and along random directions, temporal sets
//! projected off or reset, and rollbacks.

use std::sync::Arc;

use crate::ablate::recipe::{self, Candidate, Direction, Matched};
use crate::ablate::{Claim, compass, edit};
use crate::locate::{Component, Label, TemporalSet};
use crate::nn::{Network, Policy};
use crate::numeric::random::{Purpose, Stream};
use crate::numeric::sum::norm;
use crate::svd::Decomposition;

use crate::experiment::Config;
use crate::findings::results::Role;

/// Checkpoints that rollback tries.
const ROLLBACKS: usize = 12;
/// Random bases beside each temporal set that is projected off.
const RANDOM_BASES: u64 = 4;
/// Isotropic directions.
pub const ISOTROPIC: u64 = 3;

/// Steps along single components.
pub const STEP: &str = "step along a component";
/// Their control.
pub const RANDOM_STEP: &str = "random in-span step";
/// A constant on the logits, whatever the maze.
pub const COMPASS: &str = "compass";

/// A trained policy with its history.
#[derive(Debug)]
pub struct TrainedPolicy<'a> {
    /// Its network.
    pub network: &'a Network,
    /// theta_T.
    pub theta: &'a [f32],
    /// theta_0.
    pub theta_0: &'a [f32],
    /// Share of training and parameters of each checkpoint.
    pub checkpoints: &'a [(f64, Vec<f32>)],
}

impl<'a> TrainedPolicy<'a> {
    /// The network as it was trained, without its history.
    pub fn policy(&self) -> Policy<'a> {
        Policy::new(self.network, self.theta)
    }
}

/// A decomposition with what its components say about time.
#[derive(Debug)]
pub struct Decomposed {
    /// "raw" or "unit-norm".
    pub name: &'static str,
    /// The singular triplets.
    pub decomposition: Decomposition,
    /// One a triplet.
    pub components: Vec<Component>,
}

/// Every edit to try.
pub fn candidates(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    decompositions: &[Decomposed],
) -> Vec<Candidate> {
    let settings = &config.ablate;
    let displacement = displacement(policy);
    let mut all = Vec::new();
    let mut directions = Vec::new();
    for decomposed in decompositions {
        let d = &decomposed.decomposition;
        for i in 0..settings.components.min(d.rank) {
            let values = Arc::new(d.u_column(i));
            directions.push(Direction {
                name: format!("{} {i}", decomposed.name),
                values,
            });
        }
    }
    all.extend(recipe::steps(
        STEP,
        false,
        &directions,
        &settings.step_doses,
        displacement,
    ));
    let mut random = Vec::new();
    // A matrix of zeros has no span to draw from.
    let spans: Vec<&Decomposition> = decompositions
        .iter()
        .map(|d| &d.decomposition)
        .filter(|d| d.rank > 0)
        .collect();
    for i in 0..if spans.is_empty() {
        0
    } else {
        settings.controls
    } {
        // Half in the span of the one decomposition, half in that of the other.
        let d = spans[i % spans.len()];
        let mut stream = Stream::new(config.seed, Purpose::Controls, i as u64);
        let values = Arc::new(edit::in_span(&d.u, d.rank, &mut stream));
        random.push(Direction {
            name: format!("random {i}"),
            values,
        });
    }
    all.extend(recipe::steps(
        RANDOM_STEP,
        true,
        &random,
        &settings.step_doses,
        displacement,
    ));
    // The length of a compass step is in logits.
    let directions = compass::directions(&policy.network.layout, config.env.actions);
    all.extend(recipe::steps(
        COMPASS,
        true,
        &directions,
        &compass::DOSES,
        1.0,
    ));
    let isotropic = |i| {
        let mut stream = Stream::new(config.seed, Purpose::Controls, (1 << 33) + i);
        Direction {
            name: format!("isotropic {i}"),
            values: Arc::new(edit::isotropic(policy.theta.len(), &mut stream)),
        }
    };
    let isotropic: Vec<Direction> = (0..ISOTROPIC).map(isotropic).collect();
    all.extend(recipe::steps(
        "isotropic step",
        true,
        &isotropic,
        &settings.step_doses,
        displacement,
    ));
    for (set, decomposed) in decompositions.iter().enumerate() {
        temporal(config, policy, (2 * set as u64, decomposed), &mut all);
    }
    all.extend(rollbacks(policy));
    all
}

/// Rollbacks to some checkpoints, evenly spaced, neither the untrained nor the final policy.
pub fn rollbacks(policy: &TrainedPolicy<'_>) -> Vec<Candidate> {
    let len = policy.checkpoints.len();
    let picked = (1..=ROLLBACKS)
        .map(|i| i * (len - 1) / (ROLLBACKS + 1))
        .filter(|&i| i > 0);
    let mut picked: Vec<usize> = picked.collect();
    picked.dedup();
    recipe::rollbacks(picked.into_iter().map(|i| policy.checkpoints[i].clone()))
}

/// Projections off early and late components.
const PROJECT: [&str; 2] = ["project early components", "project late components"];
/// Resets of the parameters that weigh most in early and in late components.
const RESET: [&str; 2] = [
    "reset top of early components",
    "reset top of late components",
];

/// What a family is to a claim. The proposal: the walk to the corner, which B removes, is learnt
/// early; the walk to the cheese, which A removes, late.
pub fn role(family: &str, is_control: bool, claim: Claim) -> Role {
    let kind = |names: [&str; 2]| names.iter().position(|name| *name == family);
    let early_or_late = kind(PROJECT).or(kind(RESET));
    let predicted = match claim {
        Claim::A => 1,
        Claim::B => 0,
    };
    match early_or_late {
        Some(found) if found == predicted => Role::Predicted,
        Some(_) => Role::Swapped,
        None if is_control => Role::Control,
        None => Role::Practical,
    }
}

/// Edits of the early and of the late components of the decomposition, whose sets are numbered from
/// `first`, and of random bases of the same number and of the same displacement removed.
fn temporal(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    (first, decomposed): (u64, &Decomposed),
    all: &mut Vec<Candidate>,
) {
    let d = &decomposed.decomposition;
    let layout = &policy.network.layout;
    let removed = |basis: &[Vec<f32>]| {
        let left = edit::project(policy.theta, policy.theta_0, basis, 1.0);
        distance(&left, policy.theta)
    };
    for (kind, label) in [Label::Early, Label::Late].into_iter().enumerate() {
        let TemporalSet { members, how } =
            TemporalSet::of_components(&decomposed.components, label);
        if members.is_empty() {
            continue;
        }
        let set = first + kind as u64;
        let list: Vec<String> = members.iter().map(usize::to_string).collect();
        let member = format!("{} {} ({how})", decomposed.name, list.join("+"));
        let basis: Vec<Vec<f32>> = members.iter().map(|&i| d.u_column(i)).collect();
        let sigma_u: Vec<(f64, Vec<f32>)> = members
            .iter()
            .zip(&basis)
            .map(|(&i, u)| (d.s[i], u.clone()))
            .collect();
        let doses = &config.ablate.project_doses;
        let length = removed(&basis);
        all.extend(recipe::projections(
            PROJECT[kind],
            false,
            &member,
            basis,
            1.0,
            doses,
        ));
        for number in 0..RANDOM_BASES {
            let random = |i: u64| {
                let index = (1 << 34) + (set << 24) + (number << 16) + i;
                let mut stream = Stream::new(config.seed, Purpose::Controls, index);
                edit::in_span(&d.u, d.rank, &mut stream)
            };
            let control: Vec<Vec<f32>> = (0..members.len() as u64).map(random).collect();
            let scale = length / removed(&control);
            if !scale.is_finite() {
                continue;
            }
            let name = format!(
                "{} random {number}, as long as {}",
                decomposed.name,
                list.join("+")
            );
            all.extend(recipe::projections(
                "project random in-span",
                true,
                &name,
                control,
                scale,
                doses,
            ));
        }
        let scores = recipe::scores(&sigma_u);
        let percents = &config.ablate.reset_percent;
        all.extend(recipe::resets(
            RESET[kind],
            &member,
            &scores,
            percents,
            Matched {
                layout,
                seed: config.seed,
                set,
            },
        ));
    }
}

/// |theta_T - theta_0|.
pub fn displacement(policy: &TrainedPolicy<'_>) -> f64 {
    distance(policy.theta, policy.theta_0)
}

/// |a - b|.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    let moved: Vec<f32> = a.iter().zip(b).map(|(&a, &b)| a - b).collect();
    norm(&moved)
}
