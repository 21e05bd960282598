//! What can go wrong in locating.

/// A failure of a locator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The decomposition, or what was asked of it.
    #[error(transparent)]
    Svd(#[from] crate::svd::Error),
    /// The gradients could not be read.
    #[error(transparent)]
    Gradients(#[from] crate::gradients::Error),
    /// Two inputs that do not belong together.
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch {
        /// What is counted.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A number that cannot be used.
    #[error("{what}, entry {index}: expected {expected}, found {found}")]
    Value {
        /// Of which input.
        what: &'static str,
        /// Where in it.
        index: usize,
        /// What numbers are allowed.
        expected: &'static str,
        /// The number.
        found: f64,
    },
}

impl Error {
    /// Checks a length.
    pub(crate) fn check_len(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        if expected == found {
            Ok(())
        } else {
            Err(Self::Mismatch {
                what,
                expected,
                found,
            })
        }
    }
}
