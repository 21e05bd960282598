//! `gouda report`: the HTML page of a run, made anew from its results.

use std::io::Write;
use std::path::PathBuf;

use crate::experiment::stages::{is_finished, reseal};
use crate::findings::tracing::Circuits;
use crate::findings::{LocatedMatrix, Results, Study, Sweep};
use crate::storage::run_dir::ensure_directory;
use crate::storage::{self, RunDir, atomic};

use crate::cli::{Error, study, sweep};

/// Make report.html anew from a run's results.json and circuits.json, a study's RESULTS.md and
/// report.html from its study.json, a sweep's from its sweep.json, or that of `gouda locate` from its located.json
///
/// A study that is still going on can be reported as far as it is.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda report runs/quick-seed0
  gouda report /mnt/archive/quick-seed0 --out here    of a run that cannot be written")]
pub struct Args {
    /// The directory of the run, study or sweep
    run: PathBuf,

    /// Write into this directory instead
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    // Not locked: every file is replaced whole, and a writer may be at work.
    let run = RunDir::look(&args.run)?;
    let to = match &args.out {
        Some(path) => {
            ensure_directory(path)?;
            RunDir::look(path)?
        }
        None => RunDir::look(&args.run)?,
    };
    let study = run.path().join("study.json");
    if storage::exists(&study)? {
        let study = Study::load(&study)?;
        study::write(&to, &study)?;
    } else if storage::exists(&run.path().join("located.json"))? {
        let found = LocatedMatrix::load(&run.path().join("located.json"))?;
        super::locate::write(to.path(), &found)?;
    } else if storage::exists(&run.path().join("sweep.json"))? {
        sweep::write(to.path(), &Sweep::load(&run.path().join("sweep.json"))?)?;
    } else {
        let path = run.path().join("results.json");
        if !storage::exists(&path)? {
            return Err(nothing_to_report(&run).into());
        }
        let results = Results::load(&path)?;
        let circuits = match storage::exists(&run.circuits())? {
            true => Some(Circuits::load(&run.circuits(), &results)?),
            false => None,
        };
        write(&to, &results, circuits.as_ref())?;
        // Whoever writes the run now makes its manifest true himself.
        if run.path() == to.path()
            && is_finished(&run, "report.html")?
            && let Ok(locked) = RunDir::open(run.path())
        {
            reseal(&locked, &["report.html"])?;
        }
    }
    writeln!(out, "{}", to.report().display())?;
    Ok(())
}

/// A directory without findings.
fn nothing_to_report(run: &RunDir) -> storage::Error {
    let place = run.path().display();
    let expected = format!(
        "results.json, study.json, sweep.json or located.json (after `gouda train`, `gouda reproduce --resume \
         --out {place}` makes the results)"
    );
    storage::Error::malformed(run.path(), expected, "none of them")
}

/// Writes the report of a run into `to`.
pub fn write(to: &RunDir, results: &Results, circuits: Option<&Circuits>) -> Result<(), Error> {
    let page = crate::report::html(results, circuits);
    Ok(atomic::write(&to.report(), page.as_bytes())?)
}
