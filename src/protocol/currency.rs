//! The common currency: every locator's top parameters reset, beside as many random ones of every
//! tensor, drawn several times.
//!
//! The area of a curve is the mean of selectivity over ln q, by trapezia: it makes no choice of q,
//! so selection levels give it without bias.
//!
//! Beside it: how well the scores for A find the weights that read the cheese's plane, which are an answer for A in every
//! policy ([`blindfold`]).

use crate::ablate::{Claim, PerRate, blindfold};
use crate::findings::{Blindfolded, Curve};
use crate::locators::calibration::precision_of_as_many;
use crate::nn::Layout;
use crate::numeric::exp::ln;
use crate::numeric::statistics::roc_area;
use crate::numeric::sum::mean;

use super::trials::Resets;

/// The curve of what a method's parameters cost, and of the mean of as many random ones, at every percentage.
pub fn curve(claim: Claim, percent: &[f64], pairs: &Resets) -> Curve {
    let of = |losses: &PerRate<f64>| claim.selectivity(&|rate| losses[rate]);
    let own = |(losses, _): &(PerRate<f64>, Vec<PerRate<f64>>)| of(losses);
    let drawn = |(_, random): &(PerRate<f64>, Vec<PerRate<f64>>)| {
        mean(&random.iter().map(of).collect::<Vec<f64>>())
    };
    let selectivity: Vec<f64> = pairs.iter().map(own).collect();
    let random: Vec<f64> = pairs.iter().map(drawn).collect();
    Curve {
        area: area(percent, &selectivity),
        random_area: area(percent, &random),
        percent: percent.to_vec(),
        losses: pairs.iter().map(|pair| pair.0).collect(),
        selectivity,
        random,
    }
}

/// How well scores find the weights that read the cheese's plane; none where no tensor reads an observation.
pub fn blindfolded(layout: &Layout, scores: &[f64]) -> Option<Blindfolded> {
    let plane = blindfold::plane(layout);
    let mut set = vec![false; layout.len()];
    plane.iter().for_each(|&index| set[index] = true);
    Some(Blindfolded {
        area: roc_area(scores, &set)?,
        precision: precision_of_as_many(scores, &set),
        share: plane.len() as f64 / set.len() as f64,
    })
}

/// Mean of `values` over ln `percent`, by trapezia; percentages ascend.
fn area(percent: &[f64], values: &[f64]) -> f64 {
    let x: Vec<f64> = percent.iter().map(|&q| ln(q)).collect();
    let width = x[x.len() - 1] - x[0];
    if width <= 0.0 {
        return values[0];
    }
    let steps = x.windows(2).zip(values.windows(2));
    let sum: f64 = steps
        .map(|(x, y)| 0.5 * (y[0] + y[1]) * (x[1] - x[0]))
        .sum();
    sum / width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plane_is_found_by_scores_that_name_it_and_missed_by_others() {
        let shape = crate::nn::Shape::tiny();
        let layout = crate::nn::Network::new(shape, 1).unwrap().layout;
        let plane = blindfold::plane(&layout);
        let scores = |own: f64| -> Vec<f64> {
            let all = 0..layout.len();
            all.map(|p| if plane.contains(&p) { own } else { 1.0 })
                .collect()
        };
        let found = |own: f64| blindfolded(&layout, &scores(own)).unwrap();
        let share = plane.len() as f64 / layout.len() as f64;
        for (own, precision, area) in [(2.0, 1.0, 1.0), (0.5, 0.0, 0.0), (1.0, share, 0.5)] {
            let found = found(own);
            assert!((found.precision - precision).abs() < 1e-12, "{found:?}");
            assert_eq!((found.area, found.share), (area, share));
        }
    }

    #[test]
    fn the_area_is_the_mean_over_the_logarithm() {
        assert!((area(&[1.0, 10.0, 100.0], &[0.0, 1.0, 0.0]) - 0.5).abs() < 1e-12);
        assert!((area(&[0.5, 1.0, 20.0], &[0.3; 3]) - 0.3).abs() < 1e-12);
        assert_eq!(area(&[5.0], &[0.7]), 0.7);
    }
}
