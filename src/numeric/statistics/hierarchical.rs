//! The bootstrap over two levels: seeds, and the mazes that all of them were measured on.

use super::interval::{Interval, quantile};
use crate::numeric::random::Stream;

/// The percentile bootstrap of a mean over groups, each known only up to `groups[i]`: bootstrap
/// draws of its own value. Groups are taken with replacement, and the same draw of every group
/// (Davison and Hinkley 1997, section 3.8): draw j of all groups is of the same mazes, whose luck
/// they share. Draws that are not finite are left out. `None` where there is
/// no group, or one has no draw.
///
/// # Panics
/// `level` outside `(0, 1)`, or 2^32 groups or draws.
pub fn hierarchical_mean(
    groups: &[Vec<f64>],
    level: f64,
    draws: u32,
    stream: &mut Stream,
) -> Option<Interval> {
    assert!(level > 0.0 && level < 1.0, "a level in (0, 1), not {level}");
    let finite = |group: &Vec<f64>| -> Vec<f64> {
        let values = group.iter().copied();
        values.filter(|value| value.is_finite()).collect()
    };
    let groups: Vec<Vec<f64>> = groups.iter().map(finite).collect();
    if groups.is_empty() || groups.iter().any(Vec::is_empty) {
        return None;
    }
    let len = |values: usize| u32::try_from(values).expect("fewer than 2^32");
    let means: Vec<f64> = (0..draws)
        .map(|_| {
            let draw = stream.next_u32() as usize;
            let sum: f64 = (0..groups.len())
                .map(|_| {
                    let group = &groups[stream.below(len(groups.len())) as usize];
                    group[draw % group.len()]
                })
                .sum();
            sum / groups.len() as f64
        })
        .collect();
    Some(Interval {
        low: quantile(&means, 0.5 - level / 2.0)?,
        high: quantile(&means, 0.5 + level / 2.0)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::Purpose;

    fn draws(index: u64) -> Stream {
        Stream::new(1, Purpose::Bootstrap, index)
    }

    /// The variance of the mean of n groups is that between them over n, and that of the draws they
    /// share, whole.
    #[test]
    fn both_levels_count() {
        let width = |between: f64, shared: f64| {
            let mut stream = Stream::new(1, Purpose::Nulls, 77);
            let common: Vec<f64> = (0..400).map(|_| shared * stream.normal()).collect();
            let groups: Vec<Vec<f64>> = (0..40)
                .map(|_| {
                    let centre = between * stream.normal();
                    common.iter().map(|x| centre + x).collect()
                })
                .collect();
            let interval = hierarchical_mean(&groups, 0.95, 4000, &mut draws(0)).unwrap();
            (interval.high - interval.low) / (2.0 * 1.96)
        };
        assert!((width(0.0, 1.0) - 1.0).abs() < 0.15);
        assert!((width(1.0, 0.0) * 40f64.sqrt() - 1.0).abs() < 0.3);
        assert!((width(6.0, 1.0) - (1.0 + 36.0 / 40.0f64).sqrt()).abs() < 0.4);
        assert_eq!(hierarchical_mean(&[], 0.95, 10, &mut draws(0)), None);
        assert_eq!(
            hierarchical_mean(&[vec![1.0], vec![f64::NAN]], 0.95, 10, &mut draws(0)),
            None
        );
    }
}
