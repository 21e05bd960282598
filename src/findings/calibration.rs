//! What the methods find where the answer is known.

use serde::{Deserialize, Serialize};

use super::Curves;
use super::sound::{Contradiction, Sound};
use crate::ablate::selectivity::{LEAST_RISE, LEAST_TARGET, MOST_SPARED};
use crate::ablate::{PerRate, Rate};
use crate::locators::{Method, calibration};
use crate::nn::Layout;
use crate::numeric::sum::mean;

/// What the locators found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibration {
    /// On made-up matrices.
    pub synthetic: Vec<calibration::Calibration>,
    /// On the policy with routed gradients.
    pub routed: Vec<Routed>,
    /// What that policy learnt.
    pub curves: Curves,
    /// By how much what the cheese adds in the region rose in its training, in the direction in which it rose less, and the
    /// walk to the corner, on curve levels.
    pub learnt: [f64; 2],
    /// Losses on selection levels where the half that moved in the region is reset, and where the
    /// other is: whether the halves serve what they learnt from.
    pub halves: [PerRate<f64>; 2],
    /// On policies put together from two halves that were trained apart.
    #[serde(default)]
    pub composed: Vec<Composed>,
}

impl Calibration {
    /// The locators that missed an easy plant; where made-up matrices say nothing, the halves of the
    /// composed policies on average, or of the routed one.
    pub fn missed(&self) -> Vec<Method> {
        let mut missed = calibration::uncalibrated(&self.synthetic);
        let low = |areas: [f64; 2]| areas.iter().any(|&area| area < calibration::AREA_MIN);
        let is_missed = |one: &&Routed| match self.composed_areas(one.locator) {
            Some([a, b]) => low([mean(&a), mean(&b)]),
            None => self.took() && one.areas.is_none_or(low),
        };
        let found = self.only_routed().filter(is_missed);
        missed.extend(found.map(|one| one.locator));
        missed
    }

    /// The locators that only a policy can be asked about, where there was none with both behaviours:
    /// there is nothing to find.
    pub fn untested(&self) -> Vec<Method> {
        let untested = self
            .only_routed()
            .filter(|one| !self.took() && self.composed_areas(one.locator).is_none());
        untested.map(|one| one.locator).collect()
    }

    /// The areas of a locator on the composed policies that learnt both behaviours, for A and for B; none
    /// where it was not asked, or there is none.
    pub fn composed_areas(&self, locator: Method) -> Option<[Vec<f64>; 2]> {
        let sound = self.composed.iter().filter(|composed| composed.took());
        let areas = sound.filter_map(|composed| {
            let mut located = composed.located.iter();
            located.find(|one| one.locator == locator)?.areas
        });
        let areas: Vec<[f64; 2]> = areas.collect();
        let of = |claim: usize| areas.iter().map(|areas| areas[claim]).collect();
        (!areas.is_empty()).then(|| [of(0), of(1)])
    }

    /// Whether the routed policy learnt both behaviours, each in its half.
    fn took(&self) -> bool {
        took(self.learnt, &self.halves)
    }

    fn only_routed(&self) -> impl Iterator<Item = &Routed> {
        self.routed.iter().filter(|one| {
            let mut rows = self.synthetic.iter();
            !rows.any(|row| row.locator == one.locator && row.areas.is_some())
        })
    }
}

/// One locator on the policy with routed gradients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Routed {
    /// The locator.
    pub locator: Method,
    /// For A: the half that moved in the region; for B: the other. None where it says nothing.
    pub areas: Option<[f64; 2]>,
}

/// By how much what the cheese adds in the region rose, in the direction in which it rose less, and the walk to the
/// corner.
pub fn learnt(rise: &dyn Fn(Rate) -> f64) -> [f64; 2] {
    let cheese = Rate::IN.map(rise).into_iter().fold(f64::INFINITY, f64::min);
    [cheese, rise(Rate::Corner)]
}

/// What the locators found in one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Composed {
    /// By how much what the cheese adds in the region, in the direction in which it is less, and the walk to the corner are above
    /// those of the policy before training.
    pub learnt: [f64; 2],
    /// Losses on selection levels where the half that seeks the cheese is reset, and where the other
    /// is.
    pub halves: [PerRate<f64>; 2],
    /// The locators that were asked; for A the cheese's half, for B the corner's.
    pub located: Vec<Routed>,
}

impl Composed {
    /// Whether both behaviours were learnt, each by its half: the policy is a known answer.
    pub fn took(&self) -> bool {
        took(self.learnt, &self.halves)
    }
}

/// Whether what the cheese adds and the walk to the corner were learnt, and either half, reset, takes at least a half of its own behaviour
/// and at most a tenth of the other: the cheese's half first, in either direction.
fn took(learnt: [f64; 2], [cheese, corner]: &[PerRate<f64>; 2]) -> bool {
    let takes = |half: &PerRate<f64>, own: &[Rate], other: &[Rate]| {
        own.iter().all(|&rate| half[rate] >= LEAST_TARGET)
            && other.iter().all(|&rate| half[rate] <= MOST_SPARED)
    };
    let of_corner = [Rate::Corner];
    let dissociates = takes(cheese, &Rate::IN, &of_corner) && takes(corner, &of_corner, &Rate::IN);
    learnt.iter().all(|&rise| rise >= LEAST_RISE) && dissociates
}

impl Sound for Calibration {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        self.curves.contradiction(layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What both halves learnt is no plant where the corner lives in the half that is called the cheese's.
    #[test]
    fn a_plant_has_to_dissociate_and_not_only_to_learn() {
        let half = |cheese: f64, corner: f64| {
            PerRate::new(|rate| match rate {
                Rate::InUpRight | Rate::InDownLeft => cheese,
                Rate::Corner => corner,
                _ => 9.0,
            })
        };
        let took = |cheese, corner, learnt| {
            let composed = Composed {
                learnt,
                halves: [cheese, corner],
                located: Vec::new(),
            };
            composed.took()
        };
        assert!(took(half(0.9, 0.05), half(0.0, 0.6), [0.4, 0.3]));
        assert!(!took(half(0.9, 0.76), half(0.0, 0.24), [0.4, 0.3]));
        assert!(!took(half(0.9, 0.05), half(0.3, 0.6), [0.4, 0.3]));
        assert!(!took(half(0.9, 0.05), half(0.0, 0.6), [0.4, 0.05]));
        let mut one_direction = half(0.9, 0.05);
        one_direction[Rate::InDownLeft] = 0.2;
        assert!(!took(one_direction, half(0.0, 0.6), [0.4, 0.3]));
    }
}
