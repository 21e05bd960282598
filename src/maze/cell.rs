//! A place in the world.

use serde::{Deserialize, Serialize};

/// A place in the world: x to the right, y **up**, both from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// Column, from the left.
    pub x: u8,
    /// Row, from the bottom.
    pub y: u8,
}
