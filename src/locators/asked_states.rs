//! On which states the behaviours are asked for, and with which weights.
//!
//! ```text
//! corner    mean over classes k of  mean over states whose needed move is k of  log p_k
//! compass   the same means of  (log p_up + log p_right - log p_left - log p_down) / 2
//! cheese    mean over classes k of  mean over states whose needed move is k of  m_k(cheese seen) - m_k(cheese hidden)
//! m_k       log p_k - mean over the four moves j of  log p_j
//! ```
//!
//! Corner and compass: cells outside of the region of mazes without a cheese, by the move that leads to the corner (as
//! `ablate/balanced.rs`). Cheese: the probes of `probes.rs`, by the move that leads to the cheese, for each place and
//! direction. A preference that is the same with and without the cheese, the compass, cancels in the difference. And a part of
//! the network that does not see the cheese has no share in it, to the bit of rounding: m_k is linear in the logits, as
//! log p_k is not (how much a logit more adds to it depends on all the others). At most [`STATES_MAX`] states a class, evenly spaced; classes that no state needs are left out.

use super::asked::Asked;
use super::probes;
use crate::ablate::blindfold::CHEESE;
use crate::ablate::situation::Task;
use crate::ablate::{Rate, Tasks, needed_moves, seen};
use crate::maze::{ActionSet, Cell, Move};
use crate::nn::network::OBSERVATION_CHANNELS;

/// Behaviours of which it is asked when and where they were learnt.
pub const ASKED: [Rate; 6] = [
    Rate::Compass,
    Rate::Corner,
    Rate::InUpRight,
    Rate::InDownLeft,
    Rate::NearUpRight,
    Rate::NearDownLeft,
];

/// States of a needed move, at most.
const STATES_MAX: usize = 24;

/// What is asked of a policy on these levels, in the order of [`ASKED`].
pub fn asked(tasks: &Tasks) -> Vec<Asked> {
    ASKED.map(|rate| of(rate, tasks)).into()
}

fn of(rate: Rate, tasks: &Tasks) -> Asked {
    let classes = match rate {
        Rate::Compass | Rate::Corner => to_corner(tasks),
        _ => to_cheese(rate, tasks),
    };
    let mut asked = Asked {
        rate,
        actions: tasks.actions(),
        observations: Vec::new(),
        weights: Vec::new(),
    };
    let len = classes.iter().filter(|states| !states.is_empty()).count();
    for (step, states) in Move::ALL.into_iter().zip(&classes) {
        let kept = states.len().min(STATES_MAX);
        let weight = 1.0 / (len.max(1) * kept.max(1)) as f64;
        for observation in (0..kept).map(|i| &states[i * states.len() / kept]) {
            let mut needed = [0.0; 4];
            needed[step as usize] = weight;
            asked.observations.extend(observation);
            match rate {
                Rate::Corner => asked.weights.push(needed),
                Rate::Compass => asked.weights.push(Move::ALL.map(|step| match step {
                    Move::Up | Move::Right => 0.5 * weight,
                    Move::Left | Move::Down => -0.5 * weight,
                })),
                _ => {
                    let needed = needed.map(|own| own - 0.25 * weight);
                    asked.weights.push(needed);
                    let hidden = observation.iter().enumerate();
                    let hidden = hidden.map(|(at, &bit)| {
                        if at % OBSERVATION_CHANNELS == CHEESE {
                            0
                        } else {
                            bit
                        }
                    });
                    asked.observations.extend(hidden);
                    asked.weights.push(needed.map(|weight| -weight));
                }
            }
        }
    }
    asked
}

/// Observations by needed move.
type Classes = [Vec<Vec<u8>>; 4];

fn to_corner(tasks: &Tasks) -> Classes {
    let mut cells: [Vec<(&Task, Cell)>; 4] = Default::default();
    for task in tasks.levels(Rate::Corner) {
        for (cell, step) in needed_moves(&task.level, task.region) {
            cells[step as usize].push((task, cell));
        }
    }
    // Only what is kept is drawn: a large world has millions of cells.
    cells.map(|cells| {
        let kept = cells.len().min(STATES_MAX);
        let chosen = (0..kept).map(|i| cells[i * cells.len() / kept]);
        let observe = |(task, cell): (&Task, Cell)| {
            let mut observation = Vec::new();
            seen::append(&task.level, cell, &mut observation);
            observation
        };
        chosen.map(observe).collect()
    })
}

