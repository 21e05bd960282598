//! Causal scrubbing of single [channels](super::channels).
//!
//! ```text
//! E_cheese,c = KL lost in the region when channel c is given a state of the same walls and mouse and
//!              another cheese
//! E_corner,c = KL lost outside of it when channel c is given another maze and mouse with the cheese
//!              where it is from the mouse
//! ```
//!
//! either as a share of what a random state loses there
//! ([`circuits::resampling`](crate::circuits::resampling)). The first is what the hypothesis "this channel
//! does not carry the cheese" costs, the second what "it carries the cheese alone" does.

use super::channels::{Channels, PAIRS};
use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::run::{Behaviour, Run};
use crate::ablate::{Rate, Split};
use crate::circuits::hypothesis::{Feature, Place};
use crate::circuits::{Sought, States, resampling};

/// Causal scrubbing, channel by channel.
#[derive(Clone, Copy, Debug)]
pub struct ChannelScrubbing;

/// Mazes of the states.
const MAZES: usize = PAIRS / 4;

fn channels(behaviour: &Behaviour<'_>, seed: u64) -> Result<Channels, Error> {
    let levels = behaviour.tasks.levels(Rate::S5);
    let place = levels.first().map(|task| (task.level.world, task.region));
    let ((world, region), mazes) = place.map_or(((5, 3), 0), |place| (place, MAZES));
    let states = States::new(Split::Discovery, world, region, mazes, &[])?;
    Ok(Channels::new(behaviour.policy.network, |_, parts| {
        Sought::ALL.map(|sought| {
            let (feature, place) = match sought {
                Sought::Cheese => (Feature::WallsAndMouse, Place::InRegion),
                Sought::Corner => (Feature::CheeseOffset, Place::Outside),
            };
            resampling::shares(behaviour.policy, &states, feature, place, parts, seed)
        })
    }))
}

impl Locator for ChannelScrubbing {
    fn method(&self) -> Method {
        Method::ChannelScrubbing
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(behaviour) = run.behaviour else {
            return Ok(None);
        };
        let channels = channels(&behaviour, run.seed)?;
        Ok(Some(channels.held(behaviour, self.method().supervision())))
    }
}
