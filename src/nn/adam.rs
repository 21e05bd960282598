//! Adam (Kingma & Ba 2015), as PyTorch orders its operations.
//!
//! ```text
//! m = b1 m + (1 - b1) g      v = b2 v + (1 - b2) g^2
//! theta -= (lr / (1 - b1^t)) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
//! ```

use rayon::prelude::*;

use crate::numeric::Real;
use crate::numeric::simd::vectorised;

/// Parameters a thread updates at a time.
const STRIPE: usize = 8192;

/// First and second moments and the step count.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam<T> {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Updates made.
    pub step: u64,
    /// First moments, one a parameter.
    pub first: Vec<T>,
    /// Second moments, one a parameter.
    pub second: Vec<T>,
    /// `b1^step` and `b2^step`.
    powers: (f64, f64),
}

impl<T: Real> Adam<T> {
    /// Fresh moments with the usual decays (.9, .999).
    pub fn new(param_len: usize, epsilon: f64) -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon,
            step: 0,
            first: vec![T::ZERO; param_len],
            second: vec![T::ZERO; param_len],
            powers: (1.0, 1.0),
        }
    }

    /// The optimiser after `step` updates that left these moments.
    pub fn resume(epsilon: f64, step: u64, first: Vec<T>, second: Vec<T>) -> Self {
        let mut adam = Self {
            step,
            first,
            second,
            ..Self::new(0, epsilon)
        };
        // By the very products of the updates: a power would be rounded otherwise.
        for _ in 0..step {
            let before = adam.powers;
            adam.powers.0 *= adam.beta1;
            adam.powers.1 *= adam.beta2;
            if adam.powers == before {
                break;
            }
        }
        adam
    }

    /// Writes the update that `scale` times `gradient` calls for, to be added to the parameters.
    pub fn update(&mut self, gradient: &[T], scale: f64, learning_rate: f64, update: &mut [T]) {
        self.step += 1;
        self.powers.0 *= self.beta1;
        self.powers.1 *= self.beta2;
        let rate = T::from_f64(learning_rate / (1.0 - self.powers.0));
        let root = T::from_f64(1.0 / (1.0 - self.powers.1).sqrt());
        let (b1, b2) = (T::from_f64(self.beta1), T::from_f64(self.beta2));
        let (c1, c2) = (T::from_f64(1.0 - self.beta1), T::from_f64(1.0 - self.beta2));
        let epsilon = T::from_f64(self.epsilon);
        let scale = T::from_f64(scale);
        let stripes = update
            .par_chunks_mut(STRIPE)
            .zip(gradient.par_chunks(STRIPE));
        let moments = self.first.par_chunks_mut(STRIPE);
        let moments = moments.zip(self.second.par_chunks_mut(STRIPE));
        stripes
            .zip(moments)
            .for_each(|((update, gradient), (first, second))| {
                vectorised(|| {
                    let moments = first.iter_mut().zip(second);
                    for ((u, &g), (m, v)) in update.iter_mut().zip(gradient).zip(moments) {
                        let g = scale * g;
                        *m = c1.mul_add(g, b1 * *m);
                        *v = (c2 * g).mul_add(g, b2 * *v);
                        *u = -(rate * *m / (v.sqrt()).mul_add(root, epsilon));
                    }
                });
            });
    }
}
