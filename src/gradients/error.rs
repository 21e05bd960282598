//! What can go wrong with a gradient matrix.

use crate::storage;

/// A failure of recording or reading gradients.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
