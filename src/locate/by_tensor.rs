//! Components that lie in tensors of their own, found again where their courses overlap.
//!
//! Singular vectors are orthogonal on both sides. Directions that lie in different tensors are so on theirs; when they were
//! active need not be: one that was active at all times and one that was at first share a stretch of steps, and come out
//! mixed. With the Grams of the signals' left vectors within each tensor,
//! ```text
//! W_l = U_l^T U_l        sum_l W_l = 1
//! ```
//! the turn R is sought that makes all `R^T W_l R` as diagonal as can be (Jacobi angles: Cardoso and Souloumiac 1996). Where
//! hardly anything off the diagonals is left, each direction `U R` lies in tensors of its own, and these are taken in
//! place of the singular vectors, each with its course `G^T u / |G^T u|`. The choice does not look at time, so that the
//! nulls of a course stay what they are.

use faer::Mat;

use crate::svd::product;

/// Share of the Grams' squares off their diagonals up to which directions lie in tensors of their own.
const MOST: f64 = 0.05;
/// Up to which there is nothing to turn.
const LEAST: f64 = 0.01;
/// Sweeps over all pairs, at most.
const SWEEPS: usize = 60;

/// The turn of the first `signals` components, `(signals, signals)`; none where they do not lie apart, or already do.
pub(super) fn turn_of(grams: &[Mat<f64>], signals: usize) -> Option<Mat<f64>> {
    let mut grams: Vec<Mat<f64>> = grams
        .iter()
        .map(|gram| gram.as_ref().submatrix(0, 0, signals, signals).to_owned())
        .collect();
    if signals < 2 || grams.len() < 2 || off_diagonal(&grams) <= LEAST {
        return None;
    }
    let mut turn = Mat::<f64>::identity(signals, signals);
    for _ in 0..SWEEPS {
        let mut largest = 0.0f64;
        for i in 0..signals {
            for j in i + 1..signals {
                let (cos, sin) = angle(&grams, i, j);
                largest = largest.max(sin.abs());
                let mut plane = Mat::<f64>::identity(signals, signals);
                (plane[(i, i)], plane[(j, j)]) = (cos, cos);
                (plane[(i, j)], plane[(j, i)]) = (-sin, sin);
                turn = product(turn.as_ref(), plane.as_ref());
                for gram in &mut grams {
                    let right = product(gram.as_ref(), plane.as_ref());
                    *gram = product(plane.transpose(), right.as_ref());
                }
            }
        }
        if largest < 1e-10 {
            break;
        }
    }
    (off_diagonal(&grams) <= MOST).then_some(turn)
}

/// The angle of the plane (i, j) that takes most off the diagonals, as cosine and sine.
fn angle(grams: &[Mat<f64>], i: usize, j: usize) -> (f64, f64) {
    let (mut on, mut off) = (0.0, 0.0);
    for gram in grams {
        let (difference, twice) = (gram[(i, i)] - gram[(j, j)], 2.0 * gram[(i, j)]);
        on += difference * difference - twice * twice;
        off += 2.0 * difference * twice;
    }
    let theta = 0.5 * off.atan2(on + on.hypot(off));
    (theta.cos(), theta.sin())
}

/// Share of the squares of all entries that lies off the diagonals.
fn off_diagonal(grams: &[Mat<f64>]) -> f64 {
    let (mut off, mut all) = (0.0, 0.0);
    for gram in grams {
        for i in 0..gram.nrows() {
            for j in 0..gram.ncols() {
                let square = gram[(i, j)] * gram[(i, j)];
                all += square;
                off += if i == j { 0.0 } else { square };
            }
        }
    }
    if all > 0.0 { off / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grams of directions in tensors of their own, turned by `by`.
    fn turned(diagonals: &[[f64; 3]], by: &Mat<f64>) -> Vec<Mat<f64>> {
        let gram = |diagonal: &[f64; 3]| {
            let middle = Mat::from_fn(3, 3, |i, j| if i == j { diagonal[i] } else { 0.0 });
            product(
                product(by.transpose(), middle.as_ref()).as_ref(),
                by.as_ref(),
            )
        };
        diagonals.iter().map(gram).collect()
    }

    #[test]
    fn directions_in_tensors_of_their_own_are_turned_back() {
        let third = 1.0 / 3.0;
        // A reflection: orthogonal, and mixes all three.
        let by = Mat::from_fn(3, 3, |i, j| f64::from(u8::from(i == j)) - 2.0 * third);
        let apart = [[1.0, 0.0, 0.1], [0.0, 1.0, 0.0], [0.0, 0.0, 0.9]];
        let turn = turn_of(&turned(&apart, &by), 3).unwrap();
        let back = product(by.as_ref(), turn.as_ref());
        for i in 0..3 {
            let largest = (0..3).map(|j| back[(i, j)].abs()).fold(0.0, f64::max);
            assert!(largest > 1.0 - 1e-9, "{back:?}");
        }
        // In every tensor the same: nothing tells them apart. And as they should be already.
        assert!(turn_of(&turned(&[[0.5; 3], [0.5; 3]], &by), 3).is_none());
        assert!(turn_of(&turned(&apart, &Mat::identity(3, 3)), 3).is_none());
        // Spread over tensors in ways that no turn makes diagonal.
        let other = turned(
            &[[0.7, 0.1, 0.2]],
            &Mat::from_fn(3, 3, |i, j| {
                [[0.0, 1.0, 0.0], [0.6, 0.0, 0.8], [-0.8, 0.0, 0.6]][i][j]
            }),
        );
        let mut spread = turned(&[[0.3, 0.9, 0.8]], &by);
        spread.extend(other);
        assert!(turn_of(&spread, 3).is_none());
    }
}
