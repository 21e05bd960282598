//! The clipped PPO loss of one minibatch and its derivatives by logits and values.
//!
//! ```text
//! L = mean over samples of  c_p max(-A r, -A clamp(r, 1 - eps, 1 + eps)) + c_v L_value - c_H H
//! r = exp(log pi(a) - log pi_old(a))
//! ```
//!
//! `L_value` is [`value::loss`], `H` the policy's entropy in nats.

use crate::nn::{softmax, value};
use crate::numeric::Real;
use crate::numeric::simd::{Work, apply};

/// The loss's coefficients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    /// Clipping range of the ratio, and of the value where `clip_value`.
    pub clip: f64,
    /// Weight of the policy loss: 1 in training.
    pub policy: f64,
    /// Weight of the value loss.
    pub value: f64,
    /// Weight of the entropy.
    pub entropy: f64,
    /// Whether the value loss is clipped as well.
    pub clip_value: bool,
}

/// What the rollout says of one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<T> {
    /// The action taken.
    pub action: usize,
    /// Its log-probability when it was taken.
    pub old_log_prob: T,
    /// The value predicted then.
    pub old_value: T,
    /// The advantage, normalised.
    pub advantage: T,
    /// The return that the value should predict.
    pub target: T,
}

/// Sums over samples of what is worth watching.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    /// Policy loss.
    pub policy: f64,
    /// Value loss.
    pub value: f64,
    /// Entropy in nats.
    pub entropy: f64,
    /// `r - 1 - ln r`, an estimate of the divergence from the old policy.
    pub divergence: f64,
    /// Samples whose ratio was outside the clipping range.
    pub clipped: f64,
}

impl Sums {
    /// Adds another block's sums.
    pub fn add(&mut self, other: &Self) {
        self.policy += other.policy;
        self.value += other.value;
        self.entropy += other.entropy;
        self.divergence += other.divergence;
        self.clipped += other.clipped;
    }
}

/// A block of samples, what the network gives for them, and where the derivatives go.
#[derive(Debug)]
pub struct Block<'a, T> {
    /// The samples.
    pub samples: &'a [Sample<T>],
    /// `(samples, actions)`.
    pub logits: &'a [T],
    /// One a sample.
    pub values: &'a [T],
    /// What the loss is made of.
    pub coefficients: &'a Coefficients,
    /// 1 over the minibatch's length.
    pub scale: T,
    /// Derivatives by the logits.
    pub d_logits: &'a mut [T],
    /// Derivatives by the values.
    pub d_values: &'a mut [T],
}

/// Writes the derivatives of `scale` times the summed loss of a block, and returns its sums.
pub fn block<T: Real>(block: Block<'_, T>) -> Sums {
    apply(block)
}

