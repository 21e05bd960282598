//! What a run or a study found, read back: JSON of the right form may still be of parts that do not
//! fit together, and what is made from it goes by their places.

use std::path::Path;

use crate::ablate::Rate;
use crate::experiment::curves;
use crate::findings::results::{Curves, DecompositionSummary, Results};
use crate::nn::Layout;
use crate::over_seeds::Study;
use crate::over_seeds::planted::Calibration;
use crate::protocol::atlas::Atlas;
use crate::protocol::circuits::Circuits;
use crate::protocol::seed::Findings;
use crate::storage::manifest::read_json;
use crate::storage::{self, Error};

/// Most edges of a graph, which are drawn each against all.
const EDGE_MAX: usize = 4096;

/// What should be in a place, and what is.
pub type Contradiction = (String, String);

/// Something read from a file, of parts that may contradict each other.
pub trait Sound {
    /// The first contradiction; `layout` is that of the network it is about.
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction>;
}

impl Results {
    /// Reads `results.json`.
    ///
    /// # Errors
    /// It cannot be read, is something else, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let results: Self = read_json(path, "the results of a run")?;
        sound(path, &results, &results.run.layout)?;
        Ok(results)
    }
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
            return Err(storage::Error::malformed(path, expected, found));
        }
        sound(path, &circuits, &results.run.layout)?;
        Ok(circuits)
    }
}

impl Study {
    /// Reads `study.json`.
    ///
    /// # Errors
    /// It cannot be read, is something else, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let study: Self = read_json(path, "the results of a study")?;
        sound(path, &study, &study.layout)?;
        Ok(study)
    }
}

/// Refuses what contradicts itself.
///
/// # Errors
/// The first contradiction, with the file.
pub fn sound(path: &Path, found: &impl Sound, layout: &Layout) -> Result<(), Error> {
    match found.contradiction(layout) {
        None => Ok(()),
        Some((expected, found)) => Err(storage::Error::malformed(path, expected, found)),
    }
}

impl Sound for Results {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let ablation = &self.ablation;
        let choices = || {
            let (outcomes, claims) = (ablation.outcomes.len(), 2);
            let wrong = |choice: &&crate::findings::results::Choice| {
                choice.outcome >= outcomes || choice.claim >= claims
            };
            let choice = ablation.choices.iter().find(wrong)?;
            Some((
                format!("choices of {claims} claims and {outcomes} outcomes"),
                format!("claim {}, outcome {}", choice.claim, choice.outcome),
            ))
        };
        let doses = || {
            let mut all = ablation.doses.iter();
            all.find_map(|one| len("rates of a dose", one.rates.len(), one.doses.len()))
        };
        self.curves
            .contradiction(layout)
            .or_else(|| {
                let mut all = self.decompositions.iter();
                all.find_map(|one| one.contradiction(layout))
            })
            .or_else(choices)
            .or_else(doses)
            .or_else(|| hash("config_sha256", &self.run.config_sha256))
    }
}

impl Sound for Curves {
    fn contradiction(&self, _: &Layout) -> Option<Contradiction> {
        curves::contradiction(self)
    }
}

impl Sound for DecompositionSummary {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let (rank, bins) = (self.sigma.len(), self.tau.len());
        let of_rank = [
            ("left_residuals", self.left_residuals.len()),
            ("right_residuals", self.right_residuals.len()),
            ("explained", self.explained.len()),
            ("v", self.v.len()),
            ("by_tensor", self.by_tensor.len()),
            ("components", self.components.len()),
        ];
        let tensors = layout.tensors.len();
        of_rank
            .into_iter()
            .find_map(|(what, found)| len(what, found, rank))
            .or_else(|| len("mass", self.mass.len(), bins))
            .or_else(|| {
                let mut all = self.v.iter();
                all.find_map(|v| len("v of a component", v.len(), bins))
            })
            .or_else(|| {
                let mut all = self.by_tensor.iter();
                all.find_map(|one| len("by_tensor of a component", one.len(), tensors))
            })
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

impl Sound for Calibration {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        self.curves.contradiction(layout)
    }
}

impl Sound for Findings {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let tensors = layout.tensors.len();
        let rises = || {
            let found: Vec<Rate> = self.rises.iter().map(|rise| rise.rate).collect();
            let names = |rates: &[Rate]| rates.iter().map(|r| r.name()).collect::<Vec<_>>();
            let expected = names(&Rate::ALL).join(", ");
            let differ = found != Rate::ALL;
            differ.then(|| (format!("rises of {expected}"), names(&found).join(", ")))
        };
        let currency = || {
            self.currency.iter().find_map(|one| {
                let mut shares = one.by_tensor.iter();
                let shares = shares.find_map(|shares| len("by_tensor", shares.len(), tensors));
                let mut curves = one.curves.iter();
                shares.or_else(|| {
                    curves.find_map(|curve| {
                        let points = curve.percent.len().max(1);
                        len("percent", curve.percent.len(), points)
                            .or_else(|| len("losses", curve.losses.len(), points))
                            .or_else(|| len("selectivity", curve.selectivity.len(), points))
                            .or_else(|| len("random", curve.random.len(), points))
                    })
                })
            })
        };
        let portraits = || {
            let mut all = self.portraits.iter();
            all.find_map(|one| len("by_tensor of a portrait", one.by_tensor.len(), tensors))
        };
        self.curves
            .contradiction(layout)
            .or_else(rises)
            .or_else(currency)
            .or_else(portraits)
            .or_else(|| hash("config_sha256", &self.config_sha256))
            .or_else(|| hash("frozen_sha256", &self.frozen_sha256))
    }
}

