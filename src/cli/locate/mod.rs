//! `gouda locate`: which directions of anyone's gradients are early, late or neither, and where they lie.

mod printed;

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::experiment::Progress;
use crate::findings::{Components, DecompositionSummary, LocatedMatrix};
use crate::gradients::{GradientMatrix, Matrix, Reading, Select, Selection};
use crate::locate::{self, Displacement, Located, Moved, NullOptions, temporal::tau};
use crate::nn::Layout;
use crate::storage::manifest::write_json;
use crate::storage::run_dir::{ensure_directory, refuse_occupied};
use crate::storage::{self, atomic};
use crate::svd::output::Made;
use crate::svd::{self, Decomposition};

use super::Error;
use super::matrix::{MatrixArgs, UNIT_NORM};
use super::parse;
use super::progress::Watcher;
use super::settings::Running;
use printed::{Printed, table};

/// Which directions of a gradient matrix were active early or late, and in which tensors they lie
///
/// MATRIX is what `gouda svd` takes, or the folder that `gouda svd` wrote: then nothing has a label, for the nulls need the
/// matrix, and courses are held against even norms. Rows are training steps, in order. Every component of the decomposition gets its
/// temporal index (when it was active, against when gradients were large at all; from -1 to 1, negative is early),
/// held against three nulls, its singular value against matrices with random signs, and its share in each tensor;
/// both with intervals, without what noise adds. `early` and `late` are said where every null is rejected, adjusted for as many
/// components as stand out: it takes 40 steps for each of them, and more where courses are noisy. DIR gets located.json, report.html, and the decomposition under svd/.
///
/// Where --displacement gives the path of the parameters, a label must agree with when they moved
/// along the component. Without it that is not asked.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda locate gradients.npy --out located
  gouda locate runs/quick-seed0/gradients/total --unit-norm --displacement runs/quick-seed0/checkpoints --out located
  gouda locate gradients.npy --window 0..5000 --stride 5 --rank 8 --json")]
pub struct Args {
    #[command(flatten)]
    asked: MatrixArgs,

    /// Components
    #[arg(long, default_value_t = 16)]
    rank: usize,

    /// The path of the parameters: anything with a row of them a checkpoint, evenly spaced, the first from before training
    #[arg(long, value_name = "PATH")]
    displacement: Option<PathBuf>,

    /// Draws of the nulls of a course; at least 80 a component are made
    #[arg(long, default_value_t = 999)]
    draws: u32,

    /// Matrices with random signs behind the null of the spectrum
    #[arg(long, default_value_t = 19, value_parser = clap::value_parser!(u16).range(19..))]
    surrogates: u16,

    /// Make that null again of what the directions found leave, until no more are found: a strong one hides no weaker one, and
    /// more have to be judged
    #[arg(long)]
    deflate: bool,

    /// Memory beyond the mapped file, at most
    #[arg(long, default_value = "4GiB", value_parser = parse::bytes, value_name = "SIZE")]
    max_memory: u64,

    /// Seed of everything random
    #[arg(long, default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    running: Running,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let directory = args.running.out_or("located");
    let invocation = args.running.start()?;
    let mut watcher = args.running.watcher();
    let is_decomposition = storage::exists(&args.asked.path().join("certificate.json"))?;
    let (located, layout, shape, made) = match is_decomposition {
        true => of_decomposition(args, &directory)?,
        false => of_matrix(args, &directory, &mut watcher)?,
    };
    watcher.end();
    let of = match made.weights == UNIT_NORM {
        true => Components::UnitNorm,
        false => Components::Raw,
    };
    let times: Vec<f64> = (0..shape.0).map(|t| tau(t, shape.0)).collect();
    let found = LocatedMatrix {
        version: env!("CARGO_PKG_VERSION").into(),
        command: invocation.command.join(" "),
        matrix: args.asked.path().display().to_string(),
        time_len: shape.0,
        param_len: shape.1,
        weights: made.weights.clone(),
        displacement: args
            .displacement
            .as_ref()
            .map(|path| path.display().to_string()),
        has_matrix: !is_decomposition,
        may_hide: !args.deflate && !is_decomposition && located.may_hide(),
        is_by_tensor: located.is_by_tensor,
        groups: located
            .groups
            .iter()
            .map(|group| (group.start, group.end - 1))
            .collect(),
        decomposition: DecompositionSummary::new(of, &times, &layout, &located),
        layout,
    };
    let svd = directory.join("svd");
    ensure_directory(&svd)?;
    svd::output::save_with(&svd, &located.decomposition, made.notes())?;
    write_json(&directory.join("located.json"), &found)?;
    write(&directory, &found)?;
    if args.running.json {
        serde_json::to_writer(&mut *out, &Printed::of(&found, &directory))?;
        writeln!(out)?;
        return Ok(());
    }
    table(&found, out)?;
    writeln!(out, "{}", directory.join(REPORT).display())?;
    Ok(())
}

/// The page.
const REPORT: &str = "report.html";

/// Writes the page of `found` into `directory`.
pub fn write(directory: &Path, found: &LocatedMatrix) -> Result<(), Error> {
    let page = crate::report::matrix_html(found);
    Ok(atomic::write(&directory.join(REPORT), page.as_bytes())?)
}

/// Steps without which there are no halves to compare.
const STEPS_MIN: usize = 4;

/// What was located, where the parameters lie, rows and parameters, and how they were read.
type Found = (Located, Layout, (usize, usize), Made);

