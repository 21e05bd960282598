//! The manifest of a recorded stream, `manifest.json`: written last, so that a folder with one is
//! whole.
//!
//! ```text
//! format, version   "gouda gradient matrix", 2
//! stream            name of the folder
//! shape             [T, P]
//! layout            tensors: name, shape, offset
//! block_rows        64: rows of one shard under one checksum
//! shards            file, params {start, end}, blocks [CRC-32 of each block's bytes]
//! rows              one array of length T a field
//! checksum          CRC-32 of all block checksums, little-endian, shard after shard
//! sketch            CRC-32 of sketch.npy
//! crc32             of this file, see [`summed`](crate::storage::summed)
//! ```
//! Version 1 had neither of the last two, and is read.
//!
//! The checksums do not depend on how recording was buffered or interrupted, only on the entries
//! and the cut into shards.

use std::ops::Range;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::Error;
use crate::nn::layout::Layout;
use crate::storage::{self, Checksum, summed};

/// What `format` says.
pub const FORMAT: &str = "gouda gradient matrix";
/// The version this program writes; it reads those before too.
pub const VERSION: u32 = 2;
/// The version before, which had no checksum of its own or of the sketch.
const UNSUMMED: u32 = 1;
/// Rows of one shard under one checksum.
pub const BLOCK_ROWS: usize = 64;
/// Updates that are told apart as `f64`, and more than anyone makes.
const UPDATES_MAX: u64 = 1 << 53;
/// Name of the manifest within the folder of a stream.
pub const FILE: &str = "manifest.json";

/// What a row of the matrix is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowMeta {
    /// First optimiser update that it covers, from 0.
    pub first_update: u64,
    /// Last one, inclusive.
    pub last_update: u64,
    /// Environment frames seen before the update, over all environments.
    pub frames: u64,
    /// Step size of the optimiser.
    pub learning_rate: f64,
    /// What clipping multiplied the gradient by; the row is from before.
    pub clip_factor: f64,
    /// Standard deviation of the advantages before they were normalised.
    pub advantage_std: f64,
    /// Digest of the frames in the minibatch, 0 where the row sums several.
    pub minibatch: u64,
    /// Euclidean norm of the row; recording computes it, whatever is given.
    pub norm: f64,
}

macro_rules! columns {
    ($($field:ident: $type:ty),*) => {
        /// What the rows are: each field of [`RowMeta`] as one array over time.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub struct Rows { $(pub $field: Vec<$type>),* }

        impl Rows {
            /// Adds a row.
            pub fn push(&mut self, meta: &RowMeta) {
                $(self.$field.push(meta.$field);)*
            }

            /// The row `row`, from 0; none beyond the last.
            pub fn get(&self, row: usize) -> Option<RowMeta> {
                Some(RowMeta { $($field: *self.$field.get(row)?),* })
            }

            /// The first field whose array is not `len` long, with its length.
            fn uneven(&self, len: usize) -> Option<(&'static str, usize)> {
                $(if self.$field.len() != len {
                    return Some((stringify!($field), self.$field.len()));
                })*
                None
            }
        }
    };
}

columns!(
    first_update: u64,
    last_update: u64,
    frames: u64,
    learning_rate: f64,
    clip_factor: f64,
    advantage_std: f64,
    minibatch: u64,
    norm: f64
);

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.norm.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.norm.is_empty()
    }

    /// The first row that ends before it begins, or beyond any count of updates.
    fn disorder(&self) -> Option<(String, String)> {
        let mut pairs = self.first_update.iter().zip(&self.last_update);
        let at = pairs.position(|(&first, &last)| first > last || last >= UPDATES_MAX)?;
        let (first, last) = (self.first_update[at], self.last_update[at]);
        Some((
            format!("first_update up to last_update, below 2^53, in row {at}"),
            format!("{first} and {last}"),
        ))
    }
}

/// One file of the matrix: a range of parameters for all of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Name of the file in the folder of the stream.
    pub file: String,
    /// The columns it holds.
    pub params: Range<usize>,
    /// Checksum of each block of [`Manifest::block_rows`] rows, the last one perhaps shorter.
    pub blocks: Vec<u32>,
}

