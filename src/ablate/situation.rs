//! The levels of the five situations in which a policy is put to the test.
//!
//! Every maze fills its world (D = W). Level i of a situation and split is the i-th of the split's
//! seeds, walking upward, that can show the situation, so fewer levels are a prefix of more. What
//! is drawn beyond procgen's own level comes from a stream of the level seed and the situation.
//! Cost: 13 to 40 us a level at W = 25.

use serde::{Deserialize, Serialize};

use crate::maze::{
    Cell, Decision, Error, Level, Variant, decision, distances, full_size_seeds, generate,
    shortest_path,
};
use crate::numeric::draws;
use crate::numeric::random::Stream;

pub use crate::maze::Split;

/// What the limits of S2 and S3 allow beyond the shortest path.
const SPARE_STEPS: u16 = 4;
/// Cells around the region in which S3 puts no cheese.
const RIM: u8 = 2;
/// S2's cheese is at least so many steps from the corner.
const CORNER_STEPS: u16 = 3;
/// Full-size mazes without the situation, one after the other, before it is called impossible. The
/// rarest one that exists is found once in a few.
const MAX_MISSES: u32 = 10_000;

/// A situation: where mouse and cheese are, and so which behaviour it asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, Deserialize)]
pub enum Situation {
    /// Training-like: from the bottom-left to a cheese in the region.
    S1,
    /// In the corner: from the top-right cell to a cheese elsewhere in the region, 3 or more steps
    /// away.
    S2,
    /// Near: from 3 to 5 steps away to a cheese outside of the region and its rim of 2.
    S3,
    /// Conflict: from the bottom-left, a cheese outside of the region, off the way to the corner.
    S4,
    /// No cheese: from the bottom-left; does the mouse go to the region?
    S5,
}

impl Situation {
    /// Every situation, in order.
    pub const ALL: [Situation; 5] = [
        Situation::S1,
        Situation::S2,
        Situation::S3,
        Situation::S4,
        Situation::S5,
    ];

    /// "S1" to "S5".
    pub fn name(self) -> &'static str {
        ["S1", "S2", "S3", "S4", "S5"][self as usize]
    }

    /// The situation in words.
    pub fn label(self) -> &'static str {
        [
            "training-like",
            "in the corner",
            "near",
            "conflict",
            "no cheese",
        ][self as usize]
    }

    /// Whether a world with this region has room for the situation, or what region would.
    pub fn room(self, world: u8, region: u8) -> Result<(), &'static str> {
        let (is_possible, expected) = match self {
            Situation::S2 => (
                region >= 3 && region < world,
                "a region from 3 to the world's side - 1, with cells 3 steps from the corner",
            ),
            Situation::S3 => (
                region.saturating_add(RIM) < world,
                "a region of the world's side - 3 at most, with cells outside of its rim of 2",
            ),
            _ => (
                region < world,
                "a region smaller than the world, so that the mouse starts outside of it",
            ),
        };
        if is_possible { Ok(()) } else { Err(expected) }
    }

    fn check(self, world: u8, region: u8) -> Result<(), Error> {
        self.room(world, region)
            .map_err(|expected| Error::Situation {
                situation: self.name(),
                expected,
                region,
                world,
            })
    }

    /// The level of this seed made into the situation; none if it cannot be.
    fn task(self, seed: u32, setting: Setting) -> Result<Option<Task>, Error> {
        let Setting {
            world,
            region,
            timeout,
        } = setting;
        let variant = match self {
            Situation::S1 => Variant::Corner { region },
            _ => Variant::Anywhere,
        };
        let level = generate(seed, world, variant)?;
        let mut task = Task {
            seed,
            level,
            region,
            limit: timeout,
            decision: None,
        };
        let level = &mut task.level;
        let mut stream = draws::SITUATIONS.stream(u64::from(seed), self as u64);
        let is_shown = match self {
            Situation::S1 => level.cheese.is_some(),
            Situation::S2 => {
                level.mouse = level.top_right();
                let from_corner = distances(level, level.mouse);
                level.cheese = pick(level, &mut stream, |cell| {
                    level.in_region(cell, region) && from_corner.get(cell) >= Some(CORNER_STEPS)
                });
                level.cheese.is_some()
            }
            Situation::S3 => {
                level.cheese = pick(level, &mut stream, |cell| {
                    !level.in_region(cell, region + RIM)
                });
                let mouse = level.cheese.and_then(|cheese| {
                    let to_cheese = distances(level, cheese);
                    pick(level, &mut stream, |cell| {
                        matches!(to_cheese.get(cell), Some(3..=5))
                    })
                });
                level.mouse = mouse.unwrap_or(level.mouse);
                mouse.is_some()
            }
            Situation::S4 => {
                task.decision = decision(level);
                let is_outside = |cheese| !level.in_region(cheese, region);
                task.decision.is_some() && level.cheese.is_some_and(is_outside)
            }
            Situation::S5 => {
                level.cheese = None;
                true
            }
        };
        if let (Situation::S2 | Situation::S3, Some(cheese)) = (self, level.cheese) {
            let path = shortest_path(level, level.mouse, cheese).unwrap_or_default();
            task.limit = path.len().saturating_sub(1) as u16 + SPARE_STEPS;
        }
        Ok(is_shown.then_some(task))
    }
}

