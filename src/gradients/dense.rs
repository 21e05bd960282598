//! A gradient matrix in memory, for small data and for tests.

use std::ops::Range;

use super::check::{check_block, check_finite, rows_of};
use super::entry::Entry;
use super::{Error, GradientMatrix};

/// A matrix in memory, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense(Values<f32>);

/// A matrix in memory, row-major, in double precision.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseDouble(Values<f64>);

#[derive(Clone, Debug, PartialEq)]
struct Values<T> {
    rows: usize,
    cols: usize,
    values: Vec<T>,
}

impl<T: Entry> Values<T> {
    fn new(rows: usize, cols: usize, values: Vec<T>) -> Result<Self, Error> {
        if rows.checked_mul(cols) != Some(values.len()) {
            let expected = format!("{rows} x {cols}");
            return Err(Error::shape("matrix in memory", expected, values.len()));
        }
        for (row, values) in values.chunks_exact(cols.max(1)).enumerate() {
            check_finite(values, row, 0, None, || "matrix in memory".into())?;
        }
        Ok(Self { rows, cols, values })
    }

    fn row(&self, row: usize) -> &[T] {
        &self.values[row * self.cols..(row + 1) * self.cols]
    }

    /// A block of `matrix`, which this is of, as other numbers.
    fn read<U>(
        &self,
        matrix: &dyn GradientMatrix,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [U],
        as_other: impl Fn(T) -> U,
    ) -> Result<(), Error> {
        check_block(matrix, &rows, &params, out.len())?;
        for (row, piece) in rows_of(rows, &params, out) {
            let values = &self.row(row)[params.clone()];
            let pairs = piece.iter_mut().zip(values);
            pairs.for_each(|(out, &value)| *out = as_other(value));
        }
        Ok(())
    }
}

impl Dense {
    /// The matrix of shape `(rows, cols)` with these entries, row after row.
    ///
    /// # Errors
    /// The number of entries is not `rows * cols`, or one of them is not finite.
    pub fn new(rows: usize, cols: usize, values: Vec<f32>) -> Result<Self, Error> {
        Values::new(rows, cols, values).map(Self)
    }

    /// All of `matrix`, read in one tile.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn from_matrix(matrix: &dyn GradientMatrix) -> Result<Self, Error> {
        let (rows, cols) = (matrix.time_len(), matrix.param_len());
        let len = rows.checked_mul(cols).ok_or_else(|| {
            Error::shape(
                "matrix",
                "one that fits in memory",
                format!("{rows} x {cols}"),
            )
        })?;
        let mut values = vec![0.0; len];
        matrix.read(0..cols, &mut values)?;
        Ok(Self(Values { rows, cols, values }))
    }

    /// The entries, row after row.
    pub fn values(&self) -> &[f32] {
        &self.0.values
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f32] {
        self.0.row(row)
    }
}

impl GradientMatrix for Dense {
    fn time_len(&self) -> usize {
        self.0.rows
    }

    fn param_len(&self) -> usize {
        self.0.cols
    }

    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), Error> {
        self.0.read(self, rows, params, out, |x| x)
    }

    fn row_in_memory(&self, row: usize, params: &Range<usize>) -> Option<&[f32]> {
        self.row(row).get(params.clone())
    }
}

impl DenseDouble {
    /// The matrix of shape `(rows, cols)` with these entries, row after row.
    ///
    /// # Errors
    /// The number of entries is not `rows * cols`, or one of them is not finite.
    pub fn new(rows: usize, cols: usize, values: Vec<f64>) -> Result<Self, Error> {
        Values::new(rows, cols, values).map(Self)
    }
}

impl GradientMatrix for DenseDouble {
    fn time_len(&self) -> usize {
        self.0.rows
    }

    fn param_len(&self) -> usize {
        self.0.cols
    }

    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), Error> {
        self.0.read(self, rows, params, out, |x| x as f32)
    }

    fn is_double(&self) -> bool {
        true
    }

    fn read_block_f64(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f64],
    ) -> Result<(), Error> {
        self.0.read(self, rows, params, out, |x| x)
    }

    fn pass_bytes(&self) -> u64 {
        8 * self.0.rows as u64 * self.0.cols as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_come_out_as_they_went_in() {
        let third = 1.0 / 3.0;
        let dense = DenseDouble::new(2, 2, vec![1.0, third, 1e-200, 4.0]).unwrap();
        let (mut wide, mut narrow) = ([0.0; 2], [0.0; 2]);
        dense.read_block_f64(0..2, 1..2, &mut wide).unwrap();
        dense.read_block(1..2, 0..2, &mut narrow).unwrap();
        assert_eq!((wide, narrow), ([third, 4.0], [0.0, 4.0]));
        assert!(DenseDouble::new(1, 1, vec![f64::NAN]).is_err());
        assert!(DenseDouble::new(2, 1, vec![1.0]).is_err());
    }

    #[test]
    fn tiles_and_refusals() {
        let dense = Dense::new(2, 3, vec![0., 1., 2., 10., 11., 12.]).unwrap();
        let mut tile = [0.0; 4];
        dense.read(1..3, &mut tile).unwrap();
        assert_eq!(tile, [1., 2., 11., 12.]);
        dense.read(3..3, &mut []).unwrap();

        let text = dense.read(2..4, &mut tile).unwrap_err().to_string();
        assert_eq!(
            text,
            "range of columns: expected one within 0..3, found 2..4"
        );
        let text = dense.read(0..3, &mut tile).unwrap_err().to_string();
        assert_eq!(text, "block: expected 2 x 3, found 4");
        assert!(matches!(
            Dense::new(2, 2, vec![0.0]),
            Err(Error::Shape { .. })
        ));
        let text = Dense::new(2, 2, vec![0., 1., 2., f32::NAN])
            .unwrap_err()
            .to_string();
        assert!(
            text.starts_with("matrix in memory: row 1, column 1 is NaN"),
            "{text}"
        );
    }
}
