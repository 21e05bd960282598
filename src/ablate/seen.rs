//! What a policy sees on levels with the mouse put at a cell, and its logits there.

use crate::maze::{Cell, observe};
use crate::nn::{Network, Policy, Workspace};

use super::situation::Task;

/// What the policy sees on levels with the mouse put at a cell.
pub(super) fn seen<'a>(mice: impl Iterator<Item = (&'a Task, Cell)>, network: &Network) -> Vec<u8> {
    let mut observations = Vec::new();
    for (task, mouse) in mice {
        let start = observations.len();
        observations.resize(start + network.observation_len(), 0);
        observe(&task.level, mouse, &mut observations[start..]);
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
    let observations = seen(mice, network);
    let len = observations.len() / network.observation_len();
    workspace.forward(policy, &observations, len);
    workspace.logits(network, len)
}
