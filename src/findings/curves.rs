//! Rates along training, and when the behaviours appeared.

use serde::{Deserialize, Serialize};

use std::path::Path;

use super::sound::{Contradiction, Sound, load, sound};
use crate::ablate::{Mean, Rate};
use crate::nn::Layout;
use crate::storage::Error;

/// Rates along training, measured on levels of their own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Curves {
    /// Frames seen at each point; the first is the untrained policy.
    pub frames: Vec<u64>,
    /// One a rate.
    pub rates: Vec<RateCurve>,
    /// Mean probability of the cheese-ward move at decision squares.
    pub p_cheese: Vec<Mean>,
    /// The same, corner-ward.
    pub p_corner: Vec<Mean>,
    /// Frames at which S5 reached 90 % of its rise.
    pub t_corner: Option<Onset>,
    /// Frames at which S2 did.
    pub t_cheese: Option<Onset>,
    /// t_cheese - t_corner.
    pub lag: Option<Onset>,
    /// (frames, mean return of the episodes that ended since the last point).
    pub returns: Vec<(u64, f64)>,
}

/// A time in frames, with its 95 % interval over the levels it was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Onset {
    /// The estimate.
    pub frames: f64,
    /// Its interval.
    pub interval: (f64, f64),
}

/// One rate along training.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RateCurve {
    /// Which.
    pub rate: Rate,
    /// At each point the mean over levels of the probability of success.
    pub values: Vec<Mean>,
}

impl Curves {
    /// Reads `curves.json` of a run whose network has this layout.
    ///
    /// # Errors
    /// It cannot be read, is something else or of an earlier release, or contradicts itself.
    pub fn load(path: &Path, layout: &Layout) -> Result<Self, Error> {
        let curves: Self = load(path, "the curves of a run", "/rates/0/successes")?;
        sound(path, &curves, layout)?;
        Ok(curves)
    }
}

impl Sound for Curves {
    fn contradiction(&self, _: &Layout) -> Option<Contradiction> {
        let points = self.frames.len();
        let names = |rates: &mut dyn Iterator<Item = Rate>| {
            rates.map(Rate::name).collect::<Vec<_>>().join(", ")
        };
        let expected = names(&mut Rate::ALL.into_iter());
        let found = names(&mut self.rates.iter().map(|curve| curve.rate));
        if expected != found {
            return Some((format!("the rates {expected}"), found));
        }
        if points == 0 {
            return Some(("frames of one point or more".into(), "none".into()));
        }
        let lens = self.rates.iter().map(|curve| curve.values.len());
        let lens = lens.chain([self.p_cheese.len(), self.p_corner.len()]);
        if let Some(len) = lens.into_iter().find(|&len| len != points) {
            let expected = format!("curves of {points} points, as many as frames");
            return Some((expected, len.to_string()));
        }
        self.rates.iter().find_map(|curve| {
            let wrong = curve.values.iter().find(|mean| !mean.is_share())?;
            let expected = format!("means of 0 to 1 of {}", curve.rate.name());
            let found = format!("{} with an error of {}", wrong.value, wrong.error);
            Some((expected, found))
        })
    }
}
