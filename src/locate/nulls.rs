//! Whether a temporal index could be an accident: p-values against three nulls. The index is that of the
//! trimmed course ([`super::temporal`]), so that no few rows can reject them; v and e are of it here.
//!
//! - random directions: `v*(t) = sqrt b(t) z(t)`, z white Gaussian and trimmed as v was: a direction
//!   without a course, under the norms there are;
//! - circular shifts: `e*(t) = e(t + s)` over the rows that are kept, smoothed over 2 % of them (where a course
//!   lies is asked, not where its loudest rows do), all shifts s if there are no more than draws: the
//!   same course at another time;
//! - phase-randomised surrogates: `v*(t) = sqrt b(t) y(t)`, where y has the power spectrum of
//!   `v(t) / sqrt b(t)` and random phases: a stationary course as slow as this one, under the norms
//!   there are. (Surrogates of v itself would be rejected wherever the norms fall, and with the
//!   shifts, which then are as well, leave only the first null, to which every slow course is news.)
//!   Series are stretched to the next power of two by repeating steps, which moves a temporal index
//!   by less than 1/T and lets a plain fast transform do (a naive one would cost T^2 a draw).
//!
//! p is two-sided, twice the smaller tail with the observation counted in it, since with falling
//! norms the nulls lean to one side. With all shifts drawn it is at least 2/T, so that over k
//! components Holm's adjustment can only reach .05 where T >= 40 k.
//!
//! None of them sees that the *leading* components of noise gather where its norm is largest, more
//! than b does; the null of the spectrum ([`crate::svd::null`]) does, and a label asks for it too.
//!
//! Cost `O(draws T log T)` a component.

use serde::{Deserialize, Serialize};

use super::fourier::Fourier;
use super::temporal::{centroid, kept, trimmed, zeroed};
use crate::numeric::draws::{self, packed};
use crate::numeric::random::Stream;
use crate::numeric::statistics::monte_carlo_p;
use crate::storage::or_null;

/// Draws for each component judged, at least: Holm's first step over them, at .05, then leaves room
/// for one draw beyond the observation.
const DRAWS_A_COMPONENT: u32 = 80;

/// One part in so many of the rows is smoothed over before shifts.
const SMOOTHED: usize = 50;

/// Settings of the nulls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NullOptions {
    /// Draws of each null; raised to 80 for each component of the decomposition.
    pub draws: u32,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for NullOptions {
    fn default() -> Self {
        Self {
            draws: 999,
            seed: 0,
        }
    }
}

/// The p-values of the temporal index of a trimmed course; NaN, `null` in JSON, where the norms it is held against are not known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PValues {
    /// Against norm-matched random directions.
    #[serde(deserialize_with = "or_null::number")]
    pub random_directions: f64,
    /// Against circular shifts.
    #[serde(deserialize_with = "or_null::number")]
    pub circular_shifts: f64,
    /// Against phase-randomised surrogates.
    #[serde(deserialize_with = "or_null::number")]
    pub phase_surrogates: f64,
}

impl PValues {
    /// Of a course under norms that are not known.
    pub(super) const NONE: Self = Self {
        random_directions: f64::NAN,
        circular_shifts: f64::NAN,
        phase_surrogates: f64::NAN,
    };

    /// The largest: all three nulls are rejected where this one is.
    pub fn largest(&self) -> f64 {
        self.random_directions
            .max(self.circular_shifts)
            .max(self.phase_surrogates)
    }
}

/// What the nulls of all components of one matrix share.
pub(super) struct Nulls<'a> {
    pub(super) b: &'a [f64],
    pub(super) b_stretched: Vec<f64>,
    pub(super) fourier: Fourier,
    /// Centroids of random directions: they do not depend on the component.
    directions: Vec<f64>,
    pub(super) draws: u32,
    pub(super) seed: u64,
}

impl<'a> Nulls<'a> {
    /// For `len` components of a matrix with norm profile `b`, of at least one step.
    pub(super) fn new(b: &'a [f64], len: usize, options: &NullOptions) -> Self {
        let least = DRAWS_A_COMPONENT.saturating_mul(u32::try_from(len).unwrap_or(u32::MAX));
        let draws = options.draws.max(least);
        let mut stream = draws::DIRECTION_NULLS.stream(options.seed, 0);
        let directions = (0..draws).map(|_| {
            let drawn: Vec<f64> = b.iter().map(|b| b.sqrt() * stream.normal()).collect();
            let e: Vec<f64> = trimmed(&drawn, b).iter().map(|v| v * v).collect();
            centroid(&e)
        });
        let stretched_len = b.len().next_power_of_two();
        Self {
            directions: directions.collect(),
            b_stretched: stretch(b, stretched_len),
            fourier: Fourier::new(stretched_len),
            b,
            draws,
            seed: options.seed,
        }
    }

