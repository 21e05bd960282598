//! What a policy sees on levels with the mouse put at a cell, and its logits there.

use crate::maze::{Cell, Level, observation_len, observe};
use crate::nn::{Policy, Workspace};

use super::situation::Task;

/// Appends what a policy sees of a level with the mouse at a cell.
pub fn append(level: &Level, mouse: Cell, observations: &mut Vec<u8>) {
    let start = observations.len();
    observations.resize(start + observation_len(level.world), 0);
    observe(level, mouse, &mut observations[start..]);
}

/// What the policy sees on levels with the mouse put at a cell.
pub(super) fn seen<'a>(mice: impl Iterator<Item = (&'a Task, Cell)>) -> Vec<u8> {
    let mut observations = Vec::new();
    for (task, mouse) in mice {
        append(&task.level, mouse, &mut observations);
    }
    observations
}

/// The logits of the policy on levels with the mouse put at a cell, `(levels, action_len)`.
pub fn forward<'a, 'w>(
    mice: impl Iterator<Item = (&'a Task, Cell)>,
    policy: Policy<'_>,
    workspace: &'w mut Workspace<f32>,
) -> &'w [f32] {
    let network = policy.network;
    let observations = seen(mice);
    let len = observations.len() / network.observation_len();
    workspace.forward(policy, &observations, len);
    workspace.logits(network, len)
}
