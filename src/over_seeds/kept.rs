//! What a stage of a study found is kept beside its run, and not found again.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::experiment::stages::{Invocation, begin};
use crate::experiment::{Error, Resolved};
use crate::findings::sound::{Sound, sound};
use crate::nn::Network;
use crate::storage::manifest::{read_json, write_json};
use crate::storage::{self, RunDir};

/// A run directory of its own inside the study's, begun or gone on with.
pub fn inside<T>(
    resolved: &Resolved,
    invocation: &Invocation,
    run: &RunDir,
    name: &str,
    job: impl FnOnce(&RunDir) -> Result<T, Error>,
) -> Result<T, Error> {
    let path = run.path().join(name);
    let inner = if storage::exists(&path)? {
        RunDir::resume(&path)?
    } else {
        RunDir::create(&path)?
    };
    if !storage::exists(&inner.config())? {
        begin(resolved, invocation, &inner)?;
    } else if storage::read_text(&inner.config())? != resolved.to_toml() {
        return Err(storage::Error::malformed(
            &inner.config(),
            "the settings of the study it lies in",
            "others",
        )
        .into());
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
    if storage::exists(&path)? {
        // Its shape may be that of another analysis: that is known only then.
        let kept: Kept<serde_json::Value> = read_json(&path, STAGE)?;
        if kept.analysis == ANALYSIS && kept.config_sha256 == resolved.sha256() {
            let found = read_json::<Kept<T>>(&path, STAGE)?.found;
            let shape = resolved.config.net.shape(&resolved.config.env);
            let network = Network::new(shape, 1).map_err(crate::ppo::Error::from)?;
            sound(&path, &found, &network.layout)?;
            return Ok(found);
        }
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
