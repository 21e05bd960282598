//! What the activations carry, and along which ways: activation patching, path patching, activation
//! directions.
//!
//! All of them compare two runs of the same policy on states that differ in one [fact](pairs::Fact),
//! and ask of a part of the network how much of the difference in the policy's preference goes through
//! it. They look at a trained policy alone; nothing here changes a parameter.

pub mod pairs;
pub mod patching;
pub mod paths;
pub mod steering;

pub use pairs::{Fact, Pairs, Sought};
pub use patching::{Patched, Share, Told};
pub use steering::{Direction, Steered};
