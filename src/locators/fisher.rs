//! Selective synaptic dampening (Foster, Schoepf and Brintrup 2024): parameters that matter more to
//! what is to be forgotten than to what is to be kept, by diagonal Fisher informations.
//!
//! ```text
//! F_X,p = mean over probe states of X of  sum over a of pi(a) (d log pi(a) / dtheta_p)^2
//! score_p = F_target,p / (F_spared,p + mean over parameters of F_spared)
//! dampen:  theta_p *= min(lambda F_spared,p / F_target,p, 1)    where F_target,p > alpha F_spared,p
//! ```
//!
//! F_target and F_spared are means over the claim's behaviours. The expectation over actions is exact,
//! not sampled. As published, dampening goes towards zero, not towards theta_0; the score's second
//! term, which is not published, keeps parameters that matter to neither from coming first.
//! Cost: a backward pass for every state and action.

use super::kind::Kind;
use super::method::Method;
use rayon::prelude::*;

use super::error::Error;
use super::locator::{Located, Locator, Native, Offer};
use super::method::Supervision;
use super::run::{Behaviour, Probe, Run};
use crate::ablate::{Claim, Rate};
use crate::nn::{Derivatives, Policy, Target, Workspace, softmax};

/// Ratio of Fisher informations.
#[derive(Clone, Copy, Debug)]
pub struct Fisher;

/// Thresholds of dampening that are tried; 10 is the published one.
const ALPHAS: [f64; 6] = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
/// States whose squares are summed one after the other.
const BLOCK: usize = 32;

/// Diagonal Fisher informations for one claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Informations {
    /// Of the behaviours that should fall.
    pub target: Vec<f64>,
    /// Of those that should stay.
    pub spared: Vec<f64>,
}

impl Locator for Fisher {
    fn method(&self) -> Method {
        Method::FisherRatio
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(behaviour) = run.behaviour else {
            return Ok(None);
        };
        let informations = informations(&behaviour);
        let scores = informations
            .each_ref()
            .map(|Informations { target, spared }| {
                let mean = spared.iter().sum::<f64>() / spared.len().max(1) as f64;
                let floor = mean.max(f64::MIN_POSITIVE);
                let pairs = target.iter().zip(spared);
                pairs.map(|(t, s)| t / (s + floor)).collect()
            });
        let found = "every tensor".to_owned();
        let located = Located::scored(scores, [found.clone(), found]);
        let (theta, supervision) = (run.theta, self.method().supervision());
        Ok(Some(located.offering(move || {
            Ok(dampenings(theta, &informations, supervision))
        })))
    }
}

/// The dampening, at several thresholds; lambda is 1, as published.
fn dampenings(
    theta: &[f32],
    informations: &[Informations; 2],
    supervision: Supervision,
) -> Vec<Offer> {
    let offer = |(claim, informations): (Claim, &Informations)| {
        let dampened = |alpha: f64| (alpha, dampen(theta, informations, alpha, 1.0));
        Offer {
            claim: Some(claim),
            edit: Kind::Dampen,
            member: "by alpha".into(),
            supervision,
            native: Native::Params(ALPHAS.map(dampened).into()),
        }
    };
    Claim::ALL
        .into_iter()
        .zip(informations)
        .map(offer)
        .collect()
}

/// The informations for claim A and for claim B.
pub fn informations(behaviour: &Behaviour<'_>) -> [Informations; 2] {
    let all: Vec<(Rate, Vec<f64>)> = behaviour
        .probes
        .iter()
        .map(|probe| (probe.rate, diagonal(behaviour.policy, probe)))
        .collect();
    Claim::ALL.map(|claim| {
        // Several rates may be of one situation's states.
        let mean = |rates: &[Rate]| {
            let mut sum = vec![0.0; behaviour.policy.theta.len()];
            let is_of = |of: &Rate| rates.iter().any(|rate| rate.situation() == of.situation());
            let len = all.iter().filter(|(rate, _)| is_of(rate)).count();
            for (_, one) in all.iter().filter(|(rate, _)| is_of(rate)) {
                let share = 1.0 / len as f64;
                sum.iter_mut().zip(one).for_each(|(s, f)| *s += share * f);
            }
            sum
        };
        Informations {
            target: mean(claim.targets()),
            spared: mean(claim.spared()),
        }
    })
}

