//! What is said of a seed's whole policy, beside what locators say of parameters.

use serde::{Deserialize, Serialize};

use crate::circuits::{Scrubbed, Sought};

/// What was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct WholePolicy {
    /// The hypotheses of the question, their swaps and nulls.
    pub scrubbed: Vec<Scrubbed>,
    /// Directions taken off, site by site.
    pub taken_off: Vec<TakenOff>,
}

/// One direction taken off at one site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakenOff {
    /// Whether it is the direction of the cheese or of the open corner.
    pub sought: Sought,
    /// The name of the site.
    pub site: String,
    /// The probability, at decision squares of selection levels, of the step to what is sought: of the policy
    /// as it is.
    pub before: f64,
    /// The same with the direction taken off.
    pub after: f64,
    /// The same with a random vector of the direction's length added.
    pub random: f64,
}
