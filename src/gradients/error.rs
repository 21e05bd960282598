//! What can go wrong with a gradient matrix.

use std::ops::Range;

use super::GradientMatrix;
use super::entry::{Entry, all_finite};
use crate::nn::layout::Layout;
use crate::storage;

/// A failure of recording or reading gradients.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file failed, or is not what it should be.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// Sizes that do not fit together.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// What has the size.
        what: String,
        /// The size it should have.
        expected: String,
        /// The size it has.
        found: String,
    },
    /// A NaN or an infinity where a gradient should be.
    #[error("{place}: row {row}, column {column}{parameter} is {value}, expected a finite number")]
    NonFinite {
        /// The file, or what the matrix is.
        place: String,
        /// Row, from 0.
        row: usize,
        /// Column, from 0: the parameter.
        column: usize,
        /// `" (name[index])"` where the layout is known, else nothing.
        parameter: String,
        /// The value.
        value: f32,
    },
    /// A NaN or an infinity in what is said about a row.
    #[error("{field} of row {row} is {value}, expected a finite number")]
    NonFiniteField {
        /// Row, from 0.
        row: usize,
        /// Which number.
        field: &'static str,
        /// The value.
        value: f64,
    },
}

impl Error {
    pub(super) fn shape(
        what: impl Into<String>,
        expected: impl ToString,
        found: impl ToString,
    ) -> Self {
        let (expected, found) = (expected.to_string(), found.to_string());
        Self::Shape {
            what: what.into(),
            expected,
            found,
        }
    }
}

/// Refuses a NaN or an infinity in `values`, a piece of `row` that begins at column `start`.
pub(super) fn check_finite<T: Entry>(
    values: &[T],
    row: usize,
    start: usize,
    layout: Option<&Layout>,
    place: impl FnOnce() -> String,
) -> Result<(), Error> {
    if all_finite(values) {
        return Ok(());
    }
    let within = values
        .iter()
        .position(|value| !value.is_finite())
        .unwrap_or(0);
    let column = start + within;
    let parameter = layout
        .filter(|layout| column < layout.len())
        .map_or(String::new(), |layout| {
            let (tensor, index) = layout.locate(column);
            format!(" ({}[{index}])", tensor.name)
        });
    Err(Error::NonFinite {
        place: place(),
        row,
        column,
        parameter,
        value: values[within].to_f32(),
    })
}

/// Refuses rows or columns that `matrix` does not have, or a block of the wrong size for them.
pub(super) fn check_block(
    matrix: &dyn GradientMatrix,
    rows: &Range<usize>,
    params: &Range<usize>,
    out_len: usize,
) -> Result<(), Error> {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    for (what, range, len) in [("rows", rows, time_len), ("columns", params, param_len)] {
        if range.start > range.end || range.end > len {
            return Err(Error::shape(
                format!("range of {what}"),
                format!("one within 0..{len}"),
                format!("{range:?}"),
            ));
        }
    }
    match rows.len().checked_mul(params.len()) {
        Some(block_len) if block_len == out_len => Ok(()),
        _ => Err(Error::shape(
            "block",
            format!("{} x {}", rows.len(), params.len()),
            out_len,
        )),
    }
}
