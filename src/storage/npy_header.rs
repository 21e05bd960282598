//! The header of a `.npy` file: little-endian `f2`, `f4` and `f8` by any of numpy's names, C or Fortran
//! order. What is written here is `<f4` and `<f8` in C order.
//!
//! ```text
//! 0   6   "\x93NUMPY"
//! 6   2   version 1, 0
//! 8   2   u16: length of what follows up to the data
//! 10  .   {'descr': '<f4', 'fortran_order': False, 'shape': (976, 44661), }   spaces   \n
//! 64k .   the data, axis 0 slowest, or fastest where fortran_order is True
//! ```
//! Headers are byte for byte numpy's own (`numpy.lib.format`, 2.x): spaces hold the place of 21
//! digits for axis 0, so that it can grow in place, and the data begins at a multiple of 64.
//! The reader takes versions 1 to 3, in the first two with the `30L` of Python 2, and refuses what it
//! does not fully understand, in words.

use std::path::Path;

use super::Error;
use super::dtype::Dtype;
use super::npy_dictionary::{self, Dictionary, begins};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
const ALIGN: usize = 64;
/// Digits that axis 0 may grow to (numpy's `GROWTH_AXIS_MAX_DIGITS`).
const GROWTH_DIGITS: usize = 21;
/// Longest header that is looked at: shapes are short, so more than this is damage.
pub const MAX_HEADER_BYTES: usize = 1 << 16;

/// What a header says, checked against the length of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type of the entries.
    pub dtype: Dtype,
    /// Lengths of the axes, slowest first.
    pub shape: Vec<usize>,
    /// Whether the type is spelled as numpy spells it when it writes, `<f4`: `f4` and `|f4`, which one
    /// flipped bit can make of it, are the same to numpy.
    pub is_plain: bool,
    /// Whether axis 0 is the fastest and not the last.
    pub fortran_order: bool,
    /// Where the data begins.
    pub data_offset: usize,
}

impl Header {
    /// Number of entries; it does not overflow in a header that was read.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The header for data of this type and shape. Its length does not depend on `shape[0]`.
pub fn header(dtype: Dtype, shape: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let tuple = match axes.as_slice() {
        [only] => format!("({only},)"),
        _ => format!("({})", axes.join(", ")),
    };
    let mut text = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': {tuple}, }}",
        dtype.descr()
    );
    if let Some(first) = axes.first() {
        text.push_str(&" ".repeat(GROWTH_DIGITS - first.len()));
    }
    let unpadded = MAGIC.len() + 4 + text.len() + 1;
    // numpy adds a whole line of padding where none is needed, and so must equal bytes.
    text.push_str(&" ".repeat(ALIGN - unpadded % ALIGN));
    text.push('\n');

