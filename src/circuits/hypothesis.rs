//! Hypotheses about a policy: which parts of which layers matter, on what of a state each may depend,
//! and what each reads. A small graph, written in TOML.
//!
//! ```toml
//! name = "late"
//! output = ["cheese"]            # what the logits read; left out, the nodes that no other reads
//!
//! [[nodes]]
//! name = "cheese"
//! site = "dense"                 # as in `Network::sites`
//! channels = [3, 17]             # or "all"
//! feature = "cheese_offset"      # state, cheese_offset, walls_and_mouse, corner_offset, nothing
//! inputs = ["observation"]       # or names of nodes of earlier sites, or both
//! holds = "in_region"            # in_region, outside (where the mouse is), everywhere
//! ```
//!
//! Where a node does not hold it is left out. Whether the sites and channels exist is seen when
//! it is put on a network ([`Graph`](super::Graph)).

use serde::{Deserialize, Serialize};

use super::error::{Error, wrong};

/// What a node reads that reads the state itself.
pub(super) const OBSERVATION: &str = "observation";

/// On what of a state something may depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// On everything: the state stays.
    State,
    /// Where the cheese lies from the mouse, or that there is none.
    CheeseOffset,
    /// The walls and the mouse's place, not the cheese.
    WallsAndMouse,
    /// Where the mouse stands from the top-right corner.
    CornerOffset,
    /// On nothing: any state will do.
    Nothing,
}

/// Where a node holds: by where the mouse of a state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The mouse is in the region.
    InRegion,
    /// The mouse is outside of the region.
    Outside,
    /// The mouse is anywhere.
    Everywhere,
}

impl Place {
    /// Whether what holds here holds `there` too.
    pub fn covers(self, there: Self) -> bool {
        self == Self::Everywhere || self == there
    }
}

/// Channels of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Channels {
    /// Those with these numbers.
    These(Vec<usize>),
    /// All channels of the site.
    All(All),
}

/// The word "all".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// The word.
    All,
}

/// A part of the network that matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The name by which other nodes read it.
    pub name: String,
    /// The site, by its name in [`Network::sites`](crate::nn::Network::sites).
    pub site: String,
    /// Which channels of the site.
    pub channels: Channels,
    /// On what it may depend.
    pub feature: Feature,
    /// What it reads: nodes, or "observation".
    pub inputs: Vec<String>,
    /// Where it holds.
    pub holds: Place,
}

/// A hypothesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hypothesis {
    /// What it is called.
    pub name: String,
    /// What the logits read; the nodes that no other reads, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Vec<String>>,
    /// The parts that matter.
    pub nodes: Vec<Node>,
}

/// What a list of inputs says: whether the observation, and which nodes by number.
pub(super) type Inputs = (bool, Vec<usize>);

impl Hypothesis {
    /// This hypothesis under another name with other channels of the site of each node.
    pub fn with_channels(mut self, name: impl Into<String>, channels: &[usize]) -> Self {
        self.name = name.into();
        for node in &mut self.nodes {
            node.channels = Channels::These(channels.to_vec());
        }
        self
    }

    /// This hypothesis under another name with another feature for every node.
    pub fn with_feature(mut self, name: impl Into<String>, feature: Feature) -> Self {
        self.name = name.into();
        self.nodes
            .iter_mut()
            .for_each(|node| node.feature = feature);
        self
    }

    /// This hypothesis under another name, said of another place.
    pub fn with_place(mut self, name: impl Into<String>, holds: Place) -> Self {
        self.name = name.into();
        self.nodes.iter_mut().for_each(|node| node.holds = holds);
        self
    }

    /// Holds what nodes read against each other.
    pub(super) fn check(&self) -> Result<(), Error> {
        for (number, node) in self.nodes.iter().enumerate() {
            let mut before = self.nodes[..number].iter();
            if node.name == OBSERVATION || before.any(|other| other.name == node.name) {
                let key = format!("nodes[{number}].name");
                let expected = "a name that no other node has, and not \"observation\"";
                return Err(wrong(&key, expected, format!("{:?}", node.name)));
            }
        }
        let inputs = self.inputs()?;
        self.output_inputs()?;
        // Whoever reads nobody that is left is taken away, until nobody is left or a circle.
        let mut left: Vec<usize> = (0..self.nodes.len()).collect();
        loop {
            let (reading, free): (Vec<usize>, Vec<usize>) = left
                .iter()
                .partition(|&&node| inputs[node].1.iter().any(|input| left.contains(input)));
            if free.is_empty() {
                break;
            }
            left = reading;
        }
        let Some(&first) = left.first() else {
            return Ok(());
        };
        // Everyone left reads someone left: going on from one ends up in the circle.
        let next = |node: usize| inputs[node].1.iter().copied().find(|i| left.contains(i));
        let mut way = vec![first];
        while let Some(node) = next(way[way.len() - 1]) {
            let seen = way.iter().position(|&before| before == node);
            way.push(node);
            if let Some(start) = seen {
                way.drain(..start);
                break;
            }
        }
        let names: Vec<&str> = way.iter().map(|&n| self.nodes[n].name.as_str()).collect();
        let key = format!("nodes.{}.inputs", names[0]);
        let found = format!("a circle: {}", names.join(" reads "));
        Err(wrong(&key, "nodes that do not read each other", found))
    }

    /// What every node reads.
    pub(super) fn inputs(&self) -> Result<Vec<Inputs>, Error> {
        let nodes = self.nodes.iter();
        let of = |node: &Node| self.numbers(&format!("nodes.{}.inputs", node.name), &node.inputs);
        nodes.map(of).collect()
    }

    /// What the logits read, where it is said.
    pub(super) fn output_inputs(&self) -> Result<Option<Inputs>, Error> {
        let output = self.output.as_ref();
        output
            .map(|names| self.numbers("output", names))
            .transpose()
    }

    fn numbers(&self, key: &str, names: &[String]) -> Result<Inputs, Error> {
        let mut numbers = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let known = self.nodes.iter().position(|node| node.name == *name);
            match known {
                _ if names[..at].contains(name) => {
                    return Err(wrong(key, "each input once", format!("{name:?} again")));
                }
                Some(number) => numbers.push(number),
                None if name == OBSERVATION => {}
                None => {
                    let expected = "names of nodes, or \"observation\"";
                    return Err(wrong(key, expected, format!("{name:?}")));
                }
            }
        }
        Ok((names.iter().any(|name| name == OBSERVATION), numbers))
    }
}
