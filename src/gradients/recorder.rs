//! Records a gradient matrix row by row, as shards that each hold a range of parameters for all of
//! time.
//!
//! Rows are gathered in memory (4 MB, or one row where that is longer) and written together, so
//! that a pass over 360 MB/s of gradients costs little more than copying them. While recording,
//! the shards are `shard-00000.npy.part` and what is said about the rows is in `rows.jsonl.part`;
//! sealing gives the shards their names and writes the manifest last. What a killed run left is
//! taken up again by [`Recorder::resume`].
//!
//! A sketch of the rows is kept as they come ([`super::sketch`]) and written when sealing.
//!
//! Memory: the gathered rows and their copy by shards, 8 MB or two rows, and 576 bytes a row.

use std::path::{Path, PathBuf};

use super::Error;
use super::check::check_finite;
use super::manifest::{self, BLOCK_ROWS, FORMAT, Manifest, RowMeta, Rows, Shard, VERSION};
use super::shards::{GrowingShard, cut};
use super::sketch::Sketch;
use super::unseal::unseal;
use crate::nn::layout::Layout;
use crate::numeric::sum::norm;
use crate::storage::run_dir::{ensure_directory, refuse_occupied};
use crate::storage::{Lines, lines};

/// Size that a shard comes close to.
pub const DEFAULT_SHARD_BYTES: u64 = 256 << 20;
/// Size of the rows that are written together.
const BUFFER_BYTES: usize = 4 << 20;

/// A stream of gradients being recorded. After an error it is only good for being dropped: what
/// was [synced](Self::sync) can be resumed.
#[derive(Debug)]
pub struct Recorder {
    dir: PathBuf,
    layout: Layout,
    shards: Vec<GrowingShard>,
    /// The last rows, whole, not yet written.
    buffer: Vec<f32>,
    /// The piece of the buffer that goes to one shard.
    piece: Vec<f32>,
    rows: Rows,
    lines: Lines,
    sketch: Sketch,
}

impl Recorder {
    /// Begins to record the stream whose folder is `dir`, made where there is none. Shards are
    /// cut so that `expected_rows` rows fill `shard_bytes`; more or fewer may come.
    ///
    /// # Errors
    /// The folder is not empty, the layout is, or the system's.
    pub fn create(
        dir: &Path,
        layout: &Layout,
        expected_rows: usize,
        shard_bytes: u64,
    ) -> Result<Self, Error> {
        ensure_directory(dir)?;
        refuse_occupied(dir)?;
        let shards = cut(layout.len(), expected_rows, shard_bytes)?
            .into_iter()
            .map(|(name, params)| GrowingShard::create(dir, name, params))
            .collect::<Result<_, _>>()?;
        let lines = Lines::create(&dir.join("rows.jsonl.part"))?;
        Ok(Self::new(dir, layout, shards, Rows::default(), lines))
    }

    /// Goes on after the first `rows_len` rows of a recording, as [`sync`](Self::sync) told their
    /// number; later rows are dropped. One that was sealed before all its rows had come is opened
    /// again. The other arguments are those it was created with. Reads those rows once, for the
    /// checksums and the sketch.
    ///
    /// # Errors
    /// The recording is not there, has fewer rows or other shards; the system's.
    pub fn resume(
        dir: &Path,
        layout: &Layout,
        expected_rows: usize,
        shard_bytes: u64,
        rows_len: usize,
    ) -> Result<Self, Error> {
        let lines_path = dir.join("rows.jsonl.part");
        unseal(dir, &lines_path)?;
        // What was on its way when the power went may be no lines at all: it is cut off first.
        let lines = Lines::resume(&lines_path, rows_len)?;
        let mut rows = Rows::default();
        let metas: Vec<RowMeta> = lines::read(&lines_path)?;
        metas.iter().for_each(|meta| rows.push(meta));

        let shards = cut(layout.len(), expected_rows, shard_bytes)?
            .into_iter()
            .map(|(name, params)| GrowingShard::resume(dir, name, params, rows_len))
            .collect::<Result<_, _>>()?;
        let mut recorder = Self::new(dir, layout, shards, rows, lines);
        recorder.sketch_again(rows_len)?;
        Ok(recorder)
    }

