//! Pairs of states of one level that differ in one fact, and the preference that tells them apart.
//!
//! The preference of a policy in either state of a pair is
//!
//! ```text
//! m = max over the right moves of the first state of logit  -  max over the others of logit
//! ```
//!
//! logits being better behaved than probabilities (Heimersheim and Nanda, 2404.15255). Where cheese is
//! sought, the right move is the step nearer to the cheese; where the corner is, the step nearer to the
//! top-right cell. In the second state of a pair another move is right, or, without cheese, none. Both
//! states are such as the policy can be in: nothing is noise.

use serde::{Deserialize, Serialize};

use crate::ablate::{Rate, Tasks, seen};
use crate::maze::{ActionSet, Cell, Level, Move, distances};
use crate::numeric::draws;
use crate::numeric::random::Stream;

/// What the policy goes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sought {
    /// The cheese, near it or in the corner.
    Cheese,
    /// The top-right corner, without a cheese.
    Corner,
}

impl Sought {
    /// Both: in the order of the claims that they are taken away in.
    pub const ALL: [Self; 2] = [Self::Cheese, Self::Corner];
}

/// In what two states of a level differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The cheese lies elsewhere.
    CheeseMoved,
    /// There is no cheese.
    CheeseRemoved,
    /// The mouse stands elsewhere.
    MouseMoved,
}

impl Fact {
    /// "cheese moved".
    pub fn name(self) -> &'static str {
        ["cheese moved", "cheese removed", "mouse moved"][self as usize]
    }

    /// The facts in which pairs differ where this is sought.
    pub fn of(sought: Sought) -> &'static [Self] {
        match sought {
            Sought::Cheese => &[Self::CheeseMoved, Self::CheeseRemoved, Self::MouseMoved],
            Sought::Corner => &[Self::MouseMoved],
        }
    }
}

/// Where the states of pairs are, and what lies there. A claim's targets and what it spares are
/// scenes of their own, so that what is found for one claim says nothing of the other by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Mouse and cheese in the region.
    CheeseInRegion,
    /// Mouse and cheese outside of it, near each other.
    CheeseNear,
    /// The mouse outside of the region, no cheese.
    Corner,
    /// The mouse outside of the region, the cheese in it.
    CornerWithCheese,
    /// Both outside of the region, the cheese where the corner is not the way.
    CornerNotCheese,
}

impl Scene {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::CheeseInRegion,
        Self::CheeseNear,
        Self::Corner,
        Self::CornerWithCheese,
        Self::CornerNotCheese,
    ];

    /// What is sought there.
    pub fn sought(self) -> Sought {
        match self {
            Self::CheeseInRegion | Self::CheeseNear => Sought::Cheese,
            _ => Sought::Corner,
        }
    }

    /// The situations whose levels have it, by a rate of each: either direction of a cheese alike, and every maze of the corner.
    pub(super) fn rates(self) -> &'static [Rate] {
        match self {
            Self::CheeseInRegion => &Rate::IN,
            Self::CheeseNear => &[Rate::NearUpRight, Rate::NearDownLeft],
            _ => &[Rate::S5],
        }
    }

    /// Scenes that are looked at together have the streams of the fact.
    fn stream(self, fact: Fact) -> u64 {
        let own = match self {
            Self::CheeseInRegion | Self::CheeseNear | Self::Corner => 0,
            Self::CornerWithCheese => 1,
            Self::CornerNotCheese => 2,
        };
        4 * own + fact as u64
    }
}

/// Pairs of states.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    /// What is sought in them.
    pub sought: Sought,
    /// In what they differ.
    pub fact: Fact,
    /// The first states, `(pairs, world, world, 3)` of 0 and 1.
    pub first: Vec<u8>,
    /// The second ones.
    pub second: Vec<u8>,
    /// The actions that are right in the first state, one bit an action, one a pair.
    pub right: Vec<u16>,
}

