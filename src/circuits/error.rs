//! What can go wrong with circuits.

/// What can be wrong with what a user says of circuits.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that holds no hypothesis, or one that does not fit this network.
    #[error("{key}: expected {expected}, found {found}")]
    Hypothesis {
        /// The key: "nodes.cheese.site".
        key: String,
        /// What is possible there.
        expected: String,
        /// What was given.
        found: String,
    },
}

/// The error about a key of a hypothesis.
pub(super) fn wrong(key: &str, expected: &str, found: impl ToString) -> Error {
    Error::Hypothesis {
        key: key.into(),
        expected: expected.into(),
        found: found.to_string(),
    }
}
