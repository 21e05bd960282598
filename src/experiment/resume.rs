//! Where a killed run goes on from: everything training depends on, between two iterations.
//!
//! ```text
//! resume/latest.safetensors    every some seconds, at an interruption and at the end
//! resume/middle.safetensors    once, half-way: where `gouda verify RUN` replays from
//!   tensors    params; adam.first, adam.second or sgd.velocity; total.sum, update.sum
//!   metadata   state: JSON, everything else; crc32: of state's bytes and then the tensors',
//!              which is what `storage::tensors` sums
//! ```
//! A point is put down only after the rows and lines it counts are on the disk, and replaces the
//! one before it whole or not at all. When it is put down depends on the clock; what it holds, but
//! for the seconds spent, does not, and neither does anything that follows from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::maze::EnvState;
use crate::nn::adam::Adam;
use crate::nn::sgd::Sgd;
use crate::numeric::random::{Purpose, Stream};
use crate::ppo::Optimizer;
use crate::ppo::reward_scale::RewardScale;
use crate::ppo::settings::OptimizerKind;
use crate::ppo::{self, Trainer, TrainerState};
use crate::storage::{self, RunDir, checksum, tensors};

use crate::experiment::rows::{Begun, Partial};
use crate::experiment::{Config, Error, grid};

/// What `version` says.
const VERSION: u32 = 3;
/// Most bytes of the state without its environments.
const STATE_MAX: u64 = 1 << 20;
/// Most bytes of what it says of one of them.
const ENVIRONMENT_MAX: u64 = 1 << 10;

/// A point to go on from.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The agent in training.
    pub trainer: TrainerState,
    /// Lines, rows and sums on their way to them.
    pub recorded: Recorded,
    /// The row of `gradients/total` that is being summed.
    pub total: Partial,
    /// The same of `gradients/update`.
    pub update: Partial,
}

/// What has been recorded up to a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Frames seen.
    pub frames: u64,
    /// Seconds spent in training.
    pub seconds: f64,
    /// Lines of `metrics.jsonl`.
    pub metrics: usize,
    /// Rows of `gradients/total`.
    pub total_rows: usize,
    /// Rows of `gradients/update`.
    pub update_rows: usize,
    /// Rows of each of the streams apart.
    pub part_rows: usize,
    /// Sum of the returns of the episodes since the last point of the curves, and their number.
    pub episodes: (f64, f64),
}

/// The metadata `state`.
#[derive(Serialize, Deserialize)]
struct Said {
    version: u32,
    /// Checksum of the settings as TOML.
    config: u32,
    updates: u64,
    /// Adam's count of updates; 0 for sgd.
    step: u64,
    recorded: Recorded,
    total: Begun,
    update: Begun,
    environments: Vec<EnvState>,
    actions: Vec<Stream>,
    rewards: Option<RewardScale>,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// The point that a killed run goes on from.
pub fn latest(run: &RunDir) -> PathBuf {
    run.resume_points().join("latest.safetensors")
}

/// The point half-way.
pub fn middle(run: &RunDir) -> PathBuf {
    run.resume_points().join("middle.safetensors")
}

impl Point {
    /// Puts the point down at `path`, for a run with the settings `config`.
    ///
    /// # Errors
    /// The system's; the point that was there, if any, then stands.
    pub fn save(&self, path: &Path, config: &Config) -> Result<(), Error> {
        let param_len = self.trainer.params.len();
        let mut parts: Vec<(&str, &[f32])> = vec![("params", &self.trainer.params)];
        let step = match &self.trainer.optimizer {
            Optimizer::Adam(adam) => {
                parts.extend([
                    ("adam.first", &adam.first[..]),
                    ("adam.second", &adam.second),
                ]);
                adam.step
            }
            Optimizer::Sgd(sgd) => {
                parts.push(("sgd.velocity", &sgd.velocity));
                0
            }
        };
        parts.extend([
            ("total.sum", &self.total.sum[..]),
            ("update.sum", &self.update.sum),
        ]);
        let said = Said {
            version: VERSION,
            config: settings_sum(config),
            updates: self.trainer.updates,
            step,
            recorded: self.recorded,
            total: self.total.begun,
            update: self.update.begun,
            environments: self.trainer.environments.clone(),
            actions: self.trainer.actions.clone(),
            rewards: self.trainer.rewards.clone(),
        };
        let state = serde_json::to_string(&said).expect("plain data with text keys");
        let metadata = [("state".to_owned(), state)];
        let shape = [param_len];
        let parts: Vec<tensors::Tensor<'_>> = parts
            .into_iter()
            .map(|(name, values)| tensors::Tensor {
                name,
                shape: &shape,
                values,
            })
            .collect();
        Ok(tensors::save(path, &parts, &BTreeMap::from(metadata))?)
    }

