//! Levels sixteen at a time: those of [`super::generate()`], draw for draw, at a multiple of its
//! speed.
//!
//! The generators of sixteen seeds run side by side and stop at the words the levels read. The
//! list of walls is a set of bits, of which the n-th is found and cleared; connected rooms have a
//! label in common, and joining two sets relabels all rooms at once, whether there is anything to
//! join or not: nothing waits for an unpredictable branch. No branch but the ends of loops depends
//! on the draws.

use std::array::from_fn;
use std::ops::Range;

use super::generate::{build, check};
use super::mt19937_lanes::{LANES, Mt19937Lanes, WORDS_MAX};
use super::wall_lists::{FREE_MAX, Packed, remainder, unpack, walls};
use super::{Cell, Error, Level, MouseStart, Variant};
use crate::numeric::select::{self, Job, Select};
use crate::numeric::simd::{Path, path};

/// Words before those of the maze: the background's offset and choice, the side of the maze.
const FIRST_WORDS: usize = 3;
/// Words drawn at once where the cheese takes more than was foreseen.
const MORE_WORDS: usize = 16;

/// What generation needs besides seeds, kept from one batch to the next.
#[derive(Clone, Debug)]
pub struct LevelMaker {
    world: u8,
    variant: Variant,
    mouse: MouseStart,
    path: Path,
    random: Mt19937Lanes,
    cells: Box<[Packed; FREE_MAX + 1]>,
}

impl LevelMaker {
    /// A maker of levels of a world and variant that have been checked.
    pub(super) fn new(world: u8, variant: Variant) -> Self {
        Self {
            world,
            variant,
            mouse: MouseStart::BottomLeft,
            path: path(),
            random: Mt19937Lanes::default(),
            cells: Box::new([0; FREE_MAX + 1]),
        }
    }

    /// The same with the mouse starting there.
    pub(super) fn with_mouse(self, mouse: MouseStart) -> Self {
        Self { mouse, ..self }
    }

    /// The sides of the mazes of up to `LANES` seeds; what stands beyond is of no meaning.
    pub fn maze_dims(&mut self, seeds: &[u32]) -> [u8; LANES] {
        select::run_on(self.path, Dims { maker: self, seeds })
    }

    /// Passes the level of each seed, with its place among the seeds, to `take`.
    pub fn levels(&mut self, seeds: &[u32], mut take: impl FnMut(usize, Level)) {
        for (start, seeds) in (0..).step_by(LANES).zip(seeds.chunks(LANES)) {
            let take = |lane, level| take(start + lane, level);
            select::run_on(
                self.path,
                Levels {
                    maker: self,
                    seeds,
                    take,
                },
            );
        }
    }

    #[inline(always)]
    fn begin(&mut self, seeds: &[u32]) -> [u8; LANES] {
        assert!((1..=LANES).contains(&seeds.len()), "one to sixteen seeds");
        self.random
            .seed(from_fn(|lane| seeds[lane.min(seeds.len() - 1)]));
        self.random.draw_to(FIRST_WORDS);
        let size_len = usize::from(self.world - 1) / 2;
        let words = self.random.words()[FIRST_WORDS - 1].0;
        words.map(|word| remainder(word, size_len) as u8 * 2 + 3)
    }

    /// The level of one lane; none if the words of one seeding do not suffice for it.
    #[inline(always)]
    fn level<S: Select>(&mut self, select: S, lane: usize, maze_dim: u8) -> Option<Level> {
        // Bits for the walls and bytes for the rooms, no more of them than hold them.
        let free = match maze_dim {
            ..=15 => self.carve::<S, 2, 64>(select, lane, maze_dim),
            16..=21 => self.carve::<S, 4, 128>(select, lane, maze_dim),
            22..=25 => self.carve::<S, 5, 192>(select, lane, maze_dim),
            _ => self.carve::<S, 8, 256>(select, lane, maze_dim),
        };
        let mut level = Level::solid(self.world, maze_dim);
        let margin = level.margin();
        let side = usize::from(maze_dim);
        let rows = &mut level.walls[usize::from(margin)..][..side];
        for (row, free) in rows.iter_mut().zip(free) {
            *row = !(free << margin);
        }
        level.cheese = self.place_cheese(lane, &level)?;
        Some(level)
    }

