//! The policy: what it computes, as a list of operations on numbered buffers.
//!
//! - `small`: conv 3x3 stride 2, relu; then `blocks` times `x = x + relu(conv 3x3(x))`; dense, relu;
//!   two heads.
//! - `impala` (Espeholt et al. 2018, the net of the procgen papers): three blocks of 16, 32, 32
//!   channels, each conv 3x3, max-pool 3x3 stride 2, two times `x = x + conv(relu(conv(relu(x))))`;
//!   relu, dense 256, relu; two heads. It reads the symbolic observation in place of pixels.
//!
//! The heads are a dense layer to the logits of the actions and one to the value. Parameters lie in
//! one flat vector in the order of [`Layout`].

use std::ops::Range;

use crate::numeric::Real;

use super::conv2d::Conv2d;
use super::dense::Dense;
use super::max_pool::MaxPool;
use super::shape::{Kind, Shape};
use super::{Error, Image, Layout};

/// Channels of an observation: wall, mouse, cheese.
pub const OBSERVATION_CHANNELS: usize = 3;

/// Where a layer's parameters lie in the flat vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The weights.
    pub weight: Range<usize>,
    /// The biases.
    pub bias: Range<usize>,
}

/// What follows a convolution's sum, in the same pass over memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// `y = conv(x)`.
    Nothing,
    /// `y = relu(conv(x))`.
    Relu,
    /// `y = a + conv(x)`.
    Add { a: usize },
    /// `z = relu(conv(x))`, `y = x + z`.
    AddRelu { z: usize },
}

/// One operation, from the buffers it reads to the one it writes.
#[derive(Clone, Debug)]
pub enum Op {
    /// 3x3 convolution.
    Conv {
        x: usize,
        y: usize,
        conv: Box<Conv2d>,
        parameters: Parameters,
        after: After,
    },
    /// 3x3 max-pool, with the number of its table of maxima.
    Pool {
        x: usize,
        y: usize,
        pool: MaxPool,
        argmax: usize,
    },
    /// Rectifier.
    Relu { x: usize, y: usize },
    /// Drops the border of an image.
    Flatten { x: usize, y: usize, image: Image },
    /// Dense layer, rectified or not. Where a later operation reads `x` too, that one writes the
    /// gradient of `x` first, and this one adds to it.
    Dense {
        x: usize,
        y: usize,
        dense: Box<Dense>,
        parameters: Parameters,
        is_rectified: bool,
        shares_x: bool,
    },
}

/// Where a buffer of activations and its gradient lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Values of a sample.
    pub len: usize,
    /// The slot of its gradient. Buffers share one where the one's gradient is no longer needed when
    /// the other's is written, and where a residual sum passes it on as it is.
    pub gradient: usize,
}

/// A network's operations and sizes; it holds no parameters.
#[derive(Clone, Debug)]
pub struct Network {
    /// What it was built from.
    pub shape: Shape,
    /// Names, shapes and places of the parameters.
    pub layout: Layout,
    /// In order of execution.
    pub ops: Vec<Op>,
    /// Buffer 0 is the bordered observation, whose gradient has no room.
    pub buffers: Vec<Buffer>,
    /// Values a sample takes in each slot of gradients.
    pub gradient_len: Vec<usize>,
    /// Entries a sample takes in each table of maxima.
    pub argmax_len: Vec<usize>,
    /// The buffer of logits, `(samples, action_len)`.
    pub logits: usize,
    /// The buffer of values, `(samples, 1)`.
    pub value: usize,
    /// Samples of the largest block.
    pub sample_len: usize,
}

impl Network {
    /// Builds the network for blocks of up to `sample_len` samples.
    ///
    /// # Errors
    /// A size outside what is possible.
    pub fn new(shape: Shape, sample_len: usize) -> Result<Self, Error> {
        shape.check()?;
        let observation = Image {
            height: shape.world,
            width: shape.world,
            channels: OBSERVATION_CHANNELS,
        };
        let mut builder = Builder::new(observation, sample_len);
        let (image, x) = match shape.kind {
            Kind::Small => builder.small_trunk(&shape),
            Kind::Impala => builder.impala_trunk(),
        };
        let flat = builder.flatten(image, x);
        let hidden_len = if shape.kind == Kind::Small {
            shape.hidden
        } else {
            256
        };
        let hidden = builder.dense("dense", flat, hidden_len, true, false);
        let logits = builder.dense("policy", hidden, shape.action_len, false, true);
        let value = builder.dense("value", hidden, 1, false, false);
        Ok(Self {
            shape,
            layout: Layout::new(builder.tensors),
            ops: builder.ops,
            buffers: builder.buffers,
            gradient_len: builder.gradient_len,
            argmax_len: builder.argmax_len,
            logits,
            value,
            sample_len,
        })
    }

