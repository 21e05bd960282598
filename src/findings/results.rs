//! What a run found, as written to `results.json`: the one source of the report's figures.

use serde::{Deserialize, Serialize};

use crate::ablate::{Mean, Rate};
use crate::locate::Component;
use crate::nn::Layout;

/// Everything the report shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// What was run.
    pub run: RunSummary,
    /// S1 to S5 during training.
    pub curves: Curves,
    /// The SVD with raw columns, then with unit-norm columns.
    pub decompositions: Vec<DecompositionSummary>,
    /// What edits did.
    pub ablation: Ablation,
    /// Vector fields of the policy before and after the chosen edits.
    pub mazes: Vec<MazeFigure>,
}

/// What was run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunSummary {
    /// Name of the preset.
    pub preset: String,
    /// Seed of the run.
    pub seed: u64,
    /// All settings as TOML.
    pub config: String,
    /// SHA-256 of `config`, which froze the choices before test levels were looked at.
    pub config_sha256: String,
    /// The command line.
    pub command: String,
    /// Version of this program.
    pub version: String,
    /// The parameters' names and places.
    pub layout: Layout,
    /// Environment frames.
    pub frames: u64,
    /// Optimiser steps.
    pub updates: u64,
    /// Rows of the gradient matrix.
    pub time_len: usize,
    /// Checksum of the gradient matrix.
    pub gradient_checksum: String,
    /// Training time in seconds, measurements along the way included.
    pub train_seconds: f64,
    /// |theta_T - theta_0|.
    pub displacement: f64,
    /// Side of the world.
    pub world: u8,
    /// Side of the region.
    pub region: u8,
    /// Share of training levels whose maze is no larger than the region, so that the cheese may be
    /// anywhere in it.
    pub anywhere_share: f64,
}

/// Rates along training, measured on levels of their own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Curves {
    /// Frames seen at each point; the first is the untrained policy.
    pub frames: Vec<u64>,
    /// One a rate.
    pub rates: Vec<RateCurve>,
    /// Mean probability of the cheese-ward move at decision squares.
    pub p_cheese: Vec<Mean>,
    /// The same, corner-ward.
    pub p_corner: Vec<Mean>,
    /// Frames at which S5 reached 90 % of its rise.
    pub t_corner: Option<Onset>,
    /// Frames at which S2 did.
    pub t_cheese: Option<Onset>,
    /// t_cheese - t_corner.
    pub lag: Option<Onset>,
    /// (frames, mean return of the episodes that ended since the last point).
    pub returns: Vec<(u64, f64)>,
}

/// A time in frames, with its 95 % interval over the levels it was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Onset {
    /// The estimate.
    pub frames: f64,
    /// Its interval.
    pub interval: (f64, f64),
}

/// One rate along training.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RateCurve {
    /// Which.
    pub rate: Rate,
    /// Successes at each point.
    pub successes: Vec<u64>,
    /// Levels at each point.
    pub count: u64,
}

/// One decomposition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DecompositionSummary {
    /// "raw columns" or "unit-norm columns".
    pub name: String,
    /// Singular values.
    pub sigma: Vec<f64>,
    /// 95 % quantile of the sign-flipped matrices' singular value of the same index, same length
    /// or shorter.
    pub null_sigma: Vec<f64>,
    /// Largest singular value of the sign-flipped matrices at 95 %: components above it are signal.
    pub null_top: f64,
    /// Surrogates behind the null.
    pub null_draws: usize,
    /// |G v - sigma u|.
    pub left_residuals: Vec<f64>,
    /// |G^T u - sigma v|.
    pub right_residuals: Vec<f64>,
    /// Share of |G|_F^2.
    pub explained: Vec<f64>,
    /// Passes over the matrix.
    pub passes: usize,
    /// Whether every residual met the tolerance.
    pub converged: bool,
    /// Centres of the time bins, in share of training.
    pub tau: Vec<f64>,
    /// Right singular vectors: mean of v within each time bin, `[component][bin]`.
    pub v: Vec<Vec<f64>>,
    /// Share of the squared column norms in each time bin.
    pub mass: Vec<f64>,
    /// What each component says about time.
    pub components: Vec<Component>,
    /// Share of each left vector's squared length in each tensor, `[component][tensor]`.
    pub by_tensor: Vec<Vec<f64>>,
    /// Correlation over components of the temporal index with (S5 loss - S2 loss) of the signed
    /// steps on selection levels, where steps were tried.
    pub index_against_loss: Option<f64>,
}

/// What a policy reached in one situation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Which rate.
    pub rate: Rate,
    /// Successes.
    pub successes: u64,
    /// Levels.
    pub count: u64,
    /// 95 % Wilson interval.
    pub interval: (f64, f64),
}