impl Pairs {
    /// Pairs of one kind, at most one of a level of `tasks`; levels that have none are passed over.
    /// Cheese is sought in the region and near in turn, the corner without a cheese.
    pub fn new(tasks: &Tasks, sought: Sought, fact: Fact, pair_len: usize) -> Self {
        let scenes: &[Scene] = match sought {
            Sought::Cheese => &[Scene::CheeseInRegion, Scene::CheeseNear],
            Sought::Corner => &[Scene::Corner],
        };
        Self::in_turn(tasks, scenes, fact, pair_len)
    }

    /// The pairs of one scene alone.
    pub fn of_scene(tasks: &Tasks, scene: Scene, fact: Fact, pair_len: usize) -> Self {
        Self::in_turn(tasks, &[scene], fact, pair_len)
    }

    fn in_turn(tasks: &Tasks, scenes: &[Scene], fact: Fact, pair_len: usize) -> Self {
        let mut pairs = Self {
            sought: scenes[0].sought(),
            fact,
            first: Vec::new(),
            second: Vec::new(),
            right: Vec::new(),
        };
        let levels = |&scene: &Scene| {
            let rates = scene.rates().iter();
            rates.map(move |&rate| (scene, tasks.levels(rate)))
        };
        let lists: Vec<_> = scenes.iter().flat_map(levels).collect();
        let longest = lists.iter().map(|(_, list)| list.len()).max().unwrap_or(0);
        let in_turn = (0..longest).flat_map(|i| {
            let lists = lists.iter();
            lists.filter_map(move |&(scene, list)| Some((scene, list.get(i)?)))
        });
        for (scene, task) in in_turn {
            if pairs.len() == pair_len {
                break;
            }
            let mut stream = draws::PAIRS.stream(u64::from(task.seed), scene.stream(fact));
            let room = Room {
                level: &task.level,
                region: task.region,
                scene,
            };
            if let Some((first, second)) = room.pair(fact, &mut stream) {
                pairs.push(&first, &second, tasks.actions());
            }
        }
        pairs
    }

    fn push(&mut self, first: &Level, second: &Level, actions: ActionSet) {
        let goal = match self.sought {
            Sought::Cheese => first.cheese.unwrap_or(first.top_right()),
            Sought::Corner => first.top_right(),
        };
        let right = right(first, goal, actions);
        self.right.push(right);
        for (level, to) in [(first, &mut self.first), (second, &mut self.second)] {
            seen::append(level, level.mouse, to);
        }
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.right.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.right.is_empty()
    }
}

/// The preference of a policy for the actions in `right`, by its logits.
pub fn preference(logits: &[f32], right: u16) -> f64 {
    let best = |wanted: u16| {
        let logits = logits.iter().enumerate();
        logits
            .filter(|(action, _)| right >> action & 1 == wanted)
            .map(|(_, &logit)| logit)
            .fold(f32::NEG_INFINITY, f32::max)
    };
    f64::from(best(1)) - f64::from(best(0))
}

/// The derivative of [`preference`] by the logits.
pub fn d_preference(logits: &[f32], right: u16, d_logits: &mut [f32]) {
    d_logits.fill(0.0);
    for (wanted, slope) in [(1, 1.0), (0, -1.0)] {
        let actions = (0..logits.len()).filter(|action| right >> action & 1 == wanted);
        if let Some(best) = actions.reduce(|a, b| if logits[b] > logits[a] { b } else { a }) {
            d_logits[best] = slope;
        }
    }
}

/// Where in a level a pair is looked for.
struct Room<'a> {
    level: &'a Level,
    region: u8,
    scene: Scene,
}

