//! What is told while a decomposition runs.

use super::Plan;

/// What is told while a decomposition runs.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// What is going to be done.
    Plan(&'a Plan),
    /// How far the reading `index`, from 1, is.
    Read {
        /// Which reading.
        index: usize,
        /// Bytes of it so far.
        bytes: u64,
    },
    /// Triplets are certified.
    Certificate {
        /// Bytes of the matrix that this read.
        bytes: u64,
    },
    /// A pass of the iteration is done.
    Pass(Pass),
}

/// One pass of the iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pass {
    /// Passes done.
    pub index: usize,
    /// Bytes of the matrix it read; what is held in memory from an earlier pass is not read again.
    pub bytes: u64,
    /// Columns that it multiplied.
    pub columns: usize,
    /// The largest residual of a wanted triplet, relative to the largest singular value.
    pub worst_residual: f64,
}
