//! Exact and Monte-Carlo tests, and their correction for being many.

/// Most values that [`sign_flip`] takes: 2^20 sign patterns.
pub const SIGN_FLIP_MAX_LEN: usize = 20;

/// The exact two-sided sign-flip test (Fisher 1935) of a zero mean: the share of all `2^n` sign
/// patterns whose mean is at least as far from 0 as the observed one. `None` for no values, more
/// than [`SIGN_FLIP_MAX_LEN`], or one that is not finite.
pub fn sign_flip(values: &[f64]) -> Option<f64> {
    let in_range = (1..=SIGN_FLIP_MAX_LEN).contains(&values.len());
    if !in_range || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    // Patterns whose sums tie in exact arithmetic must tie here, whatever their order of addition.
    let slack = 1e-12 * values.iter().map(|value| value.abs()).sum::<f64>();
    let threshold = values.iter().sum::<f64>().abs() - slack;
    let patterns = 1u64 << values.len();
    let as_far = (0..patterns).filter(|pattern| {
        let signed = values.iter().enumerate().map(|(place, &value)| {
            if pattern >> place & 1 == 0 {
                value
            } else {
                -value
            }
        });
        signed.sum::<f64>().abs() >= threshold
    });
    Some(as_far.count() as f64 / patterns as f64)
}

/// The p-value `(1 + count) / (1 + draws)` where `count` of `draws` null draws were at least as
/// extreme as the observation (Davison and Hinkley 1997, eq. 4.11): the observation counts as one
/// of its own draws, so that p is never 0.
pub fn monte_carlo_p(count: u64, draws: u64) -> f64 {
    (1.0 + count as f64) / (1.0 + draws as f64)
}

/// A Monte-Carlo p-value whose draws end early (Besag and Clifford 1991): after the draw that is the
/// `enough`-th at least as extreme as the observation, with `p = enough / draws`; or after `most`
/// draws, with [`monte_carlo_p`]. Either way P(p <= x) <= x under the null. `is_extreme` is asked of
/// draw 0, 1, ... in turn. Returns p and the number of draws.
pub fn sequential_p<E>(
    enough: u64,
    most: u64,
    mut is_extreme: impl FnMut(u64) -> Result<bool, E>,
) -> Result<(f64, u64), E> {
    let mut count = 0;
    for draw in 0..most {
        count += u64::from(is_extreme(draw)?);
        if count == enough {
            return Ok((enough as f64 / (draw + 1) as f64, draw + 1));
        }
    }
    Ok((monte_carlo_p(count, most), most))
}

/// Holm's step-down adjustment (1979): p-values to be held against one level, which then bounds
/// the chance of any false rejection. In the order given.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut largest = 0.0f64;
    for (step, &index) in order.iter().enumerate() {
        largest = largest.max((p.len() - step) as f64 * p[index]).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{Purpose, Stream};
    use std::convert::Infallible;

    #[test]
    fn an_early_end_keeps_the_level() {
        let p = |extreme: &dyn Fn(u64) -> bool| {
            sequential_p(3, 19, |draw| Ok::<_, Infallible>(extreme(draw))).unwrap()
        };
        assert_eq!(p(&|_| true), (1.0, 3));
        assert_eq!(p(&|_| false), (0.05, 19));
        assert_eq!(p(&|draw| draw % 4 == 3), (0.25, 12));
        assert_eq!(p(&|draw| draw == 7), (0.1, 19));
        // Under the null the observation is one more draw from the same distribution.
        let (mut rejected, trials) = (0, 4000);
        for trial in 0..trials {
            let mut stream = Stream::new(trial, Purpose::Nulls, 1 << 40);
            let observed = stream.uniform();
            let (p, _) =
                sequential_p(5, 99, |_| Ok::<_, Infallible>(stream.uniform() >= observed)).unwrap();
            rejected += u64::from(p <= 0.05);
        }
        // .05 with a standard error of .0034.
        let share = rejected as f64 / trials as f64;
        assert!((0.036..0.061).contains(&share), "{share}");
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b
    }

    #[test]
    fn sign_flips_are_the_permutation_test_of_scipy() {
        for (values, p) in [
            (vec![1.5, -0.25, 3.0, 3.0, 0.125, 7.5, -2.0], 0.171875),
            (vec![2.0, 0.5, 2.5, 2.5, 1.0, 4.0, 1.0], 0.015625),
            (vec![0.5, 0.5, -0.5, 1.0, 0.0], 0.5),
        ] {
            assert_eq!(sign_flip(&values), Some(p));
        }
        // The least p of 10 seeds, as METHOD states it.
        assert_eq!(sign_flip(&[1.0; 10]), Some(2.0 / 1024.0));
        assert_eq!(sign_flip(&[0.1, 0.2, 0.3, 0.6]), Some(0.125));
        assert_eq!(sign_flip(&[]), None);
        assert_eq!(sign_flip(&[0.0; SIGN_FLIP_MAX_LEN + 1]), None);
        assert_eq!(sign_flip(&[f64::NAN]), None);
    }

    #[test]
    fn holm_steps_down_and_keeps_the_order() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005, 0.5, 0.04]);
        let expected = [0.05, 0.12, 0.12, 0.03, 0.5, 0.12];
        assert!(
            adjusted.iter().zip(expected).all(|(&a, b)| close(a, b)),
            "{adjusted:?}"
        );
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn a_monte_carlo_p_is_never_zero() {
        assert_eq!(monte_carlo_p(0, 999), 0.001);
        assert_eq!(monte_carlo_p(499, 499), 1.0);
    }
}
