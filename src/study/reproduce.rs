//! The main job: train, record, decompose, locate, ablate, and gather the results.

use std::path::PathBuf;
use std::time::Duration;

use crate::nn::Network;
use crate::numeric::statistics;
use crate::ppo::trainer;
use crate::storage::manifest::write_json;
use crate::storage::{self, Access, RunDir, RunManifest, atomic, run_dir};

use super::ablation;
use super::candidates::{TrainedPolicy, displacement};
use super::circuits::{self, Circuits, Extent};
use super::results::{Curves, Results, RunSummary};
use super::streams;
use super::train::{self, Trained};
use super::{Error, Progress, Resolved, checkpoint, decompose, mazes};

/// Who runs what, for the record.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The command line.
    pub command: Vec<String>,
    /// Worker threads.
    pub threads: usize,
    /// How what was recorded is read.
    pub access: Access,
}

/// Begins a run: its settings and command line, on disk before anything is computed. One that was
/// begun before keeps its settings, which must be these, and is given another command line.
///
/// # Errors
/// Files that cannot be written.
pub fn begin(resolved: &Resolved, invocation: &Invocation, run: &RunDir) -> Result<(), Error> {
    let mut command = invocation.command.join(" ") + "\n";
    if storage::exists(&run.command())? {
        command = storage::read_text(&run.command())? + &command;
    }
    if !storage::exists(&run.config())? {
        atomic::write(&run.config(), resolved.to_toml().as_bytes())?;
    }
    Ok(atomic::write(&run.command(), command.as_bytes())?)
}

/// Whether the manifest of `run`, its commit point, is there and names `output`.
///
/// # Errors
/// A manifest that cannot be read.
pub fn is_finished(run: &RunDir, output: &str) -> Result<bool, Error> {
    if !storage::exists(&run.manifest())? {
        return Ok(false);
    }
    Ok(RunManifest::load(&run.manifest())?
        .outputs
        .contains_key(output))
}

/// Trains and seals the run with its manifest, if that is not done; what `gouda train` does. Points
/// to resume from are put down `every` so often.
///
/// # Errors
/// What any stage refuses.
pub fn train_only(
    resolved: &Resolved,
    invocation: &Invocation,
    run: &RunDir,
    every: Duration,
    progress: &mut dyn Progress,
) -> Result<Trained, Error> {
    if is_finished(run, "curves.json")? {
        return train::train(&resolved.config, run, every, progress);
    }
    begin(resolved, invocation, run)?;
    let trained = train::train(&resolved.config, run, every, progress)?;
    finish(resolved, invocation, run, &[])?;
    Ok(trained)
}

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

    let network = Network::new(config.net.shape(&config.env), trainer::RUN)
        .map_err(crate::ppo::Error::from)?;
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
    let circuits = circuits::of_policy(config, policy.policy(), extent, &[], progress)?;
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

/// Takes anew the checksum of an output that was written again into the manifest of `run`, where
/// there is one.
///
/// # Errors
/// Files that cannot be read or written.
pub fn reseal(run: &RunDir, outputs: &[&str]) -> Result<(), Error> {
    if !storage::exists(&run.manifest())? {
        return Ok(());
    }
    let mut manifest = RunManifest::load(&run.manifest())?;
    let before = manifest.clone();
    for output in outputs {
        manifest.add_output(run.path(), output)?;
    }
    if manifest != before {
        manifest.save(&run.manifest())?;
    }
    Ok(())
}

/// Writes the run's manifest, the commit point, over what training leaves and the named files.
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
    let always = ["config.toml", "metrics.jsonl", "curves.json"];
    for output in always.iter().chain(outputs) {
        manifest.add_output(run.path(), output)?;
    }
    for stream in streams::names(&resolved.config) {
        let path = format!("gradients/{stream}/manifest.json");
        manifest.add_output(run.path(), &path)?;
    }
    let checkpoints = checkpoint::checkpoints(&run.checkpoints())?;
    let mut files: Vec<PathBuf> = checkpoints.into_iter().map(|(_, path)| path).collect();
    for columns in decompose::COLUMNS {
        let folder = run.svd().join(columns);
        if storage::exists(&folder)? {
            files.extend(run_dir::files_ending(&folder, "")?);
        }
    }
    for path in files {
        let inside = path.strip_prefix(run.path()).unwrap_or(&path);
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        manifest.add_output(run.path(), &parts.join("/"))?;
    }
    Ok(manifest.save(&run.manifest())?)
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
