//! What the activations and edges of a policy carry of one fact: layers, channels and cells by activation
//! patching, edges and paths by path patching.

use crate::circuits::atlas::edge_name;
use crate::circuits::paths::{self, Edge};
use crate::circuits::{Distinguished, patching};
use crate::circuits::{Fact, Pairs, Patched, Share, Sought, hops};
use crate::findings::tracing::{Carrier, Cells, TracedFact};
use crate::locators::path_patching::VERIFIED;
use crate::nn::{Part, Policy, Site};
use crate::numeric::statistics::spearman;

/// Channels and edges that are named.
const NAMED: usize = 16;
/// Channels whose cells are patched one by one.
const MAPPED: usize = 3;
/// Paths that are kept at every step of the search, and named.
const BEAM: usize = 16;

/// The channels and edges that lead the patching of one fact, by their numbers in the network.
pub struct Leaders {
    /// What is sought.
    pub sought: Sought,
    /// In what the states differ.
    pub fact: Fact,
    /// The pairs that the policy distinguishes.
    pub distinguished: Distinguished,
    /// The number of the site, and the channel of it.
    pub channels: Vec<(usize, usize)>,
    /// The edges, each with its effect.
    pub edges: Vec<(Edge, f64)>,
}

/// Patches layers, channels, cells and edges of a policy in all of `pairs` that it distinguishes.
pub fn trace(policy: Policy<'_>, pairs: &Pairs) -> (TracedFact, Leaders) {
    let sites = policy.network.sites();
    let distinguished = Distinguished::new(policy, pairs);
    let name = |patched: &Patched| {
        let (site, part) = (&sites[patched.site], &patched.part);
        match part.channels.len() == site.image.channels {
            true => site.name.clone(),
            false => format!("{} {}", site.name, part.channels.start),
        }
    };
    let carrier = |patched: &Patched| carrier(name(patched), [patched.restored, patched.corrupted]);
    let patch = |parts: &[(usize, Part)]| patching::patch(policy, &distinguished, parts);
    let layers = patch(&patching::layers(&sites));

    // Where no pair is told apart there are no effects, and nothing leads.
    let mut channels = match distinguished.is_empty() {
        true => Vec::new(),
        false => patch(&patching::channels(&sites)),
    };
    let effect = |patched: &Patched| (patched.restored.value + patched.corrupted.value).abs();
    channels.sort_by(|a, b| effect(b).total_cmp(&effect(a)));
    channels.truncate(NAMED);
    let channel = |patched: &Patched| (patched.site, patched.part.channels.start);
    let has_cells = |patched: &&Patched| sites[patched.site].image.height > 1;
    let mapped = channels.iter().filter(has_cells).take(MAPPED);
    let cells = mapped.map(|patched| {
        let (site, number) = channel(patched);
        let cells = patch(&patching::cells(&sites, site, number));
        let restored: Vec<f64> = cells.iter().map(|cell| cell.restored.value).collect();
        let width = sites[patched.site].image.width;
        Cells {
            part: name(patched),
            restored: restored.chunks(width).map(<[f64]>::to_vec).collect(),
        }
    });

    let edges = edges(policy, &sites, &distinguished);
    let traced = TracedFact {
        sought: pairs.sought,
        fact: pairs.fact,
        pairs: pairs.len(),
        distinguished: distinguished.len(),
        layers: layers.iter().map(carrier).collect(),
        channels: channels.iter().map(carrier).collect(),
        cells: cells.collect(),
        edges: edges.leading.iter().map(|one| one.1.clone()).collect(),
        paths: Vec::new(),
        screen: edges.screen,
        patched: edges.patched,
    };
    let with_effect = |(edge, carrier): &(Edge, Carrier)| (*edge, carrier.effect());
    let leaders = Leaders {
        sought: pairs.sought,
        fact: pairs.fact,
        distinguished,
        channels: channels.iter().map(channel).collect(),
        edges: edges.leading.iter().map(with_effect).collect(),
    };
    (traced, leaders)
}

/// The paths of so many hops that a search finds.
pub fn paths(policy: Policy<'_>, distinguished: &Distinguished, hops: usize) -> Vec<Carrier> {
    if distinguished.is_empty() {
        return Vec::new();
    }
    let sites = policy.network.sites();
    let found = hops::leading(policy, distinguished, hops, BEAM).into_iter();
    found
        .map(|(path, shares)| carrier(path.name(&sites), shares))
        .collect()
}

fn carrier(part: String, [restored, corrupted]: [Share; 2]) -> Carrier {
    Carrier {
        part,
        restored,
        corrupted,
    }
}