    /// Number of parameters.
    pub fn param_len(&self) -> usize {
        self.layout.len()
    }

    /// Bytes of one sample's observation, `(world, world, 3)`.
    pub fn observation_len(&self) -> usize {
        self.shape.world * self.shape.world * OBSERVATION_CHANNELS
    }

    /// Multiply-adds of one sample, forward and in an update: an update adds the gradient of every
    /// weight and of every layer's input but the observation, each as long as the forward pass.
    pub fn multiply_adds(&self) -> (usize, usize) {
        let (mut forward, mut update) = (0, 0);
        for op in &self.ops {
            let (x, len) = match op {
                Op::Conv { x, conv, .. } => (*x, conv.forward_len()),
                Op::Dense { x, dense, .. } => (*x, dense.forward_len()),
                _ => continue,
            };
            forward += len;
            update += if x == 0 { 2 * len } else { 3 * len };
        }
        (forward, update)
    }

    /// Writes the transposed weights that [`Workspace::backward`](super::Workspace::backward) reads,
    /// each in the place of the weights in `params`; the rest of `transposed` stays as it is.
    ///
    /// # Panics
    /// Either slice has not one value a parameter.
    pub fn transpose<T: Real>(&self, params: &[T], transposed: &mut [T]) {
        assert_eq!(params.len(), self.param_len(), "one value a parameter");
        assert_eq!(transposed.len(), params.len(), "one value a parameter");
        for op in &self.ops {
            match op {
                Op::Conv {
                    x,
                    conv,
                    parameters,
                    ..
                } if *x != 0 => {
                    let range = parameters.weight.clone();
                    conv.transpose(&params[range.clone()], &mut transposed[range]);
                }
                Op::Dense {
                    dense, parameters, ..
                } => {
                    let range = parameters.weight.clone();
                    dense.transpose(&params[range.clone()], &mut transposed[range]);
                }
                _ => {}
            }
        }
    }
}

/// Grows the list of operations; every method returns the buffer it writes.
struct Builder {
    sample_len: usize,
    observation: Image,
    tensors: Vec<(String, Vec<usize>)>,
    param_len: usize,
    ops: Vec<Op>,
    buffers: Vec<Buffer>,
    gradient_len: Vec<usize>,
    argmax_len: Vec<usize>,
}

impl Builder {
    fn new(observation: Image, sample_len: usize) -> Self {
        let mut builder = Self {
            sample_len,
            observation,
            tensors: Vec::new(),
            param_len: 0,
            ops: Vec::new(),
            buffers: Vec::new(),
            gradient_len: Vec::new(),
            argmax_len: Vec::new(),
        };
        let none = builder.slot(0);
        builder.buffer(observation.bordered_len(), none);
        builder
    }

    fn small_trunk(&mut self, shape: &Shape) -> (Image, usize) {
        let (image, conv) = self.conv2d(self.observation, shape.channels, 2);
        // The stream of residual sums has one gradient, each block's branch another for a while.
        let (stream, branch) = (
            self.slot(image.bordered_len()),
            self.slot(image.bordered_len()),
        );
        let mut x = self.conv("conv0", conv, 0, After::Relu, stream);
        for block in 1..=shape.blocks {
            let (_, conv) = self.conv2d(image, shape.channels, 1);
            let z = self.buffer(image.bordered_len(), branch);
            x = self.conv(
                &format!("conv{block}"),
                conv,
                x,
                After::AddRelu { z },
                stream,
            );
        }
        (image, x)
    }

