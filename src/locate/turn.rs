//! Components that noise cannot keep apart, turned to where they lie earliest and latest.
//!
//! Of singular values as near to each other as noise moves them, the singular vectors are any basis of one space: two
//! directions of equal strength, one early and one late, come out as two mixtures that are neither. Within such a
//! group the basis is chosen that has something to say about time, the eigenvectors of
//! ```text
//! C = V^T diag(tau) V
//! ```
//! in ascending order: the first is the earliest direction of the space, the last the latest. The choice looks at time, and
//! so the nulls choose as well ([`super::group`]).

use std::ops::Range;

use faer::Mat;

use super::Error;
use super::noise::Noise;
use super::temporal::tau;
use crate::svd::{Decomposition, eigen, product};

/// Neighbours that noise turns into each other by more than this, in radians, are of one group.
const ANGLE: f64 = 0.25;

/// Groups of two and more of the first `signals` components.
pub fn groups(d: &Decomposition, noise: &Noise<'_>, signals: usize) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for i in 1..signals.min(d.rank) {
        let open = d.residual(i - 1) + d.residual(i);
        let is_apart = noise.angle(i - 1, i) <= ANGLE && d.s[i - 1] - d.s[i] > open;
        if is_apart {
            continue;
        }
        match groups.last_mut() {
            Some(last) if last.end == i => last.end = i + 1,
            _ => groups.push(i - 1..i + 1),
        }
    }
    groups
}

/// `d` with the components of every group turned. `s'` is `|G^T u'|`, and the residuals have what that leaves of
/// `G v' = s' u'`.
///
/// # Errors
/// Eigenvalues that do not converge.
pub fn turned(d: &Decomposition, groups: &[Range<usize>]) -> Result<Decomposition, Error> {
    let mut out = d.clone();
    let len = d.time_len;
    for group in groups {
        let m = group.len();
        let first = group.start;
        let v = Mat::from_fn(len, m, |t, i| d.v[t * d.rank + first + i]);
        let late = Mat::from_fn(len, m, |t, i| tau(t, len) * v[(t, i)]);
        let (_, vectors) = eigen(product(v.transpose(), late.as_ref()).as_ref())?;
        // They come largest first.
        let mut turn = vectors.as_ref().reverse_cols().to_owned();
        let course = product(v.as_ref(), turn.as_ref());
        for j in 0..m {
            let size = |t: &usize| course[(*t, j)].abs();
            let largest = (0..len).max_by(|a, b| size(a).total_cmp(&size(b)));
            if largest.is_some_and(|t| course[(t, j)] < 0.0) {
                (0..m).for_each(|i| turn[(i, j)] = -turn[(i, j)]);
            }
        }
        let course = product(v.as_ref(), turn.as_ref());
        for t in 0..len {
            (0..m).for_each(|j| out.v[t * d.rank + first + j] = course[(t, j)]);
        }
        for (row, old) in out.u.chunks_exact_mut(d.rank).zip(d.u.chunks_exact(d.rank)) {
            for j in 0..m {
                let sum: f64 = (0..m)
                    .map(|i| f64::from(old[first + i]) * turn[(i, j)])
                    .sum();
                row[first + j] = sum as f32;
            }
        }
        for j in 0..m {
            let s = |i: usize| d.s[first + i];
            let squares = |of: &dyn Fn(usize) -> f64| -> f64 {
                (0..m)
                    .map(|i| (turn[(i, j)] * of(i)).powi(2))
                    .sum::<f64>()
                    .sqrt()
            };
            let length = squares(&s);
            let bent = squares(&|i| s(i) - length);
            out.s[first + j] = length;
            out.left_residuals[first + j] = squares(&|i| d.left_residuals[first + i]) + bent;
            out.right_residuals[first + j] = squares(&|i| d.right_residuals[first + i]) + bent;
        }
    }
    Ok(out)
}
