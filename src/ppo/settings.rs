//! What a training run is made of: levels, network, PPO. Names follow CleanRL where it has one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::maze::{self, ActionSet, LevelSampler, MouseStart, Split, Variant};
use crate::nn::{Kind, Shape};

use super::loss::Coefficients;
use super::schedule::{self, Stage};
use super::{Error, minibatch};

/// Most frames of an iteration: all of them are held, with what each observed.
const FRAMES_MAX: usize = 1 << 24;

/// Most memory of a run.
const MEMORY_MAX: u128 = 1 << 37;

/// The levels an agent trains on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvSettings {
    /// Side of the world in cells, odd, 5 to 31.
    pub world: u8,
    /// Side of the top-right region that holds the cheese; 0 is the exact corner. In every stage of
    /// `schedule` it is the region that situations measure, and that says who is inside.
    pub region: u8,
    /// Smallest maze; a level seed that draws a smaller one is passed over. `world` fixes the size.
    pub min_maze_dim: u8,
    /// Steps after which an episode ends without reward.
    pub timeout: u16,
    /// Reward on the cheese.
    pub reward: f32,
    /// The actions: "four" moves, or "procgen" with its 15.
    pub actions: ActionSet,
    /// Where the mouse starts: "bottom_left", as in procgen, or "anywhere".
    pub mouse: MouseStart,
    /// Stages in which other levels are trained on than these, one after the other. Empty: none.
    pub schedule: Vec<Stage>,
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetSettings {
    /// "small" or "impala".
    pub kind: Kind,
    /// Channels of `small`.
    pub channels: usize,
    /// Residual blocks of `small`.
    pub blocks: usize,
    /// Width of the dense layer of `small`.
    pub hidden: usize,
}

/// Which rule turns a gradient into an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam.
    Adam,
    /// Gradient descent with momentum.
    Sgd,
}

/// The frames whose mean and standard deviation advantages are normalised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NormAdv {
    /// Those of each minibatch, as in baselines' PPO2 and CleanRL.
    Minibatch,
    /// All of the iteration, as in the code of Langosco et al.
    Rollout,
    /// None.
    None,
}

/// PPO.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PpoSettings {
    /// Optimiser steps in all; the last iteration is cut short where they do not divide.
    pub total_updates: u64,
    /// Environments that run side by side.
    pub num_envs: usize,
    /// Steps of each environment in an iteration.
    pub num_steps: usize,
    /// Passes over an iteration's frames.
    pub update_epochs: usize,
    /// Frames of a minibatch; divides `num_envs * num_steps`.
    pub minibatch_size: usize,
    /// Discount.
    pub gamma: f32,
    /// Lambda of the generalised advantages.
    pub gae_lambda: f32,
    /// Clipping range of the probability ratio.
    pub clip_coef: f64,
    /// Whether the value loss is clipped too.
    pub clip_vloss: bool,
    /// Weight of the entropy.
    pub ent_coef: f64,
    /// Weight of the value loss.
    pub vf_coef: f64,
    /// Over which frames advantages are normalised: "minibatch", "rollout" or "none".
    pub norm_adv: NormAdv,
    /// Whether rewards are [scaled](super::reward_scale) by the running spread of discounted returns.
    pub norm_rewards: bool,
    /// Largest norm of a gradient; longer ones are scaled down to it.
    pub max_grad_norm: f64,
    /// Learning rate at the start.
    pub learning_rate: f64,
    /// Whether the learning rate falls linearly to 0.
    pub anneal_lr: bool,
    /// "adam" or "sgd".
    pub optimizer: OptimizerKind,
    /// Epsilon of Adam.
    pub adam_eps: f64,
    /// Momentum of SGD.
    pub momentum: f64,
}

/// All that training depends on, but for the seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Levels.
    pub env: EnvSettings,
    /// Network.
    pub net: NetSettings,
    /// PPO.
    pub ppo: PpoSettings,
}

