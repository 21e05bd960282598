//! The whole of it: plan, method, certificate.

use std::ops::Range;

use faer::{Mat, MatRef};

use super::certificate::{Candidate, certify, measure};
use super::dense::{basis, hold, orthogonality_of_gram, product, right_svd};
use super::held::{self, Held};
use super::krylov::{Krylov, Setup, in_range};
use super::plan::Precision;
use super::sweep::Watch;
use super::{Decomposition, Error, Event, Method, Options, Plan, Stop, gram, lanczos, range};
use crate::gradients::{self, GradientMatrix};

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
        let (found, long) = run(&flipped, options, &plan, None, tell)?;
        return turn_back(&flipped, found, long, options.tolerance, tell);
    }
    let start = start.map(|start| {
        let columns = Mat::from_fn(time_len, start_len, |t, j| start[t * start_len + j]);
        let largest = columns.norm_max();
        if largest == 0.0 || !largest.is_finite() {
            return Mat::zeros(time_len, 0);
        }
        let scaled = columns * faer::Scale(1.0 / largest);
        // Blocks keep the width of the first: all of the sketch where nothing else is read.
        let width = if options.max_passes == 1 {
            start_len
        } else {
            plan.block
        };
        basis(scaled, 1e-12 * time_len as f64, width)
    });
    run(matrix, options, &plan, start, tell).map(|(found, _)| found)
}

fn run(
    matrix: &dyn GradientMatrix,
    options: &Options,
    plan: &Plan,
    start: Option<Mat<f64>>,
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
    let direct = |q, next, scale, passes| Candidate {
        q,
        rank,
        scale,
        energy: None,
        floor,
        next,
        passes,
        method: plan.method,
        stop: Stop::WholeSpace,
        exact: plan.flipped,
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
                        index: passes,
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
                    return Ok((zero(matrix, rank, Method::Gram, passes), Vec::new()));
                }
                passes += 1;
                scale = range::power_of_two(1.0 / largest);
            };
            let next = values.get(rank).map(|x| x.max(0.0).sqrt() / scale);
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
                (
                    v.subcols(0, wanted).to_owned(),
                    s.get(rank).map(|s| s / scale),
                )
            } else {
                let a = hold(matrix, scale)?;
                (lanczos::left_vectors(&a, rank)?, None)
            };
            direct(q, next, scale, 2)
        }
    };
    certify(&Held::none(matrix), &candidate, options.tolerance, tell)
}

fn krylov(
    matrix: &dyn GradientMatrix,
    options: &Options,
    plan: &Plan,
    start: Option<Mat<f64>>,
    floor: f64,
    tell: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<(Decomposition, Vec<f64>), Error> {
    let candidate = |krylov: &Krylov<'_>, stop| {
        let (energy, scale) = krylov.energy();
        Candidate {
            q: krylov.vectors(),
            rank: options.rank,
            scale,
            energy: (energy > 0.0).then_some(energy),
            floor,
            next: krylov.values().get(options.rank).copied(),
            passes: krylov.passes,
            method: Method::Krylov,
            stop,
            exact: plan.flipped,
        }
    };
    let setup = Setup {
        block: plan.block,
        precision: plan.precision,
        room: plan.room,
        floor,
        start,
    };
    let mut krylov = Krylov::new(Held::new(matrix, plan.held_bytes), options, setup);
    if options.max_passes == 1 {
        // The start block alone: one reading is the certificate's.
        let candidate = candidate(&krylov, Stop::MaxPasses);
        return certify(krylov.held(), &candidate, options.tolerance, tell);
    }
    let mut tolerance = options.tolerance;
    let mut budget = options.max_passes - 1;
    loop {
        let Some(stop) = krylov.run(budget, tolerance, tell)? else {
            let found = zero(matrix, options.rank, Method::Krylov, krylov.passes);
            return Ok((found, Vec::new()));
        };
        let (found, exact) = certify(
            krylov.held(),
            &candidate(&krylov, stop),
            options.tolerance,
            tell,
        )?;
        // The certificate is in f64 and is what counts; passes left are made.
        let over = found.passes + 2 > options.max_passes;
        if found.converged || over || stop != Stop::Tolerance {
            return Ok((found, exact));
        }
        krylov.passes = found.passes;
        budget = options.max_passes - 1;
        if !krylov.refine() {
            tolerance *= 0.1;
            if !krylov.go_on() {
                return Ok((found, exact));
            }
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
        passes,
        converged: true,
        stop: Stop::WholeSpace,
        method,
        orthogonality_u: 0.0,
        orthogonality_v: 0.0,
    }
}

/// A matrix of more steps than parameters, as one of more parameters than steps.
struct Flipped<'a>(&'a dyn GradientMatrix);

