//! Loss change allocation by behaviour: what each parameter's movement added to a behaviour, from the first checkpoint
//! to the last ([`allocation`](super::allocation)).
//!
//! ```text
//! l_b[p] = (sum over windows w of |W_b[p, w]|)^(1/2) / sum over parameters of the same
//! score for A = mean l of cheese in - mean l of corner and compass        for B = l of corner - mean l of the four cheese cells
//! last gradient: the same scores of l_b[p] = |df_b / dtheta_p|^(1/2) at theta_T, without a history
//! factors:  score for A = sum over terms r of (A[in, r] - A[corner, r] - A[compass, r]) W[r, p]        for B reversed, of all cheese cells
//! ```
//!
//! Sizes, for signs say little of a single parameter: what is added and taken away along training is many times what is
//! left, and where two towers are planted signed sums tell their parameters apart no better than chance. Square roots, so that few large
//! parts do not decide. The compass is no part of what B takes away: any part of a network may prefer a move. Parameters
//! that no behaviour reads, the value head's and dead units', have 0.

use std::sync::Arc;

use super::allocation::Allocation;
use super::allocation_factors::LossChanges;
use super::asked_states::asked;
use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::run::Run;
use crate::ablate::Rate;

/// Checkpoints that are gone along, at most.
const CHECKPOINTS: usize = 201;
/// What cheese cells are.
const CHEESE: [Rate; 4] = [
    Rate::InUpRight,
    Rate::InDownLeft,
    Rate::NearUpRight,
    Rate::NearDownLeft,
];
/// What is spared by A.
const WALK: [Rate; 2] = [Rate::Corner, Rate::Compass];

/// What each parameter's movement did to the behaviours.
#[derive(Clone, Copy, Debug)]
pub struct LossChange;

/// Its dumbest rival: the gradients of the same behaviours where training ended, and no history.
#[derive(Clone, Copy, Debug)]
pub struct LastGradient;

/// The parts of it that belong together.
#[derive(Clone, Copy, Debug)]
pub struct LossChangeFactors;

/// The loss change allocation of a run, made once; `None` where there is no policy to ask, or not two checkpoints.
///
/// # Errors
/// Numbers that are not finite.
pub fn loss_changes(run: &Run<'_>) -> Result<Option<Arc<LossChanges>>, Error> {
    let Some(behaviour) = run.behaviour.filter(|_| run.checkpoints.len() > 1) else {
        return Ok(None);
    };
    if let Some(made) = run.decompositions.loss_changes() {
        return Ok(Some(made));
    }
    let network = behaviour.policy.network;
    let checkpoints = run.spaced_checkpoints(CHECKPOINTS);
    let Some(allocation) = Allocation::new(network, &checkpoints, &asked(behaviour.tasks)) else {
        return Ok(None);
    };
    let made = LossChanges::new(allocation, run.seed)?;
    Ok(Some(run.decompositions.provide_loss_changes(made)))
}

impl Locator for LossChange {
    fn method(&self) -> Method {
        Method::LossChange
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(made) = loss_changes(run)? else {
            return Ok(None);
        };
        let sizes = made.allocation.behaviours.iter().map(|one| {
            let mut sums = vec![0.0; run.theta.len()];
            for window in &one.windows {
                let pairs = sums.iter_mut().zip(window);
                pairs.for_each(|(sum, &w)| *sum += f64::from(w).abs());
            }
            (one.rate, sums)
        });
        Ok(Some(by_size(&sizes.collect::<Vec<_>>(), run.theta.len())))
    }
}

impl Locator for LastGradient {
    fn method(&self) -> Method {
        Method::LastGradient
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(behaviour) = run.behaviour else {
            return Ok(None);
        };
        let sizes = asked(behaviour.tasks).into_iter().map(|one| {
            let (_, gradient) = one.value_and_gradient(behaviour.policy);
            let sizes = gradient.iter().map(|&g| f64::from(g).abs()).collect();
            (one.rate, sizes)
        });
        Ok(Some(by_size(&sizes.collect::<Vec<_>>(), run.theta.len())))
    }
}

/// The scores of sizes, one a parameter and behaviour.
fn by_size<'a>(sizes: &[(Rate, Vec<f64>)], len: usize) -> Located<'a> {
    let mean = |rates: &[Rate]| mean(sizes, rates, len);
    let less = |targets: &[Rate], spared: &[Rate]| {
        let pairs = mean(targets).into_iter().zip(mean(spared));
        pairs.map(|(target, spared)| target - spared).collect()
    };
    let scores = [less(&Rate::IN, &WALK), less(&[Rate::Corner], &CHEESE)];
    let found = "every tensor".to_owned();
    Located::scored(scores, [found.clone(), found])
}

