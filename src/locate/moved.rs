//! How far the parameters moved along components, checkpoint by checkpoint.

use super::Error;
use super::component::Projections;
use crate::numeric::sum;
use crate::svd::Decomposition;

/// Displacements at checkpoints.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    tau: Vec<f64>,
    along: Vec<Vec<f64>>,
    whole: Vec<f64>,
}

impl Moved {
    /// Of the components of `d`, at no checkpoint yet.
    pub fn along(d: &Decomposition) -> Self {
        Self {
            along: vec![Vec::new(); d.rank],
            ..Self::default()
        }
    }

    /// Adds the checkpoint `params` at the time `tau`, from 0 to 1, the displacement taken from `theta_0`.
    ///
    /// # Errors
    /// They have other numbers of parameters than `d`, that of [`along`](Self::along).
    pub fn add(
        &mut self,
        d: &Decomposition,
        tau: f64,
        params: &[f32],
        theta_0: &[f32],
    ) -> Result<(), Error> {
        let moved: Vec<f32> = params.iter().zip(theta_0).map(|(&p, &o)| p - o).collect();
        self.tau.push(tau);
        self.whole.push(sum::norm(&moved));
        for (along, value) in self.along.iter_mut().zip(d.project(&moved)?) {
            along.push(value);
        }
        Ok(())
    }
}

impl<'a> From<&'a Moved> for Projections<'a> {
    fn from(moved: &'a Moved) -> Self {
        Self {
            tau: &moved.tau,
            along: &moved.along,
            whole: &moved.whole,
        }
    }
}
