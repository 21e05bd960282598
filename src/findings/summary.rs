//! What the seeds say together.

use serde::{Deserialize, Serialize};

use super::{Components, Family, ProjectedSet, Role};
use crate::ablate::{Claim, PerClaim, PerRate, Rate};
use crate::circuits::Sought;
use crate::locators::{Group, Method, Supervision};
use crate::ppo::projection::When;

/// A mean over seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Over {
    /// The mean.
    pub mean: f64,
    /// Its 95 % interval; none where there is one seed.
    pub interval: Option<(f64, f64)>,
    /// Exact two-sided sign-flip test that it is 0.
    pub p: Option<f64>,
    /// By seed; a seed that has none is left out.
    pub values: Vec<f64>,
}

/// When the behaviours were learnt: the premise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Phases {
    /// When each phase was learnt, as a share of training.
    pub onsets: Vec<(Rate, Option<Over>)>,
    /// From the walk to the corner to each of the others.
    pub lags: Vec<LagOver>,
}

/// From the walk to the corner to another phase.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LagOver {
    /// The other phase.
    pub to: Rate,
    /// Shares of training between the two.
    pub lag: Option<Over>,
    /// Seeds whose own interval is above 0: the corner came first.
    pub after: usize,
    /// Seeds whose own interval is below 0.
    pub before: usize,
}

/// A locator in the common currency, for one claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ranked {
    /// Its name.
    pub locator: Method,
    /// Area under selectivity against ln q.
    pub area: Over,
    /// The same of as many random parameters of every tensor.
    pub random: f64,
    /// Area above random, by seed.
    pub above: Over,
    /// p of `above`, adjusted (Holm) over the gradient SVDs and both claims; none for others.
    pub p_adjusted: Option<f64>,
    /// Area as a share of the oracle's, both above that of random scores, where the oracle's is certainly above its own random
    /// parameters.
    pub oracle_share: Option<f64>,
    /// Mean seconds a seed.
    pub seconds: f64,
}

/// A family of edits, for one claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FamilyOver {
    /// Its name.
    pub family: Family,
    /// What it is to the claim.
    pub role: Role,
    /// What its choice was told.
    pub supervision: Supervision,
    /// Seeds on which it was tried.
    pub seeds: usize,
    /// Seeds on which it meets the rule of success.
    pub successes: usize,
    /// Selectivity on test levels.
    pub selectivity: Over,
    /// Seeds on which it reaches the claim: the rule is met, and it is certainly above every baseline with as many tries.
    pub reached: usize,
    /// Selectivity on test levels above that of the baseline, or control of its own, above which it is least, seed by seed. None for
    /// what is not held against them.
    pub above: Option<Over>,
    /// p of `above`, adjusted (Holm) over the hypotheses and both claims; none for others.
    pub p_adjusted: Option<f64>,
    /// Members, signs and doses it was chosen from, on the first seed.
    pub candidates: usize,
    /// Mean losses.
    pub losses: PerRate<f64>,
    /// Seeds on which random controls at its dose came as far inside the rule in fewer than one case in
    /// twenty, the doses it was chosen from counted in (a union bound), and seeds with such controls.
    /// None for steps along single components, of which too many were tried for that bound.
    pub beyond_controls: Option<(usize, usize)>,
}

impl FamilyOver {
    /// Whether it is one of the proposal's own: a single component's step, or a gradient SVD's set for the
    /// claim. Holm adjusts these together.
    pub fn is_hypothesis(&self) -> bool {
        match (self.role, self.family) {
            (Role::Practical, family) => family == Family::Step,
            (Role::Predicted, Family::Of(method, _)) => method.group() == Group::GradientSvd,
            _ => false,
        }
    }
}

/// The temporal claim, for one decomposition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TemporalRow {
    /// Which decomposition.
    pub decomposition: Components,
    /// Rank correlation of temporal index and what undoing a component costs the corner more than the cheese.
    pub correlation: Option<Over>,
    /// The same on the behavioural axis.
    pub behavioural: Option<Over>,
    /// Mean effect of the early set minus that of the late set.
    pub difference: Option<Over>,
    /// Seeds on which that is beyond 95 % of random in-span sets, and seeds where it was tested.
    pub beyond_random: (usize, usize),
    /// Labelled components over all seeds: early, late.
    pub labelled: Option<[usize; 2]>,
}

