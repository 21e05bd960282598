use super::*;
use crate::circuits::pairs::{Fact, Sought, preference};
use crate::circuits::patching::layers as whole_layers;
use crate::circuits::patching::patch as patch_parts;
use crate::circuits::patching::tests::{pairs, policy};
use crate::nn::{Kind, Policy, Shape, finite_difference as fd};

fn distinguished(policy: Policy<'_>) -> Distinguished {
    Distinguished::new(policy, &pairs(Sought::Cheese, Fact::CheeseMoved))
}

/// A small network with weights of size 1 a sum, and pairs that it tells apart.
fn tiny(channels: usize, blocks: usize, hidden: usize) -> (Network, Vec<f32>, Distinguished) {
    let shape = Shape {
        kind: Kind::Small,
        world: 9,
        channels,
        blocks,
        hidden,
        action_len: 4,
    };
    let network = Network::new(shape, 8).unwrap();
    let tries = (0..50).map(|seed| {
        let s = &mut fd::stream(seed);
        let mut params = vec![0.0; network.param_len()];
        for tensor in &network.layout.tensors {
            let terms: usize = tensor.shape[..tensor.shape.len() - 1].iter().product();
            let scale = (2.0 / terms as f64).sqrt();
            let range = tensor.range();
            params[range]
                .iter_mut()
                .for_each(|p| *p = (scale * s.normal()) as f32);
        }
        let distinguished = distinguished(Policy::new(&network, &params));
        (params, distinguished)
    });
    let (params, distinguished) = tries
        .max_by_key(|(_, distinguished)| distinguished.len())
        .unwrap();
    assert!(distinguished.len() >= 5, "{}", distinguished.len());
    (network, params, distinguished)
}

fn channel(site: usize, channel: usize) -> Channel {
    Channel {
        site: Some(site),
        channel,
    }
}

fn plane(channel: usize) -> Channel {
    Channel {
        site: None,
        channel,
    }
}

/// All paths of so many hops that a search can come upon.
fn all_paths(network: &Network, hops: usize) -> Vec<Path> {
    let search = Search::new(network, hops);
    let edges = paths::edges(network).into_iter();
    let mut all: BTreeSet<Path> = edges.map(|edge| Path::of_edge(network, edge)).collect();
    for _ in 1..hops {
        all = all.iter().flat_map(|path| search.longer(path)).collect();
    }
    all.into_iter().collect()
}

#[test]
fn a_path_of_one_hop_is_its_edge() {
    for kind in [Kind::Small, Kind::Impala] {
        let (network, params) = policy(kind, 5);
        let distinguished = distinguished(Policy::new(&network, &params));
        let step = if kind == Kind::Small { 1 } else { 401 };
        let edges: Vec<Edge> = paths::edges(&network).into_iter().step_by(step).collect();
        let of = edges.iter().map(|&edge| Path::of_edge(&network, edge));
        let found = patch(
            Policy::new(&network, &params),
            &distinguished,
            &of.collect::<Vec<_>>(),
        );
        let wanted = paths::patch(Policy::new(&network, &params), &distinguished, &edges);
        assert!(wanted.iter().any(|[restored, _]| restored.value != 0.0));
        assert_eq!(found, wanted);
    }
}

#[test]
fn through_zeros_nothing_moves() {
    let (network, params) = policy(Kind::Small, 6);
    let distinguished = distinguished(Policy::new(&network, &params));
    let sites = network.sites();
    // conv0, conv1, the stream, conv2, the stream, dense; the change of conv0's channel passes conv1 by.
    let three = |(a, b, unit): (usize, usize, usize)| {
        let (first, last) = ([plane(2), channel(0, a)], channel(5, unit));
        let through = |layer| Path([first.as_slice(), &[channel(layer, b), last]].concat());
        let past = Path([first.as_slice(), &[last]].concat());
        [past, through(1), through(3)]
    };
    let moves = |shares: &[Share; 2]| shares.iter().all(|share| share.value != 0.0);
    let all = (0..128).map(|n| (n / 32, n / 8 % 4, n % 8));
    let alive = |&of: &(usize, usize, usize)| {
        patch(Policy::new(&network, &params), &distinguished, &three(of))
            .iter()
            .all(moves)
    };
    let alive: Vec<_> = all.filter(alive).take(4).collect();
    assert!(!alive.is_empty());
    for of in alive {
        let mut without = params.clone();
        for index in network.slice(&sites[3], of.0, of.1) {
            without[index] = 0.0;
        }
        let distinguished = distinguished_again(Policy::new(&network, &without), &distinguished);
        let after = patch(Policy::new(&network, &without), &distinguished, &three(of));
        assert!(after[..2].iter().all(moves));
        for share in after[2] {
            assert_eq!((share.value, share.error), (0.0, 0.0));
        }
    }
}

