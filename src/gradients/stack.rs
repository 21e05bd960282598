//! Pieces of a matrix that lie side by side along one axis, as `dask.array.to_npy_stack` leaves them: which
//! axis, in which order, and whether all are there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Error;
use super::opened::Opened;
use super::reading::Reading;
use super::series::{self, Numbers};
use super::source::{Axes, Source};
use crate::storage;
use crate::storage::dask_info::{self, DaskInfo};

/// The chunks that `info` tells of.
///
/// # Errors
/// A chunk is missing, has another shape or is one more; the user names another axis than `info`.
pub(super) fn of_dask(
    path: &Path,
    info: &DaskInfo,
    files: &[PathBuf],
    reading: Reading,
) -> Result<Opened, Error> {
    let (axis, place) = (info.axis, path.join(dask_info::FILE));
    if let Some(given) = reading.stack_axis.filter(|given| *given != axis) {
        let (expected, found) = (
            format!("axis {given}, as asked for"),
            format!("axis {axis}"),
        );
        return Err(storage::Error::malformed(&place, expected, found).into());
    }
    let [rows, columns] = info.chunks.as_slice() else {
        let found = format!("{}", info.chunks.len());
        return Err(storage::Error::malformed(&place, "two axes", found).into());
    };
    let chunks = info.chunks[axis].len();
    let named = |chunk: usize| path.join(format!("{chunk}.npy"));
    let expected: Vec<PathBuf> = (0..chunks).map(named).collect();
    let there: BTreeSet<&PathBuf> = files.iter().collect();
    if let Some(missing) = expected.iter().find(|file| !there.contains(file)) {
        let name = missing.file_name().unwrap_or_default().to_string_lossy();
        let what = format!(
            "a file {name}, one of {chunks} that {} tells of",
            dask_info::FILE
        );
        return Err(storage::Error::malformed(path, what, "none").into());
    }
    let known: BTreeSet<&PathBuf> = expected.iter().collect();
    if let Some(other) = files.iter().find(|file| !known.contains(file)) {
        let what = format!("one of {chunks} chunks that {} tells of", dask_info::FILE);
        let found = "another file; move it out of the folder if it is no part of the matrix";
        return Err(storage::Error::malformed(other, what, found).into());
    }
    let access = reading.access.of_files(chunks);
    let mut sources = Vec::with_capacity(chunks);
    for (chunk, file) in expected.iter().enumerate() {
        let source = Source::open(file, access, Axes::Two)?;
        let found = [source.rows.len(), source.columns.len()];
        let at = |lens: &[usize], along: usize| lens[if along == axis { chunk } else { 0 }];
        let expected = [at(rows, 0), at(columns, 1)];
        if found != expected {
            let expected = format!("shape {expected:?}, as {} says", dask_info::FILE);
            let found = format!("shape {found:?}");
            return Err(storage::Error::malformed(file, expected, found).into());
        }
        sources.push(source);
    }
    placed(path, sources, axis)
}

/// Files of two axes that nothing but their names and shapes tells of; `files` are their places, in order.
///
/// # Errors
/// One does not fit to the others, or is missing by its number; both axes fit, and nobody says which.
pub(super) fn of_files(
    path: &Path,
    files: &[PathBuf],
    sources: Vec<Source>,
    reading: Reading,
) -> Result<Opened, Error> {
    let are_rows = sources.iter().all(|source| source.rows.len() == 1);
    if are_rows && reading.stack_axis.is_none() {
        series::check(path, files, Numbers::Even)?;
        fitting(&sources, 0)?;
        return placed(path, sources, 0);
    }
    let axis = match reading.stack_axis {
        Some(axis) => axis,
        None => only_axis(path, &sources)?,
    };
    fitting(&sources, axis)?;
    // Pieces may be named by the first step in each.
    let is_by_first = series::numbers(files)?.is_some_and(|numbers| {
        let mut pairs = numbers.windows(2).zip(&sources);
        pairs.all(|(pair, source)| pair[1] - pair[0] == len(source, axis) as u64)
    });
    if !is_by_first {
        series::check(path, files, Numbers::Consecutive)?;
    }
    placed(path, sources, axis)
}

