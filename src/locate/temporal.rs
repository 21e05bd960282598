//! When a component was active: numbers from its right singular vector v (METHOD, section 4).
//!
//! With `e(t) = v(t)^2` (v of norm 1), the norm profile `b(t) = |g_t|^2 / sum |g|^2` of the matrix
//! that was decomposed, and tau = t / (T - 1):
//! - temporal index `TI = sum e tau - sum b tau`, negative for early, in `[-1, 1]`;
//! - log of the early to the late mass of e, minus that of b; early is the first third of tau
//!   (`tau < 1/3`), late the last (`tau > 2/3`); positive for early;
//! - participation ratio `PR = 1 / (T sum v^4)`: 1 for a constant course, 1/3 for Gaussian noise, 1/T
//!   for a single step;
//! - `DC = |sum v| / sqrt T`: 1 for a constant course, near `1 / sqrt T` for noise;
//! - the trimmed course: v without the largest 1 % of its rows (at least one), by what they have beyond
//!   the norms,
//!   ```text
//!   v'(t) = 0 where v(t)^2 / b(t) is among its ceil(T / 100) largest, else v(t)
//!   ```
//!   its temporal index, and the share of e in the rows left out. A freak row is gone from it, a phase
//!   of a few per cent of all rows is not, however noisy. (A bound on PR cannot tell them: chi-squared
//!   noise in the first 15 % of time has PR = .05.)
//!
//! And, from the displacement of theta along u at checkpoints, t50: when half of it was covered for
//! good.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::numeric::exp::ln;

/// Added to a third's mass before its logarithm, so that an empty third gives a finite ratio (of at
/// most ln 1e9 = 20.7).
const MASS_FLOOR: f64 = 1e-9;

/// Of how many rows one is left out of the trimmed course.
const ROWS_A_LEFT_OUT: usize = 100;
/// A course is a spike where more of it than this is in the rows left out.
pub(super) const SPIKE_SHARE: f64 = 0.75;

/// The numbers of one course.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// `sum e tau - sum b tau`.
    pub temporal_index: f64,
    /// `ln(early / late)` of e, minus that of b.
    pub early_late_log_ratio: f64,
    /// `1 / (T sum v^4)`.
    pub participation_ratio: f64,
    /// `|sum v| / sqrt T`.
    pub dc: f64,
    /// Of the course without its largest rows; none in files of before.
    #[serde(default)]
    pub trimmed: Option<Trimmed>,
}

/// The numbers of a course without the largest 1 % of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trimmed {
    /// Its temporal index.
    pub index: f64,
    /// Share of e in the rows left out.
    pub share: f64,
}

impl Course {
    /// The numbers of `v`, of norm 1, against the profile `b` of [`profile`], of the same length.
    pub fn new(v: &[f64], b: &[f64]) -> Self {
        let len = v.len() as f64;
        let e: Vec<f64> = v.iter().map(|v| v * v).collect();
        let fourth: f64 = e.iter().map(|e| e * e).sum();
        let kept: Vec<f64> = trimmed(v, b).iter().map(|v| v * v).collect();
        let (whole, kept_sum) = (e.iter().sum::<f64>(), kept.iter().sum::<f64>());
        Self {
            temporal_index: centroid(&e) - centroid(b),
            early_late_log_ratio: log_ratio(&e) - log_ratio(b),
            participation_ratio: 1.0 / (len * fourth),
            dc: v.iter().sum::<f64>().abs() / len.sqrt(),
            trimmed: Some(Trimmed {
                index: centroid(&kept) - centroid(b),
                share: 1.0 - kept_sum / whole.max(f64::MIN_POSITIVE),
            }),
        }
    }

    /// Whether a few rows hold nearly all of it.
    pub fn is_spike(&self) -> bool {
        self.trimmed
            .is_some_and(|trimmed| trimmed.share > SPIKE_SHARE)
    }

    /// The temporal index that no few rows can give: that of the trimmed course.
    pub fn phase_index(&self) -> f64 {
        self.trimmed
            .map_or(self.temporal_index, |trimmed| trimmed.index)
    }
}

/// The course without the rows that are not [`kept`]: they are 0.
pub(super) fn trimmed(v: &[f64], b: &[f64]) -> Vec<f64> {
    zeroed(v, &kept(v, b))
}

/// The course with 0 in the rows that are not kept.
pub(super) fn zeroed(v: &[f64], kept: &[bool]) -> Vec<f64> {
    let rows = v.iter().zip(kept);
    rows.map(|(&v, &is_kept)| if is_kept { v } else { 0.0 })
        .collect()
}

