//! What could be known at best: edits learnt from their own effects, bounds for every locator.
//!
//! ```text
//! mask:  theta(m) = theta_T + m (theta_0 - theta_T)      m = sigmoid(z) in [0, 1], one a parameter
//! step:  theta(d) = theta_T + d                          |d| <= dose |theta_T - theta_0|
//!
//! L = mean over targets' states of -log(1 - pi(right actions))
//!   + kappa  mean over spared states of KL(pi_T || pi)   (+ lambda mean(m) for the mask)
//! ```
//!
//! minimised by Adam on batches of probe states drawn from discovery levels. The mask's score is m, ties
//! broken by |gradient x displacement|; its own edit applies m as it is. That training is no guarantee:
//! a bound is as tight as the optimiser is good.
//! Cost: steps x batch states, forward and backward. Same bits at any thread count.

use super::probe_gradient::{log_probs, share, sum_and_gradient};
use super::{Behaviour, Error, Located, Locator, Probe, Run, Supervision};
use crate::ablate::Claim;
use crate::nn::Network;
use crate::nn::adam::Adam;
use crate::numeric::exp::exp;
use crate::numeric::random::{Purpose, Stream};
use crate::numeric::sum::norm;

/// The mask-learning locator and its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Oracle {
    /// Adam's steps.
    pub steps: u64,
    /// States of a batch.
    pub batch_len: usize,
    /// Weight of the divergence on spared states.
    pub kappa: f64,
    /// Weight of the mask's mean.
    pub lambda: f64,
    /// Adam's rate on the mask's logits; it falls linearly to 0.
    pub learning_rate: f64,
    /// Every mask logit at the start.
    pub start: f64,
}

impl Default for Oracle {
    fn default() -> Self {
        Self {
            steps: 300,
            batch_len: 512,
            kappa: 10.0,
            lambda: 1.0,
            learning_rate: 0.1,
            start: -3.0,
        }
    }
}

impl Locator for Oracle {
    fn name(&self) -> &'static str {
        "mask oracle"
    }

    fn meaning(&self) -> &'static str {
        "a mask over parameters trained on discovery levels to lose the targets and keep the spared \
         when what it marks is reset: an upper bound, not a method"
    }

    fn supervision(&self) -> Supervision {
        Supervision::Effects
    }

    fn locate(&self, run: &Run<'_>) -> Result<Option<Located>, Error> {
        let Some(behaviour) = run.behaviour else {
            return Ok(None);
        };
        let masks = Claim::ALL.map(|claim| self.mask(run, &behaviour, claim));
        let describe = |mask: &Mask| {
            let count = mask.values.iter().filter(|&&m| m > 0.5).count();
            format!("{count} parameters above a half")
        };
        Ok(Some(Located {
            found: [describe(&masks[0]), describe(&masks[1])],
            scores: masks.map(|mask| mask.scores()),
            subspace: None,
        }))
    }
}

/// A mask that was learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    /// m, one a parameter.
    pub values: Vec<f64>,
    /// |gradient x displacement| of the loss at theta_T.
    pub effects: Vec<f64>,
}

impl Mask {
    /// The mask with its ties broken.
    fn scores(&self) -> Vec<f64> {
        let largest = self
            .effects
            .iter()
            .copied()
            .fold(f64::MIN_POSITIVE, f64::max);
        let pairs = self.values.iter().zip(&self.effects);
        pairs.map(|(m, e)| m + 1e-9 * e / largest).collect()
    }

    /// The mask's own edit, soft as it is.
    pub fn apply(&self, theta: &[f32], theta_0: &[f32]) -> Vec<f32> {
        let moved = self.values.iter().zip(theta.iter().zip(theta_0));
        moved
            .map(|(m, (&t, &o))| (f64::from(t) + m * (f64::from(o) - f64::from(t))) as f32)
            .collect()
    }
}

impl Oracle {
    /// Learns the mask of a claim.
    pub fn mask(&self, run: &Run<'_>, behaviour: &Behaviour<'_>, claim: Claim) -> Mask {
        let objective = Objective::new(behaviour, run.theta, claim, self.kappa);
        let displacement = run.displacement();
        let param_len = displacement.len();
        let mut mask = Mask {
            values: vec![0.0; param_len],
            effects: objective
                .gradient(run.theta, &objective.all())
                .iter()
                .zip(&displacement)
                .map(|(&g, &d)| (f64::from(g) * f64::from(d)).abs())
                .collect(),
        };
        let mut logits = vec![self.start as f32; param_len];
        let mut adam = Adam::new(param_len, 1e-8);
        let mut update = vec![0.0f32; param_len];
        let pull = self.lambda / param_len as f64;
        for step in 0..=self.steps {
            for (m, &z) in mask.values.iter_mut().zip(&logits) {
                *m = 1.0 / (1.0 + exp(-f64::from(z)));
            }
            if step == self.steps {
                break;
            }
            let edited = mask.apply(run.theta, run.theta_0);
            let batch = objective.batch(self.batch_len, run.seed, claim, step);
            let mut gradient = objective.gradient(&edited, &batch);
            for ((g, &d), &m) in gradient.iter_mut().zip(&displacement).zip(&mask.values) {
                *g = ((pull - f64::from(*g) * f64::from(d)) * m * (1.0 - m)) as f32;
            }
            let rate = self.learning_rate * (1.0 - step as f64 / self.steps as f64);
            adam.update(&gradient, 1.0, rate, &mut update);
            logits.iter_mut().zip(&update).for_each(|(z, u)| *z += u);
        }
        mask
    }