impl Room<'_> {
    /// The free cells in the region, or outside of it.
    fn cells(&self, inside: bool) -> Vec<Cell> {
        let mut cells = self.level.free_cells();
        cells.retain(|&cell| self.level.in_region(cell, self.region) == inside);
        cells
    }

    fn with(&self, mouse: Cell, cheese: Option<Cell>) -> Level {
        let mut level = self.level.clone();
        level.mouse = mouse;
        level.cheese = cheese;
        level
    }

    /// The first pair that there is, mice and cheeses being tried in an order that is drawn.
    fn pair(&self, fact: Fact, stream: &mut Stream) -> Option<(Level, Level)> {
        match self.scene.sought() {
            Sought::Cheese => self.cheese_pair(fact, stream),
            Sought::Corner => self.corner_pair(stream),
        }
    }

    /// Two mice from which other steps lead to the corner, and the cheese, if any, where it is.
    fn corner_pair(&self, stream: &mut Stream) -> Option<(Level, Level)> {
        let mut mice = self.cells(false);
        stream.shuffle(&mut mice);
        let mut cheeses: Vec<Option<Cell>> = match self.scene {
            Scene::Corner => vec![None],
            scene => {
                let inside = scene == Scene::CornerWithCheese;
                self.cells(inside).into_iter().map(Some).collect()
            }
        };
        stream.shuffle(&mut cheeses);
        let corner = self.level.top_right();
        mice.iter().enumerate().find_map(|(i, &mouse)| {
            let step = first_step(self.level, mouse, corner)?;
            let is_wanted = |cheese: &Option<Cell>| match (self.scene, *cheese) {
                (Scene::CornerNotCheese, Some(cheese)) => {
                    first_step(self.level, mouse, cheese).is_some_and(|other| other != step)
                }
                _ => true,
            };
            let cheese = cheeses.iter().copied().find(is_wanted)?;
            let mut others = mice[i + 1..].to_vec();
            others.retain(|&other| Some(other) != cheese);
            let other = self.differs(&others, step, corner)?;
            Some((self.with(mouse, cheese), self.with(other, cheese)))
        })
    }

    fn cheese_pair(&self, fact: Fact, stream: &mut Stream) -> Option<(Level, Level)> {
        let is_inside = self.scene == Scene::CheeseInRegion;
        let with = |mouse, cheese| self.with(mouse, cheese);
        let mut mice = self.cells(is_inside);
        stream.shuffle(&mut mice);
        let mut cheeses = self.cells(is_inside);
        stream.shuffle(&mut cheeses);
        for &mouse in &mice {
            let away = distances(self.level, mouse);
            // In the region any cheese that is not beside the mouse; outside of it a near one.
            let is_wanted = |&cheese: &Cell| match away.get(cheese) {
                Some(steps) => steps >= 2 && (is_inside || steps <= 5),
                None => false,
            };
            let mut wanted = cheeses.iter().copied().filter(is_wanted);
            let Some(cheese) = wanted.next() else {
                continue;
            };
            let step = first_step(self.level, mouse, cheese)?;
            let first = with(mouse, Some(cheese));
            let second = match fact {
                Fact::CheeseMoved => wanted
                    .find(|&other| first_step(self.level, mouse, other) != Some(step))
                    .map(|other| with(mouse, Some(other))),
                // Where the corner is the other way: else its seeker makes the same move.
                Fact::CheeseRemoved => (first_step(self.level, mouse, self.level.top_right())
                    != Some(step))
                .then(|| with(mouse, None)),
                Fact::MouseMoved => {
                    let near = distances(self.level, cheese);
                    let is_near = |&cell: &Cell| is_inside || near.get(cell) <= Some(5);
                    let others: Vec<Cell> = mice.iter().copied().filter(is_near).collect();
                    self.differs(&others, step, cheese)
                        .map(|other| with(other, Some(cheese)))
                }
            };
            if let Some(second) = second {
                return Some((first, second));
            }
        }
        None
    }

    /// A cell among `mice` from which another step than `step` leads to the goal.
    fn differs(&self, mice: &[Cell], step: Move, goal: Cell) -> Option<Cell> {
        let mut mice = mice.iter().copied();
        mice.find(|&mouse| first_step(self.level, mouse, goal).is_some_and(|other| other != step))
    }
}

