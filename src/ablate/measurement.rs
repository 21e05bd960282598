//! What a policy does, level by level.

use super::rate::Rate;

/// A mean over levels with its standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl Mean {
    /// Of some values, at least one.
    pub fn of(values: &[f64]) -> Self {
        let len = values.len() as f64;
        let value = values.iter().sum::<f64>() / len;
        let squares: f64 = values.iter().map(|x| (x - value) * (x - value)).sum();
        Self {
            value,
            error: (squares / (len - 1.0).max(1.0) / len).sqrt(),
        }
    }

    /// Whether it can be one of numbers in this range.
    pub fn is_within(&self, (least, most): (f64, f64)) -> bool {
        (least..=most).contains(&self.value) && (0.0..=most - least).contains(&self.error)
    }

    /// The 95 % interval, by the normal distribution.
    pub fn interval(self) -> (f64, f64) {
        let half = 1.96 * self.error;
        (self.value - half, self.value + half)
    }
}

/// What a policy does on [`Tasks`](super::Tasks).
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// In the order of [`Rate::ALL`], one a level, whose mean is the rate: a probability of success, what seeing the cheese adds to it, or
    /// of what is balanced over moves the level's share (`balanced.rs`).
    pub(super) by_level: Vec<Vec<f64>>,
    /// Mean probability of the move towards the cheese at the decision squares of S4.
    pub p_cheese: Mean,
    /// Mean probability there of the move towards the corner.
    pub p_corner: Mean,
}

impl Measurement {
    /// One number a level, whose mean is the rate.
    pub fn by_level(&self, rate: Rate) -> &[f64] {
        &self.by_level[rate.index()]
    }

    /// Made-up outcomes: the first `share` of the levels succeed.
    #[cfg(test)]
    pub fn from_rates(shares: &[f64; Rate::LEN], count: usize) -> Self {
        let first = |share: &f64| {
            (0..count)
                .map(|i| f64::from(u8::from((i as f64) < share * count as f64)))
                .collect()
        };
        Self {
            by_level: shares.iter().map(first).collect(),
            p_cheese: Mean::default(),
            p_corner: Mean::default(),
        }
    }

    /// The rate.
    pub fn rate(&self, rate: Rate) -> f64 {
        let by_level = self.by_level(rate);
        by_level.iter().sum::<f64>() / by_level.len() as f64
    }

    /// The rate with its standard error over levels.
    pub fn mean(&self, rate: Rate) -> Mean {
        Mean::of(self.by_level(rate))
    }
}
