//! Drawing an action from a policy's logits.

use crate::nn::softmax;
use crate::numeric::simd::{Work, apply};

/// The action whose share of the cumulated probabilities `uniform` in `[0, 1)` falls in, and its
/// log-probability.
pub fn action(logits: &[f32], uniform: f64) -> (u8, f32) {
    apply(Draw { logits, uniform })
}

struct Draw<'a> {
    logits: &'a [f32],
    uniform: f64,
}

impl Work for Draw<'_> {
    type Output = (u8, f32);

    #[inline(always)]
    fn run(self) -> (u8, f32) {
        let mut log_probs = [0.0f32; 16];
        let log_probs = &mut log_probs[..self.logits.len()];
        softmax::forward(self.logits, log_probs);
        let mut left = self.uniform;
        for (action, &log_prob) in log_probs.iter().enumerate() {
            left -= crate::numeric::exp::exp(f64::from(log_prob));
            if left < 0.0 {
                return (action as u8, log_prob);
            }
        }
        // Rounding left a sliver above the last share.
        let last = log_probs.len() - 1;
        (last as u8, log_probs[last])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_softmax() {
        let logits = [0.0f32, 1.0, -1.0, 0.5];
        let total: f64 = logits.iter().map(|&z| f64::from(z).exp()).sum();
        let mut counts = [0.0; 4];
        for i in 0..10_000 {
            let (action, log_prob) = action(&logits, (f64::from(i) + 0.5) / 1e4);
            counts[action as usize] += 1e-4;
            let expected = f64::from(logits[action as usize]) - total.ln();
            assert!((f64::from(log_prob) - expected).abs() < 1e-6);
        }
        for (count, &z) in counts.iter().zip(&logits) {
            assert!((count - f64::from(z).exp() / total).abs() < 2e-4);
        }
        assert_eq!(action(&logits, 1.0 - f64::EPSILON / 2.0).0, 3);
    }
}
