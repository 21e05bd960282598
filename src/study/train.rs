//! The training stage: updates go to the recorders, S1 to S5 to the curves, parameters to
//! checkpoints.
//!
//! Leaves in the run directory: `metrics.jsonl`, `checkpoints/*.safetensors` (named by the number of
//! updates), `gradients/total` (the gradient before clipping) and `gradients/update` (what was added
//! to the parameters). A run that is interrupted, or whose numbers stop being finite, seals what it
//! has first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ablate::{Measurement, Rate, Split, Tasks};
use crate::gradients::{Manifest, Recorder, RowMeta};
use crate::nn::{Layout, Network};
use crate::ppo::{Trainer, Update};
use crate::storage::{Lines, RunDir, run_dir, tensors};

use super::curves::curves;
use super::results::Curves;
use super::{Config, Error, Progress};

/// What training left behind.
#[derive(Debug)]
pub struct Trained {
    /// S1 to S5 over training.
    pub curves: Curves,
    /// The matrix of gradients.
    pub total: Manifest,
    /// The matrix of applied updates.
    pub update: Manifest,
}

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Iteration(IterationLine),
    Curve(CurveLine),
}

/// The means of an iteration's last update, and of the episodes that ended in its rollout.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct IterationLine {
    update: u64,
    frames: u64,
    episodes: usize,
    episode_return: Option<f64>,
    episode_length: Option<f64>,
    policy_loss: f64,
    value_loss: f64,
    entropy: f64,
    approx_kl: f64,
    clip_fraction: f64,
    gradient_norm: f64,
    learning_rate: f64,
}

/// Successes at one point of the curves.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct CurveLine {
    update: u64,
    frames: u64,
    levels: u64,
    successes: BTreeMap<String, u64>,
    p_cheese: f64,
    p_corner: f64,
}

/// Trains from scratch as `config` says, into `run`.
///
/// # Errors
/// Settings out of range, files that cannot be written, numbers that are no longer finite, or the
/// user's interruption.
pub fn train(config: &Config, run: &RunDir, progress: &mut dyn Progress) -> Result<Trained, Error> {
    let mut session = Session::new(config, run)?;
    let mut trainer = Trainer::new(config.settings(), config.seed)?;
    progress.begin("training", config.ppo.total_updates);
    let outcome = session.train(&mut trainer, progress);
    let sealed = session.seal();
    outcome?;
    sealed
}

struct Session<'a> {
    config: &'a Config,
    run: &'a RunDir,
    tasks: Tasks,
    metrics: Lines,
    total: Stream,
    update: Stream,
    curve_frames: Vec<u64>,
    measurements: Vec<Measurement>,
    returns: Vec<(u64, f64)>,
    episodes: (f64, f64),
    note: String,
}

impl<'a> Session<'a> {
    fn new(config: &'a Config, run: &'a RunDir) -> Result<Self, Error> {
        let env = &config.env;
        let tasks = Tasks::new(
            Split::Curve,
            (env.world, env.region, env.timeout),
            env.actions,
            config.record.curve_levels,
        )?;
        let network = Network::new(config.net.shape(env), 1).map_err(crate::ppo::Error::from)?;
        run_dir::ensure_directory(&run.checkpoints())?;
        let stream = |name| Stream::new(config, &run.gradients().join(name), &network.layout);
        Ok(Self {
            tasks,
            metrics: Lines::create(&run.metrics())?,
            total: stream("total")?,
            update: stream("update")?,
            config,
            run,
            curve_frames: Vec::new(),
            measurements: Vec::new(),
            returns: Vec::new(),
            episodes: (0.0, 0.0),
            note: String::new(),
        })
    }

