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
//! Where a node does not hold it is left out. Whether the sites and channels exist is told by
//! [`Graph::new`](super::Graph::new).

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::Error;
use super::keys::{Keys, node, wrong};

/// Most nodes.
const NODE_MAX: usize = 256;
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
    /// In the region.
    InRegion,
    /// Outside of it.
    Outside,
    /// In either.
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
    /// These.
    These(Vec<usize>),
    /// All of them.
    All(All),
}

/// The word "all".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// It.
    All,
}

/// A part of the network that matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What others call it.
    pub name: String,
    /// The site, by its name in [`Network::sites`](crate::nn::Network::sites).
    pub site: String,
    /// Which channels of it.
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
    /// Outside of the region everything depends on walls and mouse, not on the cheese.
    pub fn early() -> Self {
        Self::shipped(include_str!("../../data/hypotheses/early.toml"))
    }

    /// In the region everything depends on where the cheese lies from the mouse.
    pub fn late() -> Self {
        Self::shipped(include_str!("../../data/hypotheses/late.toml"))
    }

    fn shipped(text: &str) -> Self {
        Self::parse(text).expect("what is shipped is read by a test")
    }

    /// The same under another name with other channels of the site of each node.
    pub fn with_channels(mut self, name: impl Into<String>, channels: &[usize]) -> Self {
        self.name = name.into();
        for node in &mut self.nodes {
            node.channels = Channels::These(channels.to_vec());
        }
        self
    }

    /// The same under another name with another feature for every node.
    pub fn with_feature(mut self, name: impl Into<String>, feature: Feature) -> Self {
        self.name = name.into();
        self.nodes
            .iter_mut()
            .for_each(|node| node.feature = feature);
        self
    }

    /// The same under another name, said of another place.
    pub fn with_place(mut self, name: impl Into<String>, holds: Place) -> Self {
        self.name = name.into();
        self.nodes.iter_mut().for_each(|node| node.holds = holds);
        self
    }

    /// As TOML, which [`parse`](Self::parse) reads.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("hypotheses are plain tables of plain values")
    }

    /// Reads a hypothesis.
    ///
    /// # Errors
    /// What is no TOML; a key that is missing, unknown or of another kind; two nodes of one name, inputs
    /// that are none, nodes that read each other in a circle. The key is named.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..before].iter().filter(|&&b| b == b'\n');
            let key = format!("line {}", line.count() + 1);
            wrong(&key, "TOML", error.message())
        })?;
        let keys = Keys {
            at: String::new(),
            table: &table,
        };
        keys.known(&["name", "output", "nodes"])?;
        let output = match table.contains_key("output") {
            true => Some(keys.texts("output")?),
            false => None,
        };
        let list = match keys.value("nodes")? {
            Value::Array(list) => list,
            other => return Err(keys.wrong("nodes", "[[nodes]] tables", other)),
        };
        if list.len() > NODE_MAX {
            let expected = format!("at most {NODE_MAX} nodes");
            return Err(wrong("nodes", &expected, list.len()));
        }
        let nodes = list.iter().enumerate().map(|(number, value)| {
            let at = format!("nodes[{number}]");
            match value {
                Value::Table(table) => node(&at, table),
                other => Err(wrong(&at, "a table", other)),
            }
        });
        let hypothesis = Self {
            name: keys.text("name")?,
            output,
            nodes: nodes.collect::<Result<_, Error>>()?,
        };
        hypothesis.check()?;
        Ok(hypothesis)
    }

    fn check(&self) -> Result<(), Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_read_and_can_be_written_again() {
        let (early, late) = (Hypothesis::early(), Hypothesis::late());
        assert_eq!(early.nodes[0].feature, Feature::WallsAndMouse);
        assert_eq!(early.nodes[0].holds, Place::Outside);
        assert_eq!(late.nodes[0].feature, Feature::CheeseOffset);
        assert_eq!(late.nodes[0].holds, Place::InRegion);
        let few = late.clone().with_channels("few", &[2, 0]);
        for hypothesis in [early, late, few] {
            assert_eq!(
                Hypothesis::parse(&hypothesis.to_toml()).unwrap(),
                hypothesis
            );
            let json = serde_json::to_string(&hypothesis).unwrap();
            let again: Hypothesis = serde_json::from_str(&json).unwrap();
            assert_eq!(again, hypothesis);
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        let sound = "name = \"x\"\noutput = [\"b\"]\n\
            [[nodes]]\nname = \"a\"\nsite = \"conv0\"\nchannels = [0]\nfeature = \"nothing\"\n\
            inputs = [\"observation\"]\nholds = \"outside\"\n\
            [[nodes]]\nname = \"b\"\nsite = \"dense\"\nchannels = \"all\"\nfeature = \"state\"\n\
            inputs = [\"a\"]\nholds = \"everywhere\"\n";
        Hypothesis::parse(sound).unwrap();
        let many = format!("name = \"x\"\nnodes = [{}]\n", "1, ".repeat(NODE_MAX + 1));
        assert!(Hypothesis::parse(&many).is_err());
        for (from, to, key, found) in [
            ("name = \"x\"\n", "", "name", "none"),
            ("name = \"x\"", "name = 3", "name", "3"),
            ("name = \"x\"", "name = ", "line 1", ""),
            (
                "name = \"x\"",
                "name = \"x\"\nsize = 3",
                "size",
                "unknown key",
            ),
            ("[\"b\"]", "[\"c\"]", "output", "\"c\""),
            ("[\"b\"]", "[\"b\", \"b\"]", "output", "\"b\" again"),
            ("[\"b\"]", "\"b\"", "output", "\"b\""),
            ("name = \"b\"", "name = \"a\"", "nodes[1].name", "\"a\""),
            ("name = \"b\"", "", "nodes[1].name", "none"),
            (
                "name = \"b\"",
                "name = \"observation\"",
                "nodes[1].name",
                "observation",
            ),
            ("site = \"conv0\"", "", "nodes.a.site", "none"),
            (
                "site = \"conv0\"",
                "sites = \"conv0\"",
                "nodes.a.sites",
                "unknown key",
            ),
            (
                "channels = [0]",
                "channels = [-1]",
                "nodes.a.channels",
                "-1",
            ),
            (
                "channels = [0]",
                "channels = [0.5]",
                "nodes.a.channels",
                "0.5",
            ),
            (
                "channels = [0]",
                "channels = \"some\"",
                "nodes.a.channels",
                "\"some\"",
            ),
            ("\"nothing\"", "\"cheese\"", "nodes.a.feature", "\"cheese\""),
            ("\"nothing\"", "7", "nodes.a.feature", "7"),
            ("\"outside\"", "\"inside\"", "nodes.a.holds", "\"inside\""),
            ("[\"a\"]", "[\"conv0\"]", "nodes.b.inputs", "\"conv0\""),
            ("[\"a\"]", "[\"b\"]", "nodes.b.inputs", "b reads b"),
            (
                "[\"observation\"]",
                "[\"b\"]",
                "nodes.a.inputs",
                "a reads b reads a",
            ),
        ] {
            let text = sound.replacen(from, to, 1);
            assert_ne!(text, sound);
            let error = Hypothesis::parse(&text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key}: expected ")), "{error}");
            assert!(error.contains(found), "{error}");
        }
    }
}
