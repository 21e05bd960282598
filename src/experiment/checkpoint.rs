//! Checkpoints of a run: `checkpoints/<updates>.safetensors`, the parameters tensor by tensor.
//!
//! Metadata: `gouda`: "checkpoint version 2", `updates`, `frames`, and the `crc32` of
//! [`tensors`]. A file that has neither `gouda` nor `crc32` is read too:
//! another program's, or version 1, which had only updates and frames.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::nn::Layout;
use crate::storage::{self, run_dir, tensors};

use crate::experiment::Error;

/// The key of what a file is.
const KIND: &str = "gouda";
/// What this program writes and reads.
const VERSION: &str = "checkpoint version 2";

/// Where the checkpoint after `updates` updates is.
pub fn checkpoint_path(dir: &Path, updates: u64) -> PathBuf {
    dir.join(format!("{updates:09}.safetensors"))
}

/// Writes the checkpoint after so many updates and frames.
///
/// # Errors
/// The system's.
pub fn save_checkpoint(
    path: &Path,
    layout: &Layout,
    params: &[f32],
    (updates, frames): (u64, u64),
) -> Result<(), Error> {
    let tensors: Vec<tensors::Tensor<'_>> = layout
        .tensors
        .iter()
        .map(|tensor| tensors::Tensor {
            name: &tensor.name,
            shape: &tensor.shape,
            values: &params[tensor.range()],
        })
        .collect();
    let metadata = [
        (KIND, VERSION.to_owned()),
        ("updates", updates.to_string()),
        ("frames", frames.to_string()),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
    Ok(tensors::save(path, &tensors, &metadata)?)
}

/// The parameters of a checkpoint, flat, in the order of `layout`.
///
/// # Errors
/// A file that is damaged, of another version, or not a checkpoint of this network, or holds what is not
/// finite.
pub fn load_checkpoint(path: &Path, layout: &Layout) -> Result<Vec<f32>, Error> {
    load(path, layout, None)
}

/// The same of a file that is named by the number of updates, which it must have too where it says any.
///
/// # Errors
/// As for [`load_checkpoint`]; a checkpoint under another's name.
pub fn load_numbered((updates, path): &(u64, PathBuf), layout: &Layout) -> Result<Vec<f32>, Error> {
    load(path, layout, Some(*updates))
}

fn load(path: &Path, layout: &Layout, updates: Option<u64>) -> Result<Vec<f32>, Error> {
    let expected: Vec<(String, Vec<usize>)> = layout
        .tensors
        .iter()
        .map(|t| (t.name.clone(), t.shape.clone()))
        .collect();
    let file = tensors::load(path, &expected)?;
    if let Some((expected, found)) = contradiction(&file.metadata) {
        return Err(storage::Error::malformed(path, expected, found).into());
    }
    if let (Some(wanted), Some(said)) = (updates, file.metadata.get("updates"))
        && *said != wanted.to_string()
    {
        let expected = format!("updates {wanted}, as its name says");
        return Err(storage::Error::malformed(path, expected, said).into());
    }
    let params = file.tensors.concat();
    match layout.first_not_finite(&params) {
        None => Ok(params),
        Some((place, value)) => Err(Error::NotFinite {
            place: format!("{}: {place}", path.display()),
            found: value.into(),
        }),
    }
}

/// What is wrong with metadata that is not another program's: where one of the entries that make it
/// ours is there, all must be.
fn contradiction(metadata: &BTreeMap<String, String>) -> Option<(String, String)> {
    let ours = [KIND, tensors::CHECKSUM];
    if !ours.iter().any(|&key| metadata.contains_key(key)) {
        return None;
    }
    let keys = ours.into_iter().chain(["updates", "frames"]);
    if let Some(key) = keys.into_iter().find(|&key| !metadata.contains_key(key)) {
        let found: Vec<&str> = metadata.keys().map(String::as_str).collect();
        return Some((
            format!("an entry {key}"),
            format!("only {}", found.join(", ")),
        ));
    }
    let found = &metadata[KIND];
    (found != VERSION).then(|| (format!("a {VERSION}"), found.clone()))
}

/// Share of training and parameters of every checkpoint of a run that made `total` updates, theta_0
/// first and theta_T last.
///
/// # Errors
/// One of these two is missing, a file beyond them, or one that is not a checkpoint of this network or
/// not the one that its name says.
pub fn load_all(dir: &Path, layout: &Layout, total: u64) -> Result<Vec<(f64, Vec<f32>)>, Error> {
    let found = checkpoints(dir)?;
    for (wanted, end) in [(0, found.first()), (total, found.last())] {
        if end.is_none_or(|(updates, _)| *updates != wanted) {
            let path = checkpoint_path(dir, wanted);
            let expected = "the checkpoint after so many updates";
            let found = end.map_or("no checkpoint".into(), |(updates, _)| {
                format!("{updates} at that end")
            });
            return Err(crate::storage::Error::malformed(&path, expected, found).into());
        }
    }
    let one = |file: &(u64, PathBuf)| {
        let params = load_numbered(file, layout)?;
        Ok((file.0 as f64 / total as f64, params))
    };
    found.iter().map(one).collect()
}

/// The checkpoints of a run: updates made, in order, and the file.
///
/// # Errors
/// A directory that cannot be listed.
pub fn checkpoints(dir: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    let files = run_dir::files_ending(dir, ".safetensors")?;
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse().ok();
    let mut found: Vec<(u64, PathBuf)> = files
        .into_iter()
        .filter_map(|path| Some((number(&path)?, path)))
        .collect();
    found.sort();
    Ok(found)
}
