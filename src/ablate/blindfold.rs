//! The blindfold: the weights that read the cheese's plane of the observation are taken away.
//!
//! ```text
//! theta'_p = (1 - share) theta_p for the weights of the first convolution whose input is the cheese's plane
//! ```
//!
//! A policy without them cannot see the cheese, so that what seeing it adds is exactly 0 and nothing else can change where
//! there is none: an edit whose effect is known before it is measured, in every network.

use crate::nn::Layout;
use crate::nn::network::OBSERVATION_CHANNELS;

/// The observation's channel that shows the cheese, after wall and mouse.
pub const CHEESE: usize = 2;

/// The places in theta of the first convolution's weights, `(height, width, channels, filters)`, that read the
/// cheese's plane; none where no tensor is a convolution that reads an observation.
pub fn plane(layout: &Layout) -> Vec<usize> {
    let first = layout.tensors.iter().find(|tensor| tensor.shape.len() == 4);
    let Some((tensor, &[_, _, OBSERVATION_CHANNELS, filters])) =
        first.map(|tensor| (tensor, tensor.shape.as_slice()))
    else {
        return Vec::new();
    };
    let is_cheese = |index: &usize| index / filters % OBSERVATION_CHANNELS == CHEESE;
    let places = (0..tensor.len()).filter(is_cheese);
    places.map(|index| tensor.offset + index).collect()
}

/// The parameters with this share of those weights taken away: nothing of them is left at 1, and at 0 nothing has changed.
pub fn blindfold(theta: &[f32], layout: &Layout, share: f64) -> Vec<f32> {
    let mut edited = theta.to_vec();
    for index in plane(layout) {
        edited[index] = ((1.0 - share) * f64::from(theta[index])) as f32;
    }
    edited
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Kind, Network, Shape};

    /// By index arithmetic of its own: the weight of filter o at (row, column) of channel c.
    fn at(offset: usize, filters: usize, row: usize, column: usize, c: usize, o: usize) -> usize {
        offset + ((row * 3 + column) * 3 + c) * filters + o
    }

    #[test]
    fn the_plane_is_every_weight_of_channel_two_in_either_network() {
        for (kind, filters) in [(Kind::Small, 5), (Kind::Impala, 16)] {
            let shape = Shape {
                kind,
                world: 9,
                channels: 5,
                blocks: 1,
                hidden: 8,
                action_len: 4,
            };
            let network = Network::new(shape, 4).unwrap();
            let layout = &network.layout;
            let mut expected = Vec::new();
            for (row, column) in (0..9).map(|i| (i / 3, i % 3)) {
                for o in 0..filters {
                    expected.push(at(layout.tensors[0].offset, filters, row, column, 2, o));
                }
            }
            assert_eq!(plane(layout), expected);
            let theta: Vec<f32> = (0..layout.len()).map(|i| 1.0 + i as f32).collect();
            assert_eq!(blindfold(&theta, layout, 0.0), theta);
            let gone = blindfold(&theta, layout, 1.0);
            let changed: Vec<usize> = (0..theta.len()).filter(|&i| gone[i] != theta[i]).collect();
            assert_eq!(changed, expected);
            assert!(changed.iter().all(|&i| gone[i] == 0.0));
            let half = blindfold(&theta, layout, 0.5);
            assert!(changed.iter().all(|&i| half[i] == theta[i] / 2.0));
        }
    }

    #[test]
    fn a_layout_that_reads_no_observation_has_no_plane() {
        let other = |shape: &[usize]| Layout::new(vec![("weight".into(), shape.to_vec())]);
        assert!(plane(&other(&[3, 3, 4, 8])).is_empty());
        assert!(plane(&other(&[81, 8])).is_empty());
    }
}
