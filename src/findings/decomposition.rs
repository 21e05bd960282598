//! What the report shows of a decomposition.

use serde::{Deserialize, Serialize};

use super::Components;
use super::sound::{Contradiction, Sound, len};
use crate::locate::Component;
use crate::nn::Layout;

/// One decomposition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DecompositionSummary {
    /// Which.
    pub of: Components,
    /// Singular values.
    pub sigma: Vec<f64>,
    /// 95 % quantile of the sign-flipped matrices' singular value of the same index, same length
    /// or shorter.
    pub null_sigma: Vec<f64>,
    /// Largest singular value of the sign-flipped matrices at 95 %: components above it are signal.
    pub null_top: f64,
    /// Surrogates behind the null.
    pub null_draws: usize,
    /// |G v - sigma u|.
    pub left_residuals: Vec<f64>,
    /// |G^T u - sigma v|.
    pub right_residuals: Vec<f64>,
    /// Share of |G|_F^2.
    pub explained: Vec<f64>,
    /// Passes over the matrix.
    pub passes: usize,
    /// Whether every residual met the tolerance.
    pub converged: bool,
    /// Centres of the time bins, in share of training.
    pub tau: Vec<f64>,
    /// Right singular vectors: mean of v within each time bin, `[component][bin]`.
    pub v: Vec<Vec<f64>>,
    /// Share of the squared column norms in each time bin.
    pub mass: Vec<f64>,
    /// What each component says about time.
    pub components: Vec<Component>,
    /// Share of each left vector's squared length in each tensor, `[component][tensor]`.
    pub by_tensor: Vec<Vec<f64>>,
}

impl DecompositionSummary {
    /// "raw columns" or "unit-norm columns".
    pub fn words(&self) -> String {
        format!("{} columns", self.of.name())
    }
}

impl Sound for DecompositionSummary {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let (rank, bins) = (self.sigma.len(), self.tau.len());
        let of_rank = [
            ("left_residuals", self.left_residuals.len()),
            ("right_residuals", self.right_residuals.len()),
            ("explained", self.explained.len()),
            ("v", self.v.len()),
            ("by_tensor", self.by_tensor.len()),
            ("components", self.components.len()),
        ];
        let tensors = layout.tensors.len();
        of_rank
            .into_iter()
            .find_map(|(what, found)| len(what, found, rank))
            .or_else(|| len("mass", self.mass.len(), bins))
            .or_else(|| {
                let mut all = self.v.iter();
                all.find_map(|v| len("v of a component", v.len(), bins))
            })
            .or_else(|| {
                let mut all = self.by_tensor.iter();
                all.find_map(|one| len("by_tensor of a component", one.len(), tensors))
            })
    }
}
