//! `gouda svd`: the decomposition of any gradient matrix.

use std::io::Write;
use std::path::PathBuf;

use crate::gradients::{GradientMatrix, Matrix, Scaled};
use crate::storage::run_dir::{ensure_directory, refuse_occupied};
use crate::study::Progress;
use crate::svd::lanczos::{CrossCheck, cross_check};
use crate::svd::{self, Stop, memory_bytes};

use super::Error;
use super::settings::Running;

/// Truncated SVD of a gradient matrix, with its certificate
///
/// MATRIX is a stream folder of a run (gradients/total) or a .npy file of float32, C order, whose
/// rows are time and whose columns are parameters. DIR gets U.npy (P x k), S.npy (k), V.npy (T x k)
/// and certificate.json, which holds |G v - sigma u| and |G^T u - sigma v| of every triplet, computed
/// on the matrix itself.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda svd runs/quick-seed0/gradients/total --rank 16 --out total-svd
  gouda svd anyone.npy --unit-norm --out svd")]
pub struct Args {
    /// A stream folder or a .npy file
    matrix: PathBuf,

    /// Singular triplets
    #[arg(long, default_value_t = 32)]
    rank: usize,

    /// Stop when every residual is below this share of the largest singular value
    #[arg(long, default_value_t = 1e-6)]
    tolerance: f64,

    /// Most readings of the matrix
    #[arg(long, default_value_t = 24)]
    passes: usize,

    /// Scale every row in time to length 1 first, so that falling norms cannot pass for structure
    #[arg(long)]
    unit_norm: bool,

    /// Compare with faer's Lanczos solver where the matrix is one it can take
    #[arg(long)]
    cross_check: bool,

    /// Seed of the start block
    #[arg(long, default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    running: Running,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let directory = args.running.out_or("svd");
    ensure_directory(&directory)?;
    refuse_occupied(&directory)?;
    let invocation = args.running.start()?;
    let matrix = Matrix::open(&args.matrix)?;
    let unit;
    let view: &dyn GradientMatrix = if args.unit_norm {
        unit = Scaled::unit_norm(&matrix)?;
        &unit
    } else {
        &matrix
    };
    let options = svd::Options {
        tolerance: args.tolerance,
        max_passes: args.passes,
        seed: args.seed,
        ..svd::Options::with_rank(args.rank)
    };
    let mut watcher = args.running.watcher();
    let (time_len, param_len) = (view.time_len(), view.param_len());
    let memory = memory_bytes(time_len, param_len, &options, invocation.threads);
    watcher.say(&format!(
        "{time_len} steps x {param_len} parameters, {:.0} MB a pass, up to {} passes, about {:.0} MB of memory",
        4e-6 * time_len as f64 * param_len as f64,
        args.passes,
        memory as f64 / 1e6,
    ));
    watcher.begin("SVD", args.passes as u64);
    let found = svd::truncated(view, &options, &mut |pass| {
        watcher.advance(
            pass.index as u64,
            &format!("residual {:.1e} of sigma_1", pass.worst_residual),
        );
    })?;
    watcher.end();
    svd::output::save(&directory, &found)?;
    let worst = (0..found.rank)
        .map(|i| found.residual(i))
        .fold(0.0, f64::max);
    let check = args
        .cross_check
        .then(|| cross_check(view, &found))
        .transpose()?;
    if args.running.json {
        let summary = serde_json::json!({
            "out": directory,
            "rank": found.rank,
            "sigma": found.s,
            "worst_residual": worst,
            "converged": found.converged,
            "passes": found.passes,
            "cross_check": check.as_ref().map(describe),
        });
        serde_json::to_writer(&mut *out, &summary)?;
        writeln!(out)?;
        return Ok(());
    }
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
    if found.rank < found.requested {
        writeln!(
            out,
            "the matrix has numerical rank {}, {} was asked for",
            found.rank, found.requested
        )?;
    }
    let why = match found.stop {
        Stop::Tolerance => "within the tolerance",
        Stop::WholeSpace => "exact: the whole space was reached",
        Stop::MaxPasses => "NOT within the tolerance: the passes were used up",
    };
    writeln!(
        out,
        "worst residual {worst:.1e}, {} passes, {why}",
        found.passes
    )?;
    if let Some(check) = &check {
        writeln!(out, "cross-check with faer: {}", describe(check))?;
    }
    writeln!(out, "{}", directory.display())?;
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