    /// The parameters after the best step that was found no longer than `length`, in whatever
    /// direction: what any step of that length can do. `lambda` and `start` play no part.
    pub fn step(
        &self,
        run: &Run<'_>,
        behaviour: &Behaviour<'_>,
        claim: Claim,
        length: f64,
    ) -> Vec<f32> {
        let objective = Objective::new(behaviour, run.theta, claim, self.kappa);
        let param_len = run.theta.len();
        let mut delta = vec![0.0f32; param_len];
        let mut adam = Adam::new(param_len, 1e-8);
        let mut update = vec![0.0f32; param_len];
        let add = |delta: &[f32]| -> Vec<f32> {
            run.theta.iter().zip(delta).map(|(t, d)| t + d).collect()
        };
        // Adam moves every parameter by about its rate: a tenth of the length at first.
        let rate = 0.1 * length / (param_len as f64).sqrt();
        for step in 0..self.steps {
            let batch = objective.batch(self.batch_len, run.seed, claim, step);
            let gradient = objective.gradient(&add(&delta), &batch);
            let left = 1.0 - step as f64 / self.steps as f64;
            adam.update(&gradient, 1.0, rate * left, &mut update);
            delta.iter_mut().zip(&update).for_each(|(d, u)| *d += u);
            let scale = (length / norm(&delta).max(f64::MIN_POSITIVE)).min(1.0) as f32;
            delta.iter_mut().for_each(|d| *d *= scale);
        }
        add(&delta)
    }
}

/// What an edit of a claim is to do, on the probes' states one after the other.
struct Objective<'a> {
    network: &'a Network,
    observations: Vec<u8>,
    terms: Vec<Term>,
    /// Log-probabilities of the unedited policy.
    base: Vec<f32>,
}

/// What one state adds.
#[derive(Clone, Copy)]
enum Term {
    /// The weight of its unlikelihood, and the right actions.
    Target(f64, u16),
    /// The weight of its divergence.
    Spared(f64),
}

impl<'a> Objective<'a> {
    fn new(behaviour: &Behaviour<'a>, theta: &[f32], claim: Claim, kappa: f64) -> Self {
        let (mut observations, mut terms) = (Vec::new(), Vec::new());
        let among = |probe: &&Probe| claim.rates().any(|rate| rate == probe.rate);
        for probe in behaviour.probes.iter().filter(among) {
            observations.extend_from_slice(&probe.observations);
            let is_target = claim.targets().contains(&probe.rate);
            let (of, weight) = if is_target {
                (claim.targets().len(), 1.0)
            } else {
                (claim.spared().len(), kappa)
            };
            let weight = weight / (of * probe.right.len()) as f64;
            terms.extend(probe.right.iter().map(|&right| match is_target {
                true => Term::Target(weight, right),
                false => Term::Spared(weight),
            }));
        }
        Self {
            base: log_probs(behaviour.network, theta, &observations),
            network: behaviour.network,
            observations,
            terms,
        }
    }

    fn all(&self) -> Vec<u32> {
        (0..self.terms.len() as u32).collect()
    }

    /// States drawn with replacement.
    fn batch(&self, len: usize, seed: u64, claim: Claim, step: u64) -> Vec<u32> {
        let index = ((Located::index(claim) as u64 + 1) << 32) + step;
        let mut stream = Stream::new(seed, Purpose::Locators, index);
        let all = self.terms.len() as u32;
        (0..len).map(|_| stream.below(all)).collect()
    }

    /// The loss's gradient, estimated from `states`.
    fn gradient(&self, params: &[f32], states: &[u32]) -> Vec<f32> {
        self.value_and_gradient(params, states).1
    }

