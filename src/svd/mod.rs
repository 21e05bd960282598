//! The truncated SVD of a matrix that does not fit in memory, and its certificate.
//!
//! The matrix is the `A` of [`crate::gradients::GradientMatrix`]: time x parameters (T x P). What is
//! decomposed is `G = A^T = U S V^T`, as METHOD writes it: U (P x k) holds directions in parameter
//! space, V (T x k) when each of them was active.
//!
//! [`decompose`] plans first: block Krylov iteration, the matrix of inner products, or a dense SVD,
//! whichever takes least. It reads the matrix from end to end a few times, a tile of parameters at a
//! time; beside the bases it holds the matrix itself only where memory allows all of it. Tiles are fixed, each is computed sequentially, and
//! their partial sums are added in order. So results have the same bits for any number of threads on
//! one machine; between instruction sets they agree to rounding (faer chooses its kernels by CPU).
//!
//! ```
//! use gouda::gradients::Dense;
//! use gouda::svd::{Options, bounds::bounds, truncated};
//!
//! // Three steps: two along one direction of parameters, one across it.
//! let matrix = Dense::new(3, 2, vec![3.0, 0.0, 4.0, 0.0, 0.0, 1.0])?;
//! let found = truncated(&matrix, &Options::with_rank(2), &mut |_| {})?;
//! assert!((found.s[0] - 5.0).abs() < 1e-6 && (found.s[1] - 1.0).abs() < 1e-6);
//! assert!((found.v_column(0)[1] - 0.8).abs() < 1e-6);
//! assert!(found.converged && bounds(&found).singular_value_errors[0] < 1e-5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bounds;
mod certificate;
mod decompose;
mod decomposition;
mod deflated;
mod dense;
mod error;
mod event;
mod flipped;
mod gram;
mod held;
mod krylov;
pub mod lanczos;
mod left;
mod method;
pub mod null;
mod options;
pub mod output;
mod plan;
mod probes;
mod range;
mod scalar;
mod signs;
mod space;
mod start;
mod sweep;
mod tile;

#[cfg(test)]
mod adversary;
#[cfg(test)]
mod tests;

pub use decompose::decompose;
pub use decomposition::{Decomposition, Stop};
#[cfg(feature = "program")]
pub(crate) use dense::right_svd;
pub(crate) use dense::{eigen, product};
pub use error::Error;
pub use event::{Event, Pass};
pub use method::Method;
pub use options::{Options, TOLERANCE_MIN};
pub use plan::{Plan, Precision};
pub use probes::Unseen;

use crate::gradients::GradientMatrix;

/// As [`decompose`], from random directions; `progress` is called after each pass.
///
/// # Errors
/// Those of [`decompose`].
pub fn truncated(
    matrix: &dyn GradientMatrix,
    options: &Options,
    progress: &mut dyn FnMut(Pass),
) -> Result<Decomposition, Error> {
    decompose(matrix, options, None, &mut |event| {
        if let Event::Pass(pass) = event {
            progress(pass);
        }
        true
    })
}
