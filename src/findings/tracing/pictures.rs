//! What of a policy's circuits can be looked at.

use serde::{Deserialize, Serialize};

use crate::ablate::Rate;
use crate::circuits::atlas::{Filter, Flips, Map, Paths};
use crate::circuits::{Fact, Sought};
use crate::findings::MazeFigure;
use crate::findings::sound::{Contradiction, Sound, at_most, channels, grid, len};
use crate::nn::Layout;

/// Most edges of a graph: drawing it compares each of them with all others.
const EDGE_MAX: usize = 4096;

/// All that is pictured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pictures {
    /// Weights of the leading edges of going for the cheese, and then for the corner.
    pub filters: Vec<Filter>,
    /// Of the leading channels of the first layer, the weights from each of the three planes.
    pub planes: Vec<[Filter; 3]>,
    /// Of the channels that lead where the cheese moves.
    pub maps: Vec<Map>,
    /// The seeds of the mazes that maps are means over.
    pub mazes: Vec<u32>,
    /// The leading edges, by fact.
    pub paths: Vec<LeadingEdges>,
    /// Single levels.
    pub levels: Vec<PicturedLevel>,
}

/// The leading edges of one fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadingEdges {
    /// What is sought.
    pub sought: Sought,
    /// In what the states differ.
    pub fact: Fact,
    /// The edges.
    pub paths: Paths,
}

/// Why a level is shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// It is the first of its situation, by seed.
    First,
    /// It is the first by seed of those on which the policy is worst.
    Worst {
        /// How many these are.
        len: usize,
        /// Of so many.
        of: usize,
        /// The highest probability of success among them.
        at_most: f64,
    },
}

/// One level, with what the policy does on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PicturedLevel {
    /// The rate whose level it is.
    pub rate: Rate,
    /// Its seed.
    pub seed: u32,
    /// Why it is shown.
    pub chosen: Chosen,
    /// The policy's probability of success on it, computed.
    pub success: f64,
    /// Rows with the mouse where `flips` has it, top first.
    pub rows: Vec<String>,
    /// What every entry of that observation does to the preference for the step towards the cheese.
    pub flips: Flips,
    /// The policy's mean moves before and after edits.
    pub fields: Vec<MazeFigure>,
}

impl Sound for Pictures {
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
