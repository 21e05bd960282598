//! What people give in the place of a matrix, and what they meant.

use std::path::{Path, PathBuf};

use super::Error;
use super::manifest;
use crate::storage::{self, run_dir};

/// Refuses one safetensors file: it is a step, and the matrix is the folder of all.
///
/// # Errors
/// It is one.
pub(super) fn refuse_step(path: &Path) -> Result<(), Error> {
    if path.extension().is_none_or(|end| end != "safetensors") {
        return Ok(());
    }
    let expected = "a .npy file, or the folder of all steps";
    Err(storage::Error::malformed(path, expected, "the tensors of one step").into())
}

/// Refuses the directory of a run, and names its streams.
///
/// # Errors
/// It is one; the system's.
pub(super) fn refuse_run(path: &Path) -> Result<(), Error> {
    let gradients = path.join("gradients");
    if !storage::exists(&gradients)? || !storage::is_directory(&gradients)? {
        return Ok(());
    }
    Err(instead(
        path,
        "the directory of a run",
        &streams(&gradients)?,
    ))
}

/// What is wrong with a folder that has no part of a matrix in it.
///
/// # Errors
/// The system's.
pub(super) fn empty(path: &Path) -> Result<Error, Error> {
    if storage::exists(&path.join("rows.jsonl.part"))? {
        let expected = "a recording that came to its end";
        let found = "one that is being made, or was stopped: the run goes on with --resume";
        return Ok(storage::Error::malformed(path, expected, found).into());
    }
    let streams = streams(path)?;
    if !streams.is_empty() {
        return Ok(instead(path, "a folder of streams", &streams));
    }
    let expected = "manifest.json, or .npy or .safetensors files";
    Ok(storage::Error::malformed(path, expected, "none of them").into())
}

fn instead(path: &Path, found: &str, streams: &[PathBuf]) -> Error {
    let found = match streams {
        [] => format!("{found}, in which no stream of gradients came to its end"),
        _ => found.to_owned(),
    };
    let names: Vec<String> = streams.iter().map(|s| s.display().to_string()).collect();
    let expected = match names.split_first() {
        None => "one matrix".into(),
        Some((first, [])) => format!("one matrix: {first}"),
        Some((first, others)) => format!("one matrix: {first}, or {}", others.join(", ")),
    };
    storage::Error::malformed(path, expected, found).into()
}

/// The recorded streams in a folder, `total` first.
fn streams(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for folder in run_dir::directories(path)? {
        if storage::exists(&folder.join(manifest::FILE))? {
            found.push(folder);
        }
    }
    found.sort_by_key(|folder| !folder.ends_with("total"));
    Ok(found)
}