/// The mean of l over some behaviours.
fn mean(sizes: &[(Rate, Vec<f64>)], rates: &[Rate], len: usize) -> Vec<f64> {
    let mut mean = vec![0.0; len];
    for (_, sums) in sizes.iter().filter(|(rate, _)| rates.contains(rate)) {
        let whole: f64 = sums.iter().map(|l: &f64| l.sqrt()).sum();
        if whole > 0.0 {
            let scale = 1.0 / (whole * rates.len() as f64);
            mean.iter_mut()
                .zip(sums)
                .for_each(|(mean, l)| *mean += scale * l.sqrt());
        }
    }
    mean
}

impl Locator for LossChangeFactors {
    fn method(&self) -> Method {
        Method::LossChangeFactors
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(made) = loss_changes(run)? else {
            return Ok(None);
        };
        let len = run.theta.len();
        let Some(factored) = &made.factored else {
            return Ok(Some(Located::undirected(
                vec![0.0; len],
                "no component".into(),
            )));
        };
        let factors = &factored.factors;
        let share = |r: usize, rates: &[Rate]| -> f64 {
            let loadings = made.allocation.behaviours.iter().zip(&factors.a[r]);
            let own = loadings.filter(|(one, _)| rates.contains(&one.rate));
            own.map(|(_, share)| share).sum()
        };
        let of = |targets: &[Rate], spared: &[Rate]| {
            let signs: Vec<f64> = (0..factors.a.len())
                .map(|r| share(r, targets) - share(r, spared))
                .collect();
            let mut scores = vec![0.0; len];
            for (sign, weights) in signs.iter().zip(&factors.w) {
                let pairs = scores.iter_mut().zip(weights);
                pairs.for_each(|(score, w)| *score += sign * w);
            }
            let named = (0..signs.len()).filter(|&r| signs[r] > 0.0);
            let named: Vec<String> = named.map(|r| (r + 1).to_string()).collect();
            let found = match named.is_empty() {
                true => "no component".into(),
                false => format!("components {}", named.join(", ")),
            };
            (scores, found)
        };
        let (a, b) = (of(&Rate::IN, &WALK), of(&WALK, &CHEESE));
        Ok(Some(Located::scored([a.0, b.0], [a.1, b.1])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Setting, Split, Tasks};
    use crate::gradients::Dense;
    use crate::locators::{Behaviour, Decompositions, Stream, Streams};
    use crate::maze::ActionSet;
    use crate::nn::{Kind, Network, Policy, Shape, init};
    use crate::numeric::statistics::roc_area;

    /// Which tower a parameter is of: 0 that of the corner, 1 that of the cheese; none for weights across, the heads'
    /// biases, and those of the corner's tower that read the cheese.
    fn towers(network: &Network) -> Vec<Option<usize>> {
        let shape = network.shape;
        let mut towers = vec![None; network.param_len()];
        for tensor in &network.layout.tensors {
            let outs = tensor.shape.last().copied().unwrap_or(1);
            let is_head = tensor.name.starts_with("policy.") || tensor.name.starts_with("value.");
            for (at, index) in tensor.range().enumerate() {
                let (row, to) = (at / outs, 2 * (at % outs) / outs);
                let own = |from: usize| (from == to).then_some(to);
                towers[index] = match (tensor.name.as_str(), is_head) {
                    (_, true) if tensor.shape.len() == 1 => None,
                    (_, true) => Some(2 * row / shape.hidden),
                    ("conv0.weight", _) => (to == 1 || row % 3 != 2).then_some(to),
                    _ if tensor.shape.len() == 1 => Some(to),
                    _ => own(2 * (row % shape.channels) / shape.channels),
                };
            }
        }
        towers
    }

    /// Two towers trained apart, side by side: the checkpoints.
    fn composed(
        network: &Network,
        tasks: &Tasks,
        towers: &[Option<usize>],
    ) -> Vec<(f64, Vec<f32>)> {
        const STEPS: usize = 240;
        let asked = asked(tasks);
        // The tower of the cheese learns to walk to it where it sees it, not what that adds.
        let shown: Vec<_> = asked[2..]
            .iter()
            .cloned()
            .map(|mut one| {
                one.weights
                    .iter_mut()
                    .flatten()
                    .for_each(|w| *w = w.max(0.0));
                one
            })
            .collect();
        let goals = [&asked[1..2], &shown[..]];
        let mut checkpoints: Vec<(f64, Vec<f32>)> = Vec::new();
        for (tower, goals) in goals.into_iter().enumerate() {
            let is_own = |index: usize| towers[index] == Some(tower);
            let mut theta = init::initialise(&network.layout, 3 + tower as u64);
            (0..theta.len())
                .filter(|&i| !is_own(i))
                .for_each(|i| theta[i] = 0.0);
            let (mut mean, mut square) = (vec![0.0f32; theta.len()], vec![0.0f32; theta.len()]);
            for step in 0..=STEPS {
                if step % 20 == 0 {
                    match (tower, step / 20) {
                        (0, _) => checkpoints.push((step as f64 / STEPS as f64, theta.clone())),
                        (_, at) => crate::numeric::sum::add(&theta, &mut checkpoints[at].1),
                    }
                }
                let mut gradient = vec![0.0f32; theta.len()];
                for goal in goals {
                    let (_, g) = goal.value_and_gradient(Policy::new(network, &theta));
                    crate::numeric::sum::add(&g, &mut gradient);
                }
                for index in (0..theta.len()).filter(|&index| is_own(index)) {
                    let g = gradient[index];
                    mean[index] = 0.9 * mean[index] + 0.1 * g;
                    square[index] = 0.99 * square[index] + 0.01 * g * g;
                    theta[index] += 0.003 * mean[index] / (square[index].sqrt() + 1e-6);
                }
            }
        }
        checkpoints
    }

    /// Over the parameters of either tower that `is_asked` of.
    fn area(scores: &[f64], towers: &[Option<usize>], tower: usize, is_asked: &[bool]) -> f64 {
        let is_known = |index: &usize| towers[*index].is_some() && is_asked[*index];
        let known = || (0..scores.len()).filter(is_known);
        let own: Vec<bool> = known().map(|index| towers[index] == Some(tower)).collect();
        let scores: Vec<f64> = known().map(|index| scores[index]).collect();
        roc_area(&scores, &own).unwrap()
    }

    #[test]
    fn towers_of_a_composed_policy_are_told_apart() {
        let setting = Setting::new(9, 5, 50);
        let tasks = Tasks::new(Split::Discovery, setting, ActionSet::Four, 48).unwrap();
        let shape = Shape {
            kind: Kind::Small,
            world: 9,
            channels: 8,
            blocks: 2,
            hidden: 16,
            action_len: 4,
        };
        let network = Network::new(shape, 16).unwrap();
        let towers = towers(&network);
        let checkpoints = composed(&network, &tasks, &towers);
        let nothing = Dense::new(1, network.param_len(), vec![0.0; network.param_len()]).unwrap();
        let total = Stream {
            matrix: &nothing,
            tau: &[0.5],
        };
        let decompositions = Decompositions::default();
        let last = &checkpoints[checkpoints.len() - 1].1;
        let run = Run {
            layout: &network.layout,
            theta_0: &checkpoints[0].1,
            theta: last,
            checkpoints: &checkpoints,
            streams: Streams::only(total),
            decompositions: &decompositions,
            t_corner: None,
            behaviour: Some(Behaviour {
                policy: Policy::new(&network, last),
                probes: &[],
                tasks: &tasks,
            }),
            rank: 4,
            seed: 1,
        };
        let made = loss_changes(&run).unwrap().unwrap();
        // Dead units and the value head have no part in any behaviour, and no score: no order of theirs is right.
        let is_live: Vec<bool> = (0..network.param_len())
            .map(|p| {
                let mut all = made.allocation.behaviours.iter().flat_map(|b| &b.windows);
                all.any(|window| window[p].abs() > 1e-7)
            })
            .collect();
        let every = vec![true; network.param_len()];
        let least = [(0.95, 0.85), (0.8, 0.7)];
        for (locator, (live, all)) in [&LossChange as &dyn Locator, &LossChangeFactors]
            .into_iter()
            .zip(least)
        {
            let located = locator.locate(&run).unwrap().unwrap();
            for (scores, tower) in located.scores.iter().zip([1, 0]) {
                let of_live = area(scores, &towers, tower, &is_live);
                let of_all = area(scores, &towers, tower, &every);
                let name = locator.method().name();
                assert!(of_live > live && of_all > all, "{name}: {of_live} {of_all}");
            }
        }
        let without = Run {
            checkpoints: &checkpoints[..1],
            ..run
        };
        assert!(LossChange.locate(&without).unwrap().is_none());
        let without = Run {
            behaviour: None,
            ..run
        };
        assert!(LossChangeFactors.locate(&without).unwrap().is_none());
    }
}
