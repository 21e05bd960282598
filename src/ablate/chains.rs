//! Levels as Markov chains over their cells ([`exact`](super::exact)).

use rayon::prelude::*;

use crate::maze::{ActionSet, CHANNEL_LEN, Cell, Level, Move, observation_len, observe};
use crate::nn::{Policy, Steering, Workspace, softmax};

use super::situation::{Situation, Task};
use super::walk::{Ends, Moves, Places, Walk};

/// Levels as chains over their cells.
#[derive(Clone, Debug)]
pub struct Chains {
    /// Observations without the mouse, level by level.
    scenes: Vec<u8>,
    /// Every cell of every level that a walk may pass.
    pub(super) states: Vec<State>,
    /// Situation by situation.
    pub(super) levels: Vec<Chain>,
}

/// A cell with its level.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    level: u32,
    /// Which byte of the level's observation is the mouse.
    mouse: u32,
}

/// One level.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// Its first state.
    pub(super) first: usize,
    state_len: usize,
    /// The walk that plays the level; in S1 also the one that ends at the region.
    pub(super) walks: Vec<Walk>,
    /// Where S4's decision is made, and the moves towards cheese and corner.
    pub(super) decision: Option<(usize, [Move; 2])>,
}

impl Chain {
    /// The numbers of its states.
    pub(super) fn states(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.state_len
    }
}

impl Chains {
    /// The chains of situations' levels.
    pub(super) fn new(situations: &[(Situation, Vec<Task>)]) -> Self {
        let mut chains = Self {
            scenes: Vec::new(),
            states: Vec::new(),
            levels: Vec::new(),
        };
        let tasks = situations.iter().flat_map(|(s, tasks)| {
            let situation = *s;
            tasks.iter().map(move |task| (situation, task))
        });
        for (situation, task) in tasks {
            chains.push(situation, task);
        }
        chains
    }

    fn push(&mut self, situation: Situation, task: &Task) {
        let level = &task.level;
        let rules: &[Ends] = match situation {
            Situation::S1 => &[Ends::Cheese, Ends::Either],
            Situation::S2 | Situation::S3 => &[Ends::Cheese],
            Situation::S4 => &[Ends::Either],
            Situation::S5 => &[Ends::Region],
        };
        let decision = task.decision;
        let mut cells = vec![level.mouse];
        for ends in rules {
            let found = ends.passed(task);
            cells.extend(found.into_iter().chain(decision.map(|d| d.cell)));
        }
        let start = level.mouse;
        cells.sort_unstable_by_key(|&cell| (cell != start, cell));
        cells.dedup();
        let places = Places::new(level.world, &cells);
        let number = self.levels.len() as u32;
        let scene_len = observation_len(level.world);
        let scene = self.scenes.len();
        self.scenes.resize(scene + scene_len, 0);
        observe(level, start, &mut self.scenes[scene..]);
        self.scenes[scene + mouse_byte(level, start)] = 0;
        let first = self.states.len();
        self.states.extend(cells.iter().map(|&cell| State {
            level: number,
            mouse: mouse_byte(level, cell) as u32,
        }));
        self.levels.push(Chain {
            first,
            state_len: cells.len(),
            walks: rules
                .iter()
                .map(|ends| Walk::new(task, *ends, &cells, &places))
                .collect(),
            decision: decision
                .and_then(|d| Some((first + places.get(d.cell)?, [d.to_cheese, d.to_corner]))),
        });
    }

    /// Appends what the policy sees in a state.
    pub(super) fn observe(&self, state: usize, observations: &mut Vec<u8>) {
        let State { level, mouse } = self.states[state];
        let len = self.scenes.len() / self.levels.len();
        let start = observations.len();
        let scene = level as usize * len;
        observations.extend_from_slice(&self.scenes[scene..scene + len]);
        observations[start + mouse as usize] = 1;
    }

    /// The moves of the policy in the states with these numbers.
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
                    Some(2..) => self.states[states[sample]].level as usize,
                    _ => 0,
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

/// What the moves' probabilities are.
fn probabilities(actions: ActionSet, logits: &[f32]) -> Moves {
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

/// The byte of the observation that says the mouse is at `cell`.
fn mouse_byte(level: &Level, cell: Cell) -> usize {
    let world = usize::from(level.world);
    let row = world - 1 - usize::from(cell.y);
    (row * world + usize::from(cell.x)) * CHANNEL_LEN + 1
}
