//! What a policy does, level by level: the probabilities of success.

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

    /// Whether it can be one of probabilities.
    pub fn is_share(&self) -> bool {
        (0.0..=1.0).contains(&self.value) && (0.0..=1.0).contains(&self.error)
    }

    /// The 95 % interval, by the normal distribution.
    pub fn interval(self) -> (f64, f64) {
        let half = 1.96 * self.error;
        (self.value - half, self.value + half)
    }
}

/// What a policy did on [`Tasks`](super::Tasks), or would do on average.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// In the order of [`Rate::ALL`], one a level: the probability of success.
    pub(super) probabilities: Vec<Vec<f64>>,
    /// Mean probability of the move towards the cheese at the decision squares of S4.
    pub p_cheese: Mean,
    /// Mean probability there of the move towards the corner.
    pub p_corner: Mean,
}

impl Measurement {
    /// Each level's probability of success.
    pub fn probabilities(&self, rate: Rate) -> &[f64] {
        &self.probabilities[rate.index()]
    }

    /// Made-up outcomes: the first `share` of the levels succeed.
    #[cfg(test)]
    pub fn from_rates(shares: &[f64; 7], count: usize) -> Self {
        let first = |share: &f64| {
            (0..count)
                .map(|i| f64::from(u8::from((i as f64) < share * count as f64)))
                .collect()
        };
        Self {
            probabilities: shares.iter().map(first).collect(),
            p_cheese: Mean::default(),
            p_corner: Mean::default(),
        }
    }

    /// Mean probability of success.
    pub fn rate(&self, rate: Rate) -> f64 {
        let probabilities = self.probabilities(rate);
        probabilities.iter().sum::<f64>() / probabilities.len() as f64
    }
}
