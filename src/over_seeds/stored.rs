//! What a run or a study found, read back: JSON of the right form may still be of parts that do not
//! fit together, and what is made from it goes by their places.

use std::path::Path;

use crate::findings::Results;
use crate::findings::sound::{Contradiction, Sound, at_most, grid, len, sound};
use crate::nn::Layout;
use crate::protocol::atlas::Atlas;
use crate::protocol::circuits::Circuits;
use crate::storage::manifest::read_json;
use crate::storage::{self, Error};

/// Most edges of a graph, which are drawn each against all.
const EDGE_MAX: usize = 4096;

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
