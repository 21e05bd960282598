//! What a circuit looks like: kernel slices, maps of a channel's activation, what every entry of an
//! observation does to the preference, and edges as a graph.
//!
//! ```text
//! map by cheese, cell c   = mean over mazes with c free of (a(c) - mean over the maze's cells of a)
//!                           a(c): mean over a channel's cells and over mice, the cheese lying in c
//! flip of entry e         = m(observation, e <-> 1 - e) - m(observation)
//! ```
//!
//! An observation is of 0 and 1, so that a flip is exact where a derivative would say what happens
//! between values that never occur. Flips of the mouse's and the cheese's plane give two of them, or none.
//!
//! Cost: of a map, 2 x cells x [`PARTNERS`] forward passes a maze; of flips, one an entry. Same bits at
//! any thread count: sums run in the order of mazes.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::pairs::preference;
use super::paths::Edge;
use crate::maze::{CHANNEL_LEN, Cell, Level, observe};
use crate::nn::{Part, Policy, Site, Workspace};

/// Mice that a map by cheese is a mean over, and the other way round: spread evenly over the free cells.
pub const PARTNERS: usize = 8;

/// Numbers in rows, the top one first.
pub type Grid = Vec<Vec<f64>>;

/// The weights of one edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// Which edge: "conv3 2 to 5".
    pub part: String,
    /// The 3x3 weights of a convolution; of the hidden layer, one a cell.
    pub weights: Grid,
}

/// How a channel's activation depends on where cheese and mouse are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// Which channel: "conv0 13".
    pub channel: String,
    /// Its mean over everything.
    pub mean: f64,
    /// Deviation from the maze's mean by the cheese's cell; none where no maze has the cell free.
    pub by_cheese: Vec<Vec<Option<f64>>>,
    /// Deviation from the maze's mean by the mouse's cell; none where no maze has the cell free.
    pub by_mouse: Vec<Vec<Option<f64>>>,
}

/// What flipping each entry of an observation does to the preference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flips {
    /// The preference as it is.
    pub preference: f64,
    /// The changes, in the planes of walls, mouse and cheese.
    pub planes: [Grid; CHANNEL_LEN],
}

/// Edges from column to column, in the order of the forward pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paths {
    /// The columns: "observation", then layers. A residual layer has one with the stream after it.
    pub columns: Vec<String>,
    /// The edges.
    pub edges: Vec<Hop>,
}

/// One edge of [`Paths`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// Column and channel.
    pub from: (usize, usize),
    /// Column and channel.
    pub to: (usize, usize),
    /// Share of the preference, mean of restored and corrupted.
    pub effect: f64,
}

/// "conv3 2 to 5".
pub fn edge_name(sites: &[Site], edge: &Edge) -> String {
    format!("{} {} to {}", sites[edge.site].name, edge.from, edge.to)
}

/// The weights of an edge.
pub fn filter(policy: Policy<'_>, sites: &[Site], edge: &Edge) -> Filter {
    let Policy { network, theta } = policy;
    let site = &sites[edge.site];
    let slice = network.slice(site, edge.from, edge.to);
    let width = match slice.len() {
        9 => 3,
        _ => network.input(site).map_or(1, |input| input.image.width),
    };
    let weights: Vec<f64> = slice.iter().map(|&index| theta[index].into()).collect();
    Filter {
        part: edge_name(sites, edge),
        weights: weights.chunks(width.max(1)).map(<[f64]>::to_vec).collect(),
    }
}

/// Sums over mazes by cell, and how many they are over.
type Sums = Vec<(f64, usize)>;
/// Of every free cell of a maze, the mean activation of each channel.
type ByCell = Vec<(Cell, Vec<f64>)>;

/// The maps of channels, by number of the site, over some mazes of one world.
pub fn maps(
    policy: Policy<'_>,
    sites: &[Site],
    channels: &[(usize, usize)],
    mazes: &[Level],
) -> Vec<Map> {
    let world = policy.network.shape.world;
    let of_mazes: Vec<[ByCell; 2]> = mazes
        .par_iter()
        .map(|maze| {
            [true, false].map(|is_cheese| of_maze(policy, sites, channels, maze, is_cheese))
        })
        .collect();
    let map = |number: usize| {
        let (site, channel) = channels[number];
        let (mut total, mut len) = (0.0, 0);
        let [by_cheese, by_mouse] = [0, 1].map(|which| {
            let mut sums: Sums = vec![(0.0, 0); world * world];
            for cells in of_mazes.iter().map(|both| &both[which]) {
                let sum: f64 = cells.iter().map(|(_, values)| values[number]).sum();
                (total, len) = (total + sum, len + cells.len());
                let mean = sum / cells.len().max(1) as f64;
                for (cell, values) in cells {
                    let row = world - 1 - usize::from(cell.y);
                    let place = &mut sums[row * world + usize::from(cell.x)];
                    *place = (place.0 + values[number] - mean, place.1 + 1);
                }
            }
            let mean = |&(sum, len): &(f64, usize)| (len > 0).then(|| sum / len as f64);
            let rows = sums.chunks(world);
            rows.map(|row| row.iter().map(mean).collect()).collect()
        });
        Map {
            channel: format!("{} {channel}", sites[site].name),
            mean: total / len.max(1) as f64,
            by_cheese,
            by_mouse,
        }
    };
    (0..channels.len()).map(map).collect()
}

