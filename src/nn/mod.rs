//! The network: one operation a file, forward and backward side by side, and what strings them
//! together.
//!
//! Activations of a block of samples are channels-last. Images carry a border of one zero cell on
//! every side, `(samples, height + 2, width + 2, channels)`, so that a 3x3 convolution needs no
//! edge case; every operation leaves the border zero. Everything is generic over
//! [`Real`](crate::numeric::Real): training runs in `f32`, finite differences in `f64`.

pub mod adam;
pub mod attribute;
pub mod conv2d;
pub mod dense;
pub mod finite;
#[cfg(test)]
pub(crate) mod finite_difference;
pub mod hooks;
pub mod image;
pub mod init;
pub mod layout;
pub mod max_pool;
pub mod network;
pub mod policy;
pub mod relu;
pub mod sgd;
pub mod shape;
pub mod site;
pub mod softmax;
pub mod steering;
pub mod value;
pub mod workspace;

pub use image::Image;
pub use layout::Layout;
pub use network::Network;
pub use policy::Policy;
pub use shape::{Kind, Shape};
pub use site::{Part, Site};
pub use steering::Steering;
pub use workspace::{Derivatives, Target, Workspace};

/// What can be wrong with a network's settings.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A size of the network is out of range.
    #[error("net.{name} = {found}: expected {expected}")]
    Size {
        /// The setting.
        name: &'static str,
        /// What was given.
        found: usize,
        /// What is possible.
        expected: &'static str,
    },
}
