//! Activations that can be read and replaced while the network runs.
//!
//! A [`Site`] is a place in the forward pass with its own values: the output of a convolution, the
//! residual stream after a block, the hidden layer. [`Workspace::patch`] puts other values into a
//! part of one, for every sample of a block, and [`Workspace::forward_after`] runs what follows it; the
//! plain forward pass knows nothing of either. Going through the sites from the last to the first, one
//! forward pass serves any number of patches: what comes before a site stays as it was.
//!
//! Cost of a patch: copying the part, and the operations after the site.

use std::ops::Range;

use crate::numeric::Real;
use crate::numeric::random::{Purpose, Stream};
use crate::numeric::sum::norm;

use super::network::{After, Network, Op, Parameters};
use super::{Derivatives, Image, Target, Workspace};

/// A place in the forward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// "conv3" for what the convolution of that name gives, "stream3" for the sum after it.
    pub name: String,
    /// The shape of its values; of a layer without cells, one cell.
    pub image: Image,
    /// The number of the operation that gives its values.
    pub op: usize,
    /// Where the weights and biases lie that give its values, if they are one layer's alone.
    pub parameters: Option<Parameters>,
    /// The buffer that holds its values.
    buffer: usize,
    /// Where `stream = x + branch`, the buffers of x and of the stream, and this is the branch.
    residual: Option<(usize, usize)>,
    has_border: bool,
}

/// A part of a site: channels, in one cell or in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which channels.
    pub channels: Range<usize>,
    /// Row and column; all cells where there is none.
    pub cell: Option<(usize, usize)>,
}

impl Part {
    /// One channel, everywhere.
    pub fn channel(channel: usize) -> Self {
        Self {
            channels: channel..channel + 1,
            cell: None,
        }
    }
}

impl Site {
    /// All of it.
    pub fn whole(&self) -> Part {
        Part {
            channels: 0..self.image.channels,
            cell: None,
        }
    }

    /// The weights and the bias, by index in theta, that give a channel; none where no layer's own do.
    pub fn gives(&self, channel: usize) -> Option<(Vec<usize>, usize)> {
        let parameters = self.parameters.as_ref()?;
        let weights = parameters.weight.clone().skip(channel);
        Some((
            weights.step_by(self.image.channels).collect(),
            parameters.bias.start + channel,
        ))
    }

    /// The places in its buffer of the part's channels, cell by cell, of one sample.
    fn places(&self, part: &Part, sample: usize) -> impl Iterator<Item = Range<usize>> {
        let (rows, columns) = match part.cell {
            Some((row, column)) => (row..row + 1, column..column + 1),
            None => (0..self.image.height, 0..self.image.width),
        };
        let (image, has_border, channels) = (self.image, self.has_border, part.channels.clone());
        rows.flat_map(move |row| columns.clone().map(move |column| (row, column)))
            .map(move |(row, column)| {
                let start = match has_border {
                    true => image.offset(sample, row + 1, column + 1),
                    false => {
                        ((sample * image.height + row) * image.width + column) * image.channels
                    }
                };
                start + channels.start..start + channels.end
            })
    }
}

/// What is added to a site's values in every forward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Steering {
    /// Where.
    pub site: Site,
    /// What, `(cells, channels)`: one vector for every sample, or several, of which each has its own.
    pub vectors: Vec<Vec<f32>>,
}

impl Steering {
    /// The same, times a dose.
    pub fn times(&self, dose: f64) -> Self {
        let scaled = |vector: &Vec<f32>| vector.iter().map(|x| dose as f32 * x).collect();
        Self {
            site: self.site.clone(),
            vectors: self.vectors.iter().map(scaled).collect(),
        }
    }

    /// As many normal vectors at the same site, each as long as the one in its place.
    pub fn random_like(&self, seed: u64, index: u64) -> Self {
        let mut stream = Stream::new(seed, Purpose::Controls, index);
        let like = |vector: &Vec<f32>| -> Vec<f32> {
            let mut drawn: Vec<f32> = vector.iter().map(|_| stream.normal() as f32).collect();
            let scale = (norm(vector) / norm(&drawn).max(f64::MIN_POSITIVE)) as f32;
            drawn.iter_mut().for_each(|x| *x *= scale);
            drawn
        };
        Self {
            site: self.site.clone(),
            vectors: self.vectors.iter().map(like).collect(),
        }
    }
}

