//! Block Krylov iteration with Rayleigh-Ritz on the whole space (Musco and Musco 2015, "Randomized
//! Block Krylov Methods").
//!
//! With `B = A A^T` (T x T, never formed) and a start block `Q` of random signs, the space is
//! `span(Q, B Q, B^2 Q, ...)`. Each application of B is one pass: per tile `Y = tile^T Q`,
//! `Z += tile Y`. With `W` an orthonormal basis, `H = W^T B W = X diag(theta) X^T` gives the Ritz
//! vectors `v = W x`. For `sigma = sqrt(theta)`, `u = A^T v / sigma` the left residual vanishes and
//! the right one is `|B v - theta v| / sigma`, known without a further pass.
//!
//! Cost a pass: `4 T P l` flops and one reading of `4 T P` bytes. Memory: [`memory_bytes`].

use faer::Mat;

use super::certificate::{self, Candidate, RANK_FLOOR, certify};
use super::dense::{basis, eigen, product, subtract_product};
use super::sweep::{sweep, tile_width};
use super::{Decomposition, Error, Stop};
use crate::gradients::GradientMatrix;
use crate::numeric::random::{Purpose, Stream};

/// Rounding of a product with B, relative to its largest eigenvalue: what is smaller is no direction.
const NOISE: f64 = 8.0 * f64::EPSILON;
/// The iteration aims below the tolerance, since rounding U to `f32` adds to the residuals.
const AIM: f64 = 0.5;

/// Settings of [`truncated`].
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Triplets wanted, k.
    pub rank: usize,
    /// Columns that each pass multiplies; at least `rank`. More cost time and save passes.
    pub block: usize,
    /// Residual at which a triplet is good enough, relative to the largest singular value; from
    /// 2e-7, which U in `f32` allows, to below 1.
    pub tolerance: f64,
    /// Readings of the whole matrix, the two of the certificate among them; at least 3.
    pub max_passes: usize,
    /// Seed of the start block.
    pub seed: u64,
}

/// Least tolerance that single precision allows.
pub const TOLERANCE_MIN: f64 = 2e-7;

impl Default for Options {
    fn default() -> Self {
        Self {
            rank: 32,
            block: 42,
            tolerance: 1e-6,
            max_passes: 24,
            seed: 0,
        }
    }
}

impl Options {
    /// The default with another rank, and 10 columns more than that in a block.
    pub fn with_rank(rank: usize) -> Self {
        Self {
            rank,
            block: rank + 10,
            ..Self::default()
        }
    }

    fn check(&self) -> Result<(), Error> {
        let check = |holds: bool, name, expected: String, found: String| {
            if holds {
                Ok(())
            } else {
                Err(Error::Setting {
                    name,
                    expected,
                    found,
                })
            }
        };
        check(
            self.rank >= 1,
            "rank",
            "at least 1".into(),
            self.rank.to_string(),
        )?;
        let least = format!("at least the rank, {}", self.rank);
        check(
            self.block >= self.rank,
            "block",
            least,
            self.block.to_string(),
        )?;
        let in_range = (TOLERANCE_MIN..1.0).contains(&self.tolerance);
        check(
            in_range,
            "tolerance",
            "2e-7 to below 1".into(),
            self.tolerance.to_string(),
        )?;
        let enough = self.max_passes > certificate::PASSES;
        check(
            enough,
            "max_passes",
            "at least 3".into(),
            self.max_passes.to_string(),
        )
    }
}

/// Progress: one pass is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pass {
    /// Passes done.
    pub index: usize,
    /// Bytes it read.
    pub bytes: u64,
    /// The largest residual of a wanted triplet, relative to the largest singular value.
    pub worst_residual: f64,
}

/// The `options.rank` largest singular triplets of `matrix`, or as many as it has; `progress` is
/// called after each pass.
///
/// # Errors
/// A setting out of range, an empty matrix, or one that cannot be read or is not finite.
pub fn truncated(
    matrix: &dyn GradientMatrix,
    options: &Options,
    progress: &mut dyn FnMut(Pass),
) -> Result<Decomposition, Error> {
    let bytes = pass_bytes(matrix);
    let mut worst_residual = f64::INFINITY;
    let Some(ritz) = iterate(
        matrix,
        options,
        options.max_passes - certificate::PASSES,
        &mut |pass| {
            worst_residual = pass.worst_residual;
            progress(pass);
        },
    )?
    else {
        return Ok(zero(matrix, options));
    };
    let mut found = certify(matrix, ritz.candidate, options.tolerance, |index| {
        progress(Pass {
            index,
            bytes,
            worst_residual,
        });
    })?;
    found.requested = options.rank;
    Ok(found)
}

