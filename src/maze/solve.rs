//! Path lengths, shortest paths and the decision square, by breadth-first search.
//!
//! In a generated level, a tree, the shortest path is the only one. In a drawn level with loops
//! the path returned prefers left, right, up, down in this order at every step.

use serde::{Deserialize, Serialize};

use super::{Cell, Level, Move};

const UNREACHED: u16 = u16::MAX;

/// Path lengths in steps from one cell to every other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Distances {
    world: u8,
    steps: Vec<u16>,
}

impl Distances {
    fn index(&self, cell: Cell) -> usize {
        usize::from(cell.y) * usize::from(self.world) + usize::from(cell.x)
    }

    /// Steps to the cell; none if it cannot be reached or is outside of the world.
    pub fn get(&self, cell: Cell) -> Option<u16> {
        if cell.x >= self.world || cell.y >= self.world {
            return None;
        }
        Some(self.steps[self.index(cell)]).filter(|&steps| steps != UNREACHED)
    }
}

/// Path lengths from `from`; nothing is reached from within a wall.
pub fn distances(level: &Level, from: Cell) -> Distances {
    let world = usize::from(level.world);
    let mut result = Distances {
        world: level.world,
        steps: vec![UNREACHED; world * world],
    };
    if level.is_wall(from) {
        return result;
    }
    let start = result.index(from);
    result.steps[start] = 0;
    let mut queue = vec![from];
    let mut next = 0;
    while let Some(&cell) = queue.get(next) {
        next += 1;
        let steps = result.steps[result.index(cell)] + 1;
        for step in Move::ALL {
            let to = level.neighbour(cell, step);
            let index = result.index(to);
            if result.steps[index] == UNREACHED {
                result.steps[index] = steps;
                queue.push(to);
            }
        }
    }
    result
}

/// A shortest path from `a` to `b`, both included; none if there is none.
pub fn shortest_path(level: &Level, a: Cell, b: Cell) -> Option<Vec<Cell>> {
    let to_b = distances(level, b);
    let mut left = to_b.get(a)?;
    let mut path = vec![a];
    let mut cell = a;
    while left > 0 {
        left -= 1;
        cell = Move::ALL
            .map(|step| level.neighbour(cell, step))
            .into_iter()
            .find(|&to| to_b.get(to) == Some(left))?;
        path.push(cell);
    }
    Some(path)
}

/// The cell where the ways to the cheese and to the corner part, and the two moves there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// The decision square.
    pub cell: Cell,
    /// The move there towards the cheese.
    pub to_cheese: Move,
    /// The move there towards the top-right cell.
    pub to_corner: Move,
}

/// The decision at the last cell that the paths from the mouse to the cheese and to the top-right
/// cell have in common; none without a cheese, or if one path is the beginning of the other.
pub fn decision(level: &Level) -> Option<Decision> {
    let to_cheese = shortest_path(level, level.mouse, level.cheese?)?;
    let to_corner = shortest_path(level, level.mouse, level.top_right())?;
    let common_len = to_cheese
        .iter()
        .zip(&to_corner)
        .take_while(|(one, other)| one == other)
        .count();
    let cell = to_cheese[common_len - 1];
    let toward = |path: &[Cell]| {
        let to = *path.get(common_len)?;
        Move::ALL
            .into_iter()
            .find(|&step| level.neighbour(cell, step) == to)
    };
    Some(Decision {
        cell,
        to_cheese: toward(&to_cheese)?,
        to_corner: toward(&to_corner)?,
    })
}

/// The decision square alone.
pub fn decision_square(level: &Level) -> Option<Cell> {
    decision(level).map(|decision| decision.cell)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Variant, generate};
    use super::*;

    /// Relaxes every cell from its neighbours until nothing changes.
    fn naive(level: &Level, from: Cell) -> Vec<Option<u16>> {
        let cells = level.free_cells();
        let mut steps: Vec<Option<u16>> = cells
            .iter()
            .map(|&cell| (cell == from).then_some(0))
            .collect();
        loop {
            let before = steps.clone();
            for (i, &one) in cells.iter().enumerate() {
                for (j, &other) in cells.iter().enumerate() {
                    let apart = one.x.abs_diff(other.x) + one.y.abs_diff(other.y);
                    if let (1, Some(through)) = (apart, steps[j])
                        && steps[i].is_none_or(|known| known > through + 1)
                    {
                        steps[i] = Some(through + 1);
                    }
                }
            }
            if steps == before {
                return steps;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn search_agrees_with_relaxation_on_any_drawing(
            mut text in proptest::collection::vec("[#.]{9}", 9), nth: usize
        ) {
            text[8].replace_range(0..1, "M");
            let level = Level::from_text(&text.join("\n")).unwrap();
            let cells = level.free_cells();
            let from = cells[nth % cells.len()];
            let found = distances(&level, from);
            let steps = naive(&level, from);
            for (&cell, &expected) in cells.iter().zip(&steps) {
                prop_assert_eq!(found.get(cell), expected);
                let path = shortest_path(&level, cell, from);
                prop_assert_eq!(path.as_ref().map(|path| path.len() as u16 - 1), expected);
                for pair in path.unwrap_or_default().windows(2) {
                    prop_assert!(Move::ALL.iter().any(|&m| level.neighbour(pair[0], m) == pair[1]));
                }
            }
        }
    }

    #[test]
    fn the_decision_is_where_the_paths_part() {
        let level = |text| Level::from_text(text).unwrap();
        let parting = level("C....\n##.##\n..M..\n#####\n#####");
        let cell = Cell { x: 2, y: 4 };
        let expected = Decision {
            cell,
            to_cheese: Move::Left,
            to_corner: Move::Right,
        };
        assert_eq!(decision(&parting), Some(expected));
        assert_eq!(decision_square(&parting), Some(cell));
        let on_the_way = level("..C..\n.####\n.####\n.####\n.####");
        let beyond = level("....C\n.####\n.####\n.####\n.####");
        let behind = level("....M\n.####\n.####\n.####\nC####");
        let walled_off = level("....#\n.####\n.####\n.####\n.#..C");
        for undecided in [on_the_way, beyond, behind, walled_off] {
            assert_eq!(decision(&undecided), None);
        }
    }

    /// Published with the rules of the levels: figures over the levels 0..3000 of `maze` at W = 25.
    #[test]
    fn levels_have_the_known_statistics() {
        let (mut decided, mut outside, mut both) = (0, 0, 0);
        let mut lengths = Vec::new();
        for seed in 0..3000 {
            let level = generate(seed, 25, Variant::Anywhere).unwrap();
            let decides = decision(&level).is_some();
            let is_outside = !level.in_region(level.cheese.unwrap(), 5);
            decided += i32::from(decides);
            outside += i32::from(is_outside);
            both += i32::from(decides && is_outside);
            lengths.push(
                distances(&level, level.mouse)
                    .get(level.top_right())
                    .unwrap(),
            );
        }
        lengths.sort_unstable();
        let share = |count: i32| format!("{:.1}", f64::from(count) / 30.0);
        assert_eq!(
            [decided, outside, both].map(share),
            ["61.9", "70.3", "52.4"]
        );
        assert_eq!([lengths[1500], lengths[2700], lengths[2999]], [32, 60, 112]);
    }
}