    /// Cuts the maze of one lane: the free cells of every row as bits, and in `self.cells` in the
    /// order in which they became free.
    #[inline(always)]
    fn carve<S: Select, const WORDS: usize, const ROOMS: usize>(
        &mut self,
        select: S,
        lane: usize,
        maze_dim: u8,
    ) -> [u32; 32] {
        let walls = walls(maze_dim);
        let words = &self.random.words()[FIRST_WORDS..][..walls.len()];
        // Every room is free in the end.
        let rooms = 0x5555_5555u32 & ((1u64 << maze_dim) - 1) as u32;
        let mut free: [u32; 32] = from_fn(|y| if y % 2 == 0 { rooms } else { 0 });
        let mut left: [u64; WORDS] = from_fn(|i| {
            let beyond = walls.len().saturating_sub(64 * i);
            if beyond >= 64 {
                u64::MAX
            } else {
                (1 << beyond) - 1
            }
        });
        let mut labels: [u8; ROOMS] = from_fn(|room| room as u8);
        let mut fresh = [1u8; ROOMS];
        let mut cell_len = 0;
        let free_len = free_len(maze_dim);
        for (k, word) in words.iter().enumerate() {
            let n = remainder(word.0[lane], walls.len() - k);
            let wall = &walls[take_nth(select, &mut left, n as u32)];
            let [one, other] = wall.rooms.map(|room| usize::from(room) % ROOMS);
            let (from, to) = (labels[one], labels[other]);
            let joined = from != to;
            for label in &mut labels {
                *label = if *label == from { to } else { *label };
            }
            free[usize::from(wall.middle >> 5) % 32] |= u32::from(joined) << (wall.middle & 31);
            // Each cell is written behind the last and stays if the count moves past it.
            let joined = u8::from(joined);
            self.cells[cell_len & FREE_MAX] = wall.ends[0];
            cell_len += usize::from(fresh[one] & joined);
            fresh[one] &= !joined;
            self.cells[cell_len & FREE_MAX] = wall.middle;
            cell_len += usize::from(joined);
            self.cells[cell_len & FREE_MAX] = wall.ends[1];
            cell_len += usize::from(fresh[other] & joined);
            fresh[other] &= !joined;
            // The tree spans all rooms; the walls left in the list can only be removed.
            if cell_len == free_len {
                break;
            }
        }
        free
    }

    /// The cheese, or that there is none; `None` if the words do not suffice to tell.
    #[inline(always)]
    fn place_cheese(&mut self, lane: usize, level: &Level) -> Option<Option<Cell>> {
        let margin = level.margin();
        let free_len = free_len(level.maze_dim);
        let mut next = FIRST_WORDS + walls(level.maze_dim).len();
        let mut draw = || {
            if next >= self.random.words().len() {
                if next >= WORDS_MAX {
                    return None;
                }
                self.random.draw_to((next + MORE_WORDS).min(WORDS_MAX));
            }
            let word = self.random.words()[next].0[lane];
            next += 1;
            let (x, y) = unpack(self.cells[remainder(word, free_len)]);
            Some(Cell {
                x: margin + x,
                y: margin + y,
            })
        };
        match self.variant {
            Variant::Anywhere => loop {
                let cell = draw()?;
                if cell != level.mouse {
                    return Some(Some(cell));
                }
            },
            Variant::Corner { region: 0 } => Some(Some(level.top_right())),
            Variant::Corner { region } => {
                // The cell `maze` would have chosen first, drawn there and thrown away.
                draw()?;
                for _ in 0..100 * u32::from(level.maze_dim) {
                    let cell = draw()?;
                    if cell != level.mouse && level.in_region(cell, region) {
                        return Some(Some(cell));
                    }
                }
                Some(None)
            }
        }
    }
}

/// The seeds of the range whose maze fills its world, in order. The sides of sixteen mazes are
/// found together, from the first words alone.
///
/// # Errors
/// A world that is even or outside of 5 to 31.
pub fn full_size_seeds(
    seeds: Range<u32>,
    world: u8,
) -> Result<impl Iterator<Item = u32> + use<>, Error> {
    check(world, Variant::Anywhere)?;
    let mut maker = LevelMaker::new(world, Variant::Anywhere);
    let starts = seeds.clone().step_by(LANES);
    Ok(starts.flat_map(move |start| {
        let sixteen: [u32; LANES] = from_fn(|lane| start.wrapping_add(lane as u32));
        let dims = maker.maze_dims(&sixteen);
        let end = seeds.end;
        let lanes = sixteen.into_iter().zip(dims);
        // Counted from the start, as the last sixteen may reach beyond the largest seed.
        lanes.filter_map(move |(seed, dim)| {
            (dim == world && seed.wrapping_sub(start) < end - start).then_some(seed)
        })
    }))
}

/// Cells a maze frees: its rooms, and one wall fewer than rooms.
#[inline(always)]
fn free_len(maze_dim: u8) -> usize {
    let side_len = usize::from(maze_dim / 2) + 1;
    2 * side_len * side_len - 1
}

