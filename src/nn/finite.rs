//! Where a forward pass stopped being finite: looked for only once something that was computed from
//! it is not.

use super::network::{After, Network, Op};
use super::policy::Policy;
use super::workspace::Workspace;

/// The first NaN or infinity on the way from the parameters to logits and values of some
/// observations: which number it is, the tensor by its name in the layout, and the value.
///
/// A rectifier turns NaN to 0, so that outputs may be finite where a parameter is not.
pub fn culprit(network: &Network, params: &[f32], observations: &[u8]) -> Option<(String, f32)> {
    if let Some((place, value)) = network.layout.first_not_finite(params) {
        return Some((format!("parameter {place}"), value));
    }
    let mut workspace = Workspace::new(network);
    observations
        .chunks_exact(network.observation_len())
        .find_map(|observation| {
            workspace.forward(Policy::new(network, params), observation, 1);
            outputs(&workspace, network)
        })
}

/// The first layer whose output for the one sample last run is not finite.
fn outputs(workspace: &Workspace<f32>, network: &Network) -> Option<(String, f32)> {
    network.ops.iter().find_map(|op| {
        let (branch, y, parameters) = match op {
            Op::Conv {
                y,
                parameters,
                after: After::AddRelu { z },
                ..
            } => (Some(*z), *y, parameters),
            Op::Conv { y, parameters, .. } | Op::Dense { y, parameters, .. } => {
                (None, *y, parameters)
            }
            _ => return None,
        };
        branch.into_iter().chain([y]).find_map(|buffer| {
            let values = &workspace.buffers[buffer][..network.buffers[buffer].len];
            let at = values.iter().position(|value| !value.is_finite())?;
            let (tensor, _) = network.layout.locate(parameters.weight.start);
            Some((format!("output {at} of {}", tensor.name), values[at]))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Kind, Shape, init};

    /// Whichever tensor takes a NaN or an infinity is named, by itself or, for numbers that are only
    /// too large, by what the first layer gives that they are too large for.
    #[test]
    fn the_first_tensor_on_the_way_is_named() {
        for kind in [Kind::Small, Kind::Impala] {
            let shape = Shape {
                kind,
                channels: 3,
                blocks: 2,
                hidden: 4,
                ..Shape::tiny()
            };
            let network = Network::new(shape, 1).unwrap();
            let params = init::initialise(&network.layout, 1);
            let observation: Vec<u8> = (0..75).map(|i| u8::from(i % 3 == 0)).collect();
            assert_eq!(culprit(&network, &params, &observation), None);
            for tensor in &network.layout.tensors {
                for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let mut params = params.clone();
                    params[tensor.range().end - 1] = value;
                    let (what, found) = culprit(&network, &params, &observation).unwrap();
                    let index = tensor.len() - 1;
                    assert_eq!(what, format!("parameter {}[{index}]", tensor.name));
                    assert_eq!(found.to_bits(), value.to_bits());
                }
                if let Some(name) = tensor.name.strip_suffix(".weight") {
                    let mut params = params.clone();
                    params[tensor.range()].fill(f32::MAX);
                    // So that the layer's input is not all zeros.
                    let before = network.layout.tensors.iter();
                    before
                        .take_while(|other| *other != tensor)
                        .for_each(|other| params[other.range()].fill(1.0));
                    let (what, found) = culprit(&network, &params, &observation).unwrap();
                    assert!(what.ends_with(&format!(" of {name}.weight")), "{what}");
                    assert_eq!(found, f32::INFINITY);
                }
            }
        }
    }
}
