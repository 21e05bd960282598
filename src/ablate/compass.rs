//! The compass: the simplest edit there is, a constant added to the logits in every maze.
//!
//! The policy's bias has as many free directions as there are moves less one, for a constant on all logits changes no
//! probability. An edit that is claimed to take a behaviour has to do better than these.

use crate::maze::{ActionSet, Move};
use crate::nn::Layout;
use crate::numeric::sum::norm;

/// Steps along a compass direction, in logits, those that tell most first.
pub const DOSES: [f64; 6] = [3.0, 5.0, 2.0, 8.0, 1.0, 0.5];

/// By how much each of left, right, up and down is preferred: orthogonal to each other and to the
/// constant.
const DIRECTIONS: [(&str, [f32; 4]); 3] = [
    ("up and right", [-1.0, 1.0, 1.0, -1.0]),
    ("down and right", [-1.0, 1.0, -1.0, 1.0]),
    ("sideways", [1.0, 1.0, -1.0, -1.0]),
];

/// The names of the directions.
pub fn names() -> [&'static str; 3] {
    DIRECTIONS.map(|(name, _)| name)
}

/// The three directions in the space of all parameters, by name; none where the layout has no bias of the policy for
/// these actions.
pub fn directions(layout: &Layout, actions: ActionSet) -> Vec<(&'static str, Vec<f32>)> {
    let bias = layout.tensors.iter().find(|t| t.name == "policy.bias");
    let Some(range) = bias.map(|bias| bias.range()) else {
        return Vec::new();
    };
    if range.len() != actions.action_len() {
        return Vec::new();
    }
    let direction = |(name, preferred): (&'static str, [f32; 4])| {
        let mut values = vec![0.0; layout.len()];
        for (action, value) in values[range.clone()].iter_mut().enumerate() {
            let movement: Option<Move> = actions.movement(action as u8);
            *value = movement.map_or(0.0, |movement| preferred[movement as usize]);
        }
        (name, values)
    };
    DIRECTIONS.map(direction).into()
}

/// The length of a step along a direction that prefers by `logits`: t (-1, +1, +1, -1)/2 on the moves, whatever number of actions make each.
pub fn length(direction: &[f32], logits: f64) -> f64 {
    let largest = direction.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    logits * norm(direction) / (2.0 * f64::from(largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_five_adds_two_and_a_half_to_up_and_right_and_takes_it_from_left_and_down() {
        let layout = Layout::new(vec![
            ("policy.weight".into(), vec![2, 4]),
            ("policy.bias".into(), vec![4]),
        ]);
        let all = directions(&layout, ActionSet::Four);
        let five = length(&all[0].1, 5.0);
        assert_eq!(five, 5.0);
        let edited = super::super::edit::step(&[0.0; 12], &all[0].1, five);
        assert_eq!(edited[..8], [0.0; 8]);
        assert_eq!(edited[8..], [-2.5, 2.5, 2.5, -2.5]);
        for (i, a) in all.iter().enumerate() {
            assert_eq!(a.1.iter().sum::<f32>(), 0.0, "{}", a.0);
            for b in &all[..i] {
                let dot: f32 = a.1.iter().zip(&b.1).map(|(a, b)| a * b).sum();
                assert_eq!(dot, 0.0);
            }
        }
        assert!(directions(&layout, ActionSet::Procgen).is_empty());
        // Three actions move left, three right, one up, one down: each of them by half of the logits.
        let layout = Layout::new(vec![("policy.bias".into(), vec![15])]);
        let all = directions(&layout, ActionSet::Procgen);
        let edited = super::super::edit::step(&[0.0; 15], &all[0].1, length(&all[0].1, 5.0));
        assert!(
            edited
                .iter()
                .all(|x| *x == 0.0 || (x.abs() - 2.5).abs() < 1e-6),
            "{edited:?}"
        );
    }
}