/// Two locators in the common currency, seed by seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pair {
    /// The claim.
    pub claim: Claim,
    /// The locator that reads gradients.
    pub gradients: Method,
    /// The one that does not.
    pub other: Method,
    /// Area of the first minus area of the second.
    pub difference: Over,
    /// Its p, adjusted (Holm) over all pairs.
    pub p_adjusted: Option<f64>,
}

impl Pair {
    /// Whether the first is certainly above the second, or below it where not `above`: an adjusted p of .05.
    pub fn differs(&self, above: bool) -> bool {
        self.p_adjusted.is_some_and(|p| p <= 0.05) && (self.difference.mean > 0.0) == above
    }
}

/// Training again with a set of components projected out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RetrainedRow {
    /// What was projected out.
    pub set: ProjectedSet,
    /// Before the optimiser or after it.
    pub when: When,
    /// Updates made, by seed.
    pub updates: Vec<u64>,
    /// The walk to the corner with the projection less that without.
    pub corner: Over,
    /// What the cheese adds in the region, the mean of both directions, with the projection less that without.
    pub cheese: Over,
}

/// Over the seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// The premise.
    pub phases: Phases,
    /// Exact rates on test levels of the trained policies.
    pub base: Vec<Over>,
    /// Of the untrained ones.
    pub floor: Vec<Over>,
    /// Seeds on which either claim can be judged.
    pub judged: PerClaim<usize>,
    /// The common currency, best first, for A and for B.
    pub ranking: PerClaim<Vec<Ranked>>,
    /// The readers' first question: gradients or weights.
    pub pairs: Vec<Pair>,
    /// Every family of edits, best first, for A and for B.
    pub families: PerClaim<Vec<FamilyOver>>,
    /// The temporal claim.
    pub temporal: Vec<TemporalRow>,
    /// Training again with components projected out.
    pub retraining: Vec<RetrainedRow>,
    /// The readers' second question.
    #[serde(default)]
    pub question: Question,
}

/// Two methods over the seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agreed {
    /// The claim.
    pub claim: Claim,
    /// Their names.
    pub between: [Method; 2],
    /// Spearman's correlation of their scores.
    pub rho: Over,
    /// The same, its null's mean taken off.
    pub rho_above: Over,
    /// Share of the top 5 % of parameters in common.
    pub overlap: Over,
    /// Mean of its null.
    pub overlap_null: f64,
    /// Overlap, its null's mean taken off.
    pub overlap_above: Over,
    /// Seeds on which the overlap is more than two deviations above its null.
    pub beyond: usize,
}

/// A hypothesis over the seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScrubbedOver {
    /// Its name; nulls of several draws go by one.
    pub name: String,
    /// Share of the loss that is recovered.
    pub recovered: Over,
    /// Means of the quantiles over states.
    pub quantiles: [f64; 3],
    /// Nodes, and channels as a share of all.
    pub size: (usize, f64),
    /// Mean share of draws that no other state matched.
    pub unmatched: f64,
}

/// A direction taken off at one site, over the seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TakenOffOver {
    /// Whose direction.
    pub sought: Sought,
    /// The site.
    pub site: String,
    /// Probability at decision squares of the step to what is sought.
    pub before: Over,
    /// With the direction taken off.
    pub after: Over,
    /// With a random vector of its length.
    pub random: Over,
}

/// What the seeds say.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Question {
    /// Areas in the common currency, gradient SVDs minus rivals.
    pub pairs: Vec<Pair>,
    /// Whether methods point to the same parameters.
    pub agreed: Vec<Agreed>,
    /// Hypotheses.
    pub scrubbed: Vec<ScrubbedOver>,
    /// Directions, site by site.
    pub taken_off: Vec<TakenOffOver>,
}
