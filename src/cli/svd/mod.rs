//! `gouda svd`: the decomposition of any gradient matrix.

pub(in crate::cli) mod parse;

use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::experiment::Progress;
use crate::gradients::{
    self, GradientMatrix, Matrix, Reading, Scaled, Select, Selection, Sketch, non_finite_len,
};
use crate::storage::run_dir::{ensure_directory, refuse_occupied};
use crate::svd::lanczos::{CrossCheck, cross_check};
use crate::svd::{self, Decomposition, Event, Method, Plan, Stop};

use super::progress::Watcher;
use super::settings::{Mapping, Running};
use super::{Error, speed};

/// Truncated SVD of a gradient matrix, with its certificate
///
/// MATRIX is a .npy file of float16, float32 or float64 in C or Fortran order, whose rows are time and
/// whose columns are parameters; or a stream folder of a run (gradients/total); or a folder of .npy
/// files side by side, such as dask's to_npy_stack leaves. DIR gets U.npy (P x k, float32), S.npy (k)
/// and V.npy (T x k), and certificate.json, which holds |G v - sigma u| and |G^T u - sigma v| of every
/// triplet, computed on the matrix itself, and what follows from them.
///
/// It ends as soon as every residual is within the tolerance. A matrix larger than --max-memory is
/// taken to come from disk, where wide blocks are nearly free and passes are not. A stream folder that
/// is not larger is held to its checksums first.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda svd runs/quick-seed0/gradients/total --rank 16 --out total-svd
  gouda svd anyone.npy --unit-norm --window 0..5000 --stride 5 --out svd
  gouda svd runs/quick-seed0/gradients/total --layers conv1,value --out conv1-svd
  gouda svd parameters-by-time.npy --time-axis 1 --max-memory 1GiB --out svd")]
pub struct Args {
    /// A .npy file or a folder of them
    matrix: PathBuf,

    /// Singular triplets; a matrix of lower rank gives as many as it has, and says so
    #[arg(long, default_value_t = 32)]
    rank: usize,

    /// Stop when every residual is below this share of the largest singular value
    #[arg(long, default_value_t = 1e-6)]
    tolerance: f64,

    /// Most readings of the matrix; 1 uses the sketch that was recorded with it and nothing else
    #[arg(long, default_value_t = 48)]
    passes: usize,

    /// How: by default what the plan finds cheapest
    #[arg(long, value_enum, default_value_t = MethodName::Auto)]
    method: MethodName,

    /// Columns multiplied in a pass of krylov [default: by the plan]
    #[arg(long)]
    block: Option<usize>,

    /// Memory beyond the mapped file, at most
    #[arg(long, default_value = "4GiB", value_parser = parse::bytes, value_name = "SIZE")]
    max_memory: u64,

    /// Which axis of the files is time
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..2))]
    time_axis: u8,

    /// The axis along which a folder of .npy files is stacked [default: the one that fits, else 0]
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..2))]
    stack_axis: Option<u8>,

    /// Steps A to below B
    #[arg(long, value_parser = parse::range, value_name = "A..B")]
    window: Option<Range<usize>>,

    /// Every N-th of the steps
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = at_least_one)]
    stride: usize,

    /// Parameters A to below B; may be given several times
    #[arg(long, value_parser = parse::range, value_name = "A..B")]
    params: Vec<Range<usize>>,

    /// Tensors by name or by what comes before a dot, from the manifest of a stream folder
    #[arg(long, value_delimiter = ',', conflicts_with = "params")]
    layers: Vec<String>,

    /// Scale every step's gradient to length 1 first, so that falling norms cannot pass for structure
    #[arg(long)]
    unit_norm: bool,

    /// Multiply every step's gradient by its learning rate, from the manifest of a stream folder
    #[arg(long, conflicts_with = "unit_norm")]
    learning_rate: bool,

    /// What to do with NaN and infinities
    #[arg(long, value_enum, default_value_t = NonFinite::Refuse)]
    non_finite: NonFinite,

    /// Do not start from the sketch that was recorded with the matrix
    #[arg(long)]
    no_sketch: bool,

    /// Compare with faer's Lanczos solver where the matrix is one it can take
    #[arg(long)]
    cross_check: bool,

    /// Seed of the start block
    #[arg(long, default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    mapping: Mapping,

    #[command(flatten)]
    running: Running,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum MethodName {
    Auto,
    Krylov,
    Gram,
    Dense,
    Lanczos,
}

