//! Levels with exact rates, and what the unedited and the untrained policy do on them.

use super::trained_policy::TrainedPolicy;
use crate::ablate::recipe::Recipe;
use crate::ablate::{Measurement, PerRate, Reference, Split, Tasks};
use crate::experiment::{Config, Error};
use crate::nn::Steering;

/// Levels of one split, on which edits of one policy are measured.
#[derive(Debug)]
pub struct Bench<'a> {
    /// The levels.
    pub tasks: Tasks,
    /// What edits are compared with.
    pub reference: Reference,
    policy: TrainedPolicy<'a>,
}

impl<'a> Bench<'a> {
    /// `count` levels a situation of `split`.
    ///
    /// # Errors
    /// Levels that cannot be made, or a policy that is not finite.
    pub fn new(
        config: &Config,
        policy: &TrainedPolicy<'a>,
        split: Split,
        count: usize,
    ) -> Result<Self, Error> {
        let tasks = config.tasks(split, count)?;
        let reference = Reference {
            base: tasks.measure_exact(policy.policy())?,
            floor: tasks.measure_exact(policy.with(policy.theta_0))?,
        };
        Ok(Self {
            tasks,
            reference,
            policy: *policy,
        })
    }

    /// The exact rates of the parameters `theta`, with something added to the activations or not.
    ///
    /// # Errors
    /// Parameters that are not finite.
    pub fn measure(
        &self,
        theta: &[f32],
        steering: Option<&Steering>,
    ) -> Result<Measurement, Error> {
        let policy = self.policy.with(theta);
        Ok(self.tasks.measure_steered(policy, steering)?)
    }

    /// The exact rates of the edited policy.
    ///
    /// # Errors
    /// One that is not finite.
    pub fn measure_edited(&self, recipe: &Recipe) -> Result<Measurement, Error> {
        let edited = self.policy.edited(recipe);
        self.measure(&edited, recipe.steering())
    }

    /// What the edited policy lost.
    ///
    /// # Errors
    /// One that is not finite.
    pub fn losses(&self, recipe: &Recipe) -> Result<PerRate<f64>, Error> {
        let measured = self.measure_edited(recipe)?;
        Ok(PerRate::new(|rate| self.reference.loss(&measured, rate)))
    }
}