    fn value_and_gradient(&self, params: &[f32], states: &[u32]) -> (f64, Vec<f32>) {
        let scale = self.terms.len() as f64 / states.len().max(1) as f64;
        let action_len = self.network.shape.action_len;
        let seen = (self.observations.as_slice(), states);
        sum_and_gradient(
            self.network,
            params,
            seen,
            &|state, log_probs: &[f32], d| {
                let base = &self.base[state * action_len..(state + 1) * action_len];
                match self.terms[state] {
                    Term::Target(weight, right) => fail(log_probs, right, weight * scale, d),
                    Term::Spared(weight) => stay(base, log_probs, weight * scale, d),
                }
            },
        )
    }
}

/// `-scale log(1 - pi(right))`, held where almost nothing else is left.
fn fail(log_probs: &[f32], right: u16, scale: f64, d_log_probs: &mut [f32]) -> f64 {
    let left = (1.0 - share(log_probs, right)).max(1e-4);
    for (action, (d, &l)) in d_log_probs.iter_mut().zip(log_probs).enumerate() {
        if right >> action & 1 == 1 {
            *d = (scale * exp(l.into()) / left) as f32;
        }
    }
    -scale * crate::numeric::exp::ln(left)
}

/// `scale KL(base || policy)`.
fn stay(base: &[f32], log_probs: &[f32], scale: f64, d_log_probs: &mut [f32]) -> f64 {
    let mut value = 0.0;
    for ((d, &l), &b) in d_log_probs.iter_mut().zip(log_probs).zip(base) {
        let p = exp(b.into());
        *d = (-scale * p) as f32;
        value += scale * p * (f64::from(b) - f64::from(l));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Split, Tasks};
    use crate::gradients::Dense;
    use crate::locators::probes::probes;
    use crate::locators::{Stream as Recorded, Streams};
    use crate::maze::ActionSet;
    use crate::nn::{Kind, Shape, init};

    #[test]
    fn edits_lower_their_own_loss_and_steps_keep_their_length() {
        let shape = Shape {
            kind: Kind::Small,
            world: 7,
            channels: 4,
            blocks: 1,
            hidden: 16,
            action_len: 4,
        };
        let network = Network::new(shape, 16).unwrap();
        let theta_0 = init::initialise(&network.layout, 1);
        // A trained policy's stand-in: another start, with opinions.
        let mut theta = init::initialise(&network.layout, 2);
        let head = network.layout.range("policy.weight").unwrap();
        theta[head].iter_mut().for_each(|p| *p *= 60.0);
        let tasks = Tasks::new(Split::Discovery, (7, 3, 30), ActionSet::Four, 6).unwrap();
        let probes = probes(&tasks, 40);
        let behaviour = Behaviour {
            network: &network,
            probes: &probes,
        };
        let matrix = Dense::new(1, theta.len(), vec![0.0; theta.len()]).unwrap();
        let total = Recorded {
            matrix: &matrix,
            tau: &[0.5],
        };
        let run = Run {
            layout: &network.layout,
            theta_0: &theta_0,
            theta: &theta,
            checkpoints: &[],
            streams: Streams {
                total,
                update: None,
                policy: None,
                before: None,
                inside: None,
                value: None,
                entropy: None,
            },
            t_corner: None,
            behaviour: Some(behaviour),
            rank: 1,
            seed: 4,
        };
        let oracle = Oracle {
            steps: 40,
            batch_len: 64,
            kappa: 1.0,
            lambda: 0.1,
            ..Oracle::default()
        };
        for claim in Claim::ALL {
            let objective = Objective::new(&behaviour, &theta, claim, oracle.kappa);
            let loss = |params: &[f32]| objective.value_and_gradient(params, &objective.all()).0;
            let before = loss(&theta);
            let mask = oracle.mask(&run, &behaviour, claim);
            assert!(mask.values.iter().all(|m| (0.0..=1.0).contains(m)));
            assert!(loss(&mask.apply(&theta, &theta_0)) < before);
            let length = 0.1 * norm(&run.displacement());
            let there = oracle.step(&run, &behaviour, claim, length);
            let delta: Vec<f32> = there.iter().zip(&theta).map(|(a, b)| a - b).collect();
            assert!(norm(&delta) <= length * 1.0001);
            assert!(
                loss(&there) < before,
                "{claim:?}: {} {before}",
                loss(&there)
            );
            // By differences, along the gradient: the first-order fall is the gradient's square.
            let (_, gradient) = objective.value_and_gradient(&theta, &objective.all());
            let small = 1e-3 / norm(&gradient) as f32;
            let along: Vec<f32> = theta
                .iter()
                .zip(&gradient)
                .map(|(t, g)| t - small * g)
                .collect();
            let fall = (before - loss(&along)) / f64::from(small);
            let square = norm(&gradient) * norm(&gradient);
            assert!((fall / square - 1.0).abs() < 0.05, "{fall} {square}");
        }
        let located = oracle.locate(&run).unwrap().unwrap();
        assert_eq!(located.scores[1].len(), theta.len());
    }
}
