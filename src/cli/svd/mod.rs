//! `gouda svd`: the decomposition of any gradient matrix.

mod args;
mod table;
mod telling;

pub use args::Args;

use std::io::Write;
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::experiment::Progress;
use crate::gradients::{GradientMatrix, non_finite_len};
use crate::storage::run_dir::{ensure_directory, refuse_occupied_by_others};
use crate::svd::lanczos::cross_check;
use crate::svd::{self, Decomposition, Stop};

use table::{describe, others, table};
use telling::Telling;

use super::Error;

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let directory = args.running.out_or("svd");
    let invocation = args.running.start()?;
    let begun = Instant::now();
    let asked = &args.asked;
    let matrix = asked.open(args.max_memory)?;
    let selection = asked.selection(&matrix)?;
    let select = asked.select(&matrix, &selection)?;
    ensure_directory(&directory)?;
    refuse_occupied_by_others(&directory, &svd::output::FILES)?;
    // What is read besides by the decomposition itself.
    let mut extra_passes = 0;
    // Where reading costs little, what was recorded is held to its checksums first.
    let verified = matrix.pass_bytes() <= args.max_memory && matrix.has_checksums()?;
    if verified {
        matrix.verify()?;
        extra_passes += 1;
    }
    let masked = if asked.reading.masks() {
        extra_passes += 1;
        Some(non_finite_len(&matrix, &select)?)
    } else {
        None
    };
    let weighted = asked.weigh(&matrix, &select)?;
    extra_passes += usize::from(asked.unit_norm);
    let view: &dyn GradientMatrix = weighted.as_ref().map_or(&select, |scaled| scaled);
    let sketch = asked.sketch(&matrix, &selection, &select, weighted.as_ref())?;
    let options = svd::Options {
        rank: args.rank,
        method: args.method.into(),
        block: args.block,
        tolerance: args.tolerance,
        max_passes: args.passes,
        max_memory_bytes: args.max_memory,
        seed: args.seed,
    };
    let mut telling = Telling::new(args.running.watcher(), view);
    let found = svd::decompose(view, &options, sketch.as_deref(), &mut |event| {
        telling.hear(event)
    })?;
    telling.watcher.end();
    let seconds = begun.elapsed().as_secs_f64();
    let passes = found.passes + extra_passes;
    // Methods without passes of their own read the matrix as often as they say.
    let by_method = if found.method == svd::Method::Krylov {
        telling.read_bytes
    } else {
        let (passes, bytes) = telling.before;
        bytes + (found.passes - passes) as u64 * view.pass_bytes()
    };
    let read_bytes = by_method + extra_passes as u64 * view.pass_bytes();
    let notes = json!({
        "matrix": asked.path().display().to_string(),
        "time_axis": asked.reading.time_axis(),
        "stack_axis": matrix.stack_axis(),
        "window": asked.window,
        "stride": asked.stride,
        "params": selection.params,
        "weights": asked.weights_name(),
        "non_finite_masked": masked,
        "checksums_verified": verified,
        "from_sketch": sketch.is_some(),
        "why": telling.why,
        "tolerance": args.tolerance,
        "readings": passes,
        "bytes_read": read_bytes,
        "seconds": seconds,
        "threads": invocation.threads,
        "version": env!("CARGO_PKG_VERSION"),
    });
    let notes = match notes {
        Value::Object(notes) => notes,
        _ => Map::new(),
    };
    svd::output::save_with(&directory, &found, notes)?;
    let check = args
        .cross_check
        .then(|| cross_check(view, &found, &mut || !telling.watcher.is_interrupted()))
        .transpose()?;
    let worst = (0..found.rank)
        .map(|i| found.residual(i))
        .fold(0.0, f64::max);
    let relative = (found.s.first()).map_or(0.0, |first| worst / first);
    if args.running.json {
        let bounds = svd::bounds::bounds(&found);
        let summary = json!({
            "out": directory.display().to_string(),
            "rank": found.rank,
            "sigma": found.s,
            "stack_axis": matrix.stack_axis(),
            "worst_residual": worst,
            "worst_relative_residual": relative,
            "converged": found.converged,
            "others_at_most": bounds.others_at_most,
            "others_likely_at_most": bounds.likely.map(|likely| likely.others_likely_at_most),
            "method": found.method,
            "passes": passes,
            "seconds": seconds,
            "cross_check": check.as_ref().map(describe),
        });
        serde_json::to_writer(&mut *out, &summary)?;
        writeln!(out)?;
        return refuse_unconverged(args, &found);
    }
    table(&found, out)?;
    if let Some(axis) = matrix.stack_axis() {
        let files = matrix.files_len();
        writeln!(out, "{files} files side by side along axis {axis}")?;
    }
    if let Some(masked) = masked {
        writeln!(out, "{masked} entries were not finite and were read as 0")?;
    }
    writeln!(
        out,
        "worst residual {relative:.1e} of sigma_1, {passes} readings, {seconds:.2} s, {}",
        match (found.converged, found.stop) {
            (true, Stop::Tolerance) => "within the tolerance",
            (true, Stop::WholeSpace) if found.method != svd::Method::Krylov => {
                "exact but for rounding"
            }
            (true, Stop::WholeSpace) => "within the tolerance, nothing new was found",
            (true, Stop::MaxPasses) => "within the tolerance after all passes",
            (false, Stop::MaxPasses) => "NOT within the tolerance: the passes were used up",
            (false, _) => "NOT within the tolerance: rounding is above it",
        },
    )?;
    others(&found, out)?;
    if let Some(check) = &check {
        writeln!(out, "cross-check with Lanczos: {}", describe(check))?;
    }
    writeln!(out, "{}", directory.display())?;
    refuse_unconverged(args, &found)
}

/// An error where `found`, which is written, is not within the tolerance and that is not allowed.
fn refuse_unconverged(args: &Args, found: &Decomposition) -> Result<(), Error> {
    if found.converged || args.allow_unconverged {
        return Ok(());
    }
    let advice = match (found.method, found.stop) {
        (svd::Method::Krylov, Stop::MaxPasses) => {
            "raise --passes, or take --method gram, which needs 2 readings and T x T numbers of memory"
        }
        (svd::Method::Gram | svd::Method::Dense, _) => "raise --tolerance",
        _ => "take --method gram or dense, or raise --tolerance",
    };
    Err(Error::Unconverged(format!(
        "written, but not within the tolerance: {advice}; --allow-unconverged makes this no error"
    )))
}