impl From<MethodName> for Method {
    fn from(name: MethodName) -> Self {
        match name {
            MethodName::Auto => Self::Auto,
            MethodName::Krylov => Self::Krylov,
            MethodName::Gram => Self::Gram,
            MethodName::Dense => Self::Dense,
            MethodName::Lanczos => Self::Lanczos,
        }
    }
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum NonFinite {
    /// An error that names file, row and column
    Refuse,
    /// Read as 0, and counted in the certificate
    Mask,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("expected 1 or more, found {text}")),
        Ok(number) => Ok(number),
    }
}

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
        "bytes_read": passes as u64 * view.pass_bytes(),
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
        .then(|| cross_check(view, &found))
        .transpose()?;
    let worst = (0..found.rank)
        .map(|i| found.residual(i))
        .fold(0.0, f64::max);
    if args.running.json {
        let summary = json!({
            "out": directory.display().to_string(),
            "rank": found.rank,
            "sigma": found.s,
            "worst_residual": worst,
            "converged": found.converged,
            "method": found.method,
            "passes": passes,
            "seconds": seconds,
            "cross_check": check.as_ref().map(describe),
        });
        serde_json::to_writer(&mut *out, &summary)?;
        writeln!(out)?;
        return Ok(());
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
            (true, Stop::WholeSpace) => "exact but for rounding",
            (true, Stop::MaxPasses) => "within the tolerance after all passes",
            (false, Stop::MaxPasses) => "NOT within the tolerance: the passes were used up",
            (false, _) => "NOT within the tolerance: rounding is above it",
        },
    )?;
    if let Some(check) = &check {
        writeln!(out, "cross-check with faer: {}", describe(check))?;
    }
    writeln!(out, "{}", directory.display())?;
    Ok(())
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

/// Says what is going on.
struct Telling<'a> {
    watcher: Watcher,
    view: &'a dyn GradientMatrix,
    why: String,
    pass_bytes: u64,
    total_bytes: u64,
    residual: Option<f64>,
    begun: Instant,
}

impl<'a> Telling<'a> {
    fn new(watcher: Watcher, view: &'a dyn GradientMatrix) -> Self {
        Self {
            watcher,
            view,
            why: String::new(),
            pass_bytes: view.pass_bytes(),
            total_bytes: 0,
            residual: None,
            begun: Instant::now(),
        }
    }

    fn hear(&mut self, event: Event<'_>) -> bool {
        match event {
            Event::Plan(plan) => self.plan(plan),
            Event::Pass(pass) => self.residual = Some(pass.worst_residual),
            Event::Read { index, bytes } => {
                let done = (index as u64 - 1) * self.pass_bytes + bytes;
                let speed = done as f64 / self.begun.elapsed().as_secs_f64() * 1e-9;
                let residual = self
                    .residual
                    .map_or(String::new(), |r| format!(", residual {r:.1e} of sigma_1"));
                let note = format!("reading {index}, {speed:.1} GB/s{residual}");
                // It may take more passes than were expected.
                let shown = done.min(self.total_bytes - 1) / 1_000_000;
                self.watcher.advance(shown, &note);
            }
        }
        !self.watcher.is_interrupted()
    }

    fn plan(&mut self, plan: &Plan) {
        self.why = format!("{}: {}", plan.method.name(), plan.why);
        self.total_bytes = (plan.pass_bytes * plan.passes as u64).max(1);
        let (bytes_per_second, flops_per_second) = (speed::reading(self.view), speed::products());
        let seconds = plan.seconds(bytes_per_second, flops_per_second);
        self.watcher.say(&format!(
            "{} steps x {} parameters, {:.1} MB; {}\n\
             about {} readings, {:.1} GB, {:.0} MB of memory at most, about {seconds:.1} s \
             (reads at {:.1} GB/s, multiplies at {:.0} GFLOP/s)",
            self.view.time_len(),
            self.view.param_len(),
            1e-6 * plan.pass_bytes as f64,
            self.why,
            plan.passes,
            1e-9 * self.total_bytes as f64,
            1e-6 * plan.memory_bytes as f64,
            1e-9 * bytes_per_second,
            1e-9 * flops_per_second,
        ));
        self.watcher.begin("SVD, MB", self.total_bytes / 1_000_000);
        self.begun = Instant::now();
    }
}

fn table(found: &Decomposition, out: &mut dyn Write) -> Result<(), Error> {
    writeln!(
        out,
        "   i       sigma  |G v - s u|  |G'u - s v|   explained"
    )?;
    for (i, share) in found.explained().iter().enumerate() {
        let (left, right) = (found.left_residuals[i], found.right_residuals[i]);
        writeln!(
            out,
            "{i:>4} {:>11.5e} {left:>12.1e} {right:>12.1e} {:>9.2} %",
            found.s[i],
            100.0 * share
        )?;
    }
    let (rank, requested) = (found.rank, found.requested);
    if rank < requested && found.stop == Stop::MaxPasses {
        writeln!(
            out,
            "so few passes gave {rank} triplets, {requested} were asked for"
        )?;
    } else if rank < requested {
        writeln!(
            out,
            "the matrix has numerical rank {rank}, {requested} was asked for"
        )?;
    }
    Ok(())
}

fn describe(check: &CrossCheck) -> String {
    match check {
        CrossCheck::Compared {
            worst_difference, ..
        } => {
            format!("singular values differ by at most {worst_difference:.1e} of the largest")
        }
        CrossCheck::Refused(reason) => format!("not run: {reason}"),
    }
}
