//! What can go wrong in the decomposition.

/// A failure of the decomposition.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The matrix could not be read.
    #[error(transparent)]
    Gradients(#[from] crate::gradients::Error),
    /// A result could not be written or read.
    #[error(transparent)]
    Storage(#[from] crate::storage::Error),
    /// A matrix without entries.
    #[error("expected a matrix with entries, found {time_len} steps x {param_len} parameters")]
    Empty {
        /// Steps.
        time_len: usize,
        /// Parameters.
        param_len: usize,
    },
    /// A setting out of its range.
    #[error("svd.{name}: expected {expected}, found {found}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its range.
        expected: String,
        /// What was given.
        found: String,
    },
    /// An entry that is not a number, or infinite.
    #[error("{place}: row {row}, column {column} is {value}, expected a finite number")]
    NotFinite {
        /// The file, or what the matrix is.
        place: String,
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The value.
        value: f64,
    },
    /// A matrix whose norm no `f64` holds.
    #[error(
        "expected a matrix whose norm is below 1.8e308, found one above it: scale its entries first"
    )]
    TooLarge,
    /// Two decompositions that do not belong together.
    #[error("expected {expected} {what}, found {found}")]
    Mismatch {
        /// What is counted.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// More memory than allowed.
    #[error(
        "the {method} method needs about {} MB, expected at most {} MB", needed_bytes.div_ceil(1_000_000), allowed_bytes / 1_000_000
    )]
    Memory {
        /// The method.
        method: &'static str,
        /// What it takes.
        needed_bytes: u64,
        /// What it may take.
        allowed_bytes: u64,
    },
    /// A method that the matrix is not for.
    #[error("the {method} method: expected {expected}, found {found}")]
    Unsuited {
        /// The method.
        method: &'static str,
        /// What it takes.
        expected: String,
        /// What the matrix is.
        found: String,
    },
    /// Whoever watches asked to stop.
    #[error("stopped before the decomposition was done")]
    Interrupted,
    /// A dense decomposition inside the method failed.
    #[error("expected the {0} of a small dense matrix to converge, found that it did not")]
    NoConvergence(&'static str),
}
