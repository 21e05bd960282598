//! The circuits of a run by eye: which levels, channels and edges are pictured, and what of them.
//!
//! Nothing is chosen by hand. Channels and edges are those that lead patching. Levels are discovery
//! levels, the first by seed of S1 and of S4, and the first by seed among the tenth of S1 and of S2 on
//! which the policy's exact probability of success is lowest.

use serde::{Deserialize, Serialize};

use super::circuits::{Found, Traced};
use super::results::MazeFigure;
use super::{Config, Error, mazes};
use crate::ablate::situation::Task;
use crate::ablate::{Rate, Tasks};
use crate::circuits::Distinguished;
use crate::circuits::atlas::{self, Filter, Flips, Map, Paths};
use crate::circuits::pairs::right;
use crate::circuits::patching;
use crate::circuits::paths::{self, Edge};
use crate::circuits::{Fact, Pairs, Sought};
use crate::maze::{Cell, Level, observe};
use crate::nn::{Part, Policy, Site, Workspace};

/// Channels that are mapped, and held.
const LEADING: usize = 4;
/// Edges of either behaviour whose weights are shown.
const SHOWN: usize = 6;
/// Mazes that a map is a mean over.
const MAZES: usize = 8;
/// One level in so many is among the worst.
const WORST: usize = 10;

/// What is looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Atlas {
    /// Weights of the leading edges of going for the cheese, and then for the corner.
    pub filters: Vec<Filter>,
    /// Of the leading channels of the first layer, the weights from each of the three planes.
    pub planes: Vec<[Filter; 3]>,
    /// Of the channels that lead where the cheese moves.
    pub maps: Vec<Map>,
    /// The seeds of the mazes that maps are means over.
    pub mazes: Vec<u32>,
    /// The leading edges, by fact.
    pub paths: Vec<Leading>,
    /// Single levels.
    pub levels: Vec<Pictured>,
}

/// The leading edges of one fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leading {
    /// What is sought.
    pub sought: Sought,
    /// In what the states differ.
    pub fact: Fact,
    /// The edges.
    pub paths: Paths,
}

/// Why a level is shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// It is the first of its situation, by seed.
    First,
    /// It is the first by seed of those on which the policy is worst.
    Worst {
        /// How many these are.
        len: usize,
        /// Of so many.
        of: usize,
        /// The highest probability of success among them.
        at_most: f64,
    },
}

/// A level by eye.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pictured {
    /// Whose level it is.
    pub rate: Rate,
    /// Its seed.
    pub seed: u32,
    /// Why it.
    pub chosen: Chosen,
    /// The policy's probability of success on it, computed.
    pub success: f64,
    /// Rows with the mouse where `flips` has it, top first.
    pub rows: Vec<String>,
    /// What every entry of that observation does to the preference for the step towards the cheese.
    pub flips: Flips,
    /// The policy's mean moves before and after edits.
    pub fields: Vec<MazeFigure>,
}

