//! Running a network on a block of samples: the activations, their gradients, forward, backward.
//!
//! A workspace is allocated once and reused; it serves one thread. A sample's outputs do not depend
//! on which other samples share its block, to the bit.

use crate::numeric::Real;

use super::network::{Network, OBSERVATION_CHANNELS, Op};
use super::{relu, residual};

/// Activations and gradients of one block.
#[derive(Clone, Debug)]
pub struct Workspace<T> {
    buffers: Vec<Vec<T>>,
    gradients: Vec<Vec<T>>,
    argmax: Vec<Vec<u32>>,
    scratch: Vec<T>,
}

impl<T: Real> Workspace<T> {
    /// Room for `network`'s largest block.
    pub fn new(network: &Network) -> Self {
        let zeros = |&len: &usize| vec![T::ZERO; len * network.sample_len];
        let buffers: Vec<Vec<T>> = network.buffer_len.iter().map(zeros).collect();
        let scratch_len = network
            .ops
            .iter()
            .map(|op| match op {
                Op::Conv { parameters, .. } | Op::Dense { parameters, .. } => {
                    parameters.weight.len()
                }
                _ => 0,
            })
            .max()
            .unwrap_or(0);
        Self {
            gradients: buffers.clone(),
            buffers,
            argmax: network
                .argmax_len
                .iter()
                .map(|&len| vec![0; len * network.sample_len])
                .collect(),
            scratch: vec![T::ZERO; scratch_len],
        }
    }

    /// The logits after [`forward`](Self::forward), `(samples, action_len)`.
    pub fn logits(&self, network: &Network, sample_len: usize) -> &[T] {
        &self.buffers[network.logits][..sample_len * network.shape.action_len]
    }

    /// The values after [`forward`](Self::forward), one a sample.
    pub fn values(&self, network: &Network, sample_len: usize) -> &[T] {
        &self.buffers[network.value][..sample_len]
    }

    /// Runs the network on `observations`, `sample_len` images `(world, world, 3)` of 0 and 1.
    ///
    /// # Panics
    /// When the block is larger than the workspace or the slices do not fit the network.
    pub fn forward(
        &mut self,
        network: &Network,
        params: &[T],
        observations: &[u8],
        sample_len: usize,
    ) {
        assert!(
            sample_len <= network.sample_len,
            "a block of at most {} samples",
            network.sample_len
        );
        assert_eq!(params.len(), network.param_len(), "one value a parameter");
        assert_eq!(
            observations.len(),
            sample_len * network.observation_len(),
            "whole observations"
        );
        self.load(network, observations, sample_len);
        for op in &network.ops {
            match op {
                Op::Conv {
                    x,
                    y,
                    conv,
                    parameters,
                } => {
                    let (x, y) = pair(&mut self.buffers, *x, *y);
                    let (weight, bias) = (
                        &params[parameters.weight.clone()],
                        &params[parameters.bias.clone()],
                    );
                    conv.forward(sample_len, x, weight, bias, y);
                }
                Op::Pool { x, y, pool, argmax } => {
                    let (x, y) = pair(&mut self.buffers, *x, *y);
                    pool.forward(sample_len, x, y, &mut self.argmax[*argmax]);
                }
                Op::Relu { x, y } => {
                    let len = sample_len * network.buffer_len[*y];
                    let (x, y) = pair(&mut self.buffers, *x, *y);
                    relu::forward(&x[..len], &mut y[..len]);
                }
                Op::Add { a, b, y } => {
                    let len = sample_len * network.buffer_len[*y];
                    let (before, after) = self.buffers.split_at_mut(*y);
                    residual::forward(&before[*a][..len], &before[*b][..len], &mut after[0][..len]);
                }
                Op::Flatten { x, y, image } => {
                    let (x, y) = pair(&mut self.buffers, *x, *y);
                    let row_len = image.width * image.channels;
                    for (row, y) in image.rows(sample_len).zip(y.chunks_exact_mut(row_len)) {
                        y.copy_from_slice(&x[row]);
                    }
                }
                Op::Dense {
                    x,
                    y,
                    dense,
                    parameters,
                } => {
                    let (x, y) = pair(&mut self.buffers, *x, *y);
                    let (weight, bias) = (
                        &params[parameters.weight.clone()],
                        &params[parameters.bias.clone()],
                    );
                    dense.forward(sample_len, x, weight, bias, y);
                }
            }
        }
    }

