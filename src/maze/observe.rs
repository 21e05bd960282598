//! What the policy sees: the whole world as three planes of 0 and 1.
//!
//! Shape `(world, world, 3)`, the channels wall, mouse, cheese; row 0 is the **top** row,
//! y = world - 1, as on a screen.

use super::{Cell, Level};

/// Channels a cell: wall, mouse, cheese.
pub const CHANNEL_LEN: usize = 3;

/// Bytes in the observation of one world.
pub fn observation_len(world: u8) -> usize {
    usize::from(world) * usize::from(world) * CHANNEL_LEN
}

/// Writes the observation of `level` with the mouse at `mouse`.
///
/// # Panics
/// If `out` is not `observation_len(level.world)` long.
pub fn observe(level: &Level, mouse: Cell, out: &mut [u8]) {
    assert_eq!(out.len(), observation_len(level.world));
    for (row, line) in out
        .chunks_exact_mut(usize::from(level.world) * CHANNEL_LEN)
        .enumerate()
    {
        let y = level.world - 1 - row as u8;
        for (x, channels) in line.chunks_exact_mut(CHANNEL_LEN).enumerate() {
            let cell = Cell { x: x as u8, y };
            channels[0] = u8::from(level.is_wall(cell));
            channels[1] = u8::from(cell == mouse);
            channels[2] = u8::from(Some(cell) == level.cheese);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_match_the_drawing_top_row_first() {
        let text = "..C..\n.###.\n.#...\n.#.#.\n.#.#.";
        let level = Level::from_text(text).unwrap();
        let mouse = Cell { x: 4, y: 2 };
        let mut out = vec![9; observation_len(5)];
        observe(&level, mouse, &mut out);
        let plane = |channel| out.iter().skip(channel).step_by(3).copied();
        let drawn = text.chars().filter(|c| *c != '\n');
        assert!(plane(0).eq(drawn.clone().map(|c| u8::from(c == '#'))));
        assert!(plane(2).eq(drawn.map(|c| u8::from(c == 'C'))));
        assert!(plane(1).eq((0..25).map(|i| u8::from(i == 2 * 5 + 4))));
    }
}
