//! What is known of a maze before its seed: the list of walls that Kruskal's algorithm draws from,
//! one list a side D, made when the program is compiled; and the remainders those draws take.

/// The largest number of rooms, at D = 31.
const ROOMS_MAX: usize = 256;
/// The largest number of cells a maze frees, at D = 31: the rooms and one wall fewer.
pub const FREE_MAX: usize = 2 * ROOMS_MAX - 1;

/// A place in the maze: the bits of x below those of y.
pub type Packed = u16;

/// Packs a place in the maze.
pub const fn pack(x: usize, y: usize) -> Packed {
    (y << 5 | x) as Packed
}

/// Column and row of a place.
#[inline(always)]
pub fn unpack(place: Packed) -> (u8, u8) {
    ((place & 31) as u8, (place >> 5) as u8)
}

/// A wall between two rooms, in procgen's order of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wall {
    /// The rooms, counted row by row.
    pub rooms: [u8; 2],
    /// Their places.
    pub ends: [Packed; 2],
    /// The place between them.
    pub middle: Packed,
}

/// Rooms on a side of the largest maze, less one.
const HALF_MAX: usize = 15;

const fn list_len(half: usize) -> usize {
    2 * half * (half + 1)
}

const fn starts() -> [usize; HALF_MAX + 2] {
    let mut starts = [0; HALF_MAX + 2];
    let mut half = 1;
    while half <= HALF_MAX {
        starts[half + 1] = starts[half] + list_len(half);
        half += 1;
    }
    starts
}

const STARTS: [usize; HALF_MAX + 2] = starts();

static LISTS: [Wall; STARTS[HALF_MAX + 1]] = lists();

const fn lists() -> [Wall; STARTS[HALF_MAX + 1]] {
    let none = Wall {
        rooms: [0; 2],
        ends: [0; 2],
        middle: 0,
    };
    let mut walls = [none; STARTS[HALF_MAX + 1]];
    let (mut at, mut half) = (0, 1);
    while half <= HALF_MAX {
        let side_len = half + 1;
        // Walls between rooms side by side, column by column; then those between rooms one above
        // the other, column by column.
        let mut column = 0;
        while column < half {
            let mut row = 0;
            while row < side_len {
                let room = row * side_len + column;
                walls[at] = Wall {
                    rooms: [room as u8, room as u8 + 1],
                    ends: [pack(2 * column, 2 * row), pack(2 * column + 2, 2 * row)],
                    middle: pack(2 * column + 1, 2 * row),
                };
                at += 1;
                row += 1;
            }
            column += 1;
        }
        column = 0;
        while column < side_len {
            let mut row = 0;
            while row < half {
                let room = row * side_len + column;
                walls[at] = Wall {
                    rooms: [room as u8, (room + side_len) as u8],
                    ends: [pack(2 * column, 2 * row), pack(2 * column, 2 * row + 2)],
                    middle: pack(2 * column, 2 * row + 1),
                };
                at += 1;
                row += 1;
            }
            column += 1;
        }
        half += 1;
    }
    walls
}

/// The walls of a maze of side `maze_dim`, in the order in which procgen pushes them.
///
/// # Panics
/// If no maze has this side.
#[inline(always)]
pub fn walls(maze_dim: u8) -> &'static [Wall] {
    let half = usize::from(maze_dim / 2);
    &LISTS[STARTS[half]..STARTS[half + 1]]
}

/// `2^64 / n`, rounded up, at `n`: the remainder by `n` of any 32-bit word then takes two
/// multiplications (Lemire, Kaser and Kurz 2019, "Faster remainder by direct computation").
static RECIPROCALS: [u64; FREE_MAX + 1] = reciprocals();

const fn reciprocals() -> [u64; FREE_MAX + 1] {
    let mut reciprocals = [0u64; FREE_MAX + 1];
    let mut n = 1;
    while n <= FREE_MAX {
        reciprocals[n] = (u64::MAX / n as u64).wrapping_add(1);
        n += 1;
    }
    reciprocals
}

/// `word % n`, exactly, for `n` from 1 to `FREE_MAX`.
///
/// # Panics
/// If `n` is larger.
#[inline(always)]
pub fn remainder(word: u32, n: usize) -> usize {
    let fraction = RECIPROCALS[n].wrapping_mul(u64::from(word));
    ((u128::from(fraction) * n as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_are_exact_next_to_every_kind_of_edge() {
        let mut word = 1u32;
        for n in 1..=FREE_MAX {
            let near =
                |word: u32| (0..3).flat_map(move |d| [word.wrapping_add(d), word.wrapping_sub(d)]);
            let last_multiple = u32::MAX - u32::MAX % n as u32;
            let random = (0..200).map(|_| {
                word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                word
            });
            let random: Vec<u32> = random.collect();
            let multiples = random.iter().map(|word| word - word % n as u32);
            for word in [0, n as u32, last_multiple, u32::MAX, 1 << 31]
                .into_iter()
                .chain(multiples)
                .flat_map(near)
                .chain(random.iter().copied())
            {
                assert_eq!(remainder(word, n), word as usize % n, "{word} by {n}");
            }
        }
    }

    #[test]
    fn lists_have_every_wall_between_neighbouring_rooms_once() {
        for half in 1..=HALF_MAX {
            let dim = 2 * half as u8 + 1;
            let list = walls(dim);
            assert_eq!(list.len(), list_len(half));
            let mut middles = std::collections::BTreeSet::new();
            for wall in list {
                let rooms = wall.ends.map(|end| {
                    let (x, y) = unpack(end);
                    assert!(x % 2 == 0 && y % 2 == 0 && x < dim && y < dim);
                    usize::from(y / 2) * (half + 1) + usize::from(x / 2)
                });
                assert_eq!(rooms, wall.rooms.map(usize::from));
                assert_eq!(2 * wall.middle, wall.ends[0] + wall.ends[1]);
                assert!(wall.ends[0] < wall.ends[1]);
                middles.insert(wall.middle);
            }
            assert_eq!(middles.len(), list.len());
        }
        assert_eq!(walls(31).len(), 480);
    }
}
