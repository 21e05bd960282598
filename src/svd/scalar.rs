//! What the products of a pass are computed in.

use std::ops::Range;

use crate::gradients::{self, GradientMatrix};
use crate::numeric::panel_gemm::Panel;

/// `f32` or `f64`: what the products of a pass are computed in.
pub(super) trait Scalar: Panel {
    /// Itself, if it is what panels are held in.
    fn as_held(panel: &[Self]) -> Option<&[f32]>;

    /// A panel that is held, if it need not be converted.
    fn of_held(panel: &[f32]) -> Option<&[Self]>;

    /// Reads a block in this precision.
    fn read(
        matrix: &dyn GradientMatrix,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [Self],
    ) -> Result<(), gradients::Error>;
}

impl Scalar for f32 {
    fn as_held(panel: &[Self]) -> Option<&[f32]> {
        Some(panel)
    }

    fn of_held(panel: &[f32]) -> Option<&[Self]> {
        Some(panel)
    }

    fn read(
        matrix: &dyn GradientMatrix,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [Self],
    ) -> Result<(), gradients::Error> {
        matrix.read_block(rows, params, out)
    }
}

impl Scalar for f64 {
    fn as_held(_: &[Self]) -> Option<&[f32]> {
        None
    }

    fn of_held(_: &[f32]) -> Option<&[Self]> {
        None
    }

    fn read(
        matrix: &dyn GradientMatrix,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [Self],
    ) -> Result<(), gradients::Error> {
        matrix.read_block_f64(rows, params, out)
    }
}
