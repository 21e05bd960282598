//! `gouda report`: the HTML page of a run, made anew from its results.

use std::io::Write;
use std::path::PathBuf;

use crate::storage::manifest::read_json;
use crate::storage::{RunDir, atomic};
use crate::study::Results;

use super::Error;

/// Make report.html anew from a run's results.json
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// The run's directory
    run: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let run = RunDir::open(&args.run)?;
    let results: Results = read_json(&run.path().join("results.json"), "the results of a run")?;
    atomic::write(&run.report(), crate::report::html(&results).as_bytes())?;
    writeln!(out, "{}", run.report().display())?;
    Ok(())
}
