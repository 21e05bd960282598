//! Reading and writing a [hypothesis](super::hypothesis) as TOML, and those that are shipped.

use toml::{Table, Value};

use super::error::{Error, wrong};
use super::hypothesis::{All, Channels, Hypothesis, Node};
use super::keys::Keys;

/// Most nodes.
const NODE_MAX: usize = 256;

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
}

/// Reads a node, of the table that stands at `at`.
fn node(at: &str, table: &Table) -> Result<Node, Error> {
    let mut keys = Keys {
        at: format!("{at}."),
        table,
    };
    let name = keys.text("name")?;
    keys.at = format!("nodes.{name}.");
    keys.known(&["name", "site", "channels", "feature", "inputs", "holds"])?;
    let channels = match keys.value("channels")? {
        Value::String(word) if word == "all" => Channels::All(All::All),
        Value::Array(list) => {
            let numbers = list.iter().map(|value| {
                let number = value.as_integer().and_then(|n| usize::try_from(n).ok());
                number.ok_or_else(|| keys.wrong("channels", "numbers of channels", value))
            });
            Channels::These(numbers.collect::<Result<_, Error>>()?)
        }
        other => return Err(keys.wrong("channels", "\"all\" or a list of numbers", other)),
    };
    Ok(Node {
        site: keys.text("site")?,
        channels,
        feature: keys.word("feature")?,
        inputs: keys.texts("inputs")?,
        holds: keys.word("holds")?,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::super::hypothesis::{Feature, Place};
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
