//! The study: the protocol carried out on confirmation seeds, resumable, to one table.
//!
//! ```text
//! <dir>/config.toml, command.txt      settings and command lines
//! <dir>/seed-2/ ...                   one run a seed, and in it frozen.json and findings.json
//! <dir>/planted/                      the policy with known parameters, and calibration.json
//! <dir>/study.json                    everything that RESULTS.md and the report show
//! ```
//! A seed whose `findings.json` is there is not done again; one that was killed in training goes on
//! from its last point, one that was killed later does its minute of analysis again.

pub mod bench;
pub mod claims;
pub mod currency;
pub mod edits;
pub mod planted;
pub mod seed;
pub mod summary;
pub mod temporal;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::nn::Layout;
use crate::storage::manifest::{read_json, write_json};
use crate::storage::{self, RunDir};

use super::reproduce::{Invocation, begin};
use super::{Error, Progress, Resolved};
use planted::Calibration;
use seed::Findings;
use summary::Summary;

/// Everything that RESULTS.md and the report show.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Study {
    /// Name of the preset.
    pub preset: String,
    /// All settings as TOML.
    pub config: String,
    /// SHA-256 of `config`.
    pub config_sha256: String,
    /// The command line that began it.
    pub command: String,
    /// Version of this program.
    pub version: String,
    /// Names and places of the parameters.
    pub layout: Layout,
    /// Share of training levels whose cheese may be anywhere.
    pub anywhere_share: f64,
    /// What locators find where the answer is known.
    pub calibration: Calibration,
    /// One a seed.
    pub seeds: Vec<Findings>,
    /// Over the seeds.
    pub summary: Summary,
}

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
    let settings = &resolved.config.study;
    let calibration = planted::calibrate(resolved, invocation, run, every, progress)?;
    let mut seeds = Vec::new();
    for seed in settings.first_seed..settings.first_seed + settings.seeds {
        let name = format!("seed-{seed}");
        progress.name(&name);
        let of_seed = resolved.with_seed(seed);
        seeds.push(inside(&of_seed, invocation, run, &name, |inner| {
            remembered(&inner, "findings.json", &of_seed, |inner| {
                let mut progress = Named(&name, &mut *progress);
                seed::findings(&of_seed, inner, every, &mut progress)
            })
        })?);
    }
    let command = storage::read_text(&run.command())?;
    let network = crate::nn::Network::new(resolved.config.net.shape(&resolved.config.env), 1)
        .map_err(crate::ppo::Error::from)?;
    let study = Study {
        preset: resolved.preset.clone(),
        config: resolved.config.to_toml(),
        config_sha256: resolved.sha256(),
        command: command.lines().next().unwrap_or_default().into(),
        version: env!("CARGO_PKG_VERSION").into(),
        layout: network.layout,
        anywhere_share: resolved.config.env.anywhere_share(),
        summary: summary::summarise(&seeds, &resolved.config),
        calibration,
        seeds,
    };
    write_json(&run.path().join("study.json"), &study)?;
    Ok(study)
}
