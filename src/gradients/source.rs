//! One sealed file as a rectangle of the matrix: floats of any width, in any order of the axes. The one
//! step of a safetensors file may have a width a tensor.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Error;
use super::entry::{Entry, all_finite};
use crate::storage::npy::{self, Dtype, MAX_HEADER_BYTES};
use crate::storage::{self, Access, Sealed};

/// Columns that are decoded together where neighbours in the file are neighbours in time: a cache
/// line of the block they are written to.
const COLUMNS: usize = 16;

/// Rows that are fetched into cache before they are read: each is on a page of its own.
const AHEAD: usize = 6;

/// Bytes that are asked of the disk together: of a row of 2,000, 64 KB.
const BAND_BYTES: usize = 128 << 20;

/// Which axes a `.npy` file may have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Axes {
    /// Two, time and parameters.
    Two,
    /// Two, or one: the parameters of a step.
    OneOrTwo,
    /// Two of these lengths, in a header that is spelled as numpy spells it.
    Exactly([usize; 2]),
}

/// Neighbouring columns of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The columns, from the first of the file.
    pub(super) columns: Range<usize>,
    pub(super) dtype: Dtype,
    /// Where the first of them lies, from the first byte of the numbers.
    pub(super) at: usize,
}

/// A file.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: Sealed,
    /// Where its first axis lies in the matrix of files.
    pub(super) rows: Range<usize>,
    /// Where its second axis does.
    pub(super) columns: Range<usize>,
    /// The type of the entries; of several, the widest.
    pub(super) dtype: Dtype,
    /// The types along a row, where there are several.
    runs: Option<Arc<[Run]>>,
    pub(super) fortran_order: bool,
    /// Whether the file has one axis, of parameters.
    pub(super) is_vector: bool,
    data_offset: usize,
    /// Whether the second axis is time.
    transposed: bool,
    /// Entries that are not finite are read as 0.
    mask: bool,
    /// How many times one was.
    masked: AtomicU64,
}

impl Source {
    /// Opens the `.npy` file at `path`.
    pub(super) fn open(path: &Path, access: Access, axes: Axes) -> Result<Self, Error> {
        let file = Sealed::open(path, access)?;
        let mut room = Vec::new();
        let head = file.bytes(0, file.len().min(MAX_HEADER_BYTES), &mut room)?;
        let header = npy::parse(path, head, file.len() as u64)?;
        let shape = match (header.shape.as_slice(), axes) {
            (&[rows, columns], Axes::Two | Axes::OneOrTwo) => [rows, columns],
            (&[columns], Axes::OneOrTwo) => [1, columns],
            (shape, Axes::Exactly(expected)) if shape == expected => expected,
            (shape, axes) => {
                let expected = match axes {
                    Axes::Two => "two axes, time and parameters".into(),
                    Axes::OneOrTwo => "one axis, the parameters of a step, or two".into(),
                    Axes::Exactly(shape) => format!("shape {shape:?}"),
                };
                let found = format!("shape {shape:?}");
                return Err(storage::Error::malformed(path, expected, found).into());
            }
        };
        if matches!(axes, Axes::Exactly(_)) && (!header.is_plain || header.fortran_order) {
            let expected = format!("a header of {} in C order", header.dtype.descr());
            return Err(storage::Error::malformed(path, expected, "another").into());
        }
        let is_vector = header.shape.len() == 1;
        Ok(Self {
            file,
            rows: 0..shape[0],
            columns: 0..shape[1],
            dtype: header.dtype,
            runs: None,
            // One axis has one order.
            fortran_order: header.fortran_order && !is_vector,
            is_vector,
            data_offset: header.data_offset,
            transposed: false,
            mask: false,
            masked: AtomicU64::new(0),
        })
    }

