//! What a stage of a study found is kept beside its run, and not found again.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::experiment::stages::{Invocation, begin};
use crate::experiment::{Error, Resolved};
use crate::findings::sound::{Sound, sound};
use crate::nn::Network;
use crate::storage::manifest::{read_json, write_json};
use crate::storage::{self, RunDir, run_dir};

/// A run directory of its own inside `dir`, locked: a new one, or one that was begun with these settings.
pub fn directory(resolved: &Resolved, dir: &Path, name: &str) -> Result<RunDir, Error> {
    let path = dir.join(name);
    // Not asked for first: another process may make it meanwhile.
    run_dir::ensure_directory(&path)?;
    let inner = RunDir::resume(&path)?;
    same_settings(resolved, &inner)?;
    Ok(inner)
}

/// Refuses a run that was begun with other settings.
pub fn same_settings(resolved: &Resolved, run: &RunDir) -> Result<(), Error> {
    let path = run.config();
    if storage::exists(&path)? && storage::read_text(&path)? != resolved.to_toml() {
        let expected = "the settings given now; others need another --out";
        return Err(storage::Error::malformed(&path, expected, "others").into());
    }
    Ok(())
}

/// What `job` makes in a run directory of its own inside `dir`, begun or gone on with.
pub fn inside<T>(
    resolved: &Resolved,
    invocation: &Invocation,
    dir: &Path,
    name: &str,
    job: impl FnOnce(&RunDir) -> Result<T, Error>,
) -> Result<T, Error> {
    let inner = directory(resolved, dir, name)?;
    if !storage::exists(&inner.config())? {
        begin(resolved, invocation, &inner)?;
    }
    job(&inner)
}

/// What `file` of the run holds, or what `job` makes and is put there.
pub fn remembered<T: Serialize + DeserializeOwned + Sound>(
    run: &RunDir,
    file: &str,
    resolved: &Resolved,
    job: impl FnOnce(&RunDir) -> Result<T, Error>,
) -> Result<T, Error> {
    let path = run.path().join(file);
    if let Some(found) = kept(&path, resolved)? {
        return Ok(found);
    }
    let found = job(run)?;
    let kept = Kept {
        analysis: ANALYSIS,
        config_sha256: resolved.sha256(),
        found,
    };
    write_json(&path, &kept)?;
    Ok(kept.found)
}

/// What the file at `path` holds; none where it is not there, or is of another analysis or other settings.
pub fn kept<T: DeserializeOwned + Sound>(
    path: &Path,
    resolved: &Resolved,
) -> Result<Option<T>, Error> {
    if !storage::exists(path)? {
        return Ok(None);
    }
    // Its shape may be that of another analysis: that is known only then.
    let kept: Kept<serde_json::Value> = read_json(path, STAGE)?;
    if kept.analysis != ANALYSIS || kept.config_sha256 != resolved.sha256() {
        return Ok(None);
    }
    let found = read_json::<Kept<T>>(path, STAGE)?.found;
    let shape = resolved.config.net.shape(&resolved.config.env);
    let network = Network::new(shape, 1).map_err(crate::ppo::Error::from)?;
    sound(path, &found, &network.layout)?;
    Ok(Some(found))
}

/// What is expected of a stage's file.
const STAGE: &str = "what a stage of a study found";

/// Counted up with every change of what a stage finds: what an older analysis kept is found anew.
pub const ANALYSIS: u32 = 5;

/// What a stage found, by which analysis and under which settings.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    analysis: u32,
    config_sha256: String,
    found: T,
}