impl Sound for Circuits {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let facts = || {
            self.facts.iter().find_map(|one| {
                let counts = [
                    ("pairs told apart", one.told, one.pairs),
                    ("edges patched", one.patched.0, one.patched.1),
                ];
                let mut counts = counts.into_iter();
                counts
                    .find_map(|(what, found, all)| at_most(what, found, all))
                    .or_else(|| channels(one.channels.iter().map(|c| c.part.as_str()), layout))
                    .or_else(|| one.cells.iter().find_map(|c| grid("cells", &c.restored)))
            })
        };
        let steered = || {
            let directions = self.directions.iter().map(|one| (&one.doses, &one.random));
            let own_vectors = self.own_vectors.iter().map(|one| (&one.doses, &one.random));
            directions.chain(own_vectors).find_map(|(doses, random)| {
                let mut random = random.iter();
                random.find_map(|found| len("a random vector", found.len(), doses.len()))
            })
        };
        facts()
            .or_else(steered)
            .or_else(|| self.atlas.as_ref()?.contradiction(layout))
    }
}

impl Sound for Atlas {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let planes = self.planes.iter().flatten();
        let mut filters = self.filters.iter().chain(planes);
        let maps = || {
            self.maps.iter().find_map(|map| {
                grid("by_cheese", &map.by_cheese).or_else(|| grid("by_mouse", &map.by_mouse))
            })
        };
        let paths = || {
            self.paths.iter().find_map(|one| {
                let columns = one.paths.columns.len();
                let many = at_most("edges of a graph", one.paths.edges.len(), EDGE_MAX);
                if many.is_some() {
                    return many;
                }
                let mut edges = one.paths.edges.iter();
                let wrong = edges.find(|e| e.from.0 >= e.to.0 || e.to.0 >= columns)?;
                Some((
                    format!("edges forward through {columns} columns"),
                    format!("one from {} to {}", wrong.from.0, wrong.to.0),
                ))
            })
        };
        let levels = || {
            self.levels.iter().find_map(|level| {
                let mut planes = level.flips.planes.iter();
                planes.find_map(|plane| {
                    grid("a plane", plane)
                        .or_else(|| len("rows of a level", level.rows.len(), plane.len()))
                })
            })
        };
        filters
            .find_map(|filter| grid("weights", &filter.weights))
            .or_else(|| channels(self.maps.iter().map(|map| map.channel.as_str()), layout))
            .or_else(maps)
            .or_else(paths)
            .or_else(levels)
    }
}

/// Channels by name, "conv0 13", are of tensors that there are.
fn channels<'a>(
    mut names: impl Iterator<Item = &'a str>,
    layout: &Layout,
) -> Option<Contradiction> {
    names.find_map(|name| {
        let (layer, channel) = name.rsplit_once(' ').unwrap_or((name, "0"));
        let weight = format!("{layer}.weight");
        let mut tensors = layout.tensors.iter();
        let tensor = tensors.find(|tensor| tensor.name == weight);
        let len = tensor.and_then(|tensor| tensor.shape.last());
        let is_there = len
            .zip(channel.parse::<usize>().ok())
            .is_some_and(|(len, n)| n < *len);
        (!is_there).then(|| (format!("a channel of {layer}"), format!("\"{name}\"")))
    })
}

/// Rows of one length, as many as a world may have.
fn grid<T>(what: &str, rows: &[Vec<T>]) -> Option<Contradiction> {
    let side = usize::from(crate::maze::MAX_WORLD);
    let columns = rows.first().map_or(0, Vec::len);
    at_most("rows", rows.len(), side)
        .or_else(|| at_most("columns", columns, side))
        .or_else(|| {
            let mut lens = rows.iter().map(Vec::len);
            lens.find_map(|found| len(&format!("a row of {what}"), found, columns))
        })
}

fn at_most(what: &str, found: usize, most: usize) -> Option<Contradiction> {
    (found > most).then(|| (format!("at most {most} {what}"), found.to_string()))
}

fn len(what: &str, found: usize, expected: usize) -> Option<Contradiction> {
    (found != expected).then(|| (format!("{expected} entries of {what}"), found.to_string()))
}

fn hash(what: &str, found: &str) -> Option<Contradiction> {
    let is_hash = found.len() == 64 && found.bytes().all(|byte| byte.is_ascii_hexdigit());
    let expected = || format!("64 hexadecimal digits of {what}");
    (!is_hash).then(|| (expected(), format!("\"{found}\"")))
}
