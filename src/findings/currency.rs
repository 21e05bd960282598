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
    /// Share of the top 5 % of parameters in each tensor, for either claim; zeros where it names nothing.
    pub by_tensor: PerClaim<Vec<f64>>,
    /// For either claim.
    pub curves: PerClaim<Curve>,
    /// How well the scores for A find the weights that read the cheese's plane, the blindfold's; none where it names nothing.
    pub blindfold: Option<Blindfolded>,
}

/// How well scores find the weights that read the cheese's plane: an answer for A that nobody had to plant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blindfolded {
    /// Of as many parameters of highest score as the plane has weights, the share that are the plane's.
    pub precision: f64,
    /// Area under the ROC curve, the plane's weights against all others.
    pub area: f64,
    /// The plane's share of all parameters: the precision of chance.
    pub share: f64,
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
