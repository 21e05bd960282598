//! Generalised advantage estimation (Schulman et al. 2016).
//!
//! ```text
//! delta_t = r_t + gamma V_{t+1} (1 - done_t) - V_t
//! A_t = delta_t + gamma lambda (1 - done_t) A_{t+1}
//! ```
//!
//! `done_t` says that the step at t ended its episode, by cheese or by timeout.

/// What one environment's steps gave, one a step.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    /// Rewards.
    pub rewards: &'a [f32],
    /// Predicted values.
    pub values: &'a [f32],
    /// Whether the step ended its episode.
    pub dones: &'a [bool],
}

/// Writes the advantages of one environment's steps; `last_value` is V after the final step.
pub fn advantages(
    steps: Steps<'_>,
    last_value: f32,
    gamma: f32,
    lambda: f32,
    advantages: &mut [f32],
) {
    let Steps {
        rewards,
        values,
        dones,
    } = steps;
    let mut next = (last_value, 0.0f32);
    for t in (0..rewards.len()).rev() {
        let goes_on = if dones[t] { 0.0 } else { 1.0 };
        let delta = (gamma * goes_on).mul_add(next.0, rewards[t]) - values[t];
        let advantage = (gamma * lambda * goes_on).mul_add(next.1, delta);
        advantages[t] = advantage;
        next = (values[t], advantage);
    }
}
