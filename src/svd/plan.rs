//! Which method, and what it takes: decided from shapes and settings alone, so that the same command
//! gives the same bits anywhere.

use serde::{Deserialize, Serialize};

use super::probes::PROBES;
use super::sweep::{padded, tiles_bytes};
use super::{Error, Method, Options};
use crate::gradients::GradientMatrix;
use crate::numeric::panel_gemm::STEP;

/// What the products of the iteration are computed in; residuals are computed in `f64` always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// `f32`, summed in `f64`.
    Single,
    /// `f64`.
    Double,
}

/// What is going to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Never [`Method::Auto`].
    pub method: Method,
    /// Why that one.
    pub why: String,
    /// Columns that a pass of [`Method::Krylov`] multiplies.
    pub block: usize,
    /// What its passes begin in.
    pub precision: Precision,
    /// Dimensions its space may have.
    pub(super) room: usize,
    /// Whether time and parameters change places, since there are more steps than parameters.
    pub flipped: bool,
    /// Readings expected, the certificate's among them.
    pub passes: usize,
    /// Bytes of one reading.
    pub pass_bytes: u64,
    /// Anonymous memory at most, the triplets among it, without what is held.
    pub memory_bytes: u64,
    /// Bytes of the matrix that will be held in memory between its readings: all or none.
    pub held_bytes: u64,
    /// Multiply-adds expected, times two.
    pub flops: f64,
}

/// Entries above which products are in `f32` first.
const SINGLE_LEN: u64 = 1 << 24;
/// Entries up to which the whole matrix is decomposed in memory, and the smaller side likewise.
const DENSE_LEN: u64 = 1 << 20;
const DENSE_SIDE: u64 = 512;
/// Nominal speeds, for the choice alone: products in `f32`, and reading from memory or disk.
const FLOPS_PER_SECOND: f64 = 1.5e11;
const MEMORY_BYTES_PER_SECOND: f64 = 1e10;
const DISK_BYTES_PER_SECOND: f64 = 1e9;
/// How much longer than all allowed passes the inner products may take where passes will not do.
const GRAM_PATIENCE: f64 = 10.0;
/// Columns that Krylov spaces have had, for each wanted triplet, when 1e-6 was reached.
const COLUMNS_PER_TRIPLET: usize = 5;

impl Plan {
    /// The plan for `matrix` under `options`; `start_len` columns are there to start from.
    ///
    /// # Errors
    /// A setting out of range, an empty matrix, or more memory than allowed.
    pub fn new(
        matrix: &dyn GradientMatrix,
        options: &Options,
        start_len: usize,
        threads: usize,
    ) -> Result<Self, Error> {
        options.check(start_len)?;
        let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
        if time_len == 0 || param_len == 0 {
            return Err(Error::Empty {
                time_len,
                param_len,
            });
        }
        let flipped = time_len > param_len;
        let (short, long) = if flipped {
            (param_len, time_len)
        } else {
            (time_len, param_len)
        };
        let entries = short as u64 * long as u64;
        let single = entries > SINGLE_LEN && !matrix.is_double();
        let pass_bytes = matrix.pass_bytes();
        let from_disk = pass_bytes > options.max_memory_bytes;
        let rank = options.rank.min(short);
        // Beyond memory a wide block is nearly free; within it a narrow one needs fewer products.
        let wide = if from_disk {
            padded(3 * rank).min(128.max(padded(rank)))
        } else {
            padded(rank.div_ceil(2))
        };
        let mut block = options.block.unwrap_or(wide);
        let precision = if single {
            Precision::Single
        } else {
            Precision::Double
        };
        let (base, size) = loop {
            let columns = COLUMNS_PER_TRIPLET * rank + block;
            let krylov_passes = if short <= 2 * block {
                2
            } else {
                (columns.div_ceil(block) + 2).min(options.max_passes)
            };
            let base = Self {
                method: options.method,
                why: "as asked".into(),
                block,
                precision,
                room: (3 * rank + 8 * block).max(columns + 2 * block),
                flipped,
                passes: 0,
                pass_bytes,
                memory_bytes: 0,
                held_bytes: 0,
                flops: 0.0,
            };
            let size = Size {
                short,
                long,
                rank,
                threads,
                krylov_passes,
                start_len,
            };
            let needed = base.of(Method::Krylov, &size).memory_bytes;
            // Where memory is short, narrower blocks and more passes.
            if options.block.is_some() || needed <= options.max_memory_bytes || block <= STEP {
                break (base, size);
            }
            block = padded(block / 2);
        };
        if options.method != Method::Auto {
            let plan = base.of(options.method, &size);
            return plan.within(options.max_memory_bytes);
        }
        let bytes_per_second = if from_disk {
            DISK_BYTES_PER_SECOND
        } else {
            MEMORY_BYTES_PER_SECOND
        };
        let small = entries <= DENSE_LEN && short as u64 <= DENSE_SIDE;
        let (krylov, gram) = (base.of(Method::Krylov, &size), base.of(Method::Gram, &size));
        let fits = |plan: &Self| plan.memory_bytes <= options.max_memory_bytes;
        let (mut chosen, why) = if options.max_passes == 1 {
            let why = "one reading, from the recorded sketch".to_owned();
            (base.of(Method::Krylov, &size), why)
        } else if small {
            let why = format!("{entries} entries are decomposed in memory");
            (base.of(Method::Dense, &size), why)
        } else if 4 * rank >= short && fits(&gram) {
            let why = format!("{rank} of {short} triplets are nearly the whole spectrum");
            (gram, why)
        } else {
            let [a, b] =
                [&krylov, &gram].map(|plan| plan.seconds(bytes_per_second, FLOPS_PER_SECOND));
            let place = if from_disk { "disk" } else { "memory" };
            if b < a && fits(&gram) {
                let why = format!(
                    "reading from {place}, {short} x {short} inner products cost less than {} passes",
                    krylov.passes
                );
                (gram, why)
            } else {
                let why = format!(
                    "reading from {place}, about {} passes cost less than {short} x {short} inner products",
                    krylov.passes
                );
                (krylov, why)
            }
        };
        chosen.why = why;
        chosen.within(options.max_memory_bytes)
    }

