//! Rewards divided by the running spread of discounted returns, as the published agents were trained
//! (`VecNormalize` of OpenAI's baselines).
//!
//! ```text
//! R_e <- gamma R_e + r_e            of every environment e at every step
//! mean, variance                    over every R of every environment and step so far
//! r_e <- r_e / sqrt(variance + 1e-8), clipped to +-10
//! R_e <- 0                          where the step ended the episode
//! ```
//! Before the first step the variance is 1, with the weight of 1e-4 of a return; each step's returns are
//! joined to those before it (Chan, Golub and LeVeque 1983). Everything is in double precision and in the
//! order of the environments, one after the other: the same bits on any number of threads.

use serde::{Deserialize, Serialize};

/// Largest reward that is left, and smallest below 0.
const CLIP: f64 = 10.0;
/// Added to the variance.
const EPSILON: f64 = 1e-8;
/// Weight of the variance before the first step.
const PRIOR: f64 = 1e-4;

/// The spread so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardScale {
    /// Mean of the discounted returns.
    pub mean: f64,
    /// Their variance.
    pub variance: f64,
    /// How many there were: one a frame.
    pub frames: u64,
    /// The present one of every environment.
    pub returns: Vec<f64>,
}

impl RewardScale {
    /// Before the first step.
    pub fn new(env_len: usize) -> Self {
        Self {
            mean: 0.0,
            variance: 1.0,
            frames: 0,
            returns: vec![0.0; env_len],
        }
    }

    /// Takes in the rewards of one step, one an environment, and scales them.
    pub fn step(&mut self, gamma: f64, rewards: &mut [f32], dones: &[bool]) {
        for (sum, &reward) in self.returns.iter_mut().zip(&*rewards) {
            *sum = *sum * gamma + f64::from(reward);
        }
        self.join();
        let deviation = (self.variance + EPSILON).sqrt();
        for ((reward, &done), sum) in rewards.iter_mut().zip(dones).zip(&mut self.returns) {
            *reward = (f64::from(*reward) / deviation).clamp(-CLIP, CLIP) as f32;
            if done {
                *sum = 0.0;
            }
        }
    }

    /// Joins the present returns to those before.
    fn join(&mut self) {
        let len = self.returns.len() as f64;
        let mean = self.returns.iter().sum::<f64>() / len;
        let squares = self.returns.iter().map(|x| (x - mean) * (x - mean));
        let variance = squares.sum::<f64>() / len;
        let before = self.frames as f64 + PRIOR;
        let total = before + len;
        let delta = mean - self.mean;
        let between = delta * delta * before * len / total;
        self.mean += delta * len / total;
        self.variance = (self.variance * before + variance * len + between) / total;
        self.frames += self.returns.len() as u64;
    }

    /// What is wrong with this as the scale of `env_len` environments after so many frames: what was
    /// expected, and what is there.
    pub fn contradiction(&self, env_len: usize, frames: u64) -> Option<(String, String)> {
        let counts = (self.returns.len(), self.frames);
        if counts != (env_len, frames) {
            let told = |(returns, frames)| format!("{returns} returns after {frames} frames");
            return Some((told((env_len, frames)), told(counts)));
        }
        let mut numbers = [self.mean, self.variance]
            .into_iter()
            .chain(self.returns.iter().copied());
        let unusable = numbers.find(|number| !number.is_finite());
        let found = unusable.or((self.variance < 0.0).then_some(self.variance))?;
        let expected = "finite numbers and a variance of at least 0";
        Some((expected.into(), found.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{Purpose, Stream};

    /// Against every return kept and looked at anew, the prior as a weight of its own.
    #[test]
    fn rewards_are_divided_by_the_deviation_of_all_returns_so_far() {
        let stream = &mut Stream::new(1, Purpose::Nulls, 0);
        let (env_len, gamma) = (7, 0.9);
        let mut scale = RewardScale::new(env_len);
        let mut sums = vec![0.0f64; env_len];
        let mut all: Vec<f64> = Vec::new();
        let mut clipped = 0;
        for step in 0..200 {
            let dones: Vec<bool> = (0..env_len).map(|_| stream.below(9) == 0).collect();
            // Nothing at first, so that the first reward is a large one; later one far out.
            let rewards: Vec<f32> = (0..env_len)
                .map(|_| match (step, stream.below(4)) {
                    (..5, _) | (_, 1..) => 0.0,
                    (150, _) => 1e4,
                    _ => 3.0 + stream.normal() as f32,
                })
                .collect();
            for (sum, &reward) in sums.iter_mut().zip(&rewards) {
                *sum = gamma * *sum + f64::from(reward);
            }
            all.extend(&sums);
            let weight = all.len() as f64 + 1e-4;
            let mean = all.iter().sum::<f64>() / weight;
            let squares: f64 = all.iter().map(|x| (x - mean).powi(2)).sum();
            let variance = (squares + 1e-4 * (1.0 + mean * mean)) / weight;
            let mut found = rewards.clone();
            scale.step(gamma, &mut found, &dones);
            assert!(
                (scale.mean - mean).abs() <= 1e-9 * mean.abs().max(1e-12),
                "{step}"
            );
            assert!(
                (scale.variance - variance).abs() <= 1e-9 * variance,
                "{step}"
            );
            for (&found, &reward) in found.iter().zip(&rewards) {
                let expected = f64::from(reward) / (variance + 1e-8).sqrt();
                clipped += u32::from(expected.abs() > 10.0);
                let expected = expected.clamp(-10.0, 10.0);
                assert!(
                    (f64::from(found) - expected).abs() < 1e-5,
                    "{step}: {found} {expected}"
                );
            }
            for (sum, done) in sums.iter_mut().zip(dones) {
                *sum = if done { 0.0 } else { *sum };
            }
            assert_eq!(scale.returns.len(), sums.len());
            assert!(
                scale
                    .returns
                    .iter()
                    .zip(&sums)
                    .all(|(a, b)| (a - b).abs() < 1e-9)
            );
        }
        assert!(clipped > 0, "no reward was clipped");
        assert_eq!(scale.contradiction(7, 1400), None);
    }

    #[test]
    fn what_no_training_comes_to_is_told() {
        let sound = RewardScale::new(2);
        assert_eq!(sound.contradiction(2, 0), None);
        let wrong = |change: fn(&mut RewardScale)| {
            let mut scale = sound.clone();
            change(&mut scale);
            assert!(scale.contradiction(2, 0).is_some(), "{scale:?}");
        };
        wrong(|scale| scale.frames = 2);
        wrong(|scale| scale.returns.push(0.0));
        wrong(|scale| scale.returns[1] = f64::NAN);
        wrong(|scale| scale.mean = f64::INFINITY);
        wrong(|scale| scale.variance = -1e-300);
    }
}
