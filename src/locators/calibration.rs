//! Whether locators find what was planted (METHOD, "Planted truth").
//!
//! Two areas under the ROC curve for each claim. *Found*: the claim's set against all other parameters.
//! *Told apart*: the parameters of the claim's set alone against those of the other set alone: a locator
//! that finds where something was learnt and not what has .5 here, and one that takes early for late 0.
//!
//! An area is of the order of all parameters, and most of a sparse locator's have one score: right about
//! everything it names, it has an area of half of what it leaves out. So beside them stands the precision: of the
//! q % of parameters with the highest scores, and of those that it names (scores above 0), the share in the claim's
//! set. Ties count by their mean, as if broken at random.
//!
//! A locator is uncalibrated where on an easy plant either area of a claim is below .8, and not eight in ten of what
//! it names for it (ten parameters or more) are right.

use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::planted::{PLANTS, Plant, Planted};
use crate::numeric::statistics::roc_area;

/// Least area of a locator that is trusted.
pub const AREA_MIN: f64 = 0.8;

/// The shares of all parameters, in per cent, of which the precision is told.
pub const PERCENTS: [f64; 4] = [1.0, 2.0, 5.0, 10.0];
/// Fewer named parameters prove nothing.
const NAMED_MIN: usize = 10;

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
    /// Of what it names first, the share that is right.
    pub precision: Precision,
}

impl Areas {
    /// Whether the set was not found: by the order of all parameters, nor by those that are named.
    fn is_low(&self) -> bool {
        let is_right = |named: Precision| named.named >= NAMED_MIN && named.of_named >= AREA_MIN;
        self.found.min(self.told_apart) < AREA_MIN && !is_right(self.precision)
    }
}

/// Of the parameters with the highest scores, the share in a set.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Precision {
    /// Of the shares in [`PERCENTS`].
    pub at: [f64; 4],
    /// How many parameters have a score above 0.
    pub named: usize,
    /// Of these; 0 for none.
    pub of_named: f64,
}

impl Precision {
    /// Of scores, the higher the more.
    pub fn of(scores: &[f64], set: &[bool]) -> Self {
        let order = in_order(scores, set);
        let at = |len: usize| right_of_first(&order, len);
        let len = |percent: f64| (order.len() as f64 * percent / 100.0).round().max(1.0) as usize;
        let named = order.partition_point(|&(score, _)| score > 0.0);
        Self {
            at: PERCENTS.map(|percent| at(len(percent))),
            named,
            of_named: at(named),
        }
    }
}

/// The scores with whether each is in the set, the highest first.
fn in_order(scores: &[f64], set: &[bool]) -> Vec<(f64, bool)> {
    let mut order: Vec<(f64, bool)> = scores.iter().copied().zip(set.iter().copied()).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    order
}

/// Of the first `len`, the share in the set; 0 of none.
fn right_of_first(order: &[(f64, bool)], len: usize) -> f64 {
    let right = |part: &[(f64, bool)]| part.iter().filter(|(_, is_own)| *is_own).count() as f64;
    let Some(&(last, _)) = len.checked_sub(1).and_then(|last| order.get(last)) else {
        return 0.0;
    };
    let above = order.partition_point(|&(score, _)| score > last);
    let level = order.partition_point(|&(score, _)| score >= last);
    let share = (len - above) as f64 / (level - above) as f64;
    // Rounding may take it past 1.
    ((right(&order[..above]) + share * right(&order[above..level])) / len as f64).min(1.0)
}

/// Of as many parameters of highest score as the set has, the share that is in it.
pub fn precision_of_as_many(scores: &[f64], set: &[bool]) -> f64 {
    let len = set.iter().filter(|&&is_in| is_in).count();
    right_of_first(&in_order(scores, set), len)
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
                precision: Precision::of(scores, own),
            }
        })
    }

    /// Whether an easy plant was not found.
    pub fn is_missed(&self) -> bool {
        let low = |areas: &[Areas; 2]| areas.iter().any(Areas::is_low);
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

    /// Names a tenth of either set, and nothing else.
    #[derive(Clone, Copy, Debug)]
    struct Sparse([usize; 2]);

    impl Locator for Sparse {
        fn method(&self) -> Method {
            Method::PathPatching
        }

        fn locate<'a>(&self, run: &crate::locators::Run<'a>) -> Result<Option<Located<'a>>, Error> {
            let planted = Planted::new(&PLANTS[0], run.seed);
            let scores = [0, 1].map(|claim: usize| {
                let set = &planted.sets[self.0[claim]];
                let mut own = (0..set.len()).filter(|&p| set[p]);
                let mut scores = vec![0.0; set.len()];
                own.by_ref().step_by(10).for_each(|p| scores[p] = 1.0);
                scores
            });
            Ok(Some(Located::scored(scores, Default::default())))
        }
    }

    #[test]
    fn a_sparse_locator_that_is_right_about_all_it_names_is_calibrated() {
        let table = |sparse: Sparse| calibrate_on(&PLANTS[0], &[Box::new(sparse)], 1).unwrap();
        let right = table(Sparse([0, 1]));
        for areas in right[0].areas.unwrap() {
            let precision = areas.precision;
            assert!(areas.found < 0.6 && areas.told_apart < 0.6, "{areas:?}");
            assert!((19..=20).contains(&precision.named) && precision.of_named == 1.0);
            // Half of the first per cent is named, the rest of it as good as any other.
            let [at_1, at_2, at_5, at_10] = precision.at;
            assert!((0.5..0.6).contains(&at_1), "{precision:?}");
            assert!(at_1 > at_2 && at_2 > at_5 && at_5 > at_10 && at_10 > 0.05);
        }
        assert!(uncalibrated(&right).is_empty());
        // Late taken for early names just as much, and all of it wrong.
        let wrong = table(Sparse([1, 0]));
        assert_eq!(wrong[0].areas.unwrap()[0].precision.of_named, 0.0);
        assert_eq!(uncalibrated(&wrong), [Method::PathPatching]);
        // All one score: the share of the set, whatever the order. Nothing named: nothing right.
        let set = [true, false, false, false];
        let precision = Precision::of(&[0.0; 4], &set);
        assert_eq!((precision.at, precision.of_named), ([0.25; 4], 0.0));
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
            areas: Some([0.9, found].map(|found| Areas {
                found,
                told_apart,
                precision: Precision::of(&[1.0, 0.0], &[true, false]),
            })),
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
