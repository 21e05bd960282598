//! One level: its walls, the mouse's start and the cheese; and its text form.
//!
//! The world is a square of odd side W; the maze is the D x D square in its middle, everything
//! around it is wall. Text has one line a row, the top row first: `#` wall, `.` free, `C` cheese,
//! `M` mouse, which is left out where it stands at the maze's bottom-left cell as it does in every
//! level procgen draws.

use serde::{Deserialize, Serialize};

use super::Error;
use super::cell::Cell;

/// The largest world: procgen's memory mode.
pub const MAX_WORLD: u8 = 31;
const MIN_WORLD: u8 = 5;

/// One step of the mouse; as a number, the action of the four-action set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Move {
    /// x - 1.
    Left = 0,
    /// x + 1.
    Right = 1,
    /// y + 1.
    Up = 2,
    /// y - 1.
    Down = 3,
}

impl Move {
    /// Every move, in the order of its number.
    pub const ALL: [Move; 4] = [Move::Left, Move::Right, Move::Up, Move::Down];
}

/// One level. The walls are one bit mask a row, so that a level is small and compares quickly.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Level {
    /// W, the side of the world: odd, 5 to 31.
    pub world: u8,
    /// D, the side of the maze in its middle: odd, at most `world`.
    pub maze_dim: u8,
    /// Where an episode starts.
    pub mouse: Cell,
    /// The cheese; none in a level without.
    pub cheese: Option<Cell>,
    /// Bit x of word y: the cell is wall.
    pub(super) walls: [u32; MAX_WORLD as usize],
}

impl Level {
    /// A level that is all wall, for the generator to carve; the mouse at the bottom-left cell.
    pub(super) fn solid(world: u8, maze_dim: u8) -> Self {
        let margin = (world - maze_dim) / 2;
        Self {
            world,
            maze_dim,
            mouse: Cell {
                x: margin,
                y: margin,
            },
            cheese: None,
            walls: [u32::MAX; MAX_WORLD as usize],
        }
    }

    /// Turns a wall into a free cell.
    pub(super) fn free(&mut self, cell: Cell) {
        self.walls[usize::from(cell.y)] &= !(1 << cell.x);
    }

    /// Turns the cells of the square region of this side in the top-right corner into walls, as they
    /// are where a maze is smaller than its world.
    pub fn close_corner(&mut self, region: u8) {
        for y in 0..self.world {
            for x in 0..self.world {
                if self.in_region(Cell { x, y }, region) {
                    self.walls[usize::from(y)] |= 1 << x;
                }
            }
        }
    }

    /// Whether the cell is wall, as everything outside of the world is.
    pub fn is_wall(&self, cell: Cell) -> bool {
        cell.x >= self.world
            || cell.y >= self.world
            || self.walls[usize::from(cell.y)] >> cell.x & 1 == 1
    }

    /// Where a step from `cell` leads: the same cell when a wall or the world's edge is in the way.
    pub fn neighbour(&self, cell: Cell, step: Move) -> Cell {
        let Cell { x, y } = cell;
        let to = match step {
            Move::Left => Cell {
                x: x.saturating_sub(1),
                y,
            },
            Move::Right => Cell {
                x: x.saturating_add(1),
                y,
            },
            Move::Up => Cell {
                x,
                y: y.saturating_add(1),
            },
            Move::Down => Cell {
                x,
                y: y.saturating_sub(1),
            },
        };
        if self.is_wall(to) { cell } else { to }
    }

    /// Rows and columns of wall on each side of the maze.
    pub fn margin(&self) -> u8 {
        (self.world - self.maze_dim) / 2
    }

    /// The maze's bottom-left cell, where procgen's mouse starts.
    pub fn bottom_left(&self) -> Cell {
        let margin = self.margin();
        Cell {
            x: margin,
            y: margin,
        }
    }

    /// The maze's top-right cell, "the corner".
    pub fn top_right(&self) -> Cell {
        let last = self.margin() + self.maze_dim - 1;
        Cell { x: last, y: last }
    }

    /// Whether the cell is in the maze's top-right square of side `min(region, D)`. A region of 0
    /// is the corner cell alone, as in `maze_aisc`.
    pub fn in_region(&self, cell: Cell, region: u8) -> bool {
        let (first, last) = (self.region_first(region), self.top_right());
        (first..=last.x).contains(&cell.x) && (first..=last.y).contains(&cell.y)
    }

