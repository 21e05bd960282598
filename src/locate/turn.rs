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
use super::by_tensor::turn_of;
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

/// `d` with the components of every group turned in time.
///
/// # Errors
/// Eigenvalues that do not converge.
pub fn turned(d: &Decomposition, groups: &[Range<usize>]) -> Result<Decomposition, Error> {
    let mut out = d.clone();
    let len = d.time_len;
    for group in groups {
        let (m, first) = (group.len(), group.start);
        let v = Mat::from_fn(len, m, |t, i| d.v[t * d.rank + first + i]);
        let late = Mat::from_fn(len, m, |t, i| tau(t, len) * v[(t, i)]);
        let (_, vectors) = eigen(product(v.transpose(), late.as_ref()).as_ref())?;
        // They come largest first.
        turn(
            d,
            &mut out,
            first,
            vectors.as_ref().reverse_cols().to_owned(),
        );
    }
    Ok(out)
}

/// `d` with its first components turned so that they lie in tensors of their own ([`super::by_tensor`]); none where that is
/// not what they do.
pub fn turned_by_tensor(
    d: &Decomposition,
    noise: &Noise<'_>,
    signals: usize,
) -> Option<Decomposition> {
    let by = turn_of(noise.grams(), signals)?;
    // The longest first, as singular vectors come.
    let length = |j: usize| -> f64 { (0..signals).map(|i| (by[(i, j)] * d.s[i]).powi(2)).sum() };
    let mut order: Vec<usize> = (0..signals).collect();
    order.sort_by(|&a, &b| length(b).total_cmp(&length(a)));
    let by = Mat::from_fn(signals, signals, |i, j| by[(i, order[j])]);
    let mut out = d.clone();
    turn(d, &mut out, 0, by);
    Some(out)
}

/// Puts `U R` in place of components of `d` from `first` on, with their lengths `|G^T u|`, their courses, and what that leaves of
/// `G v = s u` among the residuals.
fn turn(d: &Decomposition, out: &mut Decomposition, first: usize, mut by: Mat<f64>) {
    let (m, len) = (by.nrows(), d.time_len);
    let s = |i: usize| d.s[first + i];
    let lengths: Vec<f64> = (0..m)
        .map(|j| {
            (0..m)
                .map(|i| (by[(i, j)] * s(i)).powi(2))
                .sum::<f64>()
                .sqrt()
        })
        .collect();
    let course = |by: &Mat<f64>, t: usize, j: usize| -> f64 {
        let row = &d.v[t * d.rank + first..][..m];
        let along = (0..m).map(|i| row[i] * s(i) * by[(i, j)]).sum::<f64>();
        if lengths[j] > 0.0 {
            along / lengths[j]
        } else {
            0.0
        }
    };
    for j in 0..m {
        let size = |t: &usize| course(&by, *t, j).abs();
        let largest = (0..len).max_by(|a, b| size(a).total_cmp(&size(b)));
        if largest.is_some_and(|t| course(&by, t, j) < 0.0) {
            (0..m).for_each(|i| by[(i, j)] = -by[(i, j)]);
        }
    }
    for t in 0..len {
        (0..m).for_each(|j| out.v[t * d.rank + first + j] = course(&by, t, j));
    }
    let rows = out.u.chunks_exact_mut(d.rank).zip(d.u.chunks_exact(d.rank));
    for (row, old) in rows {
        for j in 0..m {
            let sum: f64 = (0..m).map(|i| f64::from(old[first + i]) * by[(i, j)]).sum();
            row[first + j] = sum as f32;
        }
    }
    for j in 0..m {
        let squares = |of: &dyn Fn(usize) -> f64| -> f64 {
            (0..m)
                .map(|i| (by[(i, j)] * of(i)).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        // G v = U S^2 R / s, against s U R.
        let bent = match lengths[j] > 0.0 {
            true => squares(&|i| s(i) * s(i) / lengths[j] - lengths[j]),
            false => 0.0,
        };
        out.s[first + j] = lengths[j];
        out.left_residuals[first + j] = squares(&|i| d.left_residuals[first + i]) + bent;
        out.right_residuals[first + j] = squares(&|i| d.right_residuals[first + i]);
    }
}
