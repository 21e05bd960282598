//! Where the mouse starts.
//!
//! A stream of its own, under the level's seed alone, says which cell it is: a level seed still is one
//! level, and walls and cheese are procgen's either way.

use serde::{Deserialize, Serialize};

use super::{Cell, Level};
use crate::numeric::draws;

/// Where the mouse of a level starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MouseStart {
    /// At the maze's bottom-left cell, as procgen has it.
    #[default]
    BottomLeft,
    /// On any free cell but the cheese's, each equally likely.
    Anywhere,
}

impl MouseStart {
    /// Puts the mouse where it starts in the level of this seed.
    pub(super) fn place(self, level: &mut Level, level_seed: u32) {
        level.mouse = match self {
            Self::BottomLeft => level.bottom_left(),
            Self::Anywhere => anywhere(level, level_seed),
        };
    }
}

/// Cells are counted row by row from the bottom, each row from the left.
fn anywhere(level: &Level, level_seed: u32) -> Cell {
    let free = |y: u8| {
        let cheese = level.cheese.filter(|cheese| cheese.y == y);
        !level.walls[usize::from(y)] & !cheese.map_or(0, |cheese| 1 << cheese.x)
    };
    let count = (0..level.world).map(|y| free(y).count_ones()).sum();
    let mut nth = draws::MOUSE_STARTS
        .stream(level_seed.into(), 0)
        .below(count);
    for y in 0..level.world {
        let mut row = free(y);
        if nth >= row.count_ones() {
            nth -= row.count_ones();
            continue;
        }
        for _ in 0..nth {
            row &= row - 1;
        }
        let x = row.trailing_zeros() as u8;
        return Cell { x, y };
    }
    unreachable!("the draw is below the number of cells")
}

#[cfg(test)]
mod tests {
    use super::super::{Variant, generate};
    use super::*;

    /// Only the mouse differs from procgen's level, it is never on the cheese or in a wall, and each
    /// of the other cells is as likely as any.
    #[test]
    fn the_mouse_starts_on_every_free_cell_but_the_cheeses_equally_often() {
        for (world, variant) in [
            (5, Variant::Corner { region: 0 }),
            (5, Variant::Anywhere),
            (31, Variant::Corner { region: 5 }),
        ] {
            // By the place among the cells that are possible: 6 of them in a maze of 3 cells.
            let mut counts = [0u32; 6];
            for seed in 0..12_000 {
                let expected = generate(seed, world, variant).unwrap();
                let mut level = expected.clone();
                MouseStart::Anywhere.place(&mut level, seed);
                let mut cells = level.free_cells();
                cells.retain(|&cell| Some(cell) != level.cheese);
                let place = cells.iter().position(|&cell| cell == level.mouse).unwrap();
                counts[place * 6 / cells.len()] += 1;
                level.mouse = expected.mouse;
                assert_eq!(level, expected);
                MouseStart::BottomLeft.place(&mut level, seed);
                assert_eq!(level, expected);
            }
            if world == 31 {
                continue;
            }
            // 16 cells in a maze of 5: sixths hold 3, 3, 2, 3, 3, 2 of them.
            let [three, two] = [
                2000.0 * (1.0 + 9.0 / 8.0) / 2.0,
                2000.0 * (1.0 + 6.0 / 8.0) / 2.0,
            ];
            for (count, expected) in counts
                .into_iter()
                .zip([three, three, two, three, three, two])
            {
                let off = f64::from(count) - expected;
                assert!(off.abs() < 5.0 * expected.sqrt(), "{counts:?}, {variant:?}");
            }
        }
    }
}
