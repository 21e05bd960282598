//! Rates along training, and when the behaviours appeared.

use serde::{Deserialize, Serialize};

use std::path::Path;

use super::sound::{Contradiction, Sound, len, load, sound};
use crate::ablate::{Mean, PerRate, Rate};
use crate::nn::Layout;
use crate::storage::Error;

/// The phases: the compass, the walk to the corner, and what the cheese adds, by place and direction.
pub const PHASES: [Rate; 6] = [
    Rate::Compass,
    Rate::Corner,
    Rate::InUpRight,
    Rate::InDownLeft,
    Rate::NearUpRight,
    Rate::NearDownLeft,
];

/// The phases but the walk to the corner: what it is timed against.
pub fn other_phases() -> impl Iterator<Item = Rate> + Clone {
    PHASES.into_iter().filter(|&rate| rate != Rate::Corner)
}

/// Rates along training, measured on levels of their own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Curves {
    /// Frames seen at each point; the first is the untrained policy.
    pub frames: Vec<u64>,
    /// Of each rate at each point, the mean over levels.
    pub rates: PerRate<Vec<Mean>>,
    /// Mean probability of the cheese-ward move at decision squares.
    pub p_cheese: Vec<Mean>,
    /// The same, corner-ward.
    pub p_corner: Vec<Mean>,
    /// Frames at which each rate reached 90 % of its rise; none where it did not rise.
    pub onsets: PerRate<Option<Onset>>,
    /// From the walk to the corner to each of the other phases, in frames.
    pub lags: Vec<Lag>,
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

/// From the onset of the walk to the corner to that of another phase.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lag {
    /// The other phase.
    pub to: Rate,
    /// Frames between the two, negative where the other came first; none where one of them did not rise.
    pub lag: Option<Onset>,
}

impl Curves {
    /// Reads `curves.json` of a run whose network has this layout.
    ///
    /// # Errors
    /// It cannot be read, is something else or of an earlier release, or contradicts itself.
    pub fn load(path: &Path, layout: &Layout) -> Result<Self, Error> {
        let curves: Self = load(path, "the curves of a run", &["/t_corner"])?;
        sound(path, &curves, layout)?;
        Ok(curves)
    }

    /// From the walk to the corner to another phase.
    pub fn lag(&self, to: Rate) -> Option<Onset> {
        self.lags.iter().find(|lag| lag.to == to)?.lag
    }

    /// When a rate had risen, as a share of training.
    pub fn share(&self, rate: Rate) -> Option<f64> {
        let last = self
            .frames
            .last()
            .map_or(1.0, |&frames| frames.max(1) as f64);
        self.onsets[rate].map(|onset| onset.frames / last)
    }
}

impl Sound for Curves {
    fn contradiction(&self, _: &Layout) -> Option<Contradiction> {
        let points = self.frames.len();
        if points == 0 {
            return Some(("frames of one point or more".into(), "none".into()));
        }
        let lens = self.rates.iter().map(Vec::len);
        let lens = lens.chain([self.p_cheese.len(), self.p_corner.len()]);
        if let Some(len) = lens.into_iter().find(|&len| len != points) {
            let expected = format!("curves of {points} points, as many as frames");
            return Some((expected, len.to_string()));
        }
        let outside = self.rates.pairs().find_map(|(rate, values)| {
            let wrong = values.iter().find(|mean| !mean.is_within(rate.range()))?;
            let expected = format!("means of {}", rate.expected());
            let found = format!("{} with an error of {}", wrong.value, wrong.error);
            Some((expected, found))
        });
        let to = other_phases();
        outside
            .or_else(|| len("lags", self.lags.len(), to.clone().count()))
            .or_else(|| {
                let wrong = to.zip(&self.lags).find(|(to, lag)| lag.to != *to)?;
                let expected = format!("the lag of {}", wrong.0.name());
                Some((expected, wrong.1.to.name().into()))
            })
    }
}
