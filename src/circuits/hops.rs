//! Path patching (Goldowsky-Dill et al., 2304.05969) along paths of several layers.
//!
//! A path goes from a channel of the observation or of a site to one channel each of later layers:
//!
//! ```text
//! cheese plane -> conv0 13 -> conv2 4 -> dense 17
//! ```
//!
//! Its first channel is put in as it is in another run. A channel's change comes along the residual stream
//! to the layer that reads it, past the layers between, whose branches stay the base run's: the stream is a sum
//! channel by channel, and so is what pools and rectifiers make of it, so that this is exact. Of what the layer then
//! gives, the next channel of the path alone is kept, and all else is the base's again. After the last channel
//! everything follows. This is the path's own term of the network written out as a tree. A path of one hop
//! from what a layer reads is an [`Edge`].
//!
//! A channel speaks along all paths from it, and a rectifier adds them up with a bend: effects of paths
//! need not sum to a channel's.
//!
//! Cost of a path: one convolution a hop, and the operations after its last layer, twice. The search tries no
//! path whose part was not among the `beam` best, and may miss a better one.

use std::collections::BTreeSet;
use std::ops::Range;

use super::distinguished::Distinguished;
use super::paths::{self, Edge};
use super::share::Share;
use crate::nn::{Network, Part, Policy, Site, Workspace};

/// Edges that are patched, for each path that is kept, before the search goes on from the best.
const EDGES: usize = 4;

/// One channel of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel {
    /// The number of its site in [`Network::sites`]; of the observation where there is none.
    pub site: Option<usize>,
    /// Which of its channels.
    pub channel: usize,
}

/// Two channels or more, each after the first of a layer that reads the one before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Channel>);

impl Path {
    /// Layers that it goes through.
    pub fn hops(&self) -> usize {
        self.0.len() - 1
    }

    /// "cheese plane -> conv0 13 -> dense 17".
    pub fn name(&self, sites: &[Site]) -> String {
        let name = |at: &Channel| match at.site {
            Some(site) => format!("{} {}", sites[site].name, at.channel),
            None => format!("{} plane", ["wall", "mouse", "cheese"][at.channel]),
        };
        self.0.iter().map(name).collect::<Vec<_>>().join(" -> ")
    }

    /// The path of one hop that this edge is.
    pub fn of_edge(network: &Network, edge: Edge) -> Self {
        let first = Channel {
            site: read_by(network, &network.sites(), edge.site),
            channel: edge.from,
        };
        let last = Channel {
            site: Some(edge.site),
            channel: edge.to,
        };
        Self(vec![first, last])
    }

    fn last(&self) -> Channel {
        self.0[self.hops()]
    }
}

/// The numbers of the sites that the layers give, one each: the convolutions, where a branch is nowhere
/// kept the stream after it, and the hidden layer.
pub fn layers(network: &Network) -> Vec<usize> {
    let sites = network.sites();
    let is_given = |number: &usize| {
        let site = &sites[*number];
        let mut same = sites.iter().filter(|other| other.op == site.op);
        let has_branch = same.any(|other| other.parameters.is_some());
        site.parameters.is_some() || network.input(site).is_some() && !has_branch
    };
    (0..sites.len()).filter(is_given).collect()
}

/// The number of the last site before a layer that it reads; none where that is the observation.
fn read_by(network: &Network, sites: &[Site], layer: usize) -> Option<usize> {
    let before = |site: &usize| sites[*site].op < sites[layer].op;
    (0..layer)
        .rev()
        .filter(before)
        .find(|&site| network.reads(&sites[layer], &sites[site]))
}

/// What each path restores and what it corrupts, in the order of `paths`.
///
/// # Panics
/// A path without hops, or with a layer that does not read the channel before it.
pub fn patch(policy: Policy<'_>, distinguished: &Distinguished, paths: &[Path]) -> Vec<[Share; 2]> {
    let network = policy.network;
    let sites = network.sites();
    paths.iter().for_each(|path| check(network, &sites, path));
    // From the last layer to the first, and what differs in the last channel alone together.
    let mut order: Vec<usize> = (0..paths.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&paths[a], &paths[b]);
        let before = |path: &Path| path.last().site;
        before(b)
            .cmp(&before(a))
            .then_with(|| a.0[..a.hops()].cmp(&b.0[..b.hops()]))
    });
    distinguished.shares(policy, paths.len(), |base, other, len, done| {
        let mut walk = Walk::new(policy, &sites, base, other, len);
        for &index in &order {
            done(index, walk.patch(&paths[index]));
        }
    })
}

