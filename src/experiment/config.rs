//! The settings of a run, and what each may be.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::ablate::{Setting, Situation, Split, Tasks};
use crate::nn::Network;
use crate::ppo::trainer::RUN;
use crate::ppo::{EnvSettings, NetSettings, PpoSettings, Settings};
use crate::svd;

use crate::experiment::Error;

/// A named set of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Minutes.
    Quick,
    /// A lunch break.
    Standard,
    /// The published hyperparameters.
    Procgen,
    /// As quick, the corner first and the region after it.
    Scheduled,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Quick, Self::Standard, Self::Procgen, Self::Scheduled];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Standard => "standard",
            Self::Procgen => "procgen",
            Self::Scheduled => "scheduled",
        }
    }

    /// All its settings, as TOML.
    pub fn text(self) -> &'static str {
        match self {
            Self::Quick => include_str!("../../data/presets/quick.toml"),
            Self::Standard => include_str!("../../data/presets/standard.toml"),
            Self::Procgen => include_str!("../../data/presets/procgen.toml"),
            Self::Scheduled => include_str!("../../data/presets/scheduled.toml"),
        }
    }
}

/// How many optimiser steps one row of the gradient matrix sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "EveryText", into = "EveryText")]
pub enum Every {
    /// One.
    Update,
    /// Those of one iteration: one rollout.
    Iteration,
    /// So many.
    Updates(u64),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum EveryText {
    Word(String),
    Count(i64),
}

impl TryFrom<EveryText> for Every {
    type Error = String;

    fn try_from(text: EveryText) -> Result<Self, String> {
        match text {
            EveryText::Word(word) if word == "update" => Ok(Self::Update),
            EveryText::Word(word) if word == "iteration" => Ok(Self::Iteration),
            EveryText::Count(count @ 1..) => Ok(Self::Updates(count.unsigned_abs())),
            EveryText::Word(word) => Err(format!("\"{word}\": expected {EVERY}")),
            EveryText::Count(count) => Err(format!("{count}: expected {EVERY}")),
        }
    }
}

const EVERY: &str = "\"update\", \"iteration\" or a number of updates from 1";

impl From<Every> for EveryText {
    fn from(every: Every) -> Self {
        match every {
            Every::Update => Self::Word("update".into()),
            Every::Iteration => Self::Word("iteration".into()),
            Every::Updates(count) => Self::Count(i64::try_from(count).unwrap_or(i64::MAX)),
        }
    }
}

impl Every {
    /// Updates of one row.
    pub fn updates(self, ppo: &PpoSettings) -> u64 {
        match self {
            Self::Update => 1,
            Self::Iteration => ppo.updates_per_iteration(),
            Self::Updates(count) => count,
        }
    }
}

/// What is recorded during training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSettings {
    /// "update", "iteration", or a number of updates: what a row of the matrix sums.
    pub every: Every,
    /// Iterations from one row of the streams apart to the next; 0 records none.
    #[serde(default)]
    pub streams_every: u64,
    /// Checkpoints after the first, evenly spaced.
    pub checkpoints: u64,
    /// Points of the S1 to S5 curves after the first, evenly spaced.
    pub curve_points: u64,
    /// Levels a situation at each point.
    pub curve_levels: usize,
    /// Size that a shard of the matrix stays near.
    pub shard_mb: u64,
}

/// The decomposition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SvdSettings {
    /// Singular triplets.
    pub rank: usize,
    /// Residual, as a share of the largest singular value, at which it stops.
    pub tolerance: f64,
    /// Most passes over the matrix.
    pub max_passes: usize,
    /// Sign-flipped matrices behind the spectrum's null.
    pub null_draws: usize,
}

/// Temporal labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocateSettings {
    /// Surrogates behind each p-value.
    pub null_draws: usize,
}

/// Edits and where they are judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AblateSettings {
    /// Leading components of each decomposition whose steps are tried.
    pub components: usize,
    /// Lengths of a step, in shares of |theta_T - theta_0|.
    pub step_doses: Vec<f64>,
    /// Shares of the displacement's projection that are removed.
    pub project_doses: Vec<f64>,
    /// Percentages of the parameters that are reset.
    pub reset_percent: Vec<f64>,
    /// Levels a situation on which members, signs and doses are chosen, each with its exact rate.
    pub selection_levels: usize,
    /// Levels a situation on which the chosen ones are reported.
    pub test_levels: usize,
    /// Most random controls behind a p-value; fewer where ten of them are already as extreme.
    pub controls: u64,
    /// Mazes drawn with the policy's vector field.
    pub mazes: usize,
}

/// The study over confirmation seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudySettings {
    /// The first confirmation seed; those before it were tuned on.
    pub first_seed: u64,
    /// Confirmation seeds, one after the other.
    pub seeds: u64,
    /// Components that every locator's decompositions have.
    pub rank: usize,
    /// Most updates in which an ablated behaviour may be relearnt.
    pub relearn_updates: u64,
    /// Seeds that are trained again with components projected out.
    pub retrain_seeds: u64,
    /// Updates in which the cheese's tower of a policy with known parameters is taught; the corner's has half as many.
    pub planted_updates: u64,
    /// Such policies that are wanted; twice as many are made at most.
    pub plants: u64,
}

impl StudySettings {
    /// The confirmation seeds.
    pub fn all_seeds(&self) -> Range<u64> {
        self.first_seed..self.first_seed + self.seeds
    }
}

