//! A walk of the mouse until it comes to an end, as a Markov chain over cells ([`exact`](super::exact)).

use crate::maze::{Cell, Level, Move};

use super::situation::Task;

/// Probabilities of the four moves and of none, in the order of [`Move::ALL`].
pub(super) type Moves = [f64; 5];

/// How mass moves until it comes to an end. Slots are the walk's cells, the start first, and after
/// them the [`Sink`]s.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) limit: u16,
    /// The state of each cell.
    pub(super) states: Vec<usize>,
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

/// What ends a walk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
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

    /// The start, and the cells, none of them an end, on ways from it to an end within the limit.
    pub(super) fn passed(self, task: &Task) -> Vec<Cell> {
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
        let is_walked = |cell: &Cell| *cell == level.mouse || is_passed(cell);
        free.into_iter().filter(is_walked).collect()
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

/// Numbers of cells.
pub(super) struct Places {
    world: usize,
    numbers: Vec<u16>,
}

impl Places {
    pub(super) fn new(world: u8, cells: &[Cell]) -> Self {
        let world = usize::from(world);
        let mut numbers = vec![u16::MAX; world * world];
        for (number, cell) in cells.iter().enumerate() {
            numbers[usize::from(cell.y) * world + usize::from(cell.x)] = number as u16;
        }
        Self { world, numbers }
    }

    pub(super) fn get(&self, cell: Cell) -> Option<usize> {
        let number = self.numbers[usize::from(cell.y) * self.world + usize::from(cell.x)];
        (number != u16::MAX).then_some(number.into())
    }
}

impl Walk {
    /// The walk over the cells that it [passes](Ends::passed); `state` numbers them.
    pub(super) fn new(
        task: &Task,
        ends: Ends,
        passed: &[Cell],
        state: impl Fn(Cell) -> Option<usize>,
    ) -> Self {
        let level = &task.level;
        let mut cells = passed.to_vec();
        cells.sort_unstable_by_key(|&cell| (cell != level.mouse, cell));
        let places = Places::new(level.world, &cells);
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
            states: cells.iter().filter_map(|&cell| state(cell)).collect(),
            slot_len: cells.len() + SINK_LEN,
            edges,
        }
    }

    /// The probabilities that the walk ends at the cheese and that it ends in the region; `moves` gives those of a
    /// state.
    pub(super) fn run(&self, moves: impl Fn(usize) -> Moves) -> [f64; 2] {
        let moves: Vec<Moves> = self.states.iter().map(|&state| moves(state)).collect();
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