    /// Writes into `d_params` the gradient, summed over the block last run forward, of a loss whose
    /// derivatives by the logits and by the values are given. The observation gets no gradient.
    pub fn backward(
        &mut self,
        network: &Network,
        params: &[T],
        (d_logits, d_values): (&[T], &[T]),
        d_params: &mut [T],
        sample_len: usize,
    ) {
        for (gradient, &len) in self.gradients.iter_mut().zip(&network.buffer_len) {
            gradient[..sample_len * len].fill(T::ZERO);
        }
        self.gradients[network.logits][..d_logits.len()].copy_from_slice(d_logits);
        self.gradients[network.value][..d_values.len()].copy_from_slice(d_values);
        for op in network.ops.iter().rev() {
            match op {
                Op::Conv {
                    x,
                    y,
                    conv,
                    parameters,
                } => {
                    let (d_x, d_y) = pair(&mut self.gradients, *x, *y);
                    let (d_weight, d_bias) = split(d_params, parameters);
                    conv.backward_weight(sample_len, &self.buffers[*x], d_y, d_weight, d_bias);
                    if *x != 0 {
                        let weight = &params[parameters.weight.clone()];
                        conv.backward_input(sample_len, d_y, weight, &mut self.scratch, d_x);
                    }
                }
                Op::Pool { x, y, pool, argmax } => {
                    let (d_x, d_y) = pair(&mut self.gradients, *x, *y);
                    pool.backward(sample_len, d_y, &self.argmax[*argmax], d_x);
                }
                Op::Relu { x, y } => {
                    let len = sample_len * network.buffer_len[*y];
                    let (d_x, d_y) = pair(&mut self.gradients, *x, *y);
                    relu::backward(&self.buffers[*y][..len], &d_y[..len], &mut d_x[..len]);
                }
                Op::Add { a, b, y } => {
                    let len = sample_len * network.buffer_len[*y];
                    for x in [*a, *b] {
                        let (d_x, d_y) = pair(&mut self.gradients, x, *y);
                        residual::backward(&d_y[..len], &mut d_x[..len]);
                    }
                }
                Op::Flatten { x, y, image } => {
                    let (d_x, d_y) = pair(&mut self.gradients, *x, *y);
                    let row_len = image.width * image.channels;
                    for (row, d_y) in image.rows(sample_len).zip(d_y.chunks_exact(row_len)) {
                        d_x[row].copy_from_slice(d_y);
                    }
                }
                Op::Dense {
                    x,
                    y,
                    dense,
                    parameters,
                } => {
                    let (d_x, d_y) = pair(&mut self.gradients, *x, *y);
                    let (d_weight, d_bias) = split(d_params, parameters);
                    dense.backward_weight(sample_len, &self.buffers[*x], d_y, d_weight, d_bias);
                    let weight = &params[parameters.weight.clone()];
                    dense.backward_input(sample_len, d_y, weight, &mut self.scratch, d_x);
                }
            }
        }
    }

    fn load(&mut self, network: &Network, observations: &[u8], sample_len: usize) {
        let world = network.shape.world;
        let row_len = world * OBSERVATION_CHANNELS;
        let image = super::Image {
            height: world,
            width: world,
            channels: OBSERVATION_CHANNELS,
        };
        let buffer = &mut self.buffers[0];
        for (row, bits) in image
            .rows(sample_len)
            .zip(observations.chunks_exact(row_len))
        {
            for (x, &bit) in buffer[row].iter_mut().zip(bits) {
                *x = if bit == 0 { T::ZERO } else { T::ONE };
            }
        }
    }
}

/// The buffers `from` and `to`, of which the later is written forward and the earlier backward.
fn pair<T>(buffers: &mut [Vec<T>], from: usize, to: usize) -> (&mut [T], &mut [T]) {
    let (before, after) = buffers.split_at_mut(to);
    (&mut before[from], &mut after[0])
}

