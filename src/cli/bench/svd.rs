//! `gouda bench svd`: a matrix whose spectrum is known, decomposed, against the speeds of memory and
//! of the multiply-add units that are measured in the same run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde_json::json;

use crate::gradients::{GradientMatrix, Matrix};
use crate::storage::{self, Map, memory};
use crate::svd::{self, Event, Pass, Precision};

use super::super::Error;
use super::super::settings::Running;
use super::super::speed;
use super::spectrum;
use crate::cli::parse;

/// Decompose a matrix of a known spectrum
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Steps
    #[arg(long, default_value_t = 2000)]
    rows: usize,

    /// Parameters
    #[arg(long, default_value_t = 200_000)]
    cols: usize,

    /// Singular triplets
    #[arg(long, default_value_t = 32)]
    rank: usize,

    /// Stop when every residual is below this share of the largest singular value
    #[arg(long, default_value_t = 1e-6)]
    tolerance: f64,

    /// Most readings of the matrix
    #[arg(long, default_value_t = 48)]
    passes: usize,

    /// Columns multiplied in a pass [default: by the plan]
    #[arg(long)]
    block: Option<usize>,

    /// Memory beyond the mapped file, at most; what the work leaves of it holds the matrix, if all fits
    #[arg(long, default_value = "4GiB", value_parser = parse::bytes, value_name = "SIZE")]
    max_memory: u64,

    /// Where the matrix is, or is written if it is not there [default: a file that is removed again]
    #[arg(long)]
    file: Option<PathBuf>,

    /// Drop the system's cache of files before each decomposition and each plain reading, as root on
    /// Linux: both come from the disk then
    #[arg(long)]
    cold: bool,

    /// Decompositions; the fastest counts
    #[arg(long, default_value_t = 3)]
    repeats: usize,

    #[command(flatten)]
    running: Running,
}

/// Most entries of the matrix: 64 TiB of them.
const ENTRIES_MAX: usize = 1 << 44;

impl Args {
    /// Refuses sizes that no matrix has, before anything is written.
    fn check(&self) -> Result<(), Error> {
        let entries = self.rows.checked_mul(self.cols);
        for (name, found) in [("--rows", self.rows), ("--cols", self.cols)] {
            if found == 0 || entries.is_none_or(|entries| entries > ENTRIES_MAX) {
                let expected = "1 or more, and up to 2^44 entries";
                return Err(Error::Usage(format!("{name} {found}: expected {expected}")));
            }
        }
        if self.repeats == 0 {
            return Err(Error::Usage("--repeats 0: expected 1 or more".into()));
        }
        let options = svd::Options {
            rank: self.rank,
            tolerance: self.tolerance,
            max_passes: self.passes,
            block: self.block,
            ..svd::Options::default()
        };
        Ok(options.check(0)?)
    }
}

/// One decomposition.
struct Measured {
    seconds: f64,
    passes: usize,
    /// Bytes that came from the file; the rest of the readings were of what is held in memory.
    file_bytes: u64,
    worst_residual: f64,
    converged: bool,
    single_flops: f64,
    double_flops: f64,
    anonymous_bytes: Option<u64>,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    args.check()?;
    let invocation = args.running.start()?;
    let watcher = args.running.watcher();
    let path = args.file.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("gouda-bench-{}.npy", std::process::id()))
    });
    if !storage::exists(&path)? {
        watcher.say(&format!("writing {}", path.display()));
        spectrum::make(&path, args.rows, args.cols)?;
    }
    let measured = measure(args, &path);
    if args.file.is_none() {
        storage::atomic::remove(&path)?;
    }
    let (matrix_bytes, bandwidth, runs) = measured?;
    let best = runs.iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let Some(best) = best else {
        return Err(Error::Usage("--repeats: expected at least 1".into()));
    };
    let (peak_single, peak_double) = (speed::peak::<f32>(), speed::peak::<f64>());
    let read = best.passes as f64 * matrix_bytes as f64;
    let reading = read / bandwidth;
    let computing = best.single_flops / peak_single + best.double_flops / peak_double;
    let flops = best.single_flops + best.double_flops;
    let summary = json!({
        "rows": args.rows,
        "cols": args.cols,
        "rank": args.rank,
        "matrix_bytes": matrix_bytes,
        "threads": invocation.threads,
        "seconds": best.seconds,
        "all_seconds": runs.iter().map(|run| run.seconds).collect::<Vec<_>>(),
        "passes": best.passes,
        "worst_residual": best.worst_residual,
        "converged": best.converged,
        "cold": args.cold,
        "file_bytes": best.file_bytes,
        "read_gb_per_s": 1e-9 * read / best.seconds,
        "bandwidth_gb_per_s": 1e-9 * bandwidth,
        "gflops": 1e-9 * flops / best.seconds,
        "peak_f32_gflops": 1e-9 * peak_single,
        "peak_f64_gflops": 1e-9 * peak_double,
        "reading_seconds_at_bandwidth": reading,
        "computing_seconds_at_peak": computing,
        "times_the_larger": best.seconds / reading.max(computing),
        "peak_anonymous_bytes": best.anonymous_bytes,
    });
    if args.running.json {
        serde_json::to_writer(&mut *out, &summary)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(
        out,
        "{} x {}, rank {}: {:.2} s, {} readings, worst residual {:.1e} of sigma_1",
        args.rows, args.cols, args.rank, best.seconds, best.passes, best.worst_residual
    )?;
    writeln!(
        out,
        "read {:.1} GB/s of {:.1}; {:.0} GFLOP/s, peak {:.0} (f32), {:.0} (f64)",
        1e-9 * read / best.seconds,
        1e-9 * bandwidth,
        1e-9 * flops / best.seconds,
        1e-9 * peak_single,
        1e-9 * peak_double
    )?;
    writeln!(
        out,
        "reading alone {reading:.2} s, multiplying alone {computing:.2} s: {:.2} times the larger",
        best.seconds / reading.max(computing)
    )?;
    let times = best.file_bytes as f64 / matrix_bytes.max(1) as f64;
    writeln!(
        out,
        "from the file {:.1} GB, {times:.1} times all of it{}",
        1e-9 * best.file_bytes as f64,
        if args.cold {
            ", nothing of it cached before"
        } else {
            ""
        }
    )?;
    if let Some(bytes) = best.anonymous_bytes {
        let megabytes = 1e-6 * bytes as f64;
        writeln!(
            out,
            "memory beyond the mapped file: {megabytes:.0} MB at most"
        )?;
    }
    Ok(())
}