/// The manifest of a recorded stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`], or one before.
    pub version: u32,
    /// Name of the stream: "total", "policy".
    pub stream: String,
    /// Rows and columns: recorded steps and parameters.
    pub shape: (usize, usize),
    /// What the parameters are.
    pub layout: Layout,
    /// Rows of one shard under one checksum.
    pub block_rows: usize,
    /// The files, by parameters.
    pub shards: Vec<Shard>,
    /// What the rows are.
    pub rows: Rows,
    /// Checksum of the matrix, see above.
    pub checksum: u32,
    /// Checksum of the sketch beside it; version 1 has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sketch: Option<u32>,
}

/// What another version has too.
#[derive(Deserialize)]
struct Version {
    format: String,
    version: u32,
}

impl Manifest {
    /// Writes the manifest into the folder of the stream, as compact JSON.
    pub(super) fn save(&self, dir: &Path) -> Result<(), Error> {
        Ok(summed::write(&dir.join(FILE), self)?)
    }

    /// Reads the manifest in the folder of a stream and checks that its parts fit together.
    ///
    /// # Errors
    /// There is none, or it is of another format or version, or contradicts itself, or names a
    /// file outside the folder.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(FILE);
        Self::parse(&path, &storage::read_bytes(&path)?)
    }

    /// As [`load`](Self::load), from the contents of the file; `path` is for the messages.
    ///
    /// # Errors
    /// Those of [`load`](Self::load) but for the system's.
    pub fn parse(path: &Path, contents: &[u8]) -> Result<Self, Error> {
        let unreadable = |error: serde_json::Error| {
            let expected = "the manifest of a gradient matrix";
            storage::Error::malformed(path, expected, error.to_string())
        };
        // On its own first: another version may have other fields.
        let Version { format, version } = serde_json::from_slice(contents).map_err(unreadable)?;
        if format != FORMAT || !(UNSUMMED..=VERSION).contains(&version) {
            let expected = format!("format \"{FORMAT}\" version {VERSION} (or {UNSUMMED})");
            let found = format!("format \"{format}\" version {version}");
            return Err(storage::Error::malformed(path, expected, found).into());
        }
        let manifest: Self = serde_json::from_slice(contents).map_err(unreadable)?;
        if let Some((expected, found)) = manifest.contradiction() {
            return Err(storage::Error::malformed(path, expected, found).into());
        }
        if version > UNSUMMED {
            summed::check(path, contents)?;
        }
        Ok(manifest)
    }

    fn contradiction(&self) -> Option<(String, String)> {
        let differ = |expected: String, found: String| {
            if expected == found {
                None
            } else {
                Some((expected, found))
            }
        };
        let (time_len, param_len) = self.shape;
        let columns = differ(
            format!("a layout of {param_len} parameters"),
            format!("a layout of {} parameters", self.layout.len()),
        );
        let rows = || {
            let (field, len) = self.rows.uneven(time_len)?;
            Some((
                format!("{time_len} rows"),
                format!("{len} values of {field}"),
            ))
        };
        let order = || self.rows.disorder();
        let blocks =
            || (self.block_rows == 0).then(|| ("block_rows of 1 or more".into(), "0".into()));
        let shards = || self.shards_contradict();
        let checksum = || {
            let stated = format!("checksum {}", self.checksum);
            differ(
                stated,
                format!("checksum {} of the blocks", checksum(&self.shards)),
            )
            .filter(|_| self.checksum != checksum(&self.shards))
        };
        let sketch = || {
            let is_missing = self.version > UNSUMMED && self.sketch.is_none();
            is_missing.then(|| ("the checksum of the sketch".into(), "none".into()))
        };
        columns
            .or_else(rows)
            .or_else(order)
            .or_else(blocks)
            .or_else(shards)
            .or_else(checksum)
            .or_else(sketch)
    }

    fn shards_contradict(&self) -> Option<(String, String)> {
        let (time_len, param_len) = self.shape;
        let mut covered = 0;
        for Shard {
            file,
            params,
            blocks,
        } in &self.shards
        {
            let mut parts = Path::new(file).components();
            // A slash at the end is no component of its own.
            if !matches!(
                (parts.next(), parts.next()),
                (Some(Component::Normal(name)), None) if name == file.as_str()
            ) {
                return Some(("the name of a file in the same folder".into(), file.clone()));
            }
            if params.start != covered || params.end <= covered {
                let expected = format!("parameters from {covered} on in {file}");
                return Some((expected, format!("{params:?}")));
            }
            covered = params.end;
            let blocks_len = time_len.div_ceil(self.block_rows);
            if blocks.len() != blocks_len {
                let expected = format!("{blocks_len} checksums of {file}");
                return Some((expected, blocks.len().to_string()));
            }
        }
        let expected = format!("shards of {param_len} parameters");
        (covered != param_len).then(|| (expected, covered.to_string()))
    }
}