/// How much of its normalised rate an edit cost a behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// Which rate.
    pub rate: Rate,
    /// 1 - R, where R = (m - floor) / (m_0 - floor).
    pub value: f64,
    /// 95 % bootstrap interval over levels, paired.
    pub interval: (f64, f64),
    /// Exact McNemar p-value, edited against unedited on the same levels.
    pub p: f64,
}

/// One edit and what it did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EditOutcome {
    /// "step along a component", "random in-span step", "reset late", "rollback", ...
    pub family: String,
    /// Whether the family is a control.
    pub is_control: bool,
    /// Which member: "unit-norm 5+, dose .012".
    pub label: String,
    /// The dose, in the family's unit.
    pub dose: f64,
    /// |theta' - theta| / |theta_T - theta_0|.
    pub length: f64,
    /// Rates on test levels.
    pub rates: Vec<Estimate>,
    /// Losses on test levels.
    pub losses: Vec<Loss>,
    /// Mean P(cheese) and P(corner) at decision squares.
    pub decision: (Mean, Mean),
    /// Selectivity for A and for B, on test levels.
    pub selectivity: [f64; 2],
    /// Their 95 % bootstrap intervals over mazes, the worst of the rates found anew in every draw.
    pub selectivity_intervals: [(f64, f64); 2],
    /// Whether A and B succeed by METHOD section 2's rule, on test levels. Never for a claim that
    /// cannot be judged.
    pub succeeds: [bool; 2],
}

/// What an edit is to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Chosen by its effect among the components: the practical hypothesis.
    Practical,
    /// What the proposal predicts from time alone: late components for A, early ones for B.
    Predicted,
    /// The same with early and late swapped: a control.
    Swapped,
    /// Any other control.
    Control,
}

/// The choice for one claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Choice {
    /// Claim 0 is A, 1 is B.
    pub claim: usize,
    /// Family.
    pub family: String,
    /// What the family is to the claim.
    pub role: Role,
    /// Candidates tried on selection levels: members, signs and doses together.
    pub candidates: usize,
    /// Index in [`Ablation::outcomes`].
    pub outcome: usize,
    /// Selectivity on selection levels, where it was chosen.
    pub selection_selectivity: f64,
    /// For steps along components: share of random in-span directions (each at its best sign and
    /// dose) that came as far inside the rule on selection levels, (1 + n) / (1 + N).
    pub p: Option<f64>,
    /// From `p`, the chance that the best of as many random directions as components were tried
    /// comes as far: 1 - (1 - p)^components.
    pub p_best: Option<f64>,
    /// Exact McNemar test of the targets' fall on test levels, the largest over the targets, adjusted
    /// (Holm) over the edits that are no controls and both claims; none for controls.
    pub p_fall: Option<f64>,
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

/// One direction at growing doses, on test levels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DoseResponse {
    /// What is dosed.
    pub name: String,
    /// Whether it is a control.
    pub is_control: bool,
    /// Unit of the dose.
    pub unit: String,
    /// Doses, negative for the other sign.
    pub doses: Vec<f64>,
    /// Rates at each dose.
    pub rates: Vec<Vec<Estimate>>,
}

/// What edits did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ablation {
    /// The unedited policy on test levels.
    pub base: Vec<Estimate>,
    /// The untrained policy on test levels: the floors.
    pub floor: Vec<Estimate>,
    /// What training gained, by rate.
    pub rises: Vec<Rise>,
    /// Mean P(cheese) and P(corner) of the unedited policy at decision squares.
    pub decision: (Mean, Mean),
    /// Levels a situation, for choosing and for reporting.
    pub level_len: (usize, usize),
    /// The best of each family for either claim.
    pub choices: Vec<Choice>,
    /// Every edit measured on test levels.
    pub outcomes: Vec<EditOutcome>,
    /// Dose-response of the chosen steps and of controls.
    pub doses: Vec<DoseResponse>,
}

/// A maze with vector fields: at every free cell sum_a pi(a) delta_a, x right and y up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MazeFigure {
    /// Which level.
    pub title: String,
    /// Rows, top first, as `gouda maze` prints them.
    pub rows: Vec<String>,
    /// Side of the region in cells, at the top right of the maze.
    pub region: u8,
    /// Name of the edit.
    pub edit: String,
    /// Arrows of the unedited policy.
    pub base: Vec<Arrow>,
    /// Arrows of the edited policy, same cells.
    pub edited: Vec<Arrow>,
}

/// One arrow of a vector field.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrow {
    /// Column of the cell.
    pub x: u8,
    /// Row of the cell, counted from the bottom.
    pub y: u8,
    /// Mean horizontal move, -1 to 1.
    pub dx: f64,
    /// Mean vertical move, -1 to 1, up positive.
    pub dy: f64,
}
