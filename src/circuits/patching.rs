//! Activation patching (causal tracing; Vig et al. 2020, Meng et al. 2202.05262; as Zhang and Nanda,
//! 2309.16042, advise, with states that occur and in both directions).
//!
//! ```text
//! restored  = sum over pairs of (m(second, a_s <- a_s(first)) - m(second))  /  sum of (m(first) - m(second))
//! corrupted = sum over pairs of (m(first) - m(first, a_s <- a_s(second)))   /  the same
//! ```
//!
//! for a part s of a site: what alone suffices to bring the preference back, and what alone it needs.
//! Pairs that the policy hardly tells apart, or the wrong way round, are left out. Errors are those of a
//! ratio of sums over independent pairs (delta method).
//!
//! Cost: two forward passes a pair and part, less what comes before the part. Same bits at any thread
//! count: a pair's effect does not depend on its block, and sums run in the order of pairs.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::pairs::{Pairs, preference};
use crate::nn::{Network, Part, Policy, Site, Workspace};

/// Least difference between the preferences of a pair's states, in logits.
pub const LEAST_DIFFERENCE: f64 = 0.1;

/// A ratio of two sums over pairs, with its standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The ratio; 1 is all of the difference.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl Share {
    /// The ratio of the sums of `parts` and `wholes`, pair by pair.
    pub fn of(parts: &[f64], wholes: &[f64]) -> Self {
        let (part, whole): (f64, f64) = (parts.iter().sum(), wholes.iter().sum());
        if whole == 0.0 {
            return Self::default();
        }
        let value = part / whole;
        let pairs = parts.iter().zip(wholes);
        let squares: f64 = pairs.map(|(p, w)| (p - value * w).powi(2)).sum();
        let len = parts.len() as f64;
        Self {
            value,
            error: (squares * len / (len - 1.0).max(1.0)).sqrt() / whole.abs(),
        }
    }
}

/// What putting one part of the activations in place of another's does.
#[derive(Clone, Debug, PartialEq)]
pub struct Patched {
    /// The number of the site in [`Network::sites`].
    pub site: usize,
    /// The part of it.
    pub part: Part,
    /// Of the second state's run, with the first's part.
    pub restored: Share,
    /// Of the first state's run, with the second's part.
    pub corrupted: Share,
}

/// Pairs that a policy tells apart.
#[derive(Clone, Debug)]
pub struct Told {
    /// Observations of either state.
    pub states: [Vec<u8>; 2],
    /// The right actions in the first state.
    pub right: Vec<u16>,
    /// The preferences in either state.
    pub preferences: [Vec<f64>; 2],
    /// Pairs that were asked for.
    pub asked: usize,
}

