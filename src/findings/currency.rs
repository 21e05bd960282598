//! What every method's resets did, in one currency.

use serde::{Deserialize, Serialize};

use crate::ablate::{PerClaim, PerRate};
use crate::locators::Method;

/// What one locator's resets did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Currency {
    /// Which.
    pub locator: Method,
    /// Seconds it took.
    pub seconds: f64,
    /// What it found for either claim, in words; none where it names nothing.
    pub found: PerClaim<Option<String>>,
    /// Share of the top 5 % of parameters in each tensor, for either claim.
    pub by_tensor: PerClaim<Vec<f64>>,
    /// For either claim.
    pub curves: PerClaim<Curve>,
}

/// Selectivity against the percentage of parameters reset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Curve {
    /// Percentages.
    pub percent: Vec<f64>,
    /// Losses of the locator's parameters.
    pub losses: Vec<PerRate<f64>>,
    /// Selectivity of the locator's parameters.
    pub selectivity: Vec<f64>,
    /// Of random ones.
    pub random: Vec<f64>,
    /// Area under `selectivity`.
    pub area: f64,
    /// Area under `random`.
    pub random_area: f64,
}
