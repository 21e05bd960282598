//! Whether two methods point to the same parameters, and what two that know nothing of each other would.
//!
//! ```text
//! rho     = Spearman's correlation of their scores over all parameters
//! overlap = |top(a) and top(b)| / |top|          top: the 5 % of parameters with the highest scores
//! ```
//!
//! Both are sums over parameters of a product, `sum_p a_p b_p`. Their null shuffles the output channels of
//! every tensor among each other, for one of the two methods: where in the network it points stays, and
//! what it says of a channel's weights stays together, so that methods that score whole channels get no
//! significance from the number of weights. Its mean and variance are exact (Hoeffding 1951): with
//! `A_cd` the product of channel c of the one with channel d of the other, of n channels, a tensor has mean
//! `sum_cd A_cd / n` and variance `sum_cd d_cd^2 / (n - 1)`, d being A less its rows' and columns' means.

use crate::ablate::{Claim, edit};
use crate::findings::{Against, Agreement};
use crate::locators::Method;
use crate::nn::Layout;
use crate::numeric::statistics::ranks;
use crate::numeric::sum::mean;

/// The percentage of parameters whose overlap is told.
const TOP_PERCENT: f64 = 5.0;

/// All pairs of `scored`: methods with scores for A and for B. What scores all parameters alike points to
/// nothing, and is left out.
pub fn agreements(layout: &Layout, scored: &[(Method, [Vec<f64>; 2])]) -> Vec<Agreement> {
    let mut all = Vec::new();
    for claim in Claim::ALL {
        let prepared: Vec<(Method, Vec<f64>, Vec<f64>)> = scored
            .iter()
            .map(|(method, scores)| {
                let scores = &scores[claim as usize];
                (*method, standardised(scores), top(scores))
            })
            .filter(|(_, ranks, _)| ranks.iter().any(|&x| x != 0.0))
            .collect();
        for (at, (a, a_ranks, a_top)) in prepared.iter().enumerate() {
            for (b, b_ranks, b_top) in &prepared[at + 1..] {
                all.push(Agreement {
                    claim,
                    between: [*a, *b],
                    rho: against(layout, a_ranks, b_ranks),
                    overlap: against(layout, a_top, b_top),
                });
            }
        }
    }
    all
}

/// Ranks with mean 0 and length 1, so that a product is the correlation; zeros for a constant.
fn standardised(scores: &[f64]) -> Vec<f64> {
    let mut values = ranks(scores);
    let middle = mean(&values);
    values.iter_mut().for_each(|x| *x -= middle);
    let length = values.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length > 0.0 {
        values.iter_mut().for_each(|x| *x /= length);
    }
    values
}

/// The top parameters, so that a product is the share in common.
fn top(scores: &[f64]) -> Vec<f64> {
    let chosen = edit::top(scores, TOP_PERCENT);
    let mut values = vec![0.0; scores.len()];
    let each = 1.0 / (chosen.len().max(1) as f64).sqrt();
    chosen.into_iter().for_each(|index| values[index] = each);
    values
}

