//! The main job: train, record, decompose, locate, ablate, and gather the results.

use std::time::Duration;

use crate::experiment::stages::{Invocation, begin};
use crate::nn::Network;
use crate::numeric::statistics;
use crate::storage::RunDir;
use crate::storage::manifest::write_json;

use crate::experiment::train::{self, Trained};
use crate::experiment::{Error, Progress, Resolved, checkpoint};
use crate::findings::results::{Curves, Results, RunSummary};
use crate::findings::tracing::Circuits;
use crate::protocol::candidates::{TrainedPolicy, displacement};
use crate::protocol::tracing::{Extent, trace_policy};
use crate::protocol::{ablation, decompose, mazes};

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
    let trained = train::train(config, run, every, progress)?;

    let network = config.network()?;
    let total = config.ppo.total_updates;
    let checkpoints = checkpoint::load_all(&run.checkpoints(), &network.layout, total)?;
    let (theta_0, theta) = (
        checkpoints[0].1.clone(),
        checkpoints[checkpoints.len() - 1].1.clone(),
    );

    let (decomposed, mut decompositions): (Vec<_>, Vec<_>) =
        decompose::decompose(config, run, invocation.access, &checkpoints, progress)?
            .into_iter()
            .unzip();
    let policy = TrainedPolicy {
        network: &network,
        theta: &theta,
        theta_0: &theta_0,
        checkpoints: &checkpoints,
    };
    let outcome = ablation::ablate(config, &policy, &decomposed, progress)?;
    for (summary, effects) in decompositions.iter_mut().zip(&outcome.step_effects) {
        let index: Vec<f64> = summary
            .components
            .iter()
            .map(|c| c.course.temporal_index)
            .take(effects.len())
            .collect();
        summary.index_against_loss = statistics::spearman(&index, effects);
    }
    let edits: Vec<(String, Vec<f32>)> = outcome.best.into_iter().flatten().collect();
    let mazes = mazes::figures(config, policy.policy(), &edits)?;
    let extent = Extent::brief(config);
    let circuits = trace_policy(config, policy.policy(), extent, &[], progress)?;
    let run_summary = summary(
        resolved,
        invocation,
        &trained,
        &network,
        displacement(&policy),
    );
    let results = Results {
        run: run_summary,
        curves: trained.curves,
        decompositions,
        ablation: outcome.ablation,
        mazes,
    };
    write_json(&run.circuits(), &circuits)?;
    write_json(&run.path().join("results.json"), &results)?;
    Ok((results, circuits))
}

fn summary(
    resolved: &Resolved,
    invocation: &Invocation,
    trained: &Trained,
    network: &Network,
    displacement: f64,
) -> RunSummary {
    let config = resolved.config.to_toml();
    let Curves { frames, .. } = &trained.curves;
    RunSummary {
        preset: resolved.preset.clone(),
        seed: resolved.config.seed,
        config_sha256: resolved.sha256(),
        config,
        command: invocation.command.join(" "),
        version: env!("CARGO_PKG_VERSION").into(),
        layout: network.layout.clone(),
        frames: frames.last().copied().unwrap_or(0),
        updates: resolved.config.ppo.total_updates,
        time_len: trained.total.shape.0,
        gradient_checksum: format!("{:08x}", trained.total.checksum),
        train_seconds: trained.seconds,
        displacement,
        world: resolved.config.env.world,
        region: resolved.config.env.region,
        anywhere_share: resolved.config.env.anywhere_share(),
    }
}
