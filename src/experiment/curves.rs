//! Rates over training, and when the behaviours appeared.
//!
//! The onset of a rate: the frames at which it, as a running mean of three points (of two at either end), first
//! reaches 90 % of its rise from the first to the last; between points by a straight line. A rate has none that did not rise by a tenth
//! and certainly, as of behaviours on test levels. The compass, which is learnt first and unlearnt again, is timed on its way to its highest
//! running mean. (Of
//! the rise, not of the final value: a floor may be a quarter.) Rates are exact on every level; intervals
//! are for other levels, by the parametric bootstrap: each point's mean drawn anew from the normal distribution
//! with its standard error over levels. A lag is the onset of another phase less that of the walk to the corner.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ablate::resample::interval;
use crate::ablate::selectivity::is_learnt;
use crate::ablate::{Mean, Measurement, PerRate, Rate};
use crate::numeric::draws::{self, packed};
use crate::numeric::sum::mean;

use crate::findings::{Curves, Lag, Onset, other_phases};

/// Bootstrap draws behind the intervals of the times.
const DRAWS: u64 = 400;

/// Rates at one point of the curves, a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Updates made.
    pub update: u64,
    /// Frames seen.
    pub frames: u64,
    /// Levels a situation.
    pub levels: u64,
    /// The mean of each rate over levels.
    pub rates: BTreeMap<Rate, Mean>,
    /// Mean probability of the cheese-ward move at decision squares.
    pub p_cheese: Mean,
    /// The same, corner-ward.
    pub p_corner: Mean,
    /// Mean return of the episodes that ended since the last point, if any did.
    pub episode_return: Option<f64>,
}

impl CurvePoint {
    /// What was `measured` after `update` updates and `frames` frames.
    pub fn new(
        (update, frames): (u64, u64),
        measured: &Measurement,
        episode_return: Option<f64>,
    ) -> Self {
        Self {
            update,
            frames,
            levels: measured.by_level(Rate::S1).len() as u64,
            rates: Rate::ALL.map(|rate| (rate, measured.mean(rate))).into(),
            p_cheese: measured.p_cheese,
            p_corner: measured.p_corner,
            episode_return,
        }
    }

    /// Whether a point can be what was measured on `levels` levels; what it should be and what it
    /// is, where it cannot.
    pub fn contradiction(&self, levels: u64) -> Option<(String, String)> {
        if self.levels != levels {
            return Some((format!("{levels} levels"), self.levels.to_string()));
        }
        Rate::ALL.into_iter().find_map(|rate| {
            let found = match self.rates.get(&rate) {
                Some(mean) if mean.is_within(rate.range()) => return None,
                Some(mean) => format!("{} with an error of {}", mean.value, mean.error),
                None => "none".into(),
            };
            Some((format!("a mean of {}", rate.expected()), found))
        })
    }

    /// The mean of `rate` over levels.
    pub fn mean(&self, rate: Rate) -> Mean {
        self.rates.get(&rate).copied().unwrap_or_default()
    }
}

/// The curves through `points`.
pub fn curves(points: &[CurvePoint]) -> Curves {
    let frames: Vec<u64> = points.iter().map(|point| point.frames).collect();
    let of_rate = |rate| -> Vec<Mean> { points.iter().map(|point| point.mean(rate)).collect() };
    let rates = PerRate::new(of_rate);
    let times = PerRate::new(|rate| Times::new(&frames, rate, &rates[rate]));
    let lag = |to: Rate| Lag {
        to,
        lag: times[to].minus(&times[Rate::Corner]),
    };
    Curves {
        lags: other_phases().map(lag).collect(),
        onsets: times.map(|times| times.onset()),
        rates,
        p_cheese: points.iter().map(|point| point.p_cheese).collect(),
        p_corner: points.iter().map(|point| point.p_corner).collect(),
        returns: points
            .iter()
            .filter_map(|point| Some((point.frames, point.episode_return?)))
            .collect(),
        frames,
    }
}

/// When one curve rose, as measured and in every draw; none where it did not.
struct Times {
    found: Option<f64>,
    draws: Vec<Option<f64>>,
}

impl Times {
    fn new(frames: &[u64], rate: Rate, curve: &[Mean]) -> Self {
        let len = match rate {
            Rate::Compass => highest(curve),
            _ => curve.len(),
        };
        let (frames, curve) = (&frames[..len], &curve[..len]);
        let draw = |draw| {
            let mut stream = draws::CURVE_POINTS.stream(0, packed(&[(rate as u64, 8), (draw, 24)]));
            let mut drawn = |mean: &Mean| mean.value + mean.error * stream.normal();
            let drawn: Vec<f64> = curve.iter().map(&mut drawn).collect();
            time_of_rise(frames, &drawn)
        };
        let values: Vec<f64> = curve.iter().map(|mean| mean.value).collect();
        Self {
            found: time_of_rise(frames, &values).filter(|_| has_risen(curve)),
            draws: (0..DRAWS).map(draw).collect(),
        }
    }

    fn onset(&self) -> Option<Onset> {
        Some(Onset {
            frames: self.found?,
            interval: interval(self.draws.iter().copied().flatten()),
        })
    }

