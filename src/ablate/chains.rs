//! Levels as Markov chains over their cells ([`exact`](super::exact)).
//!
//! What a policy sees on a level without the mouse is a scene. Levels of one maze in which no cheese is seen share one: what
//! the cheese adds is measured against a walk that does not see it, in every situation.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::maze::{ActionSet, CHANNEL_LEN, Cell, Level, Move, distances, observation_len, observe};
use crate::nn::{Policy, Steering, Workspace, softmax};

use super::situation::{Situation, Task};
use super::walk::{Ends, Moves, Places, Walk};

/// Levels as chains over their cells.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    /// Observations without the mouse, scene by scene.
    scenes: Vec<u8>,
    /// Of each scene that shows a cheese, the number of its level.
    level_of: Vec<Option<usize>>,
    /// Every cell of every scene that a walk may pass.
    pub(super) states: Vec<State>,
    /// Situation by situation.
    pub(super) levels: Vec<Chain>,
}

/// A cell of a scene.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    scene: u32,
    /// Which byte of the scene is the mouse.
    mouse: u32,
}

/// One level.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// The walk that plays the level; after it in S1 the one that ends at the region, and where it is asked what
    /// the cheese adds, the one that does not see it.
    pub(super) walks: Vec<Walk>,
    /// Where S4's decision is made, and the moves towards cheese and corner.
    pub(super) decision: Option<(usize, [Move; 2])>,
    /// In S5 every cell outside of the region, with the first move of the shortest path to the corner.
    pub(super) needed: Vec<(usize, Move)>,
}

/// A scene while chains are made: its first state, and the places of its cells after it.
struct Scene {
    first: usize,
    places: Places,
}

impl Scene {
    fn state(&self, cell: Cell) -> Option<usize> {
        Some(self.first + self.places.get(cell)?)
    }
}

impl Chains {
    /// The chains of situations' levels.
    pub(super) fn new(situations: &[(Situation, Vec<Task>)]) -> Self {
        let mut chains = Self::default();
        let mut hidden = HashMap::new();
        for (situation, tasks) in situations {
            for task in tasks {
                let chain = chains.chain(*situation, task, &mut hidden);
                chains.levels.push(chain);
            }
        }
        chains
    }

    /// One level; `hidden` are the scenes in which no cheese is seen, by what is seen.
    fn chain(
        &mut self,
        situation: Situation,
        task: &Task,
        hidden: &mut HashMap<Vec<u8>, Scene>,
    ) -> Chain {
        let level = &task.level;
        let (rules, is_compared): (&[Ends], bool) = match situation {
            Situation::S1 => (&[Ends::Cheese, Ends::Either], false),
            Situation::InUpRight
            | Situation::InDownLeft
            | Situation::NearUpRight
            | Situation::NearDownLeft => (&[Ends::Cheese], true),
            Situation::S4 => (&[Ends::Either], false),
            Situation::S5 => (&[Ends::Region], false),
        };
        let paths: Vec<Vec<Cell>> = rules.iter().map(|ends| ends.passed(task)).collect();
        let mut walks = Vec::new();
        let mut decision = None;
        if level.cheese.is_some() {
            let mut cells = paths.concat();
            cells.extend(task.decision.map(|decision| decision.cell));
            let number = self.levels.len();
            let scene = self.scene(seen(level), cells, Some(number), level.world);
            let with_cells = rules.iter().zip(&paths);
            walks.extend(
                with_cells
                    .map(|(&ends, cells)| Walk::new(task, ends, cells, |cell| scene.state(cell))),
            );
            decision = task
                .decision
                .and_then(|d| Some((scene.state(d.cell)?, [d.to_cheese, d.to_corner])));
        }
        let mut needed = Vec::new();
        if level.cheese.is_none() || is_compared {
            let mut empty = level.clone();
            empty.cheese = None;
            let shown = seen(&empty);
            let scene = hidden.entry(shown).or_insert_with_key(|shown| {
                self.scene(shown.clone(), empty.free_cells(), None, empty.world)
            });
            walks.push(Walk::new(task, rules[0], &paths[0], |cell| {
                scene.state(cell)
            }));
            if situation == Situation::S5 {
                let outside = needed_moves(level, task.region).into_iter();
                needed.extend(outside.filter_map(|(cell, step)| Some((scene.state(cell)?, step))));
            }
        }
        Chain {
            walks,
            decision,
            needed,
        }
    }

