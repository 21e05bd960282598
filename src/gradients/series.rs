//! Files in a folder that are one thing in pieces: their order, by the numbers in their names, and which is
//! missing or does not belong there.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::Error;
use crate::storage;

/// Which numbers a series may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// One after the other, from 0 or 1: pieces of a whole.
    Consecutive,
    /// Evenly spaced: every so-manieth step.
    Even,
}

/// A part of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Its digits as they stand.
    Number(String),
}

/// Puts the files in the order of their names, numbers in them by their size: `step-2` before `step-10`.
///
/// # Errors
/// A name that is like the others but in more than its numbers, or has the same numbers as another's.
pub(super) fn sort(files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let mut named: Vec<(Vec<Part>, PathBuf)> = std::mem::take(files)
        .into_iter()
        .map(|file| (parts(&file), file))
        .collect();
    named.sort_by(|(a, x), (b, y)| by_parts(a, b).then_with(|| x.cmp(y)));
    let skeletons: Vec<String> = named.iter().map(|(parts, _)| skeleton(parts)).collect();
    // Names without any number are in the order of the alphabet.
    if skeletons.iter().any(|skeleton| skeleton.contains('\0')) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for skeleton in &skeletons {
            *counts.entry(skeleton).or_default() += 1;
        }
        let most = counts.values().copied().max().unwrap_or(0);
        let usual = skeletons
            .iter()
            .find(|skeleton| counts[skeleton.as_str()] == most);
        let usual = usual.map_or("", String::as_str);
        let like = skeletons.iter().position(|skeleton| skeleton == usual);
        let other = skeletons.iter().position(|skeleton| skeleton != usual);
        if let (Some(like), Some(other)) = (like, other) {
            let expected = format!(
                "a name that differs from {} in numbers",
                name(&named[like].1)
            );
            let found = "another; move it out of the folder if it is no part of the matrix";
            return Err(storage::Error::malformed(&named[other].1, expected, found).into());
        }
    }
    let mut pairs = named.windows(2);
    if let Some([a, b]) = pairs.find(|pair| by_parts(&pair[0].0, &pair[1].0).is_eq()) {
        let expected = format!("another number than {} has", name(&a.1));
        return Err(storage::Error::malformed(&b.1, expected, "the same").into());
    }
    *files = named.into_iter().map(|(_, file)| file).collect();
    Ok(())
}

