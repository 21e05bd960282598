//! The gradient matrix as the decomposition sees it: time x parameters, read tile by tile.

use std::ops::Range;

use super::Error;

/// A matrix with one row a recorded step and one column a parameter, too large to hold: readers
/// ask for all of time over a range of parameters.
pub trait GradientMatrix: Sync {
    /// Rows: recorded steps.
    fn time_len(&self) -> usize;
    /// Columns: parameters.
    fn param_len(&self) -> usize;
    /// Copies the columns `params` of every row into `out`, row-major, shape
    /// `(time_len, params.len())`.
    ///
    /// # Errors
    /// What reading the file gives, or a NaN or infinity in the tile, with its place.
    fn read(&self, params: Range<usize>, out: &mut [f32]) -> Result<(), Error>;
}
