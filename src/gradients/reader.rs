//! Reads a gradient matrix through memory maps, or without them: the folder of a recorded stream; one plain `.npy`
//! file of two axes, anyone's; a folder of such files that lie side by side, as
//! `dask.array.to_npy_stack` leaves them; or a folder of one step a file.
//!
//! Memory: none of its own but pages that the system may take back; without maps, a row of what
//! is read. A shard is announced to the
//! system when a block begins at its first entry, so that a pass over tiles in order reads the
//! disk shard by shard, ahead of use.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::check::check_block;
use super::folder;
use super::manifest::{self, Manifest, Rows};
use super::opened::Opened;
use super::reading::Reading;
use super::source::{Axes, Source};
use super::{Error, GradientMatrix, mistaken};
use crate::nn::layout::Layout;
use crate::storage::npy::Dtype;
use crate::storage::{self, Access};

/// A gradient matrix in files.
#[derive(Debug)]
pub struct Matrix {
    shape: (usize, usize),
    pub(super) sources: Vec<Source>,
    pub(super) manifest: Option<Manifest>,
    /// What the parameters are, where it is not the manifest that says.
    layout: Option<Layout>,
    stack_axis: Option<usize>,
    path: PathBuf,
    ahead: Ahead,
}

/// What the disk is asked for before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ahead {
    /// The file, whole, where a pass comes to it.
    Files,
    /// The next columns.
    Bands,
    /// Nothing: files that each hold a part of time are read a piece at a time.
    Nothing,
}

