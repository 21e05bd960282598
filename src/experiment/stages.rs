//! How a run begins and how it is sealed.

use std::path::PathBuf;
use std::time::Duration;

use crate::locators::Columns;
use crate::storage::{self, Access, RunDir, RunManifest, atomic, run_dir};

use super::train::{self, Trained};
use super::{Error, Progress, Resolved, checkpoint, streams};

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
    for columns in Columns::ALL {
        let folder = run.svd().join(columns.name());
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
