//! A sum over probe states of some function of the policy's log-probabilities, and its gradient by the
//! parameters.
//!
//! ```text
//! L(theta) = sum over states s of  f_s(log pi(. | s))       dL/dtheta by the network's backward pass
//! ```
//!
//! States are cut into blocks of [`BLOCK`] whatever the threads; a block's gradient is summed in the
//! order of its states, the blocks' in block order: same bits at any thread count.
//! Cost: an update's share of the states, forward and backward.

use rayon::prelude::*;

use crate::nn::{Derivatives, Network, Policy, Target, Workspace, softmax};
use crate::numeric::{Real, sum};

/// States of one block.
pub const BLOCK: usize = 64;

/// What one state adds: takes its number and log-probabilities, writes the derivatives by those, which
/// are zeros before, and returns the value.
pub type Term<'a, T> = &'a (dyn Fn(usize, &[T], &mut [T]) -> f64 + Sync);

/// The sum over the states numbered `states` of the observations, and its gradient.
pub fn sum_and_gradient<T: Real>(
    policy: Policy<'_, T>,
    observations: &[u8],
    states: &[u32],
    term: Term<'_, T>,
) -> (f64, Vec<T>) {
    let Policy { network, theta } = policy;
    let mut transposed = vec![T::ZERO; theta.len()];
    network.transpose(theta, &mut transposed);
    let blocks: Vec<(f64, Vec<T>)> = states
        .par_chunks(BLOCK)
        .map_init(
            || Workspace::new(network),
            |workspace, states| {
                let mut d_params = vec![T::ZERO; theta.len()];
                let mut value = 0.0;
                for (run, states) in states.chunks(network.sample_len).enumerate() {
                    let seen = gather(network, observations, states);
                    workspace.forward(policy, &seen, states.len());
                    let logits = workspace.logits(network, states.len());
                    let mut d_logits = vec![T::ZERO; logits.len()];
                    value += differentiate(logits, states, term, &mut d_logits);
                    let d_values = vec![T::ZERO; states.len()];
                    let outputs = Derivatives {
                        logits: &d_logits,
                        values: &d_values,
                    };
                    let target = Target {
                        d_params: &mut d_params,
                        adds: run > 0,
                    };
                    workspace.backward(network, &transposed, outputs, target, states.len());
                }
                (value, d_params)
            },
        )
        .collect();
    let mut gradient = vec![T::ZERO; theta.len()];
    let mut value = 0.0;
    for (part, d_params) in &blocks {
        value += part;
        sum::add(d_params, &mut gradient);
    }
    (value, gradient)
}

/// The summed probability of the actions in a bit set.
pub fn share<T: Real>(log_probs: &[T], actions: u16) -> f64 {
    let chosen = log_probs
        .iter()
        .enumerate()
        .filter(|(a, _)| actions >> a & 1 == 1);
    chosen.map(|(_, l)| l.exp().to_f64()).sum()
}

/// `-log sum over the right actions of pi(a)`, the loss of a behaviour at one state.
pub fn right_loss<T: Real>(log_probs: &[T], right: u16, scale: f64, d_log_probs: &mut [T]) -> f64 {
    let share = share(log_probs, right).max(f64::MIN_POSITIVE);
    for (action, (d, l)) in d_log_probs.iter_mut().zip(log_probs).enumerate() {
        if right >> action & 1 == 1 {
            *d = T::from_f64(-scale * l.exp().to_f64() / share);
        }
    }
    -scale * crate::numeric::exp::ln(share)
}

fn gather(network: &Network, observations: &[u8], states: &[u32]) -> Vec<u8> {
    let len = network.observation_len();
    let one = |&state: &u32| &observations[state as usize * len..(state as usize + 1) * len];
    states.iter().flat_map(one).copied().collect()
}

fn differentiate<T: Real>(
    logits: &[T],
    states: &[u32],
    term: Term<'_, T>,
    d_logits: &mut [T],
) -> f64 {
    let action_len = logits.len() / states.len();
    let (mut log_probs, mut d_log_probs) = (vec![T::ZERO; action_len], vec![T::ZERO; action_len]);
    let mut value = 0.0;
    let rows = logits.chunks_exact(action_len);
    for (&state, (logits, d_logits)) in states
        .iter()
        .zip(rows.zip(d_logits.chunks_exact_mut(action_len)))
    {
        let entropy = softmax::forward(logits, &mut log_probs);
        d_log_probs.fill(T::ZERO);
        value += term(state as usize, &log_probs, &mut d_log_probs);
        softmax::backward(&log_probs, entropy, &d_log_probs, T::ZERO, d_logits);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Kind, Shape, finite_difference as fd, init};

    fn network() -> Network {
        let shape = Shape {
            kind: Kind::Small,
            world: 5,
            channels: 3,
            blocks: 1,
            hidden: 6,
            action_len: 5,
        };
        Network::new(shape, 16).unwrap()
    }

    #[test]
    fn the_gradient_is_the_differences() {
        let network = network();
        let s = &mut fd::stream(1);
        let state_len = 90;
        let observations: Vec<u8> = (0..state_len * network.observation_len())
            .map(|_| s.below(2) as u8)
            .collect();
        let right: Vec<u16> = (0..state_len).map(|_| 1 + s.below(30) as u16).collect();
        let params: Vec<f64> = init::initialise(&network.layout, 2)
            .into_iter()
            .map(|p| f64::from(p) + 0.05 * s.normal())
            .collect();
        // A state may come twice.
        let states: Vec<u32> = (0..state_len as u32).chain([3]).collect();
        let run = |params: &[f64]| {
            sum_and_gradient(
                Policy::new(&network, params),
                &observations,
                &states,
                &|state, log_probs, d_log_probs| {
                    right_loss(log_probs, right[state], 0.1, d_log_probs)
                },
            )
        };
        let (_, gradient) = run(&params);
        let (mut compared, mut kinks) = (0, 0);
        for index in (0..params.len()).step_by(7) {
            let (left, slope) = fd::slopes(&params, index, &mut |p| run(p).0);
            // A relu may change within the step.
            if (left - slope).abs() > 1e-4 * (left.abs() + slope.abs()) + 1e-6 {
                kinks += 1;
                continue;
            }
            compared += 1;
            let numeric = 0.5 * (left + slope);
            assert!((gradient[index] - numeric).abs() < 1e-5 * numeric.abs().max(1e-2));
        }
        assert!(
            compared > 5 * kinks && compared > 40,
            "{compared}, {kinks} kinks"
        );
    }

    #[test]
    fn the_same_bits_at_any_thread_count() {
        let network = network();
        let s = &mut fd::stream(2);
        let observations: Vec<u8> = (0..200 * network.observation_len())
            .map(|_| s.below(2) as u8)
            .collect();
        let params = init::initialise(&network.layout, 2);
        let states: Vec<u32> = (0..200).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let term: Term<'_, f32> = &|_, l, d| right_loss(l, 3, 1.0, d);
                let (value, gradient) =
                    sum_and_gradient(Policy::new(&network, &params), &observations, &states, term);
                (
                    value.to_bits(),
                    gradient.iter().map(|g| g.to_bits()).collect::<Vec<_>>(),
                )
            })
        };
        assert_eq!(run(1), run(3));
    }
}
