//! What is read back: JSON of the right form may still be of parts that do not fit together, and what is made from
//! it goes by their places.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::nn::Layout;
use crate::storage::manifest::read_json;
use crate::storage::{self, Error};

/// What should be in a place, and what is.
pub type Contradiction = (String, String);

/// Something read from a file, of parts that may contradict each other.
pub trait Sound {
    /// The first contradiction; `layout` is that of the network it is about.
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction>;
}

/// Reads a file of this release; `what` it is, and where in the JSON of earlier releases something stood that
/// is not there any more.
///
/// # Errors
/// It cannot be read, is something else, or of an earlier release, which is said by name.
pub fn load<T: DeserializeOwned>(path: &Path, what: &str, earlier: &[&str]) -> Result<T, Error> {
    read_json(path, what).map_err(|error| {
        let value = read_json::<serde_json::Value>(path, what);
        let is_earlier = |value: serde_json::Value| {
            let mut places = earlier.iter();
            places.any(|place| value.pointer(place).is_some())
        };
        match value.is_ok_and(is_earlier) {
            true => Error::malformed(
                path,
                format!("{what} of this release"),
                "those of an earlier one",
            ),
            false => error,
        }
    })
}

/// Refuses what contradicts itself.
///
/// # Errors
/// The first contradiction, with the file.
pub fn sound(path: &Path, found: &impl Sound, layout: &Layout) -> Result<(), Error> {
    match found.contradiction(layout) {
        None => Ok(()),
        Some((expected, found)) => Err(storage::Error::malformed(path, expected, found)),
    }
}

/// Rows of one length, as many as a world may have.
pub fn grid<T>(what: &str, rows: &[Vec<T>]) -> Option<Contradiction> {
    let side = usize::from(crate::maze::MAX_WORLD);
    let columns = rows.first().map_or(0, Vec::len);
    at_most("rows", rows.len(), side)
        .or_else(|| at_most("columns", columns, side))
        .or_else(|| {
            let mut lens = rows.iter().map(Vec::len);
            lens.find_map(|found| len(&format!("a row of {what}"), found, columns))
        })
}

/// Not more than there can be.
pub fn at_most(what: &str, found: usize, most: usize) -> Option<Contradiction> {
    (found > most).then(|| (format!("at most {most} {what}"), found.to_string()))
}

/// As many as there should be.
pub fn len(what: &str, found: usize, expected: usize) -> Option<Contradiction> {
    (found != expected).then(|| (format!("{expected} entries of {what}"), found.to_string()))
}

/// A SHA-256 in hexadecimal.
pub fn hash(what: &str, found: &str) -> Option<Contradiction> {
    let is_hash = found.len() == 64 && found.bytes().all(|byte| byte.is_ascii_hexdigit());
    let expected = || format!("64 hexadecimal digits of {what}");
    (!is_hash).then(|| (expected(), format!("\"{found}\"")))
}

/// Channels by name, "conv0 13", are of tensors that there are.
pub fn channels<'a>(
    mut names: impl Iterator<Item = &'a str>,
    layout: &Layout,
) -> Option<Contradiction> {
    names.find_map(|name| {
        let (layer, channel) = name.rsplit_once(' ').unwrap_or((name, "0"));
        let weight = format!("{layer}.weight");
        let mut tensors = layout.tensors.iter();
        let tensor = tensors.find(|tensor| tensor.name == weight);
        let len = tensor.and_then(|tensor| tensor.shape.last());
        let is_there = len
            .zip(channel.parse::<usize>().ok())
            .is_some_and(|(len, n)| n < *len);
        (!is_there).then(|| (format!("a channel of {layer}"), format!("\"{name}\"")))
    })
}
