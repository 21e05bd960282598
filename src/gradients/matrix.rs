//! The gradient matrix as the decomposition sees it: time x parameters, read block by block.

use std::ops::Range;

use super::Error;

/// A matrix with one row a recorded step and one column a parameter, too large to hold.
pub trait GradientMatrix: Sync {
    /// Rows: recorded steps.
    fn time_len(&self) -> usize;
    /// Columns: parameters.
    fn param_len(&self) -> usize;
    /// Copies the columns `params` of the rows `rows` into `out`, row-major, shape
    /// `(rows.len(), params.len())`; entries of a [double](Self::is_double) matrix are rounded.
    ///
    /// # Errors
    /// What reading the file gives, or a NaN or infinity in the block, with its place.
    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), Error>;

    /// Whether there are entries that `f32` would round.
    fn is_double(&self) -> bool {
        false
    }

    /// As [`read_block`](Self::read_block), in double precision.
    ///
    /// # Errors
    /// Those of [`read_block`](Self::read_block).
    fn read_block_f64(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f64],
    ) -> Result<(), Error> {
        let mut single = vec![0.0; out.len()];
        self.read_block(rows, params, &mut single)?;
        for (out, single) in out.iter_mut().zip(single) {
            *out = f64::from(single);
        }
        Ok(())
    }

    /// The columns `params` of row `row`, where they lie in memory just so, in single precision and
    /// side by side; `None` where they have to be [read](Self::read_block). They may not be finite.
    fn row_in_memory(&self, row: usize, params: &Range<usize>) -> Option<&[f32]> {
        let _ = (row, params);
        None
    }

    /// What one reading from end to end takes from the disk.
    fn pass_bytes(&self) -> u64 {
        4 * self.time_len() as u64 * self.param_len() as u64
    }

    /// All of time over a range of parameters.
    ///
    /// # Errors
    /// Those of [`read_block`](Self::read_block).
    fn read(&self, params: Range<usize>, out: &mut [f32]) -> Result<(), Error> {
        self.read_block(0..self.time_len(), params, out)
    }
}
