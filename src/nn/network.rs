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

use serde::{Deserialize, Serialize};

use super::conv2d::Conv2d;
use super::dense::Dense;
use super::max_pool::MaxPool;
use super::{Error, Image, Layout};

/// Which network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A strided convolution and residual convolutions, tens of thousands of parameters.
    Small,
    /// The published IMPALA net.
    Impala,
}

/// What determines a network's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Which network.
    pub kind: Kind,
    /// Side of the observation, in cells.
    pub world: usize,
    /// Channels of `small`.
    pub channels: usize,
    /// Residual blocks of `small`.
    pub blocks: usize,
    /// Width of the dense layer of `small`.
    pub hidden: usize,
    /// Actions.
    pub action_len: usize,
}

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

/// One operation, from the buffers it reads to the one it writes.
#[derive(Clone, Debug)]
pub enum Op {
    /// 3x3 convolution.
    Conv {
        x: usize,
        y: usize,
        conv: Box<Conv2d>,
        parameters: Parameters,
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
    /// Residual sum.
    Add { a: usize, b: usize, y: usize },
    /// Drops the border of an image.
    Flatten { x: usize, y: usize, image: Image },
    /// Dense layer.
    Dense {
        x: usize,
        y: usize,
        dense: Dense,
        parameters: Parameters,
    },
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
    /// Values a sample takes in each buffer. Buffer 0 is the bordered observation.
    pub buffer_len: Vec<usize>,
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
        let hidden = builder.dense("dense", flat, image.interior_len(), hidden_len);
        let hidden = builder.relu(hidden);
        let logits = builder.dense("policy", hidden, hidden_len, shape.action_len);
        let value = builder.dense("value", hidden, hidden_len, 1);
        Ok(Self {
            shape,
            layout: Layout::new(builder.tensors),
            ops: builder.ops,
            buffer_len: builder.buffer_len,
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
}

impl Shape {
    fn check(&self) -> Result<(), Error> {
        let size = |name, found, range: Range<usize>, expected| {
            if range.contains(&found) {
                Ok(())
            } else {
                Err(Error::Size {
                    name,
                    found,
                    expected,
                })
            }
        };
        size("channels", self.channels, 1..513, "1 to 512")?;
        size("blocks", self.blocks, 0..33, "0 to 32")?;
        size("hidden", self.hidden, 1..4097, "1 to 4096")
    }
}

/// Grows the list of operations; every method returns the buffer it writes.
struct Builder {
    sample_len: usize,
    observation: Image,
    tensors: Vec<(String, Vec<usize>)>,
    param_len: usize,
    ops: Vec<Op>,
    buffer_len: Vec<usize>,
    argmax_len: Vec<usize>,
}

impl Builder {
    fn new(observation: Image, sample_len: usize) -> Self {
        Self {
            sample_len,
            observation,
            tensors: Vec::new(),
            param_len: 0,
            ops: Vec::new(),
            buffer_len: vec![observation.bordered_len()],
            argmax_len: Vec::new(),
        }
    }

    fn small_trunk(&mut self, shape: &Shape) -> (Image, usize) {
        let (image, x) = self.conv("conv0", self.observation, 0, shape.channels, 2);
        let mut x = self.relu(x);
        for block in 1..=shape.blocks {
            let (_, z) = self.conv(&format!("conv{block}"), image, x, shape.channels, 1);
            let z = self.relu(z);
            x = self.add(x, z);
        }
        (image, x)
    }

    fn impala_trunk(&mut self) -> (Image, usize) {
        let (mut image, mut x) = (self.observation, 0);
        for (block, channels) in [16, 32, 32].into_iter().enumerate() {
            let (full, z) = self.conv(&format!("block{block}.conv"), image, x, channels, 1);
            (image, x) = self.pool(full, z);
            for residual in 0..2 {
                let mut z = x;
                for half in 0..2 {
                    let name = format!("block{block}.res{residual}.conv{half}");
                    z = self.relu(z);
                    (_, z) = self.conv(&name, image, z, channels, 1);
                }
                x = self.add(x, z);
            }
        }
        (image, self.relu(x))
    }

    fn buffer(&mut self, len: usize) -> usize {
        self.buffer_len.push(len);
        self.buffer_len.len() - 1
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

    fn conv(
        &mut self,
        name: &str,
        image: Image,
        x: usize,
        out: usize,
        stride: usize,
    ) -> (Image, usize) {
        let conv = Conv2d::new(image, out, stride, self.sample_len);
        let parameters = self.parameters(name, vec![3, 3, image.channels, out], out);
        let image = conv.y();
        let y = self.buffer(image.bordered_len());
        self.ops.push(Op::Conv {
            x,
            y,
            conv: Box::new(conv),
            parameters,
        });
        (image, y)
    }

    fn pool(&mut self, image: Image, x: usize) -> (Image, usize) {
        let pool = MaxPool { x: image };
        let y = self.buffer(pool.y().bordered_len());
        self.argmax_len.push(pool.argmax_len());
        self.ops.push(Op::Pool {
            x,
            y,
            pool,
            argmax: self.argmax_len.len() - 1,
        });
        (pool.y(), y)
    }

    fn relu(&mut self, x: usize) -> usize {
        let y = self.buffer(self.buffer_len[x]);
        self.ops.push(Op::Relu { x, y });
        y
    }

    fn add(&mut self, a: usize, b: usize) -> usize {
        let y = self.buffer(self.buffer_len[a]);
        self.ops.push(Op::Add { a, b, y });
        y
    }

    fn flatten(&mut self, image: Image, x: usize) -> usize {
        let y = self.buffer(image.interior_len());
        self.ops.push(Op::Flatten { x, y, image });
        y
    }

    fn dense(&mut self, name: &str, x: usize, in_len: usize, out_len: usize) -> usize {
        let parameters = self.parameters(name, vec![in_len, out_len], out_len);
        let y = self.buffer(out_len);
        self.ops.push(Op::Dense {
            x,
            y,
            dense: Dense { in_len, out_len },
            parameters,
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

    #[test]
    fn a_size_out_of_range_names_the_setting() {
        let shape = Shape {
            kind: Kind::Small,
            world: 9,
            channels: 0,
            blocks: 3,
            hidden: 64,
            action_len: 4,
        };
        let message = Network::new(shape, 1).unwrap_err().to_string();
        assert_eq!(message, "net.channels = 0: expected 1 to 512");
    }
}
