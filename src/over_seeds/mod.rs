//! The study: the protocol carried out on confirmation seeds, resumable, to one table.
//!
//! ```text
//! <dir>/config.toml, command.txt      settings and command lines
//! <dir>/seed-2/ ...                   one run a seed, and in it frozen.json and findings.json
//! <dir>/planted/                      calibration.json: where the answer is known
//! <dir>/study.json                    everything that RESULTS.md and the report show
//! ```
//! A seed whose `findings.json` is there is not done again; one that was killed in training goes on
//! from its last point, one that was killed later does its minute of analysis again. Seeds are also jobs ([`jobs`]), for as many
//! processes as there are.

pub mod composed;
mod families;
pub mod jobs;
mod kept;
pub mod over;
pub mod planted;
pub mod question;
mod ranking;
pub mod summary;
pub mod sweep;
mod time;

use std::path::Path;
use std::time::Duration;

use crate::findings::{Calibration, Findings, Study};
use crate::nn::Network;
use crate::storage::manifest::write_json;
use crate::storage::{self, RunDir};

pub use kept::ANALYSIS;

use kept::{inside, remembered};

use crate::experiment::stages::{Invocation, begin};
use crate::experiment::{Error, Progress, Resolved};
use crate::protocol::extent::Extent;
use crate::protocol::seed::one_seed;

/// Carries the study out in `run`, or goes on with it.
///
/// # Errors
/// What any stage refuses; what was finished before stays.
pub fn study(
    resolved: &Resolved,
    invocation: &Invocation,
    run: &RunDir,
    every: Duration,
    progress: &mut dyn Progress,
) -> Result<Study, Error> {
    begin(resolved, invocation, run)?;
    let calibration = planted::calibrate(resolved, invocation, run.path(), progress)?;
    let mut study = without_seeds(resolved, run, calibration)?;
    for seed in resolved.config.study.all_seeds() {
        let found = one(resolved, invocation, run.path(), seed, every, progress)?;
        study.seeds.push(found);
        // After every seed, so that `gouda report` shows how far it is.
        study.summary = summary::summarise(&study.seeds, &resolved.config);
        write_json(&run.path().join("study.json"), &study)?;
    }
    Ok(study)
}

/// What is known of one seed, found or read.
fn one(
    resolved: &Resolved,
    invocation: &Invocation,
    dir: &Path,
    seed: u64,
    every: Duration,
    progress: &mut dyn Progress,
) -> Result<Findings, Error> {
    let of_seed = resolved.with_seed(seed);
    let mut progress = Prefixed {
        prefix: format!("seed {seed}: "),
        inner: progress,
    };
    inside(&of_seed, invocation, dir, &name(seed), |inner| {
        remembered(inner, FINDINGS, &of_seed, |inner| {
            let extent = Extent::full(&of_seed.config);
            let access = invocation.access;
            let progress = &mut progress;
            let one = one_seed(&of_seed, inner, access, every, &extent, progress)?;
            Ok(one.found)
        })
    })
}

/// What a seed found.
const FINDINGS: &str = "findings.json";

/// The directory of a seed.
fn name(seed: u64) -> String {
    format!("seed-{seed}")
}

/// A study of which no seed is done.
fn without_seeds(
    resolved: &Resolved,
    run: &RunDir,
    calibration: Calibration,
) -> Result<Study, Error> {
    let command = storage::read_text(&run.command())?;
    let network = Network::new(resolved.config.net.shape(&resolved.config.env), 1)
        .map_err(crate::ppo::Error::from)?;
    Ok(Study {
        preset: resolved.preset.clone(),
        config: resolved.config.to_toml(),
        config_sha256: resolved.sha256(),
        command: command.lines().next().unwrap_or_default().into(),
        version: env!("CARGO_PKG_VERSION").into(),
        note: String::new(),
        layout: network.layout,
        test_levels: resolved.config.ablate.test_levels,
        anywhere_share: resolved.config.env.anywhere_share(),
        summary: summary::summarise(&[], &resolved.config),
        calibration,
        seeds: Vec::new(),
    })
}

/// Says of which seed a stage is.
struct Prefixed<'a> {
    prefix: String,
    inner: &'a mut dyn Progress,
}

impl Progress for Prefixed<'_> {
    fn begin(&mut self, stage: &str, steps: u64) {
        self.inner.begin(&format!("{}{stage}", self.prefix), steps);
    }

    fn advance(&mut self, done: u64, note: &str) {
        self.inner.advance(done, note);
    }

    fn pass_over(&mut self, done: u64) {
        self.inner.pass_over(done);
    }

    fn is_interrupted(&self) -> bool {
        self.inner.is_interrupted()
    }
}