/// Makes the atlas of a policy from what patching found. `discovery` is what its pairs are made of, so
/// many a fact.
///
/// # Errors
/// A policy that is not finite.
pub fn atlas(
    config: &Config,
    policy: Policy<'_>,
    (discovery, pair_len): (&Tasks, usize),
    facts: &[Traced],
) -> Result<Atlas, Error> {
    let network = policy.network;
    let sites = network.sites();
    let of = |sought, fact| {
        let mut facts = facts.iter();
        facts.find(|one| one.sought == sought && one.fact == fact)
    };
    let shown = [
        of(Sought::Cheese, Fact::CheeseMoved),
        of(Sought::Corner, Fact::MouseMoved),
    ];
    let mut edges: Vec<Edge> = Vec::new();
    let mut planes: Vec<usize> = Vec::new();
    for traced in shown.into_iter().flatten() {
        edges.extend(leading_edges(&sites, traced).into_iter().take(SHOWN));
        let first = channels(&sites, &traced.channels).into_iter();
        let first = first.filter(|&(site, _)| site == 0).take(LEADING / 2);
        planes.extend(first.map(|(_, channel)| channel));
    }
    edges = distinct(edges);
    let filter = |edge: &Edge| atlas::filter(policy, &sites, edge);
    let from_planes = |to: usize| [0, 1, 2].map(|from| filter(&Edge { site: 0, from, to }));

    let cheese = shown[0];
    let mut leading = cheese.map_or(Vec::new(), |traced| channels(&sites, &traced.channels));
    leading.truncate(LEADING);
    let open = discovery.levels(Rate::S5).iter().take(MAZES);
    let mazes: Vec<Level> = open.clone().map(|task| task.level.clone()).collect();

    let pairs = Pairs::new(discovery, Sought::Cheese, Fact::CheeseMoved, pair_len);
    let told = Distinguished::new(policy, &pairs);
    let parts: Vec<(usize, Part)> = leading
        .iter()
        .map(|&(site, channel)| (site, Part::channel(channel)))
        .collect();
    let means = told.means(policy, &sites, &parts);
    let held_at = leading.iter().copied().zip(means);
    let held = patching::hold(policy.theta, &sites, held_at);
    let cut_edges = cheese.map_or(Vec::new(), |traced| leading_edges(&sites, traced));
    let cut = paths::cut(policy, &sites, cut_edges.iter().copied());
    let edits = [
        (
            format!("{} leading channels held at their mean", leading.len()),
            held,
        ),
        (format!("{} leading edges cut", cut_edges.len()), cut),
    ];
    let mut levels = Vec::new();
    for (rate, place, chosen, success) in chosen(policy, discovery)? {
        let task = &discovery.levels(rate)[place];
        levels.push(pictured(
            config,
            policy,
            task,
            (rate, chosen, success),
            &edits,
        ));
    }
    Ok(Atlas {
        filters: edges.iter().map(filter).collect(),
        planes: distinct(planes).into_iter().map(from_planes).collect(),
        maps: atlas::maps(policy, &sites, &leading, &mazes),
        mazes: open.map(|task| task.seed).collect(),
        paths: facts.iter().map(|traced| graph(&sites, traced)).collect(),
        levels,
    })
}

fn graph(sites: &[Site], traced: &Traced) -> Leading {
    let edges = traced.edges.iter();
    let edges: Vec<(Edge, f64)> = edges
        .filter_map(|found| Some((edge(sites, &found.part)?, found.effect())))
        .collect();
    Leading {
        sought: traced.sought,
        fact: traced.fact,
        paths: atlas::paths(sites, &edges),
    }
}

fn distinct<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// The site and the channel that a part's name says; a site of one channel goes by its name alone.
fn channel(sites: &[Site], part: &str) -> Option<(usize, usize)> {
    sites.iter().enumerate().find_map(|(number, site)| {
        match part.strip_prefix(site.name.as_str())? {
            "" if site.image.channels == 1 => Some((number, 0)),
            rest => Some((number, rest.strip_prefix(' ')?.parse().ok()?)),
        }
    })
}

fn channels(sites: &[Site], found: &[Found]) -> Vec<(usize, usize)> {
    let parts = found.iter().map(|found| channel(sites, &found.part));
    parts.flatten().collect()
}

fn edge(sites: &[Site], part: &str) -> Option<Edge> {
    let (from, to) = part.rsplit_once(" to ")?;
    let (name, from) = from.rsplit_once(' ')?;
    Some(Edge {
        site: sites.iter().position(|site| site.name == name)?,
        from: from.parse().ok()?,
        to: to.parse().ok()?,
    })
}

fn leading_edges(sites: &[Site], traced: &Traced) -> Vec<Edge> {
    let parts = traced.edges.iter().map(|found| edge(sites, &found.part));
    parts.flatten().collect()
}

/// Rate, place among the rate's levels, why, and the probability of success.
fn chosen(policy: Policy<'_>, tasks: &Tasks) -> Result<Vec<(Rate, usize, Chosen, f64)>, Error> {
    let measured = tasks.measure_exact(policy)?;
    let mut all = Vec::new();
    for rate in [Rate::S1, Rate::S4Cheese] {
        if let Some(&success) = measured.probabilities(rate).first() {
            all.push((rate, 0, Chosen::First, success));
        }
    }
    for rate in [Rate::S1, Rate::S2] {
        let probabilities = measured.probabilities(rate);
        if let Some((place, chosen)) = worst(probabilities) {
            all.push((rate, place, chosen, probabilities[place]));
        }
    }
    Ok(all)
}

/// The first of the lowest tenth.
fn worst(probabilities: &[f64]) -> Option<(usize, Chosen)> {
    let mut sorted = probabilities.to_vec();
    sorted.sort_by(f64::total_cmp);
    let len = sorted.len().div_ceil(WORST);
    let at_most = *sorted.get(len.checked_sub(1)?)?;
    let place = probabilities.iter().position(|&p| p <= at_most)?;
    let of = sorted.len();
    Some((place, Chosen::Worst { len, of, at_most }))
}

