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

use super::distinguished::Distinguished;
use super::share::Share;
use crate::nn::{Part, Policy, Site};

/// What putting one part of the activations in place of another's does.
#[derive(Clone, Debug, PartialEq)]
pub struct Patched {
    /// The number of the site in [`Network::sites`](crate::nn::Network::sites).
    pub site: usize,
    /// The part of the site.
    pub part: Part,
    /// Of the second state's run, with the first's part.
    pub restored: Share,
    /// Of the first state's run, with the second's part.
    pub corrupted: Share,
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
pub fn cells(sites: &[Site], site: usize, channel: usize) -> Vec<(usize, Part)> {
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
pub fn patch(
    policy: Policy<'_>,
    distinguished: &Distinguished,
    parts: &[(usize, Part)],
) -> Vec<Patched> {
    let sites = policy.network.sites();
    // From the last site to the first: what comes before a site is then always as it was.
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(parts[index].0));
    let shares = distinguished.shares(policy, parts.len(), |base, other, len, done| {
        let mut live = base.clone();
        for &index in &order {
            let (site, part) = &parts[index];
            let site = &sites[*site];
            live.patch_from(site, part, len, other);
            live.forward_after(policy, site, len);
            done(index, &live);
            live.patch_from(site, part, len, base);
        }
    });
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
    use crate::circuits::distinguished::LEAST_DIFFERENCE;
    use crate::circuits::pairs::{Fact, Pairs, Sought};
    use crate::maze::ActionSet;
    use crate::nn::{Kind, Network, Shape, Workspace, finite_difference as fd, init};

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
        Pairs::new(&tasks, sought, fact, 60)
    }

    fn distinguished(policy: Policy<'_>) -> Distinguished {
        let distinguished = Distinguished::new(policy, &pairs(Sought::Cheese, Fact::CheeseMoved));
        assert!(
            distinguished.len() >= 5 && distinguished.len() < distinguished.asked,
            "{}",
            distinguished.len()
        );
        assert!(
            distinguished
                .differences()
                .iter()
                .all(|&d| d >= LEAST_DIFFERENCE)
        );
        distinguished
    }

    #[test]
    fn what_was_there_put_in_its_own_place_changes_nothing_to_the_bit() {
        for kind in [Kind::Small, Kind::Impala] {
            let (network, params) = policy(kind, 1);
            let mut distinguished = distinguished(Policy::new(&network, &params));
            distinguished.states[1] = distinguished.states[0].clone();
            distinguished.preferences[1] = distinguished.preferences[0].clone();
            let sites = network.sites();
            let mut parts = [layers(&sites), channels(&sites)].concat();
            parts.extend(cells(&sites, 0, 1));
            let pairs = 0..distinguished.len().min(network.sample_len);
            let base = distinguished.run(Policy::new(&network, &params), 0, &pairs);
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
            let distinguished = distinguished(Policy::new(&network, &params));
            let sites = network.sites();
            for patched in patch(
                Policy::new(&network, &params),
                &distinguished,
                &layers(&sites),
            ) {
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
            let distinguished = Distinguished::new(
                Policy::new(&network, &params),
                &pairs(Sought::Cheese, Fact::CheeseMoved),
            );
            if distinguished.is_empty() {
                continue;
            }
            units += 1;
            for patched in patch(
                Policy::new(&network, &params),
                &distinguished,
                &channels(&sites),
            ) {
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
                    &distinguished(Policy::new(&network, &params)),
                    &channels(&sites),
                )
            })
        };
        assert_eq!(run(1), run(3));
    }
}
