//! Initial parameters: Xavier-uniform weights (Glorot & Bengio 2010), zero biases, a policy head
//! scaled by .01 so that training starts from a nearly uniform policy.

use crate::numeric::random::{Purpose, Stream};

use super::Layout;

/// Draws parameters for `layout`; every tensor has a stream of its own under `seed`.
pub fn initialise(layout: &Layout, seed: u64) -> Vec<f32> {
    let mut params = vec![0.0; layout.len()];
    for (index, tensor) in layout.tensors.iter().enumerate() {
        let Some((&out_len, rest)) = tensor.shape.split_last() else {
            continue;
        };
        if rest.is_empty() {
            continue;
        }
        let mut stream = Stream::new(seed, Purpose::Init, index as u64);
        let in_len: usize = rest.iter().product();
        // A convolution's taps count in both fans, as in PyTorch.
        let taps: usize = rest[..rest.len() - 1].iter().product();
        let gain = if tensor.name == "policy.weight" {
            0.01
        } else {
            1.0
        };
        let bound = gain * (6.0 / (in_len + taps * out_len) as f64).sqrt();
        for value in &mut params[tensor.offset..tensor.offset + in_len * out_len] {
            *value = (bound * (2.0 * stream.uniform() - 1.0)) as f32;
        }
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Network, Shape};

    #[test]
    fn weights_fill_the_glorot_interval_and_biases_are_zero() {
        let shape = Shape {
            world: 9,
            channels: 16,
            hidden: 32,
            action_len: 15,
            ..Shape::tiny()
        };
        let layout = Network::new(shape, 1).unwrap().layout;
        let params = initialise(&layout, 0);
        assert_eq!(params, initialise(&layout, 0));
        assert_ne!(params, initialise(&layout, 1));
        // sqrt(6 / (fan_in + fan_out)), a convolution's fans being 9 times its channels.
        for (name, bound) in [
            ("conv0", (6.0f32 / (27.0 + 144.0)).sqrt()),
            ("conv1", (6.0f32 / 288.0).sqrt()),
            ("dense", (6.0f32 / (400.0 + 32.0)).sqrt()),
            ("policy", 0.01 * (6.0f32 / (32.0 + 15.0)).sqrt()),
            ("value", (6.0f32 / (32.0 + 1.0)).sqrt()),
        ] {
            let weights = &params[layout.range(&format!("{name}.weight")).unwrap()];
            let largest = weights.iter().fold(0.0, |m: f32, w| m.max(w.abs()));
            assert!(
                largest <= bound * 1.000_001 && largest > 0.85 * bound,
                "{name}: {largest} of {bound}"
            );
            let mean = weights.iter().sum::<f32>() / weights.len() as f32;
            assert!(
                mean.abs() < 3.0 * bound / (3.0 * weights.len() as f32).sqrt(),
                "{name}: mean {mean}"
            );
            let biases = &params[layout.range(&format!("{name}.bias")).unwrap()];
            assert!(biases.iter().all(|&b| b == 0.0), "{name}");
        }
    }
}