    fn train(&mut self, trainer: &mut Trainer, progress: &mut dyn Progress) -> Result<(), Error> {
        let total = self.config.ppo.total_updates;
        let mut frames = 0;
        loop {
            let updates = trainer.updates();
            let is_interrupted = progress.is_interrupted();
            if is_interrupted || is_due(updates, self.config.record.checkpoints, total) {
                let path = checkpoint_path(&self.run.checkpoints(), updates);
                let layout = &trainer.network().layout;
                save_checkpoint(&path, layout, trainer.params(), (updates, frames))?;
            }
            if is_interrupted {
                let path = self.run.path().display().to_string();
                return Err(Error::Interrupted { updates, path });
            }
            if is_due(updates, self.config.record.curve_points, total) {
                self.measure(trainer, frames)?;
            }
            let Some(update) = trainer.advance()? else {
                return Ok(());
            };
            frames = update.frames;
            let (total, applied) = rayon::join(
                || self.total.add(update.gradient, &update),
                || self.update.add(update.applied, &update),
            );
            total.and(applied)?;
            if update.ends_iteration {
                self.end_iteration(&update)?;
            }
            progress.advance(update.index + 1, &self.note);
        }
    }

    fn end_iteration(&mut self, update: &Update<'_>) -> Result<(), Error> {
        let count = update.episodes.len();
        let sum: f64 = update
            .episodes
            .iter()
            .map(|e| f64::from(e.episode_return))
            .sum();
        let length: f64 = update.episodes.iter().map(|e| f64::from(e.length)).sum();
        let mean = |sum: f64| (count > 0).then(|| sum / count as f64);
        self.episodes.0 += sum;
        self.episodes.1 += count as f64;
        self.metrics.push(&Line::Iteration(IterationLine {
            update: update.index,
            frames: update.frames,
            episodes: count,
            episode_return: mean(sum),
            episode_length: mean(length),
            policy_loss: update.loss.policy,
            value_loss: update.loss.value,
            entropy: update.loss.entropy,
            approx_kl: update.loss.divergence,
            clip_fraction: update.loss.clipped,
            gradient_norm: update.norm,
            learning_rate: update.learning_rate,
        }))?;
        self.note = self.describe(mean(sum), update.frames);
        Ok(())
    }

    fn describe(&self, episode_return: Option<f64>, frames: u64) -> String {
        let mut note = format!("{:.2} M frames", frames as f64 / 1e6);
        if let Some(value) = episode_return {
            note += &format!(", return {value:.2}");
        }
        if let Some(last) = self.measurements.last() {
            for rate in [Rate::S1, Rate::S2, Rate::S3, Rate::S5] {
                note += &format!(", {} {:.2}", rate.name(), last.rate(rate));
            }
        }
        note
    }

    fn measure(&mut self, trainer: &Trainer, frames: u64) -> Result<(), Error> {
        let measured = self
            .tasks
            .measure(trainer.network(), trainer.params(), self.config.seed);
        let successes = Rate::ALL.map(|rate| (rate.name().to_owned(), measured.count(rate).0));
        self.metrics.push(&Line::Curve(CurveLine {
            update: trainer.updates(),
            frames,
            levels: self.config.record.curve_levels as u64,
            successes: successes.into(),
            p_cheese: measured.p_cheese,
            p_corner: measured.p_corner,
        }))?;
        self.metrics.sync()?;
        if self.episodes.1 > 0.0 {
            self.returns
                .push((frames, self.episodes.0 / self.episodes.1));
            self.episodes = (0.0, 0.0);
        }
        self.curve_frames.push(frames);
        self.measurements.push(measured);
        Ok(())
    }

    fn seal(mut self) -> Result<Trained, Error> {
        self.metrics.sync()?;
        Ok(Trained {
            curves: curves(self.curve_frames, &self.measurements, self.returns),
            total: self.total.seal()?,
            update: self.update.seal()?,
        })
    }
}

/// One recorded stream: rows that sum a number of updates.
struct Stream {
    recorder: Recorder,
    every: u64,
    total_updates: u64,
    sum: Vec<f32>,
    meta: RowMeta,
    summed: u64,
}

impl Stream {
    fn new(config: &Config, dir: &Path, layout: &Layout) -> Result<Self, Error> {
        let rows = config.time_len() as usize;
        let recorder = Recorder::create(dir, layout, rows, config.record.shard_mb << 20)?;
        Ok(Self {
            recorder,
            every: config.record.every.updates(&config.ppo),
            total_updates: config.ppo.total_updates,
            sum: vec![0.0; layout.len()],
            meta: RowMeta::default(),
            summed: 0,
        })
    }

