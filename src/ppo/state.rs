//! A trainer put down between two iterations and taken up again, to the bits of one that was not.
//!
//! There the last rollout is used up, so that parameters, the optimiser, the environments and
//! their streams of actions and what rewards are scaled by are all there is: the order of minibatches has a stream of its own
//! for every epoch, and rates and the stage of the schedule follow from the number of updates. A switch of
//! stages happens when the next iteration begins, so that before it no level made ahead is played.

use crate::maze::EnvState;
use crate::numeric::random::Stream;

use super::Error;
use super::frames::Frames;
use super::optimizer::Optimizer;
use super::reward_scale::RewardScale;
use super::schedule::Stage;
use super::settings::Settings;
use super::trainer::Trainer;

/// A trainer between two iterations.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainerState {
    /// Updates made.
    pub updates: u64,
    /// The parameters.
    pub params: Vec<f32>,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The environments.
    pub environments: Vec<EnvState>,
    /// Their streams of actions.
    pub actions: Vec<Stream>,
    /// What rewards are scaled by, where they are.
    pub rewards: Option<RewardScale>,
}

impl Trainer {
    /// Whether the last rollout is used up, or training over.
    pub fn is_between_iterations(&self) -> bool {
        let ppo = &self.settings.ppo;
        self.update.is_multiple_of(ppo.updates_per_iteration()) || self.update == ppo.total_updates
    }

    /// What [`from_state`](Self::from_state) goes on from.
    ///
    /// # Panics
    /// Within an iteration.
    pub fn state(&self) -> TrainerState {
        assert!(self.is_between_iterations(), "put down in an iteration");
        let (environments, actions) = self.rollout.state();
        TrainerState {
            updates: self.update,
            params: self.params.clone(),
            optimizer: self.optimizer.clone(),
            environments,
            actions,
            rewards: self.rollout.rewards.clone(),
        }
    }

    /// The trainer that was put down as `state` under the same settings and seed.
    ///
    /// # Errors
    /// Settings out of range, or a state that training with them does not come to; a parameter or
    /// moment that is not finite.
    pub fn from_state(settings: Settings, seed: u64, state: TrainerState) -> Result<Self, Error> {
        let mut trainer = Self::new(settings, seed)?;
        let env_len = trainer.settings.ppo.num_envs;
        let param_len = trainer.params.len();
        check("parameters", param_len, state.params.len())?;
        check("environments", env_len, state.environments.len())?;
        check("streams of actions", env_len, state.actions.len())?;
        let moments = |optimizer: &Optimizer| match optimizer {
            Optimizer::Adam(adam) => ("adam", adam.first.len(), adam.second.len()),
            Optimizer::Sgd(sgd) => ("sgd", sgd.velocity.len(), sgd.velocity.len()),
        };
        let describe = |(name, first, second)| format!("{name} of {first} and {second} moments");
        check(
            "optimiser",
            describe(moments(&trainer.optimizer)),
            describe(moments(&state.optimizer)),
        )?;
        trainer.update = state.updates;
        if !trainer.is_between_iterations() || state.updates > trainer.settings.ppo.total_updates {
            return Err(Error::State {
                what: "updates",
                expected: format!(
                    "a multiple of {} up to {}",
                    trainer.settings.ppo.updates_per_iteration(),
                    trainer.settings.ppo.total_updates
                ),
                found: state.updates.to_string(),
            });
        }
        trainer.check_stages(&state.environments)?;
        trainer
            .rollout
            .restore(&state.environments, &state.actions)?;
        trainer.check_rewards(state.rewards.as_ref())?;
        trainer.rollout.rewards = state.rewards;
        trainer.params = state.params;
        trainer.optimizer = state.optimizer;
        trainer.check_finite()?;
        Ok(trainer)
    }

    /// What rewards are scaled by has seen every frame, and is there where they are scaled.
    fn check_rewards(&self, found: Option<&RewardScale>) -> Result<(), Error> {
        let ppo = &self.settings.ppo;
        let is_there = |there: bool| if there { "some" } else { "none" };
        let what = "scale of rewards";
        check(what, is_there(ppo.norm_rewards), is_there(found.is_some()))?;
        let iterations = self.update.div_ceil(ppo.updates_per_iteration());
        let frames = iterations * ppo.batch_len() as u64;
        match found.and_then(|scale| scale.contradiction(ppo.num_envs, frames)) {
            None => Ok(()),
            Some((expected, found)) => Err(Error::State {
                what,
                expected,
                found,
            }),
        }
    }

    /// No level is of a stage that had not begun when the last rollout did.
    fn check_stages(&self, environments: &[EnvState]) -> Result<(), Error> {
        let per_iteration = self.settings.ppo.updates_per_iteration();
        let begun = self.update.saturating_sub(1) / per_iteration * per_iteration;
        let latest = self.settings.stage(begun);
        match environments.iter().find(|env| env.stage > latest) {
            None => Ok(()),
            Some(env) => Err(Error::State {
                what: "stage of a level",
                expected: format!("0 to {latest} after {} updates", self.update),
                found: env.stage.to_string(),
            }),
        }
    }

    /// An infinite second moment would stop its parameter without a word, and a rectifier hides a NaN:
    /// no update shows them.
    fn check_finite(&self) -> Result<(), Error> {
        let moments = self.optimizer.moments();
        for (name, values) in [("parameter", &*self.params)].into_iter().chain(moments) {
            if let Some((place, value)) = self.network().layout.first_not_finite(values) {
                return Err(Error::NotFinite {
                    update: self.update,
                    what: format!("{name} {place}"),
                    found: value.into(),
                });
            }
        }
        Ok(())
    }

    /// A trainer that begins with the parameters of a policy that was trained: no update made, a fresh
    /// optimiser, environments at the start of the levels of `seed`, all of them of the last stage.
    ///
    /// # Errors
    /// Settings out of range, or parameters of another network or that are not finite.
    pub fn from_params(mut settings: Settings, seed: u64, params: Vec<f32>) -> Result<Self, Error> {
        settings.check()?;
        if let Some(last) = settings.env.schedule.pop() {
            settings.env.schedule = vec![Stage { from: 0.0, ..last }];
        }
        let mut trainer = Self::new(settings, seed)?;
        check("parameters", trainer.params.len(), params.len())?;
        trainer.params = params;
        trainer.check_finite()?;
        Ok(trainer)
    }

    /// The frames of the last rollout.
    pub fn frames(&self) -> &Frames {
        &self.rollout.frames
    }
}

fn check<T: PartialEq + ToString>(what: &'static str, expected: T, found: T) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::State {
        what,
        expected: expected.to_string(),
        found: found.to_string(),
    })
}