    /// The p-values of `component`, whose course is `v` before it is trimmed.
    pub(super) fn p_values(&self, component: usize, v: &[f64]) -> PValues {
        let kept = kept(v, self.b);
        let v = zeroed(v, &kept);
        let x = self.even(&v);
        let e: Vec<f64> = v.iter().map(|v| v * v).collect();
        let observed = centroid(&e);
        let stream = |null| {
            draws::COMPONENT_NULLS.stream(self.seed, packed(&[(component as u64, 38), (null, 1)]))
        };
        // Rows left out are no gaps that could be shifted to an end: a course that falls from its first row on would have as many
        // shifts that lie earlier.
        let rows = e.iter().zip(kept).filter(|(_, is_kept)| *is_kept);
        let whole = smoothed(&rows.map(|(e, _)| *e).collect::<Vec<f64>>());
        PValues {
            random_directions: two_sided(observed, &self.directions),
            circular_shifts: two_sided(centroid(&whole), &self.shifts(&whole, stream(0))),
            phase_surrogates: self.phases(&x, stream(1)),
        }
    }

    fn shifts(&self, e: &[f64], stream: Stream) -> Vec<f64> {
        let mut shifted = Vec::with_capacity(e.len());
        let at = |shift: usize| {
            shifted.clear();
            shifted.extend_from_slice(&e[shift..]);
            shifted.extend_from_slice(&e[..shift]);
            centroid(&shifted)
        };
        self.shifts_of(e.len(), stream)
            .into_iter()
            .map(at)
            .collect()
    }

    /// By how much so many rows are shifted: all shifts but 0, or as many as there are draws of them.
    pub(super) fn shifts_of(&self, rows: usize, mut stream: Stream) -> Vec<usize> {
        let others = rows.saturating_sub(1);
        match u32::try_from(others) {
            Ok(others) if others > self.draws => (0..self.draws)
                .map(|_| 1 + stream.below(others) as usize)
                .collect(),
            _ => (1..=others).collect(),
        }
    }

    /// `v / sqrt b`: the course under even norms.
    pub(super) fn even(&self, v: &[f64]) -> Vec<f64> {
        let rows = v.iter().zip(self.b);
        rows.map(|(v, b)| if *b > 0.0 { v / b.sqrt() } else { 0.0 })
            .collect()
    }

    fn phases(&self, x: &[f64], mut stream: Stream) -> f64 {
        let x = stretch(x, self.b_stretched.len());
        let n = x.len();
        let (mut re, mut im) = (x.clone(), vec![0.0; n]);
        self.fourier.transform(&mut re, &mut im);
        let sizes: Vec<f64> = (0..=n / 2).map(|f| re[f].hypot(im[f])).collect();
        let mut draws = Vec::with_capacity(self.draws as usize + 1);
        while draws.len() < self.draws as usize {
            // Two Hermitian spectra, one times i: the transform's real and imaginary parts are two
            // real surrogates. Transforming forth instead of back only turns the random phases.
            for f in 0..=n / 2 {
                let mirror = (n - f) % n;
                let (a, b) = if f == mirror {
                    ((stream.sign(), 0.0), (stream.sign(), 0.0))
                } else {
                    (unit(&mut stream), unit(&mut stream))
                };
                (re[f], im[f]) = (sizes[f] * (a.0 - b.1), sizes[f] * (a.1 + b.0));
                (re[mirror], im[mirror]) = (sizes[f] * (a.0 + b.1), sizes[f] * (b.0 - a.1));
            }
            self.fourier.transform(&mut re, &mut im);
            draws.push(centroid_of(&self.b_stretched, &re));
            draws.push(centroid_of(&self.b_stretched, &im));
        }
        draws.truncate(self.draws as usize);
        two_sided(centroid_of(&self.b_stretched, &x), &draws)
    }
}

/// The mean over about 2 % of the rows around each; at the ends the rows are mirrored.
fn smoothed(e: &[f64]) -> Vec<f64> {
    let (len, half) = (e.len(), e.len() / (2 * SMOOTHED));
    let at = |t: isize| match t {
        t if t < 0 => e[(-t - 1) as usize],
        t if t as usize >= len => e[2 * len - 1 - t as usize],
        t => e[t as usize],
    };
    let around = |t: usize| {
        let (t, half) = (t as isize, half as isize);
        (t - half..=t + half).map(at).sum::<f64>() / (2 * half + 1) as f64
    };
    (0..len).map(around).collect()
}

