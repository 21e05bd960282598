//! `gouda study`: the protocol over confirmation seeds.

use std::io::Write;
use std::time::Instant;

use serde_json::json;

use crate::findings::Study;
use crate::over_seeds;
use crate::storage::{self, RunDir, atomic, exists, run_dir};

use super::Error;
use super::settings::{Job, Seeds};

/// Carry out the study: ten fresh seeds, every locator, every control, one table
///
/// Trains one agent a seed and a policy whose parameters are known, asks every locator which
/// parameters serve which behaviour, resets and edits what each says, chooses on selection levels,
/// freezes the choice, measures it on test levels, and writes RESULTS.md, report.html and study.json.
/// Killed or interrupted, it goes on with --resume; seeds that are done are not done again.
///
/// A seed is also a job: with --seeds any number of processes work in one --out, on one machine or on many that see it, each
/// passing over what others are at, and --collect puts together what they found. docs/cluster.md has the lines for Slurm,
/// GNU parallel and Kubernetes.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda study                                        ten seeds of the quick preset
  gouda study --preset standard --out runs/standard  the larger one
  gouda study --resume --out runs/standard           go on after a kill or an interruption
  gouda study --set study.seeds=2 --set ppo.total_updates=2400   a short look
  gouda study --seeds 23 --out runs/quick            one seed, beside others
  gouda study --collect --out runs/quick             what all of them found")]
pub struct Args {
    /// These seeds of the study alone, beside other processes: 23, 20-22, or 20,23
    #[arg(
        long,
        value_name = "SEEDS",
        requires = "out",
        conflicts_with = "collect"
    )]
    seeds: Option<Seeds>,

    /// Put together what the jobs of --seeds found in --out
    #[arg(long, requires = "out")]
    collect: bool,

    #[command(flatten)]
    job: Job,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    match &args.seeds {
        Some(seeds) => jobs(&args.job, &seeds.list(), out),
        None if args.collect => collect(&args.job, out),
        None => whole(&args.job, out),
    }
}

/// Some seeds, beside other processes.
fn jobs(job: &Job, seeds: &[u64], out: &mut dyn Write) -> Result<(), Error> {
    let (resolved, dir, invocation) = job.beside_others()?;
    let all = resolved.config.study.all_seeds();
    if let Some(other) = seeds.iter().find(|seed| !all.contains(seed)) {
        return Err(Error::Usage(format!(
            "--seeds {other}: the study has seeds {} to {}; study.first_seed and study.seeds set them when it is begun",
            all.start,
            all.end - 1
        )));
    }
    over_seeds::jobs::join(&resolved, &invocation, &dir)?;
    let mut watcher = job.running.watcher();
    watcher.say(&format!(
        "{}: {} of {} seeds",
        dir.display(),
        seeds.len(),
        resolved.config.study.seeds
    ));
    let every = job.resuming.every();
    let held = over_seeds::jobs::jobs(&resolved, &invocation, &dir, seeds, every, &mut watcher)?;
    watcher.end();
    for seed in &held.seeds {
        watcher.say(&format!(
            "seed {seed}: left to another process, which is at it"
        ));
    }
    if job.running.json {
        let summary = json!({
            "out": dir.display().to_string(),
            "seeds": seeds,
            "held": held.seeds,
        });
        serde_json::to_writer(&mut *out, &summary)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", dir.display())?;
    }
    Ok(())
}

/// What the jobs found, as one study.
fn collect(job: &Job, out: &mut dyn Write) -> Result<(), Error> {
    let (resolved, dir, invocation) = job.beside_others()?;
    let run = RunDir::open(&dir)?;
    if !exists(&run.config())? {
        let expected = "a study that was begun";
        return Err(storage::Error::malformed(&dir, expected, "none").into());
    }
    let mut watcher = job.running.watcher();
    let study = over_seeds::jobs::collect(&resolved, &invocation, &run, &mut watcher)?;
    watcher.end();
    finish(job, &run, &study, out)
}

/// All seeds, one after the other.
fn whole(job: &Job, out: &mut dyn Write) -> Result<(), Error> {
    let (resolved, run, invocation) = job.begin()?;
    let mut watcher = job.running.watcher();
    let settings = &resolved.config.study;
    watcher.say(&format!(
        "{}: {} seeds from {}, then every locator on each; a policy with known parameters first",
        run.path().display(),
        settings.seeds,
        settings.first_seed
    ));
    let begun = Instant::now();
    let every = job.resuming.every();
    let study = over_seeds::study(&resolved, &invocation, &run, every, &mut watcher)?;
    watcher.end();
    watcher.say(&format!("done in {:.0} s", begun.elapsed().as_secs_f64()));
    finish(job, &run, &study, out)
}

/// Writes the texts of a study, and tells where they are.
fn finish(job: &Job, run: &RunDir, study: &Study, out: &mut dyn Write) -> Result<(), Error> {
    write(run, study)?;
    if job.running.json {
        serde_json::to_writer(&mut *out, study)?;
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