impl Network {
    /// Every site, in the order in which a forward pass comes to them: of each convolution its output
    /// (rectified where it is), of a residual block the stream after it too; the pools and rectifiers
    /// of `impala`; the hidden layer. Not the logits.
    pub fn sites(&self) -> Vec<Site> {
        let mut sites = Vec::new();
        for (number, op) in self.ops.iter().enumerate() {
            match op {
                Op::Conv {
                    x,
                    y,
                    conv,
                    parameters,
                    after,
                } => {
                    let name = self.layer(parameters);
                    let site = |name: String, buffer, parameters, residual| Site {
                        name,
                        image: conv.y(),
                        op: number,
                        parameters,
                        buffer,
                        residual,
                        has_border: true,
                    };
                    let own = Some(parameters.clone());
                    let stream = || format!("stream after {name}");
                    match after {
                        After::AddRelu { z } => {
                            sites.push(site(name.clone(), *z, own, Some((*x, *y))));
                            sites.push(site(stream(), *y, None, None));
                        }
                        // The branch alone is nowhere kept.
                        After::Add { .. } => sites.push(site(stream(), *y, None, None)),
                        After::Relu | After::Nothing => sites.push(site(name, *y, own, None)),
                    }
                }
                Op::Pool { y, pool, .. } => {
                    let before = sites.last().map_or("", |site: &Site| &site.name);
                    sites.push(Site {
                        name: format!("pool of {before}"),
                        image: pool.y(),
                        op: number,
                        parameters: None,
                        buffer: *y,
                        residual: None,
                        has_border: true,
                    });
                }
                Op::Dense {
                    y,
                    parameters,
                    is_rectified: true,
                    ..
                } => sites.push(Site {
                    name: self.layer(parameters),
                    image: Image {
                        height: 1,
                        width: 1,
                        channels: self.buffers[*y].len,
                    },
                    op: number,
                    parameters: Some(parameters.clone()),
                    buffer: *y,
                    residual: None,
                    has_border: false,
                }),
                Op::Relu { .. } | Op::Flatten { .. } | Op::Dense { .. } => {}
            }
        }
        sites
    }

    /// What the layer reads that gives a site its values, under the site's name: the observation, the
    /// stream, the cells that the hidden layer sees. Not for pools.
    pub fn input(&self, site: &Site) -> Option<Site> {
        let (buffer, image, has_border) = match &self.ops[site.op] {
            Op::Conv { x, conv, .. } => (*x, conv.x(), true),
            Op::Dense { x, .. } => {
                let flat = self.ops.iter().find_map(|op| match op {
                    Op::Flatten { y, image, .. } if y == x => Some(*image),
                    _ => None,
                })?;
                (*x, flat, false)
            }
            _ => return None,
        };
        Some(Site {
            name: site.name.clone(),
            image,
            op: site.op,
            parameters: None,
            buffer,
            residual: None,
            has_border,
        })
    }

    /// Whether what a channel of `source` holds comes to a layer, as the same channel of what it
    /// [reads](Self::input), by skips, pools and rectifiers alone.
    pub fn reads(&self, layer: &Site, source: &Site) -> bool {
        let Some(input) = self.input(layer) else {
            return false;
        };
        let mut reached = vec![source.buffer];
        reached.extend(source.residual.map(|(_, stream)| stream));
        for op in &self.ops[..layer.op] {
            let (from, to) = match op {
                Op::Conv { x, y, after, .. } => match after {
                    After::AddRelu { .. } => (x, y),
                    After::Add { a } => (a, y),
                    After::Relu | After::Nothing => continue,
                },
                Op::Pool { x, y, .. } | Op::Relu { x, y } | Op::Flatten { x, y, .. } => (x, y),
                Op::Dense { .. } => continue,
            };
            if reached.contains(from) {
                reached.push(*to);
            }
        }
        reached.contains(&input.buffer)
    }