fn pictured(
    config: &Config,
    policy: Policy<'_>,
    task: &Task,
    (rate, chosen, success): (Rate, Chosen, f64),
    edits: &[(String, Vec<f32>)],
) -> Pictured {
    let network = policy.network;
    let mut level = task.level.clone();
    // Where the ways part, if they do.
    level.mouse = task.decision.map_or(level.mouse, |decision| decision.cell);
    let goal: Cell = level.cheese.unwrap_or(level.top_right());
    let mut observation = vec![0; network.observation_len()];
    observe(&level, level.mouse, &mut observation);
    let right = right(&level, goal, config.env.actions);
    let mut workspace = Workspace::new(network);
    let mut arrows =
        |policy: Policy<'_>| mazes::arrows(task, config.env.actions, policy, &mut workspace);
    let base = arrows(policy);
    let field = |(edit, params): &(String, Vec<f32>)| MazeFigure {
        title: format!("{}, level seed {}", rate.name(), task.seed),
        rows: task.level.rows(),
        region: config.env.region,
        edit: edit.clone(),
        base: base.clone(),
        edited: arrows(Policy::new(network, params)),
    };
    Pictured {
        rate,
        seed: task.seed,
        chosen,
        success,
        rows: rows(&level),
        flips: atlas::flips(policy, &observation, right),
        fields: edits.iter().map(field).collect(),
    }
}

/// The rows of a level, with the mouse in them wherever it is.
fn rows(level: &Level) -> Vec<String> {
    let Cell { x, y } = level.mouse;
    let mut rows = level.rows();
    if let Some(row) = rows.get_mut(usize::from(level.world - 1 - y)) {
        let put = |(column, c)| if column == usize::from(x) { 'M' } else { c };
        *row = row.chars().enumerate().map(put).collect();
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Kind, Network, Shape};

    fn sites(kind: Kind) -> Vec<Site> {
        let shape = Shape {
            kind,
            world: 9,
            channels: 4,
            blocks: 2,
            hidden: 1,
            action_len: 4,
        };
        Network::new(shape, 2).unwrap().sites()
    }

    #[test]
    fn names_of_channels_and_edges_are_read_back() {
        for kind in [Kind::Small, Kind::Impala] {
            let sites = sites(kind);
            for (number, site) in sites.iter().enumerate() {
                let last = site.image.channels - 1;
                let name = match last {
                    0 => site.name.clone(),
                    _ => format!("{} {last}", site.name),
                };
                assert_eq!(channel(&sites, &name), Some((number, last)), "{name}");
                let expected = Edge {
                    site: number,
                    from: 1,
                    to: last,
                };
                let name = atlas::edge_name(&sites, &expected);
                assert_eq!(edge(&sites, &name), Some(expected), "{name}");
            }
            for bad in ["", "conv", "conv99 1", "conv0 x", "conv0 1 to"] {
                assert_eq!(channel(&sites, bad), None, "{bad}");
                assert_eq!(edge(&sites, bad), None, "{bad}");
            }
        }
    }

    #[test]
    fn the_mouse_is_in_the_rows_even_at_the_start() {
        let mut level = Level::from_text("...C.\n.###.\n.....\n.#.#.\n.#.#.\n").unwrap();
        assert_eq!(rows(&level)[4], "M#.#.");
        level.mouse = Cell { x: 2, y: 2 };
        assert_eq!(rows(&level).concat(), "...C..###...M...#.#..#.#.");
    }

    #[test]
    fn the_worst_tenth_is_measured_and_its_first_is_taken() {
        let mut probabilities: Vec<f64> = (0..30).map(|i| 0.3 + 0.01 * f64::from(i)).collect();
        probabilities[7] = 0.2;
        probabilities[21] = 0.1;
        probabilities[28] = 0.25;
        let (place, chosen) = worst(&probabilities).unwrap();
        assert_eq!(place, 7);
        let expected = Chosen::Worst {
            len: 3,
            of: 30,
            at_most: 0.25,
        };
        assert_eq!(chosen, expected);
        assert!(worst(&[]).is_none());
        assert_eq!(worst(&[0.5]).unwrap().0, 0);
    }
}
