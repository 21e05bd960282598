//! What a dissociating direction is: where in the network, and whether it is a bias towards actions.
//!
//! On the probe states, the change of the centred logits (their mean over actions taken off) is split
//! into the part that is the same in every state and the rest. The share of the first,
//! `|mean change|^2 / mean |change|^2`, is 1 for an edit that only biases the actions.

use crate::findings::{Frozen, Portrait};
use crate::locators::Probe;
use crate::nn::{Layout, Policy, Workspace};
use crate::protocol::trained_policy::TrainedPolicy;

/// The portrait of an edit on probe states.
pub fn portrait(
    policy: &TrainedPolicy<'_>,
    edited: &[f32],
    probes: &[Probe],
    frozen: &Frozen,
) -> Portrait {
    let actions = policy.network.shape.action_len;
    let before = centred(policy.policy(), probes);
    let after = centred(policy.with(edited), probes);
    let change: Vec<f64> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
    let states = (change.len() / actions).max(1) as f64;
    let mut shift = vec![0.0; actions];
    for row in change.chunks_exact(actions) {
        shift
            .iter_mut()
            .zip(row)
            .for_each(|(sum, x)| *sum += x / states);
    }
    let all: f64 = change.iter().map(|x| x * x).sum::<f64>() / states;
    let same: f64 = shift.iter().map(|x| x * x).sum();
    Portrait {
        claim: frozen.claim,
        family: frozen.family,
        member: frozen.member.clone(),
        dose: frozen.dose,
        by_tensor: by_tensor(&policy.network.layout, policy.theta, edited),
        bias: if all > 0.0 { same / all } else { 0.0 },
        shift,
    }
}

/// Share of the squared length of an edit in each tensor.
fn by_tensor(layout: &Layout, theta: &[f32], edited: &[f32]) -> Vec<f64> {
    let squared = |(&a, &b): (&f32, &f32)| (f64::from(a) - f64::from(b)).powi(2);
    let all: Vec<f64> = edited.iter().zip(theta).map(squared).collect();
    let total: f64 = all.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let share =
        |tensor: &crate::nn::layout::Tensor| all[tensor.range()].iter().sum::<f64>() / total;
    layout.tensors.iter().map(share).collect()
}

/// The logits on all probe states, their mean over actions taken off.
fn centred(policy: Policy<'_>, probes: &[Probe]) -> Vec<f64> {
    let network = policy.network;
    let mut workspace = Workspace::new(network);
    let (len, actions) = (network.observation_len(), network.shape.action_len);
    let mut all = Vec::new();
    for probe in probes {
        for block in probe.observations.chunks(len * network.sample_len) {
            let n = block.len() / len;
            workspace.forward(policy, block, n);
            for row in workspace.logits(network, n).chunks_exact(actions) {
                let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / actions as f64;
                all.extend(row.iter().map(|&x| f64::from(x) - mean));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Claim, Rate};
    use crate::findings::{Family, Role};
    use crate::locators::Supervision;
    use crate::nn::{Kind, Network, Shape, init};
    use crate::numeric::random::{Purpose, Stream};

    #[test]
    fn a_bias_of_the_actions_is_the_same_everywhere_and_a_kernel_is_not() {
        let shape = Shape {
            kind: Kind::Small,
            world: 7,
            channels: 4,
            blocks: 1,
            hidden: 8,
            action_len: 4,
        };
        let network = Network::new(shape, 5).unwrap();
        let theta = init::initialise(&network.layout, 1);
        let policy = TrainedPolicy {
            network: &network,
            theta: &theta,
            theta_0: &theta,
            checkpoints: &[],
        };
        let stream = &mut Stream::new(1, Purpose::Nulls, 5);
        let bits = 12 * network.observation_len();
        let probe = Probe {
            rate: Rate::InUpRight,
            observations: (0..bits).map(|_| stream.below(2) as u8).collect(),
            right: vec![1; 12],
        };
        let frozen = Frozen {
            beside: None,
            claim: Claim::A,
            family: Family::Step,
            role: Role::Practical,
            supervision: Supervision::Effects,
            member: "it".into(),
            dose: 0.1,
            candidates: 1,
            members: 1,
            margin: 0.0,
            selectivity: 0.0,
        };
        let mut portrait_of = |name: &str| {
            let tensors = &network.layout.tensors;
            let at = tensors.iter().position(|t| t.name == name).unwrap();
            let mut edited = theta.clone();
            for index in tensors[at].range() {
                edited[index] += 0.3 * stream.normal() as f32;
            }
            let found = portrait(&policy, &edited, std::slice::from_ref(&probe), &frozen);
            assert!((found.by_tensor[at] - 1.0).abs() < 1e-6);
            found.bias
        };
        assert!((portrait_of("policy.bias") - 1.0).abs() < 1e-6);
        assert!(portrait_of("conv0.weight") < 0.99);
    }
}
