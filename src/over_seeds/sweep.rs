//! The region's side swept: training repeated with the cheese in regions of several sides, and each policy put into
//! mazes whose cheese lies anywhere (Langosco et al. 2022, figure 2).
//!
//! ```text
//! <dir>/region-3-seed-20/      one training, and in it swept.json: what its checkpoints do
//! <dir>/sweep.json             all that are done
//! ```
//! A training is a job of its own: several processes may work in one directory, on one machine or on many that see it.
//! Who holds a job holds its lock; jobs that others hold are passed over.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::ablate::{MazeLevels, Split};
use crate::experiment::checkpoint::{checkpoints, load_numbered};
use crate::experiment::config::{Every, RecordSettings};
use crate::experiment::stages::{Invocation, train_only};
use crate::experiment::{Config, Error, Progress, Resolved};
use crate::findings::{Sweep, Swept, SweptPoint};
use crate::maze::Variant;
use crate::nn::{Network, Policy};
use crate::ppo::schedule::Stage;
use crate::storage::manifest::write_json;
use crate::storage::{self, RunDir, run_dir};

use super::kept::{directory, kept, remembered, same_settings};

/// One training of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// Side of the region.
    pub region: u8,
    /// The seed.
    pub seed: u64,
}

impl Job {
    fn name(self) -> String {
        format!("region-{}-seed-{}", self.region, self.seed)
    }

    /// The settings of this job: those of `base`, with the cheese in this region from the first level to the last, and
    /// next to nothing recorded. What the situations of `base` measure along the way keeps its own region.
    fn of(self, base: &Resolved) -> Resolved {
        let mut config = Config {
            seed: self.seed,
            ..base.config.clone()
        };
        config.env.schedule = vec![Stage {
            from: 0.0,
            region: self.region,
            min_maze_dim: config.env.min_maze_dim,
        }];
        let record = &config.record;
        config.record = RecordSettings {
            every: Every::Updates(config.ppo.total_updates.div_ceil(2)),
            streams_every: 0,
            checkpoints: record.curve_points,
            curve_points: 2,
            curve_levels: 8,
            shard_mb: record.shard_mb,
        };
        base.with_config(config)
    }
}

/// What became of the jobs.
#[derive(Debug)]
pub struct Outcome {
    /// All trainings in the directory that are done, whoever did them.
    pub sweep: Sweep,
    /// Jobs that other processes hold.
    pub held: Vec<Job>,
}