/// Bytes of the matrix, bytes a second of plain reading, and the runs.
fn measure(args: &Args, path: &Path) -> Result<(u64, f64, Vec<Measured>), Error> {
    let matrix = Matrix::open(path)?;
    let found = (matrix.time_len(), matrix.param_len());
    if found != (args.rows, args.cols) {
        let (rows, cols) = found;
        let text = format!(
            "--file: expected {} x {}, found {rows} x {cols}",
            args.rows, args.cols
        );
        return Err(Error::Usage(text));
    }
    let bytes = matrix.pass_bytes();
    drop(matrix);
    let mut bandwidth = 0.0f64;
    let mut runs = Vec::new();
    for _ in 0..args.repeats {
        if args.cold {
            drop_cache()?;
        }
        bandwidth = bandwidth.max(plain_reading(path, if args.cold { 1 } else { 2 })?);
        if args.cold {
            drop_cache()?;
        }
        // Mapped anew: pages that a process has mapped stay when the cache is dropped.
        runs.push(decompose(args, &Matrix::open(path)?)?);
    }
    Ok((bytes, bandwidth, runs))
}

/// Bytes a second that all threads read from the mapped file, touching each of them.
fn plain_reading(path: &Path, repeats: usize) -> Result<f64, Error> {
    let map = Map::open(path)?;
    let mut best = f64::INFINITY;
    for _ in 0..repeats {
        let begun = Instant::now();
        let sum: u64 = map
            .bytes()
            .par_chunks(4 << 20)
            .map(|piece| {
                let words = piece.as_chunks::<8>().0.iter();
                words.fold(0u64, |sum, word| {
                    sum.wrapping_add(u64::from_le_bytes(*word))
                })
            })
            .reduce(|| 0, u64::wrapping_add);
        std::hint::black_box(sum);
        best = best.min(begun.elapsed().as_secs_f64());
    }
    Ok(map.bytes().len() as f64 / best)
}

fn decompose(args: &Args, matrix: &Matrix) -> Result<Measured, Error> {
    let options = svd::Options {
        rank: args.rank,
        tolerance: args.tolerance,
        max_passes: args.passes,
        block: args.block,
        max_memory_bytes: args.max_memory,
        ..svd::Options::default()
    };
    let (mut single_flops, mut double_flops) = (0.0, 0.0);
    let mut precision = Precision::Double;
    let products = |columns: usize| {
        let columns = columns.next_multiple_of(crate::numeric::panel_gemm::STEP);
        4.0 * matrix.time_len() as f64 * matrix.param_len() as f64 * columns as f64
    };
    let mut file_bytes = 0;
    let before = memory::anonymous();
    let (ended, highest) = (AtomicBool::new(false), AtomicU64::new(0));
    let (seconds, found) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                highest.fetch_max(memory::anonymous().unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let begun = Instant::now();
        let found = svd::decompose(matrix, &options, None, &mut |event| {
            if let Event::Pass(Pass { bytes, .. }) | Event::Certificate { bytes } = event {
                file_bytes += bytes;
            }
            match event {
                Event::Plan(plan) => precision = plan.precision,
                Event::Pass(pass) if precision == Precision::Single => {
                    single_flops += products(pass.columns);
                }
                Event::Pass(pass) => double_flops += products(pass.columns),
                Event::Read { .. } | Event::Certificate { .. } => {}
            }
            true
        });
        let seconds = begun.elapsed().as_secs_f64();
        ended.store(true, Ordering::Relaxed);
        (seconds, found)
    });
    let found = found?;
    double_flops += products(found.rank);
    let worst = (0..found.rank)
        .map(|i| found.residual(i))
        .fold(0.0, f64::max);
    Ok(Measured {
        seconds,
        passes: found.passes,
        file_bytes,
        worst_residual: worst / found.s.first().copied().unwrap_or(1.0),
        converged: found.converged,
        single_flops,
        double_flops,
        anonymous_bytes: before.map(|_| highest.into_inner()),
    })
}

/// Has the system forget the files that it holds in memory.
fn drop_cache() -> Result<(), Error> {
    let script = "sync && echo 1 > /proc/sys/vm/drop_caches";
    let done = Command::new("sh").args(["-c", script]).output();
    if done.is_ok_and(|done| done.status.success()) {
        return Ok(());
    }
    let expected = "root on Linux, who can have the cache of files dropped";
    Err(Error::Usage(format!(
        "--cold: expected {expected} (`{script}`)"
    )))
}
