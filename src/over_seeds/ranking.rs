//! The methods in one currency over the seeds, and against each other.

use super::over::{adjust, over};
use crate::ablate::{Claim, PerClaim};
use crate::findings::{Curve, Findings, Pair, Ranked};
use crate::locators::{Group, Method};
use crate::numeric::draws::{self, Draws, packed};
use crate::numeric::random::Stream;
use crate::numeric::sum::mean;

/// The methods in the order in which seeds have them.
fn methods(seeds: &[Findings]) -> Vec<Method> {
    let mut all: Vec<Method> = Vec::new();
    for one in seeds.iter().flat_map(|one| &one.currency) {
        if !all.contains(&one.locator) {
            all.push(one.locator);
        }
    }
    all
}

/// The common currency, best first.
pub fn ranking(seeds: &[Findings], seed: u64) -> PerClaim<Vec<Ranked>> {
    let mut ranking = PerClaim::new(|claim| {
        let numbered = methods(seeds).into_iter().enumerate();
        let ranked = numbered.filter_map(|(number, method)| {
            let stream = |kind| {
                let parts = [(number as u64, 12), (kind, 3), (claim as u64, 1)];
                draws::METHODS_OVER.stream(seed, packed(&parts))
            };
            of_method(seeds, claim, method, stream)
        });
        ranked.collect::<Vec<Ranked>>()
    });
    let tested = ranking.iter_mut().flatten();
    let tested = tested.filter(|one| one.locator.group() == Group::GradientSvd);
    adjust(tested.map(|one| (one.above.p, &mut one.p_adjusted)));
    for ranked in ranking.iter_mut() {
        oracle_shares(ranked);
        ranked.sort_by(|a, b| b.area.mean.total_cmp(&a.area.mean));
    }
    ranking
}

/// Every method's area as a share of the oracle's, all above the same zero: the area of random scores. (Each has random parameters of
/// its own beside it, and those are not equally harmless.)
fn oracle_shares(ranked: &mut [Ranked]) {
    let of = |group: Group| ranked.iter().find(|one| one.locator.group() == group);
    let (Some(oracle), Some(random)) = (of(Group::Oracle), of(Group::Random)) else {
        return;
    };
    let is_sure = oracle.above.interval.is_some_and(|(low, _)| low > 0.0);
    let (zero, reach) = (random.area.mean, oracle.area.mean - random.area.mean);
    if !is_sure || reach <= 0.0 {
        return;
    }
    for one in ranked.iter_mut() {
        one.oracle_share = Some((one.area.mean - zero) / reach);
    }
}

fn of_method(
    seeds: &[Findings],
    claim: Claim,
    method: Method,
    stream: impl Fn(u64) -> Stream,
) -> Option<Ranked> {
    let all: Vec<_> = seeds
        .iter()
        .filter_map(|one| one.currency.iter().find(|c| c.locator == method))
        .filter(|one| one.found[claim].is_some())
        .collect();
    let values = |of: &dyn Fn(&Curve) -> f64| -> Vec<f64> {
        all.iter().map(|one| of(&one.curves[claim])).collect()
    };
    let above = values(&|curve| curve.area - curve.random_area);
    Some(Ranked {
        locator: method,
        area: over(values(&|curve| curve.area), stream(0))?,
        random: mean(&values(&|curve| curve.random_area)),
        above: over(above, stream(1))?,
        p_adjusted: None,
        oracle_share: None,
        seconds: mean(&all.iter().map(|one| one.seconds).collect::<Vec<f64>>()),
    })
}

/// Areas of the gradient SVDs minus areas of another group, seed by seed, with Holm over all of them.
pub fn pairs(seeds: &[Findings], others: Group, seed: u64, draws: Draws) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for claim in Claim::ALL {
        for gradients in Method::of(Group::GradientSvd) {
            for other in Method::of(others) {
                let area = |one: &Findings, method: Method| {
                    let mut found = one.currency.iter();
                    let found = found.find(|c| c.locator == method)?;
                    found.found[claim].as_ref()?;
                    Some(found.curves[claim].area)
                };
                let difference = |one: &Findings| Some(area(one, gradients)? - area(one, other)?);
                let values = seeds.iter().filter_map(difference).collect();
                let stream = draws.stream(seed, pairs.len() as u64);
                if let Some(difference) = over(values, stream) {
                    pairs.push(Pair {
                        claim,
                        gradients,
                        other,
                        difference,
                        p_adjusted: None,
                    });
                }
            }
        }
    }
    let tested = pairs.iter_mut();
    adjust(tested.map(|pair| (pair.difference.p, &mut pair.p_adjusted)));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Equal areas are equal shares, whatever random parameters of the method's own tensors cost.
    #[test]
    fn shares_of_the_oracle_have_one_zero() {
        let ranked = |locator: Method, area: f64, random: f64| {
            let over_of = |mean: f64| crate::findings::Over {
                mean,
                interval: Some((mean - 0.01, mean + 0.01)),
                p: None,
                values: vec![mean; 3],
            };
            Ranked {
                locator,
                area: over_of(area),
                random,
                above: over_of(area - random),
                p_adjusted: None,
                oracle_share: None,
                seconds: 0.0,
            }
        };
        let mut all = [
            ranked(Method::MaskOracle, 0.0, -0.5),
            ranked(Method::PathPatching, -0.2, -0.9),
            ranked(Method::GradientSvdRaw, -0.2, -0.3),
            ranked(Method::Random, -0.4, -0.4),
        ];
        oracle_shares(&mut all);
        let shares: Vec<f64> = all.iter().filter_map(|one| one.oracle_share).collect();
        let expected = [1.0, 0.5, 0.5, 0.0];
        assert!(
            shares
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-12),
            "{shares:?}"
        );
    }
}
