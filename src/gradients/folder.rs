//! A folder without a manifest as a matrix: pieces of it side by side, or one step in each file.

use std::path::Path;

use super::manifest::Manifest;
use super::opened::Opened;
use super::reading::Reading;
use super::series::{self, Numbers};
use super::source::{Axes, Source};
use super::{Error, mistaken, stack, steps};
use crate::storage::dask_info::{self, DaskInfo};
use crate::storage::{self, run_dir};

/// Opens the files of the folder `path`: all that are `.npy`, or all that are `.safetensors`.
///
/// # Errors
/// A file is missing, does not belong there or is not what it should be; there are none, or of both kinds;
/// it cannot be told how they lie.
pub(super) fn open(path: &Path, reading: Reading) -> Result<Opened, Error> {
    let mut files = run_dir::files_ending(path, ".npy")?;
    let mut tensors = run_dir::files_ending(path, ".safetensors")?;
    match (files.is_empty(), tensors.is_empty()) {
        (true, true) => return Err(mistaken::empty(path)?),
        (false, false) => {
            let expected = "files of one kind";
            return Err(storage::Error::malformed(path, expected, ".npy and .safetensors").into());
        }
        (true, false) => {
            series::sort(&mut tensors)?;
            series::check(path, &tensors, Numbers::Even)?;
            only_by_steps(reading)?;
            let (sources, layout) = steps::of_tensors(&tensors, reading.access)?;
            return Ok(Opened {
                sources,
                layout: Some(layout),
                stack_axis: None,
            });
        }
        (false, true) => {}
    }
    let is_shard = |file: &Path| {
        let name = file.file_name().unwrap_or_default();
        name.as_encoded_bytes().starts_with(b"shard-")
    };
    if files.iter().any(|file| is_shard(file)) {
        // A recording that was not sealed, or lost its manifest: how its shards lie is not known.
        Manifest::load(path)?;
    }
    let info = path.join(dask_info::FILE);
    if storage::exists(&info)? {
        let info = DaskInfo::load(&info)?;
        return stack::of_dask(path, &info, &files, reading);
    }
    series::sort(&mut files)?;
    let access = reading.access.of_files(files.len());
    let sources = files
        .iter()
        .map(|file| Source::open(file, access, Axes::OneOrTwo))
        .collect::<Result<Vec<Source>, Error>>()?;
    if sources.iter().any(|source| source.is_vector) {
        only_by_steps(reading)?;
        series::check(path, &files, Numbers::Even)?;
        return Ok(Opened::of(steps::of_vectors(sources)?));
    }
    stack::of_files(path, &files, sources, reading)
}

/// Refuses axes that are told of files that have none to choose.
fn only_by_steps(reading: Reading) -> Result<(), Error> {
    let told = [Some(reading.time_axis), reading.stack_axis];
    match told.into_iter().flatten().find(|axis| *axis != 0) {
        None => Ok(()),
        Some(axis) => {
            let expected = "0 in a folder of one vector a step";
            Err(Error::shape("axis", expected, axis))
        }
    }
}
