//! What a method says of channels, spread on the weights and the bias that give each of them.
//!
//! ```text
//! score_p = E_target,c - E_spared,c      p among the weights and the bias that give channel c
//! ```
//!
//! Channels are those of [`circuits::patching::channels`](crate::circuits::patching::channels);
//! parameters that give none of them, the heads', come last. Their own edit holds the leading channels at
//! their mean: weights of zero, and the mean for a bias.

use super::kind::Kind;
use super::locator::{Located, Native, Offer};
use super::method::Supervision;
use super::run::Behaviour;
use crate::ablate::Claim;
use crate::circuits::{Distinguished, Fact, Pairs, Sought, patching};
use crate::nn::{Network, Part, Site};

/// Pairs of each fact.
pub(super) const PAIRS: usize = 256;
/// How many channels are held at their mean.
const HELD: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// The pairs of every fact, where this is sought, that the policy tells apart.
pub(super) fn distinguished(behaviour: &Behaviour<'_>, sought: Sought) -> Vec<Distinguished> {
    let facts = Fact::of(sought).iter();
    let pairs = facts.map(|&fact| Pairs::new(behaviour.tasks, sought, fact, PAIRS));
    pairs
        .map(|pairs| Distinguished::new(behaviour.policy, &pairs))
        .filter(|distinguished| !distinguished.is_empty())
        .collect()
}

/// For either claim, target minus spared, of what was found for cheese and corner: the cheese is the target
/// of claim A, the corner that of claim B; the other is spared.
pub(super) fn contrast(found: &[Vec<f64>; 2]) -> [Vec<f64>; 2] {
    Claim::ALL.map(|claim| {
        let [target, spared] = match claim {
            Claim::A => [Sought::Cheese, Sought::Corner],
            Claim::B => [Sought::Corner, Sought::Cheese],
        };
        let [target, spared] = [target, spared].map(|sought| &found[sought as usize]);
        target.iter().zip(spared).map(|(t, s)| t - s).collect()
    })
}

/// Means of some sizes over the facts; zeros where no pair was told apart.
pub(super) fn mean(found: &[Vec<f64>], len: usize) -> Vec<f64> {
    let mut sum = vec![0.0; len];
    for one in found {
        let share = 1.0 / found.len() as f64;
        sum.iter_mut()
            .zip(one)
            .for_each(|(sum, x)| *sum += share * x.abs());
    }
    sum
}

/// The greatest first.
pub(super) fn leading(contrast: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..contrast.len()).collect();
    order.sort_by(|&a, &b| contrast[b].total_cmp(&contrast[a]).then(a.cmp(&b)));
    order
}

/// The channels, and the contrast of their effects for either claim.
pub(super) struct Channels {
    pub sites: Vec<Site>,
    pub parts: Vec<(usize, Part)>,
    contrasts: [Vec<f64>; 2],
}

impl Channels {
    /// With the effects that `effects` finds, of every part, where the cheese is sought and where the
    /// corner is.
    pub fn new(
        network: &Network,
        effects: impl FnOnce(&[Site], &[(usize, Part)]) -> [Vec<f64>; 2],
    ) -> Self {
        let sites = network.sites();
        let parts = patching::channels(&sites);
        let contrasts = contrast(&effects(&sites, &parts));
        Self {
            sites,
            parts,
            contrasts,
        }
    }

    /// The channels with the greatest contrast first.
    fn leading(&self, claim: Claim) -> Vec<usize> {
        leading(&self.contrasts[Located::index(claim)])
    }

    /// The number of its site, and of the channel there.
    fn place(&self, channel: usize) -> (usize, usize) {
        let (site, part) = &self.parts[channel];
        (*site, part.channels.start)
    }

    fn name(&self, channel: usize) -> String {
        let (site, part) = &self.parts[channel];
        format!("{} {}", self.sites[*site].name, part.channels.start)
    }

    /// Scores of all `len` parameters, and the leading channels by name.
    pub fn located<'a>(&self, len: usize) -> Located<'a> {
        let found = Claim::ALL.map(|claim| {
            let leading = self.leading(claim);
            let names = leading.iter().take(4).map(|&channel| self.name(channel));
            format!("channels {}", names.collect::<Vec<_>>().join(", "))
        });
        let scores = Claim::ALL.map(|claim| {
            let contrast = &self.contrasts[Located::index(claim)];
            let least = contrast.iter().copied().fold(0.0, f64::min);
            let mut scores = vec![least; len];
            for (channel, &effect) in contrast.iter().enumerate() {
                let (site, number) = self.place(channel);
                let gives = self.sites[site].gives(number);
                let (weights, bias) = gives.expect("channels have their own");
                for index in weights.into_iter().chain([bias]) {
                    scores[index] = effect;
                }
            }
            scores
        });
        Located::scored(scores, found)
    }

    /// What [`located`](Self::located) says, and edits that hold the leading channels at their means over the states of all pairs.
    pub fn held(self, behaviour: Behaviour<'_>, supervision: Supervision) -> Located<'_> {
        let located = self.located(behaviour.policy.theta.len());
        located.offering(move || Ok(self.hold(&behaviour, supervision)))
    }

    fn hold(&self, behaviour: &Behaviour<'_>, supervision: Supervision) -> Vec<Offer> {
        let means = self.means(behaviour);
        let offer = |claim| {
            let leading = self.leading(claim);
            let hold = |held: usize| {
                let held_at = leading.iter().take(held);
                let held_at = held_at.map(|&channel| (self.place(channel), means[channel]));
                (
                    held as f64,
                    patching::hold(behaviour.policy.theta, &self.sites, held_at),
                )
            };
            Offer {
                claim: Some(claim),
                edit: Kind::HoldAtMean,
                member: "by number of channels".into(),
                supervision,
                native: Native::Params(HELD.map(hold).into()),
            }
        };
        Claim::ALL.map(offer).into()
    }

    /// The mean of every channel over the pairs' states.
    fn means(&self, behaviour: &Behaviour<'_>) -> Vec<f64> {
        let (mut sums, mut samples) = (vec![0.0; self.parts.len()], 0.0);
        for distinguished in Sought::ALL
            .map(|sought| distinguished(behaviour, sought))
            .concat()
        {
            let states = distinguished.means(behaviour.policy, &self.sites, &self.parts);
            let len = distinguished.len() as f64;
            sums.iter_mut()
                .zip(states)
                .for_each(|(sum, mean)| *sum += len * mean);
            samples += len;
        }
        if samples > 0.0 {
            sums.iter_mut().for_each(|sum| *sum /= samples);
        }
        sums
    }
}
