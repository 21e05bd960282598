//! A network with one set of parameters: all that is needed to act.

use super::Network;

/// A network and its parameters, borrowed. In `f64` only where finite differences check a gradient.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a, T = f32> {
    /// The network.
    pub network: &'a Network,
    /// Its parameters, one after the other in the order of its layout.
    pub theta: &'a [T],
}

impl<'a, T> Policy<'a, T> {
    /// The policy of a network with these parameters.
    pub fn new(network: &'a Network, theta: &'a [T]) -> Self {
        Self { network, theta }
    }
}
