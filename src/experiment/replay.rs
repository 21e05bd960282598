//! Whether a run is what it says: its files against the checksums of its manifests, and a stretch
//! of its training again, from theta_0 and from the point half-way, against what was recorded.
//!
//! What is compared, in the order in which one follows from another: the episodes of a rollout (the
//! run's `metrics.jsonl`), the spread of its advantages, the minibatches, the rows of
//! `gradients/total`, those of `gradients/update`, those of the streams apart, parameters (where
//! there is a checkpoint), losses.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::gradients::{GradientMatrix, Matrix, Reading, RowMeta, Sketch};
use crate::nn::Layout;
use crate::ppo::{Trainer, Update};
use crate::storage::{self, Access, RunDir, RunManifest, lines};
use crate::svd;

use crate::experiment::checkpoint::{checkpoint_path, checkpoints, load_checkpoint, load_numbered};
use crate::experiment::metrics::{IterationLine, Line};
use crate::experiment::resume::{self, Point};
use crate::experiment::rows::{self, RowSum};
use crate::experiment::{Config, Error, Progress, streams};

/// How far to replay.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// So many updates.
    Updates(u64),
    /// Whole iterations until so much time has passed, one at least.
    Time(Duration),
}

/// What a check found.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was checked.
    pub check: Cow<'static, str>,
    /// Whether all is as recorded.
    pub ok: bool,
    /// How much was compared, or what differs.
    pub detail: String,
}

/// Checks the run in `run`, whose settings are `config`.
///
/// # Errors
/// Files without which nothing can be compared. What is there and wrong is a failed check.
pub fn check(
    config: &Config,
    run: &RunDir,
    access: Access,
    limit: Limit,
    progress: &mut dyn Progress,
) -> Result<Vec<Check>, Error> {
    let mut checks = vec![files(run)];
    let mut streams = Vec::new();
    let trainer = Trainer::new(config.settings(), config.seed)?;
    let param_len = trainer.params().len();
    for name in streams::names(config) {
        // One that was interrupted has fewer rows, and curves when it is done.
        let matrix = if storage::exists(&run.curves())? {
            streams::open(config, run, access, (name, param_len))?
        } else {
            Matrix::recorded(&run.gradients().join(name), access)?
        };
        checks.push(Check {
            check: format!("gradients/{name}").into(),
            ..whole(&matrix)
        });
        streams.push(matrix);
    }
    checks.push(parameters(run, &trainer.network().layout));
    let latest = resume::latest(run);
    if storage::exists(&latest)? {
        let point = Point::load(&latest, config, param_len);
        let detail = point.as_ref().map_or(0, |point| point.trainer.updates);
        checks.push(Check {
            check: "point to go on from".into(),
            ..outcome(point.map(|_| ()), format!("after {detail} updates"))
        });
    }
    let start = RowSum::new(config, param_len);
    let mut replay = Replay::new(config, run, &streams, (start.clone(), start))?;
    let failed = |error: Error| match error {
        Error::Stopped { .. } => Err(error),
        error => Ok(outcome(Err(error), String::new())),
    };
    checks.push(Check {
        check: "replay from theta_0".into(),
        ..replay.run(trainer, limit, progress).or_else(failed)?
    });
    let path = resume::middle(run);
    if storage::exists(&path)? {
        let replayed = Point::load(&path, config, param_len).and_then(|point| {
            let sums = [point.total, point.update].map(|sum| RowSum::from_partial(config, sum));
            let trainer = resume::trainer(&path, config, point.trainer)?;
            let [total, update] = sums;
            let mut replay = Replay::new(config, run, &streams, (total, update))?;
            replay.row = point.recorded.total_rows;
            replay.part_row = point.recorded.part_rows;
            replay.run(trainer, limit, progress)
        });
        checks.push(Check {
            check: "replay from half-way".into(),
            ..replayed.or_else(failed)?
        });
    }
    Ok(checks)
}

fn outcome(found: Result<(), impl ToString>, detail: String) -> Check {
    Check {
        check: "".into(),
        ok: found.is_ok(),
        detail: found.map_or_else(|error| error.to_string(), |()| detail),
    }
}

/// Holds the folder of a stream, on its own, to its checksums.
///
/// # Errors
/// It cannot be opened.
pub fn stream(dir: &Path, access: Access) -> Result<Check, Error> {
    let matrix = Matrix::open_as(dir, Reading::by(access))?;
    Ok(Check {
        check: "stream".into(),
        ..whole(&matrix)
    })
}

