//! What a method says of channels, spread on the weights and the bias that give each of them.
//!
//! ```text
//! score_p = E_target,c - E_spared,c      p among the weights and the bias that give channel c
//! ```
//!
//! Either claim has evidence of its own: means over the scenes of what it takes away and over those of
//! what it spares ([`TARGETS`], [`SPARED`]), so that a channel which carries the cheese in the region
//! alone is for A and not against B.
//!
//! Channels are those of [`circuits::patching::channels`](crate::circuits::patching::channels);
//! parameters that give none of them, the heads', come last. Their own edit holds the leading channels at
//! their mean: weights of zero, and the mean for a bias.

use super::kind::Kind;
use super::locator::{Located, Native, Offer, is_constant};
use super::method::Supervision;
use super::probes::LEVELS;
use super::run::Behaviour;
use crate::ablate::Claim;
use crate::circuits::{Distinguished, Fact, Pairs, Scene, patching};
use crate::nn::{Network, Part, Site};

/// The scenes of what claim A and claim B take away: the cheese in the region; the corner, with nothing and
/// with a cheese elsewhere.
const TARGETS: [&[Scene]; 2] = [
    &[Scene::CheeseInRegion],
    &[Scene::Corner, Scene::CornerNotCheese],
];
/// The scenes of what they spare: the corner, with nothing and with a cheese in it; the cheese in the region
/// and elsewhere.
const SPARED: [&[Scene]; 2] = [
    &[Scene::Corner, Scene::CornerWithCheese],
    &[Scene::CheeseInRegion, Scene::CheeseNear],
];
/// How many channels are held at their mean.
const HELD: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// The pairs of every fact in a scene, that the policy tells apart; of each fact at most one of a level.
fn distinguished(behaviour: &Behaviour<'_>, scene: Scene) -> Vec<Distinguished> {
    let facts = Fact::of(scene.sought()).iter();
    let pairs = facts.map(|&fact| Pairs::of_scene(behaviour.tasks, scene, fact, LEVELS));
    pairs
        .map(|pairs| Distinguished::new(behaviour.policy, &pairs))
        .filter(|distinguished| !distinguished.is_empty())
        .collect()
}

/// The pairs of every scene.
pub(super) fn evidence(behaviour: &Behaviour<'_>) -> [Vec<Distinguished>; 5] {
    Scene::ALL.map(|scene| distinguished(behaviour, scene))
}

/// For either claim, target minus spared, of the sizes of the `len` effects that `effects` finds on pairs.
pub(super) fn contrasts(
    evidence: &[Vec<Distinguished>; 5],
    len: usize,
    effects: impl Fn(&Distinguished) -> Vec<f64>,
) -> [Vec<f64>; 2] {
    let found = evidence.each_ref().map(|distinguished| {
        let found: Vec<Vec<f64>> = distinguished.iter().map(&effects).collect();
        let sizes = found
            .iter()
            .map(|one| one.iter().map(|x| x.abs()).collect());
        mean(&sizes.collect::<Vec<Vec<f64>>>())
    });
    let of = |scenes: &[Scene]| -> Vec<f64> {
        // A scene in which the policy tells nothing apart says nothing.
        let scenes = scenes
            .iter()
            .filter_map(|&scene| found[scene as usize].clone());
        mean(&scenes.collect::<Vec<_>>()).unwrap_or_else(|| vec![0.0; len])
    };
    [0, 1].map(|claim| contrast(&of(TARGETS[claim]), &of(SPARED[claim])))
}

/// Target minus spared.
pub(super) fn contrast(target: &[f64], spared: &[f64]) -> Vec<f64> {
    target.iter().zip(spared).map(|(t, s)| t - s).collect()
}

/// The mean of some lists as long as each other; `None` for no list.
pub(super) fn mean(found: &[Vec<f64>]) -> Option<Vec<f64>> {
    let mut sum = vec![0.0; found.first()?.len()];
    for one in found {
        let share = 1.0 / found.len() as f64;
        sum.iter_mut()
            .zip(one)
            .for_each(|(sum, x)| *sum += share * x);
    }
    Some(sum)
}

