//! What could be known at best: edits learnt from their own effects, bounds for every locator.
//!
//! ```text
//! mask:  theta(m) = theta_T + m (theta_0 - theta_T)      m = sigmoid(z) in [0, 1], one a parameter
//! step:  theta(d) = theta_T + d                          |d| <= dose |theta_T - theta_0|
//!
//! L = mean over targets of max(0, 1 - loss)^2  +  kappa  mean over spared of max(0, loss)^2
//!   (+ lambda mean(m) for the mask)
//! ```
//!
//! with the [losses](crate::ablate::selectivity) of the exact rates on batches of discovery levels,
//! minimised by Adam with the exact gradient. The mask's score is m, ties broken by
//! |gradient x displacement|; its own edit applies m as it is. A bound is as tight as the optimiser
//! is good. Cost: steps x states of a batch's levels, twice forward and once backward. Same bits at any
//! thread count.

use super::error::Error;
use super::kind::Kind;
use super::locator::{Located, Locator, Native, Offer};
use super::method::Method;
use super::probe_gradient::sum_and_gradient;
use super::run::{Behaviour, Run};
use crate::ablate::rate::Rates;
use crate::ablate::selectivity::LEAST_RISE;
use crate::ablate::{Claim, Measurement, Rate};
use crate::nn::Policy;
use crate::nn::adam::Adam;
use crate::numeric::draws::{self, packed};
use crate::numeric::exp::exp;
use crate::numeric::sum::norm;

/// The name of the locator that bounds the others.
pub const ORACLE: &str = "mask oracle";

/// Lengths of the best steps, as shares of |theta_T - theta_0|: the longest that components are stepped
/// along, and longer.
const STEPS: [f64; 2] = [0.02, 0.05];

/// The mask-learning locator and its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Oracle {
    /// Adam's steps.
    pub steps: u64,
    /// Levels of a batch, in every situation.
    pub batch_len: usize,
    /// Weight of what the spared behaviours lose.
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
            steps: 100,
            batch_len: 12,
            kappa: 4.0,
            lambda: 0.3,
            learning_rate: 0.2,
            start: -3.0,
        }
    }
}

impl Locator for Oracle {
    fn method(&self) -> Method {
        Method::MaskOracle
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(behaviour) = run.behaviour else {
            return Ok(None);
        };
        let [early, late] = Claim::ALL.map(|claim| self.mask(run, &behaviour, claim));
        let masks = [early?, late?];
        let describe = |mask: &Mask| {
            let count = mask.values.iter().filter(|&&m| m > 0.5).count();
            format!("{count} parameters above a half")
        };
        let found = masks.each_ref().map(describe);
        let scores = masks.map(|mask| mask.scores());
        let (oracle, run) = (*self, *run);
        Ok(Some(Located::scored(scores, found).offering(move || {
            let offers = Claim::ALL.into_iter();
            offers
                .map(|claim| oracle.offer(&run, &behaviour, claim))
                .collect()
        })))
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
    /// Steps in whatever direction is best: what any step of that length can do.
    fn offer(
        &self,
        run: &Run<'_>,
        behaviour: &Behaviour<'_>,
        claim: Claim,
    ) -> Result<Offer, Error> {
        let displacement = norm(&run.displacement());
        let step = |dose: f64| {
            let params = self.step(run, behaviour, claim, dose * displacement)?;
            Ok((dose, params))
        };
        let steps = STEPS.into_iter().map(step).collect::<Result<_, Error>>()?;
        Ok(Offer {
            claim: Some(claim),
            edit: Kind::BestStep,
            member: "any direction".into(),
            supervision: self.method().supervision(),
            native: Native::Params(steps),
        })
    }

    /// Learns the mask of a claim.
    ///
    /// # Errors
    /// A policy that is not finite.
    pub fn mask(
        &self,
        run: &Run<'_>,
        behaviour: &Behaviour<'_>,
        claim: Claim,
    ) -> Result<Mask, Error> {
        let objective = Objective::new(behaviour, run.theta_0, claim, self.kappa)?;
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
        Ok(mask)
    }

    /// The parameters after the best step that was found no longer than `length`, in whatever
    /// direction: what any step of that length can do. `lambda` and `start` play no part.
    ///
    /// # Errors
    /// A policy that is not finite.
    pub fn step(
        &self,
        run: &Run<'_>,
        behaviour: &Behaviour<'_>,
        claim: Claim,
        length: f64,
    ) -> Result<Vec<f32>, Error> {
        let objective = Objective::new(behaviour, run.theta_0, claim, self.kappa)?;
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
        Ok(add(&delta))
    }
}

/// What an edit of a claim is to do.
struct Objective<'a> {
    behaviour: &'a Behaviour<'a>,
    claim: Claim,
    kappa: f64,
    /// The rates of the unedited policy and of the untrained one, level by level.
    base: Measurement,
    floor: Measurement,
}

impl<'a> Objective<'a> {
    fn new(
        behaviour: &'a Behaviour<'a>,
        theta_0: &[f32],
        claim: Claim,
        kappa: f64,
    ) -> Result<Self, Error> {
        let untrained = Policy::new(behaviour.policy.network, theta_0);
        Ok(Self {
            behaviour,
            claim,
            kappa,
            base: behaviour.tasks.measure_exact(behaviour.policy)?,
            floor: behaviour.tasks.measure_exact(untrained)?,
        })
    }

