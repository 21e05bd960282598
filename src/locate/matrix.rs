//! Everything about a matrix at once: its decomposition, the null of its spectrum, split halves, and every component with its
//! label.

use std::ops::Range;

use super::component::{Component, Evidence, Projections, components};
use super::noise::{Noise, WithoutNoise};
use super::nulls::NullOptions;
use super::stability::{Stability, split_half};
use super::temporal::profile;
use super::turn::{groups, turned, turned_by_tensor};
use super::{Error, Moved};
use crate::gradients::{EveryOther, GradientMatrix, energies, row_norms};
use crate::svd::null::{self, SpectrumNull, spectrum};
use crate::svd::{self, Decomposition};

/// How a matrix is looked at.
#[derive(Clone, Debug)]
pub struct Options {
    /// The decomposition.
    pub svd: svd::Options,
    /// Matrices with random signs behind the null of the spectrum, at least [`null::SURROGATES_MIN`].
    pub surrogates: usize,
    /// Draws of the nulls of a course.
    pub draws: u32,
    /// Seed of all of them.
    pub seed: u64,
    /// Whether the null of the spectrum is made again of what the components that stand out leave, so that a strong one
    /// hides no other ([`svd::null`]).
    pub deflates: bool,
    /// Whether components that lie in tensors of their own are turned so that they do ([`super::by_tensor`]), and, where none do, those
    /// that noise cannot keep apart to where they lie earliest and latest ([`super::turn`]).
    pub turns: bool,
}

impl Options {
    /// The usual, for `rank` components.
    pub fn with_rank(rank: usize) -> Self {
        Self {
            svd: svd::Options::with_rank(rank),
            surrogates: null::SURROGATES_MIN,
            draws: NullOptions::default().draws,
            seed: 0,
            deflates: false,
            turns: true,
        }
    }
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The decomposition; a step is a pass.
    Svd,
    /// The null of the spectrum; a step is a matrix with random signs.
    Spectrum,
    /// The decompositions of odd and of even rows.
    Halves,
}

impl Stage {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Svd => "SVD",
            Self::Spectrum => "null spectrum",
            Self::Halves => "split halves",
        }
    }
}

/// What [`locate`] tells.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A stage of so many steps begins.
    Begin(Stage, u64),
    /// So many are done; a word about it.
    Advance(u64, &'a str),
}

/// Gives the displacement of the parameters along the components of what it is given.
pub type Displacement<'a, E> = dyn Fn(&Decomposition) -> Result<Moved, E> + 'a;

/// What was found.
#[derive(Clone, Debug)]
pub struct Located {
    /// The decomposition as it was certified.
    pub decomposition: Decomposition,
    /// The same with what was turned turned, where anything was: what the components are of.
    pub turned: Option<Decomposition>,
    /// Whether components were turned so that they lie in tensors of their own.
    pub is_by_tensor: bool,
    /// Which components were turned together in time.
    pub groups: Vec<Range<usize>>,
    /// Norms of the rows; empty where they are not known.
    pub row_norms: Vec<f64>,
    /// The null of the spectrum, where the matrix was there to be asked.
    pub spectrum: Option<SpectrumNull>,
    /// Split halves, likewise.
    pub stability: Option<Stability>,
    /// Every component.
    pub components: Vec<Component>,
    /// Every component without what noise adds to it; none where it is no signal.
    pub without_noise: Vec<Option<WithoutNoise>>,
}

impl Located {
    /// Whether directions that stand out may hide others from the null of the spectrum, which was not made again of what they leave.
    pub fn may_hide(&self) -> bool {
        let d = &self.decomposition;
        let found = self.spectrum.as_ref().map_or(0, |null| null.signals(&d.s));
        found > 0 && null::may_hide(d, found)
    }

    /// What the components are of.
    pub fn of_components(&self) -> &Decomposition {
        self.turned.as_ref().unwrap_or(&self.decomposition)
    }
}

