//! What a run found, as it is written and read.

pub mod results;

pub use results::Results;
