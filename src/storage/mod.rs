//! Every file the program touches. Files are written aside, synced and renamed, so that a name
//! either holds a whole file or none; only sealed files are mapped.
//!
//! Nothing here knows what the numbers mean. All formats are little-endian.

#[cfg(target_endian = "big")]
compile_error!("the files are little-endian and are mapped as they are");

pub mod atomic;
mod by_name;
pub mod checksum;
pub mod dask_info;
pub mod disk;
mod dtype;
pub mod error;
pub mod growing;
pub mod half;
pub mod lines;
pub mod manifest;
pub mod map;
pub mod memory;
pub mod npy;
mod npy_dictionary;
pub mod npy_header;
pub mod or_null;
mod request;
pub mod run_dir;
pub mod scratch;
pub mod sealed;
pub mod shown;
pub mod summed;
pub mod tensor_header;
pub mod tensors;

pub use checksum::{Checksum, FileSum};
pub use error::{Error, exists, is_directory, read_bytes, read_named_text, read_text};
pub use growing::GrowingNpy;
pub use lines::Lines;
pub use manifest::RunManifest;
pub use map::Map;
pub use run_dir::RunDir;
pub use scratch::Scratch;
pub use sealed::{Access, Sealed};
