//! Other readings of a matrix, as matrices themselves: rows weighted, signs flipped at random,
//! every other row. Nothing is copied; each tile is changed as it is read.

use std::ops::Range;

use super::check::{check_block, check_finite, rows_of};
use super::entry::Entry;
use super::{Error, GradientMatrix, row_norms};
use crate::numeric::random::{Purpose, Stream};

/// A matrix with row t multiplied by `weights[t]`, rounded once to `f32`.
pub struct Scaled<'a> {
    inner: &'a dyn GradientMatrix,
    weights: Vec<f64>,
}

impl<'a> Scaled<'a> {
    /// `inner` with its rows weighted.
    ///
    /// # Errors
    /// Not one weight a row, or one that is not finite.
    pub fn new(inner: &'a dyn GradientMatrix, weights: Vec<f64>) -> Result<Self, Error> {
        if weights.len() != inner.time_len() {
            return Err(Error::shape(
                "weights of the rows",
                inner.time_len(),
                weights.len(),
            ));
        }
        if let Some(row) = weights.iter().position(|weight| !weight.is_finite()) {
            return Err(Error::NonFiniteField {
                row,
                field: "weight",
                value: weights[row],
            });
        }
        Ok(Self { inner, weights })
    }

    /// `inner` with its rows at norm 1, so that a falling gradient norm does not pass for "early";
    /// rows of zeros stay. Reads the matrix once.
    ///
    /// # Errors
    /// Those of reading.
    pub fn unit_norm(inner: &'a dyn GradientMatrix) -> Result<Self, Error> {
        let weigh = |norm: f64| if norm > 0.0 { norm.recip() } else { 0.0 };
        let weights = row_norms(inner)?.into_iter().map(weigh).collect();
        Self::new(inner, weights)
    }

    /// What the rows are multiplied by.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }
}

impl GradientMatrix for Scaled<'_> {
    fn time_len(&self) -> usize {
        self.inner.time_len()
    }

    fn param_len(&self) -> usize {
        self.inner.param_len()
    }

    fn is_double(&self) -> bool {
        self.inner.is_double()
    }

    fn pass_bytes(&self) -> u64 {
        self.inner.pass_bytes()
    }

    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), Error> {
        self.inner.read_block(rows.clone(), params.clone(), out)?;
        self.weigh(rows, params, out, |value, weight| {
            (f64::from(value) * weight) as f32
        })
    }

    fn read_block_f64(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f64],
    ) -> Result<(), Error> {
        self.inner
            .read_block_f64(rows.clone(), params.clone(), out)?;
        // What an f32 matrix gives does not depend on how it is read.
        let double = self.inner.is_double();
        self.weigh(rows, params, out, |value, weight| match value * weight {
            exact if double => exact,
            exact => f64::from(exact as f32),
        })
    }
}

impl Scaled<'_> {
    fn weigh<T: Entry>(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [T],
        times: impl Fn(T, f64) -> T,
    ) -> Result<(), Error> {
        for (row, values) in rows_of(rows, &params, out) {
            for value in &mut *values {
                *value = times(*value, self.weights[row]);
            }
            check_finite(values, row, params.start, None, || {
                "matrix with weighted rows".into()
            })?;
        }
        Ok(())
    }
}

/// A matrix with every entry's sign drawn anew: what is left of a spectrum when nothing but the
/// sizes of the entries is kept (sign-flip parallel analysis; Hong, Sheng & Dobriban 2020,
/// "Selecting the number of components in PCA via random signflips").
///
/// The sign of an entry depends on seed, row and column alone, not on the tile it is read in: 32
/// neighbouring columns take the bits of the first draw of a stream of their own.
pub struct SignFlipped<'a> {
    inner: &'a dyn GradientMatrix,
    seed: u64,
}

impl<'a> SignFlipped<'a> {
    /// `inner` with signs drawn under `seed`.
    pub fn new(inner: &'a dyn GradientMatrix, seed: u64) -> Self {
        // A seed of its own: the streams of `seed` itself belong to other draws.
        let mut stream = Stream::new(seed, Purpose::Nulls, u64::MAX);
        let seed = u64::from(stream.next_u32()) << 32 | u64::from(stream.next_u32());
        Self { inner, seed }
    }
}

impl GradientMatrix for SignFlipped<'_> {
    fn time_len(&self) -> usize {
        self.inner.time_len()
    }

    fn param_len(&self) -> usize {
        self.inner.param_len()
    }

    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), Error> {
        self.inner.read_block(rows.clone(), params.clone(), out)?;
        for (row, values) in rows_of(rows, &params, out) {
            let (mut column, mut rest) = (params.start, values);
            while !rest.is_empty() {
                // Rows below 2^32, columns below 2^37: beyond both, signs would repeat.
                let index = (row as u64) << 32 ^ (column / 32) as u64;
                let mut signs =
                    Stream::new(self.seed, Purpose::Nulls, index).next_u32() >> (column % 32);
                let (word, after) = rest.split_at_mut(rest.len().min(32 - column % 32));
                for value in &mut *word {
                    *value = f32::from_bits(value.to_bits() ^ (signs << 31));
                    signs >>= 1;
                }
                (column, rest) = (column + word.len(), after);
            }
        }
        Ok(())
    }
}

