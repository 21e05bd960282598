//! Which edits are tried: steps along components and along random directions, temporal sets
//! projected off or reset, and rollbacks.

use std::sync::Arc;

use crate::ablate::edit;
use crate::ablate::recipe::{self, Candidate, Direction};
use crate::locate::{Component, Label, PARTICIPATION_MIN};
use crate::nn::{Layout, Network};
use crate::numeric::random::{Purpose, Stream};
use crate::numeric::sum::norm;
use crate::svd::Decomposition;

use super::Config;

/// Components of a temporal set where the labels name none.
const SET_LEN: usize = 3;
/// Checkpoints that rollback tries.
const ROLLBACKS: usize = 12;

/// Steps along single components.
pub const STEP: &str = "step along a component";
/// Their control.
pub const RANDOM_STEP: &str = "random in-span step";

/// A trained policy with its history.
#[derive(Debug)]
pub struct Policy<'a> {
    /// Its network.
    pub network: &'a Network,
    /// theta_T.
    pub theta: &'a [f32],
    /// theta_0.
    pub theta_0: &'a [f32],
    /// Share of training and parameters of each checkpoint.
    pub checkpoints: &'a [(f64, Vec<f32>)],
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
    policy: &Policy<'_>,
    decompositions: &[Decomposed],
) -> Vec<Candidate> {
    let settings = &config.ablate;
    let displacement = displacement(policy);
    let layout = &policy.network.layout;
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
    let mut stream = Stream::new(config.seed, Purpose::Controls, 1 << 33);
    let isotropic = Direction {
        name: "isotropic".into(),
        values: Arc::new(edit::isotropic(policy.theta.len(), &mut stream)),
    };
    all.extend(recipe::steps(
        "isotropic step",
        true,
        &[isotropic],
        &settings.step_doses,
        displacement,
    ));
    for decomposed in decompositions {
        temporal(config, decomposed, layout, &mut all);
    }
    // Evenly spaced, neither the untrained nor the final policy.
    let len = policy.checkpoints.len();
    let picked = (1..=ROLLBACKS)
        .map(|i| i * (len - 1) / (ROLLBACKS + 1))
        .filter(|&i| i > 0);
    let mut picked: Vec<usize> = picked.collect();
    picked.dedup();
    all.extend(recipe::rollbacks(
        picked.into_iter().map(|i| policy.checkpoints[i].clone()),
    ));
    all
}

/// Edits of the early and of the late components, and of random ones of the same number.
fn temporal(config: &Config, decomposed: &Decomposed, layout: &Layout, all: &mut Vec<Candidate>) {
    let d = &decomposed.decomposition;
    let families = [
        (
            Label::Early,
            "project early components",
            "reset top of early components",
        ),
        (
            Label::Late,
            "project late components",
            "reset top of late components",
        ),
    ];
    for (label, project, reset) in families {
        let (members, how) = temporal_set(&decomposed.components, label);
        if members.is_empty() {
            continue;
        }
        let list: Vec<String> = members.iter().map(usize::to_string).collect();
        let member = format!("{} {} ({how})", decomposed.name, list.join("+"));
        let basis: Vec<Vec<f32>> = members.iter().map(|&i| d.u_column(i)).collect();
        let sigma_u: Vec<(f64, Vec<f32>)> = members
            .iter()
            .zip(&basis)
            .map(|(&i, u)| (d.s[i], u.clone()))
            .collect();
        let control: Vec<Vec<f32>> = (0..members.len() as u64)
            .map(|i| {
                let index = (1 << 34) + ((label as u64) << 8) + i;
                edit::in_span(
                    &d.u,
                    d.rank,
                    &mut Stream::new(config.seed, Purpose::Controls, index),
                )
            })
            .collect();
        let doses = &config.ablate.project_doses;
        all.extend(recipe::projections(project, false, &member, basis, doses));
        let name = format!("{} random, {} dimensions", decomposed.name, members.len());
        all.extend(recipe::projections(
            "project random in-span",
            true,
            &name,
            control,
            doses,
        ));
        let scores = recipe::scores(&sigma_u);
        let percents = &config.ablate.reset_percent;
        all.extend(recipe::resets(
            reset,
            &member,
            &scores,
            percents,
            (layout, config.seed),
        ));
    }
}

/// The components with a label; where none has it, those with the most extreme temporal index
/// among the ones that are no spikes.
fn temporal_set(components: &[Component], label: Label) -> (Vec<usize>, &'static str) {
    let labelled: Vec<usize> = components
        .iter()
        .filter(|c| c.label == label)
        .map(|c| c.index)
        .collect();
    if !labelled.is_empty() {
        return (labelled, "labelled");
    }
    let mut order: Vec<&Component> = components
        .iter()
        .filter(|c| c.course.participation_ratio >= PARTICIPATION_MIN)
        .collect();
    order.sort_by(|a, b| a.course.temporal_index.total_cmp(&b.course.temporal_index));
    if label == Label::Late {
        order.reverse();
    }
    let how = if label == Label::Late {
        "highest index, unlabelled"
    } else {
        "lowest index, unlabelled"
    };
    (order.iter().take(SET_LEN).map(|c| c.index).collect(), how)
}

/// |theta_T - theta_0|.
pub fn displacement(policy: &Policy<'_>) -> f64 {
    let moved: Vec<f32> = policy
        .theta
        .iter()
        .zip(policy.theta_0)
        .map(|(&t, &o)| t - o)
        .collect();
    norm(&moved)
}
