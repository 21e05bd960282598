//! `gouda report`: the HTML page of a run, made anew from its results.

use std::io::Write;
use std::path::PathBuf;

use crate::storage::manifest::read_json;
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
    let run = RunDir::open(&args.run)?;
    let study = run.path().join("study.json");
    if storage::exists(&study)? {
        let study: Study = read_json(&study, "the results of a study")?;
        study::write(&run, &study)?;
    } else {
        let results = run.path().join("results.json");
        let results: Results = read_json(&results, "the results of a run")?;
        atomic::write(&run.report(), crate::report::html(&results).as_bytes())?;
    }
    writeln!(out, "{}", run.report().display())?;
    Ok(())
}
