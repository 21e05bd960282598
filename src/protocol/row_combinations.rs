//! Sums of a recorded gradient's rows with given weights, many at a time in one reading.

use rayon::prelude::*;

use crate::experiment::Error;
use crate::gradients::{self, GradientMatrix};

/// Parameters that are added up together: their sums stay in cache.
const TILE: usize = 512;
/// Rows that are read together.
const ROWS: usize = 1024;

/// By combination, the sum over rows of weight x row, of length P; rows, which have `norms`, are scaled to length 1 first where
/// `is_unit` says so of a combination. Rows of zeros stay.
///
/// # Errors
/// A matrix that cannot be read.
pub fn combinations(
    matrix: &dyn GradientMatrix,
    norms: &[f64],
    weights: &[Vec<f32>],
    is_unit: &dyn Fn(usize) -> bool,
) -> Result<Vec<Vec<f32>>, Error> {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    let scaled = |(i, weights): (usize, &Vec<f32>)| -> Vec<f32> {
        let pairs = weights.iter().zip(norms);
        let scale = |(&weight, &norm): (&f32, &f64)| match is_unit(i) && norm > 0.0 {
            true => (f64::from(weight) / norm) as f32,
            false => weight,
        };
        pairs.map(scale).collect()
    };
    let weights: Vec<Vec<f32>> = weights.iter().enumerate().map(scaled).collect();
    let starts: Vec<usize> = (0..param_len).step_by(TILE).collect();
    let tiles: Vec<Vec<Vec<f32>>> = starts
        .par_iter()
        .map(|&start| {
            let params = start..(start + TILE).min(param_len);
            let width = params.len();
            let mut sums = vec![vec![0.0f32; width]; weights.len()];
            for first in (0..time_len).step_by(ROWS) {
                let rows = first..(first + ROWS).min(time_len);
                let mut block = vec![0.0; rows.len() * width];
                matrix.read_block(rows.clone(), params.clone(), &mut block)?;
                for (sum, weights) in sums.iter_mut().zip(&weights) {
                    for (row, &weight) in block.chunks_exact(width).zip(&weights[rows.clone()]) {
                        sum.iter_mut()
                            .zip(row)
                            .for_each(|(sum, &x)| *sum += weight * x);
                    }
                }
            }
            Ok(sums)
        })
        .collect::<Result<_, gradients::Error>>()?;
    let combined = |i: usize| tiles.iter().flat_map(|sums| &sums[i]).copied().collect();
    Ok((0..weights.len()).map(combined).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::{Dense, row_norms};

    #[test]
    fn sums_are_those_of_whole_rows() {
        let (rows, params) = (1030, 700);
        let values: Vec<f32> = (0..rows * params)
            .map(|i| ((i * 7) % 13) as f32 - 6.0)
            .collect();
        let matrix = Dense::new(rows, params, values.clone()).unwrap();
        let weights: Vec<Vec<f32>> = (0..2)
            .map(|i| (0..rows).map(|t| ((t + i) % 5) as f32 - 2.0).collect())
            .collect();
        let norms = row_norms(&matrix).unwrap();
        let found = combinations(&matrix, &norms, &weights, &|i| i == 1).unwrap();
        for p in [0, 511, 512, 699] {
            let row = |t: usize| &values[t * params..(t + 1) * params];
            let length = |t: usize| row(t).iter().map(|x| x * x).sum::<f32>().sqrt();
            let raw: f32 = (0..rows).map(|t| weights[0][t] * row(t)[p]).sum();
            let unit: f32 = (0..rows)
                .map(|t| weights[1][t] * row(t)[p] / length(t))
                .sum();
            assert!((found[0][p] - raw).abs() < 1e-2, "{} {raw}", found[0][p]);
            assert!((found[1][p] - unit).abs() < 1e-3, "{} {unit}", found[1][p]);
        }
    }
}