impl EnvSettings {
    /// The rules of play on training levels.
    ///
    /// # Errors
    /// An even world, a region larger than the world, a smallest maze that no level has.
    pub fn rules(&self) -> Result<maze::EnvSettings, Error> {
        let sampler = |region: u8, min_maze_dim: u8| {
            let (variant, seeds) = (Variant::Corner { region }, Split::Train.seeds());
            let sampler = LevelSampler::new(self.world, variant, min_maze_dim, seeds)?;
            Ok::<_, Error>(sampler.with_mouse(self.mouse))
        };
        let stages = self.schedule.iter();
        Ok(maze::EnvSettings {
            sampler: sampler(self.region, self.min_maze_dim)?,
            later: stages
                .map(|stage| sampler(stage.region, stage.min_maze_dim))
                .collect::<Result<_, _>>()?,
            actions: self.actions,
            reward: self.reward,
            timeout: self.timeout,
        })
    }
}

impl EnvSettings {
    /// Share of training levels whose maze is no larger than the region, so that the cheese may be
    /// anywhere in it: of the levels of the last stage, where there are stages. The sides of mazes are 3, 5, .. `world`, equally likely but for the remainder
    /// of a 32-bit draw; smaller ones than `min_maze_dim` are passed over.
    pub fn anywhere_share(&self) -> f64 {
        let own = (self.region, self.min_maze_dim);
        let last = self.schedule.last();
        let (region, least) = last.map_or(own, |stage| (stage.region, stage.min_maze_dim));
        let sides = (least.max(3)..=self.world).filter(|side| side % 2 == 1);
        let small = sides.clone().filter(|&side| side <= region).count();
        small as f64 / sides.count().max(1) as f64
    }
}

impl NetSettings {
    /// The network's shape on the levels of `env`.
    pub fn shape(&self, env: &EnvSettings) -> Shape {
        Shape {
            kind: self.kind,
            world: env.world.into(),
            channels: self.channels,
            blocks: self.blocks,
            hidden: self.hidden,
            action_len: env.actions.action_len(),
        }
    }
}

impl PpoSettings {
    /// The usual coefficients, at the sizes of the measured runs: what benches, searches and tests
    /// start from and name their own sizes over. Presets name every value themselves.
    pub fn usual() -> Self {
        Self {
            total_updates: 17_600,
            num_envs: 64,
            num_steps: 64,
            update_epochs: 3,
            minibatch_size: 512,
            gamma: 0.99,
            gae_lambda: 0.95,
            clip_coef: 0.2,
            clip_vloss: true,
            ent_coef: 0.01,
            vf_coef: 0.5,
            norm_adv: NormAdv::Minibatch,
            norm_rewards: false,
            max_grad_norm: 0.5,
            learning_rate: 1e-3,
            anneal_lr: true,
            optimizer: OptimizerKind::Adam,
            adam_eps: 1e-5,
            momentum: 0.9,
        }
    }

    /// Frames of one iteration.
    pub fn batch_len(&self) -> usize {
        self.num_envs * self.num_steps
    }

    /// Optimiser steps of one iteration.
    pub fn updates_per_iteration(&self) -> u64 {
        (self.batch_len() / self.minibatch_size * self.update_epochs) as u64
    }

    /// Frames seen when so many updates are made.
    pub fn frames(&self, updates: u64) -> u64 {
        updates.div_ceil(self.updates_per_iteration()) * self.batch_len() as u64
    }

    /// Iterations in all, the last one perhaps cut short.
    pub fn iterations(&self) -> u64 {
        self.total_updates.div_ceil(self.updates_per_iteration())
    }