impl Matrix {
    /// Opens the folder of a stream, or one `.npy` file whose rows are time.
    ///
    /// # Errors
    /// A file is missing, cannot be read, or has not the length, type or shape that it should.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_as(path, Reading::default())
    }

    /// Opens a folder or a file, read as `reading` says.
    ///
    /// # Errors
    /// As [`open`](Self::open); an axis that is neither 0 nor 1.
    pub fn open_as(path: &Path, reading: Reading) -> Result<Self, Error> {
        for axis in [Some(reading.time_axis), reading.stack_axis]
            .into_iter()
            .flatten()
        {
            if axis > 1 {
                return Err(Error::shape("axis", "0 or 1", axis));
            }
        }
        let mut manifest = None;
        let opened = if !storage::is_directory(path)? {
            mistaken::refuse_step(path)?;
            let source = Source::open(path, reading.access, Axes::Two)?;
            Opened::of(vec![source])
        } else {
            mistaken::refuse_run(path)?;
            if storage::exists(&path.join(manifest::FILE))? {
                if reading.time_axis != 0 {
                    let expected = "time on axis 0 in a folder with a manifest";
                    return Err(Error::shape("axis", expected, reading.time_axis));
                }
                let read = Manifest::load(path)?;
                let sources = of_manifest(path, &read, reading.access)?;
                manifest = Some(read);
                Opened::of(sources)
            } else {
                folder::open(path, reading)?
            }
        };
        let Opened {
            sources,
            layout,
            stack_axis,
        } = opened;
        let last = sources.last().expect("each of them has at least one file");
        let (rows, columns) = (last.rows.end, last.columns.end);
        let transposed = reading.time_axis == 1;
        Ok(Self {
            shape: if transposed {
                (columns, rows)
            } else {
                (rows, columns)
            },
            sources: sources
                .into_iter()
                .map(|source| source.reading(transposed, reading.mask))
                .collect(),
            manifest,
            layout,
            stack_axis,
            path: path.to_owned(),
            ahead: Ahead::Files,
        })
    }

    /// The same matrix with names for its parameters, `layout`, which is one of as many.
    ///
    /// # Errors
    /// Of more parameters or of fewer; another than the matrix says itself.
    pub fn with_layout(mut self, layout: Layout) -> Result<Self, Error> {
        let (expected, found) = (self.shape.1, layout.len());
        if expected != found {
            let expected = format!("{expected} parameters in all, as the matrix has");
            return Err(Error::shape("layout", expected, found));
        }
        if let Some(own) = self.layout() {
            if *own != layout {
                let mut pairs = own.tensors.iter().zip(&layout.tensors);
                let (a, b) = pairs.find(|(a, b)| a != b).map_or_else(
                    || {
                        (
                            own.tensors.len().to_string(),
                            layout.tensors.len().to_string(),
                        )
                    },
                    |(a, b)| {
                        (
                            format!("{} {:?}", a.name, a.shape),
                            format!("{} {:?}", b.name, b.shape),
                        )
                    },
                );
                let expected = format!("the tensors that the matrix itself names, {a}");
                return Err(Error::shape("layout", expected, b));
            }
            return Ok(self);
        }
        self.layout = Some(layout);
        Ok(self)
    }

    /// Opens the folder of a stream that was recorded and sealed: one with a manifest.
    ///
    /// # Errors
    /// As [`open`](Self::open); a folder without a manifest.
    pub fn recorded(path: &Path, access: Access) -> Result<Self, Error> {
        let file = path.join(manifest::FILE);
        if !storage::exists(&file)? {
            // What the system says of it: it may be there and closed to us.
            storage::read_bytes(&file)?;
        }
        Self::open_as(path, Reading::by(access))
    }

    /// What the rows are, for a recorded stream.
    pub fn rows(&self) -> Option<&Rows> {
        self.manifest.as_ref().map(|manifest| &manifest.rows)
    }

    /// What the parameters are, where the files say or it [was given](Self::with_layout).
    pub fn layout(&self) -> Option<&Layout> {
        let recorded = self.manifest.as_ref().map(|manifest| &manifest.layout);
        recorded.or(self.layout.as_ref())
    }

    /// The axis of the files along which several lie side by side; none for a stream and for one step a file.
    pub fn stack_axis(&self) -> Option<usize> {
        self.stack_axis
    }

    /// The manifest, for a recorded stream.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many files it is in.
    pub fn files_len(&self) -> usize {
        self.sources.len()
    }

    /// Prepares for more than memory holds: one plain file whose rows are time is then asked of the disk
    /// in bands of columns, ahead of their use. Shards are short enough to be asked for whole; files that
    /// each hold a part of time are not asked for.
    pub fn expect_disk(&mut self) {
        if let [source] = self.sources.as_slice() {
            if source.is_by_time() {
                source.file.advise_random();
                self.ahead = Ahead::Bands;
            }
        } else if self.sources.iter().any(|s| s.time().len() < self.shape.0) {
            self.ahead = Ahead::Nothing;
        }
    }

    fn read_as<T: super::entry::Entry>(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [T],
    ) -> Result<(), Error> {
        check_block(self, &rows, &params, out.len())?;
        if params.is_empty() || rows.is_empty() {
            return Ok(());
        }
        let first = self.first_of(rows.start, params.start);
        for source in &self.sources[first..] {
            if source.params().start >= params.end || source.time().start >= rows.end {
                break;
            }
            self.announce(source, rows.start, &params);
            source
                .read(&rows, &params, out)
                .map_err(|error| self.with_parameter(error))?;
        }
        Ok(())
    }

    /// The file that a block from this row and column on begins in. Files are in order of both axes:
    /// those that end before the block come first.
    fn first_of(&self, row: usize, param: usize) -> usize {
        self.sources
            .partition_point(|source| source.params().end <= param || source.time().end <= row)
    }

    /// Asks the disk for what follows, where a block that begins at `row` is the first of its columns.
    fn announce(&self, source: &Source, row: usize, params: &Range<usize>) {
        if row != source.time().start {
            return;
        }
        let is_first = self.sources.len() > 1 && params.contains(&source.params().start);
        match self.ahead {
            Ahead::Bands => source.announce(params),
            Ahead::Files if is_first => source.file.advise_will_need(0..source.file.len()),
            Ahead::Files | Ahead::Nothing => {}
        }
    }

    /// Adds the parameter's name where it is known.
    fn with_parameter(&self, mut error: Error) -> Error {
        if let (
            Error::NonFinite {
                column, parameter, ..
            },
            Some(layout),
        ) = (&mut error, self.layout())
            && *column < layout.len()
        {
            let (tensor, index) = layout.locate(*column);
            *parameter = format!(" ({}[{index}])", tensor.name);
        }
        error
    }
}

/// How many entries of `part`, which is one of `matrix`, are masked: one reading.
///
/// # Errors
/// Those of reading.
pub fn non_finite_len(matrix: &Matrix, part: &dyn GradientMatrix) -> Result<u64, Error> {
    let masked = || matrix.sources.iter().map(Source::masked).sum::<u64>();
    let before = masked();
    let (time_len, param_len) = (part.time_len(), part.param_len());
    if time_len == 0 {
        return Ok(0);
    }
    let mut block = Vec::new();
    for start in (0..param_len).step_by(1024) {
        let params = start..param_len.min(start + 1024);
        for first in (0..time_len).step_by(1024) {
            let rows = first..time_len.min(first + 1024);
            block.resize(rows.len() * params.len(), 0.0);
            part.read_block_f64(rows, params.clone(), &mut block)?;
        }
    }
    Ok(masked() - before)
}

