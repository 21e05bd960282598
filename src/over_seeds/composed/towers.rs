//! Two towers side by side in one network: each half as wide as the whole, their logits added up.
//!
//! ```text
//! logits(x) = a logits_corner(x) + b logits_cheese(x)        value(x) = (value_corner(x) + value_cheese(x)) / 2
//! ```
//!
//! The towers meet nowhere else: weights from one to the other are zeros.

use crate::nn::{Network, Shape};
use crate::ppo::trainer;

use crate::ablate::blindfold::plane;
use crate::experiment::Error;

/// The whole network, one tower's, and where the towers' parameters are in the whole.
#[derive(Debug)]
pub struct Towers {
    /// Both side by side.
    pub full: Network,
    /// One of them.
    pub half: Network,
    /// Of each tower: the place in the whole of each of its parameters.
    places: [Vec<usize>; 2],
}

/// What the logits of the corner's and of the cheese's tower are multiplied by.
pub type Scales = [f32; 2];

/// What both values are multiplied by: either tower foresees the whole return.
const VALUE_SCALE: f32 = 0.5;

impl Towers {
    /// Of a network of this shape, whose channels and hidden units are even numbers.
    ///
    /// # Errors
    /// A size outside of what is possible.
    pub fn new(shape: Shape) -> Result<Self, Error> {
        let network = |shape| Network::new(shape, trainer::RUN).map_err(crate::ppo::Error::from);
        let half = Shape {
            channels: shape.channels / 2,
            hidden: shape.hidden / 2,
            ..shape
        };
        let (full, half) = (network(shape)?, network(half)?);
        let places = [0, 1].map(|tower| places(&full, &half, tower));
        Ok(Self { full, half, places })
    }

    /// The parameters of the whole: those of the corner's tower and of the cheese's.
    pub fn compose(&self, towers: [&[f32]; 2], scales: Scales) -> Vec<f32> {
        let mut params = vec![0.0; self.full.param_len()];
        for (tower, values) in towers.into_iter().enumerate() {
            let scaled = self.factors(scales[tower]).zip(values);
            for (&place, (factor, value)) in self.places[tower].iter().zip(scaled) {
                // The biases of the heads are sums of both.
                params[place] += factor * value;
            }
        }
        params
    }

    /// A gradient by one tower's parameters as one by those of the whole.
    pub fn embed_gradient(&self, tower: usize, values: &[f32], scale: f32) -> Vec<f32> {
        self.embed(tower, values, scale, f32::recip)
    }

    /// An update of one tower's parameters as one of those of the whole.
    pub fn embed_update(&self, tower: usize, values: &[f32], scale: f32) -> Vec<f32> {
        self.embed(tower, values, scale, |factor| factor)
    }

    fn embed(&self, tower: usize, values: &[f32], scale: f32, by: fn(f32) -> f32) -> Vec<f32> {
        let mut whole = vec![0.0; self.full.param_len()];
        let scaled = self.factors(scale).zip(values).map(|(f, v)| by(f) * v);
        for (&place, value) in self.places[tower].iter().zip(scaled) {
            whole[place] = value;
        }
        whole
    }

    /// What each parameter of a tower is multiplied by in the whole.
    fn factors(&self, scale: f32) -> impl Iterator<Item = f32> {
        self.half.layout.tensors.iter().flat_map(move |tensor| {
            let factor = match &tensor.name {
                name if name.starts_with("policy.") => scale,
                name if name.starts_with("value.") => VALUE_SCALE,
                _ => 1.0,
            };
            tensor.range().map(move |_| factor)
        })
    }

    /// Which parameters of the whole are of the corner's tower alone, and which of the cheese's.
    pub fn members(&self) -> [Vec<bool>; 2] {
        let marked = self.places.each_ref().map(|places| {
            let mut marks = vec![false; self.full.param_len()];
            places.iter().for_each(|&place| marks[place] = true);
            marks
        });
        let alone = |tower: usize| {
            let pairs = marked[tower].iter().zip(&marked[1 - tower]);
            pairs.map(|(&own, &other)| own && !other).collect()
        };
        [alone(0), alone(1)]
    }

    /// The parameters that stay zero: weights from one tower to the other, and those by which the corner's would see a
    /// cheese.
    pub fn held(&self) -> Vec<usize> {
        let mut is_free = vec![false; self.full.param_len()];
        self.places
            .iter()
            .flatten()
            .for_each(|&place| is_free[place] = true);
        for index in plane(&self.half.layout) {
            is_free[self.places[0][index]] = false;
        }
        (0..is_free.len())
            .filter(|&index| !is_free[index])
            .collect()
    }
}

/// The place in the whole of each parameter of a tower.
fn places(full: &Network, half: &Network, tower: usize) -> Vec<usize> {
    let mut places = Vec::with_capacity(half.param_len());
    for (whole, part) in full.layout.tensors.iter().zip(&half.layout.tensors) {
        let (outs, part_outs) = (last(&whole.shape), last(&part.shape));
        let is_head = whole.name.starts_with("policy.") || whole.name.starts_with("value.");
        // Rows of weights go through the channels of their input again and again; all read the same
        // observation.
        let (ins, part_ins) = match (whole.name.as_str(), is_head) {
            ("conv0.weight", _) => (3, 3),
            (_, true) => (full.shape.hidden, half.shape.hidden),
            _ => (full.shape.channels, half.shape.channels),
        };
        let is_bias = whole.shape.len() == 1;
        for at in 0..part.range().len() {
            let (row, to) = (at / part_outs, at % part_outs);
            let (group, from) = (row / part_ins, row % part_ins);
            let from = if part_ins == ins {
                from
            } else {
                from + tower * part_ins
            };
            let to = if is_head { to } else { to + tower * part_outs };
            let row = if is_bias { 0 } else { group * ins + from };
            places.push(whole.offset + row * outs + to);
        }
    }
    places
}

fn last(shape: &[usize]) -> usize {
    shape.last().copied().unwrap_or(1)
}
