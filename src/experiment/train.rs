//! The training stage: updates go to the recorders, S1 to S5 to the curves, parameters to
//! checkpoints.
//!
//! Leaves in the run directory: `metrics.jsonl`, `checkpoints/*.safetensors` (named by the number of
//! updates), the [streams] of `gradients/`, points to [resume] from, and last, when all is sealed,
//! `curves.json`. A run that is interrupted, or whose numbers stop being finite, seals what it has
//! first.

use std::time::{Duration, Instant};

use crate::ablate::{Rate, Split, Tasks};
use crate::gradients::Manifest;
use crate::nn::{Layout, Network, Policy};
use crate::ppo::{Trainer, Update};
use crate::storage::manifest::write_json;
use crate::storage::{self, Lines, RunDir, lines, run_dir};

use crate::experiment::checkpoint::{checkpoint_path, checkpoints, save_checkpoint};
use crate::experiment::curves::{CurvePoint, curves};
use crate::experiment::grid::{is_due, middle};
use crate::experiment::metrics::{IterationLine, Line, return_sum};
use crate::experiment::resume::{self, Point, Recorded};
use crate::experiment::streams::{self, Lens, Streams};
use crate::experiment::{Config, Error, Progress};
use crate::findings::Curves;

/// What training left behind.
#[derive(Debug)]
pub struct Trained {
    /// S1 to S5 over training.
    pub curves: Curves,
    /// The matrix of gradients.
    pub total: Manifest,
    /// The matrix of applied updates.
    pub update: Manifest,
    /// Seconds spent in training, those before a resumption included.
    pub seconds: f64,
}

/// Trains as `config` says, into `run`: from scratch, or from the last point to resume from that is
/// there, or not at all where training is done. Points are put down `every` so often, after every
/// iteration if that is zero.
///
/// # Errors
/// Settings out of range, files that cannot be written or are damaged, numbers that are no longer
/// finite, or the user's interruption.
pub fn train(
    config: &Config,
    run: &RunDir,
    every: Duration,
    progress: &mut dyn Progress,
) -> Result<Trained, Error> {
    let network =
        Network::new(config.net.shape(&config.env), 1).map_err(crate::ppo::Error::from)?;
    let layout = &network.layout;
    let point = match resume::latest(run) {
        path if storage::exists(&path)? => Some(Point::load(&path, config, layout.len())?),
        _ => None,
    };
    progress.begin("training", config.ppo.total_updates);
    if storage::exists(&run.curves())? {
        progress.pass_over(config.ppo.total_updates);
        let seconds = point.map_or(0.0, |point| point.recorded.seconds);
        return trained(run, layout, seconds);
    }
    let (mut session, mut trainer) = match point {
        Some(point) => Session::resume(config, run, every, layout, point)?,
        None => Session::begin(config, run, every, layout)?,
    };
    progress.pass_over(trainer.updates());
    let outcome = session.train(&mut trainer, progress);
    let sealed = session.seal();
    outcome?;
    let trained = sealed?;
    write_json(&run.curves(), &trained.curves)?;
    Ok(trained)
}

/// What is left of training that is done.
fn trained(run: &RunDir, layout: &Layout, seconds: f64) -> Result<Trained, Error> {
    let stream = |name| Manifest::load(&run.gradients().join(name));
    let path = run.curves();
    let curves = Curves::load(&path, layout)?;
    Ok(Trained {
        curves,
        total: stream("total")?,
        update: stream("update")?,
        seconds,
    })
}

/// The points of the curves in `metrics.jsonl`.
fn points(config: &Config, run: &RunDir) -> Result<Vec<CurvePoint>, Error> {
    let path = run.metrics();
    let levels = config.record.curve_levels as u64;
    let mut points = Vec::new();
    for (index, line) in lines::read(&path)?.into_iter().enumerate() {
        let Line::Curve(point) = line else { continue };
        if let Some((expected, found)) = point.contradiction(levels) {
            let expected = format!("{expected} in line {}", index + 1);
            return Err(storage::Error::malformed(&path, expected, found).into());
        }
        points.push(point);
    }
    Ok(points)
}

