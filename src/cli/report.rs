//! `gouda report`: the HTML page of a run, made anew from its results.

use std::io::Write;
use std::path::PathBuf;

use crate::storage::{self, RunDir, atomic};
use crate::study::Results;
use crate::study::confirmation::Study;

use super::{Error, study};

/// Make report.html anew from a run's results.json, or a study's RESULTS.md and report.html from its
/// study.json
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// The directory of the run or study
    run: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    // Read before the lock, which must not litter a directory of something else.
    let run = RunDir::look(&args.run)?;
    let study = run.path().join("study.json");
    if storage::exists(&study)? {
        let study = Study::load(&study)?;
        let run = RunDir::open(&args.run)?;
        study::write(&run, &study)?;
    } else {
        let results = Results::load(&run.path().join("results.json"))?;
        let page = crate::report::html(&results);
        let run = RunDir::open(&args.run)?;
        atomic::write(&run.report(), page.as_bytes())?;
    }
    writeln!(out, "{}", run.report().display())?;
    Ok(())
}