/// All settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Seed of everything random but the levels' own.
    pub seed: u64,
    /// Levels.
    pub env: EnvSettings,
    /// Network.
    pub net: NetSettings,
    /// PPO.
    pub ppo: PpoSettings,
    /// Recording.
    pub record: RecordSettings,
    /// Decomposition.
    pub svd: SvdSettings,
    /// Temporal labels.
    pub locate: LocateSettings,
    /// Edits.
    pub ablate: AblateSettings,
    /// The study over seeds.
    pub study: StudySettings,
}

impl Config {
    /// What training alone depends on.
    pub fn settings(&self) -> Settings {
        Settings {
            env: self.env.clone(),
            net: self.net.clone(),
            ppo: self.ppo.clone(),
        }
    }

    /// `count` levels of every situation from `split`.
    ///
    /// # Errors
    /// Levels that cannot be made.
    pub fn tasks(&self, split: Split, count: usize) -> Result<Tasks, Error> {
        let env = &self.env;
        let setting = Setting::new(env.world, env.region, env.timeout);
        Ok(Tasks::new(split, setting, env.actions, count)?)
    }

    /// The network, with room for as many samples at a time as training runs.
    ///
    /// # Errors
    /// A size outside what is possible.
    pub fn network(&self) -> Result<Network, Error> {
        let network = Network::new(self.net.shape(&self.env), RUN);
        Ok(network.map_err(crate::ppo::Error::from)?)
    }

    /// As TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("settings are plain tables of plain values")
    }

    /// Rows of the gradient matrix.
    pub fn time_len(&self) -> u64 {
        self.ppo
            .total_updates
            .div_ceil(self.record.every.updates(&self.ppo))
    }

    /// Rows of each of the streams apart.
    pub fn part_len(&self) -> u64 {
        match self.record.streams_every {
            0 => 0,
            every => self.ppo.iterations().div_ceil(every),
        }
    }

    /// Checks that there is something to decompose: halves of a row in time do not exist.
    ///
    /// # Errors
    /// A gradient matrix of fewer than two rows.
    pub fn check_rows(&self) -> Result<(), Error> {
        if self.time_len() >= 2 {
            return Ok(());
        }
        let expected = format!(
            "more than {}, for two rows of the gradient matrix",
            self.record.every.updates(&self.ppo)
        );
        Err(Error::range(
            "ppo.total_updates",
            self.ppo.total_updates,
            expected,
        ))
    }

    /// Checks every range.
    ///
    /// # Errors
    /// The first setting that is out of range, with what is possible.
    pub fn check(&self) -> Result<(), Error> {
        self.settings().check()?;
        let env = &self.env;
        for situation in Situation::ALL {
            if let Err(expected) = situation.room(env.world, env.region) {
                return Err(Error::range("env.region", env.region, expected));
            }
        }
        let study = &self.study;
        let counts: [(&str, u64, u64, u64); 21] = [
            ("study.first_seed", study.first_seed, 0, 1 << 32),
            ("study.seeds", study.seeds, 1, 1000),
            ("study.rank", study.rank as u64, 2, 256),
            ("study.relearn_updates", study.relearn_updates, 0, 1 << 32),
            ("study.retrain_seeds", study.retrain_seeds, 0, study.seeds),
            ("study.planted_updates", study.planted_updates, 6, 1 << 32),
            ("study.plants", study.plants, 0, 1000),
            (
                "record.streams_every",
                self.record.streams_every,
                0,
                1 << 32,
            ),
            ("record.checkpoints", self.record.checkpoints, 2, 1 << 20),
            ("record.curve_points", self.record.curve_points, 2, 1 << 20),
            (
                "record.curve_levels",
                self.record.curve_levels as u64,
                8,
                1 << 16,
            ),
            ("record.shard_mb", self.record.shard_mb, 1, 1 << 20),
            ("svd.rank", self.svd.rank as u64, 1, 4096),
            ("svd.max_passes", self.svd.max_passes as u64, 3, 10_000),
            ("svd.null_draws", self.svd.null_draws as u64, 19, 10_000),
            (
                "locate.null_draws",
                self.locate.null_draws as u64,
                19,
                1 << 20,
            ),
            (
                "ablate.selection_levels",
                self.ablate.selection_levels as u64,
                8,
                1 << 16,
            ),
            (
                "ablate.test_levels",
                self.ablate.test_levels as u64,
                8,
                1 << 16,
            ),
            ("ablate.controls", self.ablate.controls, 19, 1 << 20),
            ("ablate.components", self.ablate.components as u64, 1, 4096),
            ("ablate.mazes", self.ablate.mazes as u64, 0, 256),
        ];
        for (key, found, least, most) in counts {
            if found < least || found > most {
                return Err(Error::range(key, found, format!("{least} to {most}")));
            }
        }
        let tolerance = self.svd.tolerance;
        if !(svd::TOLERANCE_MIN..1.0).contains(&tolerance) {
            let expected = format!(
                "{:e}, what single precision allows, to below 1",
                svd::TOLERANCE_MIN
            );
            return Err(Error::range("svd.tolerance", tolerance, expected));
        }
        let doses: [(&str, &[f64], f64); 3] = [
            ("ablate.step_doses", &self.ablate.step_doses, 100.0),
            ("ablate.project_doses", &self.ablate.project_doses, 1.5),
            ("ablate.reset_percent", &self.ablate.reset_percent, 100.0),
        ];
        for (key, found, most) in doses {
            if found.is_empty() || found.iter().any(|&dose| !(dose > 0.0 && dose <= most)) {
                let expected = format!("one or more numbers above 0 and up to {most}");
                return Err(Error::range(key, format!("{found:?}"), expected));
            }
        }
        Ok(())
    }
}
