//! The main job: the protocol on one seed in brief, the circuits of its policy, and pictures.

use std::time::Duration;

use super::extent::Extent;
use super::mazes;
use super::seed::{OneSeed, one_seed};
use super::tracing::{self, trace_policy};
use crate::experiment::stages::{Invocation, begin};
use crate::experiment::{Error, Progress, Resolved};
use crate::findings::tracing::Circuits;
use crate::findings::{Results, RunSummary};
use crate::storage::RunDir;
use crate::storage::manifest::write_json;

/// Runs everything and writes `circuits.json` and `results.json`; the report is made from what it
/// returns.
///
/// # Errors
/// What any stage refuses.
pub fn reproduce(
    resolved: &Resolved,
    invocation: &Invocation,
    run: &RunDir,
    every: Duration,
    progress: &mut dyn Progress,
) -> Result<(Results, Circuits), Error> {
    let config = &resolved.config;
    begin(resolved, invocation, run)?;
    let extent = Extent::brief(config);
    let access = invocation.access;
    let mut one = one_seed(resolved, run, access, every, &extent, progress)?;
    let policy = one.history.policy();
    let edits = one.best.iter_mut().filter_map(Option::take);
    let edits: Vec<(String, Vec<f32>)> = edits.collect();
    let mazes = mazes::figures(config, policy.policy(), &edits)?;
    let extent = tracing::Extent::brief(config);
    let circuits = trace_policy(config, policy.policy(), extent, &[], progress)?;
    let results = Results {
        run: summary(resolved, invocation, &one),
        decompositions: one.decompositions,
        found: one.found,
        doses: one.doses,
        mazes,
        loss_change: one.loss_change,
    };
    write_json(&run.circuits(), &circuits)?;
    write_json(&run.path().join("results.json"), &results)?;
    Ok((results, circuits))
}

fn summary(resolved: &Resolved, invocation: &Invocation, one: &OneSeed) -> RunSummary {
    let config = &resolved.config;
    let policy = one.history.policy();
    RunSummary {
        preset: resolved.preset.clone(),
        seed: config.seed,
        config_sha256: resolved.sha256(),
        config: config.to_toml(),
        command: invocation.command.join(" "),
        version: env!("CARGO_PKG_VERSION").into(),
        layout: policy.network.layout.clone(),
        frames: one.found.curves.frames.last().copied().unwrap_or(0),
        updates: config.ppo.total_updates,
        time_len: one.trained.total.shape.0,
        gradient_checksum: one.found.gradient_checksum.clone(),
        train_seconds: one.trained.seconds,
        displacement: policy.displacement(),
        world: config.env.world,
        region: config.env.region,
        anywhere_share: config.env.anywhere_share(),
        selection_levels: config.ablate.selection_levels,
        test_levels: config.ablate.test_levels,
    }
}
