//! One sealed `.npy` file as a rectangle of the matrix: floats of any width, in any order of the
//! axes.

use std::ops::Range;
use std::path::Path;
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

/// A file of two axes.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: Sealed,
    /// Where its first axis lies in the matrix of files.
    pub(super) rows: Range<usize>,
    /// Where its second axis does.
    pub(super) columns: Range<usize>,
    pub(super) dtype: Dtype,
    pub(super) fortran_order: bool,
    data_offset: usize,
    /// Whether the second axis is time.
    transposed: bool,
    /// Entries that are not finite are read as 0.
    mask: bool,
    /// How many times one was.
    masked: AtomicU64,
}

impl Source {
    /// Opens the file at `path`; `expected` is its shape where it is known.
    pub(super) fn open(
        path: &Path,
        access: Access,
        expected: Option<[usize; 2]>,
    ) -> Result<Self, Error> {
        let file = Sealed::open(path, access)?;
        let mut room = Vec::new();
        let head = file.bytes(0, file.len().min(MAX_HEADER_BYTES), &mut room)?;
        let header = npy::parse(path, head, file.len() as u64)?;
        let shape = match (header.shape.as_slice(), expected) {
            (&[rows, columns], None) => [rows, columns],
            (shape, Some(expected)) if shape == expected => expected,
            (shape, expected) => {
                let expected = expected.map_or("two axes, time and parameters".into(), |shape| {
                    format!("shape {shape:?}")
                });
                let found = format!("shape {shape:?}");
                return Err(storage::Error::malformed(path, expected, found).into());
            }
        };
        Ok(Self {
            file,
            rows: 0..shape[0],
            columns: 0..shape[1],
            dtype: header.dtype,
            fortran_order: header.fortran_order,
            data_offset: header.data_offset,
            transposed: false,
            mask: false,
            masked: AtomicU64::new(0),
        })
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
                if step + AHEAD < self.time().len() {
                    let ahead = self.data_offset + ((step + AHEAD) * stride + own.start) * bytes;
                    self.file.prefetch(ahead..ahead + own.len() * bytes);
                }
                let row = &mut row[place.1..place.1 + own.len()];
                let at = (step * stride + own.start) * bytes;
                let piece = self.data(at, own.len() * bytes, &mut room)?;
                T::decode(self.dtype, piece, row);
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

    /// A piece of a row of the matrix as it lies in the map, where it is all in this file, and `f32`.
    pub(super) fn row_in_memory(&self, step: usize, params: &Range<usize>) -> Option<&[f32]> {
        let (time, own) = (self.time(), self.params());
        let inside = time.contains(&step) && own.start <= params.start && params.end <= own.end;
        if !inside || !self.is_by_time() || self.dtype != Dtype::F32 || cfg!(target_endian = "big")
        {
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
