//! Whether two methods point to the same parameters.

use serde::{Deserialize, Serialize};

use crate::ablate::Claim;
use crate::locators::Method;

/// The methods that are held against each other, in the order of tables: the gradient SVDs but for raw columns,
/// SVDs of weights, the rivals, and the oracle.
pub const COMPARED: [Method; 11] = [
    Method::GradientSvdUnitNorm,
    Method::GradientSvdPerTensor,
    Method::DisplacementSvd,
    Method::WeightsSvd,
    Method::FisherRatio,
    Method::AttributionPatching,
    Method::ActivationPatching,
    Method::PathPatching,
    Method::ChannelScrubbing,
    Method::ActivationDirections,
    Method::MaskOracle,
];

/// A number of two methods, with its null.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// The number.
    pub value: f64,
    /// Mean of the null.
    pub null: f64,
    /// Standard deviation of the null.
    pub deviation: f64,
}

/// Two methods, for one claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The claim.
    pub claim: Claim,
    /// Their names.
    pub between: [Method; 2],
    /// Spearman's correlation of their scores.
    pub rho: Against,
    /// Share of the top parameters that they have in common.
    pub overlap: Against,
}