/// The actions that are the step from the mouse towards `goal`, one bit an action.
pub fn right(level: &Level, goal: Cell, actions: ActionSet) -> u16 {
    let step = first_step(level, level.mouse, goal);
    (0..actions.action_len() as u8)
        .filter(|&action| actions.movement(action) == step && step.is_some())
        .map(|action| 1u16 << action)
        .sum()
}

/// The first step of the shortest path; none at its end.
fn first_step(level: &Level, from: Cell, to: Cell) -> Option<Move> {
    let away = distances(level, to);
    let here = away.get(from)?;
    let nearer = |step: &Move| away.get(level.neighbour(from, *step)) < Some(here);
    Move::ALL.into_iter().find(nearer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Setting, Split};

    #[test]
    fn the_states_of_a_pair_differ_in_the_fact_alone() {
        let tasks = Tasks::new(
            Split::Discovery,
            Setting::new(9, 5, 50),
            ActionSet::Procgen,
            24,
        )
        .unwrap();
        for sought in Sought::ALL {
            for &fact in Fact::of(sought) {
                let pairs = Pairs::new(&tasks, sought, fact, 40);
                assert!(pairs.len() >= 15, "{sought:?} {fact:?}: {}", pairs.len());
                let states = pairs.first.chunks(243).zip(pairs.second.chunks(243));
                for ((first, second), &right) in states.zip(&pairs.right) {
                    let plane = |state: &[u8], channel: usize| -> Vec<u8> {
                        state.iter().skip(channel).step_by(3).copied().collect()
                    };
                    let differs = [0, 1, 2].map(|c| plane(first, c) != plane(second, c));
                    let expected = match fact {
                        Fact::MouseMoved => [false, true, false],
                        _ => [false, false, true],
                    };
                    assert_eq!(differs, expected);
                    let cheese = |state: &[u8]| plane(state, 2).contains(&1);
                    assert_eq!(cheese(first), sought == Sought::Cheese);
                    let keeps = fact != Fact::CheeseRemoved && sought == Sought::Cheese;
                    assert_eq!(cheese(second), keeps);
                    assert!(right != 0);
                }
                assert_eq!(pairs, Pairs::new(&tasks, sought, fact, 40));
            }
        }
    }

    #[test]
    fn a_scene_has_mouse_and_cheese_where_it_says() {
        let setting = Setting::new(9, 5, 50);
        let tasks = Tasks::new(Split::Discovery, setting, ActionSet::Four, 24).unwrap();
        for scene in Scene::ALL {
            let pairs = Pairs::of_scene(&tasks, scene, Fact::MouseMoved, 40);
            assert!(
                pairs.len() >= 12 && pairs.sought == scene.sought(),
                "{scene:?}: {}",
                pairs.len()
            );
            for state in pairs.first.chunks(243).chain(pairs.second.chunks(243)) {
                let inside = |plane: usize| {
                    let at = state.iter().skip(plane).step_by(3).position(|&x| x == 1)?;
                    Some(at / 9 < 5 && at % 9 >= 4)
                };
                let expected = match scene {
                    Scene::CheeseInRegion => (Some(true), Some(true)),
                    Scene::CheeseNear | Scene::CornerNotCheese => (Some(false), Some(false)),
                    Scene::Corner => (Some(false), None),
                    Scene::CornerWithCheese => (Some(false), Some(true)),
                };
                assert_eq!((inside(1), inside(2)), expected, "{scene:?}");
            }
        }
    }

    #[test]
    fn the_preference_is_that_of_the_best_action_on_either_side() {
        let logits = [1.0, 4.0, 2.5, -1.0];
        assert_eq!(preference(&logits, 0b0101), 2.5 - 4.0);
        let mut slope = [9.0; 4];
        d_preference(&logits, 0b0101, &mut slope);
        assert_eq!(slope, [0.0, -1.0, 1.0, 0.0]);
    }
}
