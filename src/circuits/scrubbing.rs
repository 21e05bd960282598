//! Causal scrubbing (Chan et al. 2022, Redwood Research): how much of what a policy predicts is left when
//! all is resampled that a [hypothesis](super::hypothesis) calls irrelevant.
//!
//! ```text
//! scrub(n, x):  x_n   another state with n's feature as in x        x itself for the logits
//!               run   the state x_n where n reads the observation, else any state u
//!               for every node m that n reads, site after site:
//!                   its channels <- scrub(m, x_n), and everything after follows
//!               what the run has in n's channels; of the logits, pi_s
//! loss(x)     = KL(pi(x) || pi_s)         loss_random(x) = KL(pi(x) || pi(u)), of the same u
//! recovered   = (mean loss_random - mean loss) / mean loss_random
//! ```
//!
//! A node that several read is drawn anew for each. What the hypothesis does not call important shares one state u for
//! each reader; one state for each part would be further from anything that occurs. Where a node holds
//! in one place only, states and those that stand in for them are all of the same place.
//!
//! Where no other state has the feature the state stays, and what depends on it is recovered for
//! nothing: the share of such draws is given. States whose losses cancel hide in the mean, so its quantiles
//! over states stand beside it; a hypothesis that calls more important than need be loses nothing by it,
//! so its size does.
//!
//! Cost: a forward pass for the logits, the random state and each way up the graph, and what follows
//! each node. Same bits at any thread count: every state has its own stream.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::graph::Graph;
use super::hypothesis::{Feature, Hypothesis, Place};
use super::recovered::{Loss, Outcome, Scrubbed, divergence, log_probs};
use super::states::{Matches, States};
use crate::nn::{Policy, Site, Workspace};
use crate::numeric::draws;
use crate::numeric::random::Stream;

/// Scrubs a policy by a hypothesis, and its `graph`, on all of `states` of which it says something.
pub fn scrub(
    policy: Policy<'_>,
    states: &States,
    hypothesis: &Hypothesis,
    graph: &Graph,
    seed: u64,
) -> Scrubbed {
    let network = policy.network;
    let sites = network.sites();
    let mut outcome = Outcome::default();
    for place in graph.places() {
        if !graph.speaks_of(place) {
            continue;
        }
        let pool = states.of(place);
        let features = graph.vertices.iter().map(|vertex| vertex.feature);
        let matches = features.map(|feature| (feature, states.matches(feature, &pool)));
        let scrubber = Scrubber {
            policy,
            sites: &sites,
            states,
            graph,
            place,
            matches: matches.collect(),
            pool: &pool,
            seed,
        };
        let blocks: Vec<Outcome> = pool
            .par_chunks(network.sample_len)
            .map_init(
                || Workspace::new(network),
                |workspace, block| scrubber.block(block, workspace),
            )
            .collect();
        blocks.into_iter().for_each(|block| outcome.extend(block));
    }
    outcome.summed(hypothesis, graph, &sites)
}

/// The values of a node's parts, a list a part of one a sample.
type Values = Vec<Vec<Vec<f32>>>;

struct Scrubber<'a> {
    policy: Policy<'a>,
    sites: &'a [Site],
    states: &'a States,
    graph: &'a Graph,
    place: Place,
    matches: BTreeMap<Feature, Matches>,
    pool: &'a [usize],
    seed: u64,
}

/// What a block of states is worked on with.
struct Work<'a> {
    /// One a state.
    streams: Vec<Stream>,
    workspace: &'a mut Workspace<f32>,
    outcome: Outcome,
}

