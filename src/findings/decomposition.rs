//! What the report shows of a decomposition.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Components;
use super::sound::{Contradiction, Sound, len};
use crate::locate::{Component, Located, WithoutNoise};
use crate::nn::Layout;
use crate::nn::layout::Tensor;
use crate::numeric::sum;

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
    /// Largest singular value of the sign-flipped matrices at 95 %: components above it are signal. None where there were none.
    pub null_top: Option<f64>,
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
    /// Share of the squared right singular vectors in each time bin, `[component][bin]`; empty in files of before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activity: Vec<Vec<f64>>,
    /// Share of the squared column norms in each time bin; empty where they are not known.
    pub mass: Vec<f64>,
    /// What each component says about time.
    pub components: Vec<Component>,
    /// Share of each left vector's squared length in each tensor, `[component][tensor]`.
    pub by_tensor: Vec<Vec<f64>>,
    /// Each component without what noise adds to it; none where it is no signal, and in files of before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_noise: Vec<Option<WithoutNoise>>,
}

/// Time bins of the figures.
const BINS: usize = 120;

impl DecompositionSummary {
    /// Of what was located in a matrix, whose rows lie at the times `tau` and whose parameters are laid out as `layout` says.
    pub fn new(of: Components, tau: &[f64], layout: &Layout, located: &Located) -> Self {
        let (certified, d) = (&located.decomposition, located.of_components());
        let bins = BINS.min(d.time_len);
        let ranges: Vec<_> = (0..bins)
            .map(|b| b * d.time_len / bins..(b + 1) * d.time_len / bins)
            .collect();
        let mean = |values: &[f64]| {
            ranges
                .iter()
                .map(|r| sum::mean(&values[r.clone()]))
                .collect::<Vec<f64>>()
        };
        let squares = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>();
        let total = squares(&located.row_norms);
        let mass = |r: &Range<usize>| Some(squares(located.row_norms.get(r.clone())?) / total);
        let share = |u: &[f32], tensor: &Tensor| {
            let part = &u[tensor.range()];
            sum::dot(part, part)
        };
        let spectrum = located.spectrum.as_ref();
        let activity = |v: Vec<f64>| ranges.iter().map(|r| squares(&v[r.clone()])).collect();
        Self {
            of,
            sigma: certified.s.clone(),
            null_sigma: spectrum.map_or(Vec::new(), |null| null.quantiles.clone()),
            null_top: spectrum.map(|null| null.threshold),
            null_draws: spectrum.map_or(0, |null| null.largest.len()),
            left_residuals: certified.left_residuals.clone(),
            right_residuals: certified.right_residuals.clone(),
            explained: certified.explained(),
            passes: certified.passes,
            converged: certified.converged,
            tau: mean(tau),
            v: (0..d.rank).map(|i| mean(&d.v_column(i))).collect(),
            activity: (0..d.rank).map(|i| activity(d.v_column(i))).collect(),
            mass: ranges.iter().filter_map(mass).collect(),
            components: located.components.clone(),
            by_tensor: (0..d.rank)
                .map(|i| {
                    let u = d.u_column(i);
                    let tensors = layout.tensors.iter();
                    tensors.map(|tensor| share(&u, tensor)).collect()
                })
                .collect(),
            without_noise: located.without_noise.clone(),
        }
    }

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
            .or_else(|| match self.activity.len() {
                0 => None,
                found => len("activity", found, rank),
            })
            .or_else(|| {
                let mut all = self.activity.iter();
                all.find_map(|one| len("activity of a component", one.len(), bins))
            })
            .or_else(|| match self.without_noise.len() {
                0 => None,
                found => len("without_noise", found, rank),
            })
            .or_else(|| match self.mass.len() {
                0 => None,
                found => len("mass", found, bins),
            })
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
