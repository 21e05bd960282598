//! Gradient routing (Cloud et al. 2024): a policy of which it is known which parameters serve what.
//!
//! Every layer is split by its outputs: transitions that begin outside of the region move the first
//! half, those inside of it the second. The heads are split by their inputs, so that both halves have
//! every action; their biases go with the first.
//! ```text
//! d_theta = (1 - m) dL_outside + m dL_inside      m: 1 where `inside`
//! ```
//! L is the whole loss of either side's samples, divided by the minibatch's length.

use crate::nn::Layout;
use crate::nn::layout::Tensor;

/// Which parameters transitions inside of the region move, one a parameter.
pub fn inside(layout: &Layout) -> Vec<bool> {
    let mut inside = Vec::with_capacity(layout.len());
    for tensor in &layout.tensors {
        let (_, outputs) = sizes(tensor);
        let is_head = tensor.name.starts_with("policy.") || tensor.name.starts_with("value.");
        inside.extend(
            (0..tensor.len()).map(|index| match (is_head, tensor.shape.len()) {
                (true, 0 | 1) => false,
                (true, _) => index / outputs >= tensor.len() / outputs / 2,
                (false, _) => index % outputs >= outputs.div_ceil(2),
            }),
        );
    }
    inside
}

/// Inputs and outputs of a tensor whose last axis is its outputs.
fn sizes(tensor: &Tensor) -> (usize, usize) {
    let outputs = tensor.shape.last().copied().unwrap_or(1).max(1);
    (tensor.len() / outputs, outputs)
}

/// What routing needs in every update.
#[derive(Clone, Debug)]
pub struct Routing {
    inside: Vec<bool>,
    /// The gradient of the samples outside of the region.
    pub outside: Vec<f32>,
}

impl Routing {
    /// For a network's parameters.
    pub fn new(layout: &Layout) -> Self {
        Self {
            inside: inside(layout),
            outside: vec![0.0; layout.len()],
        }
    }

    /// Makes the routed gradient of that of the samples inside of the region.
    pub fn route(&self, gradient: &mut [f32]) {
        let sides = self.outside.iter().zip(&self.inside);
        for (d, (&outside, &is_inside)) in gradient.iter_mut().zip(sides) {
            if !is_inside {
                *d = outside;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_split_by_outputs_and_heads_by_inputs() {
        let layout = Layout::new(vec![
            ("conv0.weight".into(), vec![3, 3, 2, 4]),
            ("conv0.bias".into(), vec![4]),
            ("policy.weight".into(), vec![6, 4]),
            ("policy.bias".into(), vec![4]),
            ("value.weight".into(), vec![6, 1]),
            ("value.bias".into(), vec![1]),
        ]);
        let inside = inside(&layout);
        assert_eq!(
            inside[..8],
            [false, false, true, true, false, false, true, true]
        );
        let of = |name: &str| {
            let tensor = layout.tensors.iter().find(|t| t.name == name).unwrap();
            inside[tensor.range()].to_vec()
        };
        assert_eq!(of("conv0.bias"), [false, false, true, true]);
        assert!(of("policy.weight")[..12].iter().all(|inside| !inside));
        assert!(of("policy.weight")[12..].iter().all(|&inside| inside));
        assert_eq!(of("value.weight"), [false, false, false, true, true, true]);
        assert!(!of("policy.bias").contains(&true) && !of("value.bias").contains(&true));
    }

    /// A minibatch with no sample inside of the region moves no parameter of that half.
    #[test]
    fn each_side_moves_its_half() {
        let layout = Layout::new(vec![("conv0.bias".into(), vec![4])]);
        let mut routing = Routing::new(&layout);
        routing.outside = vec![1.0, 2.0, 3.0, 4.0];
        let mut gradient = vec![0.0; 4];
        routing.route(&mut gradient);
        assert_eq!(gradient, [1.0, 2.0, 0.0, 0.0]);
    }
}
