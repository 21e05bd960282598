//! The gradient matrix: recorded a row an update, read a range of parameters at a time.
//!
//! In memory and on disk a row is a time and a column is a parameter, `(T, P)`; the literature's
//! G, parameters x time, is its transpose. Nothing here knows of mazes or networks but the names
//! of the parameters.

mod check;
pub mod dense;
mod entry;
pub mod error;
mod folder;
pub mod layout_file;
pub mod manifest;
pub mod matrix;
mod mistaken;
mod opened;
pub mod reader;
mod reading;
pub mod recorder;
pub mod select;
mod series;
mod shards;
pub mod sketch;
mod source;
mod stack;
mod steps;
mod unseal;
pub mod view;

pub use dense::Dense;
pub use error::Error;
pub use manifest::{Manifest, RowMeta, Rows};
pub use matrix::GradientMatrix;
pub use reader::{Matrix, non_finite_len};
pub use reading::Reading;
pub use recorder::{DEFAULT_SHARD_BYTES, Recorder};
pub use select::{Select, Selection};
pub use sketch::Sketch;
pub use view::{EveryOther, Scaled, SignFlipped, row_norms};
