//! Policies that give no probabilities are refused, by the name of the tensor that is at fault.

use super::Error;
use crate::nn::{Network, finite};

/// A rectifier turns NaN to 0, so that the logits may not show it.
pub(super) fn check_params(network: &Network, params: &[f32]) -> Result<(), Error> {
    match network.layout.first_not_finite(params) {
        None => Ok(()),
        Some(_) => Err(not_finite((network, params), &[])),
    }
}

/// The error of a policy that gives no probabilities somewhere in `observations`.
pub(super) fn not_finite((network, params): (&Network, &[f32]), observations: &[u8]) -> Error {
    let found = finite::culprit(network, params, observations);
    let (what, found) = found.unwrap_or_else(|| ("a probability".into(), f32::NAN));
    Error::NotFinite { what, found }
}