impl Told {
    /// Those of `pairs` whose preferences differ by [`LEAST_DIFFERENCE`] or more, the right way round.
    pub fn new(policy: Policy<'_>, pairs: &Pairs) -> Self {
        let run = |states: &[u8]| preferences(policy, states, &pairs.right);
        let (first, second) = (run(&pairs.first), run(&pairs.second));
        let len = policy.network.observation_len();
        let mut told = Self {
            states: Default::default(),
            right: Vec::new(),
            preferences: Default::default(),
            asked: pairs.len(),
        };
        for (pair, (&m, &other)) in first.iter().zip(&second).enumerate() {
            if m - other >= LEAST_DIFFERENCE {
                let place = pair * len..(pair + 1) * len;
                told.states[0].extend_from_slice(&pairs.first[place.clone()]);
                told.states[1].extend_from_slice(&pairs.second[place]);
                told.right.push(pairs.right[pair]);
                told.preferences[0].push(m);
                told.preferences[1].push(other);
            }
        }
        told
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
    pub(super) fn blocks(&self, network: &Network) -> Vec<std::ops::Range<usize>> {
        let block = network.sample_len;
        let starts = (0..self.len()).step_by(block);
        starts.map(|s| s..(s + block).min(self.len())).collect()
    }

    /// A workspace that has run on one of the states of some pairs.
    pub(super) fn run(
        &self,
        policy: Policy<'_>,
        which: usize,
        pairs: &std::ops::Range<usize>,
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
        pairs: &std::ops::Range<usize>,
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
    pub(super) fn changes(
        &self,
        direction: usize,
        pairs: &std::ops::Range<usize>,
        now: &[f64],
    ) -> Vec<f64> {
        let before = &self.preferences[1 - direction][pairs.clone()];
        let change = |(now, before): (&f64, &f64)| match direction {
            0 => now - before,
            _ => before - now,
        };
        now.iter().zip(before).map(change).collect()
    }

    /// The shares of so many parts, restored and corrupted, by what every block says.
    pub(super) fn shares(&self, blocks: &[Effects], len: usize) -> Vec<[Share; 2]> {
        let wholes = self.differences();
        let of = |part: usize, direction: usize| {
            let all = blocks.iter().map(|block| block[part][direction].as_slice());
            Share::of(&all.collect::<Vec<_>>().concat(), &wholes)
        };
        (0..len).map(|part| [of(part, 0), of(part, 1)]).collect()
    }
}

/// Of some parts and either direction, an effect a pair of a block.
pub(super) type Effects = Vec<[Vec<f64>; 2]>;

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

/// Every site as a whole.
pub fn layers(sites: &[Site]) -> Vec<(usize, Part)> {
    sites.iter().map(Site::whole).enumerate().collect()
}

/// Every channel of the sites that one layer's weights alone give: the convolutions and the hidden layer.
pub fn channels(sites: &[Site]) -> Vec<(usize, Part)> {
    let own = sites
        .iter()
        .enumerate()
        .filter(|(_, s)| s.parameters.is_some());
    own.flat_map(|(number, site)| {
        (0..site.image.channels).map(move |channel| (number, Part::channel(channel)))
    })
    .collect()
}

/// Every cell of one channel of a site.
pub fn cells(sites: &[Site], (site, channel): (usize, usize)) -> Vec<(usize, Part)> {
    let image = sites[site].image;
    let all = (0..image.height).flat_map(|row| (0..image.width).map(move |column| (row, column)));
    all.map(|cell| {
        let part = Part {
            channels: channel..channel + 1,
            cell: Some(cell),
        };
        (site, part)
    })
    .collect()
}

/// The parameters with channels, by number of the site, held at some values: weights of zero, and the value
/// for a bias.
pub fn hold(
    theta: &[f32],
    sites: &[Site],
    held: impl IntoIterator<Item = ((usize, usize), f64)>,
) -> Vec<f32> {
    let mut edited = theta.to_vec();
    for ((site, channel), value) in held {
        if let Some((weights, bias)) = sites[site].gives(channel) {
            weights.into_iter().for_each(|index| edited[index] = 0.0);
            edited[bias] = value as f32;
        }
    }
    edited
}

/// Patches every part, by number of the site, in every pair; in the order of `parts`.
pub fn patch(policy: Policy<'_>, told: &Told, parts: &[(usize, Part)]) -> Vec<Patched> {
    let network = policy.network;
    let sites = network.sites();
    // From the last site to the first: what comes before a site is then always as it was.
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(parts[index].0));
    let blocks = told.blocks(network);
    let effects: Vec<Effects> = blocks
        .par_iter()
        .map(|pairs| {
            let runs = [0, 1].map(|which| told.run(policy, which, pairs));
            let mut effects = vec![[Vec::new(), Vec::new()]; parts.len()];
            for direction in [0, 1] {
                // Restoring: the second state's run, with parts of the first's.
                let (base, donor) = (&runs[1 - direction], &runs[direction]);
                let mut live = base.clone();
                for &index in &order {
                    let (site, part) = &parts[index];
                    let site = &sites[*site];
                    live.patch_from(site, part, pairs.len(), donor);
                    live.forward_after(policy, site, pairs.len());
                    let now = told.preferences_of(network, &live, pairs);
                    live.patch_from(site, part, pairs.len(), base);
                    effects[index][direction] = told.changes(direction, pairs, &now);
                }
            }
            effects
        })
        .collect();
    let shares = told.shares(&effects, parts.len());
    let of = parts.iter().zip(shares);
    of.map(|((site, part), [restored, corrupted])| Patched {
        site: *site,
        part: part.clone(),
        restored,
        corrupted,
    })
    .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ablate::{Setting, Split, Tasks};
    use crate::circuits::pairs::{Fact, Sought};
    use crate::maze::ActionSet;
    use crate::nn::{Kind, Shape, finite_difference as fd, init};

    /// A network of 9x9 mazes whose parameters are large enough to tell states apart.
    pub(crate) fn policy(kind: Kind, seed: u64) -> (Network, Vec<f32>) {
        let shape = Shape {
            kind,
            world: 9,
            channels: 4,
            blocks: 2,
            hidden: 8,
            action_len: 4,
        };
        let network = Network::new(shape, 8).unwrap();
        let s = &mut fd::stream(seed);
        let params = init::initialise(&network.layout, seed);
        let mut params: Vec<f32> = params.iter().map(|p| p + 0.1 * s.normal() as f32).collect();
        // Training begins with heads that prefer nothing.
        let head = network
            .layout
            .tensors
            .iter()
            .find(|t| t.name == "policy.weight");
        for weight in &mut params[head.unwrap().range()] {
            *weight += s.normal() as f32;
        }
        (network, params)
    }

    pub(crate) fn pairs(sought: Sought, fact: Fact) -> Pairs {
        let tasks = Tasks::new(
            Split::Discovery,
            Setting::new(9, 5, 50),
            ActionSet::Four,
            24,
        )
        .unwrap();
        Pairs::new(&tasks, sought, fact, 30)
    }

    fn told(policy: Policy<'_>) -> Told {
        let told = Told::new(policy, &pairs(Sought::Cheese, Fact::CheeseMoved));
        assert!(told.len() >= 5 && told.len() < told.asked, "{}", told.len());
        assert!(told.differences().iter().all(|&d| d >= LEAST_DIFFERENCE));
        told
    }

    #[test]
    fn what_was_there_put_in_its_own_place_changes_nothing_to_the_bit() {
        for kind in [Kind::Small, Kind::Impala] {
            let (network, params) = policy(kind, 1);
            let mut told = told(Policy::new(&network, &params));
            told.states[1] = told.states[0].clone();
            told.preferences[1] = told.preferences[0].clone();
            let sites = network.sites();
            let mut parts = [layers(&sites), channels(&sites)].concat();
            parts.extend(cells(&sites, (0, 1)));
            let pairs = 0..told.len().min(network.sample_len);
            let base = told.run(Policy::new(&network, &params), 0, &pairs);
            for (site, part) in &parts {
                let mut live = base.clone();
                live.patch_from(&sites[*site], part, pairs.len(), &base);
                live.forward_after(Policy::new(&network, &params), &sites[*site], pairs.len());
                let bits = |workspace: &Workspace<f32>| -> Vec<u32> {
                    let logits = workspace.logits(&network, pairs.len());
                    logits.iter().map(|x| x.to_bits()).collect()
                };
                assert_eq!(bits(&live), bits(&base), "{}", sites[*site].name);
                live.patch(&sites[*site], part, pairs.len(), |_, _| ());
                live.forward_after(Policy::new(&network, &params), &sites[*site], pairs.len());
                assert_eq!(bits(&live), bits(&base), "{}", sites[*site].name);
            }
        }
    }

    #[test]
    fn all_that_the_rest_can_see_restores_all_of_the_difference() {
        for kind in [Kind::Small, Kind::Impala] {
            let (network, params) = policy(kind, 2);
            let told = told(Policy::new(&network, &params));
            let sites = network.sites();
            for patched in patch(Policy::new(&network, &params), &told, &layers(&sites)) {
                let site = &sites[patched.site];
                let [restored, corrupted] = [patched.restored, patched.corrupted];
                // The branches of the residual blocks are passed by on the stream.
                let is_branch = site.name.starts_with("conv") && site.name != "conv0"
                    || site.name.contains(".conv0");
                if is_branch {
                    assert!(restored.value != 1.0, "{}", site.name);
                } else {
                    assert_eq!(
                        (restored.value, restored.error),
                        (1.0, 0.0),
                        "{}",
                        site.name
                    );
                    assert_eq!((corrupted.value, corrupted.error), (1.0, 0.0));
                }
            }
        }
    }

    /// Only one channel of one layer reaches the logits.
    #[test]
    fn the_only_channel_that_is_read_has_all_of_the_effect() {
        let (network, params) = policy(Kind::Small, 3);
        let sites = network.sites();
        let hidden = sites.len() - 1;
        let head = network
            .layout
            .tensors
            .iter()
            .find(|t| t.name == "policy.weight");
        let mut units = 0;
        for unit in 0..8 {
            let mut params = params.clone();
            for (index, weight) in params[head.unwrap().range()].iter_mut().enumerate() {
                // `(hidden, actions)`
                if index / 4 != unit {
                    *weight = 0.0;
                }
            }
            let told = Told::new(
                Policy::new(&network, &params),
                &pairs(Sought::Cheese, Fact::CheeseMoved),
            );
            if told.is_empty() {
                continue;
            }
            units += 1;
            for patched in patch(Policy::new(&network, &params), &told, &channels(&sites)) {
                if patched.site == hidden {
                    let share = f64::from(u8::from(patched.part == Part::channel(unit)));
                    assert_eq!(patched.restored.value, share);
                    assert_eq!(patched.corrupted.value, share);
                }
            }
        }
        assert!(units >= 2, "{units}");
    }

    #[test]
    fn the_same_bits_at_any_thread_count() {
        let (network, params) = policy(Kind::Small, 4);
        let sites = network.sites();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                patch(
                    Policy::new(&network, &params),
                    &told(Policy::new(&network, &params)),
                    &channels(&sites),
                )
            })
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn the_error_of_a_share_is_that_of_a_ratio() {
        let share = Share::of(&[1.0, 1.0, 1.0, 1.0], &[2.0, 2.0, 2.0, 2.0]);
        assert_eq!((share.value, share.error), (0.5, 0.0));
        // Mean of 0, 1, 0, 1 over ones: sqrt(0.25 * 4 / 3 / 4).
        let share = Share::of(&[0.0, 1.0, 0.0, 1.0], &[1.0; 4]);
        assert!((share.value - 0.5).abs() < 1e-15);
        assert!((share.error - (1.0f64 / 12.0).sqrt()).abs() < 1e-15);
        assert_eq!(Share::of(&[], &[]), Share::default());
    }
}