    fn new(
        dir: &Path,
        layout: &Layout,
        shards: Vec<GrowingShard>,
        rows: Rows,
        lines: Lines,
    ) -> Self {
        let row_bytes = layout.len() * size_of::<f32>();
        let capacity = (BUFFER_BYTES / row_bytes).max(1) * layout.len();
        let (dir, layout) = (dir.to_owned(), layout.clone());
        let (buffer, piece) = (Vec::with_capacity(capacity), Vec::new());
        Self {
            dir,
            layout,
            shards,
            buffer,
            piece,
            rows,
            lines,
            sketch: Sketch::default(),
        }
    }

    /// The sketch of rows that were written before.
    fn sketch_again(&mut self, rows_len: usize) -> Result<(), Error> {
        let width = self.layout.len();
        let together = (BUFFER_BYTES / size_of::<f32>() / width).max(1);
        let mut rows = Vec::new();
        for first in (0..rows_len).step_by(together) {
            let len = together.min(rows_len - first);
            rows.resize(len * width, 0.0);
            for shard in &self.shards {
                self.piece.resize(len * shard.params.len(), 0.0);
                shard.read(first, &mut self.piece)?;
                let pieces = self.piece.chunks_exact(shard.params.len());
                for (row, piece) in rows.chunks_exact_mut(width).zip(pieces) {
                    row[shard.params.clone()].copy_from_slice(piece);
                }
            }
            for (index, row) in (first..).zip(rows.chunks_exact(width)) {
                self.push_sketch(index, row)?;
            }
        }
        Ok(())
    }

    fn push_sketch(&mut self, index: usize, row: &[f32]) -> Result<(), Error> {
        self.sketch.push(row).map_err(|(column, value)| {
            let largest = |a: &usize, b: &usize| row[*a].abs().total_cmp(&row[*b].abs());
            let at = (0..row.len()).max_by(largest).unwrap_or(0);
            let (tensor, within) = self.layout.locate(at);
            Error::NonFinite {
                place: format!("sketch of {}", self.dir.display()),
                row: index,
                column,
                parameter: format!(" (of {}[{within}] = {:e} and others)", tensor.name, row[at]),
                value,
            }
        })
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a row: the gradient by parameter, and what it is (its norm is computed here).
    ///
    /// # Errors
    /// The row has another length than the layout, or holds a NaN or an infinity, whose parameter
    /// is named, or numbers that are too large for the sketch; the system's, disk full among them.
    pub fn push(&mut self, row: &[f32], meta: RowMeta) -> Result<(), Error> {
        let index = self.rows.len();
        if row.len() != self.layout.len() {
            return Err(Error::shape(
                format!("row {index}"),
                self.layout.len(),
                row.len(),
            ));
        }
        let fields = [
            ("learning_rate", meta.learning_rate),
            ("clip_factor", meta.clip_factor),
            ("advantage_std", meta.advantage_std),
        ];
        for (field, value) in fields {
            if !value.is_finite() {
                return Err(Error::NonFiniteField {
                    row: index,
                    field,
                    value,
                });
            }
        }
        check_finite(row, index, 0, Some(&self.layout), || {
            format!("gradient for {}", self.dir.display())
        })?;
        self.push_sketch(index, row)?;
        if self.buffer.len() + row.len() > self.buffer.capacity() {
            self.flush()?;
        }
        let meta = RowMeta {
            norm: norm(row),
            ..meta
        };
        self.lines.push(&meta)?;
        self.rows.push(&meta);
        self.buffer.extend_from_slice(row);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let param_len = self.layout.len();
        let first = self.rows.len() - self.buffer.len() / param_len;
        for shard in &mut self.shards {
            if shard.params.len() == param_len {
                shard.append(first, &self.buffer)?;
                continue;
            }
            self.piece.clear();
            for row in self.buffer.chunks_exact(param_len) {
                self.piece.extend_from_slice(&row[shard.params.clone()]);
            }
            shard.append(first, &self.piece)?;
        }
        self.buffer.clear();
        Ok(())
    }

    /// Puts all rows so far on the disk, for a checkpoint that the recording can be
    /// [resumed](Self::resume) from, and tells their number.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&mut self) -> Result<usize, Error> {
        self.flush()?;
        for shard in &self.shards {
            shard.sync()?;
        }
        self.lines.sync()?;
        Ok(self.rows.len())
    }