    fn scene(
        &mut self,
        shown: Vec<u8>,
        mut cells: Vec<Cell>,
        level: Option<usize>,
        world: u8,
    ) -> Scene {
        cells.sort_unstable();
        cells.dedup();
        let number = self.level_of.len() as u32;
        self.scenes.extend(shown);
        self.level_of.push(level);
        let first = self.states.len();
        self.states.extend(cells.iter().map(|&cell| State {
            scene: number,
            mouse: mouse_byte(world, cell) as u32,
        }));
        Scene {
            first,
            places: Places::new(world, &cells),
        }
    }

    /// Appends what the policy sees in a state.
    pub(super) fn observe(&self, state: usize, observations: &mut Vec<u8>) {
        let State { scene, mouse } = self.states[state];
        let len = self.scenes.len() / self.level_of.len();
        let start = observations.len();
        let scene = scene as usize * len;
        observations.extend_from_slice(&self.scenes[scene..scene + len]);
        observations[start + mouse as usize] = 1;
    }

    /// The moves of the policy in the states with these numbers. Of several vectors of a steering each is for the level of
    /// its number, where that shows a cheese.
    pub(super) fn moves(
        &self,
        actions: ActionSet,
        policy: Policy<'_>,
        steering: Option<&Steering>,
        states: &[usize],
    ) -> Vec<Moves> {
        let network = policy.network;
        let block = network.sample_len;
        let mut moves = vec![[0.0; 5]; states.len()];
        let blocks = moves.chunks_mut(block).zip(states.chunks(block));
        // A bridge asks for a workspace a thread, and a slice for one every few blocks.
        blocks.par_bridge().for_each_init(
            || (Workspace::new(network), Vec::new()),
            |(workspace, observations), (moves, states)| {
                observations.clear();
                for &state in states {
                    self.observe(state, observations);
                }
                let which = |sample: usize| match steering.map(|s| s.vectors.len()) {
                    Some(2..) => self.level_of[self.states[states[sample]].scene as usize],
                    _ => Some(0),
                };
                workspace.forward_steered(policy, observations, states.len(), steering, which);
                let logits = workspace.logits(network, states.len());
                let logits = logits.chunks_exact(network.shape.action_len);
                for (moves, logits) in moves.iter_mut().zip(logits) {
                    *moves = probabilities(actions, logits);
                }
            },
        );
        moves
    }
}

/// The cells outside of the region from which there is a way to the top-right cell, each with the first move of the shortest.
pub fn needed_moves(level: &Level, region: u8) -> Vec<(Cell, Move)> {
    let to_corner = distances(level, level.top_right());
    let mut needed = Vec::new();
    for cell in level.free_cells() {
        let Some(steps) = to_corner.get(cell) else {
            continue;
        };
        let is_nearer = |step: &Move| to_corner.get(level.neighbour(cell, *step)) < Some(steps);
        if let (false, Some(step)) = (
            level.in_region(cell, region),
            Move::ALL.into_iter().find(is_nearer),
        ) {
            needed.push((cell, step));
        }
    }
    needed
}

/// What the moves' probabilities are.
pub(super) fn probabilities(actions: ActionSet, logits: &[f32]) -> Moves {
    let (mut wide, mut log_probs) = ([0.0f64; 16], [0.0f64; 16]);
    let action_len = logits.len();
    for (wide, &logit) in wide.iter_mut().zip(logits) {
        *wide = logit.into();
    }
    softmax::forward(&wide[..action_len], &mut log_probs[..action_len]);
    let mut moves = [0.0; 5];
    for (action, &log_prob) in log_probs[..action_len].iter().enumerate() {
        let movement = actions.movement(action as u8);
        moves[movement.map_or(4, |m| m as usize)] += crate::numeric::exp::exp(log_prob);
    }
    moves
}

/// What the policy sees of a level, but for the mouse.
fn seen(level: &Level) -> Vec<u8> {
    let mut scene = vec![0; observation_len(level.world)];
    observe(level, level.mouse, &mut scene);
    scene[mouse_byte(level.world, level.mouse)] = 0;
    scene
}

/// The byte of the observation that says the mouse is at `cell`.
fn mouse_byte(world: u8, cell: Cell) -> usize {
    let world = usize::from(world);
    let row = world - 1 - usize::from(cell.y);
    (row * world + usize::from(cell.x)) * CHANNEL_LEN + 1
}
