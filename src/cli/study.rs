//! `gouda study`: the protocol over confirmation seeds.

use std::io::Write;
use std::time::Instant;

use crate::findings::Study;
use crate::over_seeds;
use crate::storage::{RunDir, atomic, run_dir};

use super::Error;
use super::settings::Job;

/// Carry out the study: ten fresh seeds, every locator, every control, one table
///
/// Trains one agent a seed and a policy whose parameters are known, asks every locator which
/// parameters serve which behaviour, resets and edits what each says, chooses on selection levels,
/// freezes the choice, measures it on test levels, and writes RESULTS.md, report.html and study.json.
/// Killed or interrupted, it goes on with --resume; seeds that are done are not done again.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda study                                        ten seeds of the quick preset
  gouda study --preset standard --out runs/standard  the larger one
  gouda study --resume --out runs/standard           go on after a kill or an interruption
  gouda study --set study.seeds=2 --set ppo.total_updates=2400   a short look")]
pub struct Args {
    #[command(flatten)]
    job: Job,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let (resolved, run, invocation) = args.job.begin()?;
    let mut watcher = args.job.running.watcher();
    let settings = &resolved.config.study;
    watcher.say(&format!(
        "{}: {} seeds from {}, then every locator on each; a policy with known parameters first",
        run.path().display(),
        settings.seeds,
        settings.first_seed
    ));
    let begun = Instant::now();
    let every = args.job.resuming.every();
    let study = over_seeds::study(&resolved, &invocation, &run, every, &mut watcher)?;
    watcher.end();
    write(&run, &study)?;
    watcher.say(&format!("done in {:.0} s", begun.elapsed().as_secs_f64()));
    if args.job.running.json {
        serde_json::to_writer(&mut *out, &study)?;
        writeln!(out)?;
    } else {
        let results = run.path().join(RESULTS);
        writeln!(out, "{}\n{}", results.display(), run.report().display())?;
    }
    Ok(())
}

/// The text of the results.
const RESULTS: &str = "RESULTS.md";
/// The folder of their tables.
const TABLES: &str = "tables";

/// Writes RESULTS.md, its figures and tables, and the report from what the study found.
pub fn write(run: &RunDir, study: &Study) -> Result<(), Error> {
    let text = crate::report::results_md(study);
    atomic::write(&run.path().join(RESULTS), text.as_bytes())?;
    atomic::write(&run.report(), crate::report::study_html(study).as_bytes())?;
    let figures = run.path().join(crate::report::FIGURES);
    run_dir::ensure_directory(&figures)?;
    for (name, text) in crate::report::figures(study) {
        atomic::write(&figures.join(name), text.as_bytes())?;
    }
    let tables = run.path().join(TABLES);
    run_dir::ensure_directory(&tables)?;
    for file in &crate::report::FILES {
        atomic::write(&tables.join(file.name), file.text(study).as_bytes())?;
    }
    Ok(())
}
