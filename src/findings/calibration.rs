//! What the methods find where the answer is known.

use serde::{Deserialize, Serialize};

use super::sound::{Contradiction, Sound};
use crate::ablate::selectivity::{LEAST_RISE, LEAST_TARGET, MOST_SPARED};
use crate::ablate::{PerRate, Rate};
use crate::locators::{Method, Precision, calibration};
use crate::nn::Layout;
use crate::numeric::sum::mean;

/// What the locators found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibration {
    /// On made-up matrices.
    pub synthetic: Vec<calibration::Calibration>,
    /// On policies of two towers, those that do not count among them.
    pub composed: Vec<Composed>,
}

impl Calibration {
    /// The locators that missed an easy plant, or the towers of the composed policies that count on average.
    pub fn missed(&self) -> Vec<Method> {
        let mut missed = calibration::uncalibrated(&self.synthetic);
        for method in Method::ALL {
            let is_missed = self
                .on_plants(method)
                .is_some_and(|found| found.iter().any(OverPlants::is_low));
            if is_missed && !missed.contains(&method) {
                missed.push(method);
            }
        }
        missed
    }

    /// The locators of which neither made-up matrices nor a composed policy that counts say anything.
    pub fn untested(&self) -> Vec<Method> {
        let is_made_up = |method: Method| {
            let mut rows = self.synthetic.iter();
            rows.any(|row| row.locator == method && row.areas.is_some())
        };
        let all = Method::ALL.into_iter();
        all.filter(|&method| !is_made_up(method) && self.on_plants(method).is_none())
            .collect()
    }

    /// What a locator is worth on the composed policies that count, for A and for B; none where it was not asked, or none
    /// counts.
    pub fn on_plants(&self, locator: Method) -> Option<[OverPlants; 2]> {
        let counted = self.composed.iter().filter(|composed| composed.counts());
        let found = counted.filter_map(|composed| {
            let mut located = composed.located.iter();
            located.find(|one| one.locator == locator)?.worth
        });
        let found: Vec<[PlantScore; 2]> = found.collect();
        let of = |claim: usize| OverPlants(found.iter().map(|worth| worth[claim]).collect());
        (!found.is_empty()).then(|| [of(0), of(1)])
    }
}

/// What a locator is worth on several policies for one claim.
#[derive(Clone, Debug)]
pub struct OverPlants(pub Vec<PlantScore>);

impl OverPlants {
    /// The mean over the policies.
    pub fn mean(&self, of: fn(&PlantScore) -> f64) -> f64 {
        mean(&self.0.iter().map(of).collect::<Vec<_>>())
    }

    /// Whether the towers were not told apart. By effect they may be: that is told beside it and takes no mark away.
    fn is_low(&self) -> bool {
        self.mean(|one| one.area) < calibration::AREA_MIN
    }
}

/// What scores for one claim are worth on a composed policy: one tower's parameters against the other's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlantScore {
    /// Area under the ROC curve.
    pub area: f64,
    /// The same with every parameter weighted by what its reset does, to first order, to what its own tower does.
    pub by_effect: f64,
    /// Of the parameters of highest score, the share that is right.
    pub precision: Precision,
}

/// One locator on a composed policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OnPlant {
    /// The locator.
    pub locator: Method,
    /// Seconds it took.
    pub seconds: f64,
    /// For A: the cheese's tower; for B: the corner's. None where it says nothing.
    pub worth: Option<[PlantScore; 2]>,
}

/// By how much what the cheese adds in the region rose, in the direction in which it rose less, and the walk to the
/// corner.
pub fn learnt(rise: &dyn Fn(Rate) -> f64) -> [f64; 2] {
    let cheese = Rate::IN.map(rise).into_iter().fold(f64::INFINITY, f64::min);
    [cheese, rise(Rate::Corner)]
}

/// A policy of two towers, and what the locators found in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Composed {
    /// Its seed.
    pub seed: u64,
    /// Seconds it took to make.
    pub seconds: f64,
    /// What the logits of the corner's tower and of the cheese's are multiplied by.
    pub scales: [f32; 2],
    /// By how much what the cheese adds in the region, in the direction in which it is less, and the walk to the corner are above
    /// those of the policy before training.
    pub learnt: [f64; 2],
    /// Losses on selection levels where the tower that seeks the cheese is reset, and where the other
    /// is.
    pub halves: [PerRate<f64>; 2],
    /// Parameters by which locators are judged; 0 where the policy does not count.
    pub judged: usize,
    /// The share of them that is the cheese's tower's: for A the precision of chance.
    pub of_cheese: f64,
    /// The locators that were asked: none where the policy does not count.
    pub located: Vec<OnPlant>,
}

