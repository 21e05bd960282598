//! Running a network on a block of samples: the activations, their gradients, forward, backward.
//!
//! A workspace is allocated once and reused; it serves one thread. A sample's outputs do not depend
//! on which other samples share its block, to the bit.
//!
//! No gradient is zeroed before it is computed, but for that of a max-pool's input: whoever is the
//! first to contribute to a gradient writes it, whoever follows adds. The borders of images are
//! zeros from the start and stay so.

use std::mem::take;
use std::ops::Range;

use crate::numeric::Real;
use crate::numeric::gather_gemm::End;
use crate::numeric::simd::vectorised;

use super::network::{After, Network, OBSERVATION_CHANNELS, Op, Parameters};
use super::{Policy, relu};

/// The derivatives of a loss by what the network gives for a block of samples.
#[derive(Clone, Copy, Debug)]
pub struct Derivatives<'a, T> {
    /// By the logits, `(samples, actions)`.
    pub logits: &'a [T],
    /// By the values.
    pub values: &'a [T],
}

/// Where the gradient of a loss goes.
#[derive(Debug)]
pub struct Target<'a, T> {
    /// One number a parameter.
    pub d_params: &'a mut [T],
    /// Whether the gradient is added to what is there, and does not take its place.
    pub adds: bool,
}

/// Activations and gradients of one block.
#[derive(Clone, Debug)]
pub struct Workspace<T> {
    pub(super) buffers: Vec<Vec<T>>,
    gradients: Vec<Vec<T>>,
    argmax: Vec<Vec<u32>>,
}

