//! How an edit is made, as data, so that thousands wait without their parameters.

use std::sync::Arc;

use crate::nn::Steering;

use super::edit;

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
