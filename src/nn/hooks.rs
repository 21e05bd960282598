//! Activations that can be read and replaced while the network runs.
//!
//! [`Workspace::patch`] puts other values into a part of a [`Site`], for every sample of a block, and
//! [`Workspace::forward_after`] runs what follows it; the plain forward pass knows nothing of either. Going through the
//! sites from the last to the first, one forward pass serves any number of patches: what comes before a site stays as
//! it was.
//!
//! Cost of a patch: copying the part, and the operations after the site.

use std::ops::Range;

use crate::numeric::Real;

use super::network::{After, Network, Op};
use super::policy::Policy;
use super::site::{Part, Site};
use super::workspace::Workspace;

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
    pub fn forward_after(&mut self, policy: Policy<'_, T>, site: &Site, sample_len: usize) {
        let after = site.op + 1..policy.network.ops.len();
        self.run(policy, after, sample_len);
    }

    /// Takes what the buffers hold past some operations, by number, as far as skips, pools and
    /// rectifiers do; what layers make of it stays as it was.
    pub fn carry(&mut self, policy: Policy<'_, T>, ops: Range<usize>, sample_len: usize) {
        let network = policy.network;
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
                | Op::Flatten { .. } => self.run(policy, number..number + 1, sample_len),
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

    /// Runs the operation alone that gives a site its values, on what its input holds now.
    pub fn forward_at(&mut self, policy: Policy<'_, T>, site: &Site, sample_len: usize) {
        self.run(policy, site.op..site.op + 1, sample_len);
    }
}
