//! Rows of a matrix in the coordinates of a few directions, and back.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

use crate::ablate::edit::orthonormal;
use crate::gradients::{self, GradientMatrix};

/// Rows of a task, and parameters read together.
const BLOCK: (usize, usize) = (128, 4096);

/// An orthonormal basis of parameter space's part that matters, `(P, len)` row-major.
#[derive(Clone, Debug)]
pub struct Span {
    values: Vec<f64>,
    /// Directions.
    pub len: usize,
}

impl Span {
    /// What `vectors` span.
    pub fn of(vectors: &[Vec<f32>]) -> Self {
        let basis = orthonormal(vectors);
        let len = basis.len();
        let param_len = vectors.first().map_or(0, Vec::len);
        let values = (0..param_len)
            .flat_map(|p| basis.iter().map(move |q| q[p]))
            .collect();
        Self { values, len }
    }

    /// `A B`: `(T, len)`, one reading. Tiles of parameters are added in their order.
    ///
    /// # Errors
    /// A matrix that cannot be read.
    pub fn coordinates(&self, matrix: &dyn GradientMatrix) -> Result<Mat<f64>, gradients::Error> {
        let time_len = matrix.time_len();
        let mut y = vec![Mat::zeros(0, 0); time_len.div_ceil(BLOCK.0)];
        y.par_iter_mut().enumerate().try_for_each(|(index, y)| {
            let rows = index * BLOCK.0..time_len.min((index + 1) * BLOCK.0);
            *y = self.block(matrix, rows)?;
            Ok::<(), gradients::Error>(())
        })?;
        Ok(Mat::from_fn(time_len, self.len, |t, j| {
            y[t / BLOCK.0][(t % BLOCK.0, j)]
        }))
    }

    fn block(
        &self,
        matrix: &dyn GradientMatrix,
        rows: Range<usize>,
    ) -> Result<Mat<f64>, gradients::Error> {
        let mut sum = Mat::zeros(rows.len(), self.len);
        let mut tile = Vec::new();
        for first in (0..matrix.param_len()).step_by(BLOCK.1) {
            let params = first..matrix.param_len().min(first + BLOCK.1);
            tile.resize(rows.len() * params.len(), 0.0);
            matrix.read_block_f64(rows.clone(), params.clone(), &mut tile)?;
            let basis = &self.values[params.start * self.len..params.end * self.len];
            matmul(
                &mut sum,
                Accum::Add,
                MatRef::from_row_major_slice(&tile, rows.len(), params.len()),
                MatRef::from_row_major_slice(basis, params.len(), self.len),
                1.0,
                Par::Seq,
            );
        }
        Ok(sum)
    }

    /// The vector of parameter space with these coordinates.
    pub fn direction(&self, coordinates: &[f64]) -> Vec<f64> {
        combine(&self.values, coordinates)
    }
}

/// `B x` for B `(P, len)` row-major.
pub fn combine<T: Copy + Into<f64>>(basis: &[T], x: &[f64]) -> Vec<f64> {
    assert!(!x.is_empty(), "no coordinates");
    basis
        .chunks_exact(x.len())
        .map(|row| row.iter().zip(x).map(|(&b, x)| b.into() * x).sum())
        .collect()
}

/// A vector as length and direction; `None` for no length.
pub fn unit(vector: &[f64]) -> Option<(f64, Vec<f32>)> {
    let length = crate::numeric::sum::norm(vector);
    (length > 0.0).then(|| {
        let direction = vector.iter().map(|x| (x / length) as f32).collect();
        (length, direction)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::Dense;
    use crate::numeric::random::{Purpose, Stream};
    use crate::numeric::sum::dot;

    #[test]
    fn coordinates_are_inner_products() {
        let mut stream = Stream::new(1, Purpose::Locators, 0);
        let (rows, cols) = (BLOCK.0 + 3, BLOCK.1 + 5);
        let mut draw = |len| -> Vec<f32> { (0..len).map(|_| stream.normal() as f32).collect() };
        let matrix = Dense::new(rows, cols, draw(rows * cols)).unwrap();
        let vectors = vec![draw(cols), draw(cols)];
        let span = Span::of(&vectors);
        let y = span.coordinates(&matrix).unwrap();
        for (j, x) in [[1.0, 0.0], [0.0, 1.0]].iter().enumerate() {
            let direction = span.direction(x);
            for t in [0, 1, rows - 1] {
                let row: Vec<f64> = matrix.row(t).iter().map(|&x| x.into()).collect();
                assert!((y[(t, j)] - dot(&row, &direction)).abs() < 1e-9);
            }
        }
    }
}
