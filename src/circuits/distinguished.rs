//! Pairs that a policy tells apart, and what an intervention does to its preference in each.
//!
//! Pairs that it hardly tells apart, or the wrong way round, are left out. Same bits at any thread count: a pair's
//! effect does not depend on its block, and sums run in the order of pairs.

use std::ops::Range;

use rayon::prelude::*;

use super::pairs::{Pairs, preference};
use super::share::Share;
use crate::nn::{Network, Part, Policy, Site, Workspace};

/// Least difference between the preferences of a pair's states, in logits.
pub const LEAST_DIFFERENCE: f64 = 0.1;

/// Pairs that a policy tells apart.
#[derive(Clone, Debug)]
pub struct Distinguished {
    /// Observations of either state.
    pub states: [Vec<u8>; 2],
    /// The right actions in the first state.
    pub right: Vec<u16>,
    /// The preferences in either state.
    pub preferences: [Vec<f64>; 2],
    /// Pairs that were asked for.
    pub asked: usize,
}

impl Distinguished {
    /// The pairs among these whose preferences differ by [`LEAST_DIFFERENCE`] or more, the right way round.
    pub fn new(policy: Policy<'_>, pairs: &Pairs) -> Self {
        let run = |states: &[u8]| preferences(policy, states, &pairs.right);
        let (first, second) = (run(&pairs.first), run(&pairs.second));
        let len = policy.network.observation_len();
        let mut distinguished = Self {
            states: Default::default(),
            right: Vec::new(),
            preferences: Default::default(),
            asked: pairs.len(),
        };
        for (pair, (&m, &other)) in first.iter().zip(&second).enumerate() {
            if m - other >= LEAST_DIFFERENCE {
                let place = pair * len..(pair + 1) * len;
                distinguished.states[0].extend_from_slice(&pairs.first[place.clone()]);
                distinguished.states[1].extend_from_slice(&pairs.second[place]);
                distinguished.right.push(pairs.right[pair]);
                distinguished.preferences[0].push(m);
                distinguished.preferences[1].push(other);
            }
        }
        distinguished
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.right.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.right.is_empty()
    }

    /// What the preferences of each pair differ by.
    pub fn differences(&self) -> Vec<f64> {
        let [first, second] = &self.preferences;
        first.iter().zip(second).map(|(a, b)| a - b).collect()
    }

    /// The mean of parts of sites, by number, over cells, channels, and either state of every pair.
    pub fn means(&self, policy: Policy<'_>, sites: &[Site], parts: &[(usize, Part)]) -> Vec<f64> {
        let mut sums = vec![0.0; parts.len()];
        for pairs in self.blocks(policy.network) {
            for which in [0, 1] {
                let run = self.run(policy, which, &pairs);
                for (sum, (site, part)) in sums.iter_mut().zip(parts) {
                    for sample in 0..pairs.len() {
                        let values = run.read(&sites[*site], part, sample);
                        let mean = values.iter().copied().map(f64::from).sum::<f64>();
                        *sum += mean / values.len() as f64;
                    }
                }
            }
        }
        let samples = 2.0 * self.len().max(1) as f64;
        sums.iter_mut().for_each(|sum| *sum /= samples);
        sums
    }

    /// Blocks of pairs that fit the network, as ranges.
    pub(super) fn blocks(&self, network: &Network) -> Vec<Range<usize>> {
        let block = network.sample_len;
        let starts = (0..self.len()).step_by(block);
        starts.map(|s| s..(s + block).min(self.len())).collect()
    }

    /// A workspace that has run on one of the states of some pairs.
    pub(super) fn run(
        &self,
        policy: Policy<'_>,
        which: usize,
        pairs: &Range<usize>,
    ) -> Workspace<f32> {
        let len = policy.network.observation_len();
        let mut workspace = Workspace::new(policy.network);
        let states = &self.states[which][pairs.start * len..pairs.end * len];
        workspace.forward(policy, states, pairs.len());
        workspace
    }

    /// The preferences that a workspace's logits say, after it ran on some pairs.
    pub(super) fn preferences_of(
        &self,
        network: &Network,
        workspace: &Workspace<f32>,
        pairs: &Range<usize>,
    ) -> Vec<f64> {
        let logits = workspace.logits(network, pairs.len());
        let rows = logits.chunks_exact(network.shape.action_len);
        let rights = &self.right[pairs.clone()];
        rows.zip(rights)
            .map(|(logits, &right)| preference(logits, right))
            .collect()
    }

    /// How far the preferences of some pairs moved towards the other state's, restoring (0) or
    /// corrupting (1).
    fn changes(&self, direction: usize, pairs: &Range<usize>, now: &[f64]) -> Vec<f64> {
        let before = &self.preferences[1 - direction][pairs.clone()];
        let change = |(now, before): (&f64, &f64)| match direction {
            0 => now - before,
            _ => before - now,
        };
        now.iter().zip(before).map(change).collect()
    }

    /// What so many interventions restore and what they corrupt. `intervene` is given a run on the states that are
    /// changed, one on those that the change is taken from, and how many they are; after each intervention it
    /// calls back with its number and the run as it is then.
    pub(super) fn shares(
        &self,
        policy: Policy<'_>,
        len: usize,
        intervene: impl Fn(&Run, &Run, usize, &mut dyn FnMut(usize, &Run)) + Sync,
    ) -> Vec<[Share; 2]> {
        let of_block = |pairs: &Range<usize>| -> Vec<[Vec<f64>; 2]> {
            let runs = [0, 1].map(|which| self.run(policy, which, pairs));
            let mut effects = vec![[Vec::new(), Vec::new()]; len];
            for direction in [0, 1] {
                // Restoring: the second state's run, with what the first's has.
                let (base, other) = (&runs[1 - direction], &runs[direction]);
                intervene(base, other, pairs.len(), &mut |number, run| {
                    let now = self.preferences_of(policy.network, run, pairs);
                    effects[number][direction] = self.changes(direction, pairs, &now);
                });
            }
            effects
        };
        let blocks: Vec<_> = self
            .blocks(policy.network)
            .par_iter()
            .map(of_block)
            .collect();
        let wholes = self.differences();
        let of = |number: usize, direction: usize| {
            let all = blocks
                .iter()
                .map(|block| block[number][direction].as_slice());
            Share::of(&all.collect::<Vec<_>>().concat(), &wholes)
        };
        (0..len)
            .map(|number| [of(number, 0), of(number, 1)])
            .collect()
    }
}

/// A workspace that has run on some states.
type Run = Workspace<f32>;

fn preferences(policy: Policy<'_>, states: &[u8], right: &[u16]) -> Vec<f64> {
    let network = policy.network;
    let block = network.sample_len;
    let states = states.par_chunks(block * network.observation_len());
    let parts = states.zip(right.par_chunks(block));
    let parts: Vec<Vec<f64>> = parts
        .map_init(
            || Workspace::new(network),
            |workspace, (states, right)| {
                workspace.forward(policy, states, right.len());
                let logits = workspace.logits(network, right.len());
                let rows = logits.chunks_exact(network.shape.action_len).zip(right);
                rows.map(|(logits, &right)| preference(logits, right))
                    .collect()
            },
        )
        .collect();
    parts.concat()
}