    /// A file whose numbers, from byte `data_offset` to its end, are a row of these types.
    pub(super) fn row(file: Sealed, data_offset: usize, runs: &Arc<[Run]>) -> Self {
        let widest = runs.iter().map(|run| run.dtype).max_by_key(|d| d.bytes());
        Self {
            file,
            rows: 0..1,
            columns: 0..runs.last().map_or(0, |run| run.columns.end),
            dtype: widest.unwrap_or(Dtype::F32),
            runs: (runs.len() > 1).then(|| runs.clone()),
            fortran_order: false,
            is_vector: true,
            data_offset,
            transposed: false,
            mask: false,
            masked: AtomicU64::new(0),
        }
    }

    /// Puts the file at this row and column of a matrix of several.
    pub(super) fn at(mut self, row: usize, column: usize) -> Self {
        self.rows = row..row + self.rows.len();
        self.columns = column..column + self.columns.len();
        self
    }

    pub(super) fn reading(mut self, transposed: bool, mask: bool) -> Self {
        (self.transposed, self.mask) = (transposed, mask);
        self
    }

    /// How many times an entry was masked, over all readings.
    pub(super) fn masked(&self) -> u64 {
        self.masked.load(Ordering::Relaxed)
    }

    /// Which steps it holds.
    pub(super) fn time(&self) -> &Range<usize> {
        if self.transposed {
            &self.columns
        } else {
            &self.rows
        }
    }

    /// Which parameters it holds.
    pub(super) fn params(&self) -> &Range<usize> {
        if self.transposed {
            &self.rows
        } else {
            &self.columns
        }
    }

    /// How many bytes the numbers take; the header's sizes were checked against the file's.
    pub(super) fn data_len(&self) -> usize {
        self.file.len() - self.data_offset
    }

    /// `len` of the numbers' bytes from byte `at` of them on.
    pub(super) fn data<'a>(
        &'a self,
        at: usize,
        len: usize,
        room: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Error> {
        Ok(self.file.bytes(self.data_offset + at, len, room)?)
    }

    /// Whether neighbours in the file are parameters.
    pub(super) fn is_by_time(&self) -> bool {
        self.fortran_order == self.transposed
    }

    /// Asks the system for the columns after `params`, a band at a time: pieces of rows that are read
    /// one by one would each wait for the disk.
    pub(super) fn announce(&self, params: &Range<usize>) {
        let (time_len, param_len) = (self.time().len(), self.params().len());
        let bytes = self.dtype.bytes();
        let band = (BAND_BYTES / bytes / time_len.max(1)).max(1024);
        let mut next = params.start.next_multiple_of(band)..params.end.min(param_len);
        if params.start == 0 {
            // The first band, and then the second.
            self.announce_band(0..band.min(param_len));
            next.start = 0;
        }
        for start in next.step_by(band) {
            self.announce_band((start + band).min(param_len)..(start + 2 * band).min(param_len));
        }
    }

    fn announce_band(&self, columns: Range<usize>) {
        let (bytes, stride) = (self.dtype.bytes(), self.params().len());
        for step in 0..self.time().len() {
            let at = |column: usize| self.data_offset + (step * stride + column) * bytes;
            self.file
                .advise_will_need(at(columns.start)..at(columns.end));
        }
    }