    /// Reads the point at `path` of a run with the settings `config` and `param_len` parameters.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, or belongs to other settings.
    pub fn load(path: &Path, config: &Config, param_len: usize) -> Result<Self, Error> {
        let names: &[&str] = match config.ppo.optimizer {
            OptimizerKind::Adam => &[
                "params",
                "adam.first",
                "adam.second",
                "total.sum",
                "update.sum",
            ],
            OptimizerKind::Sgd => &["params", "sgd.velocity", "total.sum", "update.sum"],
        };
        let expected: Vec<(String, Vec<usize>)> = names
            .iter()
            .map(|&name| (name.to_owned(), vec![param_len]))
            .collect();
        let environments = config.ppo.num_envs as u64;
        let state_max = STATE_MAX.saturating_add(environments.saturating_mul(ENVIRONMENT_MAX));
        let file = tensors::load_with(path, &expected, state_max)?;
        let said = said(path, &file)?;
        if said.config != settings_sum(config) {
            let expected = "the settings of config.toml as the run began with them";
            return Err(storage::Error::malformed(path, expected, "a point of others").into());
        }
        if let Some((expected, found)) = said.contradiction(config) {
            return Err(storage::Error::malformed(path, expected, found).into());
        }
        let mut parts = file.tensors.into_iter();
        let mut next = || parts.next().expect("as many as were asked for");
        let params = next();
        let optimizer = match config.ppo.optimizer {
            OptimizerKind::Adam => {
                let (first, second) = (next(), next());
                Optimizer::Adam(Adam::resume(config.ppo.adam_eps, said.step, first, second))
            }
            OptimizerKind::Sgd => Optimizer::Sgd(Sgd {
                momentum: config.ppo.momentum,
                velocity: next(),
            }),
        };
        Ok(Self {
            trainer: TrainerState {
                updates: said.updates,
                params,
                optimizer,
                environments: said.environments,
                actions: said.actions,
                rewards: said.rewards,
            },
            recorded: said.recorded,
            total: Partial {
                begun: said.total,
                sum: next(),
            },
            update: Partial {
                begun: said.update,
                sum: next(),
            },
        })
    }
}

/// The trainer that the point at `path` holds the state of.
///
/// # Errors
/// A state that training under these settings does not come to; the file is named.
pub fn trainer(path: &Path, config: &Config, state: TrainerState) -> Result<Trainer, Error> {
    match Trainer::from_state(config.settings(), config.seed, state) {
        Err(error @ (ppo::Error::State { .. } | ppo::Error::Maze(_))) => {
            let expected = "a state that training comes to";
            Err(storage::Error::malformed(path, expected, error.to_string()).into())
        }
        Err(ppo::Error::NotFinite {
            update,
            what,
            found,
        }) => Err(Error::NotFinite {
            place: format!("{}: update {update}: the {what}", path.display()),
            found,
        }),
        outcome => Ok(outcome?),
    }
}

impl Said {
    /// What a run of these settings cannot have come to: what it would have counted after so many
    /// updates, and what this point counts.
    fn contradiction(&self, config: &Config) -> Option<(String, String)> {
        let (ppo, record, updates) = (&config.ppo, &config.record, self.updates);
        let (per_iteration, total) = (ppo.updates_per_iteration(), ppo.total_updates);
        if updates > total || !(updates.is_multiple_of(per_iteration) || updates == total) {
            let expected = format!("updates a multiple of {per_iteration} up to {total}");
            return Some((expected, updates.to_string()));
        }
        let every = record.every.updates(ppo);
        let iterations = updates.div_ceil(per_iteration);
        let rows = if updates == total {
            updates.div_ceil(every)
        } else {
            updates / every
        };
        let summed = if updates == total { 0 } else { updates % every };
        let part_rows = match record.streams_every.saturating_mul(per_iteration) {
            0 => 0,
            apart => updates.div_ceil(apart),
        };
        let lines = iterations + grid::due_before(updates, record.curve_points, total);
        let step = match ppo.optimizer {
            OptimizerKind::Adam => updates,
            OptimizerKind::Sgd => 0,
        };
        let Recorded { frames, .. } = self.recorded;
        let counted = &self.recorded;
        let counts = [
            ("steps of the optimiser", step, self.step),
            ("frames", iterations * ppo.batch_len() as u64, frames),
            ("lines of metrics", lines, counted.metrics as u64),
            ("rows of total", rows, counted.total_rows as u64),
            ("rows of update", rows, counted.update_rows as u64),
            ("rows apart", part_rows, counted.part_rows as u64),
            ("updates in the row of total", summed, self.total.updates),
            ("updates in the row of update", summed, self.update.updates),
        ];
        for (what, expected, found) in counts {
            if expected != found {
                let expected = format!("{expected} {what} after {updates} updates");
                return Some((expected, found.to_string()));
            }
        }
        let (sum, episodes) = counted.episodes;
        let numbers = [counted.seconds, episodes, f64::MAX - sum.abs()];
        if numbers.iter().any(|number| *number < 0.0) {
            let found = format!("{}, {sum} and {episodes}", counted.seconds);
            return Some(("seconds and returns of some episodes".into(), found));
        }
        self.streams_contradict(config)
    }

