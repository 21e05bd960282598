//! The truncated SVD of a matrix that does not fit in memory, and its certificate.
//!
//! The matrix is the `A` of [`crate::gradients::GradientMatrix`]: time x parameters (T x P). What is
//! decomposed is `G = A^T = U S V^T`, as METHOD writes it: U (P x k) holds directions in parameter
//! space, V (T x k) when each of them was active.
//!
//! [`truncated`] reads the matrix from end to end a few times, a tile of parameters at a time, and
//! never holds more than the bases. Products run in `f64`, on fixed tiles, sequentially inside a
//! tile; the tiles' partial sums are added in their order. So results have the same bits for any
//! number of threads on one machine; between instruction sets they agree to rounding (faer chooses
//! its kernels by CPU).

mod certificate;
mod decomposition;
mod dense;
mod error;
mod krylov;
pub mod lanczos;
pub mod null;
pub mod output;
mod sweep;

#[cfg(test)]
mod tests;

pub use decomposition::{Decomposition, Stop};
pub use error::Error;
pub use krylov::{Options, Pass, TOLERANCE_MIN, memory_bytes, truncated};