    /// The weights, by index in theta, through which one channel of a site's [`input`](Self::input)
    /// reaches one channel of the site: the nine of a convolution's kernel slice, one a cell of the
    /// hidden layer's input.
    pub fn slice(&self, site: &Site, from: usize, to: usize) -> Vec<usize> {
        let (Some(parameters), Some(input)) = (&site.parameters, self.input(site)) else {
            return Vec::new();
        };
        let rows = parameters.weight.len() / site.image.channels;
        (from..rows)
            .step_by(input.image.channels)
            .map(|row| parameters.weight.start + row * site.image.channels + to)
            .collect()
    }

    /// The name of the layer whose weights these are, "conv3".
    fn layer(&self, parameters: &Parameters) -> String {
        let mut tensors = self.layout.tensors.iter();
        let weight = tensors.find(|tensor| tensor.offset == parameters.weight.start);
        let name = weight.map_or("", |tensor| &tensor.name);
        name.strip_suffix(".weight").unwrap_or(name).to_owned()
    }
}

impl<T: Real> Workspace<T> {
    /// The values of a part of a site, `(cells, channels)`, of one sample.
    pub fn read(&self, site: &Site, part: &Part, sample: usize) -> Vec<T> {
        let values = &self.buffers[site.buffer];
        let places = site.places(part, sample);
        places
            .flat_map(|place| values[place].iter().copied())
            .collect()
    }

    /// Puts into a part of a site, for every sample, what `values` says: it is given the sample, what
    /// the part holds, `(cells, channels)`, and changes it.
    pub fn patch(
        &mut self,
        site: &Site,
        part: &Part,
        sample_len: usize,
        mut values: impl FnMut(usize, &mut [T]),
    ) {
        let mut held = Vec::new();
        for sample in 0..sample_len {
            held.clear();
            held.extend(self.read(site, part, sample));
            values(sample, &mut held);
            let mut left = held.as_slice();
            for place in site.places(part, sample) {
                let (now, later) = left.split_at(place.len());
                self.buffers[site.buffer][place.clone()].copy_from_slice(now);
                left = later;
                if let Some((x, stream)) = site.residual {
                    for at in place {
                        let sum = self.buffers[x][at] + self.buffers[site.buffer][at];
                        self.buffers[stream][at] = sum;
                    }
                }
            }
        }
    }

    /// Puts what `other`, which has run on the same number of samples, holds in a part of a site.
    pub fn patch_from(&mut self, site: &Site, part: &Part, sample_len: usize, other: &Self) {
        let from = &other.buffers[site.buffer];
        for sample in 0..sample_len {
            for place in site.places(part, sample) {
                self.buffers[site.buffer][place.clone()].copy_from_slice(&from[place.clone()]);
                if let Some((x, stream)) = site.residual {
                    for at in place {
                        self.buffers[stream][at] = self.buffers[x][at] + from[at];
                    }
                }
            }
        }
    }

    /// Runs what comes after a site, on what it holds now.
    pub fn forward_after(
        &mut self,
        network: &Network,
        params: &[T],
        site: &Site,
        sample_len: usize,
    ) {
        self.run(network, params, site.op + 1..network.ops.len(), sample_len);
    }

    /// Takes what the buffers hold past some operations, by number, as far as skips, pools and
    /// rectifiers do; what layers make of it stays as it was.
    pub fn carry(&mut self, network: &Network, params: &[T], ops: Range<usize>, sample_len: usize) {
        for number in ops {
            match &network.ops[number] {
                Op::Conv {
                    x,
                    y,
                    after: After::AddRelu { z },
                    ..
                } => {
                    let mut sum = std::mem::take(&mut self.buffers[*y]);
                    let parts = self.buffers[*x].iter().zip(&self.buffers[*z]);
                    let len = sample_len * network.buffers[*y].len;
                    for (sum, (&x, &z)) in sum[..len].iter_mut().zip(parts) {
                        *sum = x + z;
                    }
                    self.buffers[*y] = sum;
                }
                // What such a layer reads is another layer's, and so as it was.
                Op::Conv {
                    after: After::Add { .. },
                    ..
                }
                | Op::Pool { .. }
                | Op::Relu { .. }
                | Op::Flatten { .. } => self.run(network, params, number..number + 1, sample_len),
                Op::Conv { .. } | Op::Dense { .. } => {}
            }
        }
    }

