//! Whether locators find what was planted (METHOD, "Planted truth").
//!
//! Two areas under the ROC curve for each claim. *Found*: the claim's set against all other parameters.
//! *Told apart*: the parameters of the claim's set alone against those of the other set alone: a locator
//! that finds where something was learnt and not what has .5 here, and one that takes early for late 0.
//! A locator whose found area is below .8 for either claim on an easy plant is uncalibrated.

use super::planted::{PLANTS, Plant, Planted};
use super::{Error, Located, Locator};
use crate::numeric::statistics::roc_area;

/// Least area of a locator that is trusted.
pub const AREA_MIN: f64 = 0.8;

/// One locator on one plant.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Calibration {
    /// The locator.
    pub locator: String,
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
    pub fn areas(planted: &Planted, located: &Located) -> [Areas; 2] {
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
        let low = |areas: &[Areas; 2]| areas.iter().any(|a| a.found < AREA_MIN);
        self.is_easy && self.areas.as_ref().is_some_and(low)
    }
}

/// Every locator on every plant.
///
/// # Errors
/// Those of the locators.
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
/// Those of the locators.
pub fn calibrate_on(
    plant: &Plant,
    locators: &[Box<dyn Locator>],
    seed: u64,
) -> Result<Vec<Calibration>, Error> {
    let planted = Planted::new(plant, seed);
    let run = planted.run();
    let row = |locator: &Box<dyn Locator>| {
        let located = locator.locate(&run)?;
        Ok(Calibration {
            locator: locator.name().into(),
            plant: plant.name.into(),
            is_easy: plant.is_easy,
            areas: located.map(|located| Calibration::areas(&planted, &located)),
        })
    };
    locators.iter().map(row).collect()
}

/// The locators that missed an easy plant.
pub fn uncalibrated(table: &[Calibration]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for row in table.iter().filter(|row| row.is_missed()) {
        if !names.contains(&row.locator.as_str()) {
            names.push(&row.locator);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locators::all;

    #[test]
    #[ignore = "prints the table"]
    fn table() {
        for plant in &PLANTS {
            println!("## {}", plant.name);
            let planted = Planted::new(plant, 1);
            let run = planted.run();
            for locator in all() {
                let start = std::time::Instant::now();
                let located = locator.locate(&run).unwrap();
                let seconds = start.elapsed().as_secs_f64();
                let Some(located) = located else {
                    println!("{:34} -", locator.name());
                    continue;
                };
                let [a, b] = Calibration::areas(&planted, &located);
                println!(
                    "{:34} A {:.3} {:.3}  B {:.3} {:.3}  {seconds:.2} s  {}",
                    locator.name(),
                    a.found,
                    a.told_apart,
                    b.found,
                    b.told_apart,
                    located.found[0],
                );
            }
        }
    }
}