/// All rows but those that have most of the course beyond the norms `b`: 1 % of them, at least one;
/// rows that are level with the largest one kept are kept.
pub(super) fn kept(v: &[f64], b: &[f64]) -> Vec<bool> {
    let beyond = |v: f64, b: f64| if b > 0.0 { v * v / b } else { 0.0 };
    let mut order: Vec<f64> = v.iter().zip(b).map(|(&v, &b)| beyond(v, b)).collect();
    let out = order.len().div_ceil(ROWS_A_LEFT_OUT);
    let largest_kept = match out < order.len() {
        true => *order.select_nth_unstable_by(out, |x, y| y.total_cmp(x)).1,
        false => -1.0,
    };
    // Up to rounding, which a course that follows the norms has in every row.
    let is_kept = |(&v, &b): (&f64, &f64)| beyond(v, b) <= largest_kept * (1.0 + 1e-9);
    v.iter().zip(b).map(is_kept).collect()
}

/// Step t of `len` on the scale from 0 to 1.
pub fn tau(t: usize, len: usize) -> f64 {
    if len < 2 {
        0.0
    } else {
        t as f64 / (len - 1) as f64
    }
}

/// The norm profile b: each row's share of the squared norm of the matrix, from the rows' norms.
///
/// # Errors
/// A norm that is negative or not finite.
pub fn profile(row_norms: &[f64]) -> Result<Vec<f64>, Error> {
    for (index, &found) in row_norms.iter().enumerate() {
        if !(0.0..f64::INFINITY).contains(&found) {
            let (what, expected) = ("norms of the gradients", "a finite number from 0");
            return Err(Error::Value {
                what,
                index,
                expected,
                found,
            });
        }
    }
    let total: f64 = row_norms.iter().map(|norm| norm * norm).sum();
    let share = |norm: &f64| {
        if total > 0.0 {
            norm * norm / total
        } else {
            0.0
        }
    };
    Ok(row_norms.iter().map(share).collect())
}

/// `sum weight tau / sum weight`, 0 where nothing weighs.
pub(super) fn centroid(weights: &[f64]) -> f64 {
    let (mut moment, mut total) = (0.0, 0.0);
    for (t, weight) in weights.iter().enumerate() {
        moment += weight * tau(t, weights.len());
        total += weight;
    }
    if total > 0.0 { moment / total } else { 0.0 }
}

/// The temporal index on another axis than time: `sum e x - sum b x`, x the place of each row on it.
pub fn index_on(axis: &[f64], v: &[f64], b: &[f64]) -> f64 {
    let rows = axis.iter().zip(v.iter().zip(b));
    rows.map(|(x, (v, b))| (v * v - b) * x).sum()
}

fn log_ratio(mass: &[f64]) -> f64 {
    let (mut early, mut late) = (MASS_FLOOR, MASS_FLOOR);
    for (t, part) in mass.iter().enumerate() {
        let tau = tau(t, mass.len());
        if tau < 1.0 / 3.0 {
            early += part;
        } else if tau > 2.0 / 3.0 {
            late += part;
        }
    }
    ln(early / late)
}

