//! Vector fields in single mazes.

use serde::{Deserialize, Serialize};

/// A maze with vector fields: at every free cell sum_a pi(a) delta_a, x right and y up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MazeFigure {
    /// Which level.
    pub title: String,
    /// Rows, top first, as `gouda maze` prints them.
    pub rows: Vec<String>,
    /// Side of the region in cells, at the top right of the maze.
    pub region: u8,
    /// Name of the edit.
    pub edit: String,
    /// Arrows of the unedited policy.
    pub base: Vec<Arrow>,
    /// Arrows of the edited policy, same cells.
    pub edited: Vec<Arrow>,
}

/// One arrow of a vector field.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrow {
    /// Column of the cell.
    pub x: u8,
    /// Row of the cell, counted from the bottom.
    pub y: u8,
    /// Mean horizontal move, -1 to 1.
    pub dx: f64,
    /// Mean vertical move, -1 to 1, up positive.
    pub dy: f64,
}
