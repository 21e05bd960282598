//! Block Krylov iteration with Rayleigh-Ritz on the whole space (Musco and Musco 2015, "Randomized
//! Block Krylov Methods").
//!
//! With `B = A A^T` (T x T, never formed) and a start block `Q` of random signs, or the sketch
//! `A Omega` that was recorded with the matrix, the space is `span(Q, B Q, B^2 Q, ...)`. Each
//! application of B is one pass: per panel `Y = panel^T Q`, `Z += panel Y`. With `W` an orthonormal
//! basis, `H = W^T B W = X diag(theta) X^T` gives the Ritz vectors `v = W x`. For `sigma =
//! sqrt(theta)`, `u = A^T v / sigma` the left residual vanishes and the right one is
//! `|B v - theta v| / sigma`, known without a further pass.
//!
//! Products of a large `f32` matrix run in `f32`, summed in `f64`, as long as their rounding is below
//! what is asked for; then the best Ritz vectors start a new space in `f64`.
//!
//! A block narrower than the rank is cheaper, and finds no more copies of a tied singular value than
//! it has columns: where as many values as that lie within their residuals of each other, random
//! directions are added and the iteration goes on for as long as it took.
//!
//! Cost a pass: `4 T P l` flops and one reading.

use faer::Mat;

use super::held::Held;
use super::plan::Precision;
use super::space::{Space, Step};
use super::start::random_block;
use super::sweep::{Watch, apply};
use super::{Error, Event, Options, Pass, Stop};

/// Rounding of a product with B, relative to its largest eigenvalue: what is smaller is no direction.
const NOISE: f64 = 8.0 * f64::EPSILON;
/// The same in `f32`, whose partial sums are added in `f64`.
const NOISE_SINGLE: f64 = 2.0 * f32::EPSILON as f64;
/// The iteration aims below the tolerance, since rounding U to `f32` adds to the residuals.
const AIM: f64 = 0.5;
/// Passes whose residuals tell how fast they fall.
const PACE: usize = 4;
/// A norm of the matrix within these bounds keeps products in `f32` clear of overflow and of
/// subnormal numbers.
const SINGLE_RANGE: std::ops::Range<f64> = 1e-8..1e14;

/// The iteration, at rest between passes.
pub(super) struct Krylov<'a> {
    held: Held<'a>,
    options: &'a Options,
    block: usize,
    precision: Precision,
    /// Dimensions at which the space is compressed.
    room: usize,
    floor: f64,
    scale: f64,
    /// `|A|_F^2` after scaling; 0 before the first pass.
    total: f64,
    space: Space,
    /// What the latest pass gave.
    step: Option<Step>,
    /// Worst residuals since the space was begun.
    history: Vec<f64>,
    /// Random blocks so far.
    draws: u64,
    /// Random directions the space was built on: it finds no more copies of one value.
    copies: usize,
    /// Passes for which convergence does not count: new directions need time to show.
    patience: usize,
    /// Whether the newest block is random and not an image.
    random: bool,
    /// Passes after which slow convergence ends it; none where nothing else could be done.
    give_up_after: Option<usize>,
    /// Passes so far.
    pub(super) passes: usize,
}

/// Whether sums of squares, squared, stay clear of the ends of `f64`.
pub(super) fn in_range(energy: f64) -> bool {
    (1e-120..1e120).contains(&energy)
}

/// How an iteration is set up.
pub(super) struct Setup {
    pub(super) block: usize,
    pub(super) precision: Precision,
    /// Dimensions at which the space is compressed.
    pub(super) room: usize,
    /// Singular values below this share of the largest count as 0.
    pub(super) floor: f64,
    /// Columns to start from, of length T, in place of random ones.
    pub(super) start: Option<Mat<f64>>,
    /// Passes after which [`run`](Krylov::run) ends where the residuals will not reach the tolerance.
    pub(super) give_up_after: Option<usize>,
}

impl<'a> Krylov<'a> {
    pub(super) fn new(held: Held<'a>, options: &'a Options, setup: Setup) -> Self {
        let time_len = held.matrix.time_len();
        let block = setup.block.min(time_len);
        let start = match setup.start {
            // In a space of few dimensions all of it is not much more.
            _ if time_len <= 2 * block => Mat::identity(time_len, time_len),
            Some(sketch) if sketch.ncols() > 0 => sketch,
            _ => random_block(time_len, block, options.seed, 0),
        };
        Self {
            held,
            options,
            block,
            precision: setup.precision,
            room: setup.room,
            floor: setup.floor,
            scale: 1.0,
            total: 0.0,
            step: None,
            history: Vec::new(),
            draws: 1,
            copies: start.ncols(),
            patience: 0,
            random: false,
            give_up_after: setup.give_up_after,
            passes: 0,
            space: Space::new(start),
        }
    }

