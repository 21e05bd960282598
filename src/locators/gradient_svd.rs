//! The proposal: components of the training gradients, chosen by when they were active.
//!
//! `G = U S V^T` of one stream, parameters x time, its columns raw or scaled to length 1. The set is
//! chosen by the temporal index of `v_i` alone; score of parameter p: the sum over the set of
//! `sigma_i^2 u_ip^2`; subspace: the set's u.
//!
//! Cost: the decomposition, shared with the other locators that ask for it.

use super::decompositions::{Columns, Recorded};
use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::run::Run;
use super::timing;

/// Components of a stream, by time.
#[derive(Clone, Copy, Debug)]
pub struct GradientSvd {
    stream: Recorded,
    columns: Columns,
    method: Method,
}

impl GradientSvd {
    /// Of the total gradient as it is.
    pub const RAW: Self = Self {
        stream: Recorded::Total,
        columns: Columns::Raw,
        method: Method::GradientSvdRaw,
    };
    /// Of the total gradient, every step of length 1.
    pub const UNIT_NORM: Self = Self {
        stream: Recorded::Total,
        columns: Columns::UnitNorm,
        method: Method::GradientSvdUnitNorm,
    };
    /// Of the policy loss's gradient.
    pub const POLICY: Self = Self {
        stream: Recorded::Policy,
        columns: Columns::UnitNorm,
        method: Method::PolicyGradientSvd,
    };
    /// Of the value loss's gradient.
    pub const VALUE: Self = Self {
        stream: Recorded::Value,
        columns: Columns::UnitNorm,
        method: Method::ValueGradientSvd,
    };
    /// Of the entropy term's gradient.
    pub const ENTROPY: Self = Self {
        stream: Recorded::Entropy,
        columns: Columns::UnitNorm,
        method: Method::EntropyGradientSvd,
    };
}

impl Locator for GradientSvd {
    fn method(&self) -> Method {
        self.method
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let decomposed = run.decomposed(self.stream, self.columns)?;
        decomposed
            .map(|decomposed| timing::located(&decomposed, self.method().supervision()))
            .transpose()
    }
}