    /// The first column, and row, of the region where it is a part of the maze alone. A maze no larger
    /// than its region has none: the cheese may be anywhere in it, and there is no way into the region.
    pub fn proper_region_first(&self, region: u8) -> Option<u8> {
        (self.maze_dim > region).then(|| self.region_first(region))
    }

    /// The first column, and row, of that square.
    pub fn region_first(&self, region: u8) -> u8 {
        self.top_right().x + 1 - region.clamp(1, self.maze_dim)
    }

    /// Every cell that is not wall, row by row from the bottom, each from the left.
    pub fn free_cells(&self) -> Vec<Cell> {
        self.cells().filter(|&cell| !self.is_wall(cell)).collect()
    }

    /// Every cell of the world, row by row from the bottom, each from the left.
    fn cells(&self) -> impl Iterator<Item = Cell> + use<> {
        let world = self.world;
        (0..world).flat_map(move |y| (0..world).map(move |x| Cell { x, y }))
    }

    /// The level as text, the top row first.
    pub fn rows(&self) -> Vec<String> {
        let character = |cell: Cell| {
            if self.cheese == Some(cell) {
                'C'
            } else if self.mouse == cell && cell != self.bottom_left() {
                'M'
            } else if self.is_wall(cell) {
                '#'
            } else {
                '.'
            }
        };
        (0..self.world)
            .rev()
            .map(|y| (0..self.world).map(|x| character(Cell { x, y })).collect())
            .collect()
    }

    /// The grid as procgen holds it in memory, one byte a cell, row by row from the bottom: 51
    /// wall, 100 free, 2 cheese; the mouse is not in it. The golden levels carry its SHA-256.
    pub fn procgen_grid(&self) -> Vec<u8> {
        self.cells()
            .map(|cell| match () {
                () if self.cheese == Some(cell) => 2,
                () if self.is_wall(cell) => 51,
                () => 100,
            })
            .collect()
    }

    /// Reads a level from text; empty lines at the end are left aside. The maze is the smallest
    /// square in the middle of the world that holds every free cell.
    ///
    /// # Errors
    /// A world that is not a square of odd side from 5 to 31, a character of no meaning, a second
    /// cheese or mouse, no free cell, or no `M` and a bottom-left cell that cannot hold the mouse.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let lines: Vec<&str> = text.trim_end().lines().collect();
        let world = odd_world(lines.len()).map_err(|_| Error::Text {
            line: lines.len().max(1),
            column: 1,
            expected: "an odd number of lines from 5 to 31",
            found: lines.len().to_string(),
        })?;
        let mut level = Self::solid(world, world);
        let mut mouse = None;
        for (row, line) in lines.iter().enumerate() {
            let wrong = |column: usize, expected, found: String| Error::Text {
                line: row + 1,
                column: column + 1,
                expected,
                found,
            };
            let line_len = line.chars().count();
            if line_len != lines.len() {
                let found = format!("{line_len} in {} lines", lines.len());
                let column = line_len.min(lines.len());
                return Err(wrong(column, "as many characters as lines", found));
            }
            for (column, character) in line.chars().enumerate() {
                let cell = Cell {
                    x: column as u8,
                    y: world - 1 - row as u8,
                };
                match character {
                    '#' => continue,
                    '.' => {}
                    'C' if level.cheese.is_none() => level.cheese = Some(cell),
                    'M' if mouse.is_none() => mouse = Some(cell),
                    'C' => return Err(wrong(column, "one cheese", "a second C".to_owned())),
                    'M' => return Err(wrong(column, "one mouse", "a second M".to_owned())),
                    other => return Err(wrong(column, "one of # . C M", format!("{other:?}"))),
                }
                level.free(cell);
            }
        }
        let edge = |cell: Cell| {
            let last = world - 1;
            cell.x.min(cell.y).min(last - cell.x).min(last - cell.y)
        };
        let Some(margin) = level.free_cells().into_iter().map(edge).min() else {
            return Err(Error::Text {
                line: 1,
                column: 1,
                expected: "at least one free cell",
                found: "wall only".to_owned(),
            });
        };
        level.maze_dim = world - 2 * margin;
        level.mouse = mouse.unwrap_or(level.bottom_left());
        if level.is_wall(level.mouse) || level.cheese == Some(level.mouse) {
            return Err(Error::Text {
                line: usize::from(world - level.mouse.y),
                column: usize::from(level.mouse.x) + 1,
                expected: "an M somewhere or a free cell for the mouse here",
                found: if level.is_wall(level.mouse) { "#" } else { "C" }.to_owned(),
            });
        }
        Ok(level)
    }
}