/// Holds what `gouda svd` left in a folder to its checksums.
pub fn decomposition(dir: &Path) -> Check {
    let loaded = svd::output::load(dir);
    let rank = loaded.as_ref().map_or(0, |found| found.rank);
    Check {
        check: "decomposition".into(),
        ..outcome(loaded.map(|_| ()), format!("{rank} triplets"))
    }
}

/// A stream and its sketch against their checksums.
fn whole(matrix: &Matrix) -> Check {
    let sum = matrix.manifest().map_or(0, |manifest| manifest.checksum);
    let rows = matrix.rows().map_or(0, |rows| rows.len());
    let verified = matrix.verify().and_then(|()| Sketch::of(matrix));
    outcome(
        verified.map(|_| ()),
        format!("{rows} rows, checksum {sum:08x}"),
    )
}

/// Every checkpoint against its own checksum: the manifest names them only at the end.
fn parameters(run: &RunDir, layout: &Layout) -> Check {
    let all = checkpoints(&run.checkpoints());
    let len = all.as_ref().map_or(0, Vec::len);
    let loaded = all.and_then(|all| {
        all.iter()
            .try_for_each(|file| load_numbered(file, layout).map(|_| ()))
    });
    Check {
        check: "checkpoints".into(),
        ..outcome(loaded, format!("{len} files"))
    }
}

/// The files that the run's manifest names.
fn files(run: &RunDir) -> Check {
    let verified = RunManifest::load(&run.manifest()).and_then(|manifest| {
        manifest.verify(run.path())?;
        Ok(format!("{} files", manifest.outputs.len()))
    });
    let (ok, detail) = match verified {
        Ok(detail) => (true, detail),
        // Interrupted: what was recorded can be checked all the same.
        Err(_) if !storage::exists(&run.manifest()).unwrap_or(true) => {
            (true, "no manifest: not finished".into())
        }
        Err(error) => (false, error.to_string()),
    };
    Check {
        check: "files".into(),
        ok,
        detail,
    }
}

/// Training again beside what was recorded.
struct Replay<'a> {
    run: &'a RunDir,
    config: &'a Config,
    /// `total`, `update`, then the parts, if any.
    streams: &'a [Matrix],
    lines: BTreeMap<u64, IterationLine>,
    sums: (RowSum, RowSum),
    row: usize,
    part_row: usize,
    recorded: Vec<f32>,
}

impl<'a> Replay<'a> {
    fn new(
        config: &'a Config,
        run: &'a RunDir,
        streams: &'a [Matrix],
        sums: (RowSum, RowSum),
    ) -> Result<Self, Error> {
        let per_iteration = config.ppo.updates_per_iteration();
        let lines = lines::read(&run.metrics())?.into_iter();
        let lines = lines.filter_map(|line| match line {
            Line::Iteration(line) => Some((line.update / per_iteration, line)),
            Line::Curve(_) => None,
        });
        Ok(Self {
            recorded: vec![0.0; sums.0.partial.sum.len()],
            lines: lines.collect(),
            row: 0,
            part_row: 0,
            run,
            config,
            streams,
            sums,
        })
    }

    fn run(
        &mut self,
        mut trainer: Trainer,
        limit: Limit,
        progress: &mut dyn Progress,
    ) -> Result<Check, Error> {
        let (first, first_row, begun) = (trainer.updates(), self.row, Instant::now());
        let left = self.config.ppo.total_updates - first;
        let (most, time) = match limit {
            Limit::Updates(updates) => (updates.min(left), None),
            Limit::Time(time) => (left, Some(time)),
        };
        progress.begin("replay", most);
        let mut done = 0;
        while done < most && self.row < self.streams[0].rows().map_or(0, |rows| rows.len()) {
            if time.is_some_and(|time| {
                done > 0 && trainer.is_between_iterations() && begun.elapsed() >= time
            }) {
                break;
            }
            progress.stop_if_interrupted("the replay")?;
            let update = match streams::in_parts(self.config, trainer.updates()) {
                true => trainer.advance_in_parts()?,
                false => trainer.advance()?,
            };
            let Some(update) = update else {
                break;
            };
            done += 1;
            let (index, ends_iteration) = (update.index, update.ends_iteration);
            let line = self
                .lines
                .get(&(index / self.config.ppo.updates_per_iteration()));
            let line = line.cloned();
            let mut differs = line.as_ref().and_then(|line| rollout(line, &update));
            differs = match differs {
                None => self.rows(&update)?,
                found => found,
            };
            differs = match differs {
                None => self.parts(&update)?,
                found => found,
            };
            let losses = line.filter(|line| ends_iteration && *line != IterationLine::of(&update));
            differs = match differs {
                None => self.parameters(&trainer)?,
                found => found,
            };
            let differs = differs.or(losses.map(|_| "losses (metrics.jsonl)".into()));
            if let Some(what) = differs {
                let detail = format!("update {index}: the first to differ is {what}");
                return Ok(outcome(Err(detail), String::new()));
            }
            progress.advance(done, "");
        }
        let rows = self.row - first_row;
        let detail = format!("updates {first} to {}, {rows} rows", first + done);
        Ok(outcome(Ok::<(), Error>(()), detail))
    }

