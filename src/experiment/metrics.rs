//! The lines of `metrics.jsonl`.

use serde::{Deserialize, Serialize};

use super::curves::CurvePoint;
use crate::ppo::Update;

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Line {
    /// One iteration.
    Iteration(IterationLine),
    /// One point of the curves.
    Curve(CurvePoint),
}

/// The means of an iteration's last update, and of the episodes that ended in its rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct IterationLine {
    pub update: u64,
    pub frames: u64,
    pub episodes: usize,
    pub episode_return: Option<f64>,
    pub episode_length: Option<f64>,
    pub policy_loss: f64,
    pub value_loss: f64,
    pub entropy: f64,
    pub approx_kl: f64,
    pub clip_fraction: f64,
    pub gradient_norm: f64,
    pub learning_rate: f64,
}

impl IterationLine {
    /// The line that `update`, the last of its iteration, gives.
    pub fn of(update: &Update<'_>) -> Self {
        let count = update.episodes.len();
        let mean = |sum: f64| (count > 0).then(|| sum / count as f64);
        let lengths = update.episodes.iter().map(|e| f64::from(e.length));
        Self {
            update: update.index,
            frames: update.frames,
            episodes: count,
            episode_return: mean(return_sum(update)),
            episode_length: mean(lengths.sum()),
            policy_loss: update.loss.policy,
            value_loss: update.loss.value,
            entropy: update.loss.entropy,
            approx_kl: update.loss.divergence,
            clip_fraction: update.loss.clipped,
            gradient_norm: update.norm,
            learning_rate: update.learning_rate,
        }
    }
}

/// The sum of the returns of the episodes that ended in the rollout of `update`.
pub fn return_sum(update: &Update<'_>) -> f64 {
    let returns = update.episodes.iter();
    returns.map(|e| f64::from(e.episode_return)).sum()
}
