//! Reads a gradient matrix through memory maps: the folder of a recorded stream, or one plain
//! `.npy` file of shape `(T, P)`, anyone's.
//!
//! Memory: none of its own but pages that the system may take back. A shard is announced to the
//! system when a tile begins at its first column, so that a pass over tiles in order reads the
//! disk shard by shard, ahead of use.

use std::ops::Range;
use std::path::Path;

use super::error::{check_finite, check_tile};
use super::manifest::{Manifest, Rows};
use super::{Error, GradientMatrix};
use crate::nn::layout::Layout;
use crate::storage::npy::{self, Dtype};
use crate::storage::{self, Map, checksum};

/// One file of the matrix.
#[derive(Debug)]
struct Mapped {
    map: Map,
    params: Range<usize>,
    data_offset: usize,
    data_len: usize,
}

impl Mapped {
    /// Maps the file at `path`; `expected` is its shape where it is known.
    fn open(path: &Path, start: usize, expected: Option<[usize; 2]>) -> Result<Self, Error> {
        let map = Map::open(path)?;
        let header = npy::parse(path, map.bytes(), map.bytes().len() as u64)?;
        if header.dtype != Dtype::F32 {
            let (expected, found) = (Dtype::F32.descr(), header.dtype.descr());
            return Err(storage::Error::malformed(path, expected, found).into());
        }
        let shape = match (header.shape.as_slice(), expected) {
            (&[rows, columns], None) => [rows, columns],
            (shape, Some(expected)) if shape == expected => expected,
            (shape, expected) => {
                let expected = expected.map_or("two axes, time and parameters".into(), |shape| {
                    format!("shape {shape:?}")
                });
                return Err(
                    storage::Error::malformed(path, expected, format!("shape {shape:?}")).into(),
                );
            }
        };
        let (data_offset, data_len) = (header.data_offset, header.len());
        map.f32s(data_offset, data_len)?;
        Ok(Self {
            map,
            params: start..start + shape[1],
            data_offset,
            data_len,
        })
    }

    fn values(&self) -> Result<&[f32], Error> {
        Ok(self.map.f32s(self.data_offset, self.data_len)?)
    }
}

/// A gradient matrix in files.
#[derive(Debug)]
pub struct Matrix {
    shape: (usize, usize),
    shards: Vec<Mapped>,
    manifest: Option<Manifest>,
}

impl Matrix {
    /// Opens the folder of a stream, or one `.npy` file of little-endian `f4` and two axes.
    ///
    /// # Errors
    /// A file is missing, cannot be read, or has not the length, type or shape that it should.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !path.is_dir() {
            let plain = Mapped::open(path, 0, None)?;
            let param_len = plain.params.len();
            let time_len = plain.data_len.checked_div(param_len).unwrap_or(0);
            return Ok(Self {
                shape: (time_len, param_len),
                shards: vec![plain],
                manifest: None,
            });
        }
        let manifest = Manifest::load(path)?;
        let mut shards = Vec::with_capacity(manifest.shards.len());
        for shard in &manifest.shards {
            let expected = [manifest.shape.0, shard.params.len()];
            shards.push(Mapped::open(
                &path.join(&shard.file),
                shard.params.start,
                Some(expected),
            )?);
        }
        Ok(Self {
            shape: manifest.shape,
            shards,
            manifest: Some(manifest),
        })
    }

    /// What the rows are, for a recorded stream.
    pub fn rows(&self) -> Option<&Rows> {
        self.manifest.as_ref().map(|manifest| &manifest.rows)
    }

    /// What the parameters are, for a recorded stream.
    pub fn layout(&self) -> Option<&Layout> {
        self.manifest.as_ref().map(|manifest| &manifest.layout)
    }

    /// The manifest, for a recorded stream.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Copies the row `row` into `out`, one entry a parameter.
    ///
    /// # Errors
    /// There is no such row, or `out` has another length.
    pub fn read_row(&self, row: usize, out: &mut [f32]) -> Result<(), Error> {
        if row >= self.shape.0 || out.len() != self.shape.1 {
            return Err(Error::shape(
                "row",
                format!("one below {} of {} parameters", self.shape.0, self.shape.1),
                format!("row {row} of {}", out.len()),
            ));
        }
        for shard in &self.shards {
            let width = shard.params.len();
            let values = &shard.values()?[row * width..(row + 1) * width];
            out[shard.params.clone()].copy_from_slice(values);
        }
        Ok(())
    }

    /// Recomputes all checksums. Reads the whole matrix. A plain file has none.
    ///
    /// # Errors
    /// The first block that is damaged, by file and rows.
    pub fn verify(&self) -> Result<(), Error> {
        let Some(manifest) = &self.manifest else {
            return Ok(());
        };
        for (mapped, shard) in self.shards.iter().zip(&manifest.shards) {
            mapped.map.advise_sequential();
            let block_len = manifest.block_rows.saturating_mul(shard.params.len());
            let blocks = mapped.values()?.chunks(block_len);
            for (index, (block, &expected)) in blocks.zip(&shard.blocks).enumerate() {
                let found = checksum::of_f32s(block);
                if found != expected {
                    let first = index * manifest.block_rows;
                    let last = first + block.len() / shard.params.len() - 1;
                    let expected = format!("CRC {expected:08x} for rows {first} to {last}");
                    let found = format!("{found:08x}: the file is damaged");
                    let path = mapped.map.path();
                    return Err(storage::Error::malformed(path, expected, found).into());
                }
            }
        }
        Ok(())
    }
}

