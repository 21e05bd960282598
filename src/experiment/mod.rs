//! Settings, and the stages of a run from training to what it leaves on the disk.

pub mod checkpoint;
pub mod config;
pub mod curves;
pub mod digests;
mod error;
pub mod grid;
pub mod metrics;
mod progress;
pub mod replay;
pub mod resolve;
pub mod resume;
pub mod rows;
pub mod stages;
pub mod streams;
pub mod train;

pub use config::{Config, Preset};
pub use error::Error;
pub use progress::{Progress, Silent};
pub use resolve::Resolved;
