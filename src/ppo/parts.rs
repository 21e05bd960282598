//! The gradient of a minibatch in parts that sum to it.
//!
//! ```text
//! before    policy loss of the samples whose mouse is outside of the region when it acts
//! inside    policy loss of those whose mouse is in it
//! value     c_v times the value loss, all samples
//! entropy   -c_H times the entropy, all samples
//! ```
//! Advantages are normalised, and sums divided, as for the whole minibatch. The parts sum to its
//! gradient up to rounding; a part without samples is exactly 0. Cost: three gradients.

use crate::nn::Network;

use super::loss::Coefficients;
use super::minibatch::{Gradient, Spread};
use super::rollout::Frames;

/// One part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Policy loss outside of the region.
    Before,
    /// Policy loss in it.
    Inside,
    /// Value loss.
    Value,
    /// Entropy.
    Entropy,
}

impl Part {
    /// All of them, in the order of [`Parts`].
    pub const ALL: [Self; 4] = [Self::Before, Self::Inside, Self::Value, Self::Entropy];

    /// Name of its stream.
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Inside => "inside",
            Self::Value => "value",
            Self::Entropy => "entropy",
        }
    }

    /// The loss's coefficients with every other part left out.
    fn of(self, whole: &Coefficients) -> Coefficients {
        let keep = |kept: bool, weight: f64| if kept { weight } else { 0.0 };
        Coefficients {
            policy: keep(matches!(self, Self::Before | Self::Inside), whole.policy),
            value: keep(self == Self::Value, whole.value),
            entropy: keep(self == Self::Entropy, whole.entropy),
            ..*whole
        }
    }
}

/// One gradient a part, in the order of [`Part::ALL`]; empty until computed.
pub type Parts = [Vec<f32>; 4];

/// Samples that acted outside of the region, and in it.
pub fn by_side(frames: &Frames, indices: &[u32]) -> [Vec<u32>; 2] {
    let (inside, before) = indices
        .iter()
        .partition(|&&index| frames.in_region[index as usize]);
    [before, inside]
}

/// Writes the parts of the gradient over the frames at `indices`.
pub fn compute(
    gradient: &mut Gradient,
    model: (&Network, &[f32]),
    frames: &Frames,
    indices: &[u32],
    coefficients: &Coefficients,
    spread: Option<Spread>,
    parts: &mut Parts,
) {
    let [before, inside] = by_side(frames, indices);
    let samples = [&before, &inside, indices, indices];
    for ((part, samples), out) in Part::ALL.into_iter().zip(samples).zip(parts) {
        let samples = (samples, indices.len());
        let (found, _) = gradient.compute(model, frames, samples, &part.of(coefficients), spread);
        out.clear();
        out.extend_from_slice(found);
    }
}
