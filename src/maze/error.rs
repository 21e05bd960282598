//! What can be wrong with a level, with the setting that asked for it or with the text it is in.

use std::ops::Range;

/// Every way in which a level cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The side of the world is even or out of range.
    #[error("world: expected an odd side from 5 to 31, found {found}")]
    World {
        /// The side asked for.
        found: usize,
    },
    /// The cheese region does not fit in the world.
    #[error("region: expected at most the world's side, {world}, found {found}")]
    Region {
        /// The side of the region asked for.
        found: u8,
        /// The side of the world.
        world: u8,
    },
    /// No maze of this size exists in this world.
    #[error(
        "min_maze_dim: expected an odd size from 3 to the world's side, {world}, found {found}"
    )]
    MinMazeDim {
        /// The smallest maze asked for.
        found: u8,
        /// The side of the world.
        world: u8,
    },
    /// No level seed of the range gives a maze that is large enough.
    #[error(
        "level seeds: expected at least one in {}..{} whose maze has a side of {min_maze_dim} or \
         more in a world of {world}, found none", seeds.start, seeds.end
    )]
    Seeds {
        /// The range of level seeds asked for.
        seeds: Range<u32>,
        /// The smallest maze asked for.
        min_maze_dim: u8,
        /// The side of the world.
        world: u8,
    },
    /// An environment that no play comes to.
    #[error(
        "environment in level {level_seed}: expected a mouse on a free cell and steps below the \
         timeout, found x {}, y {} after {steps} steps", mouse.x, mouse.y
    )]
    State {
        /// The seed of the level.
        level_seed: u32,
        /// Where the mouse is said to be.
        mouse: super::Cell,
        /// Steps of the episode.
        steps: u16,
    },
    /// A level of a stage that there is not.
    #[error("environment in level {level_seed}: expected a stage from 0 to {last}, found {found}")]
    Stage {
        /// The seed of the level.
        level_seed: u32,
        /// The stage it is said to be of.
        found: usize,
        /// The last stage there is.
        last: usize,
    },
    /// An episode that is over before its first step.
    #[error("timeout: expected at least 1 step, found 0")]
    Timeout,
    /// The text of a level breaks the format.
    #[error("level text, line {line}, column {column}: expected {expected}, found {found}")]
    Text {
        /// From 1, the top line first.
        line: usize,
        /// From 1, counted in characters.
        column: usize,
        /// What the format asks for there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A world and region that cannot show a situation.
    #[error(
        "situation {situation}: expected {expected}, found a region of {region} in a world of {world}"
    )]
    Situation {
        /// The situation's name.
        situation: &'static str,
        /// What the situation asks of its levels.
        expected: &'static str,
        /// The side of the region.
        region: u8,
        /// The side of the world.
        world: u8,
    },
}