/// Clears set bit number `n` and returns its position.
#[inline(always)]
fn take_nth<S: Select, const WORDS: usize>(select: S, set: &mut [u64; WORDS], n: u32) -> usize {
    let (mut word, mut before, mut passed) = (0, 0, 0);
    for part in &set[..WORDS - 1] {
        passed += part.count_ones();
        let is_past = n >= passed;
        before = if is_past { passed } else { before };
        word += usize::from(is_past);
    }
    let bit = select.nth_one(set[word], n - before);
    set[word] &= !(1u64 << (bit & 63));
    64 * word + bit as usize
}

struct Dims<'a> {
    maker: &'a mut LevelMaker,
    seeds: &'a [u32],
}

impl Job for Dims<'_> {
    type Output = [u8; LANES];

    #[inline(always)]
    fn run<S: Select>(self, _: S) -> [u8; LANES] {
        self.maker.begin(self.seeds)
    }
}

struct Levels<'a, F> {
    maker: &'a mut LevelMaker,
    seeds: &'a [u32],
    take: F,
}

impl<F: FnMut(usize, Level)> Job for Levels<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Select>(self, select: S) {
        let Self {
            maker,
            seeds,
            mut take,
        } = self;
        let dims = maker.begin(seeds);
        let largest = dims[..seeds.len()].iter().copied().max().unwrap_or(3);
        let foreseen = FIRST_WORDS + walls(largest).len() + MORE_WORDS;
        maker.random.draw_to(foreseen.min(WORDS_MAX));
        for (lane, &seed) in seeds.iter().enumerate() {
            let level = maker.level(select, lane, dims[lane]);
            let mut level = level.unwrap_or_else(|| build(seed, maker.world, maker.variant));
            maker.mouse.place(&mut level, seed);
            take(lane, level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::generate;
    use super::*;

    /// Every world, variants with many draws of the cheese and with none, every path.
    #[test]
    fn levels_are_those_of_the_plain_generator() {
        let mut seed = 12345u32;
        for &path in Path::ALL {
            for world in (5..=31).step_by(2) {
                for variant in [
                    Variant::Anywhere,
                    Variant::Corner { region: 0 },
                    Variant::Corner { region: 1 },
                    Variant::Corner { region: 5 },
                    Variant::Corner { region: world },
                ] {
                    let mut maker = LevelMaker::new(world, variant);
                    maker.path = path;
                    let seeds: Vec<u32> = (0..100)
                        .map(|_| {
                            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                            seed
                        })
                        .collect();
                    let mut level_len = 0;
                    maker.levels(&seeds, |i, level| {
                        assert_eq!(i, level_len);
                        let expected = generate(seeds[i], world, variant).unwrap();
                        assert_eq!(level, expected, "seed {}, {variant:?}, {path:?}", seeds[i]);
                        level_len += 1;
                    });
                    assert_eq!(level_len, seeds.len());
                }
            }
        }
    }

    /// A world of 31 with a region of one cell takes more words than one seeding has, and a region
    /// in which no draw falls runs out of tries.
    #[test]
    fn rare_levels_are_right_too() {
        let variant = Variant::Corner { region: 1 };
        let mut maker = LevelMaker::new(31, variant);
        let (mut long_len, mut without_len) = (0, 0);
        let seeds: Vec<u32> = (0..3000).collect();
        maker.levels(&seeds, |i, level| {
            let is_long = level.maze_dim == 31;
            long_len += u32::from(is_long);
            without_len += u32::from(level.cheese.is_none());
            if is_long || level.cheese.is_none() {
                assert_eq!(level, generate(seeds[i], 31, variant).unwrap());
            }
        });
        assert!(
            long_len > 100 && without_len > 0,
            "{long_len} {without_len}"
        );
    }

    #[test]
    fn sides_come_before_levels() {
        let mut maker = LevelMaker::new(25, Variant::Anywhere);
        for start in [0, 7, 1 << 31] {
            let seeds: Vec<u32> = (start..start + LANES as u32).collect();
            let dims = maker.maze_dims(&seeds);
            let expected = |seed: &u32| super::super::maze_dim(*seed, 25).unwrap();
            assert!(seeds.iter().map(expected).eq(dims));
            assert_eq!(maker.maze_dims(&seeds[..3])[..3], dims[..3]);
        }
    }

    #[test]
    fn seeds_of_full_size_are_those_found_one_by_one() {
        for seeds in [0..0, 5..6, 100..1003, u32::MAX - 90..u32::MAX] {
            for world in [5, 13] {
                let full = |&seed: &u32| super::super::maze_dim(seed, world).unwrap() == world;
                let found = full_size_seeds(seeds.clone(), world).unwrap();
                assert!(found.eq(seeds.clone().filter(full)));
            }
        }
        assert!(full_size_seeds(0..9, 6).is_err());
    }
}
