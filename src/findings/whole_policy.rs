//! What is said of a seed's whole policy, beside what methods say of parameters.

use serde::{Deserialize, Serialize};

use crate::circuits::{Scrubbed, Sought};

/// What was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Traced {
    /// The hypotheses of the question, their swaps and nulls.
    pub scrubbed: Vec<Scrubbed>,
    /// Directions taken off, site by site.
    pub taken_off: Vec<TakenOff>,
}

/// One direction taken off at one site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakenOff {
    /// Whose direction.
    pub sought: Sought,
    /// Where.
    pub site: String,
    /// Probability at decision squares of selection levels of the step to what is sought: as it is.
    pub before: f64,
    /// With the direction taken off.
    pub after: f64,
    /// With a random vector of its length.
    pub random: f64,
}
