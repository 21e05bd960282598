//! Sample quantiles, and an interval between two of them.

/// A two-sided interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The `q` quantile of `values`, linear between order statistics (numpy's default, type 7); `None`
/// for no values.
///
/// # Panics
/// `q` outside `[0, 1]`.
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    assert!((0.0..=1.0).contains(&q), "a quantile in [0, 1], not {q}");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile_of_sorted(&sorted, q)
}

fn quantile_of_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    let place = q * sorted.len().checked_sub(1)? as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-14 * b.abs().max(1.0)
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        let values = [1.5, -0.25, 3.0, 3.0, 0.125, 7.5, -2.0];
        for (q, x) in [
            (0.0, -2.0),
            (0.025, -1.7375),
            (0.3, 0.05),
            (0.5, 1.5),
            (0.95, 6.15),
            (1.0, 7.5),
        ] {
            assert!(close(quantile(&values, q).unwrap(), x), "{q}");
        }
        assert_eq!(quantile(&[], 0.5), None);
    }
}
