//! The circuits of a run by eye: which levels, channels and edges are pictured, and what of them.
//!
//! Nothing is chosen by hand. Channels and edges are those that lead patching. Levels are discovery
//! levels, the first by seed of S1 and of S4, and the first by seed among the tenth of S1 and of the cheese in the region, down-left, on
//! which the policy's exact probability of success is lowest.

use super::patching::Leaders;
use crate::ablate::situation::Task;
use crate::ablate::{Rate, Tasks};
use crate::circuits::atlas::{self, Filter};
use crate::circuits::pairs::right;
use crate::circuits::paths::{self, Edge};
use crate::circuits::{Fact, Sought, patching};
use crate::experiment::{Config, Error};
use crate::findings::MazeFigure;
use crate::findings::tracing::{Chosen, LeadingEdges, PicturedLevel, Pictures};
use crate::maze::{Cell, Level, observe};
use crate::nn::{Part, Policy, Workspace};
use crate::protocol::mazes;

/// Channels that are mapped, and held.
const LEADING: usize = 4;
/// Edges of either behaviour whose weights are shown.
const SHOWN: usize = 6;
/// Mazes that a map is a mean over.
const MAZES: usize = 8;
/// One level in so many is among the worst.
const WORST: usize = 10;

/// Pictures a policy's `leaders` of every fact, and single levels of `discovery`.
///
/// # Errors
/// A policy that is not finite.
pub fn pictures(
    config: &Config,
    policy: Policy<'_>,
    discovery: &Tasks,
    leaders: &[Leaders],
) -> Result<Pictures, Error> {
    let sites = policy.network.sites();
    let of = |sought, fact| {
        let mut all = leaders.iter();
        all.find(|one| (one.sought, one.fact) == (sought, fact))
            .expect("every fact was traced")
    };
    let cheese = of(Sought::Cheese, Fact::CheeseMoved);
    let corner = of(Sought::Corner, Fact::MouseMoved);
    let (mut shown, mut planes) = (Vec::new(), Vec::new());
    for one in [cheese, corner] {
        shown.extend(one.edges.iter().map(|(edge, _)| *edge).take(SHOWN));
        let first = one.channels.iter().filter(|(site, _)| *site == 0);
        planes.extend(first.map(|(_, channel)| *channel).take(LEADING / 2));
    }
    let filter = |edge: &Edge| atlas::filter(policy, &sites, edge);
    let from_planes =
        |to: usize| -> [Filter; 3] { [0, 1, 2].map(|from| filter(&Edge { site: 0, from, to })) };

    let leading = &cheese.channels[..cheese.channels.len().min(LEADING)];
    let open = discovery.levels(Rate::S5).iter().take(MAZES);
    let mazes: Vec<Level> = open.clone().map(|task| task.level.clone()).collect();

    let parts = leading
        .iter()
        .map(|&(site, channel)| (site, Part::channel(channel)));
    let parts: Vec<(usize, Part)> = parts.collect();
    let means = cheese.distinguished.means(policy, &sites, &parts);
    let held = patching::hold(policy.theta, &sites, leading.iter().copied().zip(means));
    let cut = paths::cut(policy, &sites, cheese.edges.iter().map(|(edge, _)| *edge));
    let edits = [
        (
            format!("{} leading channels held at their mean", leading.len()),
            held,
        ),
        (format!("{} leading edges cut", cheese.edges.len()), cut),
    ];
    let levels = choices(policy, discovery)?;
    let paths = leaders.iter().map(|one| LeadingEdges {
        sought: one.sought,
        fact: one.fact,
        paths: atlas::paths(&sites, &one.edges),
    });
    Ok(Pictures {
        filters: distinct(shown).iter().map(filter).collect(),
        planes: distinct(planes).into_iter().map(from_planes).collect(),
        maps: atlas::maps(policy, &sites, leading, &mazes),
        mazes: open.map(|task| task.seed).collect(),
        paths: paths.collect(),
        levels: levels
            .iter()
            .map(|choice| pictured(config, policy, choice, &edits))
            .collect(),
    })
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

/// A level that is shown.
struct Choice<'a> {
    rate: Rate,
    task: &'a Task,
    why: Chosen,
    /// The policy's probability of success on it.
    success: f64,
}

/// The levels that are shown.
fn choices<'a>(policy: Policy<'_>, tasks: &'a Tasks) -> Result<Vec<Choice<'a>>, Error> {
    let measured = tasks.measure_exact(policy)?;
    let choice = |rate: Rate, place: usize, why| Choice {
        rate,
        task: &tasks.levels(rate)[place],
        why,
        success: measured.by_level(rate)[place],
    };
    let mut all = Vec::new();
    for rate in [Rate::S1, Rate::S4Cheese] {
        if !measured.by_level(rate).is_empty() {
            all.push(choice(rate, 0, Chosen::First));
        }
    }
    for rate in [Rate::S1, Rate::InDownLeft] {
        let worst = worst(measured.by_level(rate));
        all.extend(worst.map(|(place, why)| choice(rate, place, why)));
    }
    Ok(all)
}

/// The place of the first of the lowest tenth.
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
    choice: &Choice<'_>,
    edits: &[(String, Vec<f32>)],
) -> PicturedLevel {
    let network = policy.network;
    let (rate, task) = (choice.rate, choice.task);
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
    PicturedLevel {
        rate,
        seed: task.seed,
        chosen: choice.why,
        success: choice.success,
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
