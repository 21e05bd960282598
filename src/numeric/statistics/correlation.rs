//! Pearson's and Spearman's correlation.

use crate::numeric::sum::mean;

/// Pearson's correlation of paired values; `None` for fewer than two pairs, where either side is
/// constant, and where a value is not finite.
///
/// # Panics
/// The sides differ in length.
pub fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    assert_eq!(x.len(), y.len(), "a correlation pairs its values");
    let (x_mean, y_mean) = (mean(x), mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (&x, &y) in x.iter().zip(y) {
        let (x, y) = (x - x_mean, y - y_mean);
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    let r = xy / (xx.sqrt() * yy.sqrt());
    r.is_finite().then(|| r.clamp(-1.0, 1.0))
}

/// Spearman's correlation: Pearson's of the ranks, ties sharing the mean of theirs. `None` as
/// [`pearson`].
///
/// # Panics
/// The sides differ in length.
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.iter().chain(y).any(|value| !value.is_finite()) {
        return None;
    }
    pearson(&ranks(x), &ranks(y))
}

/// The ranks of values from 0 on, ties sharing the mean of theirs.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let shared = first as f64 + (tied.len() - 1) as f64 / 2.0;
        for &index in tied {
            ranks[index] = shared;
        }
        first += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f64; 7] = [1.5, -0.25, 3.0, 3.0, 0.125, 7.5, -2.0];
    const Y: [f64; 7] = [2.0, 0.5, 2.5, 2.5, 1.0, 4.0, 1.0];

    #[test]
    fn correlations_are_those_of_scipy_ties_included() {
        assert!((pearson(&X, &Y).unwrap() - 0.9507180143678489).abs() < 1e-15);
        assert!((spearman(&X, &Y).unwrap() - 0.9358192003574067).abs() < 1e-15);
    }

    #[test]
    fn no_correlation_without_variation() {
        assert_eq!(pearson(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(pearson(&[1.0], &[2.0]), None);
        assert_eq!(spearman(&[], &[]), None);
        assert_eq!(spearman(&[f64::NAN, 1.0], &[1.0, 2.0]), None);
        assert_eq!(pearson(&[f64::INFINITY, 1.0], &[1.0, 2.0]), None);
    }
}
