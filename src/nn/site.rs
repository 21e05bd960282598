//! Places in the forward pass with values of their own, and what reads them.
//!
//! A [`Site`] is the output of a convolution, the residual stream after a block, the hidden layer. A [`Part`] of it is
//! a run of channels, in one cell or in all.

use std::ops::Range;

use super::Image;
use super::network::{After, Network, Op, Parameters};

/// A place in the forward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// "conv3" for what the convolution of that name gives, "stream after conv3" for the sum after it.
    pub name: String,
    /// The shape of its values; of a layer without cells, one cell.
    pub image: Image,
    /// The number of the operation that gives its values.
    pub op: usize,
    /// Where the weights and biases lie that give its values, if they are one layer's alone.
    pub parameters: Option<Parameters>,
    /// The buffer that holds its values.
    pub(super) buffer: usize,
    /// Where `stream = x + branch`, the buffers of x and of the stream, and this is the branch.
    pub(super) residual: Option<(usize, usize)>,
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
    /// All channels in all cells.
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
    pub(super) fn places(&self, part: &Part, sample: usize) -> impl Iterator<Item = Range<usize>> {
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
