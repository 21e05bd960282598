//! What is left of a policy that was [scrubbed](super::scrubbing): losses, state by state, summed up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::hypothesis::Hypothesis;
use super::share::Share;
use crate::nn::{Site, softmax};
use crate::numeric::exp::exp;
use crate::numeric::statistics::quantile;
use crate::storage::or_null;

/// The quantiles of the states' shares that are given.
pub const QUANTILES: [f64; 3] = [0.1, 0.5, 0.9];

/// What became of a policy under a hypothesis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scrubbed {
    /// The hypothesis.
    pub hypothesis: Hypothesis,
    /// 1 where nothing is lost, 0 where as much as under a random state, with its standard error over
    /// mazes.
    pub recovered: Share,
    /// [`QUANTILES`] over states of 1 - loss / mean random loss, whose mean is `recovered`; as `recovered`, not
    /// defined where no state loses anything under a random one.
    #[serde(deserialize_with = "or_null::three")]
    pub quantiles: [f64; 3],
    /// Mean loss, in nats.
    pub loss: f64,
    /// Mean loss under a random state.
    pub random: f64,
    /// States.
    pub states: usize,
    /// Nodes.
    pub nodes: usize,
    /// Channels that are in a node.
    pub channels: usize,
    /// Channels that are in a node, as a share of the channels of all sites.
    pub channel_share: f64,
    /// Share of the matched draws for which no other state had the feature.
    pub unmatched: f64,
}

/// What a state lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    /// The number of its maze.
    pub maze: usize,
    /// Scrubbed.
    pub scrubbed: f64,
    /// Under a random state.
    pub random: f64,
}

/// What all of them lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// One a state.
    pub losses: Vec<Loss>,
    /// Draws of a state with a feature.
    pub matched: usize,
    /// Draws for which no other state had the feature.
    pub unmatched: usize,
}

impl Outcome {
    /// Puts others behind them.
    pub fn extend(&mut self, other: Self) {
        self.losses.extend(other.losses);
        self.matched += other.matched;
        self.unmatched += other.unmatched;
    }

    /// What became of the policy whose losses these are.
    pub fn summed(&self, hypothesis: &Hypothesis, graph: &Graph, sites: &[Site]) -> Scrubbed {
        let channels = graph.channel_len();
        let all: usize = sites.iter().map(|site| site.image.channels).sum();
        let len = self.losses.len().max(1) as f64;
        let loss = self.losses.iter().map(|l| l.scrubbed).sum::<f64>() / len;
        let random = self.losses.iter().map(|l| l.random).sum::<f64>() / len;
        let shares: Vec<f64> = self
            .losses
            .iter()
            .map(|l| 1.0 - l.scrubbed / random)
            .collect();
        let quantile = |q| match random > 0.0 {
            true => quantile(&shares, q).unwrap_or(f64::NAN),
            false => f64::NAN,
        };
        Scrubbed {
            hypothesis: hypothesis.clone(),
            recovered: self.recovered(),
            quantiles: QUANTILES.map(quantile),
            loss,
            random,
            states: self.losses.len(),
            nodes: graph.vertices.len(),
            channels,
            channel_share: channels as f64 / all as f64,
            unmatched: self.unmatched as f64 / self.matched.max(1) as f64,
        }
    }

    /// Sums by maze are what is independent.
    fn recovered(&self) -> Share {
        let mut mazes: BTreeMap<usize, [f64; 2]> = BTreeMap::new();
        for loss in &self.losses {
            let [kept, random] = mazes.entry(loss.maze).or_default();
            *kept += loss.random - loss.scrubbed;
            *random += loss.random;
        }
        let [kept, random] = [0, 1].map(|which| -> Vec<f64> {
            let sums = mazes.values().map(|sums| sums[which]);
            sums.collect()
        });
        Share::of(&kept, &random)
    }
}

/// The logarithms of the probabilities.
pub(super) fn log_probs(logits: &[f32]) -> Vec<f64> {
    let logits: Vec<f64> = logits.iter().copied().map(f64::from).collect();
    let mut log_probs = vec![0.0; logits.len()];
    softmax::forward(&logits, &mut log_probs);
    log_probs
}

/// KL(p || q), from logarithms.
pub(super) fn divergence(p: &[f64], q: &[f64]) -> f64 {
    let terms = p.iter().zip(q);
    terms.map(|(&p, &q)| exp(p) * (p - q)).sum()
}