    /// The first thing that differs in the rows that `update` ends.
    fn rows(&mut self, update: &Update<'_>) -> Result<Option<String>, Error> {
        let total = self.sums.0.add(update.gradient, update);
        let applied = self.sums.1.add(update.applied, update);
        let (Some((total, meta)), Some((applied, _))) = (total, applied) else {
            return Ok(None);
        };
        let recorded = self.streams[0].rows().and_then(|rows| rows.get(self.row));
        let row = self.row;
        self.row += 1;
        if let Some(what) = recorded.and_then(|recorded| of_meta(&recorded, &meta)) {
            return Ok(Some(format!("{what} (row {row})")));
        }
        for (name, matrix, values) in [
            ("gradients", &self.streams[0], total),
            ("updates", &self.streams[1], applied),
        ] {
            let differs = of_row(matrix, row, values, &mut self.recorded)?;
            if let Some(what) = differs {
                return Ok(Some(format!("{name} ({what})")));
            }
        }
        Ok(None)
    }

    /// The first thing that differs in the parts of `update`, where it has some.
    fn parts(&mut self, update: &Update<'_>) -> Result<Option<String>, Error> {
        let Some(parts) = update.parts else {
            return Ok(None);
        };
        let row = self.part_row;
        self.part_row += 1;
        for (matrix, values) in self.streams[2..].iter().zip(parts) {
            let recorded = matrix.rows().and_then(|rows| rows.get(row));
            let meta = rows::alone(update);
            let differs = match recorded.map(|recorded| of_meta(&recorded, &meta)) {
                None => Some(format!("row {row} is missing")),
                Some(Some(what)) => Some(format!("{what}, row {row}")),
                Some(None) => of_row(matrix, row, values, &mut self.recorded)?,
            };
            if let Some(what) = differs {
                return Ok(Some(format!("the parts of the gradient ({what})")));
            }
        }
        Ok(None)
    }

    /// The parameters against the checkpoint after so many updates, where there is one.
    fn parameters(&self, trainer: &Trainer) -> Result<Option<String>, Error> {
        let path = checkpoint_path(&self.run.checkpoints(), trainer.updates());
        if !storage::exists(&path)? {
            return Ok(None);
        }
        let recorded = load_checkpoint(&path, &trainer.network().layout)?;
        let mut pairs = recorded.iter().zip(trainer.params());
        let differ = pairs.any(|(a, b)| a.to_bits() != b.to_bits());
        Ok(differ.then(|| format!("parameters ({})", path.display())))
    }
}

fn rollout(line: &IterationLine, update: &Update<'_>) -> Option<String> {
    let found = IterationLine::of(update);
    let episodes = |line: &IterationLine| (line.episodes, line.episode_return, line.episode_length);
    (episodes(line) != episodes(&found)).then(|| "the rollout (episodes in metrics.jsonl)".into())
}

/// Where row `row` of a stream is not `values`; `recorded` is room for the row.
fn of_row(
    matrix: &Matrix,
    row: usize,
    values: &[f32],
    recorded: &mut [f32],
) -> Result<Option<String>, Error> {
    matrix.read_block(row..row + 1, 0..matrix.param_len(), recorded)?;
    let mut pairs = recorded.iter().zip(values);
    let at = pairs.position(|(a, b)| a.to_bits() != b.to_bits());
    Ok(at.map(|at| {
        let folder = matrix.manifest().map_or("", |manifest| &manifest.stream);
        let (expected, found) = (recorded[at], values[at]);
        format!(
            "gradients/{folder}, row {row}, parameter {at}: recorded {expected:e}, found {found:e}"
        )
    }))
}

fn of_meta(recorded: &RowMeta, found: &RowMeta) -> Option<&'static str> {
    if recorded.advantage_std.to_bits() != found.advantage_std.to_bits() {
        return Some("the advantages (advantage_std)");
    }
    let place = |meta: &RowMeta| (meta.first_update, meta.last_update, meta.minibatch);
    (place(recorded) != place(found)).then_some("the minibatch")
}