    let text_len = u16::try_from(text.len()).expect("a shape of fewer than 3,000 axes");
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend(text_len.to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

/// Reads a header from `head`, the beginning of a file of `file_bytes` bytes (the whole of it, or
/// at least 64 KiB); `path` is for the messages.
///
/// # Errors
/// Anything but a sound header followed by exactly the data it announces.
pub fn parse(path: &Path, head: &[u8], file_bytes: u64) -> Result<Header, Error> {
    let wrong = |expected: &str, found: String| Error::malformed(path, expected, found);
    if head.get(..6) != Some(MAGIC) {
        let found = foreign(head).map_or_else(|| begins(head), Into::into);
        return Err(wrong("a .npy file, which begins with \\x93NUMPY", found));
    }
    let (length_bytes, text_len) = match (head.get(6..8), head.get(8..10), head.get(8..12)) {
        (Some([1, 0]), Some(&[a, b]), _) => (2, usize::from(u16::from_le_bytes([a, b]))),
        (Some([2 | 3, 0]), _, Some(&[a, b, c, d])) => (
            4,
            usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX),
        ),
        (Some([1..=3, 0]), _, _) => {
            return Err(wrong(
                "a header",
                format!("the end of the file after {file_bytes} bytes"),
            ));
        }
        (Some(version), _, _) => {
            return Err(wrong(
                ".npy version 1, 2 or 3",
                format!("version {version:?}"),
            ));
        }
        (None, _, _) => return Err(wrong("a version", "the end of the file".into())),
    };
    let start = 8 + length_bytes;
    if text_len > MAX_HEADER_BYTES - start {
        return Err(wrong(
            "a header of less than 64 KiB",
            format!("{text_len} bytes"),
        ));
    }
    let data_offset = start + text_len;
    let Some(text) = head.get(start..data_offset) else {
        let found = format!("the end of the file after {file_bytes}");
        return Err(wrong(&format!("a header of {text_len} bytes"), found));
    };
    let python2 = matches!(head.get(6), Some(1 | 2));
    let Dictionary {
        dtype,
        is_plain,
        fortran_order,
        shape,
    } = npy_dictionary::parse(text, python2)
        .map_err(|(expected, found)| wrong(&format!("{expected} in the .npy header"), found))?;

    let data_bytes = shape
        .iter()
        .try_fold(dtype.bytes(), |bytes, &axis| bytes.checked_mul(axis))
        .filter(|&bytes| isize::try_from(bytes).is_ok())
        .ok_or_else(|| {
            wrong(
                "a shape that fits in memory addresses",
                format!("{shape:?}"),
            )
        })?;
    let found_bytes = file_bytes.saturating_sub(data_offset as u64);
    if found_bytes != data_bytes as u64 {
        let expected = format!("{data_bytes} bytes of data for shape {shape:?}");
        return Err(wrong(&expected, format!("{found_bytes}")));
    }
    Ok(Header {
        dtype,
        is_plain,
        shape,
        fortran_order,
        data_offset,
    })
}

/// What files of another kind are that people have in the place of a `.npy`.
fn foreign(head: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 4] = [
        (
            b"PK",
            "an archive, as .npz and torch's .pt are: save the array in it on its own, with numpy.save",
        ),
        (b"\x89HDF", "HDF5: save the array in it with numpy.save"),
        (b"\x80", "a pickle: save the array in it with numpy.save"),
        (b"\x1f\x8b", "a gzip file: unpack it first"),
    ];
    let found = kinds.iter().find(|(begin, _)| head.starts_with(begin));
    found.map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A version 1.0 header around `text`, followed by `data_bytes` zeros.
    fn file(text: &str, data_bytes: usize) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.resize(bytes.len() + data_bytes, 0);
        bytes
    }

    fn parse_all(bytes: &[u8]) -> Result<Header, Error> {
        parse(Path::new("x.npy"), bytes, bytes.len() as u64)
    }

    #[test]
    fn headers_are_those_of_numpy() {
        // numpy 2.4.6: io.BytesIO, numpy.lib.format.write_array_header_1_0.
        let expected = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, \
            'shape': (976, 44661), }                                                    \n";
        let bytes = header(Dtype::F32, &[976, 44661]);
        assert_eq!(bytes.len(), 128);
        assert_eq!(
            bytes.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
        // A header that needs no padding gets a whole line of it: 192 bytes would do.
        assert_eq!(header(Dtype::F32, &[1; 36]).len(), 256);
    }

    #[test]
    fn axis_0_grows_in_place() {
        let empty = header(Dtype::F32, &[0, 12345]);
        let full = header(Dtype::F32, &[usize::MAX, 12345]);
        assert_eq!(empty.len(), full.len());
    }

    #[test]
    fn files_that_are_refused_and_why() {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
        assert_eq!(parse_all(&file(good, 24)).unwrap().shape, [2, 3]);
        let with_shape = |shape: &str| good.replace("(2, 3)", shape);
        let cases: &[(Vec<u8>, &str)] = &[
            (
                vec![],
                "expected a .npy file, which begins with \\x93NUMPY, found the end",
            ),
            (
                b"PK\x03\x04 an .npz".to_vec(),
                "found an archive, as .npz and torch's .pt are",
            ),
            (b"\x93NUMPY".to_vec(), "expected a version"),
            (
                b"\x93NUMPY\x04\x00....".to_vec(),
                "version 1, 2 or 3, found version [4, 0]",
            ),
            (
                b"\x93NUMPY\x01\x00v".to_vec(),
                "expected a header, found the end of the file after 9",
            ),
            (
                file(good, 0)[..40].to_vec(),
                "a header of 60 bytes, found the end of the file",
            ),
            (
                b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(),
                "less than 64 KiB, found 4294967295",
            ),
            (
                file(good, 23),
                "expected 24 bytes of data for shape [2, 3], found 23",
            ),
            (
                file(good, 25),
                "expected 24 bytes of data for shape [2, 3], found 25",
            ),
            (
                file(&good.replace("(2, 3)", "(2L, 3 L)"), 24),
                "a comma or )",
            ),
            (
                file(&good.replace("False", "0"), 24),
                "fortran_order True or False",
            ),
            (
                file(&good.replace("'shape'", "'form'"), 24),
                "one of descr, fortran_order, shape",
            ),
            (
                file(&good.replace("'fortran_order'", "'descr'"), 24),
                "expected a string",
            ),
            (
                file("{'descr': '<f4', 'descr': '<f4'}", 24),
                "each key once",
            ),
            (
                file("{'descr': '<f4', 'shape': (2, 3)}", 24),
                "all of descr, fortran_order, shape",
            ),
            (file(&good.replace(", }", ", } x"), 24), "nothing after }"),
            (file(&good.replace(", }", " "), 24), "a comma or }"),
            (file("", 24), "expected { in the .npy header"),
            (file("{'descr", 24), "a closing quote"),
            (file(&with_shape("(6)"), 24), "a comma in the .npy header"),
            (
                file(&with_shape("(2, -3)"), 24),
                "an axis length of 64 bits",
            ),
            (file(&with_shape("(2,03)"), 24), "an axis length of 64 bits"),
            (
                file(&with_shape("(2, 99999999999999999999)"), 24),
                "an axis length of 64 bits",
            ),
            (
                file(&with_shape("(4294967296, 4294967296)"), 24),
                "fits in memory addresses",
            ),
            (
                file(&with_shape("(2305843009213693952,)"), 24),
                "fits in memory addresses",
            ),
            (file(&with_shape("[2, 3]"), 24), "a shape in parentheses"),
        ];
        for (bytes, message) in cases {
            let error = parse_all(bytes).expect_err(message).to_string();
            assert!(
                error.starts_with("x.npy: ") && error.contains(message),
                "{error} / {message}"
            );
        }
    }

    #[test]
    fn newer_versions_and_other_spellings_are_read() {
        let text = r#"{"shape":(),"fortran_order":False,"descr":"<f8"}"#;
        let mut bytes = b"\x93NUMPY\x03\x00".to_vec();
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(1.5f64.to_le_bytes());
        let header = parse_all(&bytes).unwrap();
        assert_eq!((header.dtype, header.len()), (Dtype::F64, 1));
        let fortran = "{'descr': '<f2', 'fortran_order': True, 'shape': (2, 3), }\n";
        let header = parse_all(&file(fortran, 12)).unwrap();
        assert_eq!((header.dtype, header.fortran_order), (Dtype::F16, true));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(tail in prop::collection::vec(any::<u8>(), 0..80), at in 0usize..60) {
            let mut bytes =
                file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24);
            bytes.truncate(10 + at);
            bytes.extend(tail);
            let _ = parse_all(&bytes);
        }
    }
}
