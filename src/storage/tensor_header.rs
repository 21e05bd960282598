//! The header of a safetensors file on its own: which tensors are in it, of which type and where. The
//! numbers are not looked at.
//!
//! ```text
//! 0   8   u64: length of what follows up to the data
//! 8   .   {"name": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}, ..}   spaces
//! .   .   the data, one tensor after the other without gaps
//! ```

use std::ops::Range;
use std::path::Path;

use safetensors::tensor::{Dtype as Named, Metadata};

use super::Error;
use super::dtype::Dtype;

/// Bytes of the length before the header.
pub const LENGTH_BYTES: usize = 8;
/// Longest header that is looked at: that of 100,000 tensors.
pub const HEADER_MAX: usize = 16 << 20;

/// A tensor in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Type of its entries.
    pub dtype: Dtype,
    /// Lengths of its axes, slowest first.
    pub shape: Vec<usize>,
    /// Its bytes, counted from the beginning of the file.
    pub bytes: Range<usize>,
}

/// The length of the header, from the first [`LENGTH_BYTES`] bytes of a file of `file_bytes`, which it is
/// held against, as it is against `most`.
///
/// # Errors
/// The file is no safetensors file, or has a longer header.
pub fn length(path: &Path, first: &[u8], file_bytes: u64, most: u64) -> Result<u64, Error> {
    let expected = "a safetensors file, which begins with the length of its header";
    let Ok(first) = first.try_into() else {
        let found = format!("{file_bytes} bytes");
        return Err(Error::malformed(path, expected, found));
    };
    let len = u64::from_le_bytes(first);
    if len > file_bytes.saturating_sub(LENGTH_BYTES as u64) {
        let found = format!("{len} in a file of {file_bytes} bytes");
        return Err(Error::malformed(path, expected, found));
    }
    if len > most {
        let expected = format!("a header of at most {most} bytes");
        return Err(Error::malformed(path, expected, len.to_string()));
    }
    Ok(len)
}

/// The tensors of a file of `file_bytes` bytes with this header, in the order of their places; of those
/// without entries, which share theirs, in the order of names. `path` is for the messages.
///
/// # Errors
/// Anything but a sound header that is followed by exactly the data it announces; a tensor of another type
/// than F16, BF16, F32 or F64.
pub fn parse(path: &Path, header: &[u8], file_bytes: u64) -> Result<Vec<Place>, Error> {
    let unsound = |found: String| Error::malformed(path, "the header of a safetensors file", found);
    let metadata: Metadata =
        serde_json::from_slice(header).map_err(|error| unsound(error.to_string()))?;
    let data = LENGTH_BYTES + header.len();
    let announced = metadata.data_len();
    if data.checked_add(announced).map(|end| end as u64) != Some(file_bytes) {
        let expected = format!("{announced} bytes of data, as its header says");
        let found = file_bytes.saturating_sub(data as u64).to_string();
        return Err(Error::malformed(path, expected, found));
    }
    let mut places = Vec::new();
    for (name, info) in metadata.tensors() {
        let dtype = match info.dtype {
            Named::F16 => Dtype::F16,
            Named::BF16 => Dtype::BF16,
            Named::F32 => Dtype::F32,
            Named::F64 => Dtype::F64,
            other => {
                let expected = format!("tensor {name} of type F16, BF16, F32 or F64");
                return Err(Error::malformed(path, expected, other.to_string()));
            }
        };
        let (start, end) = info.data_offsets;
        places.push(Place {
            name,
            dtype,
            shape: info.shape.clone(),
            bytes: data + start..data + end,
        });
    }
    places.sort_unstable_by(|a, b| {
        let place = |p: &Place| (p.bytes.start, p.bytes.end);
        place(a).cmp(&place(b)).then_with(|| a.name.cmp(&b.name))
    });
    Ok(places)
}
