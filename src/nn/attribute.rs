//! First-order effects of every weight alone: edge attribution patching.

use crate::numeric::Real;

use super::network::Op;
use super::policy::Policy;
use super::workspace::{Derivatives, Target, Workspace};

impl<T: Real> Workspace<T> {
    /// First-order effects of putting another input's activations into the input of every weight
    /// alone: to `effects`, of every weight, `w (a' - a) . d m / d z` is added, summed over cells and
    /// samples, with `a` this workspace's activations, `a'` those of `other`, `z` the layer's sum and
    /// `d_logits` the derivative of `m` by the logits (edge attribution patching, Syed et al.,
    /// 2310.10348). Biases get nothing. Overwrites the activations of `other` with the differences.
    ///
    /// `transposed` is what [`Network::transpose`](super::Network::transpose) gives.
    pub fn attribute(
        &mut self,
        policy: Policy<'_, T>,
        transposed: &[T],
        d_logits: &[T],
        other: &mut Self,
        effects: &mut [f64],
        sample_len: usize,
    ) {
        let Policy { network, theta } = policy;
        for (theirs, ours) in other.buffers.iter_mut().zip(&self.buffers) {
            for (theirs, &ours) in theirs.iter_mut().zip(ours) {
                *theirs = *theirs - ours;
            }
        }
        let mut d_params = vec![T::ZERO; theta.len()];
        let d_values = vec![T::ZERO; sample_len];
        self.backward_against(
            network,
            transposed,
            Derivatives {
                logits: d_logits,
                values: &d_values,
            },
            Target {
                d_params: &mut d_params,
                adds: false,
            },
            sample_len,
            Some(other),
        );
        for op in &network.ops {
            if let Op::Conv { parameters, .. } | Op::Dense { parameters, .. } = op {
                for index in parameters.weight.clone() {
                    effects[index] += (theta[index] * d_params[index]).to_f64();
                }
            }
        }
    }
}
