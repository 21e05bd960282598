//! The lengths of rows: one pass, in `f64`, in a fixed order.

use std::ops::Range;

use super::{Error, GradientMatrix};
use crate::numeric::Real;
use crate::numeric::sum::dot;

/// Entries read at a time: 64 MB.
const TILE_LEN: usize = 1 << 24;

/// Squares within these bounds are what they seem: outside, they may have lost digits or left `f64`.
const SQUARES: Range<f64> = 1e-270..1e290;

/// The Euclidean norm of each row.
///
/// # Errors
/// Those of reading; rows without entries, whose number no file bounds.
pub fn row_norms(matrix: &dyn GradientMatrix) -> Result<Vec<f64>, Error> {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    if time_len == 0 {
        return Ok(Vec::new());
    }
    if param_len == 0 {
        let found = format!("{time_len} of none");
        return Err(Error::shape(
            "rows",
            "one or more parameters in each",
            found,
        ));
    }
    let norms = within(matrix, 0..param_len)?;
    Ok(norms.iter().map(Norm::root).collect())
}

/// The squared length of every row within each of `ranges`, `(T, ranges)` row-major.
///
/// # Errors
/// Those of reading.
pub fn energies(matrix: &dyn GradientMatrix, ranges: &[Range<usize>]) -> Result<Vec<f64>, Error> {
    let mut energies = vec![0.0; matrix.time_len() * ranges.len()];
    for (number, range) in ranges.iter().enumerate() {
        let norms = within(matrix, range.clone())?;
        let column = energies.iter_mut().skip(number).step_by(ranges.len());
        column
            .zip(&norms)
            .for_each(|(out, norm)| *out = norm.square());
    }
    Ok(energies)
}

/// Every row's norm within the columns `range`.
fn within(matrix: &dyn GradientMatrix, range: Range<usize>) -> Result<Vec<Norm>, Error> {
    let time_len = matrix.time_len();
    let width = (TILE_LEN / time_len.max(1)).max(1);
    let mut norms = vec![Norm::default(); time_len];
    let double = matrix.is_double();
    let (mut tile, mut wide) = (Vec::new(), Vec::new());
    for start in range.clone().step_by(width) {
        let params = start..range.end.min(start.saturating_add(width));
        let len = params.len();
        if double {
            wide.resize(time_len * len, 0.0f64);
            matrix.read_block_f64(0..time_len, params, &mut wide)?;
            add_squares(&mut norms, wide.chunks_exact(len));
        } else {
            tile.resize(time_len * len, 0.0f32);
            matrix.read(params, &mut tile)?;
            add_squares(&mut norms, tile.chunks_exact(len));
        }
    }
    Ok(norms)
}

/// The norm of a row while it is summed.
#[derive(Clone, Default)]
struct Norm {
    squares: f64,
    /// Of the pieces whose squares leave the range.
    beyond: f64,
}

impl Norm {
    fn root(&self) -> f64 {
        if self.beyond == 0.0 {
            self.squares.sqrt()
        } else {
            self.squares.sqrt().hypot(self.beyond)
        }
    }

    fn square(&self) -> f64 {
        self.squares + self.beyond * self.beyond
    }
}

fn add_squares<'a, T: Real>(norms: &mut [Norm], rows: impl Iterator<Item = &'a [T]>) {
    for (norm, row) in norms.iter_mut().zip(rows) {
        let square = dot(row, row);
        if SQUARES.contains(&square) {
            norm.squares += square;
            continue;
        }
        let largest = row
            .iter()
            .fold(0.0f64, |largest, x| largest.max(x.to_f64().abs()));
        if largest > 0.0 {
            let share = |x: &T| (x.to_f64() / largest).powi(2);
            let own = largest * row.iter().map(share).sum::<f64>().sqrt();
            norm.beyond = norm.beyond.hypot(own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::check::rows_of;
    use crate::gradients::{Dense, Scaled};

    #[test]
    fn every_row_has_its_squares_by_range() {
        let values = (0..12).map(|x| x as f32).collect();
        let matrix = Dense::new(3, 4, values).unwrap();
        let found = energies(&matrix, &[0..1, 1..4, 4..4]).unwrap();
        let expected = [0.0, 14.0, 0.0, 16.0, 110.0, 0.0, 64.0, 302.0, 0.0];
        assert_eq!(found, expected);
    }

    #[test]
    fn norms_beyond_the_range_of_squares() {
        struct Rows([[f64; 3]; 4]);
        impl GradientMatrix for Rows {
            fn time_len(&self) -> usize {
                4
            }
            fn param_len(&self) -> usize {
                3
            }
            fn is_double(&self) -> bool {
                true
            }
            fn read_block(
                &self,
                _: Range<usize>,
                _: Range<usize>,
                _: &mut [f32],
            ) -> Result<(), Error> {
                unreachable!("doubles are read as such")
            }
            fn read_block_f64(
                &self,
                rows: Range<usize>,
                params: Range<usize>,
                out: &mut [f64],
            ) -> Result<(), Error> {
                for (row, out) in rows_of(rows, &params, out) {
                    out.copy_from_slice(&self.0[row][params.clone()]);
                }
                Ok(())
            }
        }
        let scales = [1e-200, 1e200, 1e-160, 1e300];
        let rows = Rows(scales.map(|scale| [2.0 * scale, -3.0 * scale, 6.0 * scale]));
        for (norm, scale) in row_norms(&rows).unwrap().iter().zip(scales) {
            assert!((norm / scale - 7.0).abs() < 1e-14, "{norm}");
        }
        let unit = Scaled::unit_norm(&rows).unwrap();
        for norm in row_norms(&unit).unwrap() {
            assert!((norm - 1.0).abs() < 1e-14, "{norm}");
        }
    }

    #[test]
    fn row_norms_do_not_depend_on_how_many_tiles_there_are() {
        // One column a tile would be needed for more rows; here two tiles against a plain sum.
        let (rows, cols) = (TILE_LEN / 4, 7);
        let inner = Dense::new(
            rows,
            cols,
            (0..rows * cols).map(|i| (i % 5) as f32).collect(),
        )
        .unwrap();
        let norms = row_norms(&inner).unwrap();
        for row in [0, 1, rows - 1] {
            assert_eq!(norms[row], dot(inner.row(row), inner.row(row)).sqrt());
        }
    }
}
