//! How much of each row lies in each range of parameters.

use std::ops::Range;

use super::{Error, GradientMatrix};
use crate::numeric::sum::dot;

/// Entries read at a time: 64 MB.
const TILE_LEN: usize = 1 << 24;

/// The squared length of every row within each of `ranges`, `(T, ranges)` row-major: one pass, in `f64`, in a fixed order.
///
/// # Errors
/// Those of reading.
pub fn energies(matrix: &dyn GradientMatrix, ranges: &[Range<usize>]) -> Result<Vec<f64>, Error> {
    let time_len = matrix.time_len();
    let mut energies = vec![0.0; time_len * ranges.len()];
    let width = (TILE_LEN / time_len.max(1)).max(1);
    let (mut tile, mut wide) = (Vec::new(), Vec::new());
    for (number, range) in ranges.iter().enumerate() {
        for start in range.clone().step_by(width) {
            let params = start..(start + width).min(range.end);
            let len = params.len();
            let mut add = |t: usize, square: f64| energies[t * ranges.len() + number] += square;
            if matrix.is_double() {
                wide.resize(time_len * len, 0.0f64);
                matrix.read_block_f64(0..time_len, params, &mut wide)?;
                let rows = wide.chunks_exact(len).enumerate();
                rows.for_each(|(t, row)| add(t, dot(row, row)));
            } else {
                tile.resize(time_len * len, 0.0f32);
                matrix.read(params, &mut tile)?;
                let rows = tile.chunks_exact(len).enumerate();
                rows.for_each(|(t, row)| add(t, dot(row, row)));
            }
        }
    }
    Ok(energies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::Dense;

    #[test]
    fn every_row_has_its_squares_by_range() {
        let values = (0..12).map(|x| x as f32).collect();
        let matrix = Dense::new(3, 4, values).unwrap();
        let found = energies(&matrix, &[0..1, 1..4, 4..4]).unwrap();
        let expected = [0.0, 14.0, 0.0, 16.0, 110.0, 0.0, 64.0, 302.0, 0.0];
        assert_eq!(found, expected);
    }
}
