//! Arguments of `gouda svd`.

use crate::cli::matrix::MatrixArgs;
use crate::cli::parse;
use crate::cli::settings::Running;
use crate::svd::Method;

/// Truncated SVD of a gradient matrix, with its certificate
///
/// MATRIX is a .npy file of float16, float32 or float64 in C or Fortran order, whose rows are time and
/// whose columns are parameters; or a stream folder of a run (gradients/total); or a folder of .npy
/// files side by side, such as dask's to_npy_stack leaves; or a folder of one step a file, .npy vectors or
/// .safetensors, in the order of the numbers in their names. DIR gets U.npy (P x k, float32), S.npy (k)
/// and V.npy (T x k), and certificate.json, which holds |G v - sigma u| and |G^T u - sigma v| of every
/// triplet, computed on the matrix itself, and what follows from them: what is proved, and what is only
/// likely.
///
/// It ends as soon as every residual is within the tolerance; where passes do not suffice, with exit code 5. A matrix larger than --max-memory is
/// taken to come from disk, where wide blocks are nearly free and passes are not. A stream folder that
/// is not larger is held to its checksums first.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda svd runs/quick-seed0/gradients/total --rank 16 --out total-svd
  gouda svd anyone.npy --unit-norm --window 0..5000 --stride 5 --out svd
  gouda svd runs/quick-seed0/gradients/total --layers conv1,value --out conv1-svd
  gouda svd steps/ --layers encoder --out encoder-svd     (steps/step-0.safetensors, step-100, ..)
  gouda svd parameters-by-time.npy --time-axis 1 --max-memory 1GiB --out svd")]
pub struct Args {
    #[command(flatten)]
    pub(super) asked: MatrixArgs,

    /// Singular triplets; a matrix of lower rank gives as many as it has, and says so
    #[arg(long, default_value_t = 32)]
    pub(super) rank: usize,

    /// Stop when every residual is below this share of the largest singular value
    #[arg(long, default_value_t = 1e-6)]
    pub(super) tolerance: f64,

    /// Most readings of the matrix; 1 uses the sketch that was recorded with it and nothing else
    #[arg(long, default_value_t = 48)]
    pub(super) passes: usize,

    /// How: by default what the plan finds cheapest
    #[arg(long, value_enum, default_value_t = MethodName::Auto)]
    pub(super) method: MethodName,

    /// Columns multiplied in a pass of krylov [default: by the plan]
    #[arg(long)]
    pub(super) block: Option<usize>,

    /// Memory beyond the mapped file, at most; what the work leaves of it holds the matrix between its
    /// readings, if all of it fits and the system has twice as much
    #[arg(long, default_value = "4GiB", value_parser = parse::bytes, value_name = "SIZE")]
    pub(super) max_memory: u64,

    /// Exit with 0 also where a residual stays above the tolerance, or a larger value was missed
    #[arg(long)]
    pub(super) allow_unconverged: bool,

    /// Compare with a Lanczos solver that has the whole matrix in memory, up to 4 million entries
    #[arg(long)]
    pub(super) cross_check: bool,

    /// Seed of the start block and of the certificate's probes
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,

    #[command(flatten)]
    pub(super) running: Running,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub(super) enum MethodName {
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