struct Edges {
    /// Those with the greatest effects of all that were patched.
    leading: Vec<(Edge, Carrier)>,
    /// Rank correlation of first-order and exact effects.
    screen: Option<f64>,
    /// How many were patched, and how many there are.
    patched: (usize, usize),
}

/// Patches the edges that lead by their first-order effects.
fn edges(policy: Policy<'_>, sites: &[Site], distinguished: &Distinguished) -> Edges {
    let network = policy.network;
    let all = paths::edges(network);
    if distinguished.is_empty() {
        return Edges {
            leading: Vec::new(),
            screen: None,
            patched: (0, all.len()),
        };
    }
    let weights = paths::attribute(policy, distinguished);
    let first_order = |edge: &Edge| -> f64 {
        let slice = network.slice(&sites[edge.site], edge.from, edge.to);
        slice.iter().map(|&index| weights[index]).sum()
    };
    let mut screened: Vec<(Edge, f64)> =
        all.iter().map(|edge| (*edge, first_order(edge))).collect();
    screened.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    let wanted = (all.len() as f64 * VERIFIED).ceil() as usize;
    screened.truncate(wanted.max(NAMED));
    let (edges, first_order): (Vec<Edge>, Vec<f64>) = screened.into_iter().unzip();
    let exact = paths::patch(policy, distinguished, &edges);
    let named =
        |(edge, shares): (&Edge, [Share; 2])| (*edge, carrier(edge_name(sites, edge), shares));
    let mut leading: Vec<(Edge, Carrier)> = edges.iter().zip(exact).map(named).collect();
    let effects: Vec<f64> = leading.iter().map(|(_, one)| one.effect()).collect();
    leading.sort_by(|(_, a), (_, b)| b.effect().abs().total_cmp(&a.effect().abs()));
    leading.truncate(NAMED);
    Edges {
        leading,
        screen: spearman(&first_order, &effects),
        patched: (edges.len(), all.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Setting, Split, Tasks};
    use crate::maze::ActionSet;
    use crate::nn::{Kind, Network, Shape, init};
    use crate::numeric::random::{Purpose, Stream};

    /// Parameters that prefer something: those that training begins with have heads of next to nothing.
    fn drawn(network: &Network, seed: u64) -> Vec<f32> {
        let mut stream = Stream::new(seed, Purpose::Scrubbing, 0);
        let mut params = init::initialise(&network.layout, seed);
        let mut tensors = network.layout.tensors.iter();
        let head = tensors.find(|tensor| tensor.name == "policy.weight");
        for (place, param) in params.iter_mut().enumerate() {
            let is_head = head.unwrap().range().contains(&place);
            *param += if is_head { 1.0 } else { 0.1 } * stream.normal() as f32;
        }
        params
    }

    #[test]
    fn what_is_written_are_the_leaders_by_name_in_their_order() {
        for kind in [Kind::Small, Kind::Impala] {
            let shape = Shape {
                kind,
                world: 9,
                channels: 4,
                blocks: 2,
                hidden: 1,
                action_len: 4,
            };
            let network = Network::new(shape, 8).unwrap();
            let tasks = Tasks::new(
                Split::Discovery,
                Setting::new(9, 5, 50),
                ActionSet::Four,
                16,
            )
            .unwrap();
            let pairs = Pairs::new(&tasks, Sought::Cheese, Fact::MouseMoved, 16);
            // The one hidden unit of many a policy is never above zero.
            let params = (0..50)
                .map(|seed| drawn(&network, seed))
                .find(|params| Distinguished::new(Policy::new(&network, params), &pairs).len() > 2)
                .unwrap();
            let (traced, leaders) = trace(Policy::new(&network, &params), &pairs);
            assert_eq!(leaders.distinguished.len(), traced.distinguished);

            let sites = network.sites();
            let named = |&(site, channel): &(usize, usize)| match sites[site].image.channels {
                1 => sites[site].name.clone(),
                _ => format!("{} {channel}", sites[site].name),
            };
            let names: Vec<String> = leaders.channels.iter().map(named).collect();
            let written = |all: &[Carrier]| all.iter().map(|c| c.part.clone()).collect::<Vec<_>>();
            assert_eq!(names, written(&traced.channels));
            assert_eq!(names.len(), NAMED.min(patching::channels(&sites).len()));
            let (edges, effects): (Vec<Edge>, Vec<f64>) = leaders.edges.iter().copied().unzip();
            let names: Vec<String> = edges.iter().map(|edge| edge_name(&sites, edge)).collect();
            assert_eq!(names, written(&traced.edges));
            let exact = traced.edges.iter().map(Carrier::effect);
            assert_eq!(effects, exact.collect::<Vec<_>>());
            assert!(effects.is_sorted_by(|a, b| a.abs() >= b.abs()) && effects[0] != 0.0);
        }
    }
}
