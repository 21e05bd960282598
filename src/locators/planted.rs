//! Planted truth: a made-up run of which it is known what was learnt where and when.
//!
//! Two sets of parameters, 5 % of all each, carry an early and a late signal. The gradient of step t:
//! ```text
//! g_t = f(t) [ noise_t + nuisance_t + early(t) sum_i c_i(t) a_i + late(t) sum_i d_i(t) b_i ]
//! ```
//! - noise: normal over all parameters, the length of a row about 1 and itself random;
//! - nuisance: three directions over all parameters, of constant power 1, without a mean;
//! - signals: three orthonormal directions a_i on the early set, three b_i on the late; coefficients
//!   half drift, half chance; early(t) falls from 1 to 0 around tau = .4, late(t) rises around .6; their power
//!   at full height is `snr^2` each;
//! - f(t): 1, or `e^(-3 tau)`: falling norms.
//!
//! Overlapping plants share half of each set's parameters, and a_i . b_i = .5. In plants by units a set is
//! three hidden units' incoming weights instead of random parameters, so that what moves is a low-rank
//! part of a weight matrix. A plant with chance has noise of constant power along a_i and b_i as well.
//!
//! Streams: `before` carries the early signal, `inside` the late; `policy` is their sum; `value` carries
//! most of the nuisance, and half as much of the signals along directions of its own on the same
//! sets; `entropy` pulls against the policy's signals a little; `total` is the sum of the three, `update`
//! is `-rate total`, and checkpoints are its cumulative sums.
//!
//! Deterministic in the seed. Cost: about 7 million normal draws.

use super::decompositions::Decompositions;
use super::run::{Run, Stream, Streams};
use crate::ablate::edit::orthonormal;
use crate::gradients::Dense;
use crate::nn::Layout;
use crate::numeric::draws;
use crate::numeric::random;

/// Steps.
const TIME_LEN: usize = 400;
/// Steps between checkpoints.
const CHECKPOINT_STEPS: usize = 10;
/// Directions of either signal, and of the nuisance.
const DIRECTIONS: usize = 3;
/// Learning rate: the noise alone moves a parameter by about a third of its initial size.
const RATE: f64 = 0.1;
/// Components that decompositions have.
const RANK: usize = 32;

/// What is planted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plant {
    /// Its name in tables.
    pub name: &'static str,
    /// Length of either signal at full height; the noise's is 1.
    pub snr: f64,
    /// Whether norms fall by `e^-3`.
    pub norms_fall: bool,
    /// Whether the sets share half of their parameters and the directions have cosine .5.
    pub overlap: bool,
    /// Whether the sets are whole hidden units.
    pub by_units: bool,
    /// Height of the late signal beside the early one: of two of equal power components are sum and difference.
    pub late: f64,
    /// Noise of minibatches along the policy's directions of either signal, from the first step to the last: of length 1 as the
    /// noise's.
    pub chance: f64,
    /// Whether every locator should find it: one that does not is uncalibrated.
    pub is_easy: bool,
}

const EASY: Plant = Plant {
    name: "easy",
    snr: 1.0,
    norms_fall: false,
    overlap: false,
    by_units: false,
    late: 1.0,
    chance: 0.0,
    is_easy: true,
};

/// What no single step shows: either signal's directions are filled with chance in both phases, and only the drift along them
/// has a time.
#[cfg(test)]
pub const CHANCE: Plant = Plant {
    name: "filled with chance",
    late: 0.7,
    chance: 0.5,
    is_easy: false,
    ..EASY
};

/// The plants of a calibration.
pub const PLANTS: [Plant; 7] = [
    EASY,
    Plant {
        name: "easy, norms fall",
        norms_fall: true,
        ..EASY
    },
    Plant {
        name: "hidden units",
        by_units: true,
        is_easy: false,
        ..EASY
    },
    Plant {
        name: "overlapping",
        overlap: true,
        is_easy: false,
        ..EASY
    },
    Plant {
        name: "overlapping, norms fall",
        norms_fall: true,
        overlap: true,
        is_easy: false,
        ..EASY
    },
    Plant {
        name: "faint",
        snr: 0.25,
        is_easy: false,
        ..EASY
    },
    Plant {
        name: "faint, norms fall",
        snr: 0.25,
        norms_fall: true,
        is_easy: false,
        ..EASY
    },
];

/// A made-up run.
#[derive(Debug)]
pub struct Planted {
    /// Whether each parameter is in the set for A, the late one, and in that for B, the early one.
    pub sets: [Vec<bool>; 2],
    /// The policy's directions: late, early.
    pub directions: [Vec<Vec<f32>>; 2],
    layout: Layout,
    tau: Vec<f64>,
    streams: [Dense; 7],
    checkpoints: Vec<(f64, Vec<f32>)>,
    t_corner: f64,
    decompositions: Decompositions,
    seed: u64,
}