    fn minus(&self, other: &Self) -> Option<Onset> {
        let pairs = self.draws.iter().zip(&other.draws);
        Some(Onset {
            frames: self.found? - other.found?,
            interval: interval(pairs.filter_map(|(a, b)| Some((*a)? - (*b)?))),
        })
    }
}

/// How many points there are up to the highest running mean: the compass is unlearnt again where the way through walls is learnt.
fn highest(curve: &[Mean]) -> usize {
    let values: Vec<f64> = curve.iter().map(|mean| mean.value).collect();
    let smooth = smooth(&values);
    let place = (0..smooth.len()).reduce(|best, i| if smooth[i] > smooth[best] { i } else { best });
    place.map_or(0, |place| place + 1)
}

/// Whether the last point lies above the first by what makes a behaviour, and certainly: what never rose has no time at which it did.
fn has_risen(curve: &[Mean]) -> bool {
    let (Some(first), Some(last)) = (curve.first(), curve.last()) else {
        return false;
    };
    let rise = Mean {
        value: last.value - first.value,
        error: (last.error * last.error + first.error * first.error).sqrt(),
    };
    is_learnt(rise.value, rise.interval())
}

/// Running means of three points, of two at either end.
fn smooth(values: &[f64]) -> Vec<f64> {
    let around = |i: usize| &values[i.saturating_sub(1)..(i + 2).min(values.len())];
    (0..values.len()).map(|i| mean(around(i))).collect()
}

/// Frames at which a curve's running mean first reaches 90 % of its rise; none where it does not
/// rise.
fn time_of_rise(frames: &[u64], values: &[f64]) -> Option<f64> {
    let smooth = smooth(values);
    let (first, last) = (*smooth.first()?, *smooth.last()?);
    if last <= first {
        return None;
    }
    let goal = first + 0.9 * (last - first);
    let after = smooth.iter().position(|&value| value >= goal)?;
    let before = after.checked_sub(1)?;
    let share = (goal - smooth[before]) / (smooth[after] - smooth[before]);
    let (start, end) = (frames[before] as f64, frames[after] as f64);
    Some(start + share * (end - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rise_is_timed_between_points_and_not_found_in_a_fall() {
        // Means of three, of two at the ends: .4, .6, .9333, 1, 1; 90 % of the rise is .94.
        let values = [0.0, 0.8, 1.0, 1.0, 1.0];
        let found = time_of_rise(&[0, 100, 200, 300, 400], &values).unwrap();
        assert!((found - 210.0).abs() < 1e-9, "{found}");
        assert_eq!(time_of_rise(&[0, 100], &[0.5, 0.4]), None);
        assert_eq!(time_of_rise(&[], &[]), None);
    }

    #[test]
    fn a_single_lucky_point_is_no_rise_and_more_levels_narrow_the_interval() {
        let lucky = [0.0, 0.9, 0.0, 0.0, 0.3, 0.6, 1.0, 1.0, 1.0];
        let frames: Vec<u64> = (0..9).map(|i| 100 * i).collect();
        assert!(time_of_rise(&frames, &lucky).unwrap() > 500.0);
        let width = |count: f64| {
            let rates = [0.05, 0.05, 0.1, 0.2, 0.35, 0.45, 0.5, 0.5, 0.5];
            let curve = rates.map(|value: f64| Mean {
                value,
                error: (value * (1.0 - value) / count).sqrt(),
            });
            let onset = Times::new(&frames, Rate::Corner, &curve).onset().unwrap();
            assert!(onset.interval.0 <= onset.frames && onset.frames <= onset.interval.1);
            onset.interval.1 - onset.interval.0
        };
        assert!(
            width(2000.0) < 0.5 * width(100.0),
            "{} {}",
            width(2000.0),
            width(100.0)
        );
    }

    #[test]
    fn what_never_rose_has_no_onset_whatever_its_noise() {
        let frames: Vec<u64> = (0..6).map(|i| 100 * i).collect();
        let onset = |values: [f64; 6], error: f64| {
            let curve = values.map(|value| Mean { value, error });
            Times::new(&frames, Rate::InDownLeft, &curve).onset()
        };
        assert_eq!(onset([0.0, 0.01, -0.01, 0.0, 0.01, 0.003], 0.002), None);
        assert_eq!(
            onset([0.0, 0.0, 0.1, 0.1, 0.2, 0.2], 0.2),
            None,
            "uncertain"
        );
        assert!(onset([0.0, 0.0, 0.1, 0.1, 0.2, 0.2], 0.01).is_some());
    }

    #[test]
    fn the_compass_is_timed_on_its_way_up() {
        let frames: Vec<u64> = (0..7).map(|i| 100 * i).collect();
        let curve = [0.0, 2.0, 2.0, 2.0, 1.0, 0.0, 0.0].map(|value| Mean { value, error: 0.01 });
        let times = Times::new(&frames, Rate::Compass, &curve);
        let onset = times.onset().unwrap();
        assert!((100.0..200.0).contains(&onset.frames), "{onset:?}");
        assert_eq!(Times::new(&frames, Rate::Corner, &curve).onset(), None);
    }
}
