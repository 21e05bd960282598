//! Something added to the values of a site in every forward pass.

use crate::numeric::Real;
use crate::numeric::random::Stream;
use crate::numeric::sum::norm;

use super::policy::Policy;
use super::site::Site;
use super::workspace::Workspace;

/// What is added to a site's values in every forward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Steering {
    /// Where.
    pub site: Site,
    /// What, `(cells, channels)`: one vector for every sample, or several, of which each has its own.
    pub vectors: Vec<Vec<f32>>,
}

impl Steering {
    /// This steering with its vectors times a dose.
    pub fn times(&self, dose: f64) -> Self {
        let scaled = |vector: &Vec<f32>| vector.iter().map(|x| dose as f32 * x).collect();
        Self {
            site: self.site.clone(),
            vectors: self.vectors.iter().map(scaled).collect(),
        }
    }

    /// As many normal vectors at the same site, each as long as the one in its place.
    pub fn random_like(&self, stream: &mut Stream) -> Self {
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

impl<T: Real> Workspace<T> {
    /// [`forward`](Self::forward) with something added to the values of a site on the way, where there
    /// is a steering; `which` says of a sample which of its vectors, if any.
    pub fn forward_steered(
        &mut self,
        policy: Policy<'_, T>,
        observations: &[u8],
        sample_len: usize,
        steering: Option<&Steering>,
        which: impl Fn(usize) -> Option<usize>,
    ) {
        // What follows the site is run twice: a forward pass that stops would be no plain one.
        self.forward(policy, observations, sample_len);
        if let Some(Steering { site, vectors }) = steering {
            self.patch(site, &site.whole(), sample_len, |sample, values| {
                let vector = which(sample).map_or(&[][..], |vector| &vectors[vector]);
                for (value, &more) in values.iter_mut().zip(vector) {
                    *value += T::from_f64(more.into());
                }
            });
            self.forward_after(policy, site, sample_len);
        }
    }
}