/// The side of a world, checked.
pub(super) fn odd_world(world: usize) -> Result<u8, Error> {
    match u8::try_from(world) {
        Ok(side) if side % 2 == 1 && (MIN_WORLD..=MAX_WORLD).contains(&side) => Ok(side),
        _ => Err(Error::World { found: world }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Variant, generate};
    use super::*;

    proptest! {
        #[test]
        fn text_reads_back_wherever_the_mouse_is(seed: u32, half in 2u8..=15, nth: usize) {
            let mut level = generate(seed, half * 2 + 1, Variant::Anywhere).unwrap();
            prop_assert_eq!(&Level::from_text(&level.rows().join("\n")).unwrap(), &level);
            let cells = level.free_cells();
            let mouse = cells[nth % cells.len()];
            prop_assume!(level.cheese != Some(mouse));
            level.mouse = mouse;
            prop_assert_eq!(Level::from_text(&(level.rows().join("\r\n") + "\r\n\n")).unwrap(), level);
        }

        #[test]
        fn any_text_gives_a_level_or_an_error(text in "[#.CMx\n]{0,60}", square in "([#.CM]{5}\n){5}") {
            let _ = Level::from_text(&text);
            if let Ok(level) = Level::from_text(&square) {
                prop_assert!(!level.is_wall(level.mouse));
            }
        }
    }

    #[test]
    fn malformed_text_is_named_by_line_and_column() {
        let fault = |text: &str| Level::from_text(text).unwrap_err().to_string();
        let at = |text: &str, place: &str, what: &str| {
            let message = fault(text);
            assert!(
                message.contains(place) && message.contains(what),
                "{message}"
            );
        };
        at(
            "#####\n#..x#\n#.#.#\n#...#\n#####\n",
            "line 2, column 4",
            "'x'",
        );
        at(
            "#####\n#...#\n#.#.#\n#.#\n#####",
            "line 4, column 4",
            "3 in 5 lines",
        );
        at(
            "#####\n#...#\n#.#.#\n#...##\n#####",
            "line 4, column 6",
            "6 in 5 lines",
        );
        at(
            "#####\n#C..#\n#.#C#\n#...#\n#####",
            "line 3, column 4",
            "a second C",
        );
        at(
            "#####\n#M..#\n#.#M#\n#...#\n#####",
            "line 3, column 4",
            "a second M",
        );
        at(
            "#####\n#...#\n#.#.#\n##..#\n#####",
            "line 4, column 2",
            "found #",
        );
        at(
            "#####\n#...#\n#.#.#\n#C..#\n#####",
            "line 4, column 2",
            "found C",
        );
        at(
            "#####\n#####\n#####\n#####\n#####",
            "line 1, column 1",
            "wall only",
        );
        at(
            "####\n####\n####\n####",
            "line 4",
            "an odd number of lines from 5 to 31, found 4",
        );
        at("", "line 1", "found 0");
    }

    #[test]
    fn region_walls_and_steps() {
        let level = Level::from_text("..C..\n.###.\n...#.\n.#.#.\n.###.").unwrap();
        assert_eq!((level.maze_dim, level.margin()), (5, 0));
        assert_eq!(level.top_right(), Cell { x: 4, y: 4 });
        let cheese = Cell { x: 2, y: 4 };
        assert_eq!(level.cheese, Some(cheese));
        let inside = |region| level.in_region(cheese, region);
        assert_eq!(
            [0, 1, 2, 3, 200].map(inside),
            [false, false, false, true, true]
        );
        assert!(level.in_region(level.top_right(), 0) && !level.in_region(level.mouse, 4));

        let steps = |cell| Move::ALL.map(|step| level.neighbour(cell, step));
        let start = level.mouse;
        assert_eq!(steps(start), [start, start, Cell { x: 0, y: 1 }, start]);
        let top = level.top_right();
        assert_eq!(
            steps(top),
            [Cell { x: 3, y: 4 }, top, top, Cell { x: 4, y: 3 }]
        );

        let small =
            Level::from_text("#######\n#######\n##...##\n##.#.##\n##.#.##\n#######\n#######");
        let small = small.unwrap();
        assert_eq!((small.maze_dim, small.mouse), (3, Cell { x: 2, y: 2 }));
        assert!(!small.in_region(Cell { x: 6, y: 6 }, 5));
    }
}
