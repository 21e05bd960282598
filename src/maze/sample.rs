//! Which levels are played: a range of level seeds and a floor on the size of the maze.
//!
//! A level that is too small is passed over by drawing another *seed*, so that every level that is
//! played is one of procgen's own, but perhaps for where the mouse starts.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::fast_generate::LevelMaker;
use super::generate::{begin, build, check};
use super::{Error, Level, MouseStart, Variant};
use crate::numeric::random::Stream;

/// What a level seed is for. The ranges are disjoint and within procgen's own seeds, 0 to 2^31 - 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Levels the policy is trained on.
    Train,
    /// Rates along training, and with them the times at which behaviours appear.
    Curve,
    /// Levels to look for effects on.
    Discovery,
    /// Levels on which components, doses and signs are chosen.
    Selection,
    /// Levels looked at once, after everything is chosen.
    Test,
}

impl Split {
    /// Every split, in the order of its seeds.
    pub const ALL: [Split; 5] = [
        Split::Train,
        Split::Curve,
        Split::Discovery,
        Split::Selection,
        Split::Test,
    ];

    /// The split's level seeds.
    pub fn seeds(self) -> Range<u32> {
        match self {
            Split::Train => 0..1_000_000_000,
            Split::Curve => 1_000_000_000..1_100_000_000,
            Split::Discovery => 1_100_000_000..1_200_000_000,
            Split::Selection => 1_200_000_000..1_300_000_000,
            Split::Test => 1_300_000_000..1_400_000_000,
        }
    }
}

/// A distribution of levels: uniform over the seeds of a range whose maze is large enough.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LevelSampler {
    world: u8,
    variant: Variant,
    min_maze_dim: u8,
    seeds: Range<u32>,
    mouse: MouseStart,
}

impl LevelSampler {
    /// A sampler of levels of every size from `min_maze_dim` (3: all of them) to `world`; with
    /// `min_maze_dim == world` every maze fills its world.
    ///
    /// # Errors
    /// A world or region no level has, a size no maze of the world has, or a range of seeds none
    /// of which gives a maze so large: a draw always ends.
    pub fn new(
        world: u8,
        variant: Variant,
        min_maze_dim: u8,
        seeds: Range<u32>,
    ) -> Result<Self, Error> {
        check(world, variant)?;
        if min_maze_dim.is_multiple_of(2) || !(3..=world).contains(&min_maze_dim) {
            return Err(Error::MinMazeDim {
                found: min_maze_dim,
                world,
            });
        }
        let sampler = Self {
            world,
            variant,
            min_maze_dim,
            seeds,
            mouse: MouseStart::BottomLeft,
        };
        if !sampler.seeds.clone().any(|seed| sampler.accepts(seed)) {
            return Err(Error::Seeds {
                seeds: sampler.seeds,
                min_maze_dim,
                world,
            });
        }
        Ok(sampler)
    }

    /// The same levels with the mouse starting there.
    pub fn with_mouse(self, mouse: MouseStart) -> Self {
        Self { mouse, ..self }
    }

    /// The side of the world.
    pub fn world(&self) -> u8 {
        self.world
    }

    /// Where the cheese may be.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// Draws the seed of a level.
    pub fn sample_seed(&self, stream: &mut Stream) -> u32 {
        loop {
            let seed = self.candidate(stream);
            if self.accepts(seed) {
                return seed;
            }
        }
    }

    /// Draws a seed that counts only if its maze is large enough.
    pub(super) fn candidate(&self, stream: &mut Stream) -> u32 {
        self.seeds.start + stream.below(self.seeds.end - self.seeds.start)
    }

    /// The smallest maze played; with 3, every candidate counts.
    pub(super) fn min_maze_dim(&self) -> u8 {
        self.min_maze_dim
    }

    /// What makes these levels many at a time.
    pub fn maker(&self) -> LevelMaker {
        LevelMaker::new(self.world, self.variant).with_mouse(self.mouse)
    }

    /// The level of a seed.
    pub fn level(&self, seed: u32) -> Level {
        let mut level = build(seed, self.world, self.variant);
        self.mouse.place(&mut level, seed);
        level
    }

    /// Draws a level.
    pub fn sample(&self, stream: &mut Stream) -> Level {
        self.level(self.sample_seed(stream))
    }

    fn accepts(&self, seed: u32) -> bool {
        // Every maze has a side of 3: then there is nothing to find out.
        self.min_maze_dim == 3 || begin(seed, self.world).1 >= self.min_maze_dim
    }
}

#[cfg(test)]
mod tests {
    use super::super::generate;
    use super::*;
    use crate::numeric::random::Purpose;

    #[test]
    fn draws_procgen_levels_of_the_range_and_size() {
        let variant = Variant::Corner { region: 5 };
        for (min_maze_dim, size_len) in [(3, 7), (11, 3), (15, 1)] {
            let sampler = LevelSampler::new(15, variant, min_maze_dim, 500..900).unwrap();
            let mut stream = Stream::new(1, Purpose::Levels, 0);
            let mut again = stream.clone();
            let mut sizes = std::collections::BTreeSet::new();
            for _ in 0..300 {
                let level = sampler.sample(&mut stream);
                let seed = sampler.sample_seed(&mut again);
                assert!((500..900).contains(&seed));
                assert_eq!(level, generate(seed, 15, variant).unwrap());
                sizes.insert(level.maze_dim);
            }
            assert_eq!(sizes.len(), size_len);
            assert!(sizes.first() >= Some(&min_maze_dim));
        }
    }

    #[test]
    fn impossible_samplers_are_refused() {
        let new = |world, min, seeds| LevelSampler::new(world, Variant::Anywhere, min, seeds);
        assert!(matches!(new(12, 3, 0..9), Err(Error::World { found: 12 })));
        for min in [0, 1, 2, 10, 17] {
            assert!(matches!(new(15, min, 0..9), Err(Error::MinMazeDim { .. })));
        }
        assert!(matches!(new(15, 3, 9..9), Err(Error::Seeds { .. })));
        let small = (0..).find(|&seed| begin(seed, 15).1 < 15).unwrap();
        let fault = new(15, 15, small..small + 1).unwrap_err().to_string();
        assert!(
            fault.contains("15") && fault.contains("found none"),
            "{fault}"
        );
    }

    #[test]
    fn splits_share_no_seed() {
        for pair in Split::ALL.windows(2) {
            assert!(pair[0].seeds().end <= pair[1].seeds().start);
        }
        assert!(
            Split::ALL
                .iter()
                .all(|split| split.seeds().end <= 1 << 31 && !split.seeds().is_empty())
        );
    }
}