/// Looks at `matrix`, whose tensors lie in `tensors`, one after the other without gaps (one of all parameters where none are
/// given). `start` are rows of a sketch to start from ([`svd::decompose`]); `tell` gets events and says whether to go on.
///
/// Passes over the matrix: those of the decomposition, as many again for the two halves, a few for each surrogate, and three.
///
/// # Errors
/// What the decomposition and reading refuse; too few surrogates; those of `moved`; interrupted.
pub fn locate<E: From<Error>>(
    matrix: &dyn GradientMatrix,
    tensors: &[Range<usize>],
    options: &Options,
    start: Option<&[f64]>,
    moved: Option<&Displacement<'_, E>>,
    tell: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<Located, E> {
    let decomposition = decompose(matrix, &options.svd, start, tell)?;
    let spectrum = null_spectrum(matrix, &decomposition, options, tell)?;
    let [odd, even] = halves(matrix, &options.svd, tell)?;
    let row_norms = row_norms(matrix).map_err(Error::from)?;
    let whole = 0..matrix.param_len();
    let tensors = match tensors {
        [] => std::slice::from_ref(&whole),
        tensors => tensors,
    };
    let energies = energies(matrix, tensors).map_err(Error::from)?;
    let signals = spectrum.signals(&decomposition.s);
    let noise = Noise::new(&decomposition, signals, tensors, &energies);
    let by_tensor = match options.turns {
        true => turned_by_tensor(&decomposition, &noise, signals),
        false => None,
    };
    let is_by_tensor = by_tensor.is_some();
    let groups = match options.turns && !is_by_tensor {
        true => groups(&decomposition, &noise, signals),
        false => Vec::new(),
    };
    let turned = match groups.is_empty() {
        true => by_tensor,
        false => Some(turned(&decomposition, &groups)?),
    };
    let d = turned.as_ref().unwrap_or(&decomposition);
    let stability = split_half(d, &odd, &even)?;
    let moved = moved.map(|moved| moved(d)).transpose()?;
    let evidence = Evidence {
        decomposition: d,
        row_norms: &row_norms,
        projections: moved.as_ref().map(Projections::from),
        spectrum: Some(&spectrum),
        stability: Some(&stability),
        groups: &groups,
    };
    let null_options = NullOptions {
        draws: options.draws,
        seed: options.seed,
    };
    let components = components(&evidence, &null_options)?;
    let b = profile(&row_norms)?;
    // About what was turned it is another.
    let noise = match &turned {
        None => noise,
        Some(d) if is_by_tensor => Noise::new(d, signals, tensors, &energies).by_tensor(),
        Some(d) => Noise::new(d, signals, tensors, &energies),
    };
    let without_noise = (0..d.rank)
        .map(|i| noise.without(i, &b, options.seed))
        .collect();
    Ok(Located {
        row_norms,
        spectrum: Some(spectrum),
        stability: Some(stability),
        components,
        without_noise,
        turned,
        is_by_tensor,
        groups,
        decomposition,
    })
}

/// What a decomposition says without its matrix, whose rows had these norms: courses and their p-values. Where norms are not known,
/// courses are taken against even ones, and have none. Whether a singular value is signal is not known, and so nothing has a label.
///
/// # Errors
/// Norms of another number of rows; those of `moved`.
pub fn locate_decomposition<E: From<Error>>(
    decomposition: Decomposition,
    row_norms: Option<Vec<f64>>,
    options: &NullOptions,
    moved: Option<&Displacement<'_, E>>,
) -> Result<Located, E> {
    let moved = moved.map(|moved| moved(&decomposition)).transpose()?;
    let even = vec![1.0; decomposition.time_len];
    let evidence = Evidence {
        decomposition: &decomposition,
        row_norms: row_norms.as_ref().unwrap_or(&even),
        projections: moved.as_ref().map(Projections::from),
        spectrum: None,
        stability: None,
        groups: &[],
    };
    let mut components = components(&evidence, options)?;
    if row_norms.is_none() {
        components.iter_mut().for_each(Component::without_norms);
    }
    Ok(Located {
        row_norms: row_norms.unwrap_or_default(),
        spectrum: None,
        stability: None,
        without_noise: vec![None; components.len()],
        components,
        turned: None,
        is_by_tensor: false,
        groups: Vec::new(),
        decomposition,
    })
}

fn decompose(
    matrix: &dyn GradientMatrix,
    options: &svd::Options,
    start: Option<&[f64]>,
    tell: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<Decomposition, Error> {
    if !tell(Event::Begin(Stage::Svd, options.max_passes as u64)) {
        return Err(svd::Error::Interrupted.into());
    }
    Ok(svd::decompose(
        matrix,
        options,
        start,
        &mut |event| match event {
            svd::Event::Pass(pass) => {
                let note = format!("residual {:.1e} of sigma_1", pass.worst_residual);
                tell(Event::Advance(pass.index as u64, &note))
            }
            _ => true,
        },
    )?)
}

fn null_spectrum(
    matrix: &dyn GradientMatrix,
    d: &Decomposition,
    options: &Options,
    tell: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<SpectrumNull, Error> {
    let settings = null::NullOptions {
        surrogates: options.surrogates,
        seed: options.seed,
        deflates: options.deflates,
        ..null::NullOptions::default()
    };
    tell(Event::Begin(Stage::Spectrum, options.surrogates as u64));
    Ok(spectrum(matrix, d, &settings, &mut |surrogate, pass| {
        tell(Event::Advance(
            surrogate as u64,
            &format!("pass {}", pass.index),
        ))
    })?)
}

fn halves(
    matrix: &dyn GradientMatrix,
    options: &svd::Options,
    tell: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<[Decomposition; 2], Error> {
    tell(Event::Begin(Stage::Halves, 2));
    let mut half = |odd: bool, done: u64, note: &str| {
        let rows = EveryOther::new(matrix, odd);
        let found = svd::decompose(&rows, options, None, &mut |_| {
            tell(Event::Advance(done - 1, note))
        })?;
        tell(Event::Advance(done, note));
        Ok::<Decomposition, Error>(found)
    };
    Ok([half(true, 1, "odd rows")?, half(false, 2, "even rows")?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::Dense;
    use crate::locate::Label;
    use crate::numeric::random::{Purpose, Stream};

    const ROWS: usize = 240;
    const PARAMS: usize = 330;

    /// How a direction is active.
    type Course = fn(f64, &mut Stream) -> f64;

    /// Noise, and of each strength and course a random direction in a tensor of its own.
    fn matrix(planted: &[(f64, Course)], seed: u64) -> (Dense, [Range<usize>; 3]) {
        let tensors = [0..60, 60..180, 180..PARAMS];
        let mut stream = Stream::new(seed, Purpose::Controls, 0);
        let directions: Vec<Vec<f64>> = planted
            .iter()
            .zip(&tensors)
            .map(|(_, range)| {
                let len = (range.len() as f64).sqrt();
                let entry = |j| match range.contains(&j) {
                    true => stream.sign() / len,
                    false => 0.0,
                };
                (0..PARAMS).map(entry).collect()
            })
            .collect();
        let mut values = Vec::with_capacity(ROWS * PARAMS);
        for t in 0..ROWS {
            let tau = t as f64 / (ROWS - 1) as f64;
            let mut row: Vec<f64> = (0..PARAMS).map(|_| stream.normal()).collect();
            for ((strength, course), direction) in planted.iter().zip(&directions) {
                let amount = strength * course(tau, &mut stream);
                row.iter_mut()
                    .zip(direction)
                    .for_each(|(x, u)| *x += amount * u);
            }
            values.extend(row.iter().map(|x| *x as f32));
        }
        (Dense::new(ROWS, PARAMS, values).unwrap(), tensors)
    }

    fn look(matrix: &Dense, tensors: &[Range<usize>], seed: u64) -> Located {
        let options = Options {
            draws: 199,
            seed,
            ..Options::with_rank(5)
        };
        locate::<Error>(matrix, tensors, &options, None, None, &mut |_| true).unwrap()
    }

    const ON_EARLY: Course = |tau, _| f64::from(u8::from(tau < 0.3));
    const ON_LATE: Course = |tau, _| f64::from(u8::from(tau > 0.7));
    const ON: Course = |_, _| 1.0;
    const EARLY: Course = |tau, stream| f64::from(u8::from(tau < 0.3)) * stream.sign();
    const LATE: Course = |tau, stream| f64::from(u8::from(tau > 0.7)) * stream.sign();
    const STEADY: Course = |_, stream| stream.sign();

    #[test]
    fn early_late_and_steady_are_told_apart_also_of_equal_strength() {
        let noisy = [EARLY, LATE, STEADY];
        // Courses that overlap are not orthogonal, and singular vectors mix them.
        let constant = [ON_EARLY, ON_LATE, ON];
        for (seed, strengths, courses) in [
            (1, [9.0, 7.0, 8.0], noisy),
            (2, [8.0, 8.0, 8.0 * 0.3f64.sqrt()], noisy),
            (3, [8.0, 8.0, 8.0], constant),
        ] {
            let planted: [(f64, Course); 3] = [0, 1, 2].map(|i| (strengths[i], courses[i]));
            let (matrix, tensors) = matrix(&planted, seed);
            let found = look(&matrix, &tensors, seed);
            // The truth: of which tensor, with which label and centroid.
            let truth = [
                (0, Label::Early, -0.35),
                (1, Label::Late, 0.35),
                (2, Label::None, 0.0),
            ];
            let mut seen = [false; 3];
            for (i, one) in found.without_noise.iter().take(3).enumerate() {
                let one = one.as_ref().unwrap();
                let share = |l: &usize| one.by_tensor[*l].value;
                let tensor = (0..3).max_by(|a, b| share(a).total_cmp(&share(b))).unwrap();
                let (_, label, index) = truth[tensor];
                assert_eq!(
                    found.components[i].label, label,
                    "{strengths:?} {:#?}",
                    found.components[i]
                );
                let (at, of) = (one.temporal_index, one.by_tensor[tensor]);
                assert!(at.low <= index && index <= at.high, "{strengths:?} {at:?}");
                assert!(of.high == 1.0 && of.low > 0.5, "{strengths:?} {of:?}");
                seen[tensor] = true;
            }
            assert_eq!(seen, [true; 3], "{strengths:?}");
            assert!(found.without_noise[3..].iter().all(Option::is_none));
        }
    }

    #[test]
    fn of_noise_and_steady_directions_few_are_called_early_or_late() {
        let runs = 24;
        let labelled = (0..runs)
            .filter(|&seed| {
                let strength = if seed % 2 == 0 { 0.0 } else { 7.0 };
                let (matrix, tensors) = matrix(&[(strength, STEADY); 3], seed);
                let found = look(&matrix, &tensors, seed);
                found.components.iter().any(|one| one.label != Label::None)
            })
            .count();
        // Binomial(24, .05): more than 5 with chance .001.
        assert!(labelled <= 5, "{labelled} of {runs}");
    }
}
