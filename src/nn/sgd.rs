//! Stochastic gradient descent with (heavy-ball) momentum, as PyTorch defines it.
//!
//! ```text
//! v = momentum v + g      theta -= lr v
//! ```

use crate::numeric::Real;
use crate::numeric::simd::vectorised;

/// The velocity of every parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Sgd<T> {
    /// Share of the velocity kept from one update to the next.
    pub momentum: f64,
    /// Velocities, one a parameter.
    pub velocity: Vec<T>,
}

impl<T: Real> Sgd<T> {
    /// At rest.
    pub fn new(param_len: usize, momentum: f64) -> Self {
        Self {
            momentum,
            velocity: vec![T::ZERO; param_len],
        }
    }

    /// Writes the update that `scale` times `gradient` calls for, to be added to the parameters.
    pub fn update(&mut self, gradient: &[T], scale: f64, learning_rate: f64, update: &mut [T]) {
        let scale = T::from_f64(scale);
        let (momentum, rate) = (T::from_f64(self.momentum), T::from_f64(learning_rate));
        vectorised(|| {
            for ((u, &g), v) in update.iter_mut().zip(gradient).zip(&mut self.velocity) {
                *v = momentum.mul_add(*v, scale * g);
                *u = -(rate * *v);
            }
        });
    }
}
