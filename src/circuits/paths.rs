//! Path patching (Goldowsky-Dill et al., 2304.05969) along the edges of the network, a kernel slice
//! each.
//!
//! A layer is linear in the channels of its input, so that the edge from channel c to channel c' is the
//! slice `W[.., c, c']` alone: nine weights of a convolution, one a cell of the hidden layer. Putting
//! another run's channel c into what c' reads, and nowhere else:
//!
//! ```text
//! z_c' = z_c'(base) + W[.., c, c'] * (a_c(other) - a_c(base))      everything after follows
//! ```
//!
//! is exact here: the layer runs with channel c exchanged, and only channel c' is kept of what it gives.
//! What the residual stream carries past the layer stays the base's. Effects are shares as of
//! [activation patching](super::patching), restored and corrupted. The edges from hidden units to the
//! logits have the effect of the units, which nothing else that counts reads.
//!
//! All edges are screened by their first-order effects ([`Workspace::attribute`]: one backward pass),
//! and the leading ones are patched. Cost: of the screen, two passes a pair; of an edge, the operations
//! after its layer, twice.

use rayon::prelude::*;

use super::distinguished::Distinguished;
use super::pairs::d_preference;
use super::share::Share;
use crate::nn::{Network, Part, Policy, Site, Workspace};

/// From one channel of a layer's input to one of its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The number in [`Network::sites`] of what the layer gives.
    pub site: usize,
    /// Channel of the input.
    pub from: usize,
    /// Channel of the output.
    pub to: usize,
}

/// The edges of every convolution and of the hidden layer.
pub fn edges(network: &Network) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (site, place) in network.sites().iter().enumerate() {
        if let (Some(_), Some(input)) = (&place.parameters, network.input(place)) {
            let channels = 0..input.image.channels;
            edges.extend(
                channels.flat_map(|from| {
                    (0..place.image.channels).map(move |to| Edge { site, from, to })
                }),
            );
        }
    }
    edges
}

/// The parameters with edges cut: weights of zero.
pub fn cut(policy: Policy<'_>, sites: &[Site], edges: impl IntoIterator<Item = Edge>) -> Vec<f32> {
    let mut edited = policy.theta.to_vec();
    for edge in edges {
        let slice = policy.network.slice(&sites[edge.site], edge.from, edge.to);
        slice.into_iter().for_each(|index| edited[index] = 0.0);
    }
    edited
}

/// First-order shares of every weight, restored and corrupted averaged: an edge's is the sum over its
/// [slice](Network::slice).
pub fn attribute(policy: Policy<'_>, distinguished: &Distinguished) -> Vec<f64> {
    let Policy { network, theta } = policy;
    let mut transposed = vec![0.0; theta.len()];
    network.transpose(theta, &mut transposed);
    let blocks: Vec<Vec<f64>> = distinguished
        .blocks(network)
        .par_iter()
        .map(|pairs| {
            let mut effects = vec![0.0; theta.len()];
            for direction in [0, 1] {
                let mut base = distinguished.run(policy, 1 - direction, pairs);
                let mut other = distinguished.run(policy, direction, pairs);
                let mut slopes = base.logits(network, pairs.len()).to_vec();
                let rows = slopes.chunks_exact_mut(network.shape.action_len);
                for (row, &right) in rows.zip(&distinguished.right[pairs.clone()]) {
                    let logits = row.to_vec();
                    d_preference(&logits, right, row);
                    // The other way round, m falls by as much as it would rise.
                    if direction == 1 {
                        row.iter_mut().for_each(|slope| *slope = -*slope);
                    }
                }
                base.attribute(
                    policy,
                    &transposed,
                    &slopes,
                    &mut other,
                    &mut effects,
                    pairs.len(),
                );
            }
            effects
        })
        .collect();
    let whole = 2.0 * distinguished.differences().iter().sum::<f64>();
    let mut sum = vec![0.0; theta.len()];
    for block in &blocks {
        sum.iter_mut()
            .zip(block)
            .for_each(|(sum, effect)| *sum += effect);
    }
    if whole > 0.0 {
        sum.iter_mut().for_each(|effect| *effect /= whole);
    }
    sum
}

