//! The protocol on one seed: what is tried, chosen, frozen and tested.

pub mod ablation;
pub mod agreement;
pub mod bench;
pub mod candidates;
pub mod claims;
mod clock;
pub mod currency;
pub mod decompose;
pub mod edits;
pub mod history;
pub mod mazes;
pub mod portrait;
pub mod relearn;
pub mod reproduce;
pub mod retrain;
pub mod seed;
pub mod temporal;
pub mod tracing;