fn check(network: &Network, sites: &[Site], path: &Path) {
    assert!(path.0.len() > 1, "a path has a hop or more");
    let site = |channel: &Channel| channel.site.map(|site| sites[site].clone());
    for pair in path.0.windows(2) {
        let layer = site(&pair[1]).expect("the observation comes first");
        let source = site(&pair[0]).or_else(|| network.input(&sites[0]));
        let source = source.expect("the first layer reads the observation");
        assert!(
            network.reads(&layer, &source),
            "{} does not read {}",
            layer.name,
            source.name
        );
    }
}

/// Two runs, and what comes of the one when a path of it carries what the other's does.
struct Walk<'a> {
    policy: Policy<'a>,
    sites: &'a [Site],
    observation: Site,
    base: &'a Workspace<f32>,
    other: &'a Workspace<f32>,
    /// The base's, but for a path's last channel and what follows.
    live: Workspace<f32>,
    /// The base's, but for what a path carries on the way to its last layer.
    mixed: Workspace<f32>,
    /// What is kept from one layer to the next.
    held: Workspace<f32>,
    /// Which way `mixed` has gone: all channels but the last, and the last one's site.
    gone: Option<(Vec<Channel>, Option<usize>)>,
    sample_len: usize,
}

impl<'a> Walk<'a> {
    fn new(
        policy: Policy<'a>,
        sites: &'a [Site],
        base: &'a Workspace<f32>,
        other: &'a Workspace<f32>,
        sample_len: usize,
    ) -> Self {
        let observation = policy.network.input(&sites[0]);
        Self {
            policy,
            sites,
            observation: observation.expect("the first site is a layer's"),
            base,
            other,
            live: base.clone(),
            mixed: base.clone(),
            held: base.clone(),
            gone: None,
            sample_len,
        }
    }

    fn site(&self, channel: Channel) -> Site {
        let site = channel.site.map(|site| &self.sites[site]);
        site.unwrap_or(&self.observation).clone()
    }

    /// The operations after a channel, up to its reader's.
    fn between(&self, from: Channel, to: Channel) -> Range<usize> {
        let first = from.site.map_or(0, |site| self.sites[site].op + 1);
        first..self.site(to).op
    }

    /// The run in which this path is patched.
    fn patch(&mut self, path: &Path) -> &Workspace<f32> {
        let last = path.last();
        let site = self.site(last);
        self.go(path);
        let part = Part::channel(last.channel);
        self.live
            .patch_from(&site, &part, self.sample_len, &self.mixed);
        self.live.forward_after(self.policy, &site, self.sample_len);
        // What follows is run anew with the next patch.
        self.live
            .patch_from(&site, &site.whole(), self.sample_len, self.base);
        &self.live
    }

    /// Goes the path up to what its last layer gives, where `mixed` is not there.
    fn go(&mut self, path: &Path) {
        let key = Some((path.0[..path.hops()].to_vec(), path.last().site));
        if self.gone == key {
            return;
        }
        if let Some((channels, site)) = self.gone.take() {
            let from = channels[channels.len() - 1];
            self.undo(from, Channel { site, channel: 0 });
        }
        let (first, n) = (path.0[0], self.sample_len);
        let source = self.site(first);
        let part = Part::channel(first.channel);
        self.mixed.patch_from(&source, &part, n, self.other);
        for (hop, pair) in path.0.windows(2).enumerate() {
            let (from, to) = (pair[0], pair[1]);
            let layer = self.site(to);
            let between = self.between(from, to);
            self.mixed.carry(self.policy, between, n);
            self.mixed.forward_at(self.policy, &layer, n);
            if hop + 1 < path.hops() {
                let part = Part::channel(to.channel);
                self.held.patch_from(&layer, &part, n, &self.mixed);
                self.undo(from, to);
                self.mixed.patch_from(&layer, &part, n, &self.held);
            }
        }
        self.gone = key;
    }