struct Session<'a> {
    config: &'a Config,
    run: &'a RunDir,
    tasks: Tasks,
    metrics: Lines,
    streams: Streams,
    points: Vec<CurvePoint>,
    recorded: Recorded,
    keeping: Keeping,
    note: String,
}

/// When points to resume from are put down.
struct Keeping {
    every: Duration,
    begun: Instant,
    seconds_before: f64,
    /// When the last one was put down, and how long that took.
    last: Option<(Instant, Duration)>,
}

impl Keeping {
    /// At first, then every so often, but for at most one part in twenty of the time.
    fn is_due(&self) -> bool {
        self.last.is_none_or(|(at, took)| {
            self.every.is_zero() || at.elapsed() >= self.every.max(20 * took)
        })
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.begun.elapsed().as_secs_f64()
    }
}

impl<'a> Session<'a> {
    fn begin(
        config: &'a Config,
        run: &'a RunDir,
        every: Duration,
        layout: &Layout,
    ) -> Result<(Self, Trainer), Error> {
        let trainer = Trainer::new(config.settings(), config.seed)?;
        run_dir::ensure_directory(&run.checkpoints())?;
        run_dir::ensure_directory(&run.resume_points())?;
        // The first point is older than the first checkpoint: without it nothing was trained.
        if !checkpoints(&run.checkpoints())?.is_empty() {
            let path = resume::latest(run);
            return Err(storage::Error::malformed(&path, "a point to resume from", "none").into());
        }
        run_dir::remove_directory(&run.gradients())?;
        let streams = Streams::create(config, run, layout)?;
        let metrics = Lines::create(&run.metrics())?;
        for dir in [&run.gradients(), run.path()] {
            run_dir::sync_directory(dir)?;
        }
        let recorded = Recorded::default();
        let session = Self::new(config, run, every, (streams, metrics), recorded, Vec::new())?;
        Ok((session, trainer))
    }

    fn resume(
        config: &'a Config,
        run: &'a RunDir,
        every: Duration,
        layout: &Layout,
        point: Point,
    ) -> Result<(Self, Trainer), Error> {
        let Point {
            trainer,
            recorded,
            total,
            update,
        } = point;
        let trainer = resume::trainer(&resume::latest(run), config, trainer)?;
        // An interruption leaves a checkpoint where an uninterrupted run has none.
        for (updates, path) in checkpoints(&run.checkpoints())? {
            if !is_due(updates, config.record.checkpoints, config.ppo.total_updates) {
                run_dir::remove_file(&path)?;
            }
        }
        let lens = Lens {
            total: recorded.total_rows,
            update: recorded.update_rows,
            parts: recorded.part_rows,
        };
        let streams = Streams::resume(config, run, layout, lens, [total, update])?;
        let metrics = Lines::resume(&run.metrics(), recorded.metrics)?;
        let points = points(config, run)?;
        let session = Self::new(config, run, every, (streams, metrics), recorded, points)?;
        Ok((session, trainer))
    }

    fn new(
        config: &'a Config,
        run: &'a RunDir,
        every: Duration,
        (streams, metrics): (Streams, Lines),
        recorded: Recorded,
        points: Vec<CurvePoint>,
    ) -> Result<Self, Error> {
        let tasks = config.tasks(Split::Curve, config.record.curve_levels)?;
        Ok(Self {
            keeping: Keeping {
                every,
                begun: Instant::now(),
                seconds_before: recorded.seconds,
                last: None,
            },
            tasks,
            metrics,
            streams,
            config,
            run,
            points,
            recorded,
            note: String::new(),
        })
    }