    /// Copies the part of the block `(time, params)` that lies in this file into `out`, which is
    /// the whole of the block.
    pub(super) fn read<T: Entry>(
        &self,
        time: &Range<usize>,
        params: &Range<usize>,
        out: &mut [T],
    ) -> Result<(), Error> {
        let steps = intersect(time, self.time());
        let own = intersect(params, self.params());
        if steps.is_empty() || own.is_empty() {
            return Ok(());
        }
        let width = params.len();
        let place = (steps.start - time.start, own.start - params.start);
        let steps = steps.start - self.time().start..steps.end - self.time().start;
        let own = own.start - self.params().start..own.end - self.params().start;
        let bytes = self.dtype.bytes();
        let mut room = Vec::new();
        if self.is_by_time() {
            let stride = self.params().len();
            let rows = out[place.0 * width..].chunks_mut(width);
            for (step, row) in steps.zip(rows) {
                if self.runs.is_none() && step + AHEAD < self.time().len() {
                    let ahead = self.data_offset + ((step + AHEAD) * stride + own.start) * bytes;
                    self.file.prefetch(ahead..ahead + own.len() * bytes);
                }
                let row = &mut row[place.1..place.1 + own.len()];
                if let Some(runs) = &self.runs {
                    self.decode(runs, &own, row)?;
                } else {
                    let at = (step * stride + own.start) * bytes;
                    let piece = self.data(at, own.len() * bytes, &mut room)?;
                    T::decode(self.dtype, piece, row);
                }
                self.check(row, |i| (step, own.start + i))?;
            }
            return Ok(());
        }
        let stride = self.time().len();
        let mut column = vec![T::default(); steps.len() * COLUMNS];
        for first in own.clone().step_by(COLUMNS) {
            let group = first..own.end.min(first + COLUMNS);
            for (param, column) in group.clone().zip(column.chunks_exact_mut(steps.len())) {
                let at = (param * stride + steps.start) * bytes;
                let piece = self.data(at, steps.len() * bytes, &mut room)?;
                T::decode(self.dtype, piece, column);
                self.check(column, |i| (steps.start + i, param))?;
            }
            let place_in_row = place.1 + first - own.start;
            for (t, row) in out[place.0 * width..]
                .chunks_mut(width)
                .take(steps.len())
                .enumerate()
            {
                let row = &mut row[place_in_row..place_in_row + group.len()];
                for (entry, column) in row.iter_mut().zip(column.chunks_exact(steps.len())) {
                    *entry = column[t];
                }
            }
        }
        Ok(())
    }

    /// The columns `own` of the only row, whose types are several.
    fn decode<T: Entry>(
        &self,
        runs: &[Run],
        own: &Range<usize>,
        row: &mut [T],
    ) -> Result<(), Error> {
        let mut room = Vec::new();
        for run in runs {
            let part = intersect(&run.columns, own);
            if part.is_empty() {
                continue;
            }
            let bytes = run.dtype.bytes();
            let at = run.at + (part.start - run.columns.start) * bytes;
            let piece = self.data(at, part.len() * bytes, &mut room)?;
            let row = &mut row[part.start - own.start..part.end - own.start];
            T::decode(run.dtype, piece, row);
        }
        Ok(())
    }

    /// A piece of a row of the matrix as it lies in the map, where it is all in this file, and `f32`.
    pub(super) fn row_in_memory(&self, step: usize, params: &Range<usize>) -> Option<&[f32]> {
        let (time, own) = (self.time(), self.params());
        let inside = time.contains(&step) && own.start <= params.start && params.end <= own.end;
        let is_plain = self.is_by_time() && self.dtype == Dtype::F32 && self.runs.is_none();
        if !inside || !is_plain || cfg!(target_endian = "big") {
            return None;
        }
        let at = (step - time.start) * own.len() + params.start - own.start;
        let piece = self
            .file
            .mapped(self.data_offset + 4 * at, 4 * params.len())?;
        bytemuck::try_cast_slice(piece).ok()
    }

    /// Masks or refuses what is not finite; `place` tells step and parameter within the file.
    fn check<T: Entry>(
        &self,
        values: &mut [T],
        place: impl Fn(usize) -> (usize, usize),
    ) -> Result<(), Error> {
        if all_finite(values) {
            return Ok(());
        }
        for (i, value) in values.iter_mut().enumerate() {
            if !value.is_finite() && self.mask {
                *value = T::default();
                self.masked.fetch_add(1, Ordering::Relaxed);
            } else if !value.is_finite() {
                let (step, param) = place(i);
                let (row, column) = if self.transposed {
                    (param, step)
                } else {
                    (step, param)
                };
                return Err(Error::NonFinite {
                    place: self.file.path().display().to_string(),
                    row: self.rows.start + row,
                    column: self.columns.start + column,
                    parameter: String::new(),
                    value: value.to_f32(),
                });
            }
        }
        Ok(())
    }
}

fn intersect(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}