    /// Makes `mixed` the base's again after a hop.
    fn undo(&mut self, from: Channel, to: Channel) {
        let source = self.site(from);
        let between = self.between(from, to);
        let n = self.sample_len;
        self.mixed
            .patch_from(&source, &source.whole(), n, self.base);
        let written = between.start..between.end + 1;
        self.mixed
            .copy_from(self.policy.network, written, n, self.base);
    }
}

/// A path with what it restores and what it corrupts.
pub type Found = (Path, [Share; 2]);

/// The paths of so many hops with the greatest effects, restored and corrupted averaged, at most `beam` of
/// them, by a search: the leading [edges](paths::edges), then the best of these and of what they become with a hop
/// more at either end, patched, and so on.
pub fn leading(
    policy: Policy<'_>,
    distinguished: &Distinguished,
    hops: usize,
    beam: usize,
) -> Vec<Found> {
    let network = policy.network;
    let search = Search::new(network, hops);
    let best = |paths: Vec<Path>| -> Vec<Found> {
        let shares = patch(policy, distinguished, &paths);
        let mut found: Vec<Found> = paths.into_iter().zip(shares).collect();
        let effect = |(_, [restored, corrupted]): &Found| (restored.value + corrupted.value).abs();
        found.sort_by(|a, b| effect(b).total_cmp(&effect(a)).then_with(|| a.0.cmp(&b.0)));
        found.truncate(beam);
        found
    };
    let weights = paths::attribute(policy, distinguished);
    let screened = |edge: Edge| -> f64 {
        let slice = network.slice(&search.sites[edge.site], edge.from, edge.to);
        slice.iter().map(|&index| weights[index]).sum()
    };
    let mut edges: Vec<(f64, Path)> = paths::edges(network)
        .into_iter()
        .map(|edge| (screened(edge).abs(), Path::of_edge(network, edge)))
        .filter(|(_, path)| search.has_room(path))
        .collect();
    edges.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    edges.truncate(EDGES * beam);
    let mut found = best(edges.into_iter().map(|(_, path)| path).collect());
    for _ in 1..hops {
        let longer = found.iter().flat_map(|(path, _)| search.longer(path));
        let longer: BTreeSet<Path> = longer.filter(|path| search.has_room(path)).collect();
        found = best(longer.into_iter().collect());
    }
    found
}

/// What paths there are.
struct Search<'a> {
    network: &'a Network,
    sites: Vec<Site>,
    layers: Vec<usize>,
    hops: usize,
}

impl<'a> Search<'a> {
    fn new(network: &'a Network, hops: usize) -> Self {
        Self {
            network,
            sites: network.sites(),
            layers: layers(network),
            hops,
        }
    }

    /// Whether there are layers enough before and after a path for it to grow to its hops.
    fn has_room(&self, path: &Path) -> bool {
        let place = |channel: Channel| self.layers.iter().position(|l| Some(*l) == channel.site);
        let (Some(first), Some(last)) = (place(path.0[1]), place(path.last())) else {
            return false;
        };
        path.hops() + first + (self.layers.len() - 1 - last) >= self.hops
    }

    /// A path with a hop more, before its first or after its last.
    fn longer(&self, path: &Path) -> Vec<Path> {
        let mut all = Vec::new();
        let reads = |layer: Channel, source: usize| {
            let layer = layer.site.expect("layers are sites");
            self.network.reads(&self.sites[layer], &self.sites[source])
        };
        for &layer in &self.layers {
            let image = self.sites[layer].image;
            if reads(path.0[1], layer) {
                let input = self.network.input(&self.sites[layer]);
                let input = input.expect("layers read something").image;
                let site = read_by(self.network, &self.sites, layer);
                let to = Channel {
                    site: Some(layer),
                    ..path.0[0]
                };
                all.extend((0..input.channels).map(|channel| {
                    let begin = [Channel { site, channel }, to];
                    Path([&begin, &path.0[1..]].concat())
                }));
            }
            let to = Channel {
                site: Some(layer),
                channel: 0,
            };
            if path.last().site.is_some_and(|source| reads(to, source)) {
                all.extend((0..image.channels).map(|channel| {
                    let end = Channel { channel, ..to };
                    Path([path.0.as_slice(), &[end]].concat())
                }));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests;
