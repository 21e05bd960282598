//! Probe states: where a situation asks for a behaviour, with the moves that are it.
//!
//! Of every level, the cells of the shortest path from the start to the end and the free cells next to
//! them, the ends themselves left out: where a policy that has the behaviour is, and where one that
//! has it comes back from. They do not depend on any policy. The end is the cheese where it is in the region or near; in
//! S1 (before the region), S4 and S5 it is the region, on the way to the top-right cell. A right
//! action makes the move that brings the mouse a step nearer to the cheese or to the top-right cell.
//! Where levels give more states than wanted, evenly spaced ones are kept.

use crate::ablate::situation::Task;
use crate::ablate::{Rate, Tasks, seen};
use crate::maze::{ActionSet, Cell, Distances, Level, Move, distances};

use super::run::Probe;

/// Discovery levels of every situation that methods are shown, in a study and where the answer is known. Of
/// each comes at most one pair of states of a scene and fact.
pub const LEVELS: usize = 256;
/// States of each behaviour that are probed, at most.
pub const STATES: usize = 1024;

/// The behaviours that are probed.
pub const PROBED: [Rate; 7] = [
    Rate::S1Region,
    Rate::InUpRight,
    Rate::InDownLeft,
    Rate::NearUpRight,
    Rate::NearDownLeft,
    Rate::S4Region,
    Rate::S5,
];

/// The probes of `tasks`, at most `state_len` states each.
pub fn probes(tasks: &Tasks, state_len: usize) -> Vec<Probe> {
    PROBED.map(|rate| probe(rate, tasks, state_len)).into()
}

/// The probe of one behaviour.
pub(super) fn probe(rate: Rate, tasks: &Tasks, state_len: usize) -> Probe {
    let (levels, actions) = (tasks.levels(rate), tasks.actions());
    let mut states: Vec<(&Task, Cell, u16)> = Vec::new();
    for task in levels {
        let to_end = distances(&task.level, end(rate, task));
        for cell in cells(rate, task, &to_end) {
            let right = right_actions(&task.level, cell, &to_end, actions);
            states.push((task, cell, right));
        }
    }
    let kept = state_len.min(states.len());
    let every = |i: usize| states[i * states.len() / kept];
    let mut probe = Probe {
        rate,
        observations: Vec::new(),
        right: Vec::new(),
    };
    for (task, cell, right) in (0..kept).map(every) {
        seen::append(&task.level, cell, &mut probe.observations);
        probe.right.push(right);
    }
    probe
}

/// Where the way leads.
fn end(rate: Rate, task: &Task) -> Cell {
    let corner = task.level.top_right();
    match rate {
        Rate::S1Region | Rate::S4Region | Rate::S5 | Rate::Corner | Rate::Compass => corner,
        _ => task.level.cheese.unwrap_or(corner),
    }
}

/// The cells that are probed, from the start onward.
fn cells(rate: Rate, task: &Task, to_end: &Distances) -> Vec<Cell> {
    let level = &task.level;
    let is_over = |cell: Cell| match rate {
        Rate::S1Region | Rate::S4Region | Rate::S5 => {
            level.in_region(cell, task.region) || level.cheese == Some(cell)
        }
        _ => level.cheese == Some(cell),
    };
    let mut found = Vec::new();
    let mut cell = level.mouse;
    while !is_over(cell) && to_end.get(cell) > Some(0) {
        let around = Move::ALL.map(|step| level.neighbour(cell, step));
        for next in [cell].into_iter().chain(around) {
            if !is_over(next) && !found.contains(&next) {
                found.push(next);
            }
        }
        let nearer = |next: &Cell| to_end.get(*next) < to_end.get(cell);
        match around.into_iter().find(nearer) {
            Some(next) => cell = next,
            None => break,
        }
    }
    found
}

/// The actions that take the mouse at a cell a step nearer to the end, one bit an action.
pub fn right_actions(level: &Level, cell: Cell, to_end: &Distances, actions: ActionSet) -> u16 {
    let is_right = |action: u8| {
        let next = actions.movement(action);
        next.is_some_and(|step| to_end.get(level.neighbour(cell, step)) < to_end.get(cell))
    };
    let all = 0..actions.action_len() as u8;
    all.filter(|&action| is_right(action))
        .map(|action| 1u16 << action)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Setting, Split};

    /// The cell that an observation's mouse is in, and whether it has a cheese.
    fn read(observation: &[u8], world: usize) -> (usize, bool) {
        let plane = |channel: usize| observation.iter().skip(channel).step_by(3);
        assert_eq!(plane(1).filter(|&&b| b == 1).count(), 1);
        assert_eq!(observation.len(), world * world * 3);
        let mouse = plane(1).position(|&b| b == 1).unwrap();
        (mouse, plane(2).any(|&b| b == 1))
    }

    #[test]
    fn probes_are_outside_of_the_region_or_on_the_way_to_the_cheese_and_have_a_right_move() {
        for actions in [ActionSet::Four, ActionSet::Procgen] {
            let tasks = Tasks::new(Split::Discovery, Setting::new(9, 5, 50), actions, 20).unwrap();
            let all = probes(&tasks, 150);
            assert_eq!(all.len(), PROBED.len());
            for probe in &all {
                let state_len = probe.right.len();
                assert!(
                    (80..=150).contains(&state_len),
                    "{:?}: {state_len}",
                    probe.rate
                );
                for (observation, &right) in probe.observations.chunks(243).zip(&probe.right) {
                    let (mouse, has_cheese) = read(observation, 9);
                    assert_eq!(has_cheese, probe.rate != Rate::S5);
                    assert!(right != 0 && right < 1 << actions.action_len());
                    // Generated mazes are trees: one move alone is right.
                    let moves = (0..actions.action_len() as u8).filter(|a| right >> a & 1 == 1);
                    let mut moves: Vec<_> = moves.map(|a| actions.movement(a)).collect();
                    moves.dedup();
                    assert_eq!(moves.len(), 1);
                    let (row, column) = (mouse / 9, mouse % 9);
                    let in_region = row < 5 && column >= 4;
                    if matches!(probe.rate, Rate::S1Region | Rate::S4Region | Rate::S5) {
                        assert!(!in_region);
                    }
                }
            }
        }
    }
}
