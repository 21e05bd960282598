//! `gouda svd`: the decomposition of any gradient matrix.

mod args;
pub(in crate::cli) mod parse;
mod table;
mod telling;

pub use args::Args;

use std::io::Write;
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::experiment::Progress;
use crate::gradients::{
    self, GradientMatrix, Matrix, Reading, Scaled, Select, Selection, Sketch, non_finite_len,
};
use crate::storage::run_dir::{ensure_directory, refuse_occupied};
use crate::svd::lanczos::cross_check;
use crate::svd::{self, Decomposition, Stop};

use args::NonFinite;
use table::{describe, others, table};
use telling::Telling;

use super::Error;

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let directory = args.running.out_or("svd");
    let invocation = args.running.start()?;
    let begun = Instant::now();
    let reading = Reading {
        time_axis: usize::from(args.time_axis),
        stack_axis: args.stack_axis.map(usize::from),
        mask: args.non_finite == NonFinite::Mask,
        access: args.mapping.access(),
    };
    let mut matrix = Matrix::open_as(&args.matrix, reading).map_err(|error| match error {
        gradients::Error::Shape { .. } => Error::Usage(format!("--time-axis: {error}")),
        other => other.into(),
    })?;
    if matrix.pass_bytes() > args.max_memory {
        matrix.expect_disk();
    }
    let selection = selection(args, &matrix)?;
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    if time_len == 0 || param_len == 0 {
        return Err(svd::Error::Empty {
            time_len,
            param_len,
        }
        .into());
    }
    let select = Select::new(&matrix, &selection)
        .map_err(|error| Error::Usage(format!("--window, --params: {error}")))?;
    ensure_directory(&directory)?;
    refuse_occupied(&directory)?;
    // What is read besides by the decomposition itself.
    let mut extra_passes = 0;
    // Where reading costs little, what was recorded is held to its checksums first.
    let verified = matrix.manifest().is_some() && matrix.pass_bytes() <= args.max_memory;
    if verified {
        matrix.verify()?;
        extra_passes += 1;
    }
    let masked = if args.non_finite == NonFinite::Mask {
        extra_passes += 1;
        Some(non_finite_len(&matrix, &select)?)
    } else {
        None
    };
    let weighted = weigh(args, &matrix, &select)?;
    extra_passes += usize::from(args.unit_norm);
    let view: &dyn GradientMatrix = weighted.as_ref().map_or(&select, |scaled| scaled);
    let sketch = sketch(args, &matrix, &selection, &select, weighted.as_ref())?;
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
        "matrix": args.matrix.display().to_string(),
        "time_axis": args.time_axis,
        "window": args.window,
        "stride": args.stride,
        "params": selection.params,
        "weights": weights_name(args),
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
    if args.running.json {
        let bounds = svd::bounds::bounds(&found);
        let summary = json!({
            "out": directory.display().to_string(),
            "rank": found.rank,
            "sigma": found.s,
            "worst_residual": worst,
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
    if let Some(masked) = masked {
        writeln!(out, "{masked} entries were not finite and were read as 0")?;
    }
    let relative = found.s.first().map_or(0.0, |first| worst / first);
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

fn selection(args: &Args, matrix: &Matrix) -> Result<Selection, Error> {
    let params = if args.layers.is_empty() {
        args.params.clone()
    } else {
        let Some(layout) = matrix.layout() else {
            let text = "--layers: expected a stream folder, whose manifest names them";
            return Err(Error::Usage(text.into()));
        };
        Selection::of_layers(layout, &args.layers)
            .map_err(|error| Error::Usage(format!("--layers: {error}")))?
    };
    Ok(Selection {
        window: args.window.clone(),
        stride: args.stride,
        params,
    })
}

fn weights_name(args: &Args) -> &'static str {
    match (args.unit_norm, args.learning_rate) {
        (true, _) => "unit norm",
        (_, true) => "learning rate",
        _ => "none",
    }
}

fn weigh<'a>(
    args: &Args,
    matrix: &Matrix,
    select: &'a Select<'_>,
) -> Result<Option<Scaled<'a>>, Error> {
    if args.unit_norm {
        return Ok(Some(Scaled::unit_norm(select)?));
    }
    if !args.learning_rate {
        return Ok(None);
    }
    let Some(rows) = matrix.rows() else {
        let text = "--learning-rate: expected a stream folder, whose manifest holds them";
        return Err(Error::Usage(text.into()));
    };
    let weights = select.rows().map(|row| rows.learning_rate[row]).collect();
    Ok(Some(Scaled::new(select, weights)?))
}

/// The recorded sketch of the part that is decomposed, its rows weighted as the matrix's are.
fn sketch(
    args: &Args,
    matrix: &Matrix,
    selection: &Selection,
    select: &Select<'_>,
    weighted: Option<&Scaled<'_>>,
) -> Result<Option<Vec<f64>>, Error> {
    let other_columns = !selection.params.is_empty() || args.non_finite == NonFinite::Mask;
    if args.no_sketch || other_columns {
        return Ok(None);
    }
    let Some(sketch) = Sketch::of(matrix)? else {
        return Ok(None);
    };
    let weights = weighted.map(Scaled::weights);
    Ok(Some(sketch.rows(select.rows(), weights)))
}