impl Scrubber<'_> {
    fn block(&self, block: &[usize], workspace: &mut Workspace<f32>) -> Outcome {
        let stream = |&state: &usize| draws::SCRUBBED.stream(self.seed, state as u64);
        let mut work = Work {
            streams: block.iter().map(stream).collect(),
            workspace,
            outcome: Outcome::default(),
        };
        let any = self.any(&mut work.streams);
        let before = self.logits_of(block, work.workspace);
        let random = self.logits_of(&any, work.workspace);
        let (reads_observation, inputs) = self.graph.output(self.place);
        let base = if reads_observation { block } else { &any };
        self.run(base, block, &inputs, &mut work);
        let scrubbed = work.workspace.logits(self.policy.network, block.len());
        let rows = |logits: &[f32]| -> Vec<Vec<f64>> {
            let rows = logits.chunks(self.policy.network.shape.action_len);
            rows.map(log_probs).collect()
        };
        let [before, random, scrubbed] = [&before, &random, scrubbed].map(rows);
        for (sample, &state) in block.iter().enumerate() {
            work.outcome.losses.push(Loss {
                maze: self.states.maze(state),
                scrubbed: divergence(&before[sample], &scrubbed[sample]),
                random: divergence(&before[sample], &random[sample]),
            });
        }
        work.outcome
    }

    /// Any state, one a sample.
    fn any(&self, streams: &mut [Stream]) -> Vec<usize> {
        let len = u32::try_from(self.pool.len()).expect("pools of up to 2^32 states");
        let draws = streams.iter_mut().map(|stream| stream.below(len));
        draws.map(|drawn| self.pool[drawn as usize]).collect()
    }

    fn forward(&self, states: &[usize], workspace: &mut Workspace<f32>) {
        let observations = self.states.observations(states);
        workspace.forward(self.policy, &observations, states.len());
    }

    fn logits_of(&self, states: &[usize], workspace: &mut Workspace<f32>) -> Vec<f32> {
        self.forward(states, workspace);
        workspace.logits(self.policy.network, states.len()).to_vec()
    }

    /// Leaves in the workspace the run on `base` with the nodes `inputs` as in `states`, scrubbed.
    fn run(&self, base: &[usize], states: &[usize], inputs: &[usize], work: &mut Work<'_>) {
        // Before the run: the inputs have theirs in the same workspace.
        let values: Vec<Values> = inputs
            .iter()
            .map(|&input| self.values(input, states, work))
            .collect();
        self.forward(base, work.workspace);
        for (&input, values) in inputs.iter().zip(&values) {
            let vertex = &self.graph.vertices[input];
            let site = &self.sites[vertex.site];
            for (part, values) in vertex.parts.iter().zip(values) {
                work.workspace
                    .patch(site, part, base.len(), |sample, held| {
                        held.copy_from_slice(&values[sample]);
                    });
            }
            let len = base.len();
            work.workspace.forward_after(self.policy, site, len);
        }
    }

    /// What a node gives, scrubbed, for each of some states.
    fn values(&self, node: usize, states: &[usize], work: &mut Work<'_>) -> Values {
        let vertex = &self.graph.vertices[node];
        let drawn: Vec<usize> = match vertex.feature {
            Feature::State => states.to_vec(),
            feature => {
                let matches = &self.matches[&feature];
                let states = states.iter().zip(&mut work.streams);
                let draws: Vec<_> = states.map(|(&x, s)| (x, matches.draw(x, s))).collect();
                work.outcome.matched += draws.len();
                work.outcome.unmatched += draws.iter().filter(|(_, other)| other.is_none()).count();
                let kept = draws.into_iter().map(|(x, other)| other.unwrap_or(x));
                kept.collect()
            }
        };
        let base = match vertex.reads_observation {
            true => drawn.clone(),
            false => self.any(&mut work.streams),
        };
        let inputs = self.graph.held(&vertex.inputs, self.place);
        self.run(&base, &drawn, &inputs, work);
        let site = &self.sites[vertex.site];
        let parts = vertex.parts.iter();
        let read = |part| (0..states.len()).map(move |sample| (part, sample));
        parts
            .map(|part| {
                let samples = read(part);
                samples
                    .map(|(part, sample)| work.workspace.read(site, part, sample))
                    .collect()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::Split;
    use crate::circuits::Share;
    use crate::circuits::hypothesis::{All, Channels, Node, OBSERVATION};
    use crate::circuits::patching::tests::policy;
    use crate::locators::path_patching::tests::two_halves;
    use crate::nn::{Kind, Network, Shape};

    fn node(name: &str, site: &str, feature: Feature, inputs: &[&str]) -> Node {
        Node {
            name: name.into(),
            site: site.into(),
            channels: Channels::All(All::All),
            feature,
            inputs: inputs.iter().map(|&input| input.into()).collect(),
            holds: Place::Everywhere,
        }
    }

    fn scrubbed(policy: Policy<'_>, nodes: Vec<Node>, output: Option<&[&str]>) -> Scrubbed {
        let hypothesis = Hypothesis {
            name: "x".into(),
            output: output.map(|names| names.iter().map(|&name| name.into()).collect()),
            nodes,
        };
        let states = States::new(Split::Discovery, 9, 5, 6, &[]).unwrap();
        let graph = Graph::new(&hypothesis, &policy.network.sites()).unwrap();
        scrub(policy, &states, &hypothesis, &graph, 1)
    }

    #[test]
    fn all_of_the_network_recovers_all_and_nothing_of_it_nothing_exactly() {
        for kind in [Kind::Small, Kind::Impala] {
            let (network, params) = policy(kind, 1);
            let policy = Policy::new(&network, &params);
            let sites = network.sites();
            let names: Vec<&str> = sites.iter().map(|site| site.name.as_str()).collect();
            // Every site reads all of those before it, some of which are by-ways of others; far enough
            // up, where a few sites hold all, the observation.
            let first = names.len().saturating_sub(7);
            let all = (first..names.len()).map(|site| {
                let mut inputs = names[first..site].to_vec();
                if site < first + 3 {
                    inputs.push(OBSERVATION);
                }
                node(names[site], names[site], Feature::State, &inputs)
            });
            let all = scrubbed(policy, all.collect(), None);
            assert_eq!(
                all.recovered,
                Share {
                    value: 1.0,
                    error: 0.0
                },
                "{kind:?}"
            );
            assert_eq!(
                (all.loss, all.quantiles, all.unmatched),
                (0.0, [1.0; 3], 0.0)
            );
            assert!(all.random > 0.01, "{}", all.random);
            let nothing = scrubbed(policy, Vec::new(), None);
            assert_eq!(
                nothing.recovered,
                Share {
                    value: 0.0,
                    error: 0.0
                }
            );
            assert_eq!((nothing.loss, nothing.random), (all.random, all.random));
            assert_eq!((nothing.nodes, nothing.channels), (0, 0));
            let untouched = scrubbed(policy, Vec::new(), Some(&[OBSERVATION]));
            assert_eq!(untouched.loss, 0.0);
        }
    }

    #[test]
    fn what_depends_on_nothing_recovers_nothing_but_for_chance() {
        let (network, params) = policy(Kind::Small, 2);
        let any = vec![node("a", "dense", Feature::Nothing, &[OBSERVATION])];
        let any = scrubbed(Policy::new(&network, &params), any, None);
        let Share { value, error } = any.recovered;
        assert!(
            value != 0.0 && value.abs() < 4.0 * error + 0.02,
            "{value} {error}"
        );
    }

    /// One half sees walls and mouse, the other the cheese; they meet at the logits.
    #[test]
    fn the_right_hypothesis_of_a_network_of_two_halves_recovers_all_and_its_swap_less() {
        let shape = Shape {
            kind: Kind::Small,
            world: 9,
            channels: 8,
            blocks: 2,
            hidden: 16,
            action_len: 4,
        };
        let network = Network::new(shape, 16).unwrap();
        for seed in 1..4 {
            let (mut params, _) = two_halves(&network, seed);
            // One cell of cheese says less than all the walls: it is heeded more.
            let mut tensors = network.layout.tensors.iter();
            let head = tensors
                .find(|tensor| tensor.name == "policy.weight")
                .unwrap();
            let (_, cheese) = params[head.range()].split_at_mut(8 * 4);
            cheese.iter_mut().for_each(|weight| *weight *= 40.0);
            // Two layers of nodes, and everything in between follows from the first.
            let halves = |way: Feature, cheese: Feature| {
                let half = |name: &str, site: &str, channels, feature, input| Node {
                    channels: Channels::These(channels),
                    ..node(name, site, feature, &[input])
                };
                vec![
                    half("way", "dense", (0..8).collect(), way, "way before"),
                    half(
                        "cheese",
                        "dense",
                        (8..16).collect(),
                        cheese,
                        "cheese before",
                    ),
                    half("way before", "conv0", (0..4).collect(), way, OBSERVATION),
                    half(
                        "cheese before",
                        "conv0",
                        (4..8).collect(),
                        cheese,
                        OBSERVATION,
                    ),
                ]
            };
            let recovered = |way, cheese| {
                let found = scrubbed(Policy::new(&network, &params), halves(way, cheese), None);
                assert_eq!((found.nodes, found.channels), (4, 24));
                assert!(found.unmatched < 0.5, "{}", found.unmatched);
                (found.recovered.value, found.quantiles[0])
            };
            use Feature::{CheeseOffset, State, WallsAndMouse};
            let (right, least) = recovered(WallsAndMouse, State);
            assert!(right > 1.0 - 1e-9 && least > 1.0 - 1e-9, "{right} {least}");
            // What the cheese's half is given has another cheese, or none; then the other's half too.
            for (way, cheese) in [(State, WallsAndMouse), (CheeseOffset, WallsAndMouse)] {
                let (wrong, _) = recovered(way, cheese);
                println!("{seed}, {way:?}, {cheese:?}: {wrong:.2}");
                assert!(wrong < 0.9, "{way:?} {cheese:?}: {wrong}");
            }
        }
    }

    #[test]
    fn places_count_alone_and_bits_do_not_depend_on_threads() {
        let (network, params) = policy(Kind::Small, 4);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                [Place::InRegion, Place::Outside, Place::Everywhere].map(|holds| {
                    let few = Node {
                        channels: Channels::These(vec![0, 1, 3]),
                        holds,
                        ..node("a", "conv1", Feature::CheeseOffset, &[OBSERVATION])
                    };
                    scrubbed(
                        Policy::new(&network, &params),
                        vec![few],
                        Some(&["a", OBSERVATION]),
                    )
                })
            })
        };
        let [inside, outside, everywhere] = run(1);
        assert_eq!(inside.states + outside.states, everywhere.states);
        assert!(inside.states > 100 && outside.states > 100);
        assert!(everywhere.unmatched < outside.unmatched && outside.unmatched < 0.5);
        assert!(inside.recovered.error > 0.0 && inside.recovered.value < 1.0);
        assert_eq!(run(3), [inside, outside, everywhere]);
    }
}
