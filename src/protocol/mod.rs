//! The protocol on one seed: what is tried, chosen, frozen and tested. `gouda reproduce` carries it out in brief,
//! `gouda study` in full on each of many seeds.

pub mod agreement;
mod baselines;
pub mod bench;
pub mod clock;
mod controls;
pub mod currency;
pub mod decompose;
pub mod decomposed;
pub mod edit;
pub mod extent;
pub mod freeze;
pub mod history;
mod loss_change;
pub mod mazes;
pub mod portrait;
pub mod relearn;
pub mod reproduce;
pub mod retrain;
mod row_combinations;
pub mod seed;
pub mod temporal;
pub mod test;
pub mod tracing;
pub mod trained_policy;
pub mod trials;
