//! A [hypothesis](super::hypothesis) put on a network: its nodes as parts of sites, by number.

use super::error::{Error, wrong};
use super::hypothesis::{Channels, Feature, Hypothesis, Inputs, Place};
use crate::nn::{Part, Site};

/// Most ways from the logits up to the observation: each is evaluated on its own.
const WAY_MAX: usize = 4096;

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Vertex {
    /// The number of its site.
    pub site: usize,
    /// Its channels: runs of them.
    pub parts: Vec<Part>,
    /// On what it may depend.
    pub feature: Feature,
    /// Where it holds.
    pub holds: Place,
    /// Whether it reads the state itself.
    pub reads_observation: bool,
    /// The nodes it reads, by number, in the order of their sites.
    pub inputs: Vec<usize>,
}

/// A hypothesis of one network.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// In the order of the hypothesis.
    pub vertices: Vec<Vertex>,
    /// What the logits read, where it is said.
    output: Option<Inputs>,
}

impl Graph {
    /// Puts a hypothesis on the network whose sites these are.
    ///
    /// # Errors
    /// A site or a channel that the network does not have, a channel that two nodes have in one place, a node that
    /// reads one of its own site or a later one, more ways through the graph than are gone. The key is
    /// named.
    pub fn new(hypothesis: &Hypothesis, sites: &[Site]) -> Result<Self, Error> {
        let mut vertices: Vec<Vertex> = Vec::new();
        let mut taken: Vec<(usize, usize, Place)> = Vec::new();
        let inputs = hypothesis.inputs()?;
        for (node, (reads_observation, inputs)) in hypothesis.nodes.iter().zip(inputs) {
            let key = |key: &str| format!("nodes.{}.{key}", node.name);
            let site = sites.iter().position(|site| site.name == node.site);
            let site = site.ok_or_else(|| {
                let names: Vec<&str> = sites.iter().map(|site| site.name.as_str()).collect();
                let expected = format!("one of {}", names.join(", "));
                wrong(&key("site"), &expected, format!("{:?}", node.site))
            })?;
            let channel_len = sites[site].image.channels;
            let mut channels = match &node.channels {
                Channels::All(_) => (0..channel_len).collect(),
                Channels::These(these) => these.clone(),
            };
            channels.sort_unstable();
            if let Some(last) = channels.last().filter(|&&last| last >= channel_len) {
                let expected = format!("channels 0 to {} of {}", channel_len - 1, node.site);
                return Err(wrong(&key("channels"), &expected, last));
            }
            if channels.is_empty() {
                return Err(wrong(&key("channels"), "a channel at least", "none"));
            }
            for &channel in &channels {
                let is_taken = |&(s, c, holds): &(usize, usize, Place)| {
                    let meet = holds.covers(node.holds) || node.holds.covers(holds);
                    (s, c) == (site, channel) && meet
                };
                if taken.iter().any(is_taken) {
                    let expected = "channels that no node has there yet";
                    return Err(wrong(&key("channels"), expected, channel));
                }
                taken.push((site, channel, node.holds));
            }
            vertices.push(Vertex {
                site,
                parts: runs(&channels),
                feature: node.feature,
                holds: node.holds,
                reads_observation,
                inputs,
            });
        }
        let order: Vec<usize> = vertices.iter().map(|vertex| vertex.site).collect();
        for (vertex, node) in vertices.iter_mut().zip(&hypothesis.nodes) {
            vertex.inputs.sort_by_key(|&input| order[input]);
            if let Some(&input) = vertex.inputs.iter().find(|&&i| order[i] >= vertex.site) {
                let input = &hypothesis.nodes[input];
                let found = format!("{:?}, of {}", input.name, input.site);
                let expected = format!("nodes of sites before {}", node.site);
                let key = format!("nodes.{}.inputs", node.name);
                return Err(wrong(&key, &expected, found));
            }
        }
        let mut graph = Self {
            vertices,
            output: hypothesis.output_inputs()?,
        };
        if let Some((_, output)) = &mut graph.output {
            output.sort_by_key(|&input| order[input]);
        }
        let ways = graph.places().into_iter().map(|place| graph.ways(place));
        if ways.max().unwrap_or(0) > WAY_MAX {
            let expected = format!("at most {WAY_MAX} ways from the logits to the observation");
            return Err(wrong("nodes", &expected, "more"));
        }
        Ok(graph)
    }