fn to_cheese(rate: Rate, tasks: &Tasks) -> Classes {
    let probe = probes::probe(rate, tasks, probes::STATES);
    let mut classes = Classes::default();
    let len = probe.observations.len() / probe.right.len().max(1);
    let states = probe
        .observations
        .chunks_exact(len.max(1))
        .zip(&probe.right);
    for (observation, &right) in states {
        if let Some(step) = needed(tasks.actions(), right) {
            classes[step as usize].push(observation.to_vec());
        }
    }
    classes
}

/// The move of the first right action.
fn needed(actions: ActionSet, right: u16) -> Option<Move> {
    actions.movement(u8::try_from(right.trailing_zeros()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Setting, Split};
    use crate::nn::{Network, Policy, Shape, finite_difference as fd, init};

    fn tasks() -> Tasks {
        let setting = Setting::new(9, 5, 50);
        Tasks::new(Split::Discovery, setting, ActionSet::Four, 24).unwrap()
    }

    fn network() -> Network {
        let shape = Shape {
            world: 9,
            ..Shape::tiny()
        };
        Network::new(shape, 16).unwrap()
    }

    #[test]
    fn classes_count_alike_and_what_is_the_same_without_the_cheese_cancels() {
        let (network, asked) = (network(), asked(&tasks()));
        assert_eq!(asked.iter().map(|one| one.rate).collect::<Vec<_>>(), ASKED);
        // All logits 0 but for the last bias: the same in every state.
        let mut theta = vec![0.0f64; network.param_len()];
        let bias = network
            .layout
            .tensors
            .iter()
            .find(|t| t.name == "policy.bias")
            .unwrap();
        let up_and_right = [Move::Up, Move::Right];
        for action in 0..4 {
            if up_and_right
                .map(Some)
                .contains(&ActionSet::Four.movement(action))
            {
                theta[bias.offset + usize::from(action)] = 2.0;
            }
        }
        for one in &asked {
            let states = one.weights.len();
            assert!(
                (20..=8 * STATES_MAX).contains(&states),
                "{:?} {states}",
                one.rate
            );
            assert_eq!(one.observations.len(), states * network.observation_len());
            let sizes: f64 = one.weights.iter().flatten().map(|w| w.abs()).sum();
            let expected = match one.rate {
                Rate::Corner => 1.0,
                Rate::Compass => 2.0,
                _ => 3.0,
            };
            assert!((sizes - expected).abs() < 1e-9, "{:?} {sizes}", one.rate);
            let (value, gradient) = one.value_and_gradient(Policy::new(&network, &theta));
            let by_bias: f64 = gradient[bias.range()].iter().map(|g: &f64| g.abs()).sum();
            match one.rate {
                Rate::Compass => assert!((value - 2.0).abs() < 1e-5 && by_bias > 1.0),
                // Each move is needed as often as any other.
                Rate::Corner => assert!(value < -(4.0f64.ln()) && by_bias > 0.1),
                _ => assert!(value.abs() < 1e-5 && by_bias < 1e-5, "{:?}", one.rate),
            }
        }
    }

    #[test]
    fn the_gradient_is_the_differences() {
        let (network, asked) = (network(), asked(&tasks()));
        let s = &mut fd::stream(3);
        let params: Vec<f64> = init::initialise(&network.layout, 2)
            .into_iter()
            .map(|p| f64::from(p) + 0.05 * s.normal())
            .collect();
        for one in &asked {
            let run = |params: &[f64]| one.value_and_gradient(Policy::new(&network, params));
            let (_, gradient) = run(&params);
            let (mut compared, mut kinks) = (0, 0);
            for index in (0..params.len()).step_by(params.len() / 24) {
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
                compared > 2 * kinks,
                "{:?}: {compared}, {kinks} kinks",
                one.rate
            );
        }
    }
}
