//! Headers of `.npy` files are read as numpy reads them, or refused in words
//! (`data/goldens/npy_headers/make.py`).

use std::path::Path;

use gouda::storage::npy::{self, Dtype};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    version: u8,
    text: String,
    numpy: Option<Numpy>,
}

/// What numpy makes of a header.
#[derive(Deserialize)]
struct Numpy {
    /// None where an entry has parts.
    dtype: Option<String>,
    kind: char,
    shape: Vec<serde_json::Value>,
    fortran_order: bool,
}

/// What Python takes and no program writes, by a piece of it: refused, as one flipped bit can make it.
const ODD: [&str; 11] = [
    "'<' 'f4'",
    "\\x34",
    "(False)",
    "((3, 5))",
    "-5",
    "True)",
    "0x3",
    "5_0",
    "+5",
    "# a comment",
    "'shape': (5, 3)}",
];

/// What the message says of entries of this kind.
fn words(kind: char) -> &'static [&'static str] {
    match kind {
        'b' => &["truth values"],
        'i' | 'u' => &["whole numbers"],
        'c' => &["complex numbers"],
        'f' => &["big-endian floats", "floats of more than 64 bits"],
        'O' => &["Python objects"],
        'S' | 'U' => &["text"],
        'V' => &["structured type", "raw bytes", "several numbers an entry"],
        'M' | 'm' => &["times"],
        _ => &[],
    }
}

#[test]
fn every_header_is_read_as_numpy_does_or_refused_in_words() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/goldens/npy_headers/headers.json");
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (mut read, mut odd, mut refused) = (0, 0, 0);
    for case in &cases {
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([case.version, 0]);
        let length = (case.text.len() as u32).to_le_bytes();
        bytes.extend(&length[..if case.version == 1 { 2 } else { 4 }]);
        bytes.extend(case.text.bytes());
        // A file that has all of the data, whatever it should be.
        let found = [2, 4, 8].into_iter().find_map(|width| {
            let lens = [15, 9, 2, 6, 0, 1, 50, 150];
            lens.into_iter().find_map(|len| {
                let file_bytes = bytes.len() as u64 + len * width;
                npy::parse(Path::new("x.npy"), &bytes, file_bytes).ok()
            })
        });
        let error = || npy::parse(Path::new("x.npy"), &bytes, bytes.len() as u64).unwrap_err();
        let what = format!("version {}: {}", case.version, case.text);
        let expected = case.numpy.as_ref().and_then(|numpy| {
            let dtype = match numpy.dtype.as_deref() {
                Some("<f2") => Dtype::F16,
                Some("<f4") => Dtype::F32,
                Some("<f8") => Dtype::F64,
                _ => return None,
            };
            Some((dtype, numpy))
        });
        match (expected, &case.numpy) {
            (Some(_), _) if ODD.iter().any(|odd| case.text.contains(odd)) => {
                assert!(found.is_none(), "{what}");
                odd += 1;
            }
            (Some((dtype, numpy)), _) => {
                let header = found.unwrap_or_else(|| panic!("{what}: {}", error()));
                assert_eq!(header.dtype, dtype, "{what}");
                assert_eq!(header.fortran_order, numpy.fortran_order, "{what}");
                let shape = (numpy.shape.iter()).map(|axis| axis.as_u64().unwrap() as usize);
                assert_eq!(header.shape, shape.collect::<Vec<_>>(), "{what}");
                read += 1;
            }
            (None, numpy) => {
                assert!(found.is_none(), "{what}");
                let text = error().to_string();
                assert!(text.starts_with("x.npy: expected "), "{what}: {text}");
                if let Some(numpy) = numpy {
                    let mut words = words(numpy.kind).iter();
                    assert!(words.any(|word| text.contains(word)), "{what}: {text}");
                }
                refused += 1;
            }
        }
    }
    assert_eq!((read, odd, refused), (115, 17, 629));
}