    fn impala_trunk(&mut self) -> (Image, usize) {
        let (mut image, mut x) = (self.observation, 0);
        for (block, channels) in [16, 32, 32].into_iter().enumerate() {
            let (full, conv) = self.conv2d(image, channels, 1);
            let slot = self.slot(full.bordered_len());
            let z = self.conv(&format!("block{block}.conv"), conv, x, After::Nothing, slot);
            let pool = MaxPool { x: full };
            image = pool.y();
            let [stream, outer, inner] = [0; 3].map(|_| self.slot(image.bordered_len()));
            x = self.pool(pool, z, stream);
            for residual in 0..2 {
                let name = |half: usize| format!("block{block}.res{residual}.conv{half}");
                let rectified = self.relu(x, outer);
                let (_, conv) = self.conv2d(image, channels, 1);
                let z = self.conv(&name(0), conv, rectified, After::Relu, inner);
                let (_, conv) = self.conv2d(image, channels, 1);
                x = self.conv(&name(1), conv, z, After::Add { a: x }, stream);
            }
        }
        let stream = self.buffers[x].gradient;
        (image, self.relu(x, stream))
    }

    fn slot(&mut self, len: usize) -> usize {
        self.gradient_len.push(len);
        self.gradient_len.len() - 1
    }

    fn buffer(&mut self, len: usize, gradient: usize) -> usize {
        self.buffers.push(Buffer { len, gradient });
        self.buffers.len() - 1
    }

    fn parameters(&mut self, name: &str, weight: Vec<usize>, bias_len: usize) -> Parameters {
        let weight_len: usize = weight.iter().product();
        let start = self.param_len;
        self.param_len += weight_len + bias_len;
        self.tensors.push((format!("{name}.weight"), weight));
        self.tensors.push((format!("{name}.bias"), vec![bias_len]));
        Parameters {
            weight: start..start + weight_len,
            bias: start + weight_len..self.param_len,
        }
    }

    fn conv2d(&self, image: Image, out: usize, stride: usize) -> (Image, Box<Conv2d>) {
        let conv = Conv2d::new(image, out, stride, self.sample_len);
        (conv.y(), Box::new(conv))
    }

    fn conv(
        &mut self,
        name: &str,
        conv: Box<Conv2d>,
        x: usize,
        after: After,
        gradient: usize,
    ) -> usize {
        let (in_channels, out_channels) = (conv.x().channels, conv.y().channels);
        let weight = vec![3, 3, in_channels, out_channels];
        let parameters = self.parameters(name, weight, out_channels);
        let y = self.buffer(conv.y().bordered_len(), gradient);
        self.ops.push(Op::Conv {
            x,
            y,
            conv,
            parameters,
            after,
        });
        y
    }

    fn pool(&mut self, pool: MaxPool, x: usize, gradient: usize) -> usize {
        let y = self.buffer(pool.y().bordered_len(), gradient);
        self.argmax_len.push(pool.argmax_len());
        let argmax = self.argmax_len.len() - 1;
        self.ops.push(Op::Pool { x, y, pool, argmax });
        y
    }

    fn relu(&mut self, x: usize, gradient: usize) -> usize {
        let y = self.buffer(self.buffers[x].len, gradient);
        self.ops.push(Op::Relu { x, y });
        y
    }

    fn flatten(&mut self, image: Image, x: usize) -> usize {
        let slot = self.slot(image.interior_len());
        let y = self.buffer(image.interior_len(), slot);
        self.ops.push(Op::Flatten { x, y, image });
        y
    }

    fn dense(
        &mut self,
        name: &str,
        x: usize,
        out_len: usize,
        is_rectified: bool,
        shares_x: bool,
    ) -> usize {
        let in_len = self.buffers[x].len;
        let parameters = self.parameters(name, vec![in_len, out_len], out_len);
        let slot = self.slot(out_len);
        let y = self.buffer(out_len, slot);
        self.ops.push(Op::Dense {
            x,
            y,
            dense: Box::new(Dense::new(in_len, out_len, self.sample_len)),
            parameters,
            is_rectified,
            shares_x,
        });
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impala_has_the_published_size_on_its_own_input() {
        // 626,256 parameters on 64x64x3 with 15 actions: counted with a value head of 1.
        let shape = Shape {
            kind: Kind::Impala,
            world: 64,
            channels: 16,
            blocks: 3,
            hidden: 64,
            action_len: 15,
        };
        assert_eq!(Network::new(shape, 1).unwrap().param_len(), 626_256);
    }
}
