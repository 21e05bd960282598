//! What is refused of numbers, and of blocks that are asked for.

use std::ops::Range;

use super::entry::{Entry, all_finite};
use super::{Error, GradientMatrix};
use crate::nn::layout::Layout;

/// Refuses a NaN or an infinity in `values`, a piece of `row` that begins at column `start`.
pub(super) fn check_finite<T: Entry>(
    values: &[T],
    row: usize,
    start: usize,
    layout: Option<&Layout>,
    place: impl FnOnce() -> String,
) -> Result<(), Error> {
    if all_finite(values) {
        return Ok(());
    }
    let within = values
        .iter()
        .position(|value| !value.is_finite())
        .unwrap_or(0);
    let column = start + within;
    let parameter = layout
        .filter(|layout| column < layout.len())
        .map_or(String::new(), |layout| {
            let (tensor, index) = layout.locate(column);
            format!(" ({}[{index}])", tensor.name)
        });
    Err(Error::NonFinite {
        place: place(),
        row,
        column,
        parameter,
        value: values[within].to_f32(),
    })
}

/// The rows of a block, each with its piece of `out`; none where there are no columns.
pub(super) fn rows_of<'a, T>(
    rows: Range<usize>,
    params: &Range<usize>,
    out: &'a mut [T],
) -> impl Iterator<Item = (usize, &'a mut [T])> {
    rows.zip(out.chunks_exact_mut(params.len().max(1)))
}

/// Refuses rows or columns that `matrix` does not have, or a block of the wrong size for them.
pub(super) fn check_block(
    matrix: &dyn GradientMatrix,
    rows: &Range<usize>,
    params: &Range<usize>,
    out_len: usize,
) -> Result<(), Error> {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    for (what, range, len) in [("rows", rows, time_len), ("columns", params, param_len)] {
        if range.start > range.end || range.end > len {
            return Err(Error::shape(
                format!("range of {what}"),
                format!("one within 0..{len}"),
                format!("{range:?}"),
            ));
        }
    }
    match rows.len().checked_mul(params.len()) {
        Some(block_len) if block_len == out_len => Ok(()),
        _ => Err(Error::shape(
            "block",
            format!("{} x {}", rows.len(), params.len()),
            out_len,
        )),
    }
}