fn of_matrix(args: &Args, directory: &Path, watcher: &mut Watcher) -> Result<Found, Error> {
    let asked = &args.asked;
    let matrix = asked.open(args.max_memory)?;
    let selection = asked.selection(&matrix)?;
    let select = asked.select(&matrix, &selection)?;
    // Before anything is computed.
    ensure_directory(directory)?;
    refuse_occupied(directory)?;
    if matrix.pass_bytes() <= args.max_memory {
        matrix.verify()?;
    }
    let weighted = asked.weigh(&matrix, &select)?;
    let view: &dyn GradientMatrix = weighted.as_ref().map_or(&select, |scaled| scaled);
    let sketch = asked.sketch(&matrix, &selection, &select, weighted.as_ref())?;
    let shape = (view.time_len(), view.param_len());
    if shape.0 < STEPS_MIN {
        let expected = format!("at least {STEPS_MIN} steps, two for either half");
        return Err(storage::Error::malformed(asked.path(), expected, shape.0.to_string()).into());
    }
    let layout = match matrix.layout() {
        Some(layout) => selection.layout(layout),
        None => unnamed(shape.1),
    };
    let path = path(args)?;
    let moved = path
        .as_ref()
        .map(|path| |d: &Decomposition| moved(d, path, &selection));
    let tensors: Vec<_> = layout.tensors.iter().map(|tensor| tensor.range()).collect();
    let options = locate::Options {
        svd: svd::Options {
            max_memory_bytes: args.max_memory,
            seed: args.seed,
            ..svd::Options::with_rank(args.rank)
        },
        surrogates: args.surrogates.into(),
        draws: args.draws,
        seed: args.seed,
        deflates: args.deflate,
        turns: true,
    };
    watcher.say(&format!(
        "{} steps x {} parameters in {}",
        shape.0,
        shape.1,
        crate::report::plural(layout.tensors.len(), "tensor")
    ));
    let mut tell = |event: locate::Event<'_>| {
        match event {
            locate::Event::Begin(stage, steps) => watcher.begin(stage.words(), steps),
            locate::Event::Advance(done, note) => watcher.advance(done, note),
        }
        !watcher.is_interrupted()
    };
    let located = locate::locate(
        view,
        &tensors,
        &options,
        sketch.as_deref(),
        moved
            .as_ref()
            .map(|moved| moved as &Displacement<'_, Error>),
        &mut tell,
    )?;
    let made = Made {
        weights: asked.weights_name().into(),
        params: selection.params,
    };
    Ok((located, layout, shape, made))
}

fn of_decomposition(args: &Args, directory: &Path) -> Result<Found, Error> {
    let asked = &args.asked;
    if let Some(option) = asked.first_of_a_matrix() {
        let text = "of a decomposition alone nothing can be selected or weighted; give its matrix";
        return Err(Error::Usage(format!("{option}: {text}")));
    }
    let decomposition = svd::output::load(asked.path())?;
    let made = Made::load(asked.path())?;
    ensure_directory(directory)?;
    refuse_occupied(directory)?;
    let shape = (decomposition.time_len, decomposition.param_len);
    // What the rows' norms were is not in it, but where they were made even.
    let row_norms = (made.weights == UNIT_NORM).then(|| vec![1.0; shape.0]);
    let path = path(args)?;
    let selection = Selection {
        params: made.params.clone(),
        ..Selection::default()
    };
    let moved = path
        .as_ref()
        .map(|path| |d: &Decomposition| moved(d, path, &selection));
    let moved = moved
        .as_ref()
        .map(|moved| moved as &Displacement<'_, Error>);
    let options = NullOptions {
        draws: args.draws,
        seed: args.seed,
    };
    let located = locate::locate_decomposition(decomposition, row_norms, &options, moved)?;
    let layout = match asked.reading.layout(&selection, shape.1)? {
        Some(layout) => layout,
        None => unnamed(shape.1),
    };
    Ok((located, layout, shape, made))
}

fn unnamed(param_len: usize) -> Layout {
    Layout::new(vec![("all".into(), vec![param_len])])
}

/// The path of the parameters, where one was given.
fn path(args: &Args) -> Result<Option<(&Path, Matrix)>, Error> {
    let Some(path) = &args.displacement else {
        return Ok(None);
    };
    let matrix = Matrix::open_as(path, Reading::by(args.asked.reading.access()))?;
    Ok(Some((path, matrix)))
}

/// The displacement along the components of `d`, by the checkpoints in `path`, in the columns that were selected.
fn moved(
    d: &Decomposition,
    (name, path): &(&Path, Matrix),
    selection: &Selection,
) -> Result<Moved, Error> {
    let mut moved = Moved::along(d);
    let columns = Selection {
        params: selection.params.clone(),
        ..Default::default()
    };
    let name = name.display();
    let usage =
        |error: &dyn std::fmt::Display| Error::Usage(format!("--displacement {name}: {error}"));
    let path = Select::new(path, &columns).map_err(|error| usage(&error))?;
    let (len, params) = (path.time_len(), path.param_len());
    if params != d.param_len {
        return Err(usage(&format!(
            "expected rows of {} parameters, as the matrix has, found {params}",
            d.param_len
        )));
    }
    let row = |t: usize| -> Result<Vec<f32>, Error> {
        let mut row = vec![0.0; params];
        path.read_block(t..t + 1, 0..params, &mut row)?;
        Ok(row)
    };
    let theta_0 = row(0)?;
    for t in 0..len {
        moved
            .add(d, tau(t, len), &row(t)?, &theta_0)
            .map_err(|error| usage(&error))?;
    }
    Ok(moved)
}
