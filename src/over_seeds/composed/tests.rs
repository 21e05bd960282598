//! The towers are what they are said to be.

use super::towers::Towers;
use crate::nn::{Kind, Network, Policy, Shape, Workspace, init};
use crate::numeric::random::{Purpose, Stream};

fn shape() -> Shape {
    Shape {
        kind: Kind::Small,
        world: 9,
        channels: 6,
        blocks: 2,
        hidden: 10,
        action_len: 4,
    }
}

fn logits(network: &Network, params: &[f32]) -> Vec<f32> {
    let state: Vec<u8> = (0..2 * 243).map(|i| u8::from(i * 7 % 5 == 0)).collect();
    let mut workspace = Workspace::new(network);
    workspace.forward(Policy::new(network, params), &state, 2);
    workspace.logits(network, 2).to_vec()
}

/// Parameters of either tower.
fn parts(towers: &Towers) -> [Vec<f32>; 2] {
    let mut draws = Stream::new(1, Purpose::Init, 9);
    [1, 2].map(|seed| {
        let initial = init::initialise(&towers.half.layout, seed);
        let noise = |p: &f32| p + 0.1 * draws.normal() as f32;
        initial.iter().map(noise).collect()
    })
}

#[test]
fn the_whole_prefers_what_its_towers_prefer_together() {
    let towers = Towers::new(shape()).unwrap();
    let parts = parts(&towers);
    let scales = [1.5, 3.0];
    let theta = towers.compose([&parts[0], &parts[1]], scales);
    let whole = logits(&towers.full, &theta);
    let [a, b] = parts.each_ref().map(|params| logits(&towers.half, params));
    for ((whole, a), b) in whole.iter().zip(&a).zip(&b) {
        let expected = scales[0] * a + scales[1] * b;
        assert!((whole - expected).abs() < 1e-4, "{whole} {expected}");
    }
    // All that is not zero belongs to one tower, but for the heads' biases.
    let members = towers.members();
    let heads = 4 + 1;
    for members in &members {
        let count = members.iter().filter(|&&is| is).count();
        assert_eq!(count, towers.half.param_len() - heads);
    }
    let held = towers.held();
    let whose = |i: usize| [members[0][i], members[1][i]].map(usize::from);
    for i in 0..theta.len() {
        let [corner, cheese] = whose(i);
        assert!(corner + cheese < 2);
        if held.contains(&i) {
            // The corner's weights of the cheese's plane are held too.
            assert_eq!(cheese, 0);
        } else if corner + cheese == 0 {
            let mut tensor = towers.full.layout.tensors.iter();
            let tensor = tensor.find(|t| t.range().contains(&i)).unwrap();
            assert!(["policy.bias", "value.bias"].contains(&tensor.name.as_str()));
        }
    }
    let across = theta.len() - 2 * towers.half.param_len() + heads;
    assert_eq!(held.len(), across + 9 * 3);
}

/// An update of a tower moves the whole as the tower moves, and a gradient of it changes a function of the whole by as much.
#[test]
fn updates_and_gradients_keep_their_meaning_in_the_whole() {
    let towers = Towers::new(shape()).unwrap();
    let [corner, cheese] = parts(&towers);
    let mut draws = Stream::new(2, Purpose::Init, 9);
    let mut random = || -> Vec<f32> {
        let len = towers.half.param_len();
        (0..len).map(|_| 0.01 * draws.normal() as f32).collect()
    };
    let (update, gradient) = (random(), random());
    let scale = 3.0;
    let moved: Vec<f32> = cheese.iter().zip(&update).map(|(a, b)| a + b).collect();
    let before = towers.compose([&corner, &cheese], [1.0, scale]);
    let after = towers.compose([&corner, &moved], [1.0, scale]);
    let embedded = towers.embed_update(1, &update, scale);
    for ((before, after), update) in before.iter().zip(&after).zip(&embedded) {
        assert!((after - before - update).abs() < 1e-5);
    }
    let product =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
    let by_gradient = product(&towers.embed_gradient(1, &gradient, scale), &embedded);
    assert!((by_gradient - product(&gradient, &update)).abs() < 1e-6);
}
