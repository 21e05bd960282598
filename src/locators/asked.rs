//! What is asked of a policy about one behaviour: a weighted mean of log-probabilities over fixed states, and its gradient.
//!
//! ```text
//! f(theta) = sum over states s, moves k of  w_sk log p_k(s)        p_k(s) = sum over actions a that make move k of pi(a | s)
//! ```
//!
//! Unlike a rate it is smooth and takes one pass forward and one backward. Which states and weights say what is in
//! `asked_states.rs`.

use super::probe_gradient::sum_and_gradient;
use crate::ablate::Rate;
use crate::maze::ActionSet;
use crate::nn::Policy;
use crate::numeric::Real;

/// What is asked of a policy about one behaviour.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The behaviour, by the rate that measures it.
    pub rate: Rate,
    /// What the numbers of the actions mean.
    pub actions: ActionSet,
    /// `(states, world, world, 3)` of 0 and 1.
    pub observations: Vec<u8>,
    /// Of each state the weights of the log-probabilities of the moves, in the order of `Move::ALL`.
    pub weights: Vec<[f64; 4]>,
}

impl Asked {
    /// f and its gradient by the parameters; the same bits at any thread count.
    pub fn value_and_gradient<T: Real>(&self, policy: Policy<'_, T>) -> (f64, Vec<T>) {
        let states: Vec<u32> = (0..self.weights.len() as u32).collect();
        let makes = |action: usize| self.actions.movement(action as u8).map(|m| m as usize);
        sum_and_gradient(
            policy,
            &self.observations,
            &states,
            &|state, log_probs: &[T], d_log_probs| {
                let weights = &self.weights[state];
                let mut moves = [0.0f64; 4];
                for (action, log_prob) in log_probs.iter().enumerate() {
                    if let Some(step) = makes(action) {
                        moves[step] += log_prob.exp().to_f64();
                    }
                }
                // A move without any probability left is as far down as numbers go.
                let moves = moves.map(|share| share.max(f64::MIN_POSITIVE));
                for (action, (d, log_prob)) in d_log_probs.iter_mut().zip(log_probs).enumerate() {
                    if let Some(step) = makes(action) {
                        *d = T::from_f64(weights[step] * log_prob.exp().to_f64() / moves[step]);
                    }
                }
                let terms = weights.iter().zip(moves);
                terms
                    .map(|(w, share)| w * crate::numeric::exp::ln(share))
                    .sum()
            },
        )
    }
}
