//! Causal scrubbing of the smallest hypotheses: that one part of the activations depends on one feature of
//! the state alone. All else stays as it is, on every way past the part.
//!
//! ```text
//! loss_s = mean over states of KL(pi(x) || pi(x, a_s <- a_s(y)))     y: another state with the feature as in x
//! share  = loss_s / mean KL(pi(x) || pi(u))                          u: any other state
//! ```
//!
//! Cost: three forward passes a state, and for each part what follows it. Same bits at any thread count:
//! every state has its own stream.

use rayon::prelude::*;

use super::hypothesis::{Feature, Place};
use super::recovered::{divergence, log_probs};
use super::states::States;
use crate::nn::{Part, Policy, Workspace};
use crate::numeric::draws::{self, packed};

/// The share of every part, by number of its site, over the states of a place; zeros where no state has
/// another of its feature, or any other state is as good.
pub fn shares(
    policy: Policy<'_>,
    states: &States,
    feature: Feature,
    place: Place,
    parts: &[(usize, Part)],
    seed: u64,
) -> Vec<f64> {
    let network = policy.network;
    let sites = network.sites();
    let pool = states.of(place);
    let [same, any] = [feature, Feature::Nothing].map(|feature| states.matches(feature, &pool));
    let draws: Vec<[usize; 3]> = pool
        .iter()
        .filter_map(|&state| {
            let number = packed(&[(feature as u64, 4), (state as u64, 36)]);
            let mut stream = draws::RESAMPLED.stream(seed, number);
            let other = same.draw(state, &mut stream)?;
            Some([state, other, any.draw(state, &mut stream)?])
        })
        .collect();
    // From the last site to the first: what comes before a site is then as it was.
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(parts[index].0));
    let sums: Vec<(Vec<f64>, f64)> = draws
        .par_chunks(network.sample_len)
        .map(|block| {
            let [base, donor, random] = [0, 1, 2].map(|which| {
                let drawn: Vec<usize> = block.iter().map(|draw| draw[which]).collect();
                let mut workspace = Workspace::new(network);
                let observations = states.observations(&drawn);
                workspace.forward(policy, &observations, block.len());
                workspace
            });
            let rows = |workspace: &Workspace<f32>| -> Vec<Vec<f64>> {
                let logits = workspace.logits(network, block.len());
                let rows = logits.chunks(network.shape.action_len);
                rows.map(log_probs).collect()
            };
            let before = rows(&base);
            let lost = |workspace: &Workspace<f32>| -> f64 {
                let pairs = before.iter().zip(rows(workspace));
                pairs.map(|(p, q)| divergence(p, &q)).sum()
            };
            let mut live = base.clone();
            let mut sums = vec![0.0; parts.len()];
            for &index in &order {
                let (site, part) = &parts[index];
                let site = &sites[*site];
                live.patch_from(site, part, block.len(), &donor);
                live.forward_after(policy, site, block.len());
                sums[index] = lost(&live);
                live.patch_from(site, part, block.len(), &base);
            }
            (sums, lost(&random))
        })
        .collect();
    let whole: f64 = sums.iter().map(|(_, random)| random).sum();
    let share = |index: usize| match whole > 0.0 {
        true => sums.iter().map(|(sums, _)| sums[index]).sum::<f64>() / whole,
        false => 0.0,
    };
    (0..parts.len()).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::Split;
    use crate::circuits::patching::channels;
    use crate::circuits::patching::tests::policy;
    use crate::locators::path_patching::tests::two_halves;
    use crate::nn::{Kind, Network, Shape};

    fn states() -> States {
        States::new(Split::Discovery, 9, 5, 8, &[]).unwrap()
    }

    #[test]
    fn the_same_state_costs_nothing_and_all_of_the_last_layer_costs_what_a_random_state_does() {
        let (network, params) = policy(Kind::Small, 3);
        let sites = network.sites();
        let last = sites.len() - 1;
        let parts = vec![(0, sites[0].whole()), (last, sites[last].whole())];
        let share = |feature| {
            let policy = Policy::new(&network, &params);
            shares(policy, &states(), feature, Place::Outside, &parts, 1)
        };
        // No other state is the same one.
        assert_eq!(share(Feature::State), [0.0, 0.0]);
        let found = share(Feature::Nothing);
        assert!(found.iter().all(|share| *share > 0.3), "{found:?}");
        // What the logits read is all of it, and the first layer passes nothing by.
        let same = share(Feature::WallsAndMouse);
        assert!((same[0] - same[1]).abs() < 1e-6, "{same:?}");
    }

    #[test]
    fn a_half_that_never_sees_the_cheese_loses_nothing_when_it_moves() {
        let shape = Shape {
            kind: Kind::Small,
            world: 9,
            channels: 8,
            blocks: 2,
            hidden: 16,
            action_len: 4,
        };
        let network = Network::new(shape, 16).unwrap();
        let (params, _) = two_halves(&network, 2);
        let parts = channels(&network.sites());
        let policy = Policy::new(&network, &params);
        let (feature, place) = (Feature::WallsAndMouse, Place::InRegion);
        let found = shares(policy, &states(), feature, place, &parts, 1);
        let mut moved = 0;
        for ((site, part), share) in parts.iter().zip(found) {
            let half = network.sites()[*site].image.channels / 2;
            // The first half of every layer sees walls and mouse alone.
            match part.channels.start < half {
                true => assert_eq!(share, 0.0, "{site} {part:?}"),
                false => moved += usize::from(share > 0.0),
            }
        }
        assert!(moved > 8, "{moved}");
    }
}
