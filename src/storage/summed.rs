//! JSON objects that end in their own checksum: `crc32`, the last field, is the CRC-32 of all bytes
//! of the file before the comma in front of it. A flipped bit anywhere in such a file is found.

use std::path::Path;

use serde::Serialize;

use super::{Error, atomic, checksum};

/// Writes `value`, an object with fields, to `path` as compact JSON that ends in its checksum.
///
/// # Errors
/// The system's.
pub fn write(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_vec(value).map_err(|error| Error::io(path, "write")(error.into()))?;
    atomic::write(path, &sum(text, COMPACT))
}

/// As [`write()`], with line breaks.
///
/// # Errors
/// The system's.
pub fn write_pretty(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let text =
        serde_json::to_vec_pretty(value).map_err(|error| Error::io(path, "write")(error.into()))?;
    atomic::write(path, &sum(text, PRETTY))
}

const COMPACT: &str = ",\"crc32\":";
const PRETTY: &str = ",\n  \"crc32\": ";

/// Puts the checksum in the place of the last brace, and of the line break before it.
fn sum(mut text: Vec<u8>, key: &str) -> Vec<u8> {
    text.pop();
    if key == PRETTY {
        text.pop();
    }
    let end = tail(key, checksum::of_bytes(&text));
    text.extend(end.as_bytes());
    text
}

fn tail(key: &str, sum: u32) -> String {
    let end = if key == PRETTY { "\n}\n" } else { "}\n" };
    format!("{key}\"{sum:08x}\"{end}")
}

/// Holds the contents of a file that [`write()`] or [`write_pretty`] wrote to their checksum; `path`
/// is for the message.
///
/// # Errors
/// They end in none, or in another.
pub fn check(path: &Path, contents: &[u8]) -> Result<(), Error> {
    let comma = contents.iter().rposition(|&byte| byte == b',').unwrap_or(0);
    let (body, end) = contents.split_at(comma);
    let found = checksum::of_bytes(body);
    if [COMPACT, PRETTY]
        .iter()
        .any(|key| end == tail(key, found).as_bytes())
    {
        return Ok(());
    }
    let expected = format!("crc32 {found:08x} at the end");
    let end = &end[..end.len().min(40)];
    let found = format!("\"{}\": the file is damaged", end.escape_ascii());
    Err(Error::malformed(path, expected, found))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::storage::read_bytes;

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.json");
        let value = json!({"a": [1.5, {"b": "ü,\n"}], "c": {"d": {}}});
        for pretty in [false, true] {
            if pretty {
                write_pretty(&path, &value).unwrap();
            } else {
                write(&path, &value).unwrap();
            }
            let whole = read_bytes(&path).unwrap();
            let mut found: serde_json::Value = serde_json::from_slice(&whole).unwrap();
            let sum = found.as_object_mut().unwrap().remove("crc32");
            assert!(sum.is_some() && found == value);
            check(&path, &whole).unwrap();
            for bit in 0..8 * whole.len() {
                let mut bytes = whole.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(check(&path, &bytes).is_err(), "{bit}");
            }
            for len in 0..whole.len() {
                assert!(check(&path, &whole[..len]).is_err(), "{len}");
            }
        }
    }
}
