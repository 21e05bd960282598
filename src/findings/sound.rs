//! What a run or a study found, read back: JSON of the right form may still be of parts that do not
//! fit together, and what is made from it goes by their places.

use std::path::Path;

use crate::maze::MAX_WORLD;
use crate::nn::Layout;
use crate::storage::Error;

/// What should be in a place, and what is.
pub type Contradiction = (String, String);

/// Something read from a file, of parts that may contradict each other.
pub trait Sound {
    /// The first contradiction; `layout` is that of the network it is about.
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction>;
}

/// Refuses what contradicts itself.
///
/// # Errors
/// The first contradiction, with the file.
pub fn sound(path: &Path, found: &impl Sound, layout: &Layout) -> Result<(), Error> {
    match found.contradiction(layout) {
        None => Ok(()),
        Some((expected, found)) => Err(Error::malformed(path, expected, found)),
    }
}

/// A list has as many entries as another says.
pub fn len(what: &str, found: usize, expected: usize) -> Option<Contradiction> {
    (found != expected).then(|| (format!("{expected} entries of {what}"), found.to_string()))
}

/// A part is no more than its whole.
pub fn at_most(what: &str, found: usize, most: usize) -> Option<Contradiction> {
    (found > most).then(|| (format!("at most {most} {what}"), found.to_string()))
}

/// Rows of one length, as many as a world may have.
pub fn grid<T>(what: &str, rows: &[Vec<T>]) -> Option<Contradiction> {
    let side = usize::from(MAX_WORLD);
    let columns = rows.first().map_or(0, Vec::len);
    at_most("rows", rows.len(), side)
        .or_else(|| at_most("columns", columns, side))
        .or_else(|| {
            let mut lens = rows.iter().map(Vec::len);
            lens.find_map(|found| len(&format!("a row of {what}"), found, columns))
        })
}

/// A SHA-256 in hexadecimal digits.
pub fn hash(what: &str, found: &str) -> Option<Contradiction> {
    let is_hash = found.len() == 64 && found.bytes().all(|byte| byte.is_ascii_hexdigit());
    let expected = || format!("64 hexadecimal digits of {what}");
    (!is_hash).then(|| (expected(), format!("\"{found}\"")))
}
