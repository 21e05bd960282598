//! What can go wrong when policies are measured.

/// What can be wrong with an ablation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The situations cannot be built on such levels.
    #[error(transparent)]
    Maze(#[from] crate::maze::Error),
    /// A policy that gives no probabilities.
    #[error("policy that is measured: {what} is {found}, expected finite numbers")]
    NotFinite {
        /// Which number, by the name of its tensor.
        what: String,
        /// NaN or an infinity.
        found: f32,
    },
}
