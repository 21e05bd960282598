//! What was run, and all that the report of a run shows.

use serde::{Deserialize, Serialize};

use std::path::Path;

use super::sound::{Contradiction, Sound, hash, len, load, sound};
use super::{DecompositionSummary, DoseResponse, Findings, LossChange, MazeFigure};
use crate::nn::Layout;
use crate::storage::Error;

/// Everything that the report of a run shows, as written to `results.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// What was run.
    pub run: RunSummary,
    /// The SVD with raw columns, then with unit-norm columns.
    pub decompositions: Vec<DecompositionSummary>,
    /// What the protocol found.
    pub found: Findings,
    /// Some of the chosen steps at growing doses.
    pub doses: Vec<DoseResponse>,
    /// Vector fields of the policy before and after the chosen edits.
    pub mazes: Vec<MazeFigure>,
    /// Which tensors learnt which behaviour when; none where there are not two checkpoints.
    pub loss_change: Option<LossChange>,
}

/// What was run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunSummary {
    /// Name of the preset.
    pub preset: String,
    /// Seed of the run.
    pub seed: u64,
    /// All settings as TOML.
    pub config: String,
    /// SHA-256 of `config`, which froze the choices before test levels were looked at.
    pub config_sha256: String,
    /// The command line.
    pub command: String,
    /// Version of this program.
    pub version: String,
    /// The parameters' names and places.
    pub layout: Layout,
    /// Environment frames.
    pub frames: u64,
    /// Optimiser steps.
    pub updates: u64,
    /// Rows of the gradient matrix.
    pub time_len: usize,
    /// Checksum of the gradient matrix.
    pub gradient_checksum: String,
    /// Training time in seconds, measurements along the way included.
    pub train_seconds: f64,
    /// |theta_T - theta_0|.
    pub displacement: f64,
    /// Side of the world.
    pub world: u8,
    /// Side of the region.
    pub region: u8,
    /// Share of training levels whose maze is no larger than the region, so that the cheese may be
    /// anywhere in it.
    pub anywhere_share: f64,
    /// Levels a situation on which edits were chosen.
    pub selection_levels: usize,
    /// Levels a situation on which the chosen ones were tested.
    pub test_levels: usize,
}

impl Results {
    /// Reads `results.json`.
    ///
    /// # Errors
    /// It cannot be read, is something else, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let results: Self = load(
            path,
            "the results of a run",
            &["/ablation", "/found/curves/t_corner"],
        )?;
        sound(path, &results, &results.run.layout)?;
        Ok(results)
    }
}

impl Sound for Results {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let doses = || {
            self.doses.iter().find_map(|one| {
                let doses = one.doses.len();
                len("rates of a dose", one.rates.len(), doses)
                    .or_else(|| len("intervals of a dose", one.intervals.len(), doses))
            })
        };
        self.found
            .contradiction(layout)
            .or_else(|| {
                let mut all = self.decompositions.iter();
                all.find_map(|one| one.contradiction(layout))
            })
            .or_else(doses)
            .or_else(|| self.loss_change.as_ref()?.contradiction(layout))
            .or_else(|| hash("config_sha256", &self.run.config_sha256))
    }
}