/// The same pairs, told apart by what another policy prefers.
fn distinguished_again(policy: Policy<'_>, distinguished: &Distinguished) -> Distinguished {
    let mut again = distinguished.clone();
    for which in [0, 1] {
        let blocks = distinguished.blocks(policy.network).into_iter();
        let preferences = blocks.flat_map(|pairs| {
            let run = distinguished.run(policy, which, &pairs);
            distinguished.preferences_of(policy.network, &run, &pairs)
        });
        again.preferences[which] = preferences.collect();
    }
    again
}

#[test]
fn where_there_is_one_channel_its_path_is_the_layer() {
    let (network, params, distinguished) = tiny(1, 0, 3);
    let to = |unit| Path(vec![plane(2), channel(0, 0), channel(1, unit)]);
    let found = patch(
        Policy::new(&network, &params),
        &distinguished,
        &[to(0), to(1), to(2)],
    );
    let parts: Vec<_> = (0..3).map(|unit| (1, Part::channel(unit))).collect();
    let wanted = patch_parts(Policy::new(&network, &params), &distinguished, &parts);
    assert!(found.iter().any(|[restored, _]| restored.value != 0.0));
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(*found, [wanted.restored, wanted.corrupted]);
    }
    // And in one unit there is all of it.
    let (network, params, distinguished) = tiny(1, 0, 1);
    let found = patch(Policy::new(&network, &params), &distinguished, &[to(0)]);
    let wanted = patch_parts(
        Policy::new(&network, &params),
        &distinguished,
        &whole_layers(&network.sites()),
    );
    assert_eq!(found[0], [wanted[1].restored, wanted[1].corrupted]);
    assert_eq!(found[0][0].value, 1.0);
}

/// A network of conv0, branches, one hidden layer and heads, in f64, written out.
struct Naive {
    params: Vec<f64>,
    channels: usize,
    blocks: usize,
    hidden: usize,
    /// Where each tensor begins, in the order of the layers.
    offsets: Vec<usize>,
}

/// Images as `values[row][column][channel]`.
type Values = Vec<Vec<Vec<f64>>>;

impl Naive {
    fn new(Policy { network, theta }: Policy<'_>) -> Self {
        Self {
            params: theta.iter().map(|&p| p.into()).collect(),
            channels: network.shape.channels,
            blocks: network.shape.blocks,
            hidden: network.shape.hidden,
            offsets: network.layout.tensors.iter().map(|t| t.offset).collect(),
        }
    }

    fn weight(&self, layer: usize, index: usize) -> f64 {
        self.params[self.offsets[2 * layer] + index]
    }

    fn bias(&self, layer: usize, index: usize) -> f64 {
        self.params[self.offsets[2 * layer + 1] + index]
    }

    /// What convolution `layer` gives of an image, rectified.
    fn conv(&self, layer: usize, image: &Values) -> Values {
        let stride = if layer == 0 { 2 } else { 1 };
        let (side, from_len) = (image.len(), image[0][0].len());
        let out = side.div_ceil(stride);
        let mut values = vec![vec![vec![0.0; self.channels]; out]; out];
        for (row, cells) in values.iter_mut().enumerate() {
            for (column, cell) in cells.iter_mut().enumerate() {
                for (to, value) in cell.iter_mut().enumerate() {
                    let mut sum = self.bias(layer, to);
                    for tap in 0..9 {
                        let (y, x) = (row * stride + tap / 3, column * stride + tap % 3);
                        if y == 0 || x == 0 || y > side || x > side {
                            continue;
                        }
                        for (from, value) in image[y - 1][x - 1].iter().enumerate() {
                            let index = (tap * from_len + from) * self.channels + to;
                            sum += self.weight(layer, index) * value;
                        }
                    }
                    *value = sum.max(0.0);
                }
            }
        }
        values
    }