    fn level_len(&self) -> usize {
        self.base.by_level(Rate::S1).len()
    }

    fn all(&self) -> Vec<usize> {
        (0..self.level_len()).collect()
    }

    /// Levels drawn without replacement.
    fn batch(&self, len: usize, seed: u64, claim: Claim, step: u64) -> Vec<usize> {
        let index = packed(&[(claim as u64, 1), (step, 32)]);
        let mut levels = self.all();
        draws::ORACLE_LEVELS
            .stream(seed, index)
            .shuffle(&mut levels);
        levels.truncate(len);
        levels
    }

    fn gradient(&self, params: &[f32], levels: &[usize]) -> Vec<f32> {
        self.value_and_gradient(params, levels).1
    }

    fn value_and_gradient(&self, params: &[f32], levels: &[usize]) -> (f64, Vec<f32>) {
        let tasks = self.behaviour.tasks;
        let policy = Policy::new(self.behaviour.policy.network, params);
        let rates: Vec<Rate> = self.claim.rates().collect();
        let derive = |found: &Rates| self.value_and_derivatives(found, levels).1;
        let sensitivity = tasks.differentiate(policy, &rates, levels, &derive);
        let states: Vec<u32> = (0..sensitivity.d_moves.len() as u32).collect();
        let actions = tasks.actions();
        let seen = &sensitivity.observations;
        let (_, gradient) =
            sum_and_gradient(policy, seen, &states, &|state, log_probs: &[f32], d| {
                for (action, (d, &l)) in d.iter_mut().zip(log_probs).enumerate() {
                    let place = actions.movement(action as u8).map_or(4, |m| m as usize);
                    *d = (exp(l.into()) * sensitivity.d_moves[state][place]) as f32;
                }
                0.0
            });
        let (value, _) = self.value_and_derivatives(&sensitivity.rates, levels);
        (value, gradient)
    }

    /// The loss for these rates on these levels, and its derivatives by them.
    fn value_and_derivatives(&self, rates: &Rates, levels: &[usize]) -> (f64, Rates) {
        let mean = |measured: &Measurement, rate| {
            let all = measured.by_level(rate);
            levels.iter().map(|&level| all[level]).sum::<f64>() / levels.len().max(1) as f64
        };
        let (mut value, mut d_rates) = (0.0, [0.0; Rate::LEN]);
        for (is_target, of) in [(true, self.claim.targets()), (false, self.claim.spared())] {
            for &rate in of {
                let at = rate.index();
                let base = mean(&self.base, rate);
                // By all levels: a batch's own rise may be next to nothing.
                let rise = (self.base.rate(rate) - self.floor.rate(rate)).max(LEAST_RISE);
                let loss = (base - rates[at]) / rise;
                let (excess, sign, weight) = match is_target {
                    true => ((1.0 - loss).max(0.0), 1.0, 1.0),
                    false => (loss.max(0.0), -1.0, self.kappa),
                };
                let weight = weight / of.len() as f64;
                value += weight * excess * excess;
                d_rates[at] = 2.0 * weight * excess * sign / rise;
            }
        }
        (value, d_rates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Setting, Split, Tasks};
    use crate::gradients::Dense;
    use crate::locators::probes::probes;
    use crate::locators::{Stream as Recorded, Streams};
    use crate::maze::ActionSet;
    use crate::nn::{Kind, Network, Shape, init};

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
        let tasks =
            Tasks::new(Split::Discovery, Setting::new(7, 3, 30), ActionSet::Four, 6).unwrap();
        let probes = probes(&tasks, 40);
        let behaviour = Behaviour {
            policy: Policy::new(&network, &theta),
            probes: &probes,
            tasks: &tasks,
        };
        let matrix = Dense::new(1, theta.len(), vec![0.0; theta.len()]).unwrap();
        let total = Recorded {
            matrix: &matrix,
            tau: &[0.5],
        };
        let decompositions = crate::locators::Decompositions::default();
        let run = Run {
            layout: &network.layout,
            theta_0: &theta_0,
            theta: &theta,
            checkpoints: &[],
            streams: Streams::only(total),
            decompositions: &decompositions,
            t_corner: None,
            behaviour: Some(behaviour),
            rank: 1,
            seed: 4,
        };
        let oracle = Oracle {
            steps: 40,
            batch_len: 4,
            kappa: 1.0,
            lambda: 0.0,
            ..Oracle::default()
        };
        for claim in Claim::ALL {
            let objective = Objective::new(&behaviour, &theta_0, claim, oracle.kappa).unwrap();
            let loss = |params: &[f32]| objective.value_and_gradient(params, &objective.all()).0;
            let before = loss(&theta);
            let mask = oracle.mask(&run, &behaviour, claim).unwrap();
            assert!(mask.values.iter().all(|m| (0.0..=1.0).contains(m)));
            assert!(loss(&mask.apply(&theta, &theta_0)) < before);
            let length = 0.1 * norm(&run.displacement());
            let there = oracle.step(&run, &behaviour, claim, length).unwrap();
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
