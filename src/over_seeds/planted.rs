//! Planted truth: what every locator finds where the answer is known: in made-up matrices ([`crate::locators::planted`]) and in
//! policies of two towers ([`composed`]).

use std::path::Path;

use crate::experiment::stages::Invocation;
use crate::experiment::{Error, Progress, Resolved};
use crate::findings::Calibration;
use crate::locators::{self, calibration};

use super::composed;
use super::kept::{inside, remembered};

/// Calibrates every locator, or reads what was found before.
///
/// # Errors
/// What training or a locator refuses.
pub fn calibrate(
    resolved: &Resolved,
    invocation: &Invocation,
    dir: &Path,
    progress: &mut dyn Progress,
) -> Result<Calibration, Error> {
    let study = &resolved.config.study;
    let planted = resolved.with_seed(study.first_seed + study.seeds);
    inside(&planted, invocation, dir, "planted", |inner| {
        remembered(inner, "calibration.json", &planted, |_| {
            let config = &planted.config;
            let all = locators::all();
            progress.begin("locators on made-up matrices", 1);
            let synthetic = calibration::calibrate(&all, config.seed)?;
            progress.advance(1, "done");
            let composed = composed::find(config, &all, progress)?;
            Ok(Calibration {
                synthetic,
                composed,
            })
        })
    })
}
