//! What of a loss change allocation belongs together: sums of a few terms, each with its behaviours, its time and its
//! parameters.
//!
//! ```text
//! X[b, w, p] = W_b[p, w] / (sum over w, p of W_b[p, w]^2)^(1/2)        every behaviour counts alike
//! SVD     of X, rows (b, w), columns p:                 sum over r of  s_r v_r[b, w] u_r[p]
//! CP      of the positive part of X, by nonnegative.rs: sum over r of  A[b, r] B[w, r] W[r, p]
//! ```
//!
//! Terms of the SVD are orthogonal and have signs: a behaviour and its loss share one. Terms of the non-negative
//! factorisation only add up, as parts of a whole do; what was unlearnt is left out of them.

use super::allocation::Allocation;
use super::error::Error;
use super::nonnegative::{Array, Factors};
use crate::gradients::{Dense, GradientMatrix};
use crate::svd::{self, Decomposition};

/// Terms of either factorisation, at most.
pub const RANK: usize = 6;
/// Updates of the non-negative one.
const ITERATIONS: usize = 80;
/// Residual of the SVD, relative to the largest singular value.
const TOLERANCE: f64 = 1e-6;

/// Both factorisations.
#[derive(Clone, Debug)]
pub struct Factored {
    /// The leading triplets: `v` goes by behaviour, then window.
    pub svd: Decomposition,
    /// The non-negative terms: first index behaviours, second windows, third parameters.
    pub factors: Factors,
}

/// A loss change allocation with what of it belongs together.
#[derive(Clone, Debug)]
pub struct LossChanges {
    /// By behaviour, window and parameter.
    pub allocation: Allocation,
    /// Its terms; none where nothing moved, or nothing changed.
    pub factored: Option<Factored>,
}

impl LossChanges {
    /// Takes an allocation apart.
    ///
    /// # Errors
    /// Numbers that are not finite.
    pub fn new(allocation: Allocation, seed: u64) -> Result<Self, Error> {
        let factored = Factored::new(&allocation, seed)?;
        Ok(Self {
            allocation,
            factored,
        })
    }
}

impl Factored {
    fn new(allocation: &Allocation, seed: u64) -> Result<Option<Self>, Error> {
        let mut rows = Vec::new();
        for behaviour in &allocation.behaviours {
            let entries = behaviour.windows.iter().flatten();
            let norm = entries.map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt();
            let scale = if norm > 0.0 { norm.recip() } else { 0.0 };
            let scaled = |w: &Vec<f32>| w.iter().map(|&w| (scale * f64::from(w)) as f32).collect();
            rows.extend(
                behaviour
                    .windows
                    .iter()
                    .map(scaled)
                    .collect::<Vec<Vec<f32>>>(),
            );
        }
        if rows.iter().flatten().all(|&x| x == 0.0) {
            return Ok(None);
        }
        let matrix = Dense::new(rows.len(), rows[0].len(), rows.concat())?;
        let side = matrix.time_len().min(matrix.param_len());
        let options = svd::Options {
            method: svd::Method::Gram,
            tolerance: TOLERANCE,
            seed,
            ..svd::Options::with_rank(RANK.min(side))
        };
        let svd = svd::truncated(&matrix, &options, &mut |_| {})?;
        drop(matrix);
        rows.iter_mut().flatten().for_each(|x| *x = x.max(0.0));
        let array = Array {
            i_len: allocation.behaviours.len(),
            t_len: allocation.tau.len(),
            rows,
        };
        let factors = Factors::new(&array, RANK, ITERATIONS);
        Ok(Some(Self { svd, factors }))
    }
}
