//! The probability of success of a policy on a level, computed and not played.
//!
//! The policy has no memory, so that the mouse's cell is the state of a Markov chain:
//!
//! ```text
//! m_0 = 1 at the start      m_t+1(y) = sum over x of m_t(x) P(x -> y)      t < limit
//! P(success) = mass that was absorbed at an end that is a success
//! ```
//!
//! P follows from the logits, actions that make the same move together; moves into walls stay. Ends
//! are those of play: the cheese in S1, S2 and S3, cheese or region in S4, the region in S5; S1's
//! entry into the region has a walk of its own that ends there. Like play, a walk looks for ends after
//! a step only. The network runs once for every cell from which an end is still within the limit; mass
//! that leaves those cells is lost.
//!
//! Error: that of the logits in f32; the chain runs in f64. Same bits at any thread count: a state's
//! logits do not depend on its block, a level's chain is one serial sum.
//! Cost: cells x forward pass, and limit x moves a level, a few per cent of it.

use rayon::prelude::*;

use crate::maze::{ActionSet, CHANNEL_LEN, Cell, Level, Move, observation_len, observe};
use crate::nn::{Policy, Steering, Workspace, softmax};

use super::Error;
use super::finite::{check_params, not_finite};
use super::measure::{Mean, Measurement, Rate, Tasks};
use super::situation::{Situation, Task};

/// Probabilities of the four moves and of none, in the order of [`Move::ALL`].
pub(super) type Moves = [f64; 5];

/// Levels as chains over their cells.
#[derive(Clone, Debug)]
pub struct Chains {
    /// Observations without the mouse, level by level.
    scenes: Vec<u8>,
    /// Every cell of every level that a walk may pass.
    states: Vec<State>,
    /// Situation by situation.
    pub(super) levels: Vec<Chain>,
}

/// A cell with its level.
#[derive(Clone, Copy, Debug)]
struct State {
    level: u32,
    /// Which byte of the level's observation is the mouse.
    mouse: u32,
}

/// One level.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// Its first state.
    first: usize,
    state_len: usize,
    /// The walk that plays the level; in S1 also the one that ends at the region.
    pub(super) walks: Vec<Walk>,
    /// Where S4's decision is made, and the moves towards cheese and corner.
    decision: Option<(usize, [Move; 2])>,
}

/// How mass moves until it comes to an end. Slots are the level's states, the start first, and after
/// them the [`Sink`]s.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) limit: u16,
    pub(super) slot_len: usize,
    /// From, by which of the four moves or none, to.
    pub(super) edges: Vec<(u16, u8, u16)>,
}

/// Where mass stays.
#[derive(Clone, Copy)]
pub(super) enum Sink {
    /// No end can be reached any more.
    Lost,
    /// The region was entered.
    Region,
    /// The cheese was reached outside of the region.
    Cheese,
    /// The cheese was reached in the region.
    Both,
}

pub(super) const SINK_LEN: usize = 4;

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
                .map(|ends| Walk::new(task, *ends, (&cells, &places)))
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
                let steering = (steering, which);
                workspace.forward_steered(policy, observations, states.len(), steering);
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

/// Numbers of cells.
struct Places {
    world: usize,
    numbers: Vec<u16>,
}

impl Places {
    fn new(world: u8, cells: &[Cell]) -> Self {
        let world = usize::from(world);
        let mut numbers = vec![u16::MAX; world * world];
        for (number, cell) in cells.iter().enumerate() {
            numbers[usize::from(cell.y) * world + usize::from(cell.x)] = number as u16;
        }
        Self { world, numbers }
    }

    fn get(&self, cell: Cell) -> Option<usize> {
        let number = self.numbers[usize::from(cell.y) * self.world + usize::from(cell.x)];
        (number != u16::MAX).then_some(number.into())
    }
}

/// What ends a walk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Cheese,
    Region,
    Either,
}

impl Ends {
    fn is_end(self, task: &Task, cell: Cell) -> bool {
        let is_cheese = task.level.cheese == Some(cell);
        let is_region = task.level.in_region(cell, task.region);
        match self {
            Ends::Cheese => is_cheese,
            Ends::Region => is_region,
            Ends::Either => is_cheese || is_region,
        }
    }

    /// The cells, none of them an end, on ways from the start to an end within the limit.
    fn passed(self, task: &Task) -> Vec<Cell> {
        let level = &task.level;
        let free = level.free_cells();
        let is_open = |cell| !self.is_end(task, cell);
        let ends = free.iter().copied().filter(|&cell| !is_open(cell));
        let from_start = spread(level, &[level.mouse], &is_open);
        let to_end = spread(level, &ends.collect::<Vec<_>>(), &is_open);
        let at = |cell: Cell| usize::from(cell.y) * usize::from(level.world) + usize::from(cell.x);
        let is_passed = |cell: &Cell| {
            let steps = from_start[at(*cell)].saturating_add(to_end[at(*cell)]);
            is_open(*cell) && steps <= task.limit
        };
        free.into_iter().filter(is_passed).collect()
    }
}

/// Steps from the nearest of `sources` to every cell through open ones, `u16::MAX` where there is no
/// way; the sources themselves need not be open.
fn spread(level: &Level, sources: &[Cell], is_open: &dyn Fn(Cell) -> bool) -> Vec<u16> {
    let world = usize::from(level.world);
    let at = |cell: Cell| usize::from(cell.y) * world + usize::from(cell.x);
    let mut steps = vec![u16::MAX; world * world];
    sources.iter().for_each(|&cell| steps[at(cell)] = 0);
    let mut queue = sources.to_vec();
    let mut next = 0;
    while let Some(&cell) = queue.get(next) {
        next += 1;
        for step in Move::ALL {
            let to = level.neighbour(cell, step);
            if steps[at(to)] == u16::MAX && is_open(to) {
                steps[at(to)] = steps[at(cell)] + 1;
                queue.push(to);
            }
        }
    }
    steps
}

