//! A sketch of the matrix, taken while it is recorded: `S = A Omega` with Omega (P x 64) of random
//! signs, from which a decomposition starts without having read the matrix (Halko, Martinsson and
//! Tropp 2011; `svd/krylov.rs`). It costs 64 additions an entry and no reading.
//!
//! Row p of Omega is the 64 bits of one draw of SplitMix64 at the counter p, so Omega is never stored
//! and any part of it can be made anew. A row of S sums over parameters in order, in `f32` within
//! 128 of them and in `f64` beyond, one lane a column: the same bits on any machine, with any number
//! of threads, and after a recording was resumed.
//!
//! On disk it is `sketch.npy` beside the manifest, which knows its checksum; `f8` of shape (T, 64).

use std::path::Path;

use super::manifest;
use super::{Error, Matrix};
use crate::numeric::simd::vectorised;
use crate::storage::{self, FileSum, npy};

/// Columns of a sketch.
pub const SKETCH_LEN: usize = 64;
/// Name of the file within the folder of a stream.
pub const SKETCH_FILE: &str = "sketch.npy";
/// Parameters that are summed in `f32`.
const GROUP: usize = 128;

/// The sketch of a matrix, or of its rows so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch {
    /// (T, 64), row-major.
    values: Vec<f64>,
}

impl Sketch {
    /// Adds the row of S that belongs to `row` of the matrix.
    ///
    /// # Errors
    /// A sum that is not finite, by column: numbers so large that 128 of them leave `f32`.
    pub(super) fn push(&mut self, row: &[f32]) -> Result<(), (usize, f32)> {
        let mut sums = [0.0f64; SKETCH_LEN];
        vectorised(|| add_row(row, &mut sums));
        if let Some(column) = sums.iter().position(|sum| !sum.is_finite()) {
            return Err((column, sums[column] as f32));
        }
        self.values.extend(sums);
        Ok(())
    }

    /// Rows so far.
    pub(super) fn len(&self) -> usize {
        self.values.len() / SKETCH_LEN
    }

    /// Writes `sketch.npy` into the folder of a stream, and tells its checksum.
    pub(super) fn save(&self, dir: &Path) -> Result<u32, Error> {
        let shape = [self.len(), SKETCH_LEN];
        Ok(npy::write_f64(
            &dir.join(SKETCH_FILE),
            &shape,
            &self.values,
        )?)
    }

    /// The sketch that lies beside the manifest of `matrix`; none where there is no such file and the
    /// manifest says nothing of one.
    ///
    /// # Errors
    /// It is missing or cannot be read, is damaged, is that of another matrix by its shape, or is not finite.
    pub fn of(matrix: &Matrix) -> Result<Option<Self>, Error> {
        // A plain file has no place for one beside it.
        let Some(manifest) = matrix.manifest() else {
            return Ok(None);
        };
        let path = matrix.path().join(SKETCH_FILE);
        if manifest.sketch.is_none() && !storage::exists(&path)? {
            return Ok(None);
        }
        if let Some(expected) = manifest.sketch {
            FileSum::of(&path)?.check(&path, expected)?;
        }
        let (shape, values) = npy::read_f64(&path)?;
        let expected = [manifest.shape.0, SKETCH_LEN];
        if shape != expected {
            let expected = format!("shape {expected:?}, as {} says", manifest::FILE);
            let found = format!("{shape:?}");
            return Err(storage::Error::malformed(&path, expected, found).into());
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NonFinite {
                place: path.display().to_string(),
                row: at / SKETCH_LEN,
                column: at % SKETCH_LEN,
                parameter: String::new(),
                value: values[at] as f32,
            });
        }
        Ok(Some(Self { values }))
    }

    /// The rows of S that belong to some rows of the matrix, weighted as they are.
    ///
    /// # Panics
    /// There is no such row, or not a weight for each.
    pub fn rows(&self, rows: impl Iterator<Item = usize>, weights: Option<&[f64]>) -> Vec<f64> {
        let mut out = Vec::new();
        for (index, row) in rows.enumerate() {
            let weight = weights.map_or(1.0, |weights| weights[index]);
            let values = &self.values[row * SKETCH_LEN..(row + 1) * SKETCH_LEN];
            out.extend(values.iter().map(|value| value * weight));
        }
        out
    }
}

/// The signs of row `param` of Omega: a bit set is a minus.
fn signs(param: u64) -> u64 {
    let mut z = (param + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[inline(always)]
fn add_row(row: &[f32], sums: &mut [f64; SKETCH_LEN]) {
    for (group, values) in row.chunks(GROUP).enumerate() {
        let mut partial = [0.0f32; SKETCH_LEN];
        let (low, high) = partial.split_at_mut(32);
        for (param, value) in (group * GROUP..).zip(values) {
            let (bits, signs) = (value.to_bits(), signs(param as u64));
            add_signed(low, bits, signs as u32);
            add_signed(high, bits, (signs >> 32) as u32);
        }
        for (sum, partial) in sums.iter_mut().zip(partial) {
            *sum += f64::from(partial);
        }
    }
}

#[inline(always)]
fn add_signed(sums: &mut [f32], bits: u32, signs: u32) {
    for (lane, sum) in (0..32).zip(sums) {
        *sum += f32::from_bits(bits ^ ((signs << (31 - lane)) & 0x8000_0000));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_its_signed_sums_and_signs_are_fair() {
        let row: Vec<f32> = (0..1000).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
        let mut sketch = Sketch::default();
        sketch.push(&row).unwrap();
        for j in 0..SKETCH_LEN {
            let sign = |p: usize| 1.0 - 2.0 * (signs(p as u64) >> j & 1) as f64;
            let expected: f64 = (0..1000).map(|p| sign(p) * f64::from(row[p])).sum();
            // Whole numbers: no rounding.
            assert_eq!(sketch.values[j], expected);
            let fair: f64 = (0..10_000).map(sign).sum();
            assert!(fair.abs() < 500.0, "{j} {fair}");
            let other = |p: usize| 1.0 - 2.0 * (signs(p as u64) >> ((j + 1) % 64) & 1) as f64;
            let both: f64 = (0..10_000).map(|p| sign(p) * other(p)).sum();
            assert!(both.abs() < 500.0, "{j} {both}");
        }
        assert_eq!(
            sketch.rows([0, 0].into_iter(), Some(&[2.0, 0.0]))[..64]
                .iter()
                .map(|x| x / 2.0)
                .collect::<Vec<_>>(),
            sketch.values
        );
    }
}
