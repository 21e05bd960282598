//! Policies that give no probabilities are refused, by the name of the tensor that is at fault.

use super::error::Error;
use crate::nn::{Policy, finite};

/// Refuses parameters that are not finite. A rectifier turns NaN to 0, so that the logits may not show one.
pub(super) fn check_params(policy: Policy<'_>) -> Result<(), Error> {
    match policy.network.layout.first_not_finite(policy.theta) {
        None => Ok(()),
        Some(_) => Err(not_finite(policy, &[])),
    }
}

/// The error of a policy that gives no probabilities somewhere in `observations`.
pub(super) fn not_finite(policy: Policy<'_>, observations: &[u8]) -> Error {
    let found = finite::culprit(policy.network, policy.theta, observations);
    let (what, found) = found.unwrap_or_else(|| ("a probability".into(), f32::NAN));
    Error::NotFinite { what, found }
}
