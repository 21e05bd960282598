//! Candidates: every edit that is tried, as data, so that thousands wait without their parameters.

use std::sync::Arc;

use crate::nn::{Layout, Steering};
use crate::numeric::random::{Purpose, Stream};

use super::{edit, streams};

/// An edit that has not been applied yet.
#[derive(Clone, Debug)]
pub enum Recipe {
    /// Edit (d): a step of signed length along a direction.
    Step(Arc<Vec<f32>>, f64),
    /// Edit (a): the displacement's projection on some directions, times a dose, removed.
    Project(Arc<Vec<Vec<f32>>>, f64),
    /// Edit (c): some parameters put back to their initial values.
    Reset(Arc<Vec<usize>>),
    /// The parameters of a checkpoint, or others made elsewhere.
    Rollback(Arc<Vec<f32>>),
    /// A vector, times a dose, added.
    Add(Arc<Vec<f32>>, f64),
    /// No edit of parameters: something is added to the activations in every forward pass.
    Steer(Arc<Steering>),
}

impl Recipe {
    /// The edited parameters.
    pub fn apply(&self, theta: &[f32], theta_0: &[f32]) -> Vec<f32> {
        match self {
            Self::Step(direction, alpha) => edit::step(theta, direction, *alpha),
            Self::Project(basis, c) => edit::project(theta, theta_0, basis, *c),
            Self::Reset(indices) => edit::reset(theta, theta_0, indices),
            Self::Rollback(params) => params.to_vec(),
            Self::Add(vector, dose) => {
                let sum = |(&t, &v): (&f32, &f32)| (f64::from(t) + dose * f64::from(v)) as f32;
                theta.iter().zip(vector.iter()).map(sum).collect()
            }
            Self::Steer(_) => theta.to_vec(),
        }
    }

    /// What is added to the activations; nothing by an edit of parameters.
    pub fn steering(&self) -> Option<&Steering> {
        match self {
            Self::Steer(steering) => Some(steering),
            _ => None,
        }
    }
}

/// One edit to try.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its family; the best of each is reported.
    pub family: &'static str,
    /// Whether the family is a control.
    pub is_control: bool,
    /// The member of the family, without sign and dose.
    pub member: String,
    /// The dose, in the family's unit, negative for the other sign.
    pub dose: f64,
    /// How it is made.
    pub recipe: Recipe,
}

/// A direction with a name.
#[derive(Clone, Debug)]
pub struct Direction {
    /// "unit-norm 5", "random 3".
    pub name: String,
    /// Any length but zero.
    pub values: Arc<Vec<f32>>,
}

/// Steps along each of `directions` at every dose and either sign; a dose is a share of
/// `displacement`, the length of theta_T - theta_0.
pub fn steps(
    family: &'static str,
    is_control: bool,
    directions: &[Direction],
    doses: &[f64],
    displacement: f64,
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for direction in directions {
        for dose in doses.iter().flat_map(|&dose| [dose, -dose]) {
            candidates.push(Candidate {
                family,
                is_control,
                member: direction.name.clone(),
                dose,
                recipe: Recipe::Step(direction.values.clone(), dose * displacement),
            });
        }
    }
    candidates
}

/// Projections off `basis` at every dose, times `scale`: what a control needs to remove as much
/// displacement as the edit it stands beside.
pub fn projections(
    family: &'static str,
    is_control: bool,
    member: &str,
    basis: Vec<Vec<f32>>,
    scale: f64,
    doses: &[f64],
) -> Vec<Candidate> {
    let basis = Arc::new(basis);
    let candidate = |&dose: &f64| Candidate {
        family,
        is_control,
        member: member.into(),
        dose,
        recipe: Recipe::Project(basis.clone(), dose * scale),
    };
    doses.iter().map(candidate).collect()
}

/// Where the random parameters beside a set's resets are drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Matched<'a> {
    /// The tensors, of each of which as many are drawn as are reset.
    pub layout: &'a Layout,
    /// The seed of the draws.
    pub seed: u64,
    /// The number of the set: each has draws of its own.
    pub set: u64,
}

/// Resets of the top percentages by `scores`, and beside each as many random parameters of each
/// tensor.
pub fn resets(
    family: &'static str,
    member: &str,
    scores: &[f64],
    percents: &[f64],
    matched: Matched<'_>,
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (index, &percent) in percents.iter().enumerate() {
        let indices = edit::top(scores, percent);
        let number = streams::matched_reset(matched.set, index);
        let mut stream = Stream::new(matched.seed, Purpose::Controls, number);
        let random = edit::layer_matched(matched.layout, &indices, &mut stream);
        for (family, is_control, indices) in [
            (family, false, indices),
            ("reset random, matched per layer", true, random),
        ] {
            candidates.push(Candidate {
                family,
                is_control,
                member: member.into(),
                dose: percent,
                recipe: Recipe::Reset(Arc::new(indices)),
            });
        }
    }
    candidates
}

/// The checkpoints, each at its share of training.
pub fn rollbacks(checkpoints: impl Iterator<Item = (f64, Vec<f32>)>) -> Vec<Candidate> {
    checkpoints
        .map(|(share, params)| Candidate {
            family: "rollback to a checkpoint",
            is_control: true,
            member: "checkpoint".into(),
            dose: share,
            recipe: Recipe::Rollback(Arc::new(params)),
        })
        .collect()
}

/// Squared weight of each parameter in some components: the sum of `sigma_i^2 u_ip^2`.
pub fn scores(components: &[(f64, Vec<f32>)]) -> Vec<f64> {
    let len = components.first().map_or(0, |(_, u)| u.len());
    let mut scores = vec![0.0; len];
    for (sigma, u) in components {
        for (score, &u) in scores.iter_mut().zip(u) {
            *score += sigma * sigma * f64::from(u) * f64::from(u);
        }
    }
    scores
}
