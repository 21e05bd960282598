//! Levels with exact rates, and what the unedited and the untrained policy do on them.

use crate::ablate::{Measurement, Rate, Reference, Split, Tasks};
use crate::experiment::{Config, Error};
use crate::nn::{Network, Policy, Steering};
use crate::protocol::candidates::TrainedPolicy;

/// Levels of one split.
#[derive(Debug)]
pub struct Bench<'a> {
    /// The levels.
    pub tasks: Tasks,
    /// What edits are compared with.
    pub reference: Reference,
    network: &'a Network,
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
            floor: tasks.measure_exact(Policy::new(policy.network, policy.theta_0))?,
        };
        Ok(Self {
            tasks,
            reference,
            network: policy.network,
        })
    }

    /// The exact rates of a policy, with something added to its activations or not.
    ///
    /// # Errors
    /// One that is not finite.
    pub fn measure(
        &self,
        params: &[f32],
        steering: Option<&Steering>,
    ) -> Result<Measurement, Error> {
        let measured = self
            .tasks
            .measure_steered(Policy::new(self.network, params), steering);
        Ok(measured?)
    }

    /// What a policy lost, in the order of [`Rate::ALL`].
    ///
    /// # Errors
    /// One that is not finite.
    pub fn losses(&self, params: &[f32]) -> Result<Losses, Error> {
        self.losses_steered(params, None)
    }

    /// The same with something added to its activations.
    ///
    /// # Errors
    /// As for [`losses`](Self::losses).
    pub fn losses_steered(
        &self,
        params: &[f32],
        steering: Option<&Steering>,
    ) -> Result<Losses, Error> {
        let measured = self.measure(params, steering)?;
        let loss = |rate| self.reference.loss(&measured, rate);
        Ok(Losses(Rate::ALL.map(loss)))
    }
}

/// Losses in the order of [`Rate::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Losses(pub [f64; 7]);

impl Losses {
    /// Of one rate.
    pub fn of(&self, rate: Rate) -> f64 {
        self.0[rate.index()]
    }
}