/// The diagonal of the Fisher information of one behaviour's states.
fn diagonal(policy: Policy<'_>, probe: &Probe) -> Vec<f64> {
    let Policy { network, theta } = policy;
    let (len, action_len) = (network.observation_len(), network.shape.action_len);
    let mut transposed = vec![0.0; theta.len()];
    network.transpose(theta, &mut transposed);
    let blocks: Vec<Vec<f64>> = probe
        .observations
        .par_chunks(BLOCK * len)
        .map_init(
            || (Workspace::new(network), vec![0.0f32; theta.len()]),
            |(workspace, d_params), block| {
                let mut squares = vec![0.0; theta.len()];
                let mut log_probs = vec![0.0f32; action_len];
                let mut d_logits = vec![0.0f32; action_len];
                for seen in block.chunks_exact(len) {
                    workspace.forward(policy, seen, 1);
                    softmax::forward(workspace.logits(network, 1), &mut log_probs);
                    for action in 0..action_len {
                        // d log pi(a) / dz_b = 1(a = b) - pi(b)
                        for (b, (d, l)) in d_logits.iter_mut().zip(&log_probs).enumerate() {
                            let p = crate::numeric::exp::exp(f64::from(*l)) as f32;
                            *d = f32::from(u8::from(b == action)) - p;
                        }
                        let outputs = Derivatives {
                            logits: &d_logits,
                            values: &[0.0],
                        };
                        let target = Target {
                            d_params: &mut *d_params,
                            adds: false,
                        };
                        workspace.backward(network, &transposed, outputs, target, 1);
                        let p = crate::numeric::exp::exp(f64::from(log_probs[action]));
                        for (square, &d) in squares.iter_mut().zip(d_params.iter()) {
                            *square += p * f64::from(d) * f64::from(d);
                        }
                    }
                }
                squares
            },
        )
        .collect();
    let scale = 1.0 / probe.right.len().max(1) as f64;
    let mut diagonal = vec![0.0; theta.len()];
    for block in blocks {
        let pairs = diagonal.iter_mut().zip(block);
        pairs.for_each(|(sum, square)| *sum += scale * square);
    }
    diagonal
}

/// The method's own edit: dampens, towards zero, what matters more than `alpha` times as much to the
/// target as to the spared.
pub fn dampen(theta: &[f32], informations: &Informations, alpha: f64, lambda: f64) -> Vec<f32> {
    let Informations { target, spared } = informations;
    let pairs = target.iter().zip(spared);
    theta
        .iter()
        .zip(pairs)
        .map(|(&theta, (&target, &spared))| {
            if target <= alpha * spared {
                return theta;
            }
            (f64::from(theta) * (lambda * spared / target).min(1.0)) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locators::probe_gradient::sum_and_gradient;
    use crate::nn::{Kind, Network, Shape, init};
    use crate::numeric::random::{Purpose, Stream};

    #[test]
    fn the_diagonal_is_the_expected_square_state_by_state() {
        let shape = Shape {
            kind: Kind::Small,
            world: 5,
            channels: 3,
            blocks: 1,
            hidden: 6,
            action_len: 4,
        };
        let network = Network::new(shape, 8).unwrap();
        let theta = init::initialise(&network.layout, 1);
        let policy = Policy::new(&network, &theta);
        let mut stream = Stream::new(1, Purpose::Nulls, 0);
        let state_len = BLOCK + 3;
        let probe = Probe {
            rate: Rate::InUpRight,
            observations: (0..state_len * network.observation_len())
                .map(|_| stream.below(2) as u8)
                .collect(),
            right: vec![1; state_len],
        };
        let mut expected = vec![0.0; theta.len()];
        for state in 0..state_len as u32 {
            for action in 0..4 {
                let mut p = 0.0;

                let picked = std::sync::Mutex::new(&mut p);
                let (_, gradient) =
                    sum_and_gradient(policy, &probe.observations, &[state], &|_, l: &[f32], d| {
                        d[action] = 1.0;
                        **picked.lock().unwrap() = f64::from(l[action]).exp();
                        0.0
                    });
                for (e, g) in expected.iter_mut().zip(gradient) {
                    *e += p * f64::from(g) * f64::from(g) / state_len as f64;
                }
            }
        }
        let found = diagonal(policy, &probe);
        let largest = expected.iter().copied().fold(0.0, f64::max);
        assert!(largest > 0.0);
        for (f, e) in found.iter().zip(&expected) {
            assert!((f - e).abs() < 1e-4 * e + 1e-7 * largest, "{f} {e}");
        }
    }

    #[test]
    fn dampening_touches_what_matters_to_the_target_alone() {
        let informations = Informations {
            target: vec![8.0, 1.0, 4.0, 0.0],
            spared: vec![1.0, 1.0, 3.0, 0.0],
        };
        let edited = dampen(&[2.0, 2.0, 2.0, 2.0], &informations, 1.0, 1.0);
        assert_eq!(edited, [0.25, 2.0, 1.5, 2.0]);
        assert_eq!(
            dampen(&[2.0; 4], &informations, 5.0, 1.0),
            [0.25, 2.0, 2.0, 2.0]
        );
    }
}