/// A uniformly drawn free cell among those wanted; none if there are none.
fn pick(level: &Level, stream: &mut Stream, wanted: impl Fn(Cell) -> bool) -> Option<Cell> {
    let mut cells = level.free_cells();
    cells.retain(|&cell| wanted(cell));
    match cells.len() {
        0 => None,
        cell_len => Some(cells[stream.below(cell_len as u32) as usize]),
    }
}

/// The mazes of episodes, and how long these last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The side of the world, which every maze fills.
    pub world: u8,
    /// The side of the region in the top-right corner, as in training.
    pub region: u8,
    /// Steps allowed where a situation says nothing else.
    pub timeout: u16,
}

impl Setting {
    /// Mazes of this side with a region of that side.
    pub fn new(world: u8, region: u8, timeout: u16) -> Self {
        Self {
            world,
            region,
            timeout,
        }
    }
}

/// One episode to be played: a level made into a situation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// The level seed.
    pub seed: u32,
    /// The level, mouse and cheese in place.
    pub level: Level,
    /// The side of the region, as in training.
    pub region: u8,
    /// Steps allowed.
    pub limit: u16,
    /// S4 alone: where the ways to cheese and corner part.
    pub decision: Option<Decision>,
}

/// The first `count` tasks of a situation and split. S2 and S3 allow the shortest path and 4 steps,
/// the others `timeout` steps.
///
/// # Errors
/// A world that is even or outside of 5 to 31, a region that leaves no room for the situation, a
/// timeout of 0, or more tasks than the split has levels for.
pub fn tasks(
    situation: Situation,
    split: Split,
    setting: Setting,
    count: usize,
) -> Result<Vec<Task>, Error> {
    let Setting { world, region, .. } = setting;
    // Before the region: the error about an impossible world is the one to see first.
    let full_size = full_size_seeds(split.seeds(), world)?;
    situation.check(world, region)?;
    if setting.timeout == 0 {
        return Err(Error::Timeout);
    }
    let mut tasks = Vec::new();
    let mut miss_len = 0;
    for seed in full_size {
        if tasks.len() == count || miss_len == MAX_MISSES {
            break;
        }
        match situation.task(seed, setting)? {
            Some(task) => {
                tasks.push(task);
                miss_len = 0;
            }
            None => miss_len += 1,
        }
    }
    if tasks.len() < count {
        return Err(Error::Situation {
            situation: situation.name(),
            expected: "enough levels that show it among the split's seeds",
            region,
            world,
        });
    }
    Ok(tasks)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: u16 = 77;

    /// The definitions, said once more in terms of path lengths and coordinates alone.
    fn satisfies(situation: Situation, task: &Task) -> bool {
        let (level, region) = (&task.level, task.region);
        let start = Cell { x: 0, y: 0 };
        let corner = level.top_right();
        let within = |cell: Cell, side: u8| cell.x.min(cell.y) >= level.world - side;
        let steps = |a, b| distances(level, a).get(b).unwrap();
        let Some(cheese) = level.cheese else {
            return situation == Situation::S5 && level.mouse == start && task.limit == TIMEOUT;
        };
        assert!(!level.is_wall(cheese) && !level.is_wall(level.mouse));
        let away = steps(level.mouse, cheese);
        let at_start = level.mouse == start && task.limit == TIMEOUT;
        assert_eq!(task.decision.is_some(), situation == Situation::S4);
        match situation {
            Situation::S1 => at_start && within(cheese, region),
            Situation::S2 => {
                let is_apart = away >= 3 && task.limit == away + 4;
                level.mouse == corner && within(cheese, region) && is_apart
            }
            Situation::S3 => {
                let is_near = (3..=5).contains(&away) && task.limit == away + 4;
                !within(cheese, region + 2) && is_near
            }
            Situation::S4 => {
                let square = task.decision.unwrap();
                let [to_cheese, to_corner] = [square.to_cheese, square.to_corner]
                    .map(|step| level.neighbour(square.cell, step));
                let left = |target| steps(square.cell, target);
                at_start
                    && !within(cheese, region)
                    && steps(start, square.cell) + left(cheese) == away
                    && steps(start, square.cell) + left(corner) == steps(start, corner)
                    && steps(to_cheese, cheese) + 1 == left(cheese)
                    && steps(to_corner, corner) + 1 == left(corner)
                    && to_cheese != to_corner
            }
            Situation::S5 => false,
        }
    }

    #[test]
    fn every_task_is_what_its_situation_says() {
        for (world, region) in [(5, 4), (9, 3), (11, 3), (25, 5), (31, 1), (31, 28)] {
            for situation in Situation::ALL {
                let made = tasks(
                    situation,
                    Split::Test,
                    Setting::new(world, region, TIMEOUT),
                    40,
                );
                if situation.check(world, region).is_err() {
                    assert!(made.is_err());
                    continue;
                }
                let made = made.unwrap();
                assert_eq!(made.len(), 40);
                for task in &made {
                    assert_eq!([task.level.world, task.level.maze_dim], [world; 2]);
                    assert!(Split::Test.seeds().contains(&task.seed));
                    assert!(satisfies(situation, task), "{situation:?} {task:?}");
                }
                assert!(made.windows(2).all(|pair| pair[0].seed < pair[1].seed));
            }
        }
    }

    #[test]
    fn fewer_tasks_are_a_prefix_of_more_and_splits_share_no_level() {
        for situation in Situation::ALL {
            let made = |split, count| {
                tasks(situation, split, Setting::new(11, 3, TIMEOUT), count).unwrap()
            };
            let more = made(Split::Selection, 50);
            assert_eq!(made(Split::Selection, 20), more[..20]);
            assert_eq!(made(Split::Selection, 0), []);
            for other in [Split::Train, Split::Curve, Split::Discovery, Split::Test] {
                let other = made(other, 50);
                let shares = |task: &Task| other.iter().any(|another| another.seed == task.seed);
                assert!(!more.iter().any(shares));
            }
        }
    }

    #[test]
    fn positions_are_drawn_over_all_cells_allowed() {
        let made = tasks(
            Situation::S2,
            Split::Curve,
            Setting::new(11, 3, TIMEOUT),
            400,
        )
        .unwrap();
        let mut cheeses: Vec<Cell> = made.iter().filter_map(|task| task.level.cheese).collect();
        cheeses.sort();
        cheeses.dedup();
        // The 3 x 3 region less its middle, which is always wall, and the corner; next to the
        // corner is either wall or one step away.
        assert_eq!(cheeses.len(), 5);
    }

    #[test]
    fn worlds_without_room_for_a_situation_are_refused() {
        let fault = |situation, world, region| {
            let made = tasks(
                situation,
                Split::Test,
                Setting::new(world, region, TIMEOUT),
                1,
            );
            made.unwrap_err().to_string()
        };
        for (situation, region) in [
            (Situation::S1, 11),
            (Situation::S2, 2),
            (Situation::S2, 11),
            (Situation::S3, 9),
            (Situation::S3, 255),
            (Situation::S4, 11),
            (Situation::S5, 200),
        ] {
            let message = fault(situation, 11, region);
            let named = [
                situation.name(),
                &format!("region of {region} "),
                "world of 11",
            ];
            assert!(named.iter().all(|name| message.contains(name)), "{message}");
        }
        assert!(fault(Situation::S1, 12, 3).contains("found 12"));
        let no_time = tasks(Situation::S1, Split::Test, Setting::new(11, 3, 0), 1);
        assert_eq!(no_time, Err(Error::Timeout));
    }
}