    /// The matrix of inner products in place of an iteration that falls too slowly, where it may be chosen and fits.
    pub(super) fn gram_instead(&self, options: &Options, size: (usize, usize)) -> Option<Self> {
        let size = Size {
            short: size.0,
            long: size.1,
            rank: options.rank.min(size.0),
            threads: rayon::current_num_threads(),
            krylov_passes: options.max_passes,
            start_len: 0,
        };
        let gram = self.of(Method::Gram, &size);
        let seconds = |plan: &Self| plan.seconds(MEMORY_BYTES_PER_SECOND, FLOPS_PER_SECOND);
        // Not where the inner products would take far longer than all passes that are allowed.
        let cheap = seconds(&gram) <= GRAM_PATIENCE * seconds(&self.of(Method::Krylov, &size));
        let fits = gram.memory_bytes <= options.max_memory_bytes;
        (options.method == Method::Auto && cheap && fits).then(|| Self {
            why: format!(
                "in {} passes the residuals fell too slowly for krylov",
                self.passes - 1
            ),
            held_bytes: 0,
            ..gram
        })
    }

    /// Seconds at these speeds of reading and of products in `f32`.
    pub fn seconds(&self, bytes_per_second: f64, flops_per_second: f64) -> f64 {
        let read = self.passes as f64 * self.pass_bytes as f64 / bytes_per_second;
        read + self.flops / flops_per_second
    }

    fn of(&self, method: Method, size: &Size) -> Self {
        let [t, p, k] = [size.short, size.long, size.rank].map(|x| x as u64);
        let threads = size.threads as u64;
        let products = |width: u64| 4.0 * (t * p * width) as f64;
        // The certificate: Y in f64, U and its pieces, tiles, and bases of T x k.
        let first = k.max(size.start_len as u64);
        let certificate = (8 + 4 + 4) * p * first
            + 8 * 6 * t * first
            + tiles_bytes::<f64>(size.short, padded(first as usize + PROBES), size.threads);
        let double = 2.0 * products(padded(size.rank + PROBES) as u64);
        let (passes, flops, memory) = match method {
            Method::Auto | Method::Krylov => {
                let (single, tiles) = match self.precision {
                    Precision::Single => (
                        1.0,
                        tiles_bytes::<f32>(size.short, padded(self.block), size.threads),
                    ),
                    Precision::Double => (
                        2.0,
                        tiles_bytes::<f64>(size.short, padded(self.block), size.threads),
                    ),
                };
                // What the probes find joins as a block.
                let block = self.block.max(PROBES);
                let space = space_bytes(size.short, self.room + block, block);
                let passes = size.krylov_passes;
                let iteration = (passes - 1) as f64 * single * products(padded(self.block) as u64);
                (passes, iteration + double, space + tiles)
            }
            Method::Gram => {
                // Lower triangle in f64, twice as slow; then 9 t^3 for the eigenvectors.
                let inner = 2.0 * (t * t * p) as f64 + 20.0 * (t * t * t) as f64;
                (
                    2,
                    inner + double,
                    8 * (7 * t * t) + super::gram::tile_bytes(size.short),
                )
            }
            Method::Dense | Method::Lanczos => {
                let work = 40.0 * (t * t * p) as f64;
                (2, work + double, 8 * 4 * t * p + threads)
            }
        };
        Self {
            method,
            passes,
            flops,
            memory_bytes: memory.max(certificate),
            ..self.clone()
        }
    }

    fn within(self, allowed_bytes: u64) -> Result<Self, Error> {
        if self.memory_bytes <= allowed_bytes {
            return Ok(self);
        }
        Err(Error::Memory {
            method: self.method.name(),
            needed_bytes: self.memory_bytes,
            allowed_bytes,
        })
    }
}

/// Bytes of a Krylov space of `t` rows and up to `m` dimensions, with `l` in a block.
pub(super) fn space_bytes(t: usize, m: usize, l: usize) -> u64 {
    let [t, m, l] = [t, m.min(t), l].map(|x| x as u64);
    8 * (4 * t * m + 10 * m * m + 4 * t * l)
}

/// What the costs depend on.
struct Size {
    short: usize,
    long: usize,
    rank: usize,
    threads: usize,
    krylov_passes: usize,
    start_len: usize,
}
