//! What was chosen for a claim, frozen, and what it did on test levels.

use serde::{Deserialize, Serialize};

use super::Family;
use crate::ablate::{Claim, PerRate, Rate};
use crate::locators::Supervision;

/// What an edit is to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Chosen by its effect among the components: the practical hypothesis.
    Practical,
    /// Meant for the claim by its method; of components chosen by time, as the proposal predicts: late ones for A,
    /// early ones for B.
    Predicted,
    /// Meant for the other claim: a control.
    Swapped,
    /// Any other control.
    Control,
}

/// What training gained over the untrained policy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rise {
    /// Which rate.
    pub rate: Rate,
    /// Rate of the trained policy minus that of the untrained one.
    pub value: f64,
    /// Its 95 % bootstrap interval over mazes.
    pub interval: (f64, f64),
    /// Whether that is a behaviour: a claim about one that was not learnt cannot be judged.
    pub is_learnt: bool,
}

/// The best edit of one family for one claim, as frozen before test levels were touched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    /// The claim.
    pub claim: Claim,
    /// The family.
    pub family: Family,
    /// What the edit is to the claim.
    pub role: Role,
    /// What its choice was told.
    pub supervision: Supervision,
    /// Which member.
    pub member: String,
    /// The dose.
    pub dose: f64,
    /// Members, signs and doses it was chosen from.
    pub candidates: usize,
    /// Directions or sets among them.
    pub members: usize,
    /// How far inside the rule of success on selection levels.
    pub margin: f64,
    /// Selectivity on selection levels.
    pub selectivity: f64,
}

/// What a frozen choice did on test levels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claimed {
    /// The choice.
    pub frozen: Frozen,
    /// |theta' - theta_T| / |theta_T - theta_0|.
    pub length: f64,
    /// Exact rates on test levels.
    pub rates: PerRate<f64>,
    /// Losses.
    pub losses: PerRate<f64>,
    /// Their 95 % intervals over mazes.
    pub intervals: PerRate<(f64, f64)>,
    /// Selectivity for the claim.
    pub selectivity: f64,
    /// Its 95 % interval over mazes.
    pub interval: (f64, f64),
    /// Its bootstrap draws over mazes, for the bootstrap over seeds.
    pub draws: Vec<f32>,
    /// Whether the rule of success is met.
    pub succeeds: bool,
    /// Random controls of equal length or count that came as far inside the rule on selection
    /// levels, and how many were drawn; for the families of the two hypotheses.
    pub controls: Option<Controls>,
}

/// A Monte-Carlo p-value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Controls {
    /// The sequential p-value.
    pub p: f64,
    /// Controls drawn.
    pub draws: u64,
    /// Times the candidates the choice was made among (the union bound): controls were drawn at the
    /// chosen dose alone.
    pub p_chosen: f64,
}
