//! Hypotheses: what is accepted is written back the same, and a network that has its sites is scrubbed by
//! it.

use std::sync::OnceLock;

use gouda::ablate::Split;
use gouda::circuits::{Graph, Hypothesis, States, scrubbing};
use gouda::nn::{Network, Policy, Shape, init};

fn policy() -> &'static (Network, Vec<f32>, States) {
    static POLICY: OnceLock<(Network, Vec<f32>, States)> = OnceLock::new();
    POLICY.get_or_init(|| {
        let network = Network::new(Shape::tiny(), 16).expect("a small network");
        let params = init::initialise(&network.layout, 1);
        let states = States::new(Split::Discovery, 5, 3, 1, &[]).expect("a small maze");
        (network, params, states)
    })
}

pub fn check(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let Ok(hypothesis) = Hypothesis::parse(text) else {
        return false;
    };
    let again = Hypothesis::parse(&hypothesis.to_toml());
    assert_eq!(again.expect("what was written is read"), hypothesis);
    let (network, params, states) = policy();
    if let Ok(graph) = Graph::new(&hypothesis, &network.sites()) {
        assert!(graph.channel_len() >= graph.vertices.len().min(1));
        let policy = Policy::new(network, params);
        let found = scrubbing::scrub(policy, states, &hypothesis, &graph, 1);
        assert!(found.loss >= -1e-9 && found.loss.is_finite());
        assert!(found.states <= states.len() && (0.0..=1.0).contains(&found.unmatched));
        assert!(found.channel_share <= 1.0);
    }
    true
}