/// `sum_p a_p b_p` and the moments of its null.
fn against(layout: &Layout, a: &[f64], b: &[f64]) -> Against {
    let (mut value, mut null, mut variance) = (0.0, 0.0, 0.0);
    for tensor in &layout.tensors {
        let outs = tensor.shape.last().copied().unwrap_or(1);
        let rows = |of: &'_ [f64]| of[tensor.range()].to_vec();
        let (a, b) = (rows(a), rows(b));
        // Of the channels of either, each with each.
        let mut products = vec![0.0; outs * outs];
        for (a, b) in a.chunks(outs).zip(b.chunks(outs)) {
            for (&a, products) in a.iter().zip(products.chunks_mut(outs)) {
                if a != 0.0 {
                    products
                        .iter_mut()
                        .zip(b)
                        .for_each(|(sum, b)| *sum += a * b);
                }
            }
        }
        let n = outs as f64;
        value += (0..outs).map(|c| products[c * outs + c]).sum::<f64>();
        let by_row: Vec<f64> = products.chunks(outs).map(mean).collect();
        let by_column: Vec<f64> = (0..outs)
            .map(|d| (0..outs).map(|c| products[c * outs + d]).sum::<f64>() / n)
            .collect();
        let all = mean(&by_row);
        null += n * all;
        if outs > 1 {
            let places = (0..outs).flat_map(|c| (0..outs).map(move |d| (c, d)));
            let squares = places
                .map(|(c, d)| (products[c * outs + d] - by_row[c] - by_column[d] + all).powi(2));
            variance += squares.sum::<f64>() / (n - 1.0);
        }
    }
    Against {
        value,
        null,
        deviation: variance.max(0.0).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::layout::Tensor;
    use crate::numeric::random::{Purpose, Stream};
    use crate::numeric::statistics::spearman;

    fn layout() -> Layout {
        let tensor = |name: &str, shape: &[usize], offset| Tensor {
            name: name.into(),
            shape: shape.to_vec(),
            offset,
        };
        Layout {
            tensors: vec![
                tensor("conv0.weight", &[9, 3, 5], 0),
                tensor("conv0.bias", &[5], 135),
                tensor("value.weight", &[20, 1], 140),
            ],
        }
    }

    #[test]
    fn values_are_the_correlation_and_the_overlap_and_a_method_agrees_with_itself() {
        let mut stream = Stream::new(1, Purpose::Nulls, 0);
        let mut scores =
            || -> [Vec<f64>; 2] { [0, 1].map(|_| (0..160).map(|_| stream.normal()).collect()) };
        let (a, b) = (scores(), scores());
        let scored = [
            (Method::FisherRatio, &a),
            (Method::PathPatching, &b),
            (Method::MaskOracle, &a),
        ]
        .map(|(method, scores)| (method, scores.clone()));
        let found = agreements(&layout(), &scored);
        assert_eq!(found.len(), 6);
        let rho = spearman(&a[0], &b[0]).unwrap();
        assert!((found[0].rho.value - rho).abs() < 1e-12);
        let same = &found[1];
        assert_eq!(same.between, [Method::FisherRatio, Method::MaskOracle]);
        assert!((same.rho.value - 1.0).abs() < 1e-12 && (same.overlap.value - 1.0).abs() < 1e-12);
        assert!(same.rho.value > same.rho.null + 3.0 * same.rho.deviation);
    }

    /// Against shuffles one by one.
    #[test]
    fn the_moments_are_those_of_shuffled_channels() {
        let layout = layout();
        let mut stream = Stream::new(2, Purpose::Nulls, 0);
        // Channels that differ, so that shuffling them matters.
        let mut drawn = || -> Vec<f64> {
            let level: Vec<f64> = (0..5).map(|_| 2.0 * stream.normal()).collect();
            (0..160).map(|i| level[i % 5] + stream.normal()).collect()
        };
        let (a, b) = (standardised(&drawn()), standardised(&drawn()));
        let exact = against(&layout, &a, &b);
        let mut values = Vec::new();
        for _ in 0..20_000 {
            let mut shuffled = b.clone();
            for tensor in &layout.tensors {
                let outs = *tensor.shape.last().unwrap();
                let mut order: Vec<usize> = (0..outs).collect();
                stream.shuffle(&mut order);
                for (at, index) in tensor.range().enumerate() {
                    let row = at - at % outs;
                    shuffled[index] = b[tensor.offset + row + order[at % outs]];
                }
            }
            values.push(a.iter().zip(&shuffled).map(|(a, b)| a * b).sum::<f64>());
        }
        let centre = mean(&values);
        let spread = values.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / 20_000.0;
        assert!(
            (centre - exact.null).abs() < 0.03 * exact.deviation,
            "{centre} {exact:?}"
        );
        assert!(
            (spread.sqrt() / exact.deviation - 1.0).abs() < 0.03,
            "{spread} {exact:?}"
        );
    }
}