    fn train(&mut self, trainer: &mut Trainer, progress: &mut dyn Progress) -> Result<(), Error> {
        let total = self.config.ppo.total_updates;
        loop {
            let updates = trainer.updates();
            // Before what is due here, which whoever resumes does again.
            if trainer.is_between_iterations() {
                let is_interrupted = updates < total && progress.is_interrupted();
                self.keep(trainer, is_interrupted)?;
                if is_interrupted {
                    self.save_checkpoint(trainer)?;
                    let path = self.run.path().display().to_string();
                    return Err(Error::Interrupted { updates, path });
                }
            }
            if is_due(updates, self.config.record.checkpoints, total) {
                self.save_checkpoint(trainer)?;
            }
            if is_due(updates, self.config.record.curve_points, total) {
                self.measure(trainer)?;
            }
            let update = match streams::in_parts(self.config, updates) {
                true => trainer.advance_in_parts()?,
                false => trainer.advance()?,
            };
            let Some(update) = update else {
                return Ok(());
            };
            self.recorded.frames = update.frames;
            self.streams.add(&update)?;
            if update.ends_iteration {
                self.end_iteration(&update)?;
            }
            progress.advance(update.index + 1, &self.note);
        }
    }

    /// Puts a point to resume from down, where one is due or `at_once`.
    fn keep(&mut self, trainer: &Trainer, at_once: bool) -> Result<(), Error> {
        let ppo = &self.config.ppo;
        let updates = trainer.updates();
        let is_last = updates == ppo.total_updates;
        let is_middle = !is_last && updates == middle(self.config);
        if !(at_once || is_middle || is_last || self.keeping.is_due()) {
            return Ok(());
        }
        let begun = Instant::now();
        let lens = self.streams.sync()?;
        self.recorded.total_rows = lens.total;
        self.recorded.update_rows = lens.update;
        self.recorded.part_rows = lens.parts;
        self.metrics.sync()?;
        self.recorded.metrics = self.metrics.len();
        self.recorded.seconds = self.keeping.seconds();
        let [total, update] = self.streams.partials();
        let point = Point {
            trainer: trainer.state(),
            recorded: self.recorded,
            total,
            update,
        };
        if is_middle {
            point.save(&resume::middle(self.run), self.config)?;
        }
        point.save(&resume::latest(self.run), self.config)?;
        self.keeping.last = Some((Instant::now(), begun.elapsed()));
        Ok(())
    }

    fn end_iteration(&mut self, update: &Update<'_>) -> Result<(), Error> {
        self.recorded.episodes.0 += return_sum(update);
        self.recorded.episodes.1 += update.episodes.len() as f64;
        let line = IterationLine::of(update);
        self.note = self.describe(line.episode_return, update.frames);
        Ok(self.metrics.push(&Line::Iteration(line))?)
    }

    fn describe(&self, episode_return: Option<f64>, frames: u64) -> String {
        // On a terminal of 80 columns the end is cut off.
        let mut note = match episode_return {
            Some(value) => format!("return {value:.2}"),
            None => String::new(),
        };
        if let Some(last) = self.points.last() {
            for rate in [Rate::S5, Rate::Corner, Rate::InUpRight, Rate::InDownLeft] {
                note += &format!(" {} {:.2}", rate.name(), last.mean(rate).value);
            }
        }
        note += &format!(", {:.2} M frames", frames as f64 / 1e6);
        note
    }

    fn measure(&mut self, trainer: &Trainer) -> Result<(), Error> {
        let measured = self
            .tasks
            .measure_exact(Policy::new(trainer.network(), trainer.params()))?;
        let (sum, count) = std::mem::take(&mut self.recorded.episodes);
        let place = (trainer.updates(), self.recorded.frames);
        let point = CurvePoint::new(place, &measured, (count > 0.0).then(|| sum / count));
        self.points.push(point.clone());
        self.metrics.push(&Line::Curve(point))?;
        Ok(self.metrics.sync()?)
    }

    fn save_checkpoint(&self, trainer: &Trainer) -> Result<(), Error> {
        let path = checkpoint_path(&self.run.checkpoints(), trainer.updates());
        let place = (trainer.updates(), self.recorded.frames);
        save_checkpoint(&path, &trainer.network().layout, trainer.params(), place)
    }

    fn seal(mut self) -> Result<Trained, Error> {
        self.metrics.sync()?;
        let [total, update] = self.streams.seal()?;
        Ok(Trained {
            curves: curves(&self.points),
            seconds: self.keeping.seconds(),
            total,
            update,
        })
    }
}
