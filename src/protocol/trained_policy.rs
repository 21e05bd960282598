//! The policy that the protocol is carried out on, and where it came from.

use crate::ablate::recipe::Recipe;
use crate::nn::{Network, Policy};
use crate::numeric::sum::norm;

/// A trained policy with its history.
#[derive(Clone, Copy, Debug)]
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
    /// The trained policy alone.
    pub fn policy(&self) -> Policy<'a> {
        Policy::new(self.network, self.theta)
    }

    /// The same network with other parameters.
    pub fn with<'b>(&self, theta: &'b [f32]) -> Policy<'b>
    where
        'a: 'b,
    {
        Policy::new(self.network, theta)
    }

    /// The parameters that an edit makes of theta_T.
    pub fn edited(&self, recipe: &Recipe) -> Vec<f32> {
        recipe.apply(self.theta, self.theta_0)
    }

    /// |theta_T - theta_0|.
    pub fn displacement(&self) -> f64 {
        distance(self.theta, self.theta_0)
    }
}

/// |a - b|.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    let moved: Vec<f32> = a.iter().zip(b).map(|(&a, &b)| a - b).collect();
    norm(&moved)
}
