//! The ways to find triplets.

use serde::{Deserialize, Serialize};

/// How the triplets are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The one that takes the least time by the plan's estimate.
    #[default]
    Auto,
    /// Block Krylov iteration.
    Krylov,
    /// Eigenvectors of the T x T matrix of inner products.
    Gram,
    /// faer's SVD of the whole matrix in memory.
    Dense,
    /// Lanczos bidiagonalisation of the whole matrix in memory.
    Lanczos,
}

impl Method {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Krylov => "krylov",
            Self::Gram => "gram",
            Self::Dense => "dense",
            Self::Lanczos => "lanczos",
        }
    }
}
