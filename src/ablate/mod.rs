//! Changing parameters and seeing what is lost: edits, the situations they are judged in, their
//! controls, and selectivity.

mod balanced;
pub mod blindfold;
mod chains;
pub mod compass;
pub mod edit;
mod error;
pub mod exact;
pub mod exact_gradient;
mod finite;
pub mod maze_levels;
pub mod measurement;
pub mod on_level;
mod per;
#[cfg(test)]
mod play;
pub mod rate;
pub mod recipe;
pub mod resample;
pub mod seen;
pub mod selectivity;
pub mod situation;
pub mod tasks;
mod walk;

pub use chains::needed_moves;
pub use error::Error;
pub use maze_levels::{MazeLevels, Reached};
pub use measurement::{Mean, Measurement};
pub use per::{PerClaim, PerRate};
pub use rate::Rate;
pub use resample::Resampling;
pub use selectivity::{Claim, Drawn, Reference};
pub use situation::{Setting, Situation, Split};
pub use tasks::Tasks;
