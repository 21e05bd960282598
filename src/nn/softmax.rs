//! Log-softmax of the policy's logits, with its entropy.
//!
//! ```text
//! l_a = z_a - m - ln sum_b exp(z_b - m),  m = max z        H = -sum_a exp(l_a) l_a
//! dL/dz_a = g_a - p_a sum_b g_b - h p_a (l_a + H)          g = dL/dl, h = dL/dH, p = exp(l)
//! ```

use crate::numeric::Real;

/// Writes the log-probabilities of one sample and returns the entropy in nats.
#[inline(always)]
pub fn forward<T: Real>(logits: &[T], log_probs: &mut [T]) -> T {
    let max = logits.iter().fold(logits[0], |m, &z| m.maximum(z));
    let mut sum = T::ZERO;
    for &z in logits {
        sum += (z - max).exp();
    }
    let log_sum = sum.ln();
    let mut entropy = T::ZERO;
    for (l, &z) in log_probs.iter_mut().zip(logits) {
        *l = z - max - log_sum;
        entropy += -(l.exp() * *l);
    }
    entropy
}

/// Writes `d_logits` from the gradients `d_log_probs` and `d_entropy`.
#[inline(always)]
pub fn backward<T: Real>(
    log_probs: &[T],
    entropy: T,
    d_log_probs: &[T],
    d_entropy: T,
    d_logits: &mut [T],
) {
    let mut total = T::ZERO;
    for &g in d_log_probs {
        total += g;
    }
    for ((d_z, &l), &g) in d_logits.iter_mut().zip(log_probs).zip(d_log_probs) {
        let p = l.exp();
        *d_z = g - p * total - d_entropy * p * (l + entropy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::finite_difference as fd;

    #[test]
    fn gradients_are_the_differences() {
        for shape in 0..fd::SHAPE_LEN {
            let s = &mut fd::stream(shape);
            let len = fd::length(s, 15);
            let logits: Vec<f64> = fd::normals(s, len).iter().map(|z| 2.0 * z + 30.0).collect();
            let (d_log_probs, d_entropy) = (fd::normals(s, len), s.normal());
            let mut log_probs = vec![9.0; len];
            let entropy = forward(&logits, &mut log_probs);
            let mut d_logits = vec![9.0; len];
            backward(&log_probs, entropy, &d_log_probs, d_entropy, &mut d_logits);
            let mut loss = |logits: &[f64]| {
                let mut log_probs = vec![9.0; len];
                let entropy = forward(logits, &mut log_probs);
                fd::functional(&d_log_probs, &log_probs) + d_entropy * entropy
            };
            fd::check(&format!("{len} actions"), &logits, &d_logits, &mut loss);
        }
    }

    #[test]
    fn logits_far_apart_stay_finite() {
        let mut log_probs = [0.0f32; 3];
        let entropy = forward(&[3e4, -3e4, 0.0], &mut log_probs);
        assert_eq!((entropy, log_probs), (0.0, [0.0, -6e4, -3e4]));
    }
}
