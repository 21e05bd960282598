//! What the activations carry, and along which ways: activation patching, path patching along one layer or
//! several, activation directions, causal scrubbing.
//!
//! Patching and directions compare two runs of the same policy on states that differ in one [fact](pairs::Fact),
//! and ask of a part of the network how much of the difference in the policy's preference goes through
//! it. [Scrubbing](scrubbing) asks it of a whole [hypothesis] and of any states. All look at a trained
//! policy alone; nothing here changes a parameter.

pub mod atlas;
pub mod distinguished;
mod error;
pub mod graph;
pub mod hops;
pub mod hypothesis;
mod keys;
pub mod own_vectors;
pub mod pairs;
mod parse;
pub mod patching;
pub mod paths;
pub mod recovered;
pub mod resampling;
pub mod scrubbing;
mod share;
pub mod states;
pub mod steering;

pub use distinguished::Distinguished;
pub use error::Error;
pub use graph::Graph;
pub use hops::Path;
pub use hypothesis::Hypothesis;
pub use own_vectors::OwnVector;
pub use pairs::{Fact, Pairs, Scene, Sought};
pub use patching::Patched;
pub use recovered::Scrubbed;
pub use share::Share;
pub use states::States;
pub use steering::{Direction, Steered};
