//! How the files of a matrix are read.

use crate::storage::Access;

/// How the files of a matrix are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The axis of the files that is time: 0, rows, or 1, columns.
    pub time_axis: usize,
    /// The axis along which a folder without a manifest is stacked; where it is not given, that of the
    /// folder's `info`, which dask writes, or the only one that fits.
    pub stack_axis: Option<usize>,
    /// Reads a NaN or an infinity as 0 instead of refusing it.
    pub mask: bool,
    /// How the bytes are come by; they are the same.
    pub access: Access,
}

impl Reading {
    /// As usual, with the bytes come by in this way.
    pub fn by(access: Access) -> Self {
        Self {
            access,
            ..Self::default()
        }
    }
}