impl Walk {
    /// The walk over `cells`, the start first.
    fn new(task: &Task, ends: Ends, (cells, places): (&[Cell], &Places)) -> Self {
        let level = &task.level;
        let slot = |cell: Cell| {
            let is_cheese = level.cheese == Some(cell);
            let is_region = level.in_region(cell, task.region);
            let sink = match (is_cheese, is_region) {
                _ if !ends.is_end(task, cell) => {
                    let lost = cells.len() + Sink::Lost as usize;
                    return places.get(cell).unwrap_or(lost);
                }
                (true, true) => Sink::Both,
                (true, false) => Sink::Cheese,
                _ => Sink::Region,
            };
            cells.len() + sink as usize
        };
        let mut edges = Vec::new();
        for (from, &cell) in cells.iter().enumerate() {
            for (index, step) in Move::ALL.into_iter().map(Some).chain([None]).enumerate() {
                let to = slot(step.map_or(cell, |step| level.neighbour(cell, step)));
                edges.push((from as u16, index as u8, to as u16));
            }
        }
        Self {
            limit: task.limit,
            slot_len: cells.len() + SINK_LEN,
            edges,
        }
    }

    /// The probabilities that the walk ends at the cheese and that it ends in the region, `moves`
    /// being those of the level's states.
    pub(super) fn run(&self, moves: &[Moves]) -> [f64; 2] {
        // Moves that lead to the same place are one, and most do: a mouse has two ways on average.
        let mut steps: Vec<(u16, u16, f64)> = Vec::with_capacity(self.edges.len());
        for edges in self.edges.chunks_exact(5) {
            let begin = steps.len();
            for &(from, index, to) in edges {
                let share = moves[usize::from(from)][usize::from(index)];
                match steps[begin..].iter_mut().find(|step| step.1 == to) {
                    Some(step) => step.2 += share,
                    None => steps.push((from, to, share)),
                }
            }
        }
        let state_len = self.slot_len - SINK_LEN;
        let mut mass = vec![0.0; self.slot_len];
        let mut next = mass.clone();
        mass[0] = 1.0;
        for _ in 0..self.limit {
            next[..state_len].fill(0.0);
            next[state_len..].copy_from_slice(&mass[state_len..]);
            for &(from, to, share) in &steps {
                next[usize::from(to)] += mass[usize::from(from)] * share;
            }
            std::mem::swap(&mut mass, &mut next);
        }
        let sink = |sink: Sink| mass[state_len + sink as usize];
        let both = sink(Sink::Both);
        // A sum of probabilities may come out a rounding above 1.
        [Sink::Cheese, Sink::Region].map(|one| (sink(one) + both).min(1.0))
    }
}

impl Tasks {
    /// The probability of success on every level under the policy `params`. Nothing is drawn.
    ///
    /// # Errors
    /// A parameter, or a logit somewhere, that is not finite.
    pub fn measure_exact(&self, policy: Policy<'_>) -> Result<Measurement, Error> {
        self.measure_steered(policy, None)
    }

    /// The same with something added to the policy's activations in every forward pass: one vector, or
    /// one a level in the order of [`every_level`](Self::every_level).
    ///
    /// # Errors
    /// As for [`measure_exact`](Self::measure_exact).
    ///
    /// # Panics
    /// Several vectors, but fewer than levels.
    pub fn measure_steered(
        &self,
        policy: Policy<'_>,
        steering: Option<&Steering>,
    ) -> Result<Measurement, Error> {
        check_params(policy)?;
        let chains = self.chains();
        let states: Vec<usize> = (0..chains.states.len()).collect();
        let moves = chains.moves(self.actions, policy, steering, &states);
        let is_bad = |moves: &Moves| moves.iter().any(|p| !p.is_finite());
        if let Some(state) = moves.iter().position(is_bad) {
            let mut observation = Vec::new();
            chains.observe(state, &mut observation);
            return Err(not_finite(policy, &observation));
        }
        let run = |chain: &Chain| -> Vec<[f64; 2]> {
            let walks = chain.walks.iter();
            walks.map(|walk| walk.run(&moves[chain.first..])).collect()
        };
        let ended: Vec<Vec<[f64; 2]>> = chains.levels.par_iter().map(run).collect();
        let mut of = chains.levels.iter().zip(&ended);
        let mut probabilities = vec![Vec::new(); Rate::ALL.len()];
        let mut decisions = [Vec::new(), Vec::new()];
        for (situation, tasks) in &self.situations {
            for (chain, ended) in of.by_ref().take(tasks.len()) {
                let mut push = |rate: Rate, p| probabilities[rate.index()].push(p);
                match situation {
                    Situation::S1 => {
                        push(Rate::S1, ended[0][0]);
                        push(Rate::S1Region, ended[1][1]);
                    }
                    Situation::S2 => push(Rate::S2, ended[0][0]),
                    Situation::S3 => push(Rate::S3, ended[0][0]),
                    Situation::S4 => {
                        push(Rate::S4Cheese, ended[0][0]);
                        push(Rate::S4Region, ended[0][1]);
                    }
                    Situation::S5 => push(Rate::S5, ended[0][1]),
                }
                if let Some((state, steps)) = chain.decision {
                    for (found, step) in decisions.iter_mut().zip(steps) {
                        found.push(moves[state][step as usize]);
                    }
                }
            }
        }
        let [p_cheese, p_corner] = decisions.map(|found| Mean::of(&found));
        Ok(Measurement {
            probabilities,
            p_cheese,
            p_corner,
        })
    }
}

#[cfg(test)]
mod tests;