/// The centroid of `e = b x^2`.
fn centroid_of(b: &[f64], x: &[f64]) -> f64 {
    let e: Vec<f64> = b.iter().zip(x).map(|(b, x)| b * x * x).collect();
    centroid(&e)
}

/// Stretches a series to `len` by repeating steps.
pub(super) fn stretch(x: &[f64], len: usize) -> Vec<f64> {
    (0..len).map(|j| x[j * x.len() / len]).collect()
}

/// A random point of the unit circle (Marsaglia's method, without trigonometry).
pub(super) fn unit(stream: &mut Stream) -> (f64, f64) {
    loop {
        let (x, y) = (2.0 * stream.uniform() - 1.0, 2.0 * stream.uniform() - 1.0);
        let s = x * x + y * y;
        if s > 0.0 && s < 1.0 {
            return ((x * x - y * y) / s, 2.0 * x * y / s);
        }
    }
}

pub(super) fn two_sided(observed: f64, draws: &[f64]) -> f64 {
    // Draws that equal the observation must count, whatever their rounding.
    let below = draws
        .iter()
        .filter(|&&draw| draw <= observed + 1e-12)
        .count();
    let above = draws
        .iter()
        .filter(|&&draw| draw >= observed - 1e-12)
        .count();
    (2.0 * monte_carlo_p(below.min(above) as u64, draws.len() as u64)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::Purpose;

    fn p_values(b: &[f64], course: impl Fn(usize, &mut Stream) -> f64, seed: u64) -> PValues {
        let mut stream = Stream::new(seed, Purpose::Controls, 0);
        let v: Vec<f64> = (0..b.len())
            .map(|t| b[t].sqrt() * course(t, &mut stream))
            .collect();
        Nulls::new(b, 1, &NullOptions { draws: 99, seed }).p_values(0, &v)
    }

    fn falling(len: usize) -> Vec<f64> {
        (0..len)
            .map(|t| (-6.0 * t as f64 / len as f64).exp())
            .collect()
    }

    #[test]
    fn early_and_late_courses_stand_out_whatever_the_norms() {
        for (b, steep) in [(vec![1.0; 300], false), (falling(300), true)] {
            for early in [true, false] {
                let block = |t: usize, stream: &mut Stream| {
                    if (t < 100) == early && (t >= 200) != early {
                        stream.sign()
                    } else {
                        0.0
                    }
                };
                let p = p_values(&b, block, 1);
                // What falls steeply within a late block can be shifted to lie later still.
                let shifts = if steep && !early {
                    0.0
                } else {
                    p.circular_shifts
                };
                let worst = p.random_directions.max(p.phase_surrogates).max(shifts);
                assert!(worst <= 0.03, "{p:?} {early} {steep}");
            }
        }
    }

    #[test]
    fn a_course_that_falls_or_rises_from_end_to_end_is_as_extreme_as_any() {
        // What is left out lies at one end of it.
        for rate in [-10.0, 10.0] {
            let p = p_values(&[1.0; 500], |t, _| (rate * t as f64 / 500.0).exp(), 5);
            assert!(p.largest() <= 0.03, "{p:?}");
        }
    }

    #[test]
    fn a_course_without_a_time_is_rejected_as_often_as_p_says() {
        let white = |_: usize, stream: &mut Stream| stream.normal();
        // Binomial(200, .1): 20 expected, outside 6 to 35 with chance 1e-3.
        let count = |b: &[f64], nulls: &[fn(&PValues) -> f64]| {
            let p: Vec<PValues> = (0..200).map(|seed| p_values(b, white, seed)).collect();
            for null in nulls {
                let rejected = p.iter().filter(|p| null(p) <= 0.1).count();
                assert!((6..=35).contains(&rejected), "{rejected}");
            }
        };
        count(
            &falling(100),
            &[|p| p.random_directions, |p| p.phase_surrogates],
        );
        // Shifts know nothing of the norms, and are for courses under equal ones.
        count(&[1.0; 100], &[|p| p.circular_shifts]);
    }

    #[test]
    fn a_slow_course_is_no_news_to_surrogates_as_slow() {
        let b = vec![1.0; 256];
        let wave = |t: usize| (std::f64::consts::TAU * (t as f64 / 256.0 - 0.1)).cos();
        let p = p_values(&b, |t, _| 1.0 + wave(t), 3);
        assert!(
            p.random_directions <= 0.03 && p.phase_surrogates > 0.2,
            "{p:?}"
        );
    }

    #[test]
    fn one_or_two_steps_prove_nothing() {
        for len in [1, 2] {
            let p = p_values(&vec![1.0; len], |t, _| t as f64 + 1.0, 1);
            assert!(
                p.circular_shifts >= 1.0 / len as f64 && p.phase_surrogates > 0.05,
                "{p:?}"
            );
        }
    }
}
