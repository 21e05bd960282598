//! Whether locators find what was planted (METHOD, "Planted truth").
//!
//! Two areas under the ROC curve for each claim. *Found*: the claim's set against all other parameters.
//! *Told apart*: the parameters of the claim's set alone against those of the other set alone: a locator
//! that finds where something was learnt and not what has .5 here, and one that takes early for late 0.
//! A locator either of whose areas is below .8 for either claim on an easy plant is uncalibrated.

use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::planted::{PLANTS, Plant, Planted};
use crate::numeric::statistics::roc_area;

/// Least area of a locator that is trusted.
pub const AREA_MIN: f64 = 0.8;

/// One locator on one plant.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Calibration {
    /// The locator.
    pub locator: Method,
    /// The plant.
    pub plant: String,
    /// Whether it should be found.
    pub is_easy: bool,
    /// For A and for B, the area of its scores; `None` where it needs what a plant has not.
    pub areas: Option<[Areas; 2]>,
}

/// Areas for one claim.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Areas {
    /// The claim's set against all other parameters.
    pub found: f64,
    /// What only the claim's set has against what only the other's has.
    pub told_apart: f64,
}

impl Calibration {
    /// Areas of what was located in a planted run.
    pub fn areas(planted: &Planted, located: &Located<'_>) -> [Areas; 2] {
        [0, 1].map(|claim| {
            let (scores, own) = (&located.scores[claim], &planted.sets[claim]);
            let other = &planted.sets[1 - claim];
            let (mut alone, mut is_own) = (Vec::new(), Vec::new());
            for ((&score, &own), &other) in scores.iter().zip(own).zip(other) {
                if own != other {
                    alone.push(score);
                    is_own.push(own);
                }
            }
            // Sets are neither empty nor everything.
            Areas {
                found: roc_area(scores, own).unwrap_or(0.5),
                told_apart: roc_area(&alone, &is_own).unwrap_or(0.5),
            }
        })
    }

    /// Whether an easy plant was not found.
    pub fn is_missed(&self) -> bool {
        let low = |areas: &[Areas; 2]| areas.iter().any(|a| a.found.min(a.told_apart) < AREA_MIN);
        self.is_easy && self.areas.as_ref().is_some_and(low)
    }
}

/// Every locator on every plant.
///
/// # Errors
/// A locator that fails.
pub fn calibrate(locators: &[Box<dyn Locator>], seed: u64) -> Result<Vec<Calibration>, Error> {
    let mut table = Vec::new();
    for plant in &PLANTS {
        table.extend(calibrate_on(plant, locators, seed)?);
    }
    Ok(table)
}

/// Every locator on one plant.
///
/// # Errors
/// A locator that fails.
pub fn calibrate_on(
    plant: &Plant,
    locators: &[Box<dyn Locator>],
    seed: u64,
) -> Result<Vec<Calibration>, Error> {
    let planted = Planted::new(plant, seed);
    let run = planted.run();
    let mut table = Vec::with_capacity(locators.len());
    for locator in locators {
        let located = locator.locate(&run)?;
        table.push(Calibration {
            locator: locator.method(),
            plant: plant.name.into(),
            is_easy: plant.is_easy,
            areas: located.map(|located| Calibration::areas(&planted, &located)),
        });
    }
    Ok(table)
}

/// The locators that missed an easy plant.
pub fn uncalibrated(table: &[Calibration]) -> Vec<Method> {
    let mut methods: Vec<Method> = Vec::new();
    for row in table.iter().filter(|row| row.is_missed()) {
        if !methods.contains(&row.locator) {
            methods.push(row.locator);
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locators::{Columns, GradientSvd, Oblique, Random, Recorded};

    fn areas(plant: &Plant, locator: impl Locator + 'static) -> [Areas; 2] {
        let table = calibrate_on(plant, &[Box::new(locator)], 1).unwrap();
        table[0].areas.unwrap()
    }

    #[test]
    fn unit_norm_columns_find_the_easy_plants_and_raw_ones_lose_late_under_falling_norms() {
        let [easy, falling] = [&PLANTS[0], &PLANTS[1]];
        for plant in [easy, falling] {
            let found = areas(plant, GradientSvd::UNIT_NORM);
            assert!(
                found.iter().all(|a| a.found > 0.9 && a.told_apart > 0.8),
                "{found:?}"
            );
            let drawn = areas(plant, Random);
            assert!(
                drawn.iter().all(|a| (a.found - 0.5).abs() < 0.08),
                "{drawn:?}"
            );
        }
        let [a, b] = areas(easy, GradientSvd::RAW);
        assert!(a.found > 0.9 && b.found > 0.9);
        let [a, b] = areas(falling, GradientSvd::RAW);
        assert!(a.found < 0.7 && b.found > 0.9, "{a:?} {b:?}");
    }

    #[test]
    fn oblique_directions_tell_overlapping_sets_apart_where_components_do_not() {
        for plant in &PLANTS[3..5] {
            assert!(plant.overlap);
            let least = |areas: [Areas; 2]| areas[0].told_apart.min(areas[1].told_apart);
            let plain = least(areas(plant, GradientSvd::UNIT_NORM));
            for oblique in [Oblique::Contrast, Oblique::Varimax] {
                let found = least(areas(plant, oblique));
                assert!(
                    found > 0.95 && plain < 0.85,
                    "{oblique:?}: {found}, plain {plain}"
                );
            }
        }
    }

    #[test]
    fn falling_norms_alone_make_raw_noise_early_and_find_nothing() {
        let nothing = Plant {
            snr: 0.0,
            ..PLANTS[1]
        };
        let planted = Planted::new(&nothing, 1);
        let run = planted.run();
        for (locator, columns) in [
            (GradientSvd::RAW, Columns::Raw),
            (GradientSvd::UNIT_NORM, Columns::UnitNorm),
        ] {
            let decomposed = run.decomposed(Recorded::Total, columns).unwrap().unwrap();
            let d = &decomposed.decomposition;
            let courses = decomposed.courses().unwrap();
            // The first three are the nuisance.
            for (i, course) in courses.iter().enumerate().take(8).skip(3) {
                let v = d.v_column(i);
                let early: f64 = v[..d.time_len / 3].iter().map(|v| v * v).sum();
                let index = course.temporal_index;
                // Even against the norms the leading noise of raw columns is early.
                let is_early = early > 0.95 && index < -0.1;
                assert_eq!(is_early, columns == Columns::Raw, "{i}: {early} {index}");
            }
            let located = locator.locate(&run).unwrap().unwrap();
            for areas in Calibration::areas(&planted, &located) {
                assert!((areas.found - 0.5).abs() < 0.1, "{columns:?}: {areas:?}");
            }
        }
    }

    #[test]
    fn who_is_calibrated() {
        let [misses, finds, swaps, needs_more] = [
            Method::Rollback,
            Method::MaskOracle,
            Method::WeightsSvd,
            Method::PathPatching,
        ];
        let row = |locator, is_easy, (found, told_apart)| Calibration {
            locator,
            plant: "a plant".into(),
            is_easy,
            areas: Some([0.9, found].map(|found| Areas { found, told_apart })),
        };
        let without = Calibration {
            areas: None,
            ..row(needs_more, true, (0.0, 0.0))
        };
        let table = [
            row(misses, true, (0.79, 0.9)),
            row(misses, true, (0.1, 0.9)),
            row(finds, true, (0.81, 0.81)),
            row(finds, false, (0.1, 0.1)),
            row(swaps, true, (0.95, 0.5)),
            without,
        ];
        assert_eq!(uncalibrated(&table), [misses, swaps]);
    }
}