/// t50: the last `tau`, linear between checkpoints, at which the displacement `along` a direction
/// comes to half its final value, with the final sign: from there on it never falls back below. (The
/// first such time is passed in any swing that is larger than what remains in the end.) `None` where
/// it ends at 0, there are no checkpoints, or a value is not finite.
///
/// # Errors
/// Not one value a checkpoint.
pub fn t50(tau: &[f64], along: &[f64]) -> Result<Option<f64>, Error> {
    Error::check_len("displacements along a component", tau.len(), along.len())?;
    let Some(&last) = along.last() else {
        return Ok(None);
    };
    if last == 0.0 || tau.iter().chain(along).any(|x| !x.is_finite()) {
        return Ok(None);
    }
    let share = |j: usize| along[j] / last;
    let Some(before) = (0..along.len()).rfind(|&j| share(j) < 0.5) else {
        return Ok(Some(tau[0]));
    };
    let after = before + 1;
    let part = (0.5 - share(before)) / (share(after) - share(before));
    Ok(Some(tau[before] + part * (tau[after] - tau[before])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_the_axis_of_time_the_index_is_that_of_the_course() {
        let v = [0.1, 0.7, 0.7, 0.1f64];
        let (v, b) = (v.map(|x| x / 1.0), [0.4, 0.3, 0.2, 0.1]);
        let axis: Vec<f64> = (0..4).map(|t| tau(t, 4)).collect();
        let (on, plain) = (index_on(&axis, &v, &b), Course::new(&v, &b).temporal_index);
        assert!((on - plain).abs() < 1e-12, "{on} {plain}");
        // All of the early half of time may be one moment of behaviour.
        assert!((index_on(&[0.0, 0.0, 1.0, 1.0], &[1.0, 0.0, 0.0, 0.0], &b) + 0.3).abs() < 1e-12);
    }

    #[test]
    fn a_block_a_constant_and_a_spike() {
        let flat = profile(&[2.0; 100]).unwrap();
        let block: Vec<f64> = (0..100).map(|t| if t < 25 { 0.2 } else { 0.0 }).collect();
        let course = Course::new(&block, &flat);
        assert!((course.temporal_index - (12.0 / 99.0 - 0.5)).abs() < 1e-12);
        assert!((course.participation_ratio - 0.25).abs() < 1e-12);
        assert!((course.dc - 0.5).abs() < 1e-12);
        // All of it early against a third each: ln((1 + 1e-9) / 1e-9).
        assert!((course.early_late_log_ratio - 1e9f64.ln()).abs() < 1e-6);

        let constant = Course::new(&[0.1; 100], &flat);
        assert!(constant.temporal_index.abs() < 1e-12 && constant.early_late_log_ratio == 0.0);
        assert!((constant.participation_ratio - 1.0).abs() < 1e-12);
        assert!((constant.dc - 1.0).abs() < 1e-12);

        let mut spike = [0.0; 100];
        spike[99] = -1.0;
        let course = Course::new(&spike, &flat);
        assert!((course.temporal_index - 0.5).abs() < 1e-12);
        assert!((course.participation_ratio - 0.01).abs() < 1e-12);
    }

    #[test]
    fn the_trimmed_course_has_the_phase_and_not_the_spike() {
        let flat = profile(&[1.0; 400]).unwrap();
        // One of a hundred rows goes: four, and of equal ones none.
        let mut v = vec![0.05; 400];
        assert_eq!(trimmed(&v, &flat), v);
        let spikes = [3, 4, 5, 399];
        spikes.iter().for_each(|&t| v[t] = -2.0);
        let left = trimmed(&v, &flat);
        assert!(spikes.iter().all(|&t| left[t] == 0.0) && left.iter().sum::<f64>() > 19.7);
        let course = Course::new(&v, &flat);
        let share = 16.0 / (16.0 + 396.0 * 0.0025);
        assert!(course.is_spike() && (course.trimmed.unwrap().share - share).abs() < 1e-12);
        assert!(course.temporal_index < -0.2 && course.phase_index().abs() < 0.01);
        // What the norms would have there is no spike.
        let norms: Vec<f64> = (0..400).map(|t| if t < 2 { 30.0 } else { 1.0 }).collect();
        let b = profile(&norms).unwrap();
        let follows: Vec<f64> = b.iter().map(|b| b.sqrt()).collect();
        assert!(!Course::new(&follows, &b).is_spike() && Course::new(&follows, &flat).is_spike());
        // One row, and none.
        assert!(Course::new(&[1.0], &[1.0]).is_spike());
        assert_eq!(trimmed(&[], &[]), [0.0; 0]);
    }

    #[test]
    fn a_course_that_only_follows_the_norms_has_index_0() {
        let norms: Vec<f64> = (0..50).map(|t| (-0.06 * f64::from(t)).exp()).collect();
        let b = profile(&norms).unwrap();
        let v: Vec<f64> = b.iter().map(|b| b.sqrt()).collect();
        let course = Course::new(&v, &b);
        assert!(course.temporal_index.abs() < 1e-15);
        assert!(course.early_late_log_ratio.abs() < 1e-12);
        assert!(profile(&[1.0, f64::NAN]).is_err() && profile(&[-1.0]).is_err());
    }

    #[test]
    fn t50_interpolates_and_asks_for_the_final_sign() {
        let tau = [0.0, 0.5, 1.0];
        assert_eq!(t50(&tau, &[0.0, -4.0, -4.0]).unwrap(), Some(0.25));
        assert_eq!(
            t50(&tau, &[0.0, 3.0, -1.0]).unwrap(),
            Some(0.5 + 0.5 * 3.5 / 4.0)
        );
        assert_eq!(t50(&tau, &[1.0, 1.0, 1.0]).unwrap(), Some(0.0));
        // A swing beyond the end and back is no arrival.
        assert_eq!(
            t50(&[0.0, 0.25, 0.5, 1.0], &[0.0, 9.0, -1.0, 3.0]).unwrap(),
            Some(0.5 + 0.5 * 2.5 / 4.0)
        );
        assert_eq!(t50(&tau, &[0.0, 1.0, 0.0]).unwrap(), None);
        assert_eq!(t50(&tau, &[0.0, f64::NAN, 1.0]).unwrap(), None);
        assert_eq!(t50(&[], &[]).unwrap(), None);
        assert!(t50(&tau, &[1.0]).is_err());
    }
}
