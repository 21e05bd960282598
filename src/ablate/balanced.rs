//! Means over states that weigh the four moves alike, whatever mazes ask for more often.
//!
//! ```text
//! R = mean over moves k of  R_k        R_k = sum over levels of n_lk / sum over levels of d_lk
//! r_l = R + (levels / moves)  sum over k of  (n_lk - R_k d_lk) / sum over levels of d_lk
//! ```
//!
//! n_lk adds up a number over the states of level l whose needed move is k, d_lk counts them. Means of r_l over levels
//! are R, and with levels weighted what R would be to first order (the ratio estimator, Cochran 1977, chapter 6): standard errors
//! and bootstraps take r_l for the level's value. Moves that no state needs are left out.

use crate::maze::Move;

/// r_l of every level from its states: the needed move and the number.
pub(super) fn by_level(levels: &[Vec<(Move, f64)>]) -> Vec<f64> {
    let mut sums = vec![([0.0; 4], [0.0; 4]); levels.len()];
    for ((sums, counts), states) in sums.iter_mut().zip(levels) {
        for &(step, number) in states {
            sums[step as usize] += number;
            counts[step as usize] += 1.0;
        }
    }
    let total = |k: usize| {
        let all = sums.iter();
        all.fold((0.0, 0.0), |(n, d), (sums, counts)| {
            (n + sums[k], d + counts[k])
        })
    };
    let moves = (0..4).map(|k| (k, total(k)));
    let moves: Vec<(usize, f64, f64)> = moves
        .filter(|(_, (_, count))| *count > 0.0)
        .map(|(k, (sum, count))| (k, sum / count, count))
        .collect();
    let len = moves.len().max(1) as f64;
    let mean = moves.iter().map(|(_, ratio, _)| ratio).sum::<f64>() / len;
    let value = |(sums, counts): &([f64; 4], [f64; 4])| {
        let apart = |&(k, ratio, count): &(usize, f64, f64)| (sums[k] - ratio * counts[k]) / count;
        mean + levels.len() as f64 / len * moves.iter().map(apart).sum::<f64>()
    };
    sums.iter().map(value).collect()
}

/// Of every state the derivative of R by its number, in the order of the states.
pub(super) fn weights(levels: &[Vec<Move>]) -> Vec<f64> {
    let mut counts = [0.0f64; 4];
    for &step in levels.iter().flatten() {
        counts[step as usize] += 1.0;
    }
    let len = counts.iter().filter(|&&count| count > 0.0).count().max(1) as f64;
    let states = levels.iter().flatten();
    states
        .map(|&step| 1.0 / (len * counts[step as usize]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_count_alike_and_levels_add_up() {
        use Move::{Left, Right, Up};
        let levels = [
            vec![(Right, 1.0), (Right, 1.0), (Right, 0.4), (Up, 0.9)],
            vec![(Left, 0.1), (Up, 0.7), (Up, 0.8)],
            vec![],
        ];
        // .8 of three to the right, .1 of one to the left, .8 of three upward, none downward.
        let found = by_level(&levels);
        let mean = found.iter().sum::<f64>() / 3.0;
        assert!((mean - (0.8 + 0.1 + 0.8) / 3.0).abs() < 1e-12, "{found:?}");
        let steps = levels.each_ref().map(|l| l.iter().map(|s| s.0).collect());
        let weights = weights(&steps);
        let numbers = levels.iter().flatten().map(|state| state.1);
        let sum: f64 = weights.iter().zip(numbers).map(|(w, x)| w * x).sum();
        assert!((sum - mean).abs() < 1e-12);
    }

    /// Doubling a level is what its weight in a bootstrap does, to first order.
    #[test]
    fn a_level_s_value_is_the_change_when_it_counts_more() {
        let level = |i: usize| {
            let p = (i % 7) as f64 / 7.0;
            let up = vec![(Move::Up, p * p); 1 + i % 3];
            [up, vec![(Move::Left, p); i % 2]].concat()
        };
        let levels: Vec<_> = (0..200).map(level).collect();
        let mean = |levels: &[Vec<(Move, f64)>]| {
            let all = by_level(levels);
            all.iter().sum::<f64>() / all.len() as f64
        };
        let values = by_level(&levels);
        for chosen in [0, 6, 13] {
            let mut more = levels.clone();
            more.push(levels[chosen].clone());
            let exact = mean(&more);
            let linear = (values.iter().sum::<f64>() + values[chosen]) / 201.0;
            let moved = (exact - mean(&levels)).abs();
            assert!(
                (exact - linear).abs() < 0.02 * moved && moved > 3e-4,
                "{exact} {linear} {moved}"
            );
        }
    }
}
