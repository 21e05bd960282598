//! Activation patching of single [channels](super::channels).
//!
//! ```text
//! E_X,c = mean over facts of |restored + corrupted| / 2 of channel c     X: cheese or corner is sought
//! ```
//!
//! Sizes and not signs: a channel by which the policy goes the other way tells where the cheese is as
//! well.

use super::channels::{Channels, distinguished, mean};
use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::run::{Behaviour, Run};
use crate::circuits::{Distinguished, Sought, patching};

/// Activation patching.
#[derive(Clone, Copy, Debug)]
pub struct ActivationPatching;

fn channels(behaviour: &Behaviour<'_>) -> Channels {
    Channels::new(behaviour.policy.network, |_, parts| {
        Sought::ALL.map(|sought| {
            let distinguished = distinguished(behaviour, sought);
            let patch = |distinguished: &Distinguished| -> Vec<f64> {
                patching::patch(behaviour.policy, distinguished, parts)
                    .iter()
                    .map(|patched| 0.5 * (patched.restored.value + patched.corrupted.value))
                    .collect()
            };
            mean(
                &distinguished.iter().map(patch).collect::<Vec<_>>(),
                parts.len(),
            )
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
