//! What was chosen for a claim, frozen, and what it did on test levels.

use serde::{Deserialize, Serialize};

use super::Family;
use crate::ablate::{Claim, PerRate, Rate};
use crate::locators::Supervision;
use crate::storage::or_null;

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
    /// What is known beforehand to do what the claim says, or the best that optimisation found.
    Known,
}

impl Role {
    /// Whether it is held against rivals: somebody says that it does what the claim says.
    pub fn is_compared(self) -> bool {
        matches!(self, Self::Practical | Self::Predicted)
    }
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
    /// Of a baseline, how many candidates those families had beside which it stands with these tries.
    pub beside: Option<usize>,
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
    /// |theta' - theta_T| / |theta_T - theta_0|; NaN, `null` in JSON, where training moved nothing.
    #[serde(deserialize_with = "or_null::number")]
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
    /// Against that baseline, or control of its own, with as many tries, above which it is least; none of those themselves.
    pub above: Option<Above>,
    /// Random controls of equal length or count that came as far inside the rule on selection
    /// levels, and how many were drawn; for the families of the two hypotheses.
    pub controls: Option<Controls>,
}

impl Claimed {
    /// Whether the claim is reached: the rule is met, and selectivity is certainly above that of every baseline with as many
    /// tries.
    pub fn is_reached(&self) -> bool {
        self.succeeds && self.above.is_some_and(|above| above.interval.0 > 0.0)
    }

    /// Those of `all` that this choice is held against: every baseline with as many tries, and its family's own control.
    pub fn rivals<'a>(&self, all: &'a [Self]) -> Vec<&'a Self> {
        let own = self.frozen.family.own_control();
        let is_rival = |one: &&Self| {
            one.frozen.claim == self.frozen.claim
                && (one.frozen.beside == Some(self.frozen.candidates)
                    || own == Some(one.frozen.family) && one.frozen.role == Role::Control)
        };
        all.iter().filter(is_rival).collect()
    }
}

/// Selectivity above a rival's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Above {
    /// The family of the rival.
    pub rival: Family,
    /// By how much.
    pub difference: f64,
    /// Its 95 % interval, both on the same mazes in every draw.
    pub interval: (f64, f64),
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