/// The even or the odd rows of a matrix, for split-half stability.
pub struct EveryOther<'a> {
    inner: &'a dyn GradientMatrix,
    odd: bool,
}

impl<'a> EveryOther<'a> {
    /// The rows 1, 3, 5 of `inner` where `odd`, else 0, 2, 4.
    pub fn new(inner: &'a dyn GradientMatrix, odd: bool) -> Self {
        Self { inner, odd }
    }
}

impl GradientMatrix for EveryOther<'_> {
    fn time_len(&self) -> usize {
        (self.inner.time_len() + usize::from(!self.odd)) / 2
    }

    fn param_len(&self) -> usize {
        self.inner.param_len()
    }

    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), Error> {
        check_block(self, &rows, &params, out.len())?;
        for (row, out) in rows_of(rows, &params, out) {
            let row = 2 * row + usize::from(self.odd);
            self.inner.read_block(row..row + 1, params.clone(), out)?;
        }
        Ok(())
    }

    fn row_in_memory(&self, row: usize, params: &Range<usize>) -> Option<&[f32]> {
        self.inner
            .row_in_memory(2 * row + usize::from(self.odd), params)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Dense;
    use super::*;

    fn dense(rows: usize, cols: usize) -> Dense {
        let values = (0..rows * cols)
            .map(|i| (i as f32 * 0.7).cos() + 2.0)
            .collect();
        Dense::new(rows, cols, values).unwrap()
    }

    #[test]
    fn unit_norm_rows_have_norm_one() {
        let mut values = dense(5, 200).values().to_vec();
        values[200..400].fill(0.0);
        let inner = Dense::new(5, 200, values).unwrap();
        let scaled = Scaled::unit_norm(&inner).unwrap();
        let norms = row_norms(&scaled).unwrap();
        assert_eq!(norms[1], 0.0);
        for row in [0, 2, 3, 4] {
            assert!((norms[row] - 1.0).abs() < 1e-7, "{norms:?}");
        }
    }

    #[test]
    fn weights_are_checked_and_so_is_what_they_make() {
        let inner = dense(2, 3);
        assert!(matches!(
            Scaled::new(&inner, vec![1.0]),
            Err(Error::Shape { .. })
        ));
        assert!(matches!(
            Scaled::new(&inner, vec![1.0, f64::NAN]),
            Err(Error::NonFiniteField { row: 1, .. })
        ));
        let scaled = Scaled::new(&inner, vec![1.0, 1e200]).unwrap();
        let error = Dense::from_matrix(&scaled).unwrap_err();
        assert!(matches!(
            error,
            Error::NonFinite {
                row: 1,
                column: 0,
                ..
            }
        ));
    }

    #[test]
    fn signs_are_fair_and_do_not_depend_on_the_tile() {
        let inner = dense(40, 333);
        let flipped = SignFlipped::new(&inner, 5);
        let whole = Dense::from_matrix(&flipped).unwrap();
        for params in [0..333, 31..33, 64..96, 5..200, 332..333] {
            let (mut tile, mut expected) =
                (vec![0.0; 40 * params.len()], vec![0.0; 40 * params.len()]);
            flipped.read(params.clone(), &mut tile).unwrap();
            whole.read(params, &mut expected).unwrap();
            assert_eq!(tile, expected);
        }
        let magnitudes: Vec<f32> = whole.values().iter().map(|value| value.abs()).collect();
        assert_eq!(magnitudes, inner.values());
        let sum = |values: &mut dyn Iterator<Item = f32>| {
            values.map(|v| f64::from(v.signum())).sum::<f64>()
        };
        let limit = |len: usize| 4.0 * (len as f64).sqrt();
        assert!(sum(&mut whole.values().iter().copied()).abs() < limit(40 * 333));
        // Neither neighbouring rows nor another seed share signs.
        let pairs = whole.values().iter().zip(&whole.values()[333..]);
        assert!(sum(&mut pairs.map(|(a, b)| a * b)).abs() < limit(39 * 333));
        let other = Dense::from_matrix(&SignFlipped::new(&inner, 6)).unwrap();
        let pairs = whole.values().iter().zip(other.values());
        assert!(sum(&mut pairs.map(|(a, b)| a * b)).abs() < limit(40 * 333));
    }

    #[test]
    fn halves_make_the_whole() {
        for rows in [1, 2, 7, 8] {
            let inner = dense(rows, 5);
            let even = Dense::from_matrix(&EveryOther::new(&inner, false)).unwrap();
            let odd = Dense::from_matrix(&EveryOther::new(&inner, true)).unwrap();
            assert_eq!(even.time_len() + odd.time_len(), rows);
            for row in 0..rows {
                let half = if row % 2 == 0 { &even } else { &odd };
                assert_eq!(half.row(row / 2), inner.row(row));
            }
        }
    }
}