    /// The places of which something else is said in each: both, or everywhere as one.
    pub fn places(&self) -> Vec<Place> {
        match self.vertices.iter().all(|v| v.holds == Place::Everywhere) {
            true => vec![Place::Everywhere],
            false => vec![Place::InRegion, Place::Outside],
        }
    }

    /// Whether anything is said of a place. A hypothesis without nodes says of every place that nothing
    /// matters there.
    pub fn speaks_of(&self, place: Place) -> bool {
        self.vertices.is_empty() || self.vertices.iter().any(|v| v.holds.covers(place))
    }

    /// What the logits read in a place.
    pub fn output(&self, place: Place) -> Inputs {
        match &self.output {
            Some((reads_observation, inputs)) => (*reads_observation, self.held(inputs, place)),
            None => {
                let all: Vec<usize> = (0..self.vertices.len()).collect();
                let mut roots = self.held(&all, place);
                let held = roots.clone();
                roots.retain(|root| {
                    let mut readers = held.iter().map(|&reader| &self.vertices[reader].inputs);
                    !readers.any(|inputs| inputs.contains(root))
                });
                roots.sort_by_key(|&root| self.vertices[root].site);
                (false, roots)
            }
        }
    }

    /// The nodes among these that hold in a place.
    pub fn held(&self, nodes: &[usize], place: Place) -> Vec<usize> {
        let mut held = nodes.to_vec();
        held.retain(|&node| self.vertices[node].holds.covers(place));
        held
    }