/// The shards that a manifest names.
fn of_manifest(path: &Path, manifest: &Manifest, access: Access) -> Result<Vec<Source>, Error> {
    let open = |shard: &manifest::Shard| {
        let expected = [manifest.shape.0, shard.params.len()];
        let file = storage::manifest::inside(path, &shard.file)?;
        let source = Source::open(&file, access, Axes::Exactly(expected))?;
        Ok(source.at(0, shard.params.start))
    };
    if manifest.shards.is_empty() {
        let expected = "a manifest that names a shard";
        let file = path.join(manifest::FILE);
        return Err(storage::Error::malformed(&file, expected, "none").into());
    }
    manifest.shards.iter().map(open).collect()
}

impl GradientMatrix for Matrix {
    fn time_len(&self) -> usize {
        self.shape.0
    }

    fn param_len(&self) -> usize {
        self.shape.1
    }

    fn is_double(&self) -> bool {
        self.sources.iter().any(|source| source.dtype == Dtype::F64)
    }

    fn pass_bytes(&self) -> u64 {
        let bytes = |source: &Source| source.data_len() as u64;
        self.sources.iter().map(bytes).sum()
    }

    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), Error> {
        self.read_as(rows, params, out)
    }

    fn read_block_f64(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f64],
    ) -> Result<(), Error> {
        self.read_as(rows, params, out)
    }

    fn row_in_memory(&self, row: usize, params: &Range<usize>) -> Option<&[f32]> {
        let at = self.first_of(row, params.start);
        let source = self.sources.get(at)?;
        let piece = source.row_in_memory(row, params)?;
        self.announce(source, row, params);
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recorder::Recorder;
    use super::super::{Dense, RowMeta};
    use super::*;
    use crate::storage::npy;

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
            let at = a % rows;
            matrix.read_block(at..at + 1, 0..cols, &mut row).unwrap();
            prop_assert_eq!(&row, dense.row(at));
            prop_assert!(matrix.read_block(rows..rows + 1, 0..cols, &mut row).is_err());

            let plain = tmp.path().join("plain.npy");
            npy::write_f32(&plain, &[rows, cols], dense.values()).unwrap();
            let mut matrix = Matrix::open(&plain).unwrap();
            if rows % 2 == 0 {
                matrix.expect_disk();
            }
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
        assert!(Matrix::open(tmp.path()).unwrap().is_double());
        std::fs::remove_file(&shard).unwrap();
        assert!(message().contains("cannot open") && message().contains("shard-00001.npy"));
        storage::atomic::write(&shard, &original).unwrap();
        Matrix::open(tmp.path()).unwrap();
        std::fs::remove_file(tmp.path().join("manifest.json")).unwrap();
        assert!(message().contains("cannot read") && message().contains("manifest.json"));
    }

    /// A `.npy` file of whole numbers `entry(row, column)`, as numpy writes it.
    fn write(
        path: &Path,
        descr: &str,
        fortran: bool,
        shape: [usize; 2],
        entry: impl Fn(usize, usize) -> i32,
    ) {
        let order = if fortran { "True" } else { "False" };
        let text = format!(
            "{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({}, {}), }}\n",
            shape[0], shape[1]
        );
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        let (outer, inner) = if fortran {
            (shape[1], shape[0])
        } else {
            (shape[0], shape[1])
        };
        for i in 0..outer {
            for j in 0..inner {
                let value = if fortran { entry(j, i) } else { entry(i, j) };
                match descr {
                    // Whole numbers below 16 as halves: exponent and fraction by hand.
                    "<f2" if value == 0 => bytes.extend([0, 0]),
                    "<f2" => {
                        let exponent = value.ilog2();
                        let bits =
                            ((exponent + 15) << 10) + ((value as u32) << (10 - exponent)) - 1024;
                        bytes.extend((bits as u16).to_le_bytes());
                    }
                    "<f4" => bytes.extend((value as f32).to_le_bytes()),
                    _ => bytes.extend(f64::from(value).to_le_bytes()),
                }
            }
        }
        std::fs::write(path, bytes).unwrap();
    }

    proptest! {
        #[test]
        fn every_type_and_order_reads_the_same(
            rows in 1usize..50, cols in 1usize..70, a in 0usize..50, b in 0usize..50,
            c in 0usize..70, d in 0usize..70, axis in 0usize..2,
        ) {
            let tmp = tempfile::tempdir().unwrap();
            let entry = |i: usize, j: usize| ((i * 7 + j * 3) % 16) as i32;
            let (t, p) = if axis == 0 { (rows, cols) } else { (cols, rows) };
            let (a, b) = (a.min(b).min(t), a.max(b).min(t));
            let (c, d) = (c.min(d).min(p), c.max(d).min(p));
            let expected: Vec<f32> = (a..b)
                .flat_map(|t| (c..d).map(move |p| if axis == 0 { (t, p) } else { (p, t) }))
                .map(|(i, j)| entry(i, j) as f32)
                .collect();
            let reading = Reading { time_axis: axis, ..Reading::default() };
            for descr in ["<f2", "<f4", "<f8"] {
                for fortran in [false, true] {
                    let path = tmp.path().join("x.npy");
                    write(&path, descr, fortran, [rows, cols], entry);
                    let matrix = Matrix::open_as(&path, reading).unwrap();
                    prop_assert_eq!((matrix.time_len(), matrix.param_len()), (t, p));
                    let mut found = vec![-1.0; expected.len()];
                    matrix.read_block(a..b, c..d, &mut found).unwrap();
                    prop_assert_eq!(&found, &expected, "{} {}", descr, fortran);
                    let mut wide = vec![-1.0; expected.len()];
                    matrix.read_block_f64(a..b, c..d, &mut wide).unwrap();
                    prop_assert!(wide.iter().zip(&found).all(|(x, &y)| *x == f64::from(y)));
                    prop_assert_eq!(matrix.is_double(), descr == "<f8");
                }
            }
        }
    }

    #[test]
    fn a_stack_is_the_whole_in_the_order_of_its_numbers() {
        let tmp = tempfile::tempdir().unwrap();
        let entry = |i: usize, j: usize| (i * 31 + j * 5) as i32;
        let whole = |axis, stack_axis| {
            let reading = Reading {
                time_axis: axis,
                stack_axis,
                ..Reading::default()
            };
            Dense::from_matrix(&Matrix::open_as(tmp.path(), reading).unwrap()).unwrap()
        };
        // Eleven files, so that 10.npy comes before 2.npy in the order of names.
        for file in 0..11 {
            let path = tmp.path().join(format!("{file}.npy"));
            write(&path, "<f4", file % 2 == 1, [2, 5], |i, j| {
                entry(2 * file + i, j)
            });
        }
        let rows = whole(0, Some(0));
        assert_eq!((rows.time_len(), rows.param_len()), (22, 5));
        assert_eq!(rows.row(21)[4], entry(21, 4) as f32);
        assert_eq!(whole(1, Some(0)).row(4)[21], entry(21, 4) as f32);
        let columns = whole(0, Some(1));
        assert_eq!((columns.time_len(), columns.param_len()), (2, 55));
        assert_eq!(columns.row(1)[5 * 10 + 3], entry(21, 3) as f32);
        // One narrower file leaves only one way.
        write(&tmp.path().join("11.npy"), "<f8", false, [2, 1], entry);
        assert_eq!(whole(0, None).param_len(), 56);
    }

    #[test]
    fn what_is_not_finite_is_named_by_the_files_axes_or_masked_and_counted() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("x.npy");
        let mut values = vec![1.0f64; 200 * 40];
        values[123 * 40 + 7] = f64::NAN;
        values[124 * 40 + 8] = f64::NEG_INFINITY;
        npy::write_f64(&path, &[200, 40], &values).unwrap();
        for axis in 0..2 {
            let reading = Reading {
                time_axis: axis,
                ..Reading::default()
            };
            let matrix = Matrix::open_as(&path, reading).unwrap();
            let error = tile(&matrix, 0..matrix.param_len())
                .unwrap_err()
                .to_string();
            assert!(error.contains("x.npy: row 123, column 7 is NaN"), "{error}");
            let matrix = Matrix::open_as(
                &path,
                Reading {
                    mask: true,
                    ..reading
                },
            )
            .unwrap();
            assert_eq!(non_finite_len(&matrix, &matrix).unwrap(), 2);
            let sum: f32 = tile(&matrix, 0..matrix.param_len()).unwrap().iter().sum();
            assert_eq!(sum, 200.0 * 40.0 - 2.0);
            assert_eq!(non_finite_len(&matrix, &matrix).unwrap(), 2);
        }
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