fn split<'a, T>(
    d_params: &'a mut [T],
    parameters: &super::network::Parameters,
) -> (&'a mut [T], &'a mut [T]) {
    let (before, after) = d_params[parameters.weight.start..parameters.bias.end]
        .split_at_mut(parameters.weight.len());
    (before, after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::finite_difference as fd;
    use crate::nn::{Kind, Shape, init};
    use crate::numeric::random::Stream;

    fn random_network(kind: Kind, stream: &mut Stream, sample_len: usize) -> Network {
        let shape = Shape {
            kind,
            world: 3 + 2 * stream.below(3) as usize,
            channels: fd::length(stream, 6),
            blocks: stream.below(4) as usize,
            hidden: fd::length(stream, 12),
            action_len: 1 + fd::length(stream, 14),
        };
        Network::new(shape, sample_len).unwrap()
    }

    fn random_bits(stream: &mut Stream, len: usize) -> Vec<u8> {
        (0..len).map(|_| stream.below(2) as u8).collect()
    }

    /// By any one parameter the outputs are piecewise linear: where the slopes to the left and to
    /// the right agree, they are the derivative; where they do not, a relu or a maximum changes
    /// within the step and there is nothing to compare with.
    fn gradients_are_the_differences(kind: Kind, sampled_len: usize) {
        let (mut compared, mut kinks) = (0, 0);
        for shape in 0..20 {
            let s = &mut fd::stream(shape);
            let n = fd::length(s, 3);
            let network = random_network(kind, s, n + 1);
            let observations = random_bits(s, n * network.observation_len());
            let mut params: Vec<f64> = init::initialise(&network.layout, shape)
                .into_iter()
                .map(f64::from)
                .collect();
            params.iter_mut().for_each(|p| *p += 0.05 * s.normal());
            let d_logits = fd::normals(s, n * network.shape.action_len);
            let d_values = fd::normals(s, n);

            let mut workspace = Workspace::new(&network);
            let mut d_params = vec![9.0; params.len()];
            // What an earlier, larger block left behind must not matter.
            let other = random_bits(s, (n + 1) * network.observation_len());
            workspace.forward(&network, &params, &other, n + 1);
            let ones = vec![1.0; (n + 1) * network.shape.action_len];
            workspace.backward(
                &network,
                &params,
                (&ones, &ones[..n + 1]),
                &mut d_params,
                n + 1,
            );
            workspace.forward(&network, &params, &observations, n);
            workspace.backward(&network, &params, (&d_logits, &d_values), &mut d_params, n);

            let mut loss = |params: &[f64]| {
                workspace.forward(&network, params, &observations, n);
                fd::functional(&d_logits, workspace.logits(&network, n))
                    + fd::functional(&d_values, workspace.values(&network, n))
            };
            for tensor in &network.layout.tensors {
                for _ in 0..sampled_len {
                    let index = tensor.offset + s.below(tensor.len() as u32) as usize;
                    let (left, right) = fd::slopes(&params, index, &mut loss);
                    if !fd::close(left, right) {
                        kinks += 1;
                        continue;
                    }
                    compared += 1;
                    let (analytic, numeric) = (d_params[index], 0.5 * (left + right));
                    assert!(
                        fd::close(analytic, numeric),
                        "{:?} {}[{index}]: {analytic:e} by hand, {numeric:e} by differences",
                        network.shape,
                        tensor.name
                    );
                }
            }
        }
        assert!(kinks * 10 < compared, "{kinks} kinks, {compared} compared");
    }

    #[test]
    fn gradients_of_the_small_network_are_the_differences() {
        gradients_are_the_differences(Kind::Small, 8);
    }

    #[test]
    fn gradients_of_the_impala_network_are_the_differences() {
        gradients_are_the_differences(Kind::Impala, 2);
    }

    #[test]
    fn a_sample_does_not_depend_on_its_block() {
        for (kind, shape) in [
            (Kind::Small, 1),
            (Kind::Small, 2),
            (Kind::Impala, 3),
            (Kind::Impala, 4),
        ] {
            let s = &mut fd::stream(shape);
            let network = random_network(kind, s, 19);
            let observations = random_bits(s, 19 * network.observation_len());
            let params: Vec<f32> = init::initialise(&network.layout, shape);
            let bits =
                |values: &[f32]| -> Vec<u32> { values.iter().map(|v| v.to_bits()).collect() };
            let outputs = |workspace: &mut Workspace<f32>, block_len: usize| {
                let (mut logits, mut values) = (Vec::new(), Vec::new());
                for block in observations.chunks(block_len * network.observation_len()) {
                    let n = block.len() / network.observation_len();
                    workspace.forward(&network, &params, block, n);
                    logits.extend(bits(workspace.logits(&network, n)));
                    values.extend(bits(workspace.values(&network, n)));
                }
                (logits, values)
            };
            let mut workspace = Workspace::new(&network);
            let together = outputs(&mut workspace, 19);
            for block_len in [1, 2, 7, 16] {
                assert_eq!(
                    outputs(&mut workspace, block_len),
                    together,
                    "{:?}",
                    network.shape
                );
            }
        }
    }
}
