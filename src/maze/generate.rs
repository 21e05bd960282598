//! Levels from seeds, draw for draw as procgen 0.10.7 (`maze`) and its goal-misgeneralisation fork
//! (`maze_aisc`) make them.
//!
//! The maze is Kruskal's spanning tree over the cells with even coordinates, walls taken at random
//! from a list that keeps its order. Cost: about 7 us a level at W = 25.

use serde::{Deserialize, Serialize};

use super::level::odd_world;
use super::mt19937::Mt19937;
use super::{Cell, Error, Level};

/// Where the cheese may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// `maze`: on any free cell but the start.
    Anywhere,
    /// `maze_aisc`: in the maze's top-right square of this side; 0 is the corner cell itself. A
    /// maze no larger than the region has its cheese anywhere.
    Corner {
        /// The side of the square.
        region: u8,
    },
}

/// The level of this seed in a world of side `world`.
///
/// # Errors
/// A world that is even or outside of 5 to 31; a region larger than the world.
pub fn generate(seed: u32, world: u8, variant: Variant) -> Result<Level, Error> {
    check(world, variant)?;
    Ok(build(seed, world, variant))
}

/// The side of the level's maze, from the first draws alone.
///
/// # Errors
/// A world that is even or outside of 5 to 31.
pub fn maze_dim(seed: u32, world: u8) -> Result<u8, Error> {
    Ok(begin(seed, odd_world(usize::from(world))?).1)
}

/// Whether levels of this kind exist.
pub(super) fn check(world: u8, variant: Variant) -> Result<(), Error> {
    odd_world(usize::from(world))?;
    match variant {
        Variant::Corner { region } if region > world => Err(Error::Region {
            found: region,
            world,
        }),
        _ => Ok(()),
    }
}

/// The generator after its first draws, and the side of the maze; the world has been checked.
pub(super) fn begin(seed: u32, world: u8) -> (Mt19937, u8) {
    let mut random = Mt19937::new(seed);
    // The offset and the choice of the background picture, which no one sees here.
    random.next_u32();
    random.next_u32();
    let size_len = u32::from(world - 1) / 2;
    let maze_dim = random.randn(size_len) as u8 * 2 + 3;
    (random, maze_dim)
}

/// The level; world and variant have been checked.
pub(super) fn build(seed: u32, world: u8, variant: Variant) -> Level {
    let (mut random, maze_dim) = begin(seed, world);
    let mut level = Level::solid(world, maze_dim);
    let free_cells = carve(&mut random, &mut level);
    level.cheese = place_cheese(&mut random, &level, &free_cells, variant);
    level
}

/// A wall between two rooms, in coordinates of the maze.
#[derive(Clone, Copy)]
struct Wall {
    ends: [(u8, u8); 2],
    middle: (u8, u8),
}

/// Cuts the spanning tree and returns the freed cells in the order in which they became free, the
/// order the cheese is drawn from.
fn carve(random: &mut Mt19937, level: &mut Level) -> Vec<Cell> {
    let dim = level.maze_dim;
    let mut walls = Vec::new();
    for x in (1..dim).step_by(2) {
        for y in (0..dim).step_by(2) {
            walls.push(Wall {
                ends: [(x - 1, y), (x + 1, y)],
                middle: (x, y),
            });
        }
    }
    for x in (0..dim).step_by(2) {
        for y in (1..dim).step_by(2) {
            walls.push(Wall {
                ends: [(x, y - 1), (x, y + 1)],
                middle: (x, y),
            });
        }
    }
    let mut sets = RoomSets::new(dim);
    let margin = level.margin();
    let mut free_cells = Vec::new();
    while !walls.is_empty() {
        let wall = walls.remove(random.randn(walls.len() as u32) as usize);
        let [one, other] = wall.ends;
        if !sets.join(one, other) {
            continue;
        }
        for (x, y) in [one, wall.middle, other] {
            let cell = Cell {
                x: margin + x,
                y: margin + y,
            };
            if level.is_wall(cell) {
                level.free(cell);
                free_cells.push(cell);
            }
        }
    }
    free_cells
}

/// Which rooms are connected so far: disjoint sets, each room pointing towards its set's root.
struct RoomSets {
    parent: Vec<usize>,
    side_len: usize,
}

