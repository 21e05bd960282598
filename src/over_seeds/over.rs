//! A number over seeds: mean, interval, exact test; and the adjustment of several.

use crate::findings::Over;
use crate::numeric::random::Stream;
use crate::numeric::statistics::{hierarchical_mean, holm, sign_flip};
use crate::numeric::sum::mean;

/// Bootstrap draws over seeds.
const DRAWS: u32 = 10_000;

/// A number over seeds of values known exactly; `None` for no values. The bootstrap draws from `stream`.
pub fn over(values: Vec<f64>, stream: Stream) -> Option<Over> {
    let groups: Vec<Vec<f64>> = values.iter().map(|&value| vec![value]).collect();
    over_groups(values, &groups, stream)
}

/// The same of values with draws of each.
pub fn over_groups(values: Vec<f64>, groups: &[Vec<f64>], mut stream: Stream) -> Option<Over> {
    if values.is_empty() {
        return None;
    }
    let interval = (values.len() > 1)
        .then(|| hierarchical_mean(groups, 0.95, DRAWS, &mut stream))
        .flatten();
    Some(Over {
        mean: mean(&values),
        interval: interval.map(|interval| (interval.low, interval.high)),
        p: sign_flip(&values),
        values,
    })
}

/// Holm's adjustment over those that have a p-value.
pub fn adjust<'a>(all: impl Iterator<Item = (Option<f64>, &'a mut Option<f64>)>) {
    let tested: Vec<(f64, &mut Option<f64>)> =
        all.filter_map(|(p, place)| Some((p?, place))).collect();
    let p: Vec<f64> = tested.iter().map(|(p, _)| *p).collect();
    for ((_, place), adjusted) in tested.into_iter().zip(holm(&p)) {
        *place = Some(adjusted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::draws::PREMISE_OVER;

    fn stream() -> Stream {
        PREMISE_OVER.stream(1, 0)
    }

    #[test]
    fn one_seed_has_no_interval_and_ten_of_one_sign_have_the_least_p() {
        let one = over(vec![0.4], stream()).unwrap();
        assert_eq!((one.mean, one.interval, one.p), (0.4, None, Some(1.0)));
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        let ten = over(values, stream()).unwrap();
        assert_eq!(ten.p, Some(2.0 / 1024.0));
        let (low, high) = ten.interval.unwrap();
        assert!(
            (3.0..4.5).contains(&low) && (6.5..8.0).contains(&high),
            "{low} {high}"
        );
        assert!(over(Vec::new(), stream()).is_none());
    }

    #[test]
    fn holm_runs_over_those_that_were_tested() {
        let mut found = [None; 3];
        let p = [Some(0.01), None, Some(0.03)];
        adjust(p.into_iter().zip(found.iter_mut()));
        assert_eq!(found, [Some(0.02), None, Some(0.03)]);
    }
}
