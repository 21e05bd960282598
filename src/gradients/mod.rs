//! The gradient matrix: recorded a row an update, read a range of parameters at a time.
//!
//! In memory and on disk a row is a time and a column is a parameter, `(T, P)`; the literature's
//! G, parameters x time, is its transpose. Nothing here knows of mazes or networks but the names
//! of the parameters.
//!
//! ```
//! use gouda::gradients::{DEFAULT_SHARD_BYTES, GradientMatrix, Layout, Matrix, Recorder, RowMeta};
//!
//! let place = std::env::temp_dir().join(format!("gouda-example-{}", std::process::id()));
//! let layout = Layout::new(vec![("weight".into(), vec![2, 3]), ("bias".into(), vec![2])]);
//! let mut recorder = Recorder::create(&place, &layout, 3, DEFAULT_SHARD_BYTES)?;
//! for step in 0..3 {
//!     let gradient = [step as f32; 8];
//!     let meta = RowMeta {
//!         first_update: step,
//!         last_update: step,
//!         ..RowMeta::default()
//!     };
//!     recorder.push(&gradient, meta)?;
//! }
//! recorder.seal()?;
//!
//! let matrix = Matrix::open(&place)?;
//! assert_eq!((matrix.time_len(), matrix.param_len()), (3, 8));
//! let mut biases = [0.0; 6];
//! matrix.read(layout.range("bias").unwrap(), &mut biases)?;
//! assert_eq!(biases, [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
//! # std::fs::remove_dir_all(&place)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
pub mod dense;
mod entry;
pub mod error;
mod folder;
pub mod layout_file;
pub mod manifest;
pub mod matrix;
mod mistaken;
mod norms;
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
mod verify;
pub mod view;

pub use crate::nn::layout::{Layout, Tensor};
pub use crate::storage::Access;
pub use dense::{Dense, DenseDouble};
pub use error::Error;
pub use manifest::{Manifest, RowMeta, Rows};
pub use matrix::GradientMatrix;
pub use norms::{energies, row_norms};
pub use reader::{Matrix, non_finite_len};
pub use reading::Reading;
pub use recorder::{DEFAULT_SHARD_BYTES, Recorder};
pub use select::{Select, Selection};
pub use sketch::Sketch;
pub use view::{EveryOther, Scaled, SignFlipped};