    fn dense(&self, image: &Values) -> Vec<f64> {
        let flat: Vec<f64> = image.iter().flatten().flatten().copied().collect();
        let unit = |to: usize| {
            let layer = self.blocks + 1;
            let terms = flat.iter().enumerate();
            let sum: f64 = terms
                .map(|(i, x)| x * self.weight(layer, i * self.hidden + to))
                .sum();
            (sum + self.bias(layer, to)).max(0.0)
        };
        (0..self.hidden).map(unit).collect()
    }

    fn preference(&self, units: &[f64], right: u16) -> f64 {
        let layer = self.blocks + 2;
        let logit = |action: usize| {
            let terms = units.iter().enumerate();
            let sum: f64 = terms
                .map(|(i, x)| x * self.weight(layer, i * 4 + action))
                .sum();
            (sum + self.bias(layer, action)) as f32
        };
        preference(&[logit(0), logit(1), logit(2), logit(3)], right)
    }

    /// The sum of what conv0 and the first branches give: what the next layer reads.
    fn sum(parts: &[Values]) -> Values {
        let mut sum = parts[0].clone();
        for part in &parts[1..] {
            for (sum, part) in sum.iter_mut().flatten().zip(part.iter().flatten()) {
                sum.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
            }
        }
        sum
    }

    /// What conv0 and every branch give, from layer `first` on anew on what the earlier ones gave.
    fn parts(&self, observation: &Values, mut parts: Vec<Values>) -> Vec<Values> {
        while parts.len() <= self.blocks {
            let next = match parts.len() {
                0 => self.conv(0, observation),
                layer => self.conv(layer, &Self::sum(&parts)),
            };
            parts.push(next);
        }
        parts
    }

    /// The preference when only the path carries what the other run's channel does: `stops` are layers, conv0 0,
    /// and their channels, after a plane of the observation. The hidden layer is `blocks + 1`.
    fn path(
        &self,
        base: &Values,
        other: &Values,
        from: usize,
        stops: &[(usize, usize)],
        right: u16,
    ) -> f64 {
        let exchange = |ours: &Values, theirs: &Values, channel: usize| {
            let mut mixed = ours.clone();
            for (ours, theirs) in mixed.iter_mut().flatten().zip(theirs.iter().flatten()) {
                ours[channel] = theirs[channel];
            }
            mixed
        };
        let parts = self.parts(base, Vec::new());
        let observation = exchange(base, other, from);
        // What the part of the layer last passed has become; all others are the base's.
        let mut at = 0;
        let mut moved = exchange(&parts[0], &self.conv(0, &observation), stops[0].1);
        for &(layer, channel) in &stops[1..] {
            let mut read = parts[..layer.min(parts.len())].to_vec();
            read[at] = moved;
            let read = Self::sum(&read);
            if layer == self.blocks + 1 {
                let mut units = self.dense(&Self::sum(&parts));
                units[channel] = self.dense(&read)[channel];
                return self.preference(&units, right);
            }
            moved = exchange(&parts[layer], &self.conv(layer, &read), channel);
            at = layer;
        }
        // Everything follows.
        let mut before = parts[..at].to_vec();
        before.push(moved);
        let parts = self.parts(base, before);
        self.preference(&self.dense(&Self::sum(&parts)), right)
    }
}

fn image(state: &[u8]) -> Values {
    let row = |row: &[u8]| -> Vec<Vec<f64>> {
        let cells = row.chunks(3);
        cells
            .map(|cell| cell.iter().map(|&bit| f64::from(bit)).collect())
            .collect()
    };
    state.chunks(27).map(row).collect()
}

