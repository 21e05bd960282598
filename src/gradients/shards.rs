//! How a matrix is cut into shards, and one shard while it is being written.

use std::ops::Range;
use std::path::Path;

use super::Error;
use super::manifest::{BLOCK_ROWS, Shard};
use crate::storage::{Checksum, GrowingNpy};

/// Shard widths are multiples of this many columns (a cache line of them) where they can be.
const COLUMN_STEP: u64 = 16;

/// Names and parameters of the shards: as few of equal width as keep to `shard_bytes`.
pub(super) fn cut(
    param_len: usize,
    expected_rows: usize,
    shard_bytes: u64,
) -> Result<Vec<(String, Range<usize>)>, Error> {
    if param_len == 0 {
        return Err(Error::shape("layout", "at least one parameter", 0));
    }
    let column_bytes = (expected_rows as u64).max(1).saturating_mul(4);
    let widest = (shard_bytes / column_bytes).max(1);
    let step = if widest < COLUMN_STEP { 1 } else { COLUMN_STEP };
    let shards_len = (param_len as u64).div_ceil(widest / step * step);
    // At most `param_len` rounded up, which fits in `usize` again.
    let width = (param_len as u64)
        .div_ceil(shards_len)
        .next_multiple_of(step) as usize;
    Ok((0..param_len)
        .step_by(width)
        .enumerate()
        .map(|(i, start)| {
            (
                format!("shard-{i:05}.npy"),
                start..(start + width).min(param_len),
            )
        })
        .collect())
}

/// One shard being written: a range of parameters for the rows so far.
#[derive(Debug)]
pub(super) struct GrowingShard {
    file: GrowingNpy,
    name: String,
    pub(super) params: Range<usize>,
    /// Checksum of the block that is being filled.
    block: Checksum,
    blocks: Vec<u32>,
}

impl GrowingShard {
    /// Begins the shard that will be the file `name` in `dir`.
    pub(super) fn create(dir: &Path, name: String, params: Range<usize>) -> Result<Self, Error> {
        let file = GrowingNpy::create(&dir.join(&name), params.len())?;
        Ok(Self {
            file,
            name,
            params,
            block: Checksum::new(),
            blocks: Vec::new(),
        })
    }

    /// Goes on after the first `rows_len` rows that were written, which are read for the checksums.
    pub(super) fn resume(
        dir: &Path,
        name: String,
        params: Range<usize>,
        rows_len: usize,
    ) -> Result<Self, Error> {
        let width = params.len();
        let file = GrowingNpy::resume(&dir.join(&name), width, rows_len)?;
        let mut shard = Self {
            file,
            name,
            params,
            block: Checksum::new(),
            blocks: Vec::new(),
        };
        let mut rows = vec![0.0; BLOCK_ROWS.min(rows_len) * width];
        for first in (0..rows_len).step_by(BLOCK_ROWS) {
            let rows = &mut rows[..BLOCK_ROWS.min(rows_len - first) * width];
            shard.file.read_rows(first, rows)?;
            shard.sum(first, rows);
        }
        Ok(shard)
    }

    /// Writes whole rows, of this shard's columns, from row `first` on.
    pub(super) fn append(&mut self, first: usize, rows: &[f32]) -> Result<(), Error> {
        self.file.write_rows(first, rows)?;
        self.sum(first, rows);
        Ok(())
    }

    /// Reads whole rows back, from row `first` on, into the whole of `rows`.
    pub(super) fn read(&self, first: usize, rows: &mut [f32]) -> Result<(), Error> {
        Ok(self.file.read_rows(first, rows)?)
    }

    fn sum(&mut self, first: usize, rows: &[f32]) {
        for (row, values) in (first..).zip(rows.chunks_exact(self.params.len())) {
            self.block.update_f32s(values);
            if (row + 1).is_multiple_of(BLOCK_ROWS) {
                self.blocks.push(std::mem::take(&mut self.block).finish());
            }
        }
    }

    /// Waits until the rows are on the disk.
    pub(super) fn sync(&self) -> Result<(), Error> {
        Ok(self.file.sync()?)
    }

    /// Ends the shard after `time_len` rows, all of them written.
    pub(super) fn seal(mut self, time_len: usize) -> Result<Shard, Error> {
        self.file.seal(time_len)?;
        if !time_len.is_multiple_of(BLOCK_ROWS) {
            self.blocks.push(self.block.finish());
        }
        Ok(Shard {
            file: self.name,
            params: self.params,
            blocks: self.blocks,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shards_keep_to_their_size(len in 2usize..5000, rows in 0usize..3000, bytes in 0u64..1 << 22) {
            let shards = cut(len, rows, bytes).unwrap();
            let mut covered = 0;
            for (name, params) in &shards {
                prop_assert_eq!(params.start, covered, "{}", name);
                prop_assert!(params.len() == 1 || (params.len() * rows.max(1) * 4) as u64 <= bytes);
                prop_assert!(params.end == len || params.len() < 16 || params.len() % 16 == 0);
                covered = params.end;
            }
            prop_assert_eq!(covered, len);
        }
    }
}