/// What each edge restores and what it corrupts, in the order of `edges`.
pub fn patch(policy: Policy<'_>, distinguished: &Distinguished, edges: &[Edge]) -> Vec<[Share; 2]> {
    let groups: Vec<Vec<Edge>> = edges.iter().map(|&edge| vec![edge]).collect();
    patch_groups(policy, distinguished, &groups)
}

/// What groups of edges into one layer each restore and corrupt together.
///
/// # Panics
/// A group that is empty, or whose edges go into several layers.
pub fn patch_groups(
    policy: Policy<'_>,
    distinguished: &Distinguished,
    groups: &[Vec<Edge>],
) -> Vec<[Share; 2]> {
    let sites = policy.network.sites();
    // From the last layer to the first, and with what is exchanged in one go together.
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&index| {
        (
            std::cmp::Reverse(groups[index][0].site),
            groups[index][0].from,
        )
    });
    distinguished.shares(policy, groups.len(), |base, other, len, done| {
        let mut exchange = Exchange::new(policy, base, other, len);
        for &index in &order {
            let site = &sites[groups[index][0].site];
            exchange.patch(site, &groups[index]);
            done(index, &exchange.live);
            exchange.restore(site);
        }
    })
}

/// Two runs, and a third in which some edges of the one carry what the other's do.
struct Exchange<'a> {
    policy: Policy<'a>,
    base: &'a Workspace<f32>,
    other: &'a Workspace<f32>,
    /// The base's, but for what is patched and what follows.
    live: Workspace<f32>,
    /// The base's, but for the channels that are exchanged and what their layer makes of them.
    mixed: Workspace<f32>,
    /// The layer and channels that `mixed` has exchanged.
    exchanged: Option<(usize, Vec<usize>)>,
    sample_len: usize,
}

impl<'a> Exchange<'a> {
    fn new(
        policy: Policy<'a>,
        base: &'a Workspace<f32>,
        other: &'a Workspace<f32>,
        sample_len: usize,
    ) -> Self {
        Self {
            policy,
            base,
            other,
            live: base.clone(),
            mixed: base.clone(),
            exchanged: None,
            sample_len,
        }
    }

    /// Patches a group of edges, and runs what follows.
    fn patch(&mut self, site: &Site, group: &[Edge]) {
        let mut receivers: Vec<usize> = group.iter().map(|edge| edge.to).collect();
        receivers.sort_unstable();
        receivers.dedup();
        for to in receivers {
            let into = group.iter().filter(|edge| edge.to == to);
            let senders: Vec<usize> = into.map(|edge| edge.from).collect();
            self.exchange(site, senders);
            let part = Part::channel(to);
            self.live
                .patch_from(site, &part, self.sample_len, &self.mixed);
        }
        self.live.forward_after(self.policy, site, self.sample_len);
    }

    /// Undoes what was patched at a site; what follows it is run anew with the next patch.
    fn restore(&mut self, site: &Site) {
        self.live
            .patch_from(site, &site.whole(), self.sample_len, self.base);
    }

