//! The gradient of a minibatch in parts that sum to it.
//!
//! ```text
//! before    policy loss of the samples whose mouse is outside of the region when it acts
//! inside    policy loss of those whose mouse is in it, in a maze larger than the region
//! value     c_v times the value loss, all samples
//! entropy   -c_H times the entropy, all samples
//! ```
//! A maze no larger than the region has no way into it: every one of its samples is of `before`.
//! Advantages are normalised, and sums divided, as for the whole minibatch. The parts sum to its
//! gradient up to rounding; a part without samples is exactly 0. Cost: three gradients.

use crate::nn::Network;

use super::frames::Frames;
use super::loss::Coefficients;
use super::minibatch::{Gradient, Minibatch};

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

/// Writes the parts of the gradient over the samples of `batch`.
pub fn compute(
    gradient: &mut Gradient,
    model: (&Network, &[f32]),
    batch: &Minibatch<'_>,
    parts: &mut Parts,
) {
    let [before, inside] = by_side(batch.frames, batch.indices);
    let samples = [&before, &inside, batch.indices, batch.indices];
    for ((part, indices), out) in Part::ALL.into_iter().zip(samples).zip(parts) {
        let part = Minibatch {
            indices,
            coefficients: part.of(&batch.coefficients),
            ..*batch
        };
        let (found, _) = gradient.compute(model, &part);
        out.clear();
        out.extend_from_slice(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Shape, init};
    use crate::numeric::random::{Purpose, Stream};
    use crate::ppo::minibatch::Spread;

    /// Each policy part sees its own samples only: all of them on one side leave the other exactly
    /// 0, and the two are the gradients of the samples apart.
    #[test]
    fn a_side_without_samples_is_exactly_zero() {
        let network = Network::new(Shape::tiny(), 24).unwrap();
        let params = init::initialise(&network.layout, 0);
        let stream = &mut Stream::new(4, Purpose::Nulls, 0);
        let len = 150;
        let mut frames = Frames {
            observations: (0..len * network.observation_len())
                .map(|_| stream.below(2) as u8)
                .collect(),
            actions: (0..len).map(|_| stream.below(4) as u8).collect(),
            log_probs: (0..len).map(|_| -1.5 + stream.uniform() as f32).collect(),
            values: (0..len).map(|_| stream.normal() as f32).collect(),
            advantages: (0..len).map(|_| stream.normal() as f32).collect(),
            in_region: (0..len).map(|i| i % 3 == 0).collect(),
        };
        let coefficients = Coefficients {
            clip: 0.2,
            policy: 1.0,
            value: 0.5,
            entropy: 0.01,
            clip_value: true,
        };
        let indices: Vec<u32> = (0..len as u32).filter(|i| i % 7 != 0).collect();
        let mut gradient = Gradient::new(&network, len);
        let spread = Some(Spread::of(&frames.advantages, &indices));
        let mut of = |frames: &Frames, indices: &[u32]| {
            let batch = Minibatch {
                frames,
                indices,
                len: indices.len(),
                coefficients,
                spread,
            };
            let mut parts = Parts::default();
            compute(&mut gradient, (&network, &params), &batch, &mut parts);
            parts
        };
        let both = of(&frames, &indices);
        let [_, alone] = by_side(&frames, &indices);
        assert_eq!(alone.len(), indices.iter().filter(|&i| i % 3 == 0).count());
        let inside = &of(&frames, &alone)[1];
        // Divided by fewer samples.
        let scale = alone.len() as f32 / indices.len() as f32;
        for (whole, alone) in both[1].iter().zip(inside) {
            assert!((whole - scale * alone).abs() <= 1e-6, "{whole} {alone}");
        }
        for (value, empty, full) in [(false, 1, 0), (true, 0, 1)] {
            frames.in_region.fill(value);
            let parts = of(&frames, &indices);
            assert!(parts[empty].iter().all(|&d| d == 0.0));
            assert!(parts[full].iter().any(|&d| d != 0.0));
            assert_eq!(parts[2..], both[2..]);
        }
    }
}
