//! States that stand in for each other: the same mazes with the mouse in several cells, and the cheese
//! in several for each mouse, so that a state has others of its feature.
//!
//! In every maze half of the mice stand in the region, with the cheese elsewhere in it ; the
//! others outside of it, with the cheese in the region , outside, or without one.

use std::collections::BTreeMap;

use super::hypothesis::{Feature, Place};
use crate::ablate::{Error, Split};
use crate::maze::{Cell, Level, Variant, full_size_seeds, generate, observation_len, observe};
use crate::numeric::draws;
use crate::numeric::random::Stream;

/// Mice of a maze in the region, and outside of it.
const MICE: usize = 8;
/// Cheeses of a mouse, or none as one of them.
const CHEESES: usize = 4;

/// A mouse and a cheese in a maze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    maze: usize,
    mouse: Cell,
    cheese: Option<Cell>,
    place: Place,
}

/// A pool of states, all different.
#[derive(Clone, Debug, PartialEq)]
pub struct States {
    mazes: Vec<Level>,
    states: Vec<State>,
}

/// What is the same in states of the same feature.
type Key = [i32; 4];

impl States {
    /// States of the first `maze_len` mazes of `split` that fill their world, those of the seeds to
    /// `avoid` passed over.
    ///
    /// # Errors
    /// A world that is even or outside of 5 to 31.
    pub fn new(
        split: Split,
        world: u8,
        region: u8,
        maze_len: usize,
        avoid: &[u32],
    ) -> Result<Self, Error> {
        let mut states = Self {
            mazes: Vec::new(),
            states: Vec::new(),
        };
        let seeds = full_size_seeds(split.seeds(), world)?;
        for seed in seeds.filter(|seed| !avoid.contains(seed)).take(maze_len) {
            let level = generate(seed, world, Variant::Anywhere)?;
            let mut stream = draws::STATES.stream(u64::from(seed), 0);
            states.push(level, region, &mut stream);
        }
        Ok(states)
    }

    fn push(&mut self, level: Level, region: u8, stream: &mut Stream) {
        let maze = self.mazes.len();
        let (inside, outside): (Vec<Cell>, Vec<Cell>) = level
            .free_cells()
            .into_iter()
            .partition(|&cell| level.in_region(cell, region));
        let shuffled = |cells: &[Cell], stream: &mut Stream| {
            let mut cells = cells.to_vec();
            stream.shuffle(&mut cells);
            cells
        };
        for (place, mice) in [(Place::InRegion, &inside), (Place::Outside, &outside)] {
            for mouse in shuffled(mice, stream).into_iter().take(MICE) {
                let near = shuffled(&inside, stream).into_iter();
                let mut near = near.filter(|&cell| cell != mouse).map(Some);
                let far = shuffled(&outside, stream).into_iter();
                let mut far = far.filter(|&cell| cell != mouse).map(Some);
                let cheeses: Vec<Option<Cell>> = match place {
                    Place::InRegion => near.take(CHEESES).collect(),
                    _ => {
                        let of = [Some(None), near.next(), far.next(), near.next()];
                        of.into_iter().flatten().collect()
                    }
                };
                self.states.extend(cheeses.into_iter().map(|cheese| State {
                    maze,
                    mouse,
                    cheese,
                    place,
                }));
            }
        }
        self.mazes.push(level);
    }

    /// Number of states.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// The number of a state's maze.
    pub fn maze(&self, state: usize) -> usize {
        self.states[state].maze
    }

    /// The states of a place.
    pub fn of(&self, place: Place) -> Vec<usize> {
        let all = 0..self.len();
        all.filter(|&state| place.covers(self.states[state].place))
            .collect()
    }

    /// The observations of some states, one after the other.
    pub fn observations(&self, states: &[usize]) -> Vec<u8> {
        let len = self.mazes.first().map_or(0, |m| observation_len(m.world));
        let mut observations = vec![0; states.len() * len];
        for (&state, out) in states.iter().zip(observations.chunks_mut(len.max(1))) {
            let State {
                maze,
                mouse,
                cheese,
                ..
            } = self.states[state];
            let mut level = self.mazes[maze].clone();
            level.cheese = cheese;
            observe(&level, mouse, out);
        }
        observations
    }

    /// For every state of `pool`, the numbers of those in it that have the same feature, itself among
    /// them.
    pub fn matches(&self, feature: Feature, pool: &[usize]) -> Matches {
        let mut numbers: BTreeMap<Key, usize> = BTreeMap::new();
        let mut matches = Matches {
            bucket: vec![0; self.len()],
            buckets: Vec::new(),
        };
        for &state in pool {
            let next = numbers.len();
            let number = *numbers.entry(self.key(feature, state)).or_insert(next);
            if number == next {
                matches.buckets.push(Vec::new());
            }
            matches.bucket[state] = number;
            matches.buckets[number].push(state);
        }
        matches
    }

