//! The spectrum's null: what the singular values would be if no direction were shared.
//!
//! Every entry of the matrix gets a random sign. That keeps the size of each entry, and with it the
//! norm of every gradient and the scale of every parameter, and breaks what rows have in common
//! (parallel analysis with sign flips: Hong, Sheng and Dobriban 2020). A component whose singular
//! value is above the 95 % point of the surrogates' largest is called signal.
//!
//! A strong component is in the entries' sizes as well, and would hide weaker ones behind the noise that its own
//! entries make under random signs. Where that is asked for, the triplets that were found are taken down to the size of the next one, which is what noise may
//! have of them, and the null is made again of what is left, until nothing more is found (deflated parallel analysis: Dobriban
//! and Owen 2019). That is not begun where the next singular value is no larger than white noise of the energy that is left would have
//! it, `|rest|_F (T^-1/2 + P^-1/2)`.
//!
//! Ritz values of a few passes stand for the singular values. They are low by about the square of
//! their residual, which is far less than the surrogates differ. One pass over the matrix a pass of
//! each surrogate.

use serde::{Deserialize, Serialize};

use super::decompose::RANK_FLOOR;
use super::deflated::Deflated;
use super::held::{self, Held};
use super::krylov::{Krylov, Setup};
use super::plan::space_bytes;
use super::sweep::{padded, tiles_bytes};
use super::{Decomposition, Error, Event, Options, Pass, Precision};
use crate::gradients::{GradientMatrix, SignFlipped};
use crate::numeric::draws;

/// Fewest surrogates for which one of them bounds the 95 % point.
pub const SURROGATES_MIN: usize = 19;
/// Share of surrogates below the threshold.
const LEVEL: f64 = 0.95;
/// Residual at which a surrogate's singular values are good enough, relative to the largest.
const TOLERANCE: f64 = 0.02;

/// Settings of [`spectrum`].
#[derive(Clone, Debug, PartialEq)]
pub struct NullOptions {
    /// Surrogates; at least [`SURROGATES_MIN`].
    pub surrogates: usize,
    /// Singular values of each.
    pub rank: usize,
    /// Passes for each, at most.
    pub max_passes: usize,
    /// Seed of the signs.
    pub seed: u64,
    /// Whether the null is made again of what the components found leave.
    pub deflates: bool,
}

impl Default for NullOptions {
    fn default() -> Self {
        Self {
            surrogates: SURROGATES_MIN,
            rank: 8,
            max_passes: 6,
            seed: 0,
            deflates: false,
        }
    }
}

/// Singular values of sign-flipped surrogates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpectrumNull {
    /// The largest singular value of each surrogate, of those that were made last.
    pub largest: Vec<f64>,
    /// By index of the component, the 95 % point over surrogates of what the components found before leave.
    pub quantiles: Vec<f64>,
    /// That of the largest, of the surrogates that were made last: above it is signal.
    pub threshold: f64,
}

impl SpectrumNull {
    /// Whether a singular value is above what no shared direction gives.
    pub fn is_signal(&self, singular_value: f64) -> bool {
        singular_value > self.threshold
    }

    /// How many of these singular values, the first ones, are.
    pub fn signals(&self, singular_values: &[f64]) -> usize {
        let values = singular_values.iter();
        values.take_while(|&&s| self.is_signal(s)).count()
    }
}

/// The null of the spectrum of `matrix`, which has the decomposition `d`; `progress` gets the surrogate's number and its pass, and
/// says whether to go on.
///
/// # Errors
/// Too few surrogates, interrupted, and what [`super::truncated`] refuses.
pub fn spectrum(
    matrix: &dyn GradientMatrix,
    d: &Decomposition,
    options: &NullOptions,
    progress: &mut dyn FnMut(usize, Pass) -> bool,
) -> Result<SpectrumNull, Error> {
    if options.surrogates < SURROGATES_MIN {
        let expected = format!("at least {SURROGATES_MIN}");
        let found = options.surrogates.to_string();
        return Err(Error::Setting {
            name: "surrogates",
            expected,
            found,
        });
    }
    let mut null = of_signs(matrix, options, progress)?;
    let mut found = null.signals(&d.s);
    while options.deflates && found > 0 && may_hide(d, found) {
        let rest = Deflated::new(matrix, d, found);
        let next = of_signs(&rest, options, progress)?;
        let now = next.signals(&d.s);
        if now < found {
            break;
        }
        null.quantiles.truncate(found);
        null.quantiles.extend(next.quantiles);
        (null.largest, null.threshold) = (next.largest, next.threshold);
        if now == found {
            break;
        }
        found = now;
    }
    Ok(null)
}

/// Whether the next of the triplets after the first `found` could be above a null of what these leave.
pub fn may_hide(d: &Decomposition, found: usize) -> bool {
    let Some(&next) = d.s.get(found) else {
        return false;
    };
    let taken: f64 = d.s[..found].iter().map(|s| s * s).sum();
    let rest = (d.frobenius_norm * d.frobenius_norm - taken)
        .max(0.0)
        .sqrt();
    next > rest * ((d.time_len as f64).powf(-0.5) + (d.param_len as f64).powf(-0.5))
}