    /// Iterates until the residuals are below `tolerance`, the space is exhausted, or `max_passes`
    /// are made; `None` for a matrix of zeros.
    pub(super) fn run(
        &mut self,
        max_passes: usize,
        tolerance: f64,
        tell: &mut dyn FnMut(Event<'_>) -> bool,
    ) -> Result<Option<Stop>, Error> {
        loop {
            let newest = self.space.newest.ncols();
            let index = self.passes + 1;
            let mut image = self.apply(&mut |bytes| tell(Event::Read { index, bytes }))?;
            self.passes += 1;
            if self.total == 0.0 {
                let pass = self.pass(newest, 0.0);
                return heed(tell(Event::Pass(pass))).map(|()| None);
            }
            image *= faer::Scale(1.0 / self.total);
            let added = self.space.push(&image);
            let step = self.space.ritz(self.options.rank, self.floor)?;
            let worst = step.worst_residual();
            let noise = match self.precision {
                Precision::Single => NOISE_SINGLE,
                Precision::Double => NOISE,
            } * step.theta[0];
            heed(tell(Event::Pass(self.pass(newest, worst))))?;
            let nothing_new = self.random && added <= noise * newest as f64;
            self.random = false;
            self.patience = self.patience.saturating_sub(1);
            let hopeless = self.hopeless(&step, tolerance);
            self.history.push(worst);
            let converged = worst <= AIM * tolerance && self.patience == 0;
            let tied = converged && self.is_tied(&step, tolerance);
            self.step = Some(step);
            let whole = self.space.len() == self.held.matrix.time_len();
            let single = self.precision == Precision::Single;
            if worst <= AIM * tolerance && (whole || converged && !tied) {
                return Ok(Some(Stop::Tolerance));
            }
            if nothing_new || whole && !single {
                return Ok(Some(Stop::WholeSpace));
            }
            if self.passes >= max_passes || self.is_slow(max_passes, tolerance) {
                return Ok(Some(Stop::MaxPasses));
            }
            let grown = if tied {
                self.patience = self.history.len();
                self.draw()
            } else {
                !hopeless && !whole && self.space.grow(newest, noise)
            };
            if !grown && single {
                self.restart_in_double();
                continue;
            }
            // What the start block missed, random directions find; unless nothing is left.
            let nothing_left = self.space.tail() <= 16.0 * f64::EPSILON;
            if !grown && (nothing_left || !self.draw()) {
                return Ok(Some(Stop::WholeSpace));
            }
            self.make_room();
        }
    }

    /// The matrix, with what is held of it.
    pub(super) fn held(&self) -> &Held<'a> {
        &self.held
    }

    /// The wanted Ritz vectors so far.
    pub(super) fn vectors(&self) -> Mat<f64> {
        match &self.step {
            Some(step) => step.v.clone(),
            None => self.space.newest.clone(),
        }
    }

    /// Ritz values so far, as singular values, largest first: lower bounds on the matrix's.
    pub(super) fn values(&self) -> Vec<f64> {
        let theta = self.step.iter().flat_map(|step| &step.theta);
        theta
            .map(|theta| (theta.max(0.0) * self.total).sqrt() / self.scale)
            .collect()
    }

    /// What the singular value of this index is at most, where the space became all there is and products were in
    /// `f64`.
    pub(super) fn at_most(&self, index: usize) -> Option<f64> {
        let time_len = self.held.matrix.time_len();
        let whole = self.space.len() == time_len && self.precision == Precision::Double;
        let theta = self.step.as_ref().filter(|_| whole)?.theta.get(index)?;
        let lost = 16.0 * time_len as f64 * f64::EPSILON * self.leading();
        Some(((theta.max(0.0) + lost) * self.total).sqrt() / self.scale)
    }

    /// `|A|_F^2` of the scaled matrix, and the scale.
    pub(super) fn energy(&self) -> (f64, f64) {
        (self.total, self.scale)
    }

    /// Goes on in `f64`; false where it does already.
    pub(super) fn refine(&mut self) -> bool {
        let single = self.precision == Precision::Single;
        if single {
            self.restart_in_double();
        }
        single
    }

    /// Takes the next block from the newest image once more, after [`run`](Self::run) has ended;
    /// false where there is none.
    pub(super) fn go_on(&mut self) -> bool {
        let newest = self.space.newest.ncols();
        let grown = self.space.grow(newest, NOISE * self.leading());
        self.make_room();
        grown
    }

    /// Goes on with `directions` as the next block, after [`run`](Self::run) has ended; false where they are in the
    /// space already.
    pub(super) fn join(&mut self, directions: Mat<f64>) -> bool {
        let largest = directions.norm_max();
        if largest == 0.0 {
            return false;
        }
        self.copies += directions.ncols();
        let joined = self.space.extend(directions * faer::Scale(1.0 / largest));
        self.make_room();
        joined
    }