impl Flipped<'_> {
    fn read_as<T: Copy + Default>(
        rows: &Range<usize>,
        params: &Range<usize>,
        out: &mut [T],
        read: impl FnOnce(&mut [T]) -> Result<(), gradients::Error>,
    ) -> Result<(), gradients::Error> {
        let mut block = vec![T::default(); out.len()];
        read(&mut block)?;
        for (row, out) in out.chunks_exact_mut(params.len().max(1)).enumerate() {
            let column = block.iter().skip(row).step_by(rows.len());
            out.iter_mut().zip(column).for_each(|(out, x)| *out = *x);
        }
        Ok(())
    }
}

impl GradientMatrix for Flipped<'_> {
    fn time_len(&self) -> usize {
        self.0.param_len()
    }

    fn param_len(&self) -> usize {
        self.0.time_len()
    }

    fn is_double(&self) -> bool {
        self.0.is_double()
    }

    fn pass_bytes(&self) -> u64 {
        self.0.pass_bytes()
    }

    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), gradients::Error> {
        Self::read_as(&rows, &params, out, |block| {
            self.0.read_block(params.clone(), rows.clone(), block)
        })
    }

    fn read_block_f64(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f64],
    ) -> Result<(), gradients::Error> {
        Self::read_as(&rows, &params, out, |block| {
            self.0.read_block_f64(params.clone(), rows.clone(), block)
        })
    }
}

/// U and V of a flipped matrix back in their places. The new U is rounded to `f32`, so the residuals
/// are measured anew, in one more pass.
fn turn_back(
    flipped: &Flipped<'_>,
    mut found: Decomposition,
    mut long: Vec<f64>,
    tolerance: f64,
    tell: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<Decomposition, Error> {
    let rank = found.rank;
    // The sign rule is that of V, which was U until now.
    for j in 0..rank {
        let mut largest = 0.0f64;
        for x in long.iter().skip(j).step_by(rank) {
            if x.abs() > largest.abs() {
                largest = *x;
            }
        }
        if largest < 0.0 {
            for side in [&mut long, &mut found.v] {
                let column = side.iter_mut().skip(j).step_by(rank);
                column.for_each(|x| *x = -*x);
            }
        }
    }
    let short: Vec<f32> = found.v.iter().map(|&x| x as f32).collect();
    found.v = short.iter().map(|&x| f64::from(x)).collect();
    if rank > 0 {
        found.passes += 1;
        let index = found.passes;
        let mut watch = |bytes| tell(Event::Read { index, bytes });
        let norm = found.frobenius_norm;
        let scale = if in_range(norm * norm) {
            1.0
        } else {
            range::power_of_two(1.0 / norm)
        };
        let watch = &mut Watch { tell: &mut watch };
        let held = Held::none(flipped);
        measure(&held, &mut found, &|at| long[at], scale, watch)?;
        let bytes = held.take_read_bytes();
        if !tell(Event::Certificate { bytes }) {
            return Err(Error::Interrupted);
        }
    }
    let orthogonality = |side: &[f64]| {
        let columns = MatRef::from_row_major_slice(side, side.len() / rank.max(1), rank);
        orthogonality_of_gram(product(columns.transpose(), columns).as_ref())
    };
    let mut turned = Decomposition {
        time_len: found.param_len,
        param_len: found.time_len,
        orthogonality_u: orthogonality(&found.v),
        orthogonality_v: orthogonality(&long),
        u: short,
        v: long,
        left_residuals: found.right_residuals.clone(),
        right_residuals: found.left_residuals.clone(),
        ..found
    };
    turned.judge(tolerance);
    Ok(turned)
}
