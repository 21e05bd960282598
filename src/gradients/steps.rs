//! One step a file: vectors as `.npy`, or the tensors of a step as `.safetensors`, one after the other in the
//! order of their places in the file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use super::source::{Run, Source};
use crate::nn::layout::Layout;
use crate::storage::tensor_header::{self, HEADER_MAX, LENGTH_BYTES, Place};
use crate::storage::{self, Access, Sealed};

/// Puts vectors below each other.
///
/// # Errors
/// One is no vector, or of another length than the first.
pub(super) fn of_vectors(sources: Vec<Source>) -> Result<Vec<Source>, Error> {
    let Some(first) = sources.first() else {
        return Ok(sources);
    };
    let is_like = |source: &&Source| source.is_vector && source.columns == first.columns;
    if let Some(other) = sources.iter().find(|source| !is_like(source)) {
        let name = first.file.path().file_name().unwrap_or_default();
        let shape = |source: &Source| match source.is_vector {
            true => format!("shape [{}]", source.columns.len()),
            false => format!("shape {:?}", [source.rows.len(), source.columns.len()]),
        };
        let expected = format!("{}, as {} has", shape(first), name.to_string_lossy());
        return Err(storage::Error::malformed(other.file.path(), expected, shape(other)).into());
    }
    Ok(below(sources))
}

fn below(sources: Vec<Source>) -> Vec<Source> {
    let steps = sources.into_iter().enumerate();
    steps.map(|(step, source)| source.at(step, 0)).collect()
}

/// Opens safetensors files, of a step each, in this order, and tells what the parameters are.
///
/// # Errors
/// One is no safetensors file, has a tensor that is no float, or not the names and shapes of the first.
pub(super) fn of_tensors(
    files: &[PathBuf],
    access: Access,
) -> Result<(Vec<Source>, Layout), Error> {
    let access = access.of_files(files.len());
    let mut sources = Vec::with_capacity(files.len());
    // The header of the file before, and what it says.
    let mut before: Option<(Vec<u8>, Arc<[Run]>)> = None;
    let mut first: Option<Vec<Place>> = None;
    for path in files {
        let file = Sealed::open(path, access)?;
        let header = header(&file)?;
        let data_offset = LENGTH_BYTES + header.len();
        let is_same = before.as_ref().is_some_and(|(known, _)| *known == header);
        let places = if is_same && file_bytes(&before, data_offset) == Some(file.len()) {
            None
        } else {
            Some(tensor_header::parse(path, &header, file.len() as u64)?)
        };
        if let Some(places) = places {
            match &first {
                Some(first) => same(path, first, &places, &files[0])?,
                None => first = Some(places.clone()),
            }
            before = Some((header, runs(&places, data_offset).into()));
        }
        if let Some((_, runs)) = &before {
            sources.push(Source::row(file, data_offset, runs));
        }
    }
    let tensors = first.into_iter().flatten();
    let layout = Layout::new(tensors.map(|place| (place.name, place.shape)).collect());
    Ok((below(sources), layout))
}

/// The header of a file, whose length is held against the file's and a bound first.
fn header(file: &Sealed) -> Result<Vec<u8>, Error> {
    let mut room = Vec::new();
    let first = file.bytes(0, LENGTH_BYTES.min(file.len()), &mut room)?;
    let len = tensor_header::length(file.path(), first, file.len() as u64, HEADER_MAX as u64)?;
    let mut room = Vec::new();
    // Below the bound, and so below any address.
    Ok(file.bytes(LENGTH_BYTES, len as usize, &mut room)?.to_vec())
}

/// How long a file is that has the header of the one before.
fn file_bytes(before: &Option<(Vec<u8>, Arc<[Run]>)>, data_offset: usize) -> Option<usize> {
    let (_, runs) = before.as_ref()?;
    let numbers = runs
        .last()
        .map_or(0, |run| run.at + run.columns.len() * run.dtype.bytes());
    Some(data_offset + numbers)
}

/// Neighbouring tensors of one type together.
fn runs(places: &[Place], data_offset: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut end = 0;
    for place in places {
        let start = end;
        end += place.bytes.len() / place.dtype.bytes();
        match runs.last_mut() {
            Some(last) if last.dtype == place.dtype || start == end => last.columns.end = end,
            _ => runs.push(Run {
                columns: start..end,
                dtype: place.dtype,
                at: place.bytes.start - data_offset,
            }),
        }
    }
    runs
}

/// Refuses tensors of other names or shapes than the first step's, and names the first.
fn same(path: &Path, first: &[Place], own: &[Place], first_path: &Path) -> Result<(), Error> {
    let is_same = |(a, b): &(&Place, &Place)| a.name == b.name && a.shape == b.shape;
    let at = first.iter().zip(own).take_while(is_same).count();
    let told = |place: Option<&Place>| match place {
        Some(place) => format!("tensor {} of shape {:?}", place.name, place.shape),
        None => "no more tensors".into(),
    };
    let (expected, found) = (first.get(at), own.get(at));
    if expected.is_none() && found.is_none() {
        return Ok(());
    }
    let name = first_path.file_name().unwrap_or_default();
    let expected = format!("{}, as {} has", told(expected), name.to_string_lossy());
    Err(storage::Error::malformed(path, expected, told(found)).into())
}
