//! The proposal: components of the training gradients, chosen by when they were active.
//!
//! `G = U S V^T` of one stream, parameters x time, its columns raw or scaled to length 1. The set is
//! chosen by the temporal index of `v_i` alone; score of parameter p: the sum over the set of
//! `sigma_i^2 u_ip^2`; subspace: the set's u.
//!
//! Cost: the decomposition, shared with the other locators that ask for it.

use super::decompositions::{Columns, Recorded};
use super::error::Error;
use super::locator::{Located, Locator, Supervision};
use super::run::Run;
use super::timing;

/// Components of a stream, by time.
#[derive(Clone, Copy, Debug)]
pub struct GradientSvd {
    stream: Recorded,
    columns: Columns,
    name: &'static str,
    meaning: &'static str,
}

impl GradientSvd {
    /// Of the total gradient as it is.
    pub const RAW: Self = Self {
        stream: Recorded::Total,
        columns: Columns::Raw,
        name: "gradient SVD, raw",
        meaning: "SVD of the total gradient: late components for A, early for B, by sum sigma^2 u^2",
    };
    /// Of the total gradient, every step of length 1.
    pub const UNIT_NORM: Self = Self {
        stream: Recorded::Total,
        columns: Columns::UnitNorm,
        name: "gradient SVD, unit-norm",
        meaning: "the same with every step's gradient scaled to length 1",
    };
    /// Of the policy loss's gradient.
    pub const POLICY: Self = Self {
        stream: Recorded::Policy,
        columns: Columns::UnitNorm,
        name: "policy-gradient SVD",
        meaning: "the same of the policy loss's gradient alone, unit-norm",
    };
    /// Of the value loss's gradient.
    pub const VALUE: Self = Self {
        stream: Recorded::Value,
        columns: Columns::UnitNorm,
        name: "value-gradient SVD",
        meaning: "the same of the value loss's gradient alone, unit-norm",
    };
    /// Of the entropy term's gradient.
    pub const ENTROPY: Self = Self {
        stream: Recorded::Entropy,
        columns: Columns::UnitNorm,
        name: "entropy-gradient SVD",
        meaning: "the same of the entropy term's gradient alone, unit-norm",
    };
}

impl Locator for GradientSvd {
    fn name(&self) -> &'static str {
        self.name
    }

    fn meaning(&self) -> &'static str {
        self.meaning
    }

    fn supervision(&self) -> Supervision {
        Supervision::Time
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let decomposed = run.decomposed(self.stream, self.columns)?;
        decomposed
            .map(|decomposed| timing::located(&decomposed, self.supervision()))
            .transpose()
    }
}