    fn key(&self, feature: Feature, state: usize) -> Key {
        let State {
            maze,
            mouse,
            cheese,
            ..
        } = self.states[state];
        let from = |a: Cell, b: Cell| {
            [
                1,
                i32::from(a.x) - i32::from(b.x),
                i32::from(a.y) - i32::from(b.y),
            ]
        };
        let [is, x, y] = match feature {
            Feature::State => return [state as i32, 0, 0, 0],
            Feature::CheeseOffset => cheese.map_or([0; 3], |cheese| from(cheese, mouse)),
            Feature::CornerOffset => from(self.mazes[maze].top_right(), mouse),
            Feature::WallsAndMouse => {
                return [maze as i32, 0, i32::from(mouse.x), i32::from(mouse.y)];
            }
            Feature::Nothing => [0; 3],
        };
        [is, x, y, 0]
    }
}

/// States by feature.
#[derive(Clone, Debug)]
pub struct Matches {
    /// Of every state.
    bucket: Vec<usize>,
    /// In order.
    buckets: Vec<Vec<usize>>,
}

impl Matches {
    /// Another state of the same feature; none if there is none.
    pub fn draw(&self, state: usize, stream: &mut Stream) -> Option<usize> {
        let bucket = &self.buckets[self.bucket[state]];
        let own = bucket.binary_search(&state).ok()?;
        let others = u32::try_from(bucket.len() - 1).ok().filter(|&n| n > 0)?;
        let drawn = stream.below(others) as usize;
        // Itself is passed over.
        Some(bucket[drawn + usize::from(drawn >= own)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::Purpose;

    #[test]
    fn matched_states_have_the_feature_and_are_others() {
        let states = States::new(Split::Discovery, 9, 5, 12, &[]).unwrap();
        let [inside, outside] = [Place::InRegion, Place::Outside].map(|place| states.of(place));
        assert_eq!(inside.len() + outside.len(), states.len());
        assert!(
            inside.len() >= 300 && outside.len() >= 300,
            "{}",
            inside.len()
        );
        for (number, a) in states.states.iter().enumerate() {
            assert!(a.cheese != Some(a.mouse) && !states.states[..number].contains(a));
        }
        let seen = |state: usize| states.observations(&[state]);
        let plane = |state: usize, c: usize| -> Vec<u8> {
            seen(state).into_iter().skip(c).step_by(3).collect()
        };
        let at = |plane: Vec<u8>| {
            let index = plane.iter().position(|&bit| bit == 1)? as i32;
            Some((index % 9, index / 9))
        };
        let offset = |state| {
            let (cheese, mouse) = (at(plane(state, 2))?, at(plane(state, 1))?);
            Some((cheese.0 - mouse.0, cheese.1 - mouse.1))
        };
        let mut stream = Stream::new(1, Purpose::Scrubbing, 1);
        for pool in [&inside, &outside] {
            for feature in [
                Feature::CheeseOffset,
                Feature::WallsAndMouse,
                Feature::CornerOffset,
                Feature::Nothing,
            ] {
                let matches = states.matches(feature, pool);
                let mut differ = false;
                for &a in pool {
                    let Some(b) = matches.draw(a, &mut stream) else {
                        continue;
                    };
                    assert!(a != b && pool.contains(&b));
                    match feature {
                        Feature::CheeseOffset => assert_eq!(offset(a), offset(b)),
                        Feature::WallsAndMouse => {
                            assert_eq!([plane(a, 0), plane(a, 1)], [plane(b, 0), plane(b, 1)]);
                            assert_ne!(plane(a, 2), plane(b, 2));
                        }
                        Feature::CornerOffset => assert_eq!(plane(a, 1), plane(b, 1)),
                        _ => {}
                    }
                    differ |= plane(a, 0) != plane(b, 0);
                }
                assert_eq!(differ, feature != Feature::WallsAndMouse);
            }
            let alone = states.matches(Feature::State, pool);
            assert!(pool.iter().all(|&a| alone.draw(a, &mut stream).is_none()));
        }
    }

    #[test]
    fn seeds_to_avoid_are_passed_over() {
        let all = States::new(Split::Discovery, 9, 5, 3, &[]).unwrap();
        let mut seeds = full_size_seeds(Split::Discovery.seeds(), 9).unwrap();
        let first = seeds.next().unwrap();
        let rest = States::new(Split::Discovery, 9, 5, 2, &[first]).unwrap();
        assert_eq!(rest.mazes, all.mazes[1..]);
    }
}
