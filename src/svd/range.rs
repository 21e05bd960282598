//! The size of the entries, where their squares leave the range of `f64`.

use rayon::prelude::*;

use super::Error;
use crate::gradients::GradientMatrix;

/// Columns and rows read together.
const BLOCK: (usize, usize) = (1024, 64);

/// The largest entry in size: one reading.
///
/// # Errors
/// Those of reading, and an entry that is not finite.
pub(super) fn largest(matrix: &dyn GradientMatrix) -> Result<f64, Error> {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    let of_columns = |index: usize| {
        let params = index * BLOCK.0..param_len.min((index + 1) * BLOCK.0);
        let mut block = Vec::new();
        let mut largest = 0.0f64;
        for first in (0..time_len).step_by(BLOCK.1) {
            let rows = first..time_len.min(first + BLOCK.1);
            block.resize(rows.len() * params.len(), 0.0);
            matrix.read_block_f64(rows, params.clone(), &mut block)?;
            for (at, entry) in block.iter().enumerate() {
                if !entry.is_finite() {
                    return Err(Error::NotFinite {
                        place: "matrix".into(),
                        row: first + at / params.len(),
                        column: params.start + at % params.len(),
                        value: *entry,
                    });
                }
                largest = largest.max(entry.abs());
            }
        }
        Ok(largest)
    };
    (0..param_len.div_ceil(BLOCK.0))
        .into_par_iter()
        .map(of_columns)
        .try_reduce(|| 0.0, |a, b| Ok(a.max(b)))
}

/// The power of two at or below `x`, but within 2^-1000 and 2^1000: multiplying by it is exact.
pub(super) fn power_of_two(x: f64) -> f64 {
    let exponent = ((x.to_bits() >> 52) as i64 - 1023).clamp(-1000, 1000);
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two() {
        for (x, expected) in [
            (1.0, 1.0),
            (3.9, 2.0),
            (0.3, 0.25),
            (f64::INFINITY, 2f64.powi(1000)),
            (1e-320, 2f64.powi(-1000)),
        ] {
            assert_eq!(power_of_two(x), expected, "{x}");
        }
    }
}