impl RoomSets {
    fn new(maze_dim: u8) -> Self {
        let side_len = usize::from(maze_dim / 2) + 1;
        Self {
            parent: (0..side_len * side_len).collect(),
            side_len,
        }
    }

    fn root(&mut self, x: u8, y: u8) -> usize {
        let mut room = usize::from(y / 2) * self.side_len + usize::from(x / 2);
        while self.parent[room] != room {
            self.parent[room] = self.parent[self.parent[room]];
            room = self.parent[room];
        }
        room
    }

    /// Makes one set of two rooms' sets; false if they were one already.
    fn join(&mut self, one: (u8, u8), other: (u8, u8)) -> bool {
        let (one, other) = (self.root(one.0, one.1), self.root(other.0, other.1));
        self.parent[one] = other;
        one != other
    }
}

/// The cheese; `None` if `maze_aisc` runs out of tries, as it does in rare large mazes with a tiny
/// region.
fn place_cheese(
    random: &mut Mt19937,
    level: &Level,
    free_cells: &[Cell],
    variant: Variant,
) -> Option<Cell> {
    let mut draw = || free_cells[random.randn(free_cells.len() as u32) as usize];
    match variant {
        Variant::Anywhere => loop {
            let cell = draw();
            if cell != level.mouse {
                return Some(cell);
            }
        },
        Variant::Corner { region: 0 } => Some(level.top_right()),
        Variant::Corner { region } => {
            // The cell `maze` would have chosen first, drawn there and thrown away.
            draw();
            (0..100 * u32::from(level.maze_dim))
                .map(|_| draw())
                .find(|&cell| cell != level.mouse && level.in_region(cell, region))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::distances;
    use super::*;

    proptest! {
        #[test]
        fn the_maze_is_a_spanning_tree(seed: u32, half in 2u8..=15, region in 0u8..=31) {
            let world = half * 2 + 1;
            let variant = Variant::Corner { region: region.min(world) };
            let level = generate(seed, world, variant).unwrap();
            let dim = level.maze_dim;
            prop_assert_eq!(dim, maze_dim(seed, world).unwrap());
            prop_assert!(dim % 2 == 1 && (3..=world).contains(&dim));
            let cells = level.free_cells();
            // A tree over n rooms has n - 1 passages; connected with that many edges is a tree.
            let room_len = (usize::from(dim) / 2 + 1).pow(2);
            prop_assert_eq!(cells.len(), 2 * room_len - 1);
            let from_start = distances(&level, level.mouse);
            prop_assert!(cells.iter().all(|&cell| from_start.get(cell).is_some()));
            let margin = level.margin();
            for cell in cells {
                let (x, y) = (cell.x - margin, cell.y - margin);
                prop_assert!(x < dim && y < dim && !(x % 2 == 1 && y % 2 == 1));
            }
            if let Some(cheese) = level.cheese {
                prop_assert!(!level.is_wall(cheese) && cheese != level.mouse);
                prop_assert!(level.in_region(cheese, region));
            }
            let walls_only = |mut level: Level| { level.cheese = None; level };
            let anywhere = generate(seed, world, Variant::Anywhere).unwrap();
            prop_assert!(anywhere.cheese.is_some());
            prop_assert_eq!(walls_only(anywhere), walls_only(level));
        }
    }

    #[test]
    fn impossible_worlds_and_regions_are_refused() {
        for world in [0, 3, 4, 14, 32, 33, 255] {
            let fault = Error::World {
                found: usize::from(world),
            };
            assert_eq!(generate(0, world, Variant::Anywhere), Err(fault.clone()));
            assert_eq!(maze_dim(0, world), Err(fault));
        }
        let corner = |region| generate(0, 15, Variant::Corner { region });
        assert!(corner(15).is_ok());
        let fault = corner(16).unwrap_err().to_string();
        assert!(fault.contains("15") && fault.contains("16"), "{fault}");
    }

    #[test]
    fn a_hard_to_hit_region_can_leave_a_level_without_cheese() {
        let corner = Variant::Corner { region: 1 };
        let without = (0..20_000).filter(|&seed| build(seed, 31, corner).cheese.is_none());
        assert!(without.count() > 0);
    }
}
