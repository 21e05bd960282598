//! Which parameters learned what, and when: the temporal course of each component of the
//! decomposition, held against nulls, and a label where everything agrees (METHOD, "Components").
//!
//! A component is called early or late only where its temporal index and the displacement along it
//! agree, it is no spike, its singular value is above what no shared direction gives, and all
//! three nulls of its course reject. Otherwise it has no label, and the reasons are given in words.

pub mod by_tensor;
pub mod component;
pub mod error;
mod fourier;
pub mod group;
pub mod left_out;
mod matrix;
mod moved;
pub mod noise;
pub mod nulls;
pub mod sets;
pub mod shared;
pub mod stability;
pub mod temporal;
pub mod turn;

pub use component::{Component, Evidence, Label, Projections, components};
pub use error::Error;
pub use matrix::{Displacement, Event, Located, Options, Stage, locate, locate_decomposition};
pub use moved::Moved;
pub use noise::{Between, WithoutNoise};
pub use nulls::{NullOptions, PValues};
pub use sets::TemporalSet;
pub use stability::{Stability, split_half};
pub use temporal::Course;