    /// Puts what `other` holds wherever some operations, by number, write.
    pub fn copy_from(
        &mut self,
        network: &Network,
        ops: Range<usize>,
        sample_len: usize,
        other: &Self,
    ) {
        for op in &network.ops[ops] {
            let (y, z) = match op {
                Op::Conv { y, after, .. } => match after {
                    After::AddRelu { z } => (*y, Some(*z)),
                    _ => (*y, None),
                },
                Op::Pool { y, .. }
                | Op::Relu { y, .. }
                | Op::Flatten { y, .. }
                | Op::Dense { y, .. } => (*y, None),
            };
            for buffer in [Some(y), z].into_iter().flatten() {
                let len = sample_len * network.buffers[buffer].len;
                self.buffers[buffer][..len].copy_from_slice(&other.buffers[buffer][..len]);
            }
        }
    }

    /// [`forward`](Self::forward) with something added to the values of a site on the way, where there
    /// is a steering; `which` says of a sample which of its vectors.
    pub fn forward_steered(
        &mut self,
        (network, params): (&Network, &[T]),
        observations: &[u8],
        sample_len: usize,
        (steering, which): (Option<&Steering>, impl Fn(usize) -> usize),
    ) {
        // What follows the site is run twice: a forward pass that stops would be no plain one.
        self.forward(network, params, observations, sample_len);
        if let Some(Steering { site, vectors }) = steering {
            self.patch(site, &site.whole(), sample_len, |sample, values| {
                for (value, &more) in values.iter_mut().zip(&vectors[which(sample)]) {
                    *value += T::from_f64(more.into());
                }
            });
            self.forward_after(network, params, site, sample_len);
        }
    }

    /// Runs the operation alone that gives a site its values, on what its input holds now.
    pub fn forward_at(&mut self, network: &Network, params: &[T], site: &Site, sample_len: usize) {
        self.run(network, params, site.op..site.op + 1, sample_len);
    }

    /// First-order effects of putting another input's activations into the input of every weight
    /// alone: to `effects`, of every weight, `w (a' - a) . d m / d z` is added, summed over cells and
    /// samples, with `a` this workspace's activations, `a'` those of `other`, `z` the layer's sum and
    /// `d_logits` the derivative of `m` by the logits (edge attribution patching, Syed et al.,
    /// 2310.10348). Biases get nothing. Overwrites the activations of `other` with the differences.
    ///
    /// `transposed` is what [`Network::transpose`] gives.
    pub fn attribute(
        &mut self,
        network: &Network,
        (params, transposed): (&[T], &[T]),
        d_logits: &[T],
        other: &mut Self,
        effects: &mut [f64],
        sample_len: usize,
    ) {
        for (theirs, ours) in other.buffers.iter_mut().zip(&self.buffers) {
            for (theirs, &ours) in theirs.iter_mut().zip(ours) {
                *theirs = *theirs - ours;
            }
        }
        let mut d_params = vec![T::ZERO; params.len()];
        let d_values = vec![T::ZERO; sample_len];
        self.backward_against(
            network,
            transposed,
            Derivatives {
                logits: d_logits,
                values: &d_values,
            },
            Target {
                d_params: &mut d_params,
                adds: false,
            },
            sample_len,
            Some(other),
        );
        for op in &network.ops {
            if let Op::Conv { parameters, .. } | Op::Dense { parameters, .. } = op {
                for index in parameters.weight.clone() {
                    effects[index] += (params[index] * d_params[index]).to_f64();
                }
            }
        }
    }
}
