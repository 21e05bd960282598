//! Activation patching of single [channels](super::channels).
//!
//! ```text
//! E_X,c = mean over scenes of X, and facts, of |restored + corrupted| / 2 of channel c
//! ```
//!
//! X being what a claim takes away, or what it spares.
//!
//! Sizes and not signs: a channel by which the policy goes the other way tells where the cheese is as
//! well.

use super::channels::{Channels, contrasts, evidence};
use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::run::{Behaviour, Run};
use crate::circuits::patching;

/// Activation patching.
#[derive(Clone, Copy, Debug)]
pub struct ActivationPatching;

fn channels(behaviour: &Behaviour<'_>) -> Channels {
    Channels::new(behaviour.policy.network, |_, parts| {
        contrasts(&evidence(behaviour), parts.len(), |distinguished| {
            patching::patch(behaviour.policy, distinguished, parts)
                .iter()
                .map(|patched| 0.5 * (patched.restored.value + patched.corrupted.value))
                .collect()
        })
    })
}

impl Locator for ActivationPatching {
    fn method(&self) -> Method {
        Method::ActivationPatching
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(behaviour) = run.behaviour else {
            return Ok(None);
        };
        Ok(Some(
            channels(&behaviour).held(behaviour, self.method().supervision()),
        ))
    }
}
