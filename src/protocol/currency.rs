//! The common currency: every locator's top parameters reset, beside as many random ones of every
//! tensor.
//!
//! The area of a curve is the mean of selectivity over ln q, by trapezia: it makes no choice of q,
//! so selection levels give it without bias.

use serde::{Deserialize, Serialize};

use crate::ablate::Claim;
use crate::locators::Supervision;
use crate::numeric::exp::ln;

use crate::protocol::bench::Losses;

/// What one locator's resets did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Currency {
    /// Its name.
    pub locator: String,
    /// What it scores.
    pub meaning: String,
    /// What it was told.
    pub supervision: Supervision,
    /// Seconds it took.
    pub seconds: f64,
    /// What it found for A and for B.
    pub found: [String; 2],
    /// Share of the top 5 % of parameters in each tensor, by claim.
    pub by_tensor: [Vec<f64>; 2],
    /// For A and for B.
    pub curves: [Curve; 2],
}

/// Selectivity against the percentage of parameters reset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Curve {
    /// Percentages.
    pub percent: Vec<f64>,
    /// Losses of the locator's parameters, in the order of `Rate::ALL`.
    pub losses: Vec<Losses>,
    /// Selectivity of the locator's parameters.
    pub selectivity: Vec<f64>,
    /// Of random ones.
    pub random: Vec<f64>,
    /// Area under `selectivity`.
    pub area: f64,
    /// Area under `random`.
    pub random_area: f64,
}

impl Curve {
    /// From the losses of own and random parameters at every percentage.
    pub fn new(claim: Claim, percent: &[f64], pairs: &[[Losses; 2]]) -> Self {
        let of = |which: usize| -> Vec<f64> {
            let selectivity = |pair: &[Losses; 2]| claim.selectivity(&|rate| pair[which].of(rate));
            pairs.iter().map(selectivity).collect()
        };
        let (selectivity, random) = (of(0), of(1));
        Self {
            area: area(percent, &selectivity),
            random_area: area(percent, &random),
            percent: percent.to_vec(),
            losses: pairs.iter().map(|pair| pair[0]).collect(),
            selectivity,
            random,
        }
    }
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
    fn the_area_is_the_mean_over_the_logarithm() {
        assert!((area(&[1.0, 10.0, 100.0], &[0.0, 1.0, 0.0]) - 0.5).abs() < 1e-12);
        assert!((area(&[0.5, 1.0, 20.0], &[0.3; 3]) - 0.3).abs() < 1e-12);
        assert_eq!(area(&[5.0], &[0.7]), 0.7);
    }
}
