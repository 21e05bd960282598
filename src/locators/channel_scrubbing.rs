//! Causal scrubbing of single [channels](super::channels).
//!
//! ```text
//! cheese_P,c = KL lost at P when channel c is given a state of the same walls and mouse and another cheese
//! corner_P,c = KL lost at P when channel c is given another maze and mouse with the cheese where it is
//!              from the mouse
//! contrast   = cheese_in region - corner_outside                                     for A
//!              corner_outside - (cheese_in region + cheese_outside) / 2              for B
//! ```
//!
//! either as a share of what a random state loses there
//! ([`circuits::resampling`](crate::circuits::resampling)). The first is what the hypothesis "this channel
//! does not carry the cheese" costs, the second what "it carries the cheese alone" does. What A takes away is
//! the cheese in the region alone, what B spares is the cheese anywhere.

use super::channels::{Channels, contrast, mean};
use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::probes::LEVELS;
use super::run::{Behaviour, Run};
use crate::ablate::{Rate, Split};
use crate::circuits::hypothesis::{Feature, Place};
use crate::circuits::{States, resampling};

/// Causal scrubbing, channel by channel.
#[derive(Clone, Copy, Debug)]
pub struct ChannelScrubbing;

/// Mazes of the states, each with 64 of them.
const MAZES: usize = LEVELS / 4;

fn channels(behaviour: &Behaviour<'_>, seed: u64) -> Result<Channels, Error> {
    let levels = behaviour.tasks.levels(Rate::S5);
    let place = levels.first().map(|task| (task.level.world, task.region));
    let ((world, region), mazes) = place.map_or(((5, 3), 0), |place| (place, MAZES));
    let states = States::new(Split::Discovery, world, region, mazes, &[])?;
    Ok(Channels::new(behaviour.policy.network, |_, parts| {
        let lost = |feature, place| {
            resampling::shares(behaviour.policy, &states, feature, place, parts, seed)
        };
        let in_region = lost(Feature::WallsAndMouse, Place::InRegion);
        let outside = lost(Feature::WallsAndMouse, Place::Outside);
        let corner = lost(Feature::CheeseOffset, Place::Outside);
        let for_a = contrast(&in_region, &corner);
        let cheese = mean(&[in_region, outside]).expect("two lists");
        [for_a, contrast(&corner, &cheese)]
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