    /// Channels that some node has, each once.
    pub fn channel_len(&self) -> usize {
        let parts = self.vertices.iter().flat_map(|vertex| {
            let channels = vertex.parts.iter().flat_map(|part| part.channels.clone());
            channels.map(|channel| (vertex.site, channel))
        });
        let mut all: Vec<(usize, usize)> = parts.collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    /// Evaluations of nodes in a place; as good as without end where there are too many.
    fn ways(&self, place: Place) -> usize {
        // Inputs are of earlier sites, so that they are known by then.
        let mut order: Vec<usize> = (0..self.vertices.len()).collect();
        order.sort_by_key(|&node| self.vertices[node].site);
        let mut ways = vec![0usize; self.vertices.len()];
        let sum = |ways: &[usize], inputs: &[usize]| {
            let inputs = inputs.iter().map(|&input| ways[input]);
            inputs.fold(0, usize::saturating_add)
        };
        for node in order {
            let inputs = self.held(&self.vertices[node].inputs, place);
            ways[node] = sum(&ways, &inputs).saturating_add(1);
        }
        sum(&ways, &self.output(place).1)
    }
}

/// Parts of neighbouring channels, from channels in order.
fn runs(channels: &[usize]) -> Vec<Part> {
    let runs = channels.chunk_by(|a, b| a + 1 == *b);
    runs.map(|run| Part {
        channels: run[0]..run[0] + run.len(),
        cell: None,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::hypothesis::Node;
    use crate::circuits::patching::tests::policy;
    use crate::nn::Kind;

    fn node(name: &str, site: &str, channels: &[usize], inputs: &[&str], holds: Place) -> Node {
        Node {
            name: name.into(),
            site: site.into(),
            channels: Channels::These(channels.to_vec()),
            feature: Feature::Nothing,
            inputs: inputs.iter().map(|&input| input.into()).collect(),
            holds,
        }
    }

    fn graph(nodes: Vec<Node>, output: Option<&[&str]>) -> Result<Graph, String> {
        let hypothesis = Hypothesis {
            name: "x".into(),
            output: output.map(|names| names.iter().map(|&name| name.into()).collect()),
            nodes,
        };
        let (network, _) = policy(Kind::Small, 1);
        Graph::new(&hypothesis, &network.sites()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_network_has_not_is_told_with_its_key() {
        use Place::*;
        let a = || node("a", "conv1", &[0, 1], &[], InRegion);
        for (nodes, key, found) in [
            (
                vec![node("a", "conv9", &[0], &[], Outside)],
                "nodes.a.site",
                "\"conv9\"",
            ),
            (
                vec![node("a", "conv1", &[4], &[], Outside)],
                "nodes.a.channels",
                "4",
            ),
            (
                vec![node("a", "conv1", &[], &[], Outside)],
                "nodes.a.channels",
                "none",
            ),
            (
                vec![node("a", "conv1", &[1, 1], &[], Outside)],
                "nodes.a.channels",
                "1",
            ),
            (
                vec![a(), node("b", "conv1", &[1], &[], Everywhere)],
                "nodes.b.channels",
                "1",
            ),
            (
                vec![a(), node("b", "conv0", &[1], &["a"], InRegion)],
                "nodes.b.inputs",
                "\"a\"",
            ),
            (
                vec![a(), node("b", "conv1", &[2], &["a"], InRegion)],
                "nodes.b.inputs",
                "\"a\"",
            ),
        ] {
            let error = graph(nodes, None).unwrap_err();
            assert!(error.starts_with(&format!("{key}: expected ")), "{error}");
            assert!(error.contains(found), "{error}");
        }
        // The same channel in another place, or another channel.
        for b in [
            node("b", "conv1", &[1], &[], Outside),
            node("b", "conv1", &[2], &[], InRegion),
            node("b", "stream after conv1", &[1], &["a"], InRegion),
        ] {
            graph(vec![a(), b], None).unwrap();
        }
    }

    #[test]
    fn nodes_are_left_out_where_they_do_not_hold() {
        use Place::*;
        let nodes = vec![
            node("c", "dense", &[3, 0, 1], &["b"], InRegion),
            node("b", "conv1", &[0], &["observation"], Everywhere),
        ];
        let graph = graph(nodes.clone(), None).unwrap();
        assert_eq!(graph.places(), [InRegion, Outside]);
        assert_eq!(graph.output(InRegion), (false, vec![0]));
        assert_eq!(graph.output(Outside), (false, vec![1]));
        assert_eq!(graph.channel_len(), 4);
        let channels: Vec<_> = graph.vertices[0].parts.iter().collect();
        assert_eq!(
            [&channels[0].channels, &channels[1].channels],
            [&(0..2), &(3..4)]
        );
        let said = super::tests::graph(nodes, Some(&["c", "b", "observation"])).unwrap();
        assert_eq!(said.output(InRegion), (true, vec![1, 0]));
        assert_eq!(said.output(Outside), (true, vec![1]));
        let empty = super::tests::graph(Vec::new(), None).unwrap();
        assert_eq!(empty.places(), [Everywhere]);
        assert!(empty.speaks_of(Everywhere) && empty.output(Everywhere) == (false, vec![]));
    }

    #[test]
    fn graphs_of_too_many_ways_are_refused() {
        // Every node reads all of the layer before: 4^5 ways.
        let sites = [
            "conv0",
            "conv1",
            "stream after conv1",
            "conv2",
            "stream after conv2",
            "dense",
        ];
        let mut nodes: Vec<Node> = Vec::new();
        for (depth, site) in sites.into_iter().enumerate() {
            for channel in 0..4 {
                let name = format!("{depth}.{channel}");
                let inputs: Vec<String> = match depth {
                    0 => vec!["observation".into()],
                    _ => (0..4).map(|c| format!("{}.{c}", depth - 1)).collect(),
                };
                let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
                nodes.push(node(&name, site, &[channel], &inputs, Place::Everywhere));
            }
        }
        let error = graph(nodes.clone(), None).unwrap_err();
        assert!(
            error.starts_with("nodes: expected at most 4096 ways"),
            "{error}"
        );
        nodes.truncate(20);
        graph(nodes, None).unwrap();
    }
}
