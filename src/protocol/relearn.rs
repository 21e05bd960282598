//! How many updates of training bring back what an edit took.
//!
//! A behaviour that an edit removed from the policy and one that it only hid differ in what it takes
//! to have them again: PPO goes on from the edited parameters, as in the run but with a fresh optimiser
//! and a constant learning rate, until the exact rate is back at a share of the unedited policy's. It
//! is looked at before the first update and after every iteration.

use crate::ablate::{Rate, Tasks};
use crate::nn::Policy;
use crate::ppo::{Settings, Trainer};

use crate::experiment::Error;

/// The rule of relearning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relearning {
    /// Whose return is waited for.
    pub rate: Rate,
    /// The share of the unedited policy's rate that is a return.
    pub share: f64,
    /// Updates after which there is none.
    pub budget: u64,
    /// Of every update.
    pub learning_rate: f64,
    /// Of the levels and actions of training.
    pub seed: u64,
}

impl Relearning {
    /// Updates until the return; none within the budget. `tasks` are levels of the curves' split.
    ///
    /// # Errors
    /// Settings out of range, or training that stops being finite.
    pub fn updates(
        &self,
        settings: &Settings,
        (unedited, edited): (&[f32], Vec<f32>),
        tasks: &Tasks,
    ) -> Result<Option<u64>, Error> {
        let mut settings = settings.clone();
        settings.ppo.learning_rate = self.learning_rate;
        settings.ppo.anneal_lr = false;
        // Whole iterations, so that there is a look after the last of the budget.
        let iterations = self.budget / settings.ppo.updates_per_iteration();
        let budget = iterations * settings.ppo.updates_per_iteration();
        settings.ppo.total_updates = budget.max(1);
        let mut trainer = Trainer::from_params(settings, self.seed, edited)?;
        let rate = |trainer: &Trainer, params: &[f32]| {
            let measured = tasks.measure_exact(Policy::new(trainer.network(), params))?;
            Ok::<f64, Error>(measured.rate(self.rate))
        };
        let goal = self.share * rate(&trainer, unedited)?;
        loop {
            if trainer.is_between_iterations() && rate(&trainer, trainer.params())? >= goal {
                return Ok(Some(trainer.updates()));
            }
            if trainer.updates() >= budget || trainer.advance()?.is_none() {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Setting, Split};
    use crate::experiment::{Config, Preset};
    use crate::nn::Network;

    #[test]
    fn the_unedited_policy_needs_no_update_and_a_stubborn_one_does_not_come_back() {
        let config: Config = toml::from_str(Preset::Quick.text()).unwrap();
        let mut settings = config.settings();
        settings.env.world = 7;
        settings.env.region = 3;
        settings.env.timeout = 30;
        settings.net.channels = 4;
        settings.net.blocks = 1;
        settings.net.hidden = 8;
        settings.ppo.num_envs = 4;
        settings.ppo.num_steps = 8;
        settings.ppo.minibatch_size = 16;
        settings.ppo.update_epochs = 1;
        let env = &settings.env;
        let network = Network::new(settings.net.shape(env), 16).unwrap();
        let unedited = crate::nn::init::initialise(&network.layout, 3);
        let setting = Setting::new(env.world, env.region, env.timeout);
        let tasks = Tasks::new(Split::Curve, setting, env.actions, 8).unwrap();
        let relearning = Relearning {
            rate: Rate::S5,
            share: 0.9,
            budget: 7,
            learning_rate: 1e-4,
            seed: 1,
        };
        let updates = |edited| {
            let policies = (unedited.as_slice(), edited);
            relearning.updates(&settings, policies, &tasks).unwrap()
        };
        assert_eq!(updates(unedited.clone()), Some(0));
        let mut stubborn = unedited.clone();
        stubborn[network.layout.range("policy.bias").unwrap().start] = 50.0;
        assert_eq!(updates(stubborn.clone()), None);
        // From a policy a little below its goal, the way back is some whole iterations.
        let eager = Relearning {
            share: 1.0 + 1e-9,
            budget: 400,
            learning_rate: 1e-2,
            ..relearning
        };
        let policies = (unedited.as_slice(), unedited.clone());
        let found = eager.updates(&settings, policies, &tasks).unwrap().unwrap();
        assert!(found > 0 && found.is_multiple_of(2), "{found}");
    }
}