    /// The streams of random numbers are those of the run, however far: one with another increment
    /// might draw the same number for ever.
    fn streams_contradict(&self, config: &Config) -> Option<(String, String)> {
        let levels = self.environments.iter().map(|env| &env.stream);
        for (what, purpose, streams) in [
            ("levels", Purpose::Levels, levels.collect::<Vec<_>>()),
            ("actions", Purpose::Actions, self.actions.iter().collect()),
        ] {
            for (index, stream) in (0..).zip(streams) {
                if !stream.is_of(config.seed, purpose, index) {
                    let expected = format!("the stream of {what} of environment {index}");
                    return Some((expected, "another".into()));
                }
            }
        }
        None
    }
}

fn settings_sum(config: &Config) -> u32 {
    checksum::of_bytes(config.to_toml().as_bytes())
}

/// The metadata; that the file is what its checksum says was seen when it was loaded.
fn said(path: &Path, file: &tensors::Checkpoint) -> Result<Said, Error> {
    let entry = |key: &str| {
        let missing = || storage::Error::malformed(path, format!("an entry {key}"), "none");
        file.metadata.get(key).ok_or_else(missing)
    };
    // No point was ever put down without one.
    entry(tensors::CHECKSUM)?;
    let state = entry("state")?;
    let unreadable = |error: serde_json::Error| {
        storage::Error::malformed(path, "the state of a run", error.to_string())
    };
    // On its own first: another version's state has other fields.
    let Version { version } = serde_json::from_str(state).map_err(unreadable)?;
    if version != VERSION {
        let expected = format!("version {VERSION} of points to resume from");
        let found = format!("version {version}, of another release");
        return Err(storage::Error::malformed(path, expected, found).into());
    }
    Ok(serde_json::from_str(state).map_err(unreadable)?)
}
