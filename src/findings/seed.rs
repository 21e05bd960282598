//! What one seed says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sound::{Contradiction, Sound, hash, len};
use super::tracing::WholePolicy;
use super::{Agreement, Claimed, Currency, Curves, Family, LossChangeBrief, Rise, Temporal};
use crate::ablate::{Claim, PerRate};
use crate::locators::weights_svd::AgainstNull;
use crate::nn::Layout;
use crate::ppo::projection::When;

/// What one seed says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Findings {
    /// The seed.
    pub seed: u64,
    /// SHA-256 of its settings.
    pub config_sha256: String,
    /// Checksum of the matrix of total gradients.
    pub gradient_checksum: String,
    /// SHA-256 of the choices, frozen before test levels were touched.
    pub frozen_sha256: String,
    /// Rates along training and the phases.
    pub curves: Curves,
    /// Exact rates of the trained policy on test levels.
    pub base: PerRate<f64>,
    /// Of the untrained one.
    pub floor: PerRate<f64>,
    /// What training gained.
    pub rises: PerRate<Rise>,
    /// Every locator in the common currency.
    pub currency: Vec<Currency>,
    /// How far the loss change allocation adds up; none where there are not two checkpoints.
    pub loss_change: Option<LossChangeBrief>,
    /// Every frozen choice on test levels.
    pub claims: Vec<Claimed>,
    /// The temporal claim, by decomposition.
    pub temporal: Vec<Temporal>,
    /// Components with a label, early and late, of the raw and the unit-norm decomposition.
    pub labelled: [[usize; 2]; 2],
    /// What the dissociating directions are.
    pub portraits: Vec<Portrait>,
    /// How fast ablated behaviours come back.
    pub relearning: Vec<Relearnt>,
    /// Training again with components projected out, on the first `study.retrain_seeds` seeds.
    pub retraining: Vec<Retrained>,
    /// The spectra of weights, of the displacement and of the path of weights, against their nulls.
    pub walks: Vec<AgainstNull>,
    /// Whether methods point to the same parameters.
    #[serde(default)]
    pub agreement: Vec<Agreement>,
    /// What is said of the policy as a whole.
    #[serde(default)]
    pub traced: WholePolicy,
    /// Seconds of each stage.
    pub seconds: BTreeMap<String, f64>,
}

impl Findings {
    /// The choices for a claim, of a baseline that with the most tries; those with fewer stand beside single edits.
    pub fn choices(&self, claim: Claim) -> impl Iterator<Item = &Claimed> {
        let of_claim = move |one: &&Claimed| one.frozen.claim == claim;
        let all = self.claims.iter().filter(of_claim);
        let most = all.clone().filter_map(|c| c.frozen.beside).max();
        all.filter(move |c| c.frozen.beside.is_none() || c.frozen.beside == most)
    }
}

/// How fast one edit's target came back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Relearnt {
    /// The claim whose first target was waited for.
    pub claim: Claim,
    /// The family of the edit.
    pub edit: Family,
    /// Updates until it was back; none where the budget was used up.
    pub updates: Option<u64>,
}

/// One edit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Portrait {
    /// The claim it was chosen for.
    pub claim: Claim,
    /// The family it is the best of: steps along components, or random in-span ones.
    pub family: Family,
    /// Component, sign and dose.
    pub member: String,
    /// The dose.
    pub dose: f64,
    /// Share of its squared length in each tensor.
    pub by_tensor: Vec<f64>,
    /// Share of the logits' change that is the same in every state.
    pub bias: f64,
    /// That change, an action each, its mean taken off.
    pub shift: Vec<f64>,
}

/// What is projected out of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectedSet {
    /// The early components.
    Early,
    /// The late components.
    Late,
    /// As many random directions in their span.
    Random,
}

impl ProjectedSet {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Late => "late",
            Self::Random => "random",
        }
    }
}

/// What one retraining came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Retrained {
    /// What was projected out.
    pub set: ProjectedSet,
    /// Whether the projection was before the optimiser or after it.
    pub when: When,
    /// Components projected out.
    pub components: usize,
    /// Updates made.
    pub updates: u64,
    /// Exact rates of the run's own checkpoint.
    pub without: PerRate<f64>,
    /// Exact rates with the projection.
    pub with: PerRate<f64>,
}

impl Sound for Findings {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let tensors = layout.tensors.len();
        let rises = || {
            let mut rises = self.rises.pairs();
            let (rate, wrong) = rises.find(|(rate, rise)| rise.rate != *rate)?;
            let expected = format!("the rise of {}", rate.name());
            Some((expected, wrong.rate.name().to_owned()))
        };
        let currency = || {
            self.currency.iter().find_map(|one| {
                let mut shares = one.by_tensor.iter();
                let shares = shares.find_map(|shares| len("by_tensor", shares.len(), tensors));
                let mut curves = one.curves.iter();
                shares.or_else(|| {
                    curves.find_map(|curve| {
                        let points = curve.percent.len().max(1);
                        len("percent", curve.percent.len(), points)
                            .or_else(|| len("losses", curve.losses.len(), points))
                            .or_else(|| len("selectivity", curve.selectivity.len(), points))
                            .or_else(|| len("random", curve.random.len(), points))
                    })
                })
            })
        };
        let portraits = || {
            let mut all = self.portraits.iter();
            all.find_map(|one| len("by_tensor of a portrait", one.by_tensor.len(), tensors))
        };
        self.curves
            .contradiction(layout)
            .or_else(rises)
            .or_else(currency)
            .or_else(portraits)
            .or_else(|| self.loss_change.as_ref()?.contradiction(layout))
            .or_else(|| hash("config_sha256", &self.config_sha256))
            .or_else(|| hash("frozen_sha256", &self.frozen_sha256))
    }
}
