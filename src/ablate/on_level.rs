//! What a policy does on one level, whoever drew it: at every cell, and from the mouse's place to an end.
//!
//! The chain is that of [`exact`](super::exact). An episode ends at the cheese, seen or not, so that the walk that does
//! not see it is compared with the same walk that does.

use crate::maze::{ActionSet, Cell, Level};
use crate::nn::{Policy, Workspace};

use super::chains::probabilities;
use super::error::Error;
use super::finite::{check_params, not_finite};
use super::seen;
use super::situation::Task;
use super::walk::{Ends, Moves, Places, Walk};

/// What a policy does on one level.
#[derive(Clone, Debug, PartialEq)]
pub struct OnLevel {
    /// The free cells, each with the probabilities of [the moves](crate::maze::Move::ALL) and of none; the cheese is seen.
    pub cells: Vec<(Cell, [f64; 5])>,
    /// How episodes end.
    pub seen: Ended,
    /// How they end where the cheese is there and not seen; none in a level without.
    pub hidden: Option<Ended>,
}

/// How episodes that begin at the mouse's place end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ended {
    /// The probability that the cheese is reached in time; none in a level without.
    pub cheese: Option<f64>,
    /// The probability that the region is entered in time, and not after the cheese.
    pub region: f64,
}

/// What the policy does on `level` in at most `limit` steps, where `region` is the side of the region.
///
/// # Errors
/// A parameter, or a logit somewhere, that is not finite.
///
/// # Panics
/// A level of another world than the policy's network sees.
pub fn on_level(
    level: &Level,
    (region, limit): (u8, u16),
    actions: ActionSet,
    policy: Policy<'_>,
) -> Result<OnLevel, Error> {
    check_params(policy)?;
    let task = Task {
        seed: 0,
        level: level.clone(),
        region,
        limit,
        decision: None,
    };
    let cells = level.free_cells();
    let places = Places::new(level.world, &cells);
    let ended = |moves: &[Moves]| {
        let run = |ends: Ends| {
            let passed = ends.passed(&task);
            let walk = Walk::new(&task, ends, &passed, |cell| places.get(cell));
            walk.run(|state| moves[state])
        };
        Ended {
            cheese: level.cheese.map(|_| run(Ends::Cheese)[0]),
            region: run(Ends::Either)[1],
        }
    };
    let mut workspace = Workspace::new(policy.network);
    let seen = moves(&task, &cells, actions, policy, &mut workspace)?;
    let hidden = match level.cheese {
        None => None,
        Some(_) => {
            let mut without = task.clone();
            without.level.cheese = None;
            let moves = moves(&without, &cells, actions, policy, &mut workspace)?;
            Some(ended(&moves))
        }
    };
    Ok(OnLevel {
        seen: ended(&seen),
        hidden,
        cells: cells.into_iter().zip(seen).collect(),
    })
}

/// The moves at each cell.
pub(super) fn moves(
    task: &Task,
    cells: &[Cell],
    actions: ActionSet,
    policy: Policy<'_>,
    workspace: &mut Workspace<f32>,
) -> Result<Vec<Moves>, Error> {
    let network = policy.network;
    let mut found = Vec::with_capacity(cells.len());
    for block in cells.chunks(network.sample_len) {
        let mice = block.iter().map(|&cell| (task, cell));
        let logits = seen::forward(mice, policy, workspace);
        let all = logits.chunks_exact(network.shape.action_len);
        found.extend(all.map(|logits| probabilities(actions, logits)));
    }
    let is_bad = |moves: &Moves| moves.iter().any(|p| !p.is_finite());
    if let Some(at) = found.iter().position(is_bad) {
        let mut observation = Vec::new();
        seen::append(&task.level, cells[at], &mut observation);
        return Err(not_finite(policy, &observation));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maze::Move;
    use crate::nn::{Layout, Network, Shape};

    /// A policy with zero weights: what it does is its bias, the same everywhere.
    fn biased(bias: [f32; 4]) -> (Network, Vec<f32>) {
        let network = Network::new(Shape::tiny(), 16).unwrap();
        let layout: &Layout = &network.layout;
        let mut theta = vec![0.0; layout.len()];
        let tensor = layout.tensors.iter().find(|t| t.name == "policy.bias");
        theta[tensor.unwrap().range()].copy_from_slice(&bias);
        (network, theta)
    }

    /// A corridor of three cells to the right, the cheese at its end: a walk on 0, 1, 2 that ends at 2, by hand.
    #[test]
    fn a_corridor_is_a_walk_that_can_be_done_by_hand() {
        let level = Level::from_text("#####\n#####\n#M.C#\n#####\n#####").unwrap();
        // Left .25, right .5, the rest stays.
        let ln = |p: f64| p.ln() as f32;
        let (network, theta) = biased([ln(0.25), ln(0.5), ln(0.125), ln(0.125)]);
        let policy = Policy::new(&network, &theta);
        let did = |limit| on_level(&level, (1, limit), ActionSet::Four, policy).unwrap();
        // At the left end a move left stays.
        let (mut at, mut done) = ([1.0, 0.0], 0.0);
        for limit in 1..=6 {
            let [a, b] = at;
            done += 0.5 * b;
            at = [0.5 * a + 0.25 * b, 0.5 * a + 0.25 * b];
            let found = did(limit);
            let reached = found.seen.cheese.unwrap();
            assert!((reached - done).abs() < 1e-6, "{limit}: {reached} {done}");
            // A policy without weights sees nothing: hidden is the same. The corner is a wall.
            assert_eq!(found.hidden, Some(found.seen));
            assert_eq!(found.seen.region, 0.0);
            assert_eq!(found.cells.len(), 3);
            let right = found.cells[1].1[Move::Right as usize];
            assert!((right - 0.5).abs() < 1e-6);
        }
    }

    #[test]
    fn the_cheese_ends_the_way_to_the_region() {
        let text = |cheese: &str| format!("#####\n#####\nM.{cheese}..\n#####\n#####");
        let ended = |text: &str| {
            let mut level = Level::from_text(text).unwrap();
            // The maze is the world; its top row is the corner's.
            level.maze_dim = 5;
            let (network, theta) = biased([-40.0, 40.0, -40.0, -40.0]);
            let policy = Policy::new(&network, &theta);
            // A region of 3 is the last three columns of the top three rows.
            on_level(&level, (3, 9), ActionSet::Four, policy)
                .unwrap()
                .seen
        };
        let without = ended(&text("."));
        assert_eq!(without.cheese, None);
        assert!((without.region - 1.0).abs() < 1e-9);
        let inside = ended(&text("C"));
        assert!((inside.region - 1.0).abs() < 1e-9 && inside.cheese > Some(0.999));
        let before = ended("#####\n#####\nMC...\n#####\n#####");
        assert!(before.region < 1e-9 && before.cheese > Some(0.999));
    }
}