    fn leading(&self) -> f64 {
        self.step.as_ref().map_or(1.0, |step| step.theta[0])
    }

    fn pass(&self, columns: usize, worst_residual: f64) -> Pass {
        Pass {
            index: self.passes,
            bytes: self.held.take_read_bytes(),
            columns,
            worst_residual,
        }
    }

    /// The image of the newest block. The first pass finds `|A|_F^2`, and where that leaves the
    /// range of the arithmetic, changes it.
    fn apply(&mut self, tell: &mut dyn FnMut(u64) -> bool) -> Result<Mat<f64>, Error> {
        loop {
            let first = self.total == 0.0;
            let mut watch = Watch { tell: &mut *tell };
            let newest = &self.space.newest;
            let (image, energy) = match self.precision {
                Precision::Single => {
                    apply::<f32>(&self.held, self.scale, &mut watch, newest, first)?
                }
                Precision::Double => {
                    apply::<f64>(&self.held, self.scale, &mut watch, newest, first)?
                }
            };
            if !first || energy == 0.0 && !self.held.matrix.is_double() {
                return Ok(image);
            }
            if self.precision == Precision::Single && !SINGLE_RANGE.contains(&energy.sqrt()) {
                self.precision = Precision::Double;
            } else if in_range(energy) || self.scale != 1.0 {
                self.total = energy;
                return Ok(image);
            } else {
                let largest = super::range::largest(self.held.matrix)?;
                self.held.note_read(self.held.matrix.param_len());
                self.passes += 1;
                if largest == 0.0 {
                    return Ok(image);
                }
                self.scale = super::range::power_of_two(1.0 / largest);
            }
            self.passes += 1;
        }
    }

    /// Whether `f32` will not do: its rounding is above what is asked for, or the residuals have
    /// come down to it and no longer fall.
    fn hopeless(&self, step: &Step, tolerance: f64) -> bool {
        if self.precision == Precision::Double {
            return false;
        }
        let last = step.residuals.len() - 1;
        let sigma = (step.theta[last].max(0.0) / step.theta[0]).sqrt();
        let rounding = f64::from(f32::EPSILON) / sigma.max(f64::EPSILON);
        let worst = step.worst_residual();
        let stalled = self
            .history
            .last()
            .is_some_and(|&before| worst > 0.5 * before);
        let near = worst < 8.0 * rounding;
        let too_coarse = 0.02 * rounding > AIM * tolerance;
        worst > AIM * tolerance && near && (stalled || too_coarse)
    }

    /// Whether it has been given up: at the pace of the latest passes, twice as many as are left would not do.
    pub(super) fn is_slow(&self, max_passes: usize, tolerance: f64) -> bool {
        let due = self.give_up_after.is_some_and(|after| self.passes >= after);
        let Some(first) = self.history.len().checked_sub(PACE + 1).filter(|_| due) else {
            return false;
        };
        let (before, now) = (self.history[first], self.history[first + PACE]);
        let pace = (now / before).ln() / PACE as f64;
        let needed = (AIM * tolerance / now).ln() / pace;
        let left = max_passes.saturating_sub(self.passes) as f64;
        now > AIM * tolerance && left >= 1.0 && (pace >= 0.0 || needed > 2.0 * left)
    }

    fn restart_in_double(&mut self) {
        self.precision = Precision::Double;
        if let Some(step) = &self.step {
            let len = self.options.rank + self.block;
            self.space = Space::new(self.space.best(step, len));
        }
        self.history.clear();
    }

    /// Whether as many of the wanted values as random directions were drawn lie within their
    /// residuals: more of them may be there.
    fn is_tied(&self, step: &Step, tolerance: f64) -> bool {
        let (wanted, copies) = (step.residuals.len(), self.copies);
        let sigma = |i: usize| step.theta[i].max(0.0).sqrt();
        let width = 2.0 * tolerance * sigma(0);
        (copies..=wanted).any(|end| {
            let (first, last) = (sigma(end - copies), sigma(end - 1));
            last > self.floor * sigma(0) && first - last <= width
        })
    }

    /// Random directions outside the space as the next block; false where there are none.
    fn draw(&mut self) -> bool {
        let block = random_block(
            self.held.matrix.time_len(),
            self.block,
            self.options.seed,
            self.draws,
        );
        self.draws += 1;
        self.copies += self.block;
        self.random = true;
        self.space.extend(block)
    }

    fn make_room(&mut self) {
        if let Some(step) = &self.step
            && self.space.len() + self.space.newest.ncols() > self.room
        {
            let keep = (self.options.rank + self.block).min(self.space.len());
            self.space.compress(step, keep);
        }
    }
}

fn heed(go_on: bool) -> Result<(), Error> {
    if go_on {
        Ok(())
    } else {
        Err(Error::Interrupted)
    }
}