/// Anonymous memory that [`truncated`] needs at most, with `threads` threads.
pub fn memory_bytes(time_len: usize, param_len: usize, options: &Options, threads: usize) -> u64 {
    let [t, p, k, threads] = [time_len, param_len, options.rank, threads].map(|x| x as u64);
    let l = t.min(if time_len <= 2 * options.block {
        t
    } else {
        options.block as u64
    });
    let passes = options.max_passes.saturating_sub(certificate::PASSES) as u64;
    let m = t.min(l * passes);
    let w = tile_width(time_len.max(1)) as u64;
    let tile = 4 * t * w + 8 * 128 * w + 8 * l * (w + t);
    // Basis and image, each with room to grow; H, its eigenvectors and faer's work on them.
    let krylov = 8 * (4 * t * m + 10 * m * m + 4 * t * l);
    let certificate = 4 * p * k + 8 * 4 * t * k;
    krylov.max(certificate) + threads * tile
}

/// The whole of the matrix in bytes.
fn pass_bytes(matrix: &dyn GradientMatrix) -> u64 {
    4 * matrix.time_len() as u64 * matrix.param_len() as u64
}

/// The decomposition of a matrix of zeros.
fn zero(matrix: &dyn GradientMatrix, options: &Options) -> Decomposition {
    Decomposition {
        rank: 0,
        requested: options.rank,
        time_len: matrix.time_len(),
        param_len: matrix.param_len(),
        u: Vec::new(),
        s: Vec::new(),
        v: Vec::new(),
        left_residuals: Vec::new(),
        right_residuals: Vec::new(),
        frobenius_squared: 0.0,
        passes: 1,
        converged: true,
        stop: Stop::WholeSpace,
        orthogonality_u: 0.0,
        orthogonality_v: 0.0,
    }
}

/// Where the iteration ended.
pub(super) struct Ritz {
    /// Ritz values, as singular values, largest first: lower bounds on the matrix's.
    pub(super) values: Vec<f64>,
    /// The space they come from.
    pub(super) candidate: Candidate,
}

/// Iterates for at most `max_passes`; `None` for a matrix of zeros.
pub(super) fn iterate(
    matrix: &dyn GradientMatrix,
    options: &Options,
    max_passes: usize,
    progress: &mut dyn FnMut(Pass),
) -> Result<Option<Ritz>, Error> {
    options.check()?;
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    if time_len == 0 || param_len == 0 {
        return Err(Error::Empty {
            time_len,
            param_len,
        });
    }
    let mut space = Space::new(start_block(time_len, options));
    let mut passes = 0;
    loop {
        let (image, total) = apply(matrix, &space.newest)?;
        passes += 1;
        if total == 0.0 {
            progress(Pass {
                index: passes,
                bytes: pass_bytes(matrix),
                worst_residual: 0.0,
            });
            return Ok(None);
        }
        space.push(image * faer::Scale(1.0 / total));
        let step = space.ritz(options.rank)?;
        progress(Pass {
            index: passes,
            bytes: pass_bytes(matrix),
            worst_residual: step.worst_residual,
        });
        let stop = if step.worst_residual <= AIM * options.tolerance {
            Stop::Tolerance
        } else if passes >= max_passes {
            Stop::MaxPasses
        } else if !space.grow(options.block, NOISE * step.theta[0]) {
            Stop::WholeSpace
        } else {
            continue;
        };
        return Ok(Some(Ritz {
            values: step
                .theta
                .iter()
                .map(|theta| (theta.max(0.0) * total).sqrt())
                .collect(),
            candidate: Candidate {
                v: step.v,
                energy: total,
                passes,
                stop,
            },
        }));
    }
}

/// Random signs, one column a direction; all of the space where that is not much more.
fn start_block(time_len: usize, options: &Options) -> Mat<f64> {
    if time_len <= 2 * options.block {
        return Mat::identity(time_len, time_len);
    }
    let mut stream = Stream::new(options.seed, Purpose::Sketch, 0);
    let signs: Vec<f64> = (0..time_len * options.block)
        .map(|_| stream.sign())
        .collect();
    let block = Mat::from_fn(time_len, options.block, |t, j| signs[t * options.block + j]);
    basis(block, NOISE * time_len as f64, options.block)
}

