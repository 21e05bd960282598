//! Checkpoints of a run: `checkpoints/<updates>.safetensors`, the parameters tensor by tensor.

use std::path::{Path, PathBuf};

use crate::nn::Layout;
use crate::storage::{run_dir, tensors};

use super::Error;

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
        ("updates", updates.to_string()),
        ("frames", frames.to_string()),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
    Ok(tensors::save(path, &tensors, &metadata)?)
}

/// The parameters of a checkpoint, flat, in the order of `layout`.
///
/// # Errors
/// A file that is not a checkpoint of this network; a parameter that is not finite.
pub fn load_checkpoint(path: &Path, layout: &Layout) -> Result<Vec<f32>, Error> {
    let expected: Vec<(String, Vec<usize>)> = layout
        .tensors
        .iter()
        .map(|t| (t.name.clone(), t.shape.clone()))
        .collect();
    let params = tensors::load(path, &expected)?.tensors.concat();
    match layout.first_not_finite(&params) {
        None => Ok(params),
        Some((place, value)) => Err(Error::NotFinite {
            place: format!("{}: {place}", path.display()),
            found: value.into(),
        }),
    }
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