impl Planted {
    /// Makes the run of `plant` under `seed`.
    pub fn new(plant: &Plant, seed: u64) -> Self {
        let layout = layout();
        let param_len = layout.len();
        let mut stream = draws::MADE_UP.stream(seed, 0);
        let (order, half) = if plant.by_units {
            let dense = &layout.tensors[DENSE];
            let [inputs, units] = dense.shape[..] else {
                unreachable!("a dense layer has two axes");
            };
            let mut order: Vec<usize> = (0..units).collect();
            stream.shuffle(&mut order);
            let weights = |unit| (0..inputs).map(move |input| dense.offset + input * units + unit);
            (
                order.into_iter().flat_map(weights).collect(),
                3 * inputs / 2,
            )
        } else {
            let mut order: Vec<usize> = (0..param_len).collect();
            stream.shuffle(&mut order);
            (order, param_len / 40)
        };
        // Quarters of what is planted: early alone, shared or early, shared or late, late alone.
        let (early, late) = if plant.overlap {
            (order[..2 * half].to_vec(), order[half..3 * half].to_vec())
        } else {
            (
                order[..2 * half].to_vec(),
                order[2 * half..4 * half].to_vec(),
            )
        };
        let marks = |members: &[usize]| {
            let mut marks = vec![false; param_len];
            members.iter().for_each(|&p| marks[p] = true);
            marks
        };
        let mut on = |members: &[usize]| directions(members, param_len, &mut stream);
        let (a, b) = if plant.overlap {
            let shared = on(&order[half..2 * half]);
            let halves = |own: Vec<Vec<f64>>| {
                let pairs = own.iter().zip(&shared);
                let sum = |(own, shared): (&Vec<f64>, &Vec<f64>)| {
                    let pairs = own.iter().zip(shared);
                    pairs.map(|(x, y)| (x + y) * 0.5f64.sqrt()).collect()
                };
                pairs.map(sum).collect::<Vec<Vec<f64>>>()
            };
            (
                halves(on(&order[..half])),
                halves(on(&order[2 * half..3 * half])),
            )
        } else {
            (on(&early), on(&late))
        };
        let value = [on(&early), on(&late)];
        let all: Vec<usize> = (0..param_len).collect();
        let nuisance = on(&all);
        let signals = Signals {
            plant,
            policy: [a, b],
            value,
            nuisance,
        };
        let streams = signals.streams(param_len, &mut stream);
        let (checkpoints, t_corner) = signals.checkpoints(&streams[0], &mut stream);
        let narrow = |directions: &[Vec<f64>]| {
            let narrow = |u: &Vec<f64>| u.iter().map(|&u| u as f32).collect();
            directions.iter().map(narrow).collect::<Vec<Vec<f32>>>()
        };
        Self {
            sets: [marks(&late), marks(&early)],
            directions: [narrow(&signals.policy[1]), narrow(&signals.policy[0])],
            layout,
            tau: (0..TIME_LEN)
                .map(|t| (t as f64 + 0.5) / TIME_LEN as f64)
                .collect(),
            streams,
            checkpoints,
            t_corner,
            decompositions: Decompositions::default(),
            seed,
        }
    }

    /// The plant as a run without behaviour, since no network belongs to it.
    pub fn run(&self) -> Run<'_> {
        let [total, update, policy, before, inside, value, entropy] =
            self.streams.each_ref().map(|matrix| Stream {
                matrix,
                tau: &self.tau,
            });
        Run {
            layout: &self.layout,
            theta_0: &self.checkpoints[0].1,
            theta: &self.checkpoints[self.checkpoints.len() - 1].1,
            checkpoints: &self.checkpoints,
            streams: Streams {
                total,
                update: Some(update),
                policy: Some(policy),
                before: Some(before),
                inside: Some(inside),
                value: Some(value),
                entropy: Some(entropy),
            },
            decompositions: &self.decompositions,
            t_corner: Some(self.t_corner),
            behaviour: None,
            rank: RANK,
            seed: self.seed,
        }
    }
}

/// The place of `dense.weight`.
const DENSE: usize = 4;

/// A small network's tensors: 3,933 parameters.
fn layout() -> Layout {
    let tensor = |name: &str, shape: &[usize]| (name.to_owned(), shape.to_vec());
    Layout::new(vec![
        tensor("conv0.weight", &[3, 3, 3, 8]),
        tensor("conv0.bias", &[8]),
        tensor("conv1.weight", &[3, 3, 8, 8]),
        tensor("conv1.bias", &[8]),
        tensor("dense.weight", &[72, 40]),
        tensor("dense.bias", &[40]),
        tensor("policy.weight", &[40, 4]),
        tensor("policy.bias", &[4]),
        tensor("value.weight", &[40, 1]),
        tensor("value.bias", &[1]),
    ])
}

/// Random orthonormal directions that are zero outside of `members`.
fn directions(members: &[usize], param_len: usize, stream: &mut random::Stream) -> Vec<Vec<f64>> {
    let drawn: Vec<Vec<f32>> = (0..DIRECTIONS)
        .map(|_| {
            let mut direction = vec![0.0; param_len];
            members
                .iter()
                .for_each(|&p| direction[p] = stream.normal() as f32);
            direction
        })
        .collect();
    orthonormal(&drawn)
}