    fn add(&mut self, values: &[f32], update: &Update<'_>) -> Result<(), Error> {
        if self.summed == 0 {
            self.sum.copy_from_slice(values);
            self.meta.first_update = update.index;
            self.meta.clip_factor = 0.0;
            self.meta.advantage_std = 0.0;
        } else {
            self.sum
                .iter_mut()
                .zip(values)
                .for_each(|(sum, &x)| *sum += x);
        }
        self.summed += 1;
        // Means over the updates of a row; the running form is exact for one.
        let weight = 1.0 / self.summed as f64;
        self.meta.clip_factor += (update.clip_factor - self.meta.clip_factor) * weight;
        self.meta.advantage_std += (update.advantage_std - self.meta.advantage_std) * weight;
        if self.summed < self.every && update.index + 1 < self.total_updates {
            return Ok(());
        }
        self.meta.last_update = update.index;
        self.meta.frames = update.frames;
        self.meta.learning_rate = update.learning_rate;
        self.meta.minibatch = if self.summed == 1 {
            update.minibatch.into()
        } else {
            0
        };
        self.summed = 0;
        Ok(self.recorder.push(&self.sum, self.meta)?)
    }

    fn seal(self) -> Result<Manifest, Error> {
        Ok(self.recorder.seal()?)
    }
}

/// Whether update `updates` of `total` is on a grid of `points` steps, both ends included.
fn is_due(updates: u64, points: u64, total: u64) -> bool {
    let points = points.min(total);
    let before =
        |updates: u64| (u128::from(updates) * u128::from(points) / u128::from(total)) as u64;
    updates == 0 || before(updates) > before(updates - 1)
}

/// Where the checkpoint after `updates` updates is.
pub fn checkpoint_path(dir: &Path, updates: u64) -> PathBuf {
    dir.join(format!("{updates:09}.safetensors"))
}

fn save_checkpoint(
    path: &Path,
    layout: &Layout,
    params: &[f32],
    (updates, frames): (u64, u64),
) -> Result<(), Error> {
    let tensors: Vec<tensors::Tensor<'_>> = layout
        .tensors
        .iter()
        .map(|tensor| tensors::Tensor {
            name: &tensor.name,
            shape: &tensor.shape,
            values: &params[tensor.range()],
        })
        .collect();
    let metadata = [
        ("updates", updates.to_string()),
        ("frames", frames.to_string()),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
    Ok(tensors::save(path, &tensors, &metadata)?)
}

/// The parameters of a checkpoint, flat, in the order of `layout`.
///
/// # Errors
/// A file that is not a checkpoint of this network.
pub fn load_checkpoint(path: &Path, layout: &Layout) -> Result<Vec<f32>, Error> {
    let expected: Vec<(String, Vec<usize>)> = layout
        .tensors
        .iter()
        .map(|t| (t.name.clone(), t.shape.clone()))
        .collect();
    Ok(tensors::load(path, &expected)?.tensors.concat())
}

/// The checkpoints of a run: updates made, in order, and the file.
///
/// # Errors
/// A directory that cannot be listed.
pub fn checkpoints(dir: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    let files = run_dir::files_ending(dir, ".safetensors")?;
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse().ok();
    let mut found: Vec<(u64, PathBuf)> = files
        .into_iter()
        .filter_map(|path| Some((number(&path)?, path)))
        .collect();
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_both_ends_and_as_many_points_as_asked() {
        for (points, total) in [(4, 10), (7, 100), (100, 60), (1, 5)] {
            let due: Vec<u64> = (0..=total).filter(|&u| is_due(u, points, total)).collect();
            assert_eq!(
                due.len() as u64,
                points.min(total) + 1,
                "{points} of {total}: {due:?}"
            );
            assert_eq!((due[0], *due.last().unwrap()), (0, total));
        }
    }
}
