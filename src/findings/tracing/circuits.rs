//! What `circuits.json` says: which parts of a policy carry its preference.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::pictures::Pictures;
use crate::circuits::{Direction, Fact, OwnVector, Scrubbed, Share, Sought, Steered};
use crate::findings::Results;
use crate::findings::sound::{Contradiction, Sound, at_most, channels, grid, len, sound};
use crate::nn::Layout;
use crate::storage::Error;
use crate::storage::manifest::read_json;

/// What was found of a run's policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Circuits {
    /// The run's seed.
    pub seed: u64,
    /// Patching, by fact.
    pub facts: Vec<TracedFact>,
    /// The policy without any steering.
    pub base: Steered,
    /// Steering, by direction and site.
    pub directions: Vec<Direction>,
    /// Steering every level by what its own cheese adds, by site.
    #[serde(default)]
    pub own_vectors: Vec<OwnVector>,
    /// What becomes of the policy under hypotheses.
    #[serde(default)]
    pub scrubbing: Vec<Scrubbed>,
    /// What of it can be looked at; nothing where an earlier release wrote the file.
    #[serde(default, rename = "atlas")]
    pub pictures: Option<Pictures>,
    /// Seconds of each part.
    pub seconds: BTreeMap<String, f64>,
}

/// What pairs that differ in one fact say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TracedFact {
    /// What is sought.
    pub sought: Sought,
    /// In what the states differ.
    pub fact: Fact,
    /// Pairs.
    pub pairs: usize,
    /// Those of them that the policy distinguishes.
    #[serde(rename = "told")]
    pub distinguished: usize,
    /// Whole sites, in the order of the forward pass.
    pub layers: Vec<Carrier>,
    /// The channels with the greatest effects.
    pub channels: Vec<Carrier>,
    /// Of the first of them, what each cell restores, row by row.
    pub cells: Vec<Cells>,
    /// The edges with the greatest effects of those that were patched.
    pub edges: Vec<Carrier>,
    /// The paths of several hops with the greatest effects that a search found, where it was asked for.
    #[serde(default)]
    pub paths: Vec<Carrier>,
    /// Rank correlation of the edges' first-order effects with the exact ones, where there is one.
    pub screen: Option<f64>,
    /// Edges patched, and edges that there are.
    pub patched: (usize, usize),
}

/// A part of the network, with what it restores and corrupts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Carrier {
    /// Which part: "conv3", "conv3 5", "conv3 2 to 5", "cheese plane -> conv0 2 -> dense 5".
    pub part: String,
    /// Of the second state's run, with the first's part.
    pub restored: Share,
    /// Of the first state's run, with the second's part.
    pub corrupted: Share,
}

impl Carrier {
    /// The mean of both.
    pub fn effect(&self) -> f64 {
        0.5 * (self.restored.value + self.corrupted.value)
    }
}

/// A channel, cell by cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cells {
    /// The channel.
    pub part: String,
    /// What each cell restores.
    pub restored: Vec<Vec<f64>>,
}

impl Circuits {
    /// Reads `circuits.json` of the run with these results.
    ///
    /// # Errors
    /// It cannot be read, is something else or of another run, or contradicts itself.
    pub fn load(path: &Path, results: &Results) -> Result<Self, Error> {
        let circuits: Self = read_json(path, "the circuits of a run")?;
        let (seed, found) = (results.run.seed, circuits.seed);
        if found != seed {
            let (expected, found) = (format!("circuits of seed {seed}"), found.to_string());
            return Err(Error::malformed(path, expected, found));
        }
        sound(path, &circuits, &results.run.layout)?;
        Ok(circuits)
    }
}

impl Sound for Circuits {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let steered = || {
            let directions = self.directions.iter().map(|one| (&one.doses, &one.random));
            let own_vectors = self.own_vectors.iter().map(|one| (&one.doses, &one.random));
            directions.chain(own_vectors).find_map(|(doses, random)| {
                let mut random = random.iter();
                random.find_map(|found| len("a random vector", found.len(), doses.len()))
            })
        };
        let mut facts = self.facts.iter();
        facts
            .find_map(|fact| fact.contradiction(layout))
            .or_else(steered)
            .or_else(|| self.pictures.as_ref()?.contradiction(layout))
    }
}

impl Sound for TracedFact {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let (patched, edges) = self.patched;
        at_most("pairs told apart", self.distinguished, self.pairs)
            .or_else(|| at_most("edges patched", patched, edges))
            .or_else(|| channels(self.channels.iter().map(|c| c.part.as_str()), layout))
            .or_else(|| self.cells.iter().find_map(|c| grid("cells", &c.restored)))
    }
}