    /// The loss's coefficients.
    pub fn coefficients(&self) -> Coefficients {
        Coefficients {
            clip: self.clip_coef,
            policy: 1.0,
            value: self.vf_coef,
            entropy: self.ent_coef,
            clip_value: self.clip_vloss,
        }
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |name, found: String, expected: &str| {
            Err(Error::Setting {
                name: Cow::Borrowed(name),
                found,
                expected: expected.to_owned(),
            })
        };
        let counts: [(&'static str, u64, u64, u64); 5] = [
            ("ppo.total_updates", self.total_updates, 1, 1 << 40),
            ("ppo.num_envs", self.num_envs as u64, 1, 1 << 16),
            ("ppo.num_steps", self.num_steps as u64, 1, 1 << 16),
            ("ppo.update_epochs", self.update_epochs as u64, 1, 1 << 10),
            // Advantages of one frame alone have no spread to be normalised by.
            ("ppo.minibatch_size", self.minibatch_size as u64, 2, 1 << 32),
        ];
        for (name, found, least, most) in counts {
            if found < least || found > most {
                return refuse(name, found.to_string(), &format!("{least} to {most}"));
            }
        }
        if self.batch_len() > FRAMES_MAX {
            let expected = format!("at most {FRAMES_MAX} frames, num_envs x num_steps");
            return refuse("ppo.num_steps", self.num_steps.to_string(), &expected);
        }
        if !self.batch_len().is_multiple_of(self.minibatch_size) {
            let expected = format!("a divisor of num_envs x num_steps = {}", self.batch_len());
            return refuse(
                "ppo.minibatch_size",
                self.minibatch_size.to_string(),
                &expected,
            );
        }
        let ranges: [(&'static str, f64, f64, f64); 9] = [
            ("ppo.gamma", self.gamma.into(), 0.0, 1.0),
            ("ppo.gae_lambda", self.gae_lambda.into(), 0.0, 1.0),
            ("ppo.clip_coef", self.clip_coef, 1e-6, 1e6),
            ("ppo.ent_coef", self.ent_coef, 0.0, 1e6),
            ("ppo.vf_coef", self.vf_coef, 0.0, 1e6),
            ("ppo.max_grad_norm", self.max_grad_norm, 1e-12, 1e12),
            ("ppo.learning_rate", self.learning_rate, 0.0, 1e30),
            ("ppo.adam_eps", self.adam_eps, 1e-30, 1.0),
            ("ppo.momentum", self.momentum, 0.0, 1.0),
        ];
        for (name, found, least, most) in ranges {
            if !(least..=most).contains(&found) {
                return refuse(name, found.to_string(), &format!("{least} to {most}"));
            }
        }
        Ok(())
    }
}

impl Settings {
    /// Checks what the parts cannot check alone.
    ///
    /// # Errors
    /// The first setting that is out of range, with what is possible.
    pub fn check(&self) -> Result<(), Error> {
        self.ppo.check()?;
        if self.env.timeout == 0 {
            let (name, expected) = ("env.timeout", "at least 1".to_owned());
            return Err(Error::Setting {
                name: name.into(),
                found: "0".into(),
                expected,
            });
        }
        if !self.env.reward.is_finite() {
            let (name, expected) = ("env.reward", "a finite number".to_owned());
            return Err(Error::Setting {
                name: name.into(),
                found: self.env.reward.to_string(),
                expected,
            });
        }
        schedule::check(&self.env.schedule, self.env.world)?;
        self.env.rules()?;
        let network = crate::nn::Network::new(self.net.shape(&self.env), 1)?;
        self.check_memory(&network)
    }

    /// The stage of the levels that begin after `updates` updates, if a whole number of iterations.
    pub fn stage(&self, updates: u64) -> usize {
        schedule::stage(&self.env.schedule, updates, self.ppo.total_updates)
    }

    /// Refuses what no machine holds: the observations of an iteration, and the gradient of every
    /// block of a minibatch beside parameters, moments and sums.
    fn check_memory(&self, network: &crate::nn::Network) -> Result<(), Error> {
        let blocks = self.ppo.minibatch_size.div_ceil(minibatch::BLOCK) as u128;
        let observations = self.ppo.batch_len() as u128 * network.observation_len() as u128;
        let bytes = observations + 4 * network.param_len() as u128 * (blocks + 8);
        if bytes <= MEMORY_MAX {
            return Ok(());
        }
        Err(Error::Setting {
            name: "ppo.minibatch_size".into(),
            found: self.ppo.minibatch_size.to_string(),
            expected: format!(
                "with {} parameters and {} frames an iteration, memory of at most {} GiB, not {} GiB",
                network.param_len(),
                self.ppo.batch_len(),
                MEMORY_MAX >> 30,
                bytes >> 30,
            ),
        })
    }
}