    /// Runs a layer with these channels of its input exchanged, where that is not what it ran with.
    fn exchange(&mut self, site: &Site, senders: Vec<usize>) {
        let key = Some((site.op, senders));
        if self.exchanged == key {
            return;
        }
        let input = self
            .policy
            .network
            .input(site)
            .expect("edges go into layers");
        let (_, senders) = key.as_ref().expect("it was made above");
        self.mixed
            .patch_from(&input, &input.whole(), self.sample_len, self.base);
        for &from in senders {
            let part = Part::channel(from);
            self.mixed
                .patch_from(&input, &part, self.sample_len, self.other);
        }
        self.mixed.forward_at(self.policy, site, self.sample_len);
        // The layer before reads nothing of this; its own input is the base's again.
        self.mixed
            .patch_from(&input, &input.whole(), self.sample_len, self.base);
        self.exchanged = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::pairs::{Fact, Sought};
    use crate::circuits::patching::tests::{pairs, policy};
    use crate::circuits::patching::{layers, patch as patch_parts};
    use crate::nn::Kind;

    fn distinguished(kind: Kind, seed: u64) -> (Network, Vec<f32>, Distinguished) {
        let (network, params) = policy(kind, seed);
        let distinguished = Distinguished::new(
            Policy::new(&network, &params),
            &pairs(Sought::Cheese, Fact::CheeseMoved),
        );
        assert!(distinguished.len() >= 5);
        (network, params, distinguished)
    }

    #[test]
    fn all_edges_into_a_layer_are_the_layer() {
        for kind in [Kind::Small, Kind::Impala] {
            let (network, params, distinguished) = distinguished(kind, 5);
            let sites = network.sites();
            let mut groups: Vec<Vec<Edge>> = edges(&network)
                .chunk_by(|a, b| a.site == b.site)
                .map(<[Edge]>::to_vec)
                .collect();
            // In any order, with the layer's one edge before it.
            groups.reverse();
            let single = vec![groups[0][0]];
            groups.insert(0, single);
            let patched = patch_groups(Policy::new(&network, &params), &distinguished, &groups);
            let parts: Vec<_> = layers(&sites);
            let whole = patch_parts(Policy::new(&network, &params), &distinguished, &parts);
            for (group, [restored, corrupted]) in groups.iter().zip(patched).skip(1) {
                let layer = &whole[group[0].site];
                assert_eq!(restored, layer.restored, "{}", sites[layer.site].name);
                assert_eq!(corrupted, layer.corrupted);
            }
        }
    }

    /// Where a slice's weights are zeros, nothing is exchanged along it, whatever else the channels do.
    #[test]
    fn an_edge_is_its_kernel_slice() {
        let (network, params, distinguished) = distinguished(Kind::Small, 6);
        let sites = network.sites();
        let block = 0..distinguished.len().min(network.sample_len);
        for (number, site) in sites.iter().enumerate() {
            let (Some(_), Some(input)) = (&site.parameters, network.input(site)) else {
                continue;
            };
            let cells = input.image.height * input.image.width;
            let (first, second) = (0, 1);
            let mut moved = 0;
            for to in 0..site.image.channels {
                let edge = Edge {
                    site: number,
                    from: input.image.channels - 1,
                    to,
                };
                let slice = network.slice(site, edge.from, to);
                assert_eq!(slice.len(), if site.image.height == 1 { cells } else { 9 });
                let mut without = params.clone();
                slice.iter().for_each(|&index| without[index] = 0.0);
                for (params, is_cut) in [(&params, false), (&without, true)] {
                    let policy = Policy::new(&network, params);
                    let run = |which| distinguished.run(policy, which, &block);
                    let (other, base) = (run(first), run(second));
                    let mut exchange = Exchange::new(policy, &base, &other, block.len());
                    exchange.patch(site, &[edge]);
                    for sample in block.clone() {
                        let read = |w: &Workspace<f32>| w.read(site, &site.whole(), sample);
                        let (now, before) = (read(&exchange.live), read(&base));
                        assert!(!is_cut || now == before, "{}", site.name);
                        moved += usize::from(now != before);
                        // No other channel moves.
                        let others = now.iter().zip(&before).enumerate();
                        let mut others = others.filter(|(i, _)| i % site.image.channels != to);
                        assert!(others.all(|(_, (now, before))| now == before));
                    }
                }
            }
            assert!(moved > 0, "{}", site.name);
        }
    }

    #[test]
    fn attribution_agrees_with_the_patches_where_little_is_rectified() {
        for kind in [Kind::Small, Kind::Impala] {
            let (network, params, distinguished) = distinguished(kind, 7);
            let scores = attribute(Policy::new(&network, &params), &distinguished);
            let all = edges(&network);
            let sites = network.sites();
            let hidden = sites.len() - 1;
            // The last layer is linear in its edges but for its rectifier: first order is nearly all.
            let into: Vec<Edge> = all.iter().copied().filter(|e| e.site == hidden).collect();
            let exact = patch(Policy::new(&network, &params), &distinguished, &into);
            let pairs: Vec<(f64, f64)> = into
                .iter()
                .zip(&exact)
                .map(|(edge, [restored, corrupted])| {
                    let slice = network.slice(&sites[edge.site], edge.from, edge.to);
                    let screened: f64 = slice.iter().map(|&index| scores[index]).sum();
                    (screened, 0.5 * (restored.value + corrupted.value))
                })
                .collect();
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let agreement = crate::numeric::statistics::spearman(&x, &y).unwrap();
            assert!(agreement > 0.8, "{kind:?}: {agreement}");
        }
    }
}