impl<T: Real> Work for Block<'_, T> {
    type Output = Sums;

    #[inline(always)]
    fn run(self) -> Sums {
        let Self {
            samples,
            logits,
            values,
            coefficients,
            scale,
            d_logits,
            d_values,
        } = self;
        let action_len = logits.len() / samples.len();
        let clip = T::from_f64(coefficients.clip);
        let weight = T::from_f64(coefficients.policy);
        let d_entropy = -(T::from_f64(coefficients.entropy) * scale);
        let mut log_probs = vec![T::ZERO; action_len];
        let mut d_log_probs = vec![T::ZERO; action_len];
        let mut sums = Sums::default();
        for (i, sample) in samples.iter().enumerate() {
            let row = i * action_len..(i + 1) * action_len;
            let entropy = softmax::forward(&logits[row.clone()], &mut log_probs);
            let log_ratio = log_probs[sample.action] - sample.old_log_prob;
            let ratio = log_ratio.exp();
            let clamped = if ratio < T::ONE - clip {
                T::ONE - clip
            } else if ratio > T::ONE + clip {
                T::ONE + clip
            } else {
                ratio
            };
            let (plain, bounded) = (-(sample.advantage * ratio), -(sample.advantage * clamped));
            // Where the clamped branch is the larger one and active, the ratio has no gradient.
            let is_plain = plain >= bounded;
            let d_ratio = if is_plain { -sample.advantage } else { T::ZERO };
            d_log_probs.fill(T::ZERO);
            d_log_probs[sample.action] = weight * (d_ratio * ratio * scale);
            softmax::backward(
                &log_probs,
                entropy,
                &d_log_probs,
                d_entropy,
                &mut d_logits[row],
            );
            let value_clip = coefficients.clip_value.then_some(clip);
            let (value_loss, d_value) =
                value::loss(values[i], sample.old_value, sample.target, value_clip);
            d_values[i] = T::from_f64(coefficients.value) * d_value * scale;
            sums.policy += (if is_plain { plain } else { bounded }).to_f64();
            sums.value += value_loss.to_f64();
            sums.entropy += entropy.to_f64();
            sums.divergence += ratio.to_f64() - 1.0 - log_ratio.to_f64();
            sums.clipped += if ratio == clamped { 0.0 } else { 1.0 };
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::finite_difference as fd;

    fn total(sums: &Sums, coefficients: &Coefficients) -> f64 {
        coefficients.policy * sums.policy + coefficients.value * sums.value
            - coefficients.entropy * sums.entropy
    }

    #[test]
    fn gradients_are_the_differences() {
        let (mut clipped, mut held) = (0, 0);
        for shape in 0..fd::SHAPE_LEN {
            let s = &mut fd::stream(shape);
            let (n, action_len) = (fd::length(s, 8), 1 + fd::length(s, 14));
            let coefficients = Coefficients {
                clip: 0.2,
                policy: 0.5 + s.uniform(),
                value: 0.5 + s.uniform(),
                entropy: s.uniform(),
                clip_value: shape % 2 == 0,
            };
            let scale = 1.0 / n as f64;
            let logits = fd::normals(s, n * action_len);
            let mut values = Vec::new();
            let mut samples: Vec<Sample<f64>> = Vec::new();
            for logits in logits.chunks_exact(action_len) {
                let action = s.below(action_len as u32) as usize;
                let mut log_probs = vec![0.0; action_len];
                softmax::forward(logits, &mut log_probs);
                // Ratios and changes of the value well inside the clipping range or well outside.
                let wide = f64::from(s.below(2));
                let log_ratio = s.sign() * (0.02 + 0.3 * wide + 0.1 * s.uniform());
                let change = s.sign() * (0.02 + 0.3 * wide + 0.1 * s.uniform());
                let old_value = s.normal();
                values.push(old_value + change);
                samples.push(Sample {
                    action,
                    old_log_prob: log_probs[action] - log_ratio,
                    old_value,
                    advantage: s.sign() * (0.1 + s.uniform()),
                    target: old_value + s.sign() * (0.5 + s.uniform()),
                });
                clipped += usize::from(wide == 1.0);
            }
            let run = |logits: &[f64], values: &[f64]| {
                let (mut d_logits, mut d_values) = (vec![9.0; logits.len()], vec![9.0; n]);
                let sums = block(Block {
                    samples: &samples,
                    logits,
                    values,
                    coefficients: &coefficients,
                    scale,
                    d_logits: &mut d_logits,
                    d_values: &mut d_values,
                });
                (scale * total(&sums, &coefficients), d_logits, d_values)
            };
            let (_, d_logits, d_values) = run(&logits, &values);
            held += d_values.iter().filter(|&&d| d == 0.0).count();
            let name = format!("{n} samples of {action_len} actions");
            fd::check(&name, &logits, &d_logits, &mut |z| run(z, &values).0);
            fd::check(&name, &values, &d_values, &mut |v| run(&logits, v).0);
        }
        assert!(
            clipped >= 20 && held >= 5,
            "{clipped} ratios, {held} values out of range"
        );
    }

    #[test]
    fn an_unchanged_policy_has_no_divergence_and_its_mean_advantage_as_loss() {
        let logits = [0.3f64, -1.0, 0.2, 0.0];
        let mut log_probs = [0.0; 4];
        softmax::forward(&logits, &mut log_probs);
        let sample = |action: usize, advantage| Sample {
            action,
            old_log_prob: log_probs[action],
            old_value: 0.25,
            advantage,
            target: 1.25,
        };
        let samples = [sample(0, 2.0), sample(3, -0.5)];
        let coefficients = Coefficients {
            clip: 0.2,
            policy: 1.0,
            value: 0.5,
            entropy: 0.01,
            clip_value: true,
        };
        let outputs = ([logits, logits].concat(), [0.25, 0.25]);
        let sums = block(Block {
            samples: &samples,
            logits: &outputs.0,
            values: &outputs.1,
            coefficients: &coefficients,
            scale: 0.5,
            d_logits: &mut [0.0; 8],
            d_values: &mut [0.0; 2],
        });
        assert_eq!((sums.policy, sums.value), (-1.5, 1.0));
        assert_eq!((sums.divergence, sums.clipped), (0.0, 0.0));
    }
}
