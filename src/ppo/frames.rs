//! What a rollout leaves for the updates.

/// The frames of one iteration, environment by environment: frame `e * num_steps + t`.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    /// `(frames, world, world, 3)` of 0 and 1.
    pub observations: Vec<u8>,
    /// Actions taken.
    pub actions: Vec<u8>,
    /// Their log-probabilities.
    pub log_probs: Vec<f32>,
    /// Predicted values.
    pub values: Vec<f32>,
    /// Generalised advantages.
    pub advantages: Vec<f32>,
    /// Whether the mouse was in the region that holds the cheese when it acted: never in a maze no larger
    /// than the region.
    pub in_region: Vec<bool>,
}
