//! What a run found, as it is written and read.

pub mod components;
pub mod family;
pub mod results;
pub mod sound;
pub mod tracing;

pub use components::Components;
pub use family::Family;
pub use results::Results;
