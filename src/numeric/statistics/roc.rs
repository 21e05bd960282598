//! The area under the ROC curve.
//!
//! ```text
//! area = P(score of a positive > score of a negative) + P(equal) / 2
//! ```
//! by ranks, ties sharing the mean of theirs (Mann and Whitney 1947): `O(n log n)`.

use super::correlation::ranks;

/// The area for `scores` of which those with `is_positive` should be the higher; `None` where there
/// are no positives or no negatives, or a score is NaN.
///
/// # Panics
/// Not one mark a score.
pub fn roc_area(scores: &[f64], is_positive: &[bool]) -> Option<f64> {
    assert_eq!(scores.len(), is_positive.len(), "one mark a score");
    let positives = is_positive.iter().filter(|&&is| is).count();
    let negatives = scores.len() - positives;
    if positives == 0 || negatives == 0 || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    // Ranks count from 0, so those of the positives sum to the pairs won plus the pairs among them.
    let marked = ranks(scores).into_iter().zip(is_positive);
    let sum: f64 = marked.filter(|(_, is)| **is).map(|(rank, _)| rank).sum();
    let (p, n) = (positives as f64, negatives as f64);
    Some((sum - p * (p - 1.0) / 2.0) / (p * n))
}

/// The same with pairs weighted by the product of the weights of their members, which are not negative; `None` also where
/// either side has no weight.
///
/// # Panics
/// Not one mark and one weight a score.
pub fn weighted_roc_area(scores: &[f64], is_positive: &[bool], weights: &[f64]) -> Option<f64> {
    assert_eq!(scores.len(), is_positive.len(), "one mark a score");
    assert_eq!(scores.len(), weights.len(), "one weight a score");
    if scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut won, mut positives, mut negatives) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let weight = |mark: bool| -> f64 {
            let of = tied.iter().filter(|&&at| is_positive[at] == mark);
            of.map(|&at| weights[at]).sum()
        };
        let [positive, negative] = [weight(true), weight(false)];
        won += positive * (negatives + 0.5 * negative);
        positives += positive;
        negatives += negative;
    }
    let pairs = positives * negatives;
    // Rounding may take it past 1.
    (pairs > 0.0).then(|| (won / pairs).min(1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(scores: &[f64], is_positive: &[bool]) -> Option<f64> {
        let of = |mark| {
            let pairs = scores.iter().zip(is_positive);
            pairs
                .filter(move |(_, is)| **is == mark)
                .map(|(score, _)| *score)
        };
        let (mut won, mut pairs) = (0.0, 0.0);
        for positive in of(true) {
            for negative in of(false) {
                pairs += 1.0;
                won += match positive.total_cmp(&negative) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        (pairs > 0.0).then(|| won / pairs)
    }

    proptest! {
        #[test]
        fn ranks_count_what_pairs_count(drawn in prop::collection::vec((0u8..6, any::<bool>()), 0..60)) {
            // Few levels, so that most scores are tied.
            let scores: Vec<f64> = drawn.iter().map(|(score, _)| f64::from(*score) * 0.1).collect();
            let marks: Vec<bool> = drawn.iter().map(|(_, mark)| *mark).collect();
            match (roc_area(&scores, &marks), naive(&scores, &marks)) {
                (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-12),
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }

        /// A weight of n counts as n scores.
        #[test]
        fn weights_count_what_copies_count(
            drawn in prop::collection::vec((0u8..6, any::<bool>(), 0usize..4), 0..30)
        ) {
            let copies = |one: &(u8, bool, usize)| vec![(f64::from(one.0), one.1); one.2];
            let (scores, marks): (Vec<f64>, Vec<bool>) = drawn.iter().flat_map(copies).unzip();
            let of = |weight: fn(&(u8, bool, usize)) -> f64| drawn.iter().map(weight).collect::<Vec<_>>();
            let own: Vec<bool> = drawn.iter().map(|one| one.1).collect();
            let found = weighted_roc_area(&of(|one| f64::from(one.0)), &own, &of(|one| one.2 as f64));
            match (found, naive(&scores, &marks)) {
                (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-12),
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }
    }

    #[test]
    fn a_weighted_area_is_never_above_one() {
        let len = 3000;
        let scores: Vec<f64> = (0..len).map(f64::from).collect();
        let marks: Vec<bool> = (0..len).map(|i| i >= len / 2).collect();
        for seed in 1..40u32 {
            let weight =
                |i: u32| f64::from(i.wrapping_mul(2_654_435_761).wrapping_mul(seed) >> 8) * 1e-9;
            let weights: Vec<f64> = (0..len as u32).map(weight).collect();
            let area = weighted_roc_area(&scores, &marks, &weights).unwrap();
            assert!(area <= 1.0 && area > 1.0 - 1e-12, "{area}");
        }
    }

    #[test]
    fn ends_and_refusals() {
        let marks = [true, false, true, false];
        assert_eq!(roc_area(&[4.0, 1.0, 3.0, 2.0], &marks), Some(1.0));
        assert_eq!(roc_area(&[1.0, 4.0, 2.0, 3.0], &marks), Some(0.0));
        assert_eq!(roc_area(&[1.0; 4], &marks), Some(0.5));
        assert_eq!(roc_area(&[1.0; 2], &[true; 2]), None);
        assert_eq!(roc_area(&[f64::NAN, 1.0], &[true, false]), None);
    }
}