/// The greatest first; none where all are the same, as where the policy tells nothing apart.
pub(super) fn leading(contrast: &[f64]) -> Vec<usize> {
    if is_constant(contrast) {
        return Vec::new();
    }
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
    /// With the contrasts that `contrasts` finds, of every part, for claim A and for claim B.
    pub fn new(
        network: &Network,
        contrasts: impl FnOnce(&[Site], &[(usize, Part)]) -> [Vec<f64>; 2],
    ) -> Self {
        let sites = network.sites();
        let parts = patching::channels(&sites);
        let contrasts = contrasts(&sites, &parts);
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
            let leading = Some(self.leading(claim)).filter(|leading| !leading.is_empty())?;
            let hold = |held: usize| {
                let held_at = leading.iter().take(held);
                let held_at = held_at.map(|&channel| (self.place(channel), means[channel]));
                (
                    held as f64,
                    patching::hold(behaviour.policy.theta, &self.sites, held_at),
                )
            };
            Some(Offer {
                claim: Some(claim),
                edit: Kind::HoldAtMean,
                member: "by number of channels".into(),
                supervision,
                native: Native::Params(HELD.map(hold).into()),
            })
        };
        Claim::ALL.into_iter().filter_map(offer).collect()
    }

    /// The mean of every channel over the pairs' states.
    fn means(&self, behaviour: &Behaviour<'_>) -> Vec<f64> {
        let (mut sums, mut samples) = (vec![0.0; self.parts.len()], 0.0);
        for distinguished in evidence(behaviour).concat() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Setting, Split, Tasks};
    use crate::maze::ActionSet;
    use crate::nn::{Policy, Shape};

    #[test]
    fn either_claim_has_the_evidence_of_its_own_scenes() {
        let pairs = |number| Distinguished {
            states: Default::default(),
            right: Vec::new(),
            preferences: Default::default(),
            asked: number,
        };
        let mut evidence = [0, 1, 2, 3, 4].map(|number| vec![pairs(number), pairs(number)]);
        // In every scene another channel of five has the effect; its sign does not matter.
        let effects = |one: &Distinguished| -> Vec<f64> {
            let effect = |c: usize| if c == one.asked { -1.0 } else { 0.0 };
            (0..5).map(effect).collect()
        };
        let [a, b] = contrasts(&evidence, 5, effects);
        assert_eq!(a, [1.0, 0.0, -0.5, -0.5, 0.0]);
        assert_eq!(b, [-0.5, -0.5, 0.5, 0.0, 0.5]);
        // A scene without pairs does not count as one without effects.
        evidence[Scene::CornerNotCheese as usize].clear();
        let [_, b] = contrasts(&evidence, 5, effects);
        assert_eq!(b, [-0.5, -0.5, 1.0, 0.0, 0.0]);
    }

    /// Of a policy that does the same in every state: no scores, no channels by name, no edits.
    #[test]
    fn where_nothing_is_told_apart_nothing_is_ranked() {
        let none: [Vec<Distinguished>; 5] = Default::default();
        let shape = Shape {
            world: 9,
            ..Shape::tiny()
        };
        let network = Network::new(shape, 8).unwrap();
        let theta = vec![0.0; network.param_len()];
        let setting = Setting::new(9, 3, 30);
        let tasks = Tasks::new(Split::Discovery, setting, ActionSet::Four, 4).unwrap();
        let behaviour = Behaviour {
            policy: Policy::new(&network, &theta),
            probes: &[],
            tasks: &tasks,
        };
        let channels = Channels::new(&network, |_, parts| {
            contrasts(&none, parts.len(), |_| unreachable!("without pairs"))
        });
        let located = channels.held(behaviour, Supervision::None);
        assert!(Claim::ALL.iter().all(|&claim| !located.names(claim)));
        assert_eq!(located.offers.make().unwrap(), []);
    }
}
