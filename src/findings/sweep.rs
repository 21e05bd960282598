//! Trainings over sides of the region and seeds, as sweep.json: what the agent does where the cheese is anywhere.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::sound::{Contradiction, Sound, hash, load};
use crate::ablate::{Mean, Reached};
use crate::nn::Layout;
use crate::storage::Error;

/// All trainings that are there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sweep {
    /// Name of the preset.
    pub preset: String,
    /// The settings given, as TOML; seed, schedule and what is recorded are each training's own.
    pub config: String,
    /// SHA-256 of `config`.
    pub config_sha256: String,
    /// Version of this program.
    pub version: String,
    /// Levels behind each rate.
    pub levels: usize,
    /// One a training, by region and seed.
    pub runs: Vec<Swept>,
}

/// One training.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Swept {
    /// Side of the region in which the cheese lay.
    pub region: u8,
    /// The seed.
    pub seed: u64,
    /// Share of training levels whose maze is no larger than the region: their cheese was anywhere.
    pub anywhere_share: f64,
    /// Seconds that training took.
    pub seconds: f64,
    /// Over training, the untrained policy first.
    pub points: Vec<SweptPoint>,
}

/// What a checkpoint does on full-size mazes from the bottom-left.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SweptPoint {
    /// Updates made.
    pub updates: u64,
    /// Frames seen.
    pub frames: u64,
    /// The cheese in the region of this training.
    pub on: Reached,
    /// The cheese anywhere but in the very corner.
    pub off: Reached,
}

impl Sweep {
    /// Reads `sweep.json`.
    ///
    /// # Errors
    /// It cannot be read, is something else, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let sweep: Self = load(path, "the results of a sweep", &[])?;
        let contradiction = hash("config_sha256", &sweep.config_sha256)
            .or_else(|| sweep.runs.iter().find_map(Swept::contradicts))
            .or_else(|| {
                let jobs = sweep.runs.iter().map(|run| (run.region, run.seed));
                let jobs: Vec<(u8, u64)> = jobs.collect();
                let is_in_order = jobs.is_sorted_by(|a, b| a < b);
                (!is_in_order).then(|| {
                    (
                        "trainings by region and seed, each once".into(),
                        "others".into(),
                    )
                })
            });
        match contradiction {
            None => Ok(sweep),
            Some((expected, found)) => Err(Error::malformed(path, expected, found)),
        }
    }

    /// The sides of the region, each once, from small to large.
    pub fn regions(&self) -> Vec<u8> {
        let mut regions: Vec<u8> = self.runs.iter().map(|run| run.region).collect();
        regions.sort_unstable();
        regions.dedup();
        regions
    }
}

impl Swept {
    fn contradicts(&self) -> Option<Contradiction> {
        if !(0.0..=1.0).contains(&self.anywhere_share) {
            let found = self.anywhere_share.to_string();
            return Some(("a share of levels from 0 to 1".into(), found));
        }
        if self.points.is_empty() {
            return Some(("points over training".into(), "none".into()));
        }
        let in_order = |pair: &[SweptPoint]| {
            pair[0].updates < pair[1].updates && pair[0].frames <= pair[1].frames
        };
        if !self.points.windows(2).all(in_order) {
            return Some(("points in the order of training".into(), "others".into()));
        }
        let rates = |point: &SweptPoint| {
            [point.on, point.off].map(|reached| [reached.cheese, reached.corner])
        };
        let all: Vec<Mean> = self.points.iter().flat_map(rates).flatten().collect();
        let bad = all.into_iter().find(|mean| !mean.is_within((0.0, 1.0)));
        bad.map(|mean| {
            (
                "a rate from 0 to 1 and its error".into(),
                format!("{} with an error of {}", mean.value, mean.error),
            )
        })
    }
}

impl Sound for Swept {
    fn contradiction(&self, _: &Layout) -> Option<Contradiction> {
        self.contradicts()
    }
}
