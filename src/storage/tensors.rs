//! Checkpoints as safetensors files: named float32 tensors and string metadata, and among that
//! `crc32`, eight hexadecimal digits: the CRC-32 of the other strings, in the order of their keys, and
//! then of the tensors' bytes as they lie in the file. A file without it is read too: other programs
//! write none.
//!
//! The header is written here and not by the safetensors crate, which keeps metadata in a hash
//! map: its order, and with it the bytes of the file, would differ from run to run. Reading, where
//! a file may be anyone's, is the crate's.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};

use super::disk::File;
use super::error::{read_at_most, regular};
use super::{Checksum, Error, atomic, tensor_header};

/// The key of the checksum.
pub const CHECKSUM: &str = "crc32";

/// One tensor to be saved.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// Its name.
    pub name: &'a str,
    /// Lengths of its axes, slowest first.
    pub shape: &'a [usize],
    /// Its entries.
    pub values: &'a [f32],
}

/// Writes a checkpoint, with its checksum. Equal arguments give equal bytes; data lies in the order
/// given.
///
/// # Errors
/// The system's.
///
/// # Panics
/// A shape does not multiply out to the number of values, a name comes twice, or the metadata has
/// an entry [`CHECKSUM`].
pub fn save(
    path: &Path,
    tensors: &[Tensor<'_>],
    metadata: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let mut header = Map::new();
    let pieces = tensors
        .iter()
        .map(|tensor| bytemuck::cast_slice(tensor.values));
    let mut summed = metadata.clone();
    let before = summed.insert(CHECKSUM.into(), checksum(metadata, pieces));
    assert!(before.is_none(), "the checksum is taken here");
    header.insert("__metadata__".into(), json!(summed));
    let mut offset = 0;
    for tensor in tensors {
        let len: usize = tensor.shape.iter().product();
        assert_eq!(len, tensor.values.len(), "shape of {}", tensor.name);
        let end = offset + len * 4;
        let entry = json!({"dtype": "F32", "shape": tensor.shape, "data_offsets": [offset, end]});
        let before = header.insert(tensor.name.into(), entry);
        assert!(before.is_none(), "two tensors named {}", tensor.name);
        offset = end;
    }
    let mut header = Value::Object(header).to_string();
    // The format aligns the data to 8 bytes.
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    atomic::write_with(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        tensors
            .iter()
            .try_for_each(|tensor| out.write_all(bytemuck::cast_slice(tensor.values)))
    })
}

fn checksum<'a>(
    metadata: &BTreeMap<String, String>,
    data: impl Iterator<Item = &'a [u8]>,
) -> String {
    let mut sum = Checksum::new();
    let others = metadata.iter().filter(|(key, _)| *key != CHECKSUM);
    others.for_each(|(_, value)| sum.update(value.as_bytes()));
    data.for_each(|piece| sum.update(piece));
    format!("{:08x}", sum.finish())
}

/// Most bytes of the strings that a file has beside its tensors, where nobody says more.
const METADATA_MAX: u64 = 1 << 20;
/// Most bytes of what a header says of one tensor beside its name.
const TENSOR_MAX: u64 = 512;

/// What a checkpoint holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The entries of each tensor, in the order in which they were asked for.
    pub tensors: Vec<Vec<f32>>,
    /// The strings that were saved beside them, the checksum among them if there is one.
    pub metadata: BTreeMap<String, String>,
}

/// Reads a checkpoint that must have exactly the tensors `expected`, by name and shape.
///
/// # Errors
/// The file cannot be read, has more bytes than these tensors or a header that is longer than theirs and
/// 1 MiB, is not a safetensors
/// file, or is not what its checksum says; a tensor is missing, too many, of another shape or type: the
/// first such is named. Numbers need not be finite.
pub fn load(path: &Path, expected: &[(String, Vec<usize>)]) -> Result<Checkpoint, Error> {
    load_with(path, expected, METADATA_MAX)
}

