//! A study's seeds as jobs: any number of processes at work in one directory, on one machine or on many that see it.
//!
//! Who is at a seed holds the lock of its directory, and other processes pass it over; the study's own lock is held
//! while its settings are written, and while what was found is put together. A job that was killed goes on when it is begun again.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::experiment::stages::{Invocation, begin};
use crate::experiment::{Error, Progress, Resolved};
use crate::findings::{Findings, Study};
use crate::storage::manifest::write_json;
use crate::storage::{self, RunDir};

use super::kept::{kept, same_settings};
use super::{FINDINGS, name, one, planted, summary, without_seeds};

/// How long another process may take to begin a study.
const PATIENCE: Duration = Duration::from_secs(60);

/// What other processes were at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// These seeds.
    pub seeds: Vec<u64>,
    /// The policies whose parameters are known.
    pub planted: bool,
}

/// Begins a study in `dir` with these settings, if no other process has.
///
/// # Errors
/// A directory of something else, or of a study with other settings; files that cannot be written; another process that has locked it and
/// does not begin.
pub fn join(resolved: &Resolved, invocation: &Invocation, dir: &Path) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        let error = match RunDir::create(dir) {
            Ok(run) => return begin(resolved, invocation, &run),
            Err(error) => error,
        };
        // Another process may have come first, at any moment.
        let run = RunDir::look(dir)?;
        if storage::exists(&run.config())? {
            return same_settings(resolved, &run);
        }
        match error {
            storage::Error::Locked { .. } if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            error => return Err(error.into()),
        }
    }
}

/// Carries out `seeds` of the study in `dir`, and then what is asked of policies whose parameters are known, of all this what is not done and
/// nobody else is at.
///
/// # Errors
/// Those of [`study`](super::study); what was finished before stays.
pub fn jobs(
    resolved: &Resolved,
    invocation: &Invocation,
    dir: &Path,
    seeds: &[u64],
    every: Duration,
    progress: &mut dyn Progress,
) -> Result<Held, Error> {
    let mut held = Held::default();
    for &seed in seeds {
        if !is_free(one(resolved, invocation, dir, seed, every, progress))? {
            held.seeds.push(seed);
        }
    }
    held.planted = !is_free(planted::calibrate(resolved, invocation, dir, progress))?;
    Ok(held)
}

/// Whether nobody else was at it.
fn is_free<T>(done: Result<T, Error>) -> Result<bool, Error> {
    match done {
        Ok(_) => Ok(true),
        Err(Error::Storage(storage::Error::Locked { .. })) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Puts together what the jobs of a study found, as [`study`](super::study) does with its own.
///
/// # Errors
/// Seeds that are not done, by their numbers; files that cannot be read or written.
pub fn collect(
    resolved: &Resolved,
    invocation: &Invocation,
    run: &RunDir,
    progress: &mut dyn Progress,
) -> Result<Study, Error> {
    let (mut found, mut missing): (Vec<Findings>, Vec<String>) = Default::default();
    for seed in resolved.config.study.all_seeds() {
        let path = run.path().join(name(seed)).join(FINDINGS);
        match kept(&path, &resolved.with_seed(seed))? {
            Some(one) => found.push(one),
            None => missing.push(seed.to_string()),
        }
    }
    if !missing.is_empty() {
        let expected = format!("{FINDINGS} of {} seeds", found.len() + missing.len());
        let found = format!("none of {}", missing.join(", "));
        return Err(storage::Error::malformed(run.path(), expected, found).into());
    }
    let calibration = planted::calibrate(resolved, invocation, run.path(), progress)?;
    let mut study = without_seeds(resolved, run, calibration)?;
    study.summary = summary::summarise(&found, &resolved.config);
    study.seeds = found;
    write_json(&run.path().join("study.json"), &study)?;
    Ok(study)
}
