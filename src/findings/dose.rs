//! One direction at growing doses.

use serde::{Deserialize, Serialize};

use super::Family;
use crate::ablate::PerRate;

/// A chosen step at all of its doses, on test levels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DoseResponse {
    /// Whose step it is.
    pub family: Family,
    /// Which direction.
    pub member: String,
    /// Lengths in shares of |theta_T - theta_0|, negative for the other sign.
    pub doses: Vec<f64>,
    /// Exact rates at each dose.
    pub rates: Vec<PerRate<f64>>,
    /// Their 95 % intervals over mazes.
    pub intervals: Vec<PerRate<(f64, f64)>>,
}