/// Length of a file along an axis.
fn len(source: &Source, axis: usize) -> usize {
    if axis == 0 {
        source.rows.len()
    } else {
        source.columns.len()
    }
}

/// The only axis along which the files can be stacked.
fn only_axis(path: &Path, sources: &[Source]) -> Result<usize, Error> {
    let [first, _, ..] = sources else {
        return Ok(0);
    };
    let odd = [0, 1].map(|axis| odd_ones(sources, 1 - axis));
    let axis = match odd.each_ref().map(Vec::is_empty) {
        [true, true] => {
            let shape = [first.rows.len(), first.columns.len()];
            let expected = "to be told along which axis the files lie side by side, \
                            with --stack-axis 0 or --stack-axis 1";
            let found = format!("{} of shape {shape:?}, which fit both ways", sources.len());
            return Err(storage::Error::malformed(path, expected, found).into());
        }
        [true, false] => 0,
        [false, true] => 1,
        // Told of the axis along which fewer do not fit.
        [false, false] => return Ok(usize::from(odd[1].len() < odd[0].len())),
    };
    // Pieces are of one length but for the last, which is shorter. Others may be pieces of the other way
    // with one among them that is not what it should be.
    let (usual, last) = (len(first, axis), sources.len() - 1);
    let differs = |at: &usize| {
        let own = len(&sources[*at], axis);
        if *at == last {
            own > usual
        } else {
            own != usual
        }
    };
    match (0..sources.len()).find(differs) {
        None => Ok(axis),
        Some(at) => {
            let file = sources[at].file.path();
            let name = first.file.path().file_name().unwrap_or_default();
            let expected = format!(
                "shape {:?}, as {} has, or --stack-axis {axis} for files of any length along it",
                [first.rows.len(), first.columns.len()],
                name.to_string_lossy()
            );
            let found = format!(
                "shape {:?}",
                [sources[at].rows.len(), sources[at].columns.len()]
            );
            Err(storage::Error::malformed(file, expected, found).into())
        }
    }
}

/// The files that are not of the length that most have along an axis.
fn odd_ones(sources: &[Source], axis: usize) -> Vec<usize> {
    let mut counts = BTreeMap::<usize, usize>::new();
    for source in sources {
        *counts.entry(len(source, axis)).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    let usual = sources.iter().map(|source| len(source, axis));
    let usual = usual.into_iter().find(|len| counts[len] == most);
    let odd = |at: &usize| Some(len(&sources[*at], axis)) != usual;
    (0..sources.len()).filter(odd).collect()
}

/// Refuses files that do not agree in the other axis than the one along which they lie, and names the first.
fn fitting(sources: &[Source], axis: usize) -> Result<(), Error> {
    let Some(&odd) = odd_ones(sources, 1 - axis).first() else {
        return Ok(());
    };
    let other = sources
        .iter()
        .enumerate()
        .find(|(at, source)| *at != odd && len(source, 1 - axis) != len(&sources[odd], 1 - axis));
    let what = if axis == 0 { "columns" } else { "rows" };
    let expected = other.map_or(String::new(), |(_, like)| {
        let name = like.file.path().file_name().unwrap_or_default();
        format!(
            "{} {what}, as {} has",
            len(like, 1 - axis),
            name.to_string_lossy()
        )
    });
    let found = format!("{} {what}", len(&sources[odd], 1 - axis));
    Err(storage::Error::malformed(sources[odd].file.path(), expected, found).into())
}

/// Puts the files one after the other along an axis.
fn placed(path: &Path, sources: Vec<Source>, axis: usize) -> Result<Opened, Error> {
    let mut end = 0usize;
    let mut placed = Vec::with_capacity(sources.len());
    for source in sources {
        let start = end;
        end = start.checked_add(len(&source, axis)).ok_or_else(|| {
            storage::Error::malformed(path, "fewer rows than fit in memory addresses", "more")
        })?;
        placed.push(match axis {
            0 => source.at(start, 0),
            _ => source.at(0, start),
        });
    }
    Ok(Opened {
        sources: placed,
        layout: None,
        stack_axis: Some(axis),
    })
}