/// The null of one matrix.
fn of_signs(
    matrix: &dyn GradientMatrix,
    options: &NullOptions,
    progress: &mut dyn FnMut(usize, Pass) -> bool,
) -> Result<SpectrumNull, Error> {
    let mut by_surrogate = Vec::with_capacity(options.surrogates);
    for index in 0..options.surrogates {
        let mut stream = draws::SIGN_FLIPS.stream(options.seed, index as u64);
        let seed = u64::from(stream.next_u32()) << 32 | u64::from(stream.next_u32());
        let flipped = SignFlipped::new(matrix, seed);
        let settings = Options {
            seed,
            ..Options::with_rank(options.rank)
        };
        let mut krylov = surrogate(&flipped, &settings);
        krylov.run(options.max_passes, TOLERANCE, &mut |event| match event {
            Event::Pass(pass) => progress(index, pass),
            _ => true,
        })?;
        let rank = options.rank.min(matrix.time_len()).min(matrix.param_len());
        let mut values = krylov.values();
        values.truncate(rank);
        values.resize(rank, 0.0);
        by_surrogate.push(values);
    }
    // The order statistic that a further draw exceeds with a chance of at most 1 - LEVEL.
    let place = ((options.surrogates + 1) as f64 * LEVEL).ceil() as usize - 1;
    let quantiles: Vec<f64> = (0..by_surrogate[0].len())
        .map(|index| {
            let mut values: Vec<f64> = by_surrogate.iter().map(|values| values[index]).collect();
            values.sort_by(f64::total_cmp);
            values[place]
        })
        .collect();
    Ok(SpectrumNull {
        largest: by_surrogate.iter().map(|values| values[0]).collect(),
        threshold: quantiles[0],
        quantiles,
    })
}

/// The iteration on a surrogate: blocks as wide as the tolerance wants few passes.
fn surrogate<'a>(matrix: &'a SignFlipped<'_>, settings: &'a Options) -> Krylov<'a> {
    let block = padded(settings.rank + settings.rank / 4);
    let setup = Setup {
        block,
        precision: Precision::Single,
        room: settings.rank + 16 * block,
        floor: RANK_FLOOR,
        start: None,
        give_up_after: None,
    };
    // Drawing signs anew in every pass costs more than the pass.
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    let needed = space_bytes(time_len, setup.room + block, block)
        + tiles_bytes::<f32>(time_len, block, rayon::current_num_threads());
    let room = held::room(time_len, param_len, settings.max_memory_bytes, needed);
    Krylov::new(Held::new(matrix, room), settings, setup)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{dense, low_rank, noise, run};
    use super::*;
    use crate::gradients::Dense;

    #[test]
    fn only_what_rows_share_is_signal() {
        let (t, p) = (120, 400);
        let planted = low_rank(t, p, &[1.0, 0.5]);
        let noise = noise(t, p, 6);
        // Norms fall by e^-3, as METHOD section 4 has it.
        let entry = |signal: f32| {
            move |at: usize, planted: f32, noise: f32| {
                let fade = (-3.0 * (at / p) as f64 / t as f64).exp();
                fade * f64::from(signal * planted + noise)
            }
        };
        let build = |signal| {
            let entry = entry(signal);
            dense(t, p, |at| {
                entry(at, planted.values()[at], noise.values()[at])
            })
        };
        let options = NullOptions {
            rank: 3,
            ..NullOptions::default()
        };
        let signals = |matrix: &Dense| {
            let found = run(
                matrix,
                &Options {
                    max_passes: 40,
                    ..Options::with_rank(3)
                },
            );
            let null = spectrum(matrix, &found, &options, &mut |_, _| true).unwrap();
            assert!(null.largest.len() == SURROGATES_MIN && null.quantiles.len() >= 3);
            found
                .s
                .iter()
                .map(|&s| null.is_signal(s))
                .collect::<Vec<bool>>()
        };
        assert_eq!(signals(&build(1.0)), [true, true, false]);
        assert_eq!(signals(&build(0.0)), [false, false, false]);
        // A strong one makes noise of its own under random signs, which hides another.
        let planted = low_rank(t, p, &[20.0, 0.5]);
        let entry = |at| f64::from(planted.values()[at] + noise.values()[at]);
        let strong = dense(t, p, entry);
        assert_eq!(signals(&strong), [true, false, false]);
        let deflated = NullOptions {
            deflates: true,
            ..options.clone()
        };
        let found = run(
            &strong,
            &Options {
                max_passes: 40,
                ..Options::with_rank(3)
            },
        );
        let null = spectrum(&strong, &found, &deflated, &mut |_, _| true).unwrap();
        let above = found.s.iter().map(|&s| null.is_signal(s));
        assert_eq!(above.collect::<Vec<bool>>(), [true, true, false]);
        assert!(may_hide(&found, 1) && !may_hide(&found, 2));
        let first = of_signs(&strong, &options, &mut |_, _| true).unwrap();
        assert!(first.threshold > 0.6, "{}", first.threshold);
        let few = NullOptions {
            surrogates: 18,
            ..options.clone()
        };
        let found = run(&planted, &Options::with_rank(1));
        assert!(spectrum(&planted, &found, &few, &mut |_, _| true).is_err());
    }
}