impl<T: Real> Workspace<T> {
    /// Room for `network`'s largest block.
    pub fn new(network: &Network) -> Self {
        let zeros = |len: usize| vec![T::ZERO; len * network.sample_len];
        let tables = network.argmax_len.iter();
        Self {
            buffers: network.buffers.iter().map(|b| zeros(b.len)).collect(),
            gradients: network.gradient_len.iter().map(|&l| zeros(l)).collect(),
            argmax: tables
                .map(|&len| vec![0; len * network.sample_len])
                .collect(),
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
    pub fn forward(&mut self, policy: Policy<'_, T>, observations: &[u8], sample_len: usize) {
        let Policy { network, theta } = policy;
        assert!(
            sample_len <= network.sample_len,
            "a block of at most {} samples",
            network.sample_len
        );
        assert_eq!(theta.len(), network.param_len(), "one value a parameter");
        assert_eq!(
            observations.len(),
            sample_len * network.observation_len(),
            "whole observations"
        );
        self.load(network, observations, sample_len);
        self.run(policy, 0..network.ops.len(), sample_len);
    }

    /// Runs some of the operations, by number, on what the buffers hold.
    pub(super) fn run(&mut self, policy: Policy<'_, T>, ops: Range<usize>, sample_len: usize) {
        let Policy { network, theta } = policy;
        for op in &network.ops[ops] {
            match op {
                Op::Conv {
                    x,
                    y,
                    conv,
                    parameters,
                    after,
                } => {
                    let mut output = take(&mut self.buffers[*y]);
                    let mut kept = match after {
                        After::AddRelu { z } => take(&mut self.buffers[*z]),
                        _ => Vec::new(),
                    };
                    let input = &self.buffers[*x];
                    let end = match after {
                        After::Nothing => End::Store,
                        After::Relu => End::Rectify,
                        After::Add { a } => End::Add(&self.buffers[*a]),
                        After::AddRelu { .. } => End::AddRectified {
                            x: input,
                            z: &mut kept,
                        },
                    };
                    let (weight, bias) = of(theta, parameters);
                    conv.forward(sample_len, input, weight, bias, &mut output, end);
                    if let After::AddRelu { z } = after {
                        self.buffers[*z] = kept;
                    }
                    self.buffers[*y] = output;
                }
                Op::Pool { x, y, pool, argmax } => {
                    let (x, y) = pair(&mut self.buffers, *x, *y);
                    pool.forward(sample_len, x, y, &mut self.argmax[*argmax]);
                }
                Op::Relu { x, y } => {
                    let len = sample_len * network.buffers[*y].len;
                    let (x, y) = pair(&mut self.buffers, *x, *y);
                    relu::forward(&x[..len], &mut y[..len]);
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
                    is_rectified,
                    ..
                } => {
                    let (x, y) = pair(&mut self.buffers, *x, *y);
                    let end = if *is_rectified {
                        End::Rectify
                    } else {
                        End::Store
                    };
                    let (weight, bias) = of(theta, parameters);
                    dense.forward(sample_len, x, weight, bias, y, end);
                }
            }
        }
    }

    /// The gradient, summed over the block last run forward, of a loss whose derivatives by the
    /// logits and by the values are given: written into `d_params`, or added to it where `adds`.
    /// The observation gets no gradient. `transposed` is what [`Network::transpose`] makes of the
    /// parameters of the forward pass.
    pub fn backward(
        &mut self,
        network: &Network,
        transposed: &[T],
        derivatives: Derivatives<'_, T>,
        target: Target<'_, T>,
        sample_len: usize,
    ) {
        self.backward_against(network, transposed, derivatives, target, sample_len, None);
    }

    /// As [`backward`](Self::backward), but the gradients of the weights are sums over the
    /// activations of `inputs` in place of those of this workspace, where there are some.
    pub(super) fn backward_against(
        &mut self,
        network: &Network,
        transposed: &[T],
        derivatives: Derivatives<'_, T>,
        target: Target<'_, T>,
        sample_len: usize,
        inputs: Option<&Self>,
    ) {
        let inputs = inputs.map_or(self.buffers.as_slice(), |other| &other.buffers);
        let slot = |buffer: usize| network.buffers[buffer].gradient;
        for (buffer, given) in [
            (network.logits, derivatives.logits),
            (network.value, derivatives.values),
        ] {
            self.gradients[slot(buffer)][..given.len()].copy_from_slice(given);
        }
        let Target { d_params, adds } = target;
        for op in network.ops.iter().rev() {
            match op {
                Op::Conv {
                    x,
                    y,
                    conv,
                    parameters,
                    after,
                } => {
                    let len = sample_len * network.buffers[*y].len;
                    let mut d_y = take(&mut self.gradients[slot(*y)]);
                    let (d_weight, d_bias) = split(d_params, parameters);
                    let transposed = &transposed[parameters.weight.clone()];
                    let input = &inputs[*x];
                    if let After::AddRelu { z } = after {
                        let mut d_z = take(&mut self.gradients[slot(*z)]);
                        relu::backward(&self.buffers[*z][..len], &d_y[..len], &mut d_z[..len]);
                        conv.backward_weight(sample_len, input, &d_z, d_weight, d_bias, adds);
                        // The sum passes its gradient on to x as it is.
                        conv.backward_input(sample_len, &d_z, transposed, &mut d_y, true);
                        self.gradients[slot(*z)] = d_z;
                    } else {
                        if *after == After::Relu {
                            relu::backward_in_place(&self.buffers[*y][..len], &mut d_y[..len]);
                        }
                        conv.backward_weight(sample_len, input, &d_y, d_weight, d_bias, adds);
                        if *x != 0 {
                            let d_x = &mut self.gradients[slot(*x)];
                            conv.backward_input(sample_len, &d_y, transposed, d_x, false);
                        }
                    }
                    self.gradients[slot(*y)] = d_y;
                }
                Op::Pool { x, y, pool, argmax } => {
                    let len = sample_len * network.buffers[*x].len;
                    let (d_x, d_y) = pair(&mut self.gradients, slot(*x), slot(*y));
                    d_x[..len].fill(T::ZERO);
                    pool.backward(sample_len, d_y, &self.argmax[*argmax], d_x);
                }
                Op::Relu { x, y } => {
                    let len = sample_len * network.buffers[*y].len;
                    let values = &self.buffers[*y][..len];
                    if slot(*x) == slot(*y) {
                        relu::backward_in_place(values, &mut self.gradients[slot(*y)][..len]);
                    } else {
                        // The residual sum has written d_x before.
                        let (d_x, d_y) = pair(&mut self.gradients, slot(*x), slot(*y));
                        relu::backward_add(values, &d_y[..len], &mut d_x[..len]);
                    }
                }
                Op::Flatten { x, y, image } => {
                    let (d_x, d_y) = pair(&mut self.gradients, slot(*x), slot(*y));
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
                    is_rectified,
                    shares_x,
                } => {
                    let len = sample_len * network.buffers[*y].len;
                    let (d_x, d_y) = pair(&mut self.gradients, slot(*x), slot(*y));
                    if *is_rectified {
                        relu::backward_in_place(&self.buffers[*y][..len], &mut d_y[..len]);
                    }
                    let (d_weight, d_bias) = split(d_params, parameters);
                    dense.backward_weight(sample_len, &inputs[*x], d_y, d_weight, d_bias, adds);
                    let transposed = &transposed[parameters.weight.clone()];
                    dense.backward_input(sample_len, d_y, transposed, d_x, *shares_x);
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
        let rows = image.rows(sample_len);
        vectorised(|| {
            for (row, bits) in rows.zip(observations.chunks_exact(row_len)) {
                for (x, &bit) in buffer[row].iter_mut().zip(bits) {
                    *x = if bit == 0 { T::ZERO } else { T::ONE };
                }
            }
        });
    }
}

/// The buffers `from` and `to`, of which the later is written forward and the earlier backward.
fn pair<T>(buffers: &mut [Vec<T>], from: usize, to: usize) -> (&mut [T], &mut [T]) {
    let (before, after) = buffers.split_at_mut(to);
    (&mut before[from], &mut after[0])
}

fn of<'a, T>(theta: &'a [T], parameters: &Parameters) -> (&'a [T], &'a [T]) {
    (
        &theta[parameters.weight.clone()],
        &theta[parameters.bias.clone()],
    )
}

fn split<'a, T>(d_params: &'a mut [T], parameters: &Parameters) -> (&'a mut [T], &'a mut [T]) {
    d_params[parameters.weight.start..parameters.bias.end].split_at_mut(parameters.weight.len())
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
            workspace.forward(Policy::new(&network, &params), &other, n + 1);
            let ones = vec![1.0; (n + 1) * network.shape.action_len];
            let mut transposed = vec![9.0; params.len()];
            network.transpose(&params, &mut transposed);
            let derivatives = Derivatives {
                logits: ones.as_slice(),
                values: &ones[..n + 1],
            };
            workspace.backward(
                &network,
                &transposed,
                derivatives,
                Target {
                    d_params: &mut d_params,
                    adds: false,
                },
                n + 1,
            );
            workspace.forward(Policy::new(&network, &params), &observations, n);
            let derivatives = Derivatives {
                logits: &d_logits,
                values: &d_values,
            };
            workspace.backward(
                &network,
                &transposed,
                derivatives,
                Target {
                    d_params: &mut d_params,
                    adds: false,
                },
                n,
            );
            let mut twice = d_params.clone();
            workspace.backward(
                &network,
                &transposed,
                derivatives,
                Target {
                    d_params: &mut twice,
                    adds: true,
                },
                n,
            );
            for (&twice, &once) in twice.iter().zip(&d_params) {
                assert!(fd::close(twice, 2.0 * once), "{twice:e} {once:e}");
            }

            let mut loss = |params: &[f64]| {
                workspace.forward(Policy::new(&network, params), &observations, n);
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
                    workspace.forward(Policy::new(&network, &params), block, n);
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