#[test]
fn effects_are_those_that_are_worked_out_by_hand() {
    let (network, params, distinguished) = tiny(2, 3, 3);
    let naive = Naive::new(Policy::new(&network, &params));
    // conv0, then a branch and the stream after it, then the hidden layer.
    let site = |layer: usize| [0, 1, 3, 5, 7][layer];
    let name = |layer: usize| network.sites()[site(layer)].name.clone();
    let names: Vec<String> = (0..5).map(name).collect();
    assert_eq!(names, ["conv0", "conv1", "conv2", "conv3", "dense"]);
    // Every set of later layers after conv0, with channels that vary.
    let mut stops = Vec::new();
    for set in 0..16u32 {
        for variant in 0..4 {
            let later = (1..5).filter(|layer| set >> (layer - 1) & 1 == 1);
            let all = [0].into_iter().chain(later);
            let stop = |(hop, layer): (usize, usize)| (layer, (variant >> (hop % 2)) & 1);
            stops.push(all.enumerate().map(stop).collect::<Vec<_>>());
        }
    }
    let paths = stops.iter().map(|stops: &Vec<(usize, usize)>| {
        let later = stops.iter().map(|&(layer, c)| channel(site(layer), c));
        Path([plane(2)].into_iter().chain(later).collect())
    });
    let paths: Vec<Path> = paths.collect();
    let found = patch(Policy::new(&network, &params), &distinguished, &paths);
    let whole: f64 = distinguished.differences().iter().sum();
    let mut seen = 0;
    for (stops, found) in stops.iter().zip(&found) {
        let mut sums = [0.0; 2];
        for pair in 0..distinguished.len() {
            let run =
                |which: usize| image(&distinguished.states[which][pair * 243..(pair + 1) * 243]);
            let runs = [run(0), run(1)];
            let right = distinguished.right[pair];
            let m = |base: usize| naive.path(&runs[base], &runs[1 - base], 2, stops, right);
            sums[0] += m(1) - distinguished.preferences[1][pair];
            sums[1] += distinguished.preferences[0][pair] - m(0);
        }
        for (sum, share) in sums.iter().zip(found) {
            let wanted = sum / whole;
            assert!(
                (share.value - wanted).abs() < 1e-5,
                "{stops:?}: {} and {wanted} by hand",
                share.value
            );
            seen += usize::from(wanted.abs() > 1e-3 && stops.len() > 2);
        }
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn the_search_finds_what_trying_all_finds() {
    let (network, params, distinguished) = tiny(2, 2, 3);
    for hops in 1..=4 {
        let all = all_paths(&network, hops);
        let shares = patch(Policy::new(&network, &params), &distinguished, &all);
        let effect = |[a, b]: &[Share; 2]| (a.value + b.value).abs();
        let best = shares.iter().map(effect).fold(0.0, f64::max);
        let found = leading(Policy::new(&network, &params), &distinguished, hops, 1000);
        assert!(found.iter().all(|(path, _)| path.hops() == hops));
        assert_eq!(found.len(), all.len(), "{hops} hops");
        assert_eq!(effect(&found[0].1), best);
        let falls = found.windows(2);
        assert!(
            falls
                .map(|pair| (effect(&pair[0].1), effect(&pair[1].1)))
                .all(|(a, b)| a >= b)
        );
        // Together or alone, in any order.
        for (path, shares) in found.iter().step_by(7) {
            let alone = patch(
                Policy::new(&network, &params),
                &distinguished,
                std::slice::from_ref(path),
            );
            assert_eq!(alone[0], *shares);
        }
        let narrow = leading(Policy::new(&network, &params), &distinguished, hops, 2);
        assert_eq!(narrow.len(), 2);
        assert!(narrow.iter().all(|one| found.contains(one)));
    }
    assert!(leading(Policy::new(&network, &params), &distinguished, 5, 4).is_empty());
}

#[test]
fn paths_of_impala_go_through_every_layer() {
    let (network, params) = policy(Kind::Impala, 7);
    let distinguished = distinguished(Policy::new(&network, &params));
    let (sites, layers) = (network.sites(), layers(&network));
    assert_eq!(layers.len(), 16);
    let hops = layers.iter().map(|&layer| channel(layer, 1));
    let whole = Path([plane(2)].into_iter().chain(hops).collect());
    let through_a_skip = Path(vec![plane(2), channel(layers[0], 1), channel(layers[3], 2)]);
    let name = through_a_skip.name(&sites);
    assert_eq!(name, "cheese plane -> block0.conv 1 -> block0.res1.conv0 2");
    let found = patch(
        Policy::new(&network, &params),
        &distinguished,
        &[whole, through_a_skip],
    );
    assert!(found[1][0].value != 0.0);
    assert!(found.iter().flatten().all(|share| share.value.is_finite()));
    // One thread or three.
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let path = Path(vec![plane(2), channel(layers[0], 1), channel(layers[1], 2)]);
        pool.unwrap()
            .install(|| patch(Policy::new(&network, &params), &distinguished, &[path]))
    };
    assert_eq!(run(1), run(3));
}