impl GradientMatrix for Matrix {
    fn time_len(&self) -> usize {
        self.shape.0
    }

    fn param_len(&self) -> usize {
        self.shape.1
    }

    fn read(&self, params: Range<usize>, out: &mut [f32]) -> Result<(), Error> {
        check_tile(self, &params, out.len())?;
        if params.is_empty() {
            return Ok(());
        }
        let first = self
            .shards
            .partition_point(|shard| shard.params.end <= params.start);
        for shard in self.shards[first..]
            .iter()
            .take_while(|shard| shard.params.start < params.end)
        {
            let start = params.start.max(shard.params.start);
            let end = params.end.min(shard.params.end);
            if start == shard.params.start && self.manifest.is_some() {
                shard.map.advise_will_need(0..shard.map.bytes().len());
            }
            let within = start - shard.params.start..end - shard.params.start;
            let place = start - params.start..end - params.start;
            let rows = shard.values()?.chunks_exact(shard.params.len());
            for (row, (values, out)) in rows.zip(out.chunks_exact_mut(params.len())).enumerate() {
                let values = &values[within.clone()];
                check_finite(values, row, start, self.layout(), || {
                    shard.map.path().display().to_string()
                })?;
                out[place.clone()].copy_from_slice(values);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recorder::Recorder;
    use super::super::{Dense, RowMeta};
    use super::*;

    /// A recorded stream of `rows` x `cols`, in shards of `width` columns or so, and its entries.
    fn stream(dir: &Path, rows: usize, cols: usize, width: usize) -> Dense {
        let layout = Layout::new(vec![("w".into(), vec![cols])]);
        let mut recorder = Recorder::create(dir, &layout, rows, (width * rows * 4) as u64).unwrap();
        let values: Vec<f32> = (0..rows * cols).map(|i| (i as f32 * 0.37).sin()).collect();
        for (t, row) in values.chunks_exact(cols).enumerate() {
            let update = t as u64;
            let meta = RowMeta {
                first_update: update,
                last_update: update,
                ..RowMeta::default()
            };
            recorder.push(row, meta).unwrap();
        }
        recorder.seal().unwrap();
        Dense::new(rows, cols, values).unwrap()
    }

    fn overwrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = storage::read_bytes(path).unwrap();
        change(&mut bytes);
        storage::atomic::write(path, &bytes).unwrap();
    }

    fn tile(matrix: &dyn GradientMatrix, params: Range<usize>) -> Result<Vec<f32>, Error> {
        let mut out = vec![f32::NAN; matrix.time_len() * params.len()];
        matrix.read(params, &mut out).map(|()| out)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_tile_of_any_shards_is_that_of_the_matrix(
            rows in 1usize..150, cols in 1usize..90, width in 1usize..40, a in 0usize..90, b in 0usize..90,
        ) {
            let tmp = tempfile::tempdir().unwrap();
            let dense = stream(tmp.path(), rows, cols, width);
            let matrix = Matrix::open(tmp.path()).unwrap();
            matrix.verify().unwrap();
            prop_assert_eq!((matrix.time_len(), matrix.param_len()), (rows, cols));
            prop_assert_eq!(matrix.rows().unwrap().get(rows - 1).unwrap().last_update, rows as u64 - 1);
            let (a, b) = (a.min(b).min(cols), a.max(b).min(cols));
            prop_assert_eq!(tile(&matrix, a..b).unwrap(), tile(&dense, a..b).unwrap());
            prop_assert!(tile(&matrix, a..cols + 1).is_err());
            let mut row = vec![f32::NAN; cols];
            matrix.read_row(a % rows, &mut row).unwrap();
            prop_assert_eq!(&row, dense.row(a % rows));
            prop_assert!(matrix.read_row(rows, &mut row).is_err());

            let plain = tmp.path().join("plain.npy");
            npy::write_f32(&plain, &[rows, cols], dense.values()).unwrap();
            let matrix = Matrix::open(&plain).unwrap();
            prop_assert_eq!(tile(&matrix, a..b).unwrap(), tile(&dense, a..b).unwrap());
            prop_assert!(matrix.layout().is_none() && matrix.rows().is_none());
        }
    }

    #[test]
    fn damage_is_told_by_file_and_place() {
        let tmp = tempfile::tempdir().unwrap();
        stream(tmp.path(), 150, 48, 16);
        let shard = tmp.path().join("shard-00001.npy");
        let message = || Matrix::open(tmp.path()).unwrap_err().to_string();

        // One bit in row 70 of the second shard.
        let at = 128 + (70 * 16 + 3) * 4 + 1;
        overwrite(&shard, |bytes| bytes[at] ^= 4);
        let error = Matrix::open(tmp.path())
            .unwrap()
            .verify()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("shard-00001.npy: expected CRC ")
                && error.contains(" for rows 64 to 127, found "),
            "{error}"
        );

        overwrite(&shard, |bytes| {
            bytes[at - 1..at + 3].copy_from_slice(&f32::INFINITY.to_le_bytes())
        });
        let matrix = Matrix::open(tmp.path()).unwrap();
        assert!(tile(&matrix, 0..19).is_ok());
        let error = tile(&matrix, 0..20).unwrap_err().to_string();
        assert!(
            error.contains("shard-00001.npy: row 70, column 19 (w[19]) is inf"),
            "{error}"
        );

        let original = storage::read_bytes(&shard).unwrap();
        overwrite(&shard, |bytes| bytes.truncate(9000));
        assert!(
            message().contains(
                "shard-00001.npy: expected 9600 bytes of data for shape [150, 16], found 8872"
            ),
            "{}",
            message()
        );
        npy::write_f32(&shard, &[150, 8], &[0.0; 150 * 8]).unwrap();
        assert!(
            message().ends_with("shard-00001.npy: expected shape [150, 16], found shape [150, 8]"),
            "{}",
            message()
        );
        npy::write_f64(&shard, &[150, 16], &[0.0; 150 * 16]).unwrap();
        assert!(message().ends_with("shard-00001.npy: expected <f4, found <f8"));
        std::fs::remove_file(&shard).unwrap();
        assert!(message().contains("cannot open") && message().contains("shard-00001.npy"));
        storage::atomic::write(&shard, &original).unwrap();
        Matrix::open(tmp.path()).unwrap();
        std::fs::remove_file(tmp.path().join("manifest.json")).unwrap();
        assert!(message().contains("cannot read") && message().contains("manifest.json"));
    }

    #[test]
    fn plain_files_of_other_shapes_are_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("x.npy");
        npy::write_f32(&path, &[6], &[0.0; 6]).unwrap();
        let error = Matrix::open(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("expected two axes, time and parameters, found shape [6]"),
            "{error}"
        );
        assert!(Matrix::open(&tmp.path().join("none.npy")).is_err());
    }
}