impl Composed {
    /// Whether both behaviours were learnt, and either tower, reset, takes at least a half of its own and at most a tenth of
    /// the other: the policy is a known answer.
    pub fn counts(&self) -> bool {
        counts(self.learnt, &self.halves)
    }
}

/// Whether a policy that learnt so much, and lost so much with the cheese's and with the corner's tower reset, is a known
/// answer.
pub fn counts(learnt: [f64; 2], halves: &[PerRate<f64>; 2]) -> bool {
    learnt.iter().all(|&rise| rise >= LEAST_RISE) && dissociation(halves) >= 0.0
}

/// How far either tower, reset, is inside of what a dissociation is: the least of own losses less a half and of a tenth less
/// the other's losses; the cheese's tower first.
pub fn dissociation([cheese, corner]: &[PerRate<f64>; 2]) -> f64 {
    let inside = |half: &PerRate<f64>, own: &[Rate], other: &[Rate]| {
        let own = own.iter().map(|&rate| half[rate] - LEAST_TARGET);
        let other = other.iter().map(|&rate| MOST_SPARED - half[rate]);
        own.chain(other).fold(f64::INFINITY, f64::min)
    };
    let of_corner = [Rate::Corner];
    inside(cheese, &Rate::IN, &of_corner).min(inside(corner, &of_corner, &Rate::IN))
}

impl Sound for Calibration {
    fn contradiction(&self, _: &Layout) -> Option<Contradiction> {
        let mut shares = Vec::new();
        for one in self.composed.iter().flat_map(|one| &one.located) {
            for worth in one.worth.iter().flatten() {
                shares.extend([worth.area, worth.by_effect, worth.precision.of_named]);
                shares.extend(worth.precision.at);
            }
        }
        let outside = shares
            .into_iter()
            .find(|share| !(0.0..=1.0).contains(share));
        outside.map(|share| ("areas and precisions of 0 to 1".into(), share.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half(cheese: f64, corner: f64) -> PerRate<f64> {
        PerRate::new(|rate| match rate {
            Rate::InUpRight | Rate::InDownLeft => cheese,
            Rate::Corner => corner,
            _ => 9.0,
        })
    }

    /// What both towers learnt is no plant where the corner lives in the one that is called the cheese's.
    #[test]
    fn a_plant_has_to_dissociate_and_not_only_to_learn() {
        let took = |cheese, corner, learnt| counts(learnt, &[cheese, corner]);
        assert!(took(half(0.9, 0.05), half(0.0, 0.6), [0.4, 0.3]));
        assert!(!took(half(0.9, 0.76), half(0.0, 0.24), [0.4, 0.3]));
        assert!(!took(half(0.9, 0.05), half(0.3, 0.6), [0.4, 0.3]));
        assert!(!took(half(0.9, 0.05), half(0.0, 0.6), [0.4, 0.05]));
        let mut one_direction = half(0.9, 0.05);
        one_direction[Rate::InDownLeft] = 0.2;
        assert!(!took(one_direction, half(0.0, 0.6), [0.4, 0.3]));
    }

    /// With an area below .8 on the policies that count it is marked, whatever it is by effect; what does not count does not mark, and who was never
    /// asked is untested.
    #[test]
    fn who_is_marked() {
        let score = |area, by_effect| PlantScore {
            area,
            by_effect,
            precision: Precision::of(&[1.0, 0.0], &[true, false]),
        };
        let composed = |corner: f64, found: &[(Method, f64, f64)]| Composed {
            seed: 1,
            seconds: 1.0,
            scales: [1.0, 2.0],
            learnt: [0.4, 0.5],
            halves: [half(0.9, 0.0), half(0.0, corner)],
            judged: 10,
            of_cheese: 0.5,
            located: found
                .iter()
                .map(|&(locator, area, by_effect)| OnPlant {
                    locator,
                    seconds: 0.1,
                    worth: Some([score(0.9, 0.9), score(area, by_effect)]),
                })
                .collect(),
        };
        let [low, high, mixed] = [
            Method::FisherRatio,
            Method::PathPatching,
            Method::MaskOracle,
        ];
        let found = [(low, 0.7, 0.79), (high, 0.9, 0.9), (mixed, 0.5, 0.95)];
        let calibration = |corner| Calibration {
            synthetic: Vec::new(),
            composed: vec![composed(corner, &found), composed(0.1, &[(high, 0.1, 0.1)])],
        };
        let one = calibration(0.9);
        assert_eq!(one.missed(), [low, mixed]);
        assert_eq!(one.untested().len(), Method::ALL.len() - 3);
        let none = calibration(0.2);
        assert!(none.missed().is_empty());
        assert_eq!(none.untested().len(), Method::ALL.len());
    }
}