/// As [`load`], of a file whose other strings take up to `metadata_max` bytes.
///
/// # Errors
/// Those of [`load`].
pub fn load_with(
    path: &Path,
    expected: &[(String, Vec<usize>)],
    metadata_max: u64,
) -> Result<Checkpoint, Error> {
    // An escape is six bytes long.
    let named = expected
        .iter()
        .map(|(name, _)| TENSOR_MAX + 6 * name.len() as u64);
    let header_max = named.fold(metadata_max, u64::saturating_add);
    let lens = expected.iter().map(|(_, shape)| {
        let axes = shape.iter().map(|&axis| axis as u64);
        axes.fold(4, u64::saturating_mul)
    });
    let need = lens.fold(header_max.saturating_add(8), u64::saturating_add);
    bound_header(path, header_max)?;
    let bytes = read_at_most(path, need)?;
    let file = parse(path, &bytes)?;
    let mut tensors = Vec::with_capacity(expected.len());
    for (name, shape) in expected {
        let found = file.tensor(name).map_err(|_| {
            let mut names = file.names();
            names.sort_unstable();
            Error::malformed(
                path,
                format!("a tensor {name}"),
                format!("only {}", names.join(", ")),
            )
        })?;
        if found.dtype() != Dtype::F32 || found.shape() != shape {
            return Err(Error::malformed(
                path,
                format!("tensor {name} of type F32 and shape {shape:?}"),
                format!("{} and {:?}", found.dtype(), found.shape()),
            ));
        }
        // Copied as bytes: in the file they need not be aligned.
        let mut values = vec![0f32; found.data().len() / 4];
        bytemuck::cast_slice_mut(&mut values).copy_from_slice(found.data());
        tensors.push(values);
    }
    let mut names = file.names();
    names.sort_unstable();
    if let Some(extra) = names
        .iter()
        .find(|&&name| !expected.iter().any(|(known, _)| known == name))
    {
        let message = format!("{} tensors", expected.len());
        return Err(Error::malformed(
            path,
            message,
            format!("one more, {extra}"),
        ));
    }
    Ok(Checkpoint {
        tensors,
        metadata: metadata_of(path, &bytes)?,
    })
}

/// The strings saved with a checkpoint, for those who cannot yet say which tensors to expect.
///
/// # Errors
/// The file cannot be read, is not a safetensors file, or is not what its checksum says.
pub fn metadata(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    bound_header(path, tensor_header::HEADER_MAX as u64)?;
    metadata_of(path, &super::read_bytes(path)?)
}

/// Refuses a file with a header of more than `most` bytes before it is read: what is made of one takes ten
/// times its memory.
fn bound_header(path: &Path, most: u64) -> Result<(), Error> {
    let file_bytes = regular(path)?;
    let mut first = Vec::new();
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    file.take(tensor_header::LENGTH_BYTES as u64)
        .read_to_end(&mut first)
        .map_err(Error::io(path, "read"))?;
    tensor_header::length(path, &first, file_bytes, most).map(drop)
}