    /// Ends the recording: the shards get their final headers and names, and then the folder its
    /// sketch and its manifest.
    ///
    /// # Errors
    /// The system's.
    pub fn seal(mut self) -> Result<Manifest, Error> {
        self.flush()?;
        let time_len = self.rows.len();
        let shards = self
            .shards
            .into_iter()
            .map(|shard| shard.seal(time_len))
            .collect::<Result<Vec<Shard>, Error>>()?;
        let manifest = Manifest {
            format: FORMAT.into(),
            version: VERSION,
            stream: self
                .dir
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            shape: (time_len, self.layout.len()),
            layout: self.layout,
            block_rows: BLOCK_ROWS,
            checksum: manifest::checksum(&shards),
            shards,
            rows: self.rows,
            sketch: Some(self.sketch.save(&self.dir)?),
        };
        manifest.save(&self.dir)?;
        self.lines.remove()?;
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::storage;

    fn layout(len: usize) -> Layout {
        Layout::new(vec![
            ("conv.weight".into(), vec![len - 1]),
            ("value.bias".into(), vec![]),
        ])
    }

    fn meta(update: u64) -> RowMeta {
        RowMeta {
            first_update: update,
            last_update: update,
            frames: update * 2048,
            learning_rate: 5e-4 / (update + 1) as f64,
            clip_factor: 1.0,
            advantage_std: 0.3,
            minibatch: update ^ 0xdead_beef,
            norm: 0.0,
        }
    }

    fn row(update: u64, len: usize) -> Vec<f32> {
        (0..len as u64)
            .map(|i| (update * 1000 + i) as f32 / 7.0 - 20.0)
            .collect()
    }

    fn record(dir: &Path, updates: Range<u64>, len: usize, recorder: &mut Recorder) {
        for update in updates {
            assert_eq!(recorder.len() as u64, update, "{}", dir.display());
            recorder.push(&row(update, len), meta(update)).unwrap();
        }
    }

    #[test]
    fn sealed_folder_holds_shards_sketch_and_manifest_and_nothing_else() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("gradients für mich").join("total");
        let mut recorder = Recorder::create(&dir, &layout(50), 70, 16 * 4 * 70).unwrap();
        record(&dir, 0..70, 50, &mut recorder);
        assert!(!dir.join("manifest.json").exists() && !dir.join("shard-00000.npy").exists());
        let manifest = recorder.seal().unwrap();
        let names: Vec<_> = storage::run_dir::files_ending(&dir, "").unwrap();
        let expected = [
            "manifest.json",
            "shard-00000.npy",
            "shard-00001.npy",
            "shard-00002.npy",
            "shard-00003.npy",
            "sketch.npy",
        ];
        assert_eq!(names, expected.map(|name| dir.join(name)));
        assert_eq!(manifest.stream, "total");
        assert_eq!(manifest.rows.len(), 70);
        assert!((manifest.rows.norm[3] - norm(&row(3, 50))).abs() < 1e-9);
        let (shape, values) = storage::npy::read_f32(&dir.join("shard-00003.npy")).unwrap();
        assert_eq!(shape, [70, 2]);
        assert_eq!(values[2 * 69..], row(69, 50)[48..]);
        assert!(matches!(
            Recorder::create(&dir, &layout(50), 70, 1 << 20),
            Err(Error::Storage(storage::Error::Occupied { .. }))
        ));
    }