struct Signals<'a> {
    plant: &'a Plant,
    /// Early, late.
    policy: [Vec<Vec<f64>>; 2],
    value: [Vec<Vec<f64>>; 2],
    nuisance: Vec<Vec<f64>>,
}

/// Height of the early and of the late signal.
fn envelopes(tau: f64) -> [f64; 2] {
    let rises = |at: f64| 1.0 / (1.0 + ((at - tau) / 0.06).exp());
    [1.0 - rises(0.4), rises(0.6)]
}

impl Signals<'_> {
    /// Total, update, policy, before, inside, value, entropy.
    fn streams(&self, param_len: usize, stream: &mut random::Stream) -> [Dense; 7] {
        let mut values = [(); 7].map(|()| Vec::with_capacity(TIME_LEN * param_len));
        for t in 0..TIME_LEN {
            let tau = t as f64 / TIME_LEN as f64;
            let fall = if self.plant.norms_fall {
                (-3.0 * tau).exp()
            } else {
                1.0
            };
            let [early, late] = envelopes(tau).map(|e| e * self.plant.snr);
            let height = [early, late * self.plant.late];
            let mut part = |noise: f64, nuisance: f64| {
                let scale = noise * (0.25 * stream.normal()).exp() / (param_len as f64).sqrt();
                let mut row: Vec<f64> = (0..param_len).map(|_| scale * stream.normal()).collect();
                self.nuisance
                    .iter()
                    .for_each(|w| add(&mut row, w, nuisance * stream.normal()));
                row
            };
            let share = (DIRECTIONS as f64).sqrt();
            let mut before = part(0.5, 0.3 / share);
            let mut inside = part(0.5, 0.3 / share);
            let mut value = part(0.6, 0.9 / share);
            let mut entropy = part(0.3, 0.1 / share);
            for (phase, height) in height.into_iter().enumerate() {
                let own = if phase == 0 { &mut before } else { &mut inside };
                for i in 0..DIRECTIONS {
                    if self.plant.chance > 0.0 {
                        add(
                            own,
                            &self.policy[phase][i],
                            self.plant.chance / share * stream.normal(),
                        );
                    }
                    let mut draw = |mean: f64| (mean + stream.normal()) / (2.0f64.sqrt() * share);
                    let (c, d) = (height * draw(1.0), height * draw(-1.0));
                    let (u, w) = (&self.policy[phase][i], &self.value[phase][i]);
                    add(own, u, c);
                    add(&mut value, w, 0.5 * d);
                    add(&mut entropy, u, -0.2 * height * draw(1.0));
                }
            }
            for p in 0..param_len {
                let parts = [before[p], inside[p], value[p], entropy[p]].map(|x| (fall * x) as f32);
                let [before, inside, value, entropy] = parts;
                let policy = before + inside;
                let total = policy + value + entropy;
                let update = (-RATE * f64::from(total)) as f32;
                let row = [total, update, policy, before, inside, value, entropy];
                values.iter_mut().zip(row).for_each(|(to, x)| to.push(x));
            }
        }
        values.map(|values| Dense::new(TIME_LEN, param_len, values).expect("finite draws"))
    }

    /// Checkpoints, and when nine tenths of the early signal had been.
    fn checkpoints(
        &self,
        total: &Dense,
        stream: &mut random::Stream,
    ) -> (Vec<(f64, Vec<f32>)>, f64) {
        let param_len = self.nuisance[0].len();
        let mut theta: Vec<f64> = (0..param_len).map(|_| 0.1 * stream.normal()).collect();
        let narrow = |theta: &[f64]| theta.iter().map(|&x| x as f32).collect::<Vec<f32>>();
        let mut checkpoints = vec![(0.0, narrow(&theta))];
        for t in 0..TIME_LEN {
            let row = total.row(t).iter();
            theta
                .iter_mut()
                .zip(row)
                .for_each(|(theta, &g)| *theta -= RATE * f64::from(g));
            if (t + 1) % CHECKPOINT_STEPS == 0 {
                checkpoints.push(((t + 1) as f64 / TIME_LEN as f64, narrow(&theta)));
            }
        }
        let early: Vec<f64> = (0..TIME_LEN)
            .map(|t| envelopes(t as f64 / TIME_LEN as f64)[0])
            .collect();
        let whole: f64 = early.iter().sum();
        let mut sum = 0.0;
        let reached = early.iter().position(|e| {
            sum += e;
            sum >= 0.9 * whole
        });
        (checkpoints, reached.unwrap_or(0) as f64 / TIME_LEN as f64)
    }
}

fn add(row: &mut [f64], direction: &[f64], weight: f64) {
    row.iter_mut()
        .zip(direction)
        .for_each(|(x, u)| *x += weight * u);
}