/// For every free cell of a maze, with the cheese there or the mouse, the mean activation of each
/// channel over the partners.
fn of_maze(
    policy: Policy<'_>,
    sites: &[Site],
    channels: &[(usize, usize)],
    maze: &Level,
    is_cheese: bool,
) -> ByCell {
    let network = policy.network;
    let cells = maze.free_cells();
    let every = cells.len().div_ceil(PARTNERS).max(1);
    let mut workspace = Workspace::new(network);
    let mut level = maze.clone();
    let of_cell = |&cell: &Cell| {
        let others = cells.iter().step_by(every).filter(|&&other| other != cell);
        let others: Vec<Cell> = others.copied().collect();
        let mut sums = vec![0.0; channels.len()];
        for block in others.chunks(network.sample_len) {
            let mut states = vec![0; block.len() * network.observation_len()];
            for (state, &other) in states.chunks_mut(network.observation_len()).zip(block) {
                let (cheese, mouse) = match is_cheese {
                    true => (cell, other),
                    false => (other, cell),
                };
                level.cheese = Some(cheese);
                observe(&level, mouse, state);
            }
            workspace.forward(policy, &states, block.len());
            for (sum, &(site, channel)) in sums.iter_mut().zip(channels) {
                for sample in 0..block.len() {
                    let values = workspace.read(&sites[site], &Part::channel(channel), sample);
                    let all: f64 = values.iter().copied().map(f64::from).sum();
                    *sum += all / values.len() as f64;
                }
            }
        }
        let len = others.len().max(1) as f64;
        (cell, sums.into_iter().map(|sum| sum / len).collect())
    };
    cells.iter().map(of_cell).collect()
}

/// What flipping each entry of `observation` does to the preference for the actions in `right`.
pub fn flips(policy: Policy<'_>, observation: &[u8], right: u16) -> Flips {
    let network = policy.network;
    let len = network.observation_len();
    let actions = network.shape.action_len;
    let base = {
        let mut workspace = Workspace::new(network);
        workspace.forward(policy, observation, 1);
        preference(workspace.logits(network, 1), right)
    };
    let places: Vec<usize> = (0..len).collect();
    let changes: Vec<Vec<f64>> = places
        .par_chunks(network.sample_len)
        .map_init(
            || Workspace::new(network),
            |workspace, places| {
                let mut states = observation.repeat(places.len());
                for (state, &place) in states.chunks_mut(len).zip(places) {
                    state[place] ^= 1;
                }
                workspace.forward(policy, &states, places.len());
                let logits = workspace.logits(network, places.len());
                let rows = logits.chunks_exact(actions);
                rows.map(|logits| preference(logits, right) - base)
                    .collect()
            },
        )
        .collect();
    let changes = changes.concat();
    let plane = |channel: usize| -> Grid {
        let plane: Vec<f64> = changes
            .iter()
            .skip(channel)
            .step_by(CHANNEL_LEN)
            .copied()
            .collect();
        let rows = plane.chunks(network.shape.world);
        rows.map(<[f64]>::to_vec).collect()
    };
    Flips {
        preference: base,
        planes: [0, 1, 2].map(plane),
    }
}

