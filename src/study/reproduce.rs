//! The main job: train, record, decompose, locate, ablate, and gather the results.

use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::nn::Network;
use crate::numeric::statistics;
use crate::numeric::sum::norm;
use crate::ppo::trainer;
use crate::storage::manifest::write_json;
use crate::storage::{RunDir, RunManifest, atomic};

use super::ablation;
use super::candidates::Policy;
use super::results::{Curves, Results, RunSummary};
use super::train::{self, Trained};
use super::{Error, Progress, Resolved, decompose, mazes};

/// Who runs what, for the record.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The command line.
    pub command: Vec<String>,
    /// Worker threads.
    pub threads: usize,
}

/// Begins a run: its settings and command line, on disk before anything is computed.
///
/// # Errors
/// Files that cannot be written.
pub fn begin(resolved: &Resolved, invocation: &Invocation, run: &RunDir) -> Result<(), Error> {
    atomic::write(&run.config(), resolved.config.to_toml().as_bytes())?;
    let command = invocation.command.join(" ") + "\n";
    Ok(atomic::write(&run.command(), command.as_bytes())?)
}

/// Trains and seals the run with its manifest; what `gouda train` does.
///
/// # Errors
/// What any stage refuses.
pub fn train_only(
    resolved: &Resolved,
    invocation: &Invocation,
    run: &RunDir,
    progress: &mut dyn Progress,
) -> Result<Trained, Error> {
    begin(resolved, invocation, run)?;
    let trained = train::train(&resolved.config, run, progress)?;
    write_json(&run.path().join("curves.json"), &trained.curves)?;
    finish(resolved, invocation, run, &["curves.json"])?;
    Ok(trained)
}

/// Runs everything and writes `results.json`; the report is made from what it returns.
///
/// # Errors
/// What any stage refuses.
pub fn reproduce(
    resolved: &Resolved,
    invocation: &Invocation,
    run: &RunDir,
    progress: &mut dyn Progress,
) -> Result<Results, Error> {
    let config = &resolved.config;
    begin(resolved, invocation, run)?;
    let start = Instant::now();
    let trained = train::train(config, run, progress)?;
    let train_seconds = start.elapsed().as_secs_f64();
    write_json(&run.path().join("curves.json"), &trained.curves)?;

    let network = Network::new(config.net.shape(&config.env), trainer::RUN)
        .map_err(crate::ppo::Error::from)?;
    let total = config.ppo.total_updates as f64;
    let mut checkpoints = Vec::new();
    for (updates, path) in train::checkpoints(&run.checkpoints())? {
        checkpoints.push((
            updates as f64 / total,
            train::load_checkpoint(&path, &network.layout)?,
        ));
    }
    let (theta_0, theta) = (
        checkpoints[0].1.clone(),
        checkpoints[checkpoints.len() - 1].1.clone(),
    );

    let (decomposed, mut decompositions): (Vec<_>, Vec<_>) =
        decompose::decompose(config, run, &checkpoints, progress)?
            .into_iter()
            .unzip();
    let policy = Policy {
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
    let mazes = mazes::figures(config, &network, &theta, &edits)?;
    let moved: Vec<f32> = theta.iter().zip(&theta_0).map(|(&t, &o)| t - o).collect();
    let run_summary = summary(
        resolved,
        invocation,
        &trained,
        &network,
        (norm(&moved), train_seconds),
    );
    let results = Results {
        run: run_summary,
        curves: trained.curves,
        decompositions,
        ablation: outcome.ablation,
        mazes,
    };
    write_json(&run.path().join("results.json"), &results)?;
    Ok(results)
}

/// Writes the run's manifest, the commit point, over the named files.
///
/// # Errors
/// Files that cannot be read or written.
pub fn finish(
    resolved: &Resolved,
    invocation: &Invocation,
    run: &RunDir,
    outputs: &[&str],
) -> Result<(), Error> {
    let mut manifest = RunManifest::new(
        resolved.config.seed,
        invocation.threads,
        invocation.command.clone(),
    );
    let always = [
        "config.toml",
        "metrics.jsonl",
        "gradients/total/manifest.json",
        "gradients/update/manifest.json",
    ];
    for output in always.iter().chain(outputs) {
        manifest.add_output(run.path(), output)?;
    }
    Ok(manifest.save(&run.manifest())?)
}

fn summary(
    resolved: &Resolved,
    invocation: &Invocation,
    trained: &Trained,
    network: &Network,
    (displacement, train_seconds): (f64, f64),
) -> RunSummary {
    let config = resolved.config.to_toml();
    let hash = Sha256::digest(config.as_bytes());
    let Curves { frames, .. } = &trained.curves;
    RunSummary {
        preset: resolved.preset.clone(),
        seed: resolved.config.seed,
        config_sha256: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        config,
        command: invocation.command.join(" "),
        version: env!("CARGO_PKG_VERSION").into(),
        layout: network.layout.clone(),
        frames: frames.last().copied().unwrap_or(0),
        updates: resolved.config.ppo.total_updates,
        time_len: trained.total.shape.0,
        gradient_checksum: format!("{:08x}", trained.total.checksum),
        train_seconds,
        displacement,
        world: resolved.config.env.world,
        region: resolved.config.env.region,
    }
}