/// One pass: `A A^T q`, and `|A|_F^2`.
fn apply(matrix: &dyn GradientMatrix, q: &Mat<f64>) -> Result<(Mat<f64>, f64), Error> {
    let mut image = Mat::zeros(q.nrows(), q.ncols());
    let mut energy = 0.0;
    sweep(
        matrix,
        |tile| {
            let y = tile.transposed_times(q.as_ref());
            (tile.times(y.as_ref()), tile.energy)
        },
        |(partial, tile_energy)| {
            image += partial;
            energy += tile_energy;
        },
    )?;
    Ok((image, energy))
}

/// The Krylov space: an orthonormal basis W, its image `B W / |A|_F^2`, and `H = W^T B W / |A|_F^2`.
struct Space {
    basis: Mat<f64>,
    image: Mat<f64>,
    h: Mat<f64>,
    /// Basis vectors whose image is not known yet.
    newest: Mat<f64>,
}

/// The best that the space holds.
struct Step {
    theta: Vec<f64>,
    v: Mat<f64>,
    worst_residual: f64,
}

impl Space {
    fn new(start: Mat<f64>) -> Self {
        let time_len = start.nrows();
        let none = || Mat::zeros(time_len, 0);
        Self {
            basis: none(),
            image: none(),
            h: Mat::zeros(0, 0),
            newest: start,
        }
    }

    /// Takes the image of the newest basis vectors.
    fn push(&mut self, image: Mat<f64>) {
        append(&mut self.basis, &self.newest);
        append(&mut self.image, &image);
        let (old, m) = (self.h.ncols(), self.basis.ncols());
        let columns = product(self.basis.transpose(), image.as_ref());
        // Only the lower triangle is read, so rounding cannot make H asymmetric.
        self.h.resize_with(
            m,
            m,
            |i, j| if i >= old { columns[(j, i - old)] } else { 0.0 },
        );
    }

    /// The `k` largest Ritz pairs.
    fn ritz(&self, k: usize) -> Result<Step, Error> {
        let (mut theta, x) = eigen(self.h.as_ref())?;
        let k = k.min(theta.len());
        theta.truncate(k);
        let x = x.subcols(0, k);
        let v = product(self.basis.as_ref(), x);
        let image = product(self.image.as_ref(), x);
        let mut worst_residual = 0.0f64;
        let floor = theta[0].max(f64::MIN_POSITIVE).sqrt() * RANK_FLOOR;
        for (j, &theta_j) in theta.iter().enumerate() {
            let squares = (0..v.nrows()).map(|t| (image[(t, j)] - theta_j * v[(t, j)]).powi(2));
            let sigma = theta_j.max(0.0).sqrt().max(floor);
            worst_residual = worst_residual.max(squares.sum::<f64>().sqrt() / sigma);
        }
        worst_residual /= theta[0].max(f64::MIN_POSITIVE).sqrt();
        Ok(Step {
            theta,
            v,
            worst_residual,
        })
    }

    /// Finds the next basis vectors in the newest image; false where there are none.
    fn grow(&mut self, block: usize, noise: f64) -> bool {
        let (m, newest) = (self.basis.ncols(), self.newest.ncols());
        let room = (self.basis.nrows() - m).min(block);
        let mut next = self.image.subcols(m - newest, newest).to_owned();
        self.project_out(&mut next);
        self.project_out(&mut next);
        next = basis(next, noise, room);
        // A short column was mostly rounding, some of it inside the old space: once more, and what
        // does not survive that was nothing else.
        self.project_out(&mut next);
        next = basis(next, 0.1, room);
        self.project_out(&mut next);
        next = basis(next, 0.1, room);
        self.newest = next;
        self.newest.ncols() > 0
    }

    fn project_out(&self, x: &mut Mat<f64>) {
        let inside = product(self.basis.transpose(), x.as_ref());
        subtract_product(x.as_mut(), self.basis.as_ref(), inside.as_ref());
    }
}

fn append(to: &mut Mat<f64>, columns: &Mat<f64>) {
    let old = to.ncols();
    to.resize_with(to.nrows(), old + columns.ncols(), |i, j| {
        columns[(i, j - old)]
    });
}
