//! The whole of it: plan, method, certificate.

use faer::Mat;

use super::certificate::{Candidate, Certified, certify};
use super::dense::{basis, hold, right_svd};
use super::flipped::{Flipped, turn_back};
use super::held::{self, Held};
use super::krylov::{Krylov, Setup, in_range};
use super::plan::Precision;
use super::start::join_random;
use super::sweep::{Watch, padded};
use super::{
    Decomposition, Error, Event, Method, Options, Plan, Stop, Unseen, gram, lanczos, range,
};
use crate::gradients::GradientMatrix;

/// Singular values of an `f32` matrix below this share of the largest count as zero: the rounding of
/// its entries moves them.
pub(super) const RANK_FLOOR: f64 = f32::EPSILON as f64;

/// The `options.rank` largest singular triplets of `matrix`, or as many as it has. `start` holds
/// columns of length T to start from, in the order of the rows of the matrix: the sketch that was
/// recorded with it. `tell` hears of the plan, of reading and of passes, and ends the work by
/// returning false.
///
/// # Errors
/// A setting out of range, an empty matrix, one that cannot be read or is not finite, too little
/// memory, or a method that the matrix is not for.
pub fn decompose(
    matrix: &dyn GradientMatrix,
    options: &Options,
    start: Option<&[f64]>,
    tell: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<Decomposition, Error> {
    let time_len = matrix.time_len();
    // The other way round, directions in time are no start.
    let start = start.filter(|_| time_len <= matrix.param_len());
    let start_len = start.map_or(0, |start| start.len() / time_len.max(1));
    let threads = rayon::current_num_threads();
    let mut plan = Plan::new(matrix, options, start_len, threads)?;
    if plan.method == Method::Krylov && plan.precision == Precision::Single {
        let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
        let (short, long) = (time_len.min(param_len), time_len.max(param_len));
        plan.held_bytes = held::room(short, long, options.max_memory_bytes, plan.memory_bytes);
    }
    let plan = plan;
    if !tell(Event::Plan(&plan)) {
        return Err(Error::Interrupted);
    }
    if plan.flipped {
        let flipped = Flipped(matrix);
        let (found, long) = run(&flipped, options, &plan, None, 0, tell)?;
        return turn_back(&flipped, found, long, options.tolerance, tell);
    }
    let start = start.map(|start| {
        let columns = Mat::from_fn(time_len, start_len, |t, j| start[t * start_len + j]);
        let largest = columns.norm_max();
        if largest == 0.0 || !largest.is_finite() {
            return Mat::zeros(time_len, 0);
        }
        let scaled = columns * faer::Scale(1.0 / largest);
        if options.max_passes == 1 {
            // All of it, where nothing else is read.
            return basis(scaled, 1e-12 * time_len as f64, start_len);
        }
        // Blocks keep the width of the first. Nothing says what a sketch is one of: random columns join it, where
        // products have room for them, else in place of some of its own.
        let random = plan.block.div_ceil(4);
        let width = plan.block.min(padded(plan.block) - random);
        let sketch = basis(scaled, 1e-12 * time_len as f64, width);
        join_random(sketch, random, options.seed)
    });
    run(matrix, options, &plan, start, 0, tell).map(|(found, _)| found)
}

/// The triplets of a matrix of no more steps than parameters, and U in `f64` if the plan turns it; `read` passes
/// were made before.
fn run(
    matrix: &dyn GradientMatrix,
    options: &Options,
    plan: &Plan,
    start: Option<Mat<f64>>,
    read: usize,
    tell: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<(Decomposition, Vec<f64>), Error> {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    let floor = if matrix.is_double() {
        f64::EPSILON * time_len.max(param_len) as f64
    } else {
        RANK_FLOOR
    };
    let rank = options.rank;
    // The vectors that a direct method found.
    let direct = |q, next: Next, scale, passes| Candidate {
        q,
        rank,
        scale,
        energy: None,
        floor,
        next: next.about,
        next_at_most: next.at_most,
        searched: plan.method == Method::Dense,
        passes: read + passes,
        method: plan.method,
        stop: Stop::WholeSpace,
        exact: plan.flipped,
        seed: options.seed,
        certified: 0,
    };
    let candidate = match plan.method {
        Method::Auto | Method::Krylov => {
            return krylov(matrix, options, plan, start, floor, tell);
        }
        Method::Gram => {
            let wanted = (rank + 1).min(time_len);
            let mut scale = 1.0;
            let mut passes = 0;
            let (values, q) = loop {
                passes += 1;
                let mut watch = |bytes| {
                    tell(Event::Read {
                        index: read + passes,
                        bytes,
                    })
                };
                let mut watch = Watch { tell: &mut watch };
                let gram = gram::inner_products(matrix, scale, &mut watch)?;
                let energy: f64 = (0..time_len).map(|t| gram[(t, t)]).sum();
                if in_range(energy) || scale != 1.0 {
                    break gram::eigenvectors(gram, wanted)?;
                }
                let largest = range::largest(matrix)?;
                if largest == 0.0 {
                    return Ok((zero(matrix, rank, Method::Gram, read + passes), Vec::new()));
                }
                passes += 1;
                scale = range::power_of_two(1.0 / largest);
            };
            // Rounding of the products, in squares.
            let lost = 16.0 * time_len as f64 * f64::EPSILON * values[0].max(0.0);
            let of_square = |x: f64| x.max(0.0).sqrt() / scale;
            let next = Next {
                about: values.get(rank).map(|x| of_square(*x)),
                at_most: values.get(rank).map(|x| of_square(x.max(0.0) + lost)),
            };
            direct(q, next, scale, passes)
        }
        Method::Dense | Method::Lanczos => {
            let largest = range::largest(matrix)?;
            if largest == 0.0 {
                return Ok((zero(matrix, rank, plan.method, 1), Vec::new()));
            }
            let scale = range::power_of_two(1.0 / largest);
            let (q, next) = if plan.method == Method::Dense {
                let a = hold(matrix, scale)?;
                let (s, v) = right_svd(a.transpose())?;
                let wanted = (rank + 1).min(v.ncols());
                let lost = 16.0 * time_len as f64 * f64::EPSILON * s[0];
                let next = Next {
                    about: s.get(rank).map(|s| s / scale),
                    at_most: s.get(rank).map(|s| (s + lost) / scale),
                };
                (v.subcols(0, wanted).to_owned(), next)
            } else {
                let a = hold(matrix, scale)?;
                let bytes = matrix.pass_bytes();
                let mut go_on = || {
                    tell(Event::Read {
                        index: read + 2,
                        bytes,
                    })
                };
                (
                    lanczos::left_vectors(&a, rank, &mut go_on)?,
                    Next::default(),
                )
            };
            direct(q, next, scale, 2)
        }
    };
    let certified = certify(&Held::none(matrix), &candidate, options.tolerance, tell)?;
    Ok((certified.found, certified.exact))
}

/// The first singular value that is not wanted.
#[derive(Default)]
struct Next {
    about: Option<f64>,
    at_most: Option<f64>,
}

fn krylov(
    matrix: &dyn GradientMatrix,
    options: &Options,
    plan: &Plan,
    start: Option<Mat<f64>>,
    floor: f64,
    tell: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<(Decomposition, Vec<f64>), Error> {
    // The certificate's readings: where the matrix is turned, residuals are measured in another.
    let own = 1 + usize::from(plan.flipped);
    let candidate = |krylov: &Krylov<'_>, stop, certified| {
        let (energy, scale) = krylov.energy();
        Candidate {
            q: krylov.vectors(),
            rank: options.rank,
            scale,
            energy: (energy > 0.0).then_some(energy),
            floor,
            next: krylov.values().get(options.rank).copied(),
            next_at_most: krylov.at_most(options.rank),
            searched: false,
            passes: krylov.passes,
            method: Method::Krylov,
            stop,
            exact: plan.flipped,
            seed: options.seed,
            certified,
        }
    };
    let instead = plan.gram_instead(options, (matrix.time_len(), matrix.param_len()));
    let setup = Setup {
        block: plan.block,
        precision: plan.precision,
        room: plan.room,
        floor,
        start,
        give_up_after: instead.as_ref().map(|_| plan.passes - 1),
    };
    let mut krylov = Krylov::new(Held::new(matrix, plan.held_bytes), options, setup);
    if options.max_passes <= own {
        // The start block alone: every reading is the certificate's.
        let candidate = candidate(&krylov, Stop::MaxPasses, 0);
        let certified = certify(krylov.held(), &candidate, options.tolerance, tell)?;
        return Ok((certified.found, certified.exact));
    }
    let mut tolerance = options.tolerance;
    let budget = options.max_passes - own;
    let mut certified = 0;
    loop {
        let Some(stop) = krylov.run(budget, tolerance, tell)? else {
            let found = zero(matrix, options.rank, Method::Krylov, krylov.passes);
            return Ok((found, Vec::new()));
        };
        if let Some(gram) = &instead
            && stop == Stop::MaxPasses
            && krylov.is_slow(budget, tolerance)
        {
            if !tell(Event::Plan(gram)) {
                return Err(Error::Interrupted);
            }
            return run(matrix, options, gram, None, krylov.passes, tell);
        }
        let candidate = candidate(&krylov, stop, certified);
        let Certified {
            found,
            exact,
            missed,
        } = certify(krylov.held(), &candidate, options.tolerance, tell)?;
        // The certificate is in f64 and is what counts; passes left are made.
        let over = found.passes + 1 + own > options.max_passes;
        krylov.passes = found.passes;
        certified += 1;
        let goes_on = match missed {
            _ if over => false,
            Some(directions) => krylov.join(directions),
            None if found.converged || stop != Stop::Tolerance => false,
            None => {
                krylov.refine() || {
                    tolerance *= 0.1;
                    krylov.go_on()
                }
            }
        };
        if !goes_on {
            return Ok((found, exact));
        }
    }
}

/// The decomposition of a matrix of zeros.
fn zero(
    matrix: &dyn GradientMatrix,
    requested: usize,
    method: Method,
    passes: usize,
) -> Decomposition {
    Decomposition {
        rank: 0,
        requested,
        time_len: matrix.time_len(),
        param_len: matrix.param_len(),
        u: Vec::new(),
        s: Vec::new(),
        v: Vec::new(),
        left_residuals: Vec::new(),
        right_residuals: Vec::new(),
        frobenius_norm: 0.0,
        next_singular_value: None,
        unseen: Some(Unseen {
            others_likely_at_most: 0.0,
            probability: 1.0,
            others_at_least: 0.0,
            others_are_rounding: true,
        }),
        passes,
        converged: true,
        stop: Stop::WholeSpace,
        method,
        orthogonality_u: 0.0,
        orthogonality_v: 0.0,
    }
}