/// Trains and measures every one of `jobs` that is not done and that nobody else is at, in `dir`. At first and after
/// each, all that are done there are collected, written, and shown to `tell`.
///
/// # Errors
/// Settings or regions that cannot be, trainings in `dir` with other settings, or a directory of something else: before anything is
/// trained. Then what training or a file refuses, and the user's interruption: what was finished before stays.
pub fn sweep(
    base: &Resolved,
    invocation: &Invocation,
    dir: &Path,
    jobs: &[Job],
    every: Duration,
    (progress, tell): (&mut dyn Progress, Tell<'_>),
) -> Result<Outcome, Error> {
    for job in jobs {
        job.of(base).config.check()?;
    }
    run_dir::ensure_directory(dir)?;
    look_over(base, dir)?;
    let mut held = Vec::new();
    let mut sweep = put_together(base, dir, tell)?;
    for &job in jobs {
        let of_job = job.of(base);
        if found(dir, job, &of_job)?.is_some() {
            continue;
        }
        let done = directory(&of_job, dir, &job.name()).and_then(|run| {
            remembered(&run, FILE, &of_job, |run| {
                train(job, &of_job, invocation, run, every, progress)
            })
        });
        match done {
            Ok(_) => sweep = put_together(base, dir, tell)?,
            Err(Error::Storage(storage::Error::Locked { .. })) => held.push(job),
            Err(error) => return Err(error),
        }
    }
    Ok(Outcome { sweep, held })
}

/// Is shown what is done so far.
pub type Tell<'a> = &'a mut dyn FnMut(&Sweep) -> Result<(), storage::Error>;

/// What a training's checkpoints do.
const FILE: &str = "swept.json";
/// Everything in a sweep's directory that is no job's.
const FILES: [&str; 4] = ["sweep.json", "sweep.csv", "report.html", ".lock"];
/// How long another process may take to write these.
const PATIENCE: Duration = Duration::from_secs(60);

fn train(
    job: Job,
    of_job: &Resolved,
    invocation: &Invocation,
    run: &RunDir,
    every: Duration,
    progress: &mut dyn Progress,
) -> Result<Swept, Error> {
    let trained = train_only(of_job, invocation, run, every, progress)?;
    let points = measure(&of_job.config, run, progress)?;
    Ok(Swept {
        region: job.region,
        seed: job.seed,
        anywhere_share: of_job.config.env.anywhere_share(),
        seconds: trained.seconds,
        points,
    })
}

/// Refuses a directory of something else, and trainings in it that are damaged or were begun with other settings.
fn look_over(base: &Resolved, dir: &Path) -> Result<(), Error> {
    for path in run_dir::files_ending(dir, "")? {
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        match job_of(&name) {
            Some(job) => {
                let of_job = job.of(base);
                same_settings(&of_job, &RunDir::look(&path)?)?;
                found(dir, job, &of_job)?;
            }
            None if FILES.contains(&&*name) || run_dir::is_aside(&path) => {}
            None => {
                let path = dir.to_owned();
                return Err(storage::Error::Occupied { path }.into());
            }
        }
    }
    Ok(())
}

/// What a job left, if it is done.
fn found(dir: &Path, job: Job, of_job: &Resolved) -> Result<Option<Swept>, Error> {
    let path = dir.join(job.name()).join(FILE);
    let swept: Option<Swept> = kept(&path, of_job)?;
    match &swept {
        Some(swept) if (swept.region, swept.seed) != (job.region, job.seed) => {
            let expected = format!("region {} and seed {}", job.region, job.seed);
            let found = format!("{} and {}", swept.region, swept.seed);
            Err(storage::Error::malformed(&path, expected, found).into())
        }
        _ => Ok(swept),
    }
}

/// Collects and writes, one process at a time: none puts an older list over a newer one.
fn put_together(base: &Resolved, dir: &Path, tell: Tell<'_>) -> Result<Sweep, Error> {
    let begun = Instant::now();
    let _locked = loop {
        match RunDir::open(dir) {
            Err(storage::Error::Locked { .. }) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            locked => break locked?,
        }
    };
    let sweep = collect(base, dir)?;
    write_json(&dir.join("sweep.json"), &sweep)?;
    tell(&sweep)?;
    Ok(sweep)
}

/// All trainings in `dir` that are done with the settings of `base`.
fn collect(base: &Resolved, dir: &Path) -> Result<Sweep, Error> {
    let names = run_dir::files_ending(dir, "")?.into_iter();
    let mut jobs: Vec<Job> = names
        .filter_map(|path| job_of(path.file_name()?.to_str()?))
        .collect();
    jobs.sort_unstable();
    let runs = jobs.into_iter().map(|job| found(dir, job, &job.of(base)));
    let runs: Result<Vec<Option<Swept>>, Error> = runs.collect();
    Ok(Sweep {
        preset: base.preset.clone(),
        config: base.config.to_toml(),
        config_sha256: base.sha256(),
        version: env!("CARGO_PKG_VERSION").into(),
        levels: LEVELS,
        runs: runs?.into_iter().flatten().collect(),
    })
}

/// The job whose directory has this name.
fn job_of(name: &str) -> Option<Job> {
    let (region, seed) = name.strip_prefix("region-")?.split_once("-seed-")?;
    let job = Job {
        region: region.parse().ok()?,
        seed: seed.parse().ok()?,
    };
    (job.name() == name).then_some(job)
}

/// What every checkpoint of a run does where the cheese is in the region of its training and where it is anywhere.
fn measure(
    config: &Config,
    run: &RunDir,
    progress: &mut dyn Progress,
) -> Result<Vec<SweptPoint>, Error> {
    let env = &config.env;
    let region = env.schedule.last().map_or(env.region, |stage| stage.region);
    let network = Network::new(config.net.shape(env), BATCH).map_err(crate::ppo::Error::from)?;
    let levels = |variant| {
        let (place, count) = ((env.world, env.timeout), LEVELS);
        MazeLevels::new(Split::Test, place, variant, 1, env.actions, count)
    };
    let on = levels(Variant::Corner { region })?;
    let off = levels(Variant::Anywhere)?;
    let files: Vec<(u64, PathBuf)> = checkpoints(&run.checkpoints())?;
    progress.begin("levels with the cheese anywhere", files.len() as u64);
    let mut points = Vec::with_capacity(files.len());
    for file in &files {
        progress.stop_if_interrupted("levels with the cheese anywhere")?;
        let params = load_numbered(file, &network.layout)?;
        let policy = Policy::new(&network, &params);
        points.push(SweptPoint {
            updates: file.0,
            frames: config.ppo.frames(file.0),
            on: on.measure(policy)?,
            off: off.measure(policy)?,
        });
        progress.advance(points.len() as u64, "");
    }
    Ok(points)
}

/// States at once.
const BATCH: usize = 64;
/// Levels behind each rate.
const LEVELS: usize = 512;
