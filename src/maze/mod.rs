//! The maze: procgen's levels from their seeds, what can be told of a level, and the game.
//!
//! `maze` (Cobbe et al. 2020, "Leveraging procedural generation to benchmark reinforcement
//! learning") puts the cheese anywhere; `maze_aisc` (Langosco et al. 2022, "Goal misgeneralization
//! in deep reinforcement learning") puts it near the top-right corner. Both are drawn here exactly
//! as there: one level seed is one level, down to the cell. On request the mouse starts elsewhere than
//! there (`mouse.rs`), which the level seed says too. Coordinates are x to the right and y
//! **up**; text, drawings and observations have the top row first.

pub mod batch;
pub mod block;
pub mod cell;
pub mod draw;
pub mod error;
pub mod fast_generate;
pub mod generate;
pub mod level;
pub mod mouse;
pub mod mt19937;
pub mod mt19937_lanes;
mod next_levels;
pub mod observe;
pub mod sample;
pub mod simulate;
pub mod solve;
mod wall_lists;

pub use batch::Batch;
pub use block::Block;
pub use cell::Cell;
pub use error::Error;
pub use fast_generate::{LevelMaker, full_size_seeds};
pub use generate::{Variant, generate, maze_dim};
pub use level::{Level, MAX_WORLD, Move};
pub use mouse::MouseStart;
pub use observe::{CHANNEL_LEN, observation_len, observe};
pub use sample::{LevelSampler, Split};
pub use simulate::{ActionSet, EnvSettings, EnvState, Environment, Episode, Simulator};
pub use solve::{Decision, Distances, decision, decision_square, distances, shortest_path};
