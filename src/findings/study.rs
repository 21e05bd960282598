//! The study over seeds, as study.json.

use serde::{Deserialize, Serialize};

use std::path::Path;

use super::sound::{Contradiction, Sound, hash, load, sound};
use super::{Calibration, Findings, Summary};
use crate::nn::Layout;
use crate::storage::Error;

/// Everything that RESULTS.md and the report show.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Study {
    /// Name of the preset.
    pub preset: String,
    /// All settings as TOML.
    pub config: String,
    /// SHA-256 of `config`.
    pub config_sha256: String,
    /// The command line that began it.
    pub command: String,
    /// Version of this program.
    pub version: String,
    /// What was noted beside it later, shown above all; empty when it is written.
    #[serde(default)]
    pub note: String,
    /// Names and places of the parameters.
    pub layout: Layout,
    /// Levels a situation on which the chosen edits were tested.
    pub test_levels: usize,
    /// Share of training levels whose cheese may be anywhere.
    pub anywhere_share: f64,
    /// What locators find where the answer is known.
    pub calibration: Calibration,
    /// One a seed.
    pub seeds: Vec<Findings>,
    /// Over the seeds.
    pub summary: Summary,
}

impl Study {
    /// Reads `study.json`.
    ///
    /// # Errors
    /// It cannot be read, is something else, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let study: Self = load(
            path,
            "the results of a study",
            &["/seeds/0/currency/0/meaning", "/seeds/0/curves/t_corner"],
        )?;
        sound(path, &study, &study.layout)?;
        Ok(study)
    }
}

impl Sound for Study {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        hash("config_sha256", &self.config_sha256)
            .or_else(|| self.calibration.contradiction(layout))
            .or_else(|| {
                let mut seeds = self.seeds.iter();
                seeds.find_map(|one| one.contradiction(layout))
            })
    }
}