/// The one number in which the names of [sorted](sort) files differ, of each file; none where they differ in
/// several numbers, or in none.
///
/// # Errors
/// A number that does not fit in 64 bits.
pub(super) fn numbers(files: &[PathBuf]) -> Result<Option<Vec<u64>>, Error> {
    let all: Vec<Vec<Part>> = files.iter().map(|file| parts(file)).collect();
    let Some(place) = place(&all) else {
        return Ok(None);
    };
    let number = |(parts, file): (&Vec<Part>, &PathBuf)| {
        let number = match &parts[place] {
            Part::Number(digits) => digits.parse::<u64>().ok(),
            Part::Text(_) => None,
        };
        let too_large = || storage::Error::malformed(file, "a number below 2^64", "a larger one");
        Ok(number.ok_or_else(too_large)?)
    };
    all.iter()
        .zip(files)
        .map(number)
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The only part in which names differ.
fn place(all: &[Vec<Part>]) -> Option<usize> {
    let [first, _, ..] = all else {
        return None;
    };
    let differ = |at: &usize| all.iter().any(|parts| parts[*at] != first[*at]);
    let mut places = (0..first.len()).filter(differ);
    let is_number = |at: &usize| matches!(first[*at], Part::Number(_));
    places
        .next()
        .filter(is_number)
        .filter(|_| places.next().is_none())
}

/// Refuses a series in which a number is missing, and names the file that should be there. `files` are
/// [sorted](sort).
///
/// # Errors
/// A file is missing; those of [`numbers`].
pub(super) fn check(dir: &Path, files: &[PathBuf], rule: Numbers) -> Result<(), Error> {
    let Some(found) = numbers(files)? else {
        return Ok(());
    };
    let spacing = match rule {
        Numbers::Consecutive => 1,
        Numbers::Even => found.windows(2).map(|w| w[1] - w[0]).min().unwrap_or(1),
    };
    let missing = match (rule, found[0]) {
        (Numbers::Consecutive, 2..) => Some((0, found[0] - 1)),
        _ => (found.windows(2).enumerate())
            .find(|(_, pair)| pair[1] - pair[0] != spacing)
            .map(|(at, pair)| (at, pair[0] + spacing)),
    };
    let Some((like, missing)) = missing else {
        return Ok(());
    };
    let expected = renumbered(files, like, missing);
    let rule = match rule {
        Numbers::Consecutive => "the numbers of pieces follow each other".to_owned(),
        Numbers::Even => format!("the other {} are numbered every {spacing}", files.len()),
    };
    let found = format!("no such file: {rule}");
    Err(storage::Error::malformed(dir, format!("a file {expected}"), found).into())
}

/// The name of file `like` with another number.
fn renumbered(files: &[PathBuf], like: usize, number: u64) -> String {
    let all: Vec<Vec<Part>> = files.iter().map(|file| parts(file)).collect();
    let place = place(&all);
    let text = |(at, part): (usize, &Part)| match part {
        Part::Number(digits) if Some(at) == place => {
            format!("{number:0width$}", width = padding(digits))
        }
        Part::Text(text) | Part::Number(text) => text.clone(),
    };
    all[like].iter().enumerate().map(text).collect()
}

/// How wide a number is written: as wide as this one where it is filled up with zeros.
fn padding(digits: &str) -> usize {
    if digits.starts_with('0') {
        digits.len()
    } else {
        0
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The name of a file in parts.
fn parts(path: &Path) -> Vec<Part> {
    let name = path
        .file_name()
        .map(OsStr::to_string_lossy)
        .unwrap_or_default();
    let mut parts: Vec<Part> = Vec::new();
    for c in name.chars() {
        match (parts.last_mut(), c.is_ascii_digit()) {
            (Some(Part::Number(digits)), true) => digits.push(c),
            (Some(Part::Text(text)), false) => text.push(c),
            (_, true) => parts.push(Part::Number(c.into())),
            (_, false) => parts.push(Part::Text(c.into())),
        }
    }
    parts
}

/// A name with its numbers left out.
fn skeleton(parts: &[Part]) -> String {
    let text = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Number(_) => "\0".into(),
    };
    parts.iter().map(text).collect()
}

fn by_parts(a: &[Part], b: &[Part]) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        let order = match (a, b) {
            (Part::Text(a), Part::Text(b)) => a.cmp(b),
            (Part::Number(a), Part::Number(b)) => {
                let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            }
            (Part::Number(_), Part::Text(_)) => Ordering::Less,
            (Part::Text(_), Part::Number(_)) => Ordering::Greater,
        };
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(names: &[&str], numbers: Numbers) -> Result<String, String> {
        let mut files: Vec<PathBuf> = names.iter().map(|name| Path::new("d").join(name)).collect();
        let outcome = sort(&mut files).and_then(|()| check(Path::new("d"), &files, numbers));
        let names: Vec<String> = files.iter().map(|file| name(file)).collect();
        outcome
            .map(|()| names.join(" "))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_are_in_order_and_what_is_missing_or_foreign_is_named() {
        use Numbers::{Consecutive, Even};
        for (names, numbers, expected) in [
            (&["s-10", "s-2", "s-6"][..], Even, "s-2 s-6 s-10"),
            (&["10", "9", "8"], Even, "8 9 10"),
            (&["e2-1", "e1-10", "e1-2"], Even, "e1-2 e1-10 e2-1"),
            (&["b", "a", "c"], Consecutive, "a b c"),
            (&["002", "001"], Consecutive, "001 002"),
            (&["f16-3", "f16-4"], Even, "f16-3 f16-4"),
            (&["7"], Consecutive, "7"),
        ] {
            assert_eq!(ordered(names, numbers), Ok(expected.into()));
        }
        for (names, numbers, message) in [
            (
                &["0", "1", "3"][..],
                Consecutive,
                "d: expected a file 2, found",
            ),
            (&["2", "3"], Consecutive, "expected a file 1, found"),
            (&["0", "2", "4"], Consecutive, "expected a file 1, found"),
            (
                &["s-08", "s-09", "s-11"],
                Even,
                "expected a file s-10, found",
            ),
            (
                &["s100", "s200", "s400"],
                Even,
                "expected a file s300, found",
            ),
            (
                &["0", "1", "3 (1)"],
                Consecutive,
                "d/3 (1): expected a name",
            ),
            (
                &["0", "1", "U"],
                Consecutive,
                "d/U: expected a name that differs from 0",
            ),
            (&["._3", "2", "3"], Consecutive, "d/._3: expected a name"),
            (
                &["s-1", "s-01", "s-2"],
                Even,
                "d/s-1: expected another number than s-01",
            ),
            (&["1", "99999999999999999999"], Even, "a number below 2^64"),
        ] {
            let error = ordered(names, numbers).unwrap_err();
            assert!(error.contains(message), "{error} / {message}");
        }
    }
}
