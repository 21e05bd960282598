//! Gradient routing (Cloud et al. 2024): a policy whose two behaviours live where they were put, to
//! hold locators against.
//!
//! ```text
//! g = (1 - m) g_before + m g_inside      m: the parameter is `inside`
//! ```
//! `g_before` is the gradient of the whole loss over the samples whose mouse is outside of the
//! region when it acts, `g_inside` over those whose mouse is in it (in a maze larger than the region),
//! both divided by the whole minibatch's length. Every parameter learns from one side alone, though both halves of the
//! network run in either place. Cost: one gradient.

use crate::nn::{Layout, Network};

use super::loss::Sums;
use super::minibatch::{Gradient, Minibatch};
use super::parts::by_side;

/// Which parameters learn in the region alone: those of the second half of each layer's output
/// channels or units, their biases among them, and in either head those that read the second half
/// of its inputs, so that each half has every action and a value. Of an odd number the first half
/// has one more; the heads' biases, which read nothing, are with the first.
pub fn inside(layout: &Layout) -> Vec<bool> {
    let mut inside = vec![false; layout.len()];
    for tensor in &layout.tensors {
        let is_head = tensor.name.starts_with("policy.") || tensor.name.starts_with("value.");
        let out_len = tensor.shape.last().map_or(1, |&len| len);
        // Output units are the innermost axis; a head's inputs the axis before.
        let (stride, halved) = match (is_head, &tensor.shape[..]) {
            (true, [in_len, _]) => (out_len, *in_len),
            (true, _) => continue,
            (false, _) => (1, out_len),
        };
        for (i, inside) in inside[tensor.range()].iter_mut().enumerate() {
            *inside = i / stride % halved >= halved.div_ceil(2);
        }
    }
    inside
}

/// What routing needs from update to update.
#[derive(Debug)]
pub struct Routing {
    inside: Vec<bool>,
    routed: Vec<f32>,
}

impl Routing {
    /// For the parameters of `layout`.
    pub fn new(layout: &Layout) -> Self {
        Self {
            inside: inside(layout),
            routed: vec![0.0; layout.len()],
        }
    }

    /// The routed gradient over the samples of `batch`, with the sums of the loss over all of them.
    pub fn compute(
        &mut self,
        gradient: &mut Gradient,
        model: (&Network, &[f32]),
        batch: &Minibatch<'_>,
    ) -> (&mut [f32], Sums) {
        let mut sums = Sums::default();
        let sides = by_side(batch.frames, batch.indices);
        for (side, indices) in [false, true].into_iter().zip(&sides) {
            let (found, found_sums) = gradient.compute(model, &Minibatch { indices, ..*batch });
            sums.add(&found_sums);
            let routed = self.routed.iter_mut().zip(found).zip(&self.inside);
            for ((routed, found), _) in routed.filter(|(_, inside)| **inside == side) {
                *routed = *found;
            }
        }
        (&mut self.routed, sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_of_outputs_and_in_the_heads_of_inputs() {
        let layout = Layout::new(vec![
            ("conv0.weight".into(), vec![1, 2, 2, 3]),
            ("conv0.bias".into(), vec![3]),
            ("dense.weight".into(), vec![2, 4]),
            ("dense.bias".into(), vec![4]),
            ("policy.weight".into(), vec![4, 3]),
            ("policy.bias".into(), vec![3]),
            ("value.weight".into(), vec![4, 1]),
            ("value.bias".into(), vec![1]),
        ]);
        let inside = inside(&layout);
        let of = |name: &str| {
            let tensor = layout.tensors.iter().find(|t| t.name == name).unwrap();
            let bits = inside[tensor.range()].iter().map(|&i| u8::from(i));
            bits.collect::<Vec<u8>>()
        };
        assert_eq!(of("conv0.weight"), [0, 0, 1].repeat(4));
        assert_eq!(of("conv0.bias"), [0, 0, 1]);
        assert_eq!(of("dense.weight"), [0, 0, 1, 1, 0, 0, 1, 1]);
        assert_eq!(of("dense.bias"), [0, 0, 1, 1]);
        assert_eq!(of("policy.weight"), [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
        assert_eq!(of("policy.bias"), [0, 0, 0]);
        assert_eq!(of("value.weight"), [0, 0, 1, 1]);
        assert_eq!(of("value.bias"), [0]);
    }
}