fn metadata_of(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, String>, Error> {
    let (header_len, header) =
        SafeTensors::read_metadata(bytes).map_err(|error| unsound(path, &error))?;
    let strings = header.metadata().iter().flatten();
    let metadata: BTreeMap<String, String> = strings.map(|(k, v)| (k.clone(), v.clone())).collect();
    if let Some(expected) = metadata.get(CHECKSUM) {
        let data = bytes.get(8 + header_len..).unwrap_or_default();
        let found = checksum(&metadata, [data].into_iter());
        if *expected != found {
            let expected = format!("CRC {expected}");
            let found = format!("{found}: the file is damaged");
            return Err(Error::malformed(path, expected, found));
        }
    }
    Ok(metadata)
}

fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>, Error> {
    SafeTensors::deserialize(bytes).map_err(|error| unsound(path, &error))
}

fn unsound(path: &Path, error: &safetensors::SafeTensorError) -> Error {
    Error::malformed(path, "a safetensors file", format!("another ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(list: &[(&str, &[usize])]) -> Vec<(String, Vec<usize>)> {
        list.iter()
            .map(|(name, shape)| ((*name).to_owned(), shape.to_vec()))
            .collect()
    }

    fn sample(path: &Path) -> BTreeMap<String, String> {
        let metadata =
            [("zeta", "1"), ("alpha", "ü\"\n")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let mut metadata = BTreeMap::from(metadata);
        let weight = Tensor {
            name: "w",
            shape: &[2, 3],
            values: &[1., -2., 3., 4., 5., 6.5],
        };
        let bias = Tensor {
            name: "b",
            shape: &[],
            values: &[f32::MIN_POSITIVE],
        };
        let empty = Tensor {
            name: "none",
            shape: &[0, 4],
            values: &[],
        };
        save(path, &[weight, bias, empty], &metadata).unwrap();
        let data = [1f32, -2., 3., 4., 5., 6.5, f32::MIN_POSITIVE];
        let sum = checksum(&metadata, [bytemuck::cast_slice(&data)].into_iter());
        metadata.insert(CHECKSUM.into(), sum);
        metadata
    }

    #[test]
    fn saved_is_loaded_in_the_order_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.safetensors");
        let saved = sample(&path);
        let loaded = load(
            &path,
            &named(&[("b", &[]), ("none", &[0, 4]), ("w", &[2, 3])]),
        )
        .unwrap();
        let expected = vec![
            vec![f32::MIN_POSITIVE],
            vec![],
            vec![1., -2., 3., 4., 5., 6.5],
        ];
        assert_eq!(
            loaded,
            Checkpoint {
                tensors: expected,
                metadata: saved.clone()
            }
        );
        assert_eq!(metadata(&path).unwrap(), saved);

        let first = super::super::read_bytes(&path).unwrap();
        sample(&path);
        assert_eq!(first, super::super::read_bytes(&path).unwrap());
        let header_len = u64::from_le_bytes(first[..8].try_into().unwrap());
        assert_eq!(header_len % 8, 0);
    }

    #[test]
    fn the_culprit_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.safetensors");
        sample(&path);
        let message =
            |expected: &[(&str, &[usize])]| load(&path, &named(expected)).unwrap_err().to_string();
        let text = message(&[("w", &[2, 3]), ("v", &[1])]);
        assert!(
            text.ends_with("expected a tensor v, found only b, none, w"),
            "{text}"
        );
        let text = message(&[("w", &[3, 2])]);
        assert!(
            text.ends_with("w of type F32 and shape [3, 2], found F32 and [2, 3]"),
            "{text}"
        );
        let text = message(&[("w", &[2, 3]), ("none", &[0, 4])]);
        assert!(
            text.ends_with("expected 2 tensors, found one more, b"),
            "{text}"
        );
    }

    #[test]
    fn every_flipped_bit_is_found_and_a_file_without_a_checksum_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.safetensors");
        sample(&path);
        let expected = named(&[("b", &[]), ("none", &[0, 4]), ("w", &[2, 3])]);
        let whole = std::fs::read(&path).unwrap();
        let at = |key: &str| whole.windows(key.len()).position(|w| w == key.as_bytes());
        let keys = ["alpha", "crc32", "zeta"].map(|key| (at(key).unwrap(), key.len()));
        for bit in 0..8 * whole.len() {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, bytes).unwrap();
            // Keys are not summed: whoever needs an entry, the checksum too, asks for it.
            let is_key = keys
                .iter()
                .any(|&(at, len)| (at..at + len).contains(&(bit / 8)));
            match load(&path, &expected) {
                Err(Error::Malformed { .. }) => {}
                outcome => assert!(is_key && outcome.is_ok(), "{bit}"),
            }
        }
    }

    #[test]
    fn a_long_header_is_refused_unread() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.safetensors");
        std::fs::write(&path, 76_000_000u64.to_le_bytes()).unwrap();
        // Sparse: it takes no room.
        let file = File::write_to(&path).unwrap();
        file.set_len(80_000_000).unwrap();
        let refused = |error: Error, most: &str| {
            let text = error.to_string();
            let expected = format!("c.safetensors: expected a header of at most {most} bytes");
            assert!(text.contains(&expected), "{text}");
        };
        let expected = named(&[("w", &[1 << 26])]);
        refused(load(&path, &expected).unwrap_err(), "1049094");
        refused(load_with(&path, &expected, 5000).unwrap_err(), "5518");
        refused(metadata(&path).unwrap_err(), "16777216");
    }

    #[test]
    fn any_cut_and_any_other_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.safetensors");
        sample(&path);
        let whole = super::super::read_bytes(&path).unwrap();
        for len in 0..whole.len() {
            std::fs::write(&path, &whole[..len]).unwrap();
            let expected = named(&[("b", &[]), ("none", &[0, 4]), ("w", &[2, 3])]);
            assert!(
                matches!(load(&path, &expected), Err(Error::Malformed { .. })),
                "{len}"
            );
        }
    }
}
