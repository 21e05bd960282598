//! `gouda verify`: whether this machine computes the bits built in, or a run is what it says.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::experiment::digests::{self, Comparison, Digests};
use crate::experiment::replay::{self, Check, Limit};
use crate::experiment::resolve;
use crate::numeric::simd;
use crate::storage::shown::cut;
use crate::storage::{RunDir, exists, read_text};

use super::Error;
use super::progress::Watcher;
use super::settings::{Mapping, start};

/// Check that this machine computes the same bits, or that a run is what it says
///
/// Without RUN: computes a small fixed job (levels, rollouts, advantages, gradients, parameters),
/// compares every stage with the checksums built in, and names the stage that differs first.
#[cfg_attr(
    target_arch = "x86_64",
    doc = "GOUDA_SIMD=portable|avx2|avx512 chooses the instruction set."
)]
#[cfg_attr(
    target_arch = "aarch64",
    doc = "GOUDA_SIMD=portable|neon chooses the instruction set."
)]
///
/// With RUN: recomputes the checksums of its files, and trains a stretch again from the start and
/// from half-way, to the recorded bits. With the folder of a recorded stream, or one that `gouda svd`
/// wrote: recomputes its checksums.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda verify
  GOUDA_SIMD=portable gouda verify --threads 1
  gouda verify runs/quick-seed0 --updates 240
  gouda verify total-svd

Exits with 0 where all is the same, with 1 where anything differs.")]
pub struct Args {
    /// A run's directory, or the folder of a stream or of a decomposition
    run: Option<PathBuf>,

    /// Updates to train again, from the start and from half-way [default: some seconds' worth]
    #[arg(long, requires = "run")]
    updates: Option<u64>,

    /// Worker threads; results do not depend on it [default: one a core]
    #[arg(long)]
    threads: Option<usize>,

    #[command(flatten)]
    mapping: Mapping,

    /// No progress on stderr
    #[arg(long)]
    quiet: bool,

    /// Results on stdout as JSON
    #[arg(long)]
    json: bool,

    /// The fixed job's checksums on stdout, as data/digests/stages.json has them
    #[arg(long, conflicts_with_all = ["run", "json"])]
    print: bool,
}

/// How long each stretch of a run is trained again, if `--updates` does not say.
const STRETCH: Duration = Duration::from_secs(5);

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let threads = start(args.threads)?.threads;
    let mut watcher = Watcher::new(args.quiet);
    let outcome = match &args.run {
        Some(path) => of_run(args, path, &mut watcher, out),
        None => of_machine(args, threads, &mut watcher, out),
    };
    watcher.end();
    outcome
}

fn of_machine(
    args: &Args,
    threads: usize,
    watcher: &mut Watcher,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let begun = Instant::now();
    let found = digests::compute(watcher)?;
    if args.print {
        serde_json::to_writer_pretty(&mut *out, &found)?;
        writeln!(out)?;
        return Ok(());
    }
    let comparisons = found.compare(&Digests::built_in());
    let first = digests::first_difference(&comparisons);
    let (path, seconds) = (simd::path().name(), begun.elapsed().as_secs_f64());
    let summary = json!({
        "ok": first.is_none(),
        "simd": path,
        "threads": threads,
        "seconds": seconds,
        "first_difference": first,
        "stages": comparisons,
    });
    let told = if args.json {
        writeln!(out, "{summary}")
    } else {
        let lines = comparisons.iter().try_for_each(|c| line(c, out));
        lines.and_then(|()| writeln!(out, "{path}, {threads} threads, {seconds:.1} s"))
    };
    match first {
        None => Ok(told?),
        // Whether or not anybody reads on.
        Some(c) => Err(Error::Differs(format!(
            "{}: {} differs first, in iteration {} (instruction set {path}, {threads} threads)",
            c.job,
            c.stage,
            c.first_difference.unwrap_or_default(),
        ))),
    }
}

fn line(comparison: &Comparison, out: &mut dyn Write) -> std::io::Result<()> {
    let Comparison {
        job,
        stage,
        iterations,
        first_difference,
    } = comparison;
    let verdict = match first_difference {
        None => "same".into(),
        Some(iteration) => format!("DIFFERS from iteration {iteration}"),
    };
    writeln!(out, "{job:<8} {stage:<12} {iterations:>4}  {verdict}")
}

fn of_run(
    args: &Args,
    path: &Path,
    watcher: &mut Watcher,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let checks = checks(args, path, watcher)?;
    let failed = checks.iter().find(|check| !check.ok);
    let told = tell(args, path, &checks, out);
    match failed {
        // Whether or not anybody reads on.
        Some(check) => Err(Error::Differs(format!("{}: {}", check.check, check.detail))),
        None => told,
    }
}

fn checks(args: &Args, path: &Path, watcher: &mut Watcher) -> Result<Vec<Check>, Error> {
    let run = RunDir::look(path)?;
    let settings = run.config();
    let access = args.mapping.access();
    let is_run = exists(&settings)? || exists(&run.metrics())?;
    if !is_run && exists(&path.join("certificate.json"))? {
        return Ok(vec![replay::decomposition(path)]);
    }
    if !is_run && exists(&run.manifest())? {
        return Ok(vec![replay::stream(path, access)?]);
    }
    let text = read_text(&settings)?;
    let config = resolve::resume((&settings, &text), None, None, &[], None)?.config;
    let limit = args.updates.map_or(Limit::Time(STRETCH), Limit::Updates);
    Ok(replay::check(&config, &run, access, limit, watcher)?)
}

fn tell(args: &Args, path: &Path, checks: &[Check], out: &mut dyn Write) -> Result<(), Error> {
    let failed = checks.iter().find(|check| !check.ok);
    if args.json {
        let summary = json!({
            "ok": failed.is_none(),
            "simd": simd::path().name(),
            "run": path.display().to_string(),
            "checks": checks,
        });
        serde_json::to_writer(&mut *out, &summary)?;
        writeln!(out)?;
    } else {
        for check in checks {
            let verdict = if check.ok { "same" } else { "DIFFERS" };
            let detail = cut(&check.detail, 1000, 200);
            writeln!(out, "{:<21} {verdict:<8} {detail}", check.check)?;
        }
    }
    Ok(())
}
