//! The optimiser's state.

use crate::nn::adam::Adam;
use crate::nn::sgd::Sgd;

/// The optimiser's state.
#[derive(Clone, Debug, PartialEq)]
pub enum Optimizer {
    /// Adam.
    Adam(Adam<f32>),
    /// Gradient descent with momentum.
    Sgd(Sgd<f32>),
}

impl Optimizer {
    /// What it keeps, by name.
    pub(super) fn moments(&self) -> impl Iterator<Item = (&'static str, &[f32])> {
        let kept: [Option<(&str, &[f32])>; 2] = match self {
            Optimizer::Adam(adam) => [
                Some(("first moment of", &adam.first)),
                Some(("second moment of", &adam.second)),
            ],
            Optimizer::Sgd(sgd) => [Some(("velocity of", &sgd.velocity)), None],
        };
        kept.into_iter().flatten()
    }
}