/// The checksum of the matrix.
pub(super) fn checksum(shards: &[Shard]) -> u32 {
    let mut sum = Checksum::new();
    for block in shards.iter().flat_map(|shard| &shard.blocks) {
        sum.update(&block.to_le_bytes());
    }
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let mut rows = Rows::default();
        rows.push(&RowMeta {
            last_update: 3,
            norm: 0.1,
            minibatch: u64::MAX,
            ..RowMeta::default()
        });
        let shard = |file: &str, params, block| Shard {
            file: file.into(),
            params,
            blocks: vec![block],
        };
        let shards = vec![shard("a.npy", 0..2, 7), shard("b.npy", 2..6, u32::MAX)];
        Manifest {
            format: FORMAT.into(),
            version: VERSION,
            stream: "total".into(),
            shape: (1, 6),
            layout: Layout::new(vec![("w".into(), vec![2, 3])]),
            block_rows: BLOCK_ROWS,
            checksum: checksum(&shards),
            shards,
            rows,
            sketch: Some(5),
        }
    }

    #[test]
    fn manifests_that_contradict_themselves_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        manifest().save(dir.path()).unwrap();
        let loaded = Manifest::load(dir.path()).unwrap();
        assert_eq!(loaded, manifest());
        assert_eq!(loaded.rows.get(0).unwrap().minibatch, u64::MAX);
        assert_eq!(loaded.rows.get(1), None);

        let text = storage::read_text(&dir.path().join(FILE)).unwrap();
        let cases = [
            (
                "\"version\":2",
                "\"version\":3",
                "version 2 (or 1), found format",
            ),
            ("gouda gradient", "other", "found format \"other matrix\""),
            (
                "\"shape\":[1,6]",
                "\"shape\":[1,7]",
                "expected a layout of 7 parameters",
            ),
            (
                "\"shape\":[1,6]",
                "\"shape\":[2,6]",
                "expected 2 rows, found 1 values of first_update",
            ),
            (
                "\"norm\":[0.1]",
                "\"norm\":[]",
                "expected 1 rows, found 0 values of norm",
            ),
            (
                "\"last_update\":[3]",
                "\"last_update\":[18446744073709551615]",
                "below 2^53, in row 0, found 0 and 18446744073709551615",
            ),
            (
                "\"block_rows\":64",
                "\"block_rows\":0",
                "block_rows of 1 or more, found 0",
            ),
            (
                "a.npy",
                "../a.npy",
                "file in the same folder, found ../a.npy",
            ),
            (
                "a.npy",
                "/etc/passwd",
                "file in the same folder, found /etc/passwd",
            ),
            ("a.npy", "..", "file in the same folder, found .."),
            ("a.npy", "a.npy/", "file in the same folder, found a.npy/"),
            ("a.npy", "a.npy/.", "file in the same folder, found a.npy/."),
            ("a.npy", "", "file in the same folder, found "),
            (
                "\"start\":2",
                "\"start\":3",
                "parameters from 2 on in b.npy, found 3..6",
            ),
            (
                "\"end\":2",
                "\"end\":0",
                "parameters from 0 on in a.npy, found 0..0",
            ),
            ("\"end\":6", "\"end\":5", "shards of 6 parameters, found 5"),
            ("[7]", "[7,7]", "1 checksums of a.npy, found 2"),
            ("[7]", "[8]", "of the blocks"),
            ("\"rows\"", "\"lines\"", "missing field `rows`"),
            (",\"sketch\":5", "", "expected the checksum of the sketch"),
            ("\"norm\":[0.1]", "\"norm\":[0.2]", "at the end, found"),
            ("\"crc32\"", "\"crc33\"", "at the end, found"),
        ];
        for (from, to, message) in cases {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            storage::atomic::write(&dir.path().join(FILE), changed.as_bytes()).unwrap();
            let error = Manifest::load(dir.path()).unwrap_err().to_string();
            assert!(error.contains(message), "{error} / {message}");
        }
        for len in 0..text.len() - 1 {
            storage::atomic::write(&dir.path().join(FILE), &text.as_bytes()[..len]).unwrap();
            assert!(Manifest::load(dir.path()).is_err());
        }
    }
}