    #[test]
    fn rows_that_are_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::create(tmp.path(), &layout(5), 2, 1 << 20).unwrap();
        recorder.push(&row(0, 5), meta(0)).unwrap();
        let text = recorder
            .push(&[0., 1., f32::NAN, 3., 4.], meta(1))
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("row 1, column 2 (conv.weight[2]) is NaN"),
            "{text}"
        );
        let text = recorder
            .push(&[0., 1., 2., 3., f32::INFINITY], meta(1))
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("row 1, column 4 (value.bias[0]) is inf"),
            "{text}"
        );
        let huge = [f32::MAX, f32::MAX, 0.0, -f32::MAX, f32::MAX];
        let text = recorder.push(&huge, meta(1)).unwrap_err().to_string();
        assert!(
            text.starts_with("sketch of ") && text.contains("row 1, column "),
            "{text}"
        );
        assert!(text.contains("value.bias[0] = 3.4028235e38"), "{text}");
        let text = recorder.push(&[0.0; 4], meta(1)).unwrap_err().to_string();
        assert_eq!(text, "row 1: expected 5, found 4");
        let odd = RowMeta {
            clip_factor: f64::NAN,
            ..meta(1)
        };
        let text = recorder.push(&row(1, 5), odd).unwrap_err().to_string();
        assert_eq!(
            text,
            "clip_factor of row 1 is NaN, expected a finite number"
        );
        assert_eq!(recorder.seal().unwrap().shape, (1, 5));
    }

    #[test]
    fn a_killed_recording_resumes_to_the_same_bytes() {
        let tmp = tempfile::tempdir().unwrap();
        let (whole, killed) = (
            tmp.path().join("a").join("total"),
            tmp.path().join("b").join("total"),
        );
        let mut recorder = Recorder::create(&whole, &layout(40), 200, 16 * 4 * 200).unwrap();
        record(&whole, 0..150, 40, &mut recorder);
        let expected = recorder.seal().unwrap();

        let mut recorder = Recorder::create(&killed, &layout(40), 200, 16 * 4 * 200).unwrap();
        record(&killed, 0..100, 40, &mut recorder);
        assert_eq!(recorder.sync().unwrap(), 100);
        record(&killed, 100..130, 40, &mut recorder);
        recorder.sync().unwrap();
        drop(recorder);
        assert!(Recorder::resume(&killed, &layout(40), 200, 16 * 4 * 200, 131).is_err());
        assert!(Recorder::resume(&killed, &layout(40), 200, 32 * 4 * 200, 100).is_err());
        let mut recorder = Recorder::resume(&killed, &layout(40), 200, 16 * 4 * 200, 100).unwrap();
        record(&killed, 100..150, 40, &mut recorder);
        assert_eq!(recorder.seal().unwrap(), expected);
        for file in storage::run_dir::files_ending(&whole, "").unwrap() {
            let other = killed.join(file.file_name().unwrap());
            assert_eq!(
                storage::read_bytes(&file).unwrap(),
                storage::read_bytes(&other).unwrap()
            );
        }
    }

    /// Sealed early and opened again, killed after every step of the opening.
    #[test]
    fn a_sealed_recording_goes_on_to_the_same_bytes() {
        let tmp = tempfile::tempdir().unwrap();
        let whole = tmp.path().join("whole").join("total");
        let size = (200, 16 * 4 * 200);
        let mut recorder = Recorder::create(&whole, &layout(40), size.0, size.1).unwrap();
        record(&whole, 0..150, 40, &mut recorder);
        let expected = recorder.seal().unwrap();
        for step in 0..4 {
            let dir = tmp.path().join(step.to_string()).join("total");
            let mut recorder = Recorder::create(&dir, &layout(40), size.0, size.1).unwrap();
            record(&dir, 0..130, 40, &mut recorder);
            recorder.seal().unwrap();
            let lines = dir.join("rows.jsonl.part");
            if step == 1 {
                // The rows are aside, the manifest still stands.
                std::fs::write(&lines, "[torn").unwrap();
            } else if step > 1 {
                unseal(&dir, &lines).unwrap();
                assert!(!dir.join(manifest::FILE).exists());
            }
            if step == 3 {
                let shard = dir.join("shard-00001.npy");
                std::fs::rename(&shard, dir.join("shard-00001.npy.part")).unwrap();
            }
            assert!(Recorder::resume(&dir, &layout(40), size.0, size.1, 131).is_err());
            let mut recorder = Recorder::resume(&dir, &layout(40), size.0, size.1, 100).unwrap();
            record(&dir, 100..150, 40, &mut recorder);
            assert_eq!(recorder.seal().unwrap(), expected, "step {step}");
            let files = storage::run_dir::files_ending(&whole, "").unwrap();
            assert_eq!(
                storage::run_dir::files_ending(&dir, "").unwrap().len(),
                files.len()
            );
            for file in files {
                let other = dir.join(file.file_name().unwrap());
                assert_eq!(
                    storage::read_bytes(&file).unwrap(),
                    storage::read_bytes(&other).unwrap()
                );
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn disk_full_is_told_with_the_file() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let tmp = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::create(tmp.path(), &layout(20), 2, 1 << 20).unwrap();
        let part = tmp.path().join("shard-00000.npy.part");
        std::fs::remove_file(&part).unwrap();
        std::os::unix::fs::symlink(full, &part).unwrap();
        recorder.push(&row(0, 20), meta(0)).unwrap();
        let error = recorder.seal().unwrap_err();
        assert!(!tmp.path().join("manifest.json").exists());
        match error {
            Error::Storage(storage::Error::Io { path, source, .. }) => {
                assert_eq!(path, part);
                assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
            }
            other => panic!("{other}"),
        }
    }
}
