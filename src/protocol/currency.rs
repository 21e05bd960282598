//! The common currency: every locator's top parameters reset, beside as many random ones of every
//! tensor, drawn several times.
//!
//! The area of a curve is the mean of selectivity over ln q, by trapezia: it makes no choice of q,
//! so selection levels give it without bias.

use crate::ablate::{Claim, PerRate};
use crate::findings::Curve;
use crate::numeric::exp::ln;
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