/// Edges with their effects as a graph.
pub fn paths(sites: &[Site], edges: &[(Edge, f64)]) -> Paths {
    let mut columns = vec!["observation".to_owned()];
    let mut of_site = Vec::new();
    for (number, site) in sites.iter().enumerate() {
        // One operation gives a residual layer's values and the stream.
        if number == 0 || sites[number - 1].op != site.op {
            columns.push(site.name.clone());
        }
        of_site.push(columns.len() - 1);
    }
    let hop = |&(edge, effect): &(Edge, f64)| Hop {
        from: (
            edge.site.checked_sub(1).map_or(0, |site| of_site[site]),
            edge.from,
        ),
        to: (of_site[edge.site], edge.to),
        effect,
    };
    Paths {
        edges: edges.iter().map(hop).collect(),
        columns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::patching::tests::policy;
    use crate::maze::{Variant, generate};
    use crate::nn::{Kind, Network};

    /// The index in theta of one weight of conv0, `(3, 3, in, out)`.
    fn weight(network: &Network, tap: usize, from: usize, to: usize) -> usize {
        network.slice(&network.sites()[0], from, to)[tap]
    }

    /// Channel 1 of conv0 is the cheese's plane at every second cell, channel 2 the mouse's.
    fn copying() -> (Network, Vec<f32>) {
        let (network, mut params) = policy(Kind::Small, 11);
        let conv0 = network.sites()[0].parameters.clone().unwrap();
        for to in [1, 2] {
            for (tap, from) in (0..9).flat_map(|tap| (0..3).map(move |from| (tap, from))) {
                let copies = tap == 4 && from == 3 - to;
                params[weight(&network, tap, from, to)] = f32::from(u8::from(copies));
            }
            params[conv0.bias.start + to] = 0.0;
        }
        (network, params)
    }

    fn maze(seed: u32) -> Level {
        let mut level = generate(seed, 9, Variant::Anywhere).unwrap();
        level.cheese = None;
        level
    }

    #[test]
    fn a_channel_that_copies_a_plane_has_a_map_of_where_its_object_is() {
        let (network, params) = copying();
        let sites = network.sites();
        let seeds = (0..40).filter(|&seed| maze(seed).maze_dim == 9);
        let mazes: Vec<Level> = seeds.take(3).map(maze).collect();
        assert_eq!(mazes.len(), 3);
        let found = maps(
            Policy::new(&network, &params),
            &sites,
            &[(0, 2), (0, 1)],
            &mazes,
        );
        // Channel 2 reads plane 1, the mouse's; channel 1 plane 2, the cheese's.
        let [mouse, cheese] = &found[..] else {
            panic!("{}", found.len());
        };
        assert_eq!((&*mouse.channel, &*cheese.channel), ("conv0 2", "conv0 1"));
        for (own, other) in [
            (&cheese.by_cheese, &cheese.by_mouse),
            (&mouse.by_mouse, &mouse.by_cheese),
        ] {
            let mut seen = [0, 0];
            for (row, column) in (0..9).flat_map(|row| (0..9).map(move |column| (row, column))) {
                let is_free = |maze: &Level| {
                    let y = 8 - row as u8;
                    !maze.is_wall(Cell { x: column as u8, y })
                };
                let free = mazes.iter().any(is_free);
                assert_eq!(own[row][column].is_some(), free);
                if mazes.iter().all(is_free) {
                    // 25 cells, of which the strided convolution sees those of even row and column.
                    let is_seen = row % 2 == 0 && column % 2 == 0;
                    seen[usize::from(is_seen)] += 1;
                    let value = own[row][column].unwrap();
                    assert!((value > 0.0) == is_seen, "{row} {column}: {value}");
                }
            }
            assert!(seen[1] > 4, "{seen:?}");
            // What the channel does not read moves it only as partners leave the cell to it.
            let largest = |grid: &[Vec<Option<f64>>]| {
                let all = grid.iter().flatten().flatten();
                all.fold(0.0f64, |a, b| a.max(b.abs()))
            };
            assert!(largest(own) > 4.0 * largest(other));
        }
    }

    #[test]
    fn a_flip_is_the_difference_of_two_runs() {
        for kind in [Kind::Small, Kind::Impala] {
            let (network, params) = policy(kind, 12);
            let mut level = maze(3);
            level.cheese = Some(level.top_right());
            let mut observation = vec![0; network.observation_len()];
            observe(&level, level.mouse, &mut observation);
            let found = flips(Policy::new(&network, &params), &observation, 0b0101);
            let run = |state: &[u8]| {
                let mut workspace = Workspace::new(&network);
                workspace.forward(Policy::new(&network, &params), state, 1);
                preference(workspace.logits(&network, 1), 0b0101)
            };
            assert_eq!(found.preference, run(&observation));
            let mut moved = 0;
            for (row, column, plane) in [(0, 0, 0), (8, 8, 1), (4, 2, 2), (0, 8, 2)] {
                let mut state = observation.clone();
                state[(row * 9 + column) * 3 + plane] ^= 1;
                let expected = run(&state) - run(&observation);
                assert_eq!(found.planes[plane][row][column], expected);
                moved += usize::from(expected != 0.0);
            }
            assert!(moved > 0);
        }
    }

    #[test]
    fn an_edge_goes_from_the_stream_that_its_layer_reads() {
        let (network, params) = policy(Kind::Small, 13);
        let sites = network.sites();
        let at = |name: &str| sites.iter().position(|site| site.name == name).unwrap();
        let edge = |name, from, to| Edge {
            site: at(name),
            from,
            to,
        };
        let edges = [
            (edge("conv0", 2, 1), 0.5),
            (edge("conv1", 1, 3), -0.25),
            (edge("conv2", 3, 0), 0.125),
            (edge("dense", 3, 7), 1.0),
        ];
        let found = paths(&sites, &edges);
        let expected = ["observation", "conv0", "conv1", "conv2", "dense"];
        assert_eq!(found.columns, expected);
        let hops: Vec<_> = found.edges.iter().map(|hop| (hop.from, hop.to)).collect();
        let expected = [
            ((0, 2), (1, 1)),
            ((1, 1), (2, 3)),
            ((2, 3), (3, 0)),
            ((3, 3), (4, 7)),
        ];
        assert_eq!(hops, expected);
        assert_eq!(found.edges[1].effect, -0.25);

        let weights = |edge: &Edge| filter(Policy::new(&network, &params), &sites, edge);
        let conv = weights(&edges[1].0);
        assert_eq!((&*conv.part, conv.weights.len()), ("conv1 1 to 3", 3));
        let slice = network.slice(&sites[at("conv1")], 1, 3);
        assert_eq!(conv.weights[1][2], f64::from(params[slice[5]]));
        let dense = weights(&edges[3].0);
        assert_eq!((dense.weights.len(), dense.weights[0].len()), (5, 5));
    }
}
