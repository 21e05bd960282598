//! Changing parameters and seeing what is lost: edits, the situations they are judged in, their
//! controls, and selectivity.

pub mod compass;
pub mod edit;
pub mod exact;
pub mod exact_gradient;
mod finite;
pub mod measure;
mod per;
pub mod recipe;
pub mod resample;
pub mod selectivity;
pub mod situation;

pub use measure::{Mean, Measurement, Rate, Tasks};
pub use per::{PerClaim, PerRate};
pub use resample::Resampling;
pub use selectivity::{Claim, Drawn, Reference};
pub use situation::{Situation, Split};

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
