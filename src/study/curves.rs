//! S1 to S5 over training, and when the behaviours appeared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ablate::{Measurement, Rate};

use super::results::{Curves, RateCurve};

/// Successes at one point of the curves, a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Updates made.
    pub update: u64,
    /// Frames seen.
    pub frames: u64,
    /// Levels a situation.
    pub levels: u64,
    /// By the name of the rate.
    pub successes: BTreeMap<String, u64>,
    /// Mean probability of the cheese-ward move at decision squares.
    pub p_cheese: f64,
    /// The same, corner-ward.
    pub p_corner: f64,
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
        let successes = Rate::ALL.map(|rate| (rate.name().to_owned(), measured.count(rate).0));
        Self {
            update,
            frames,
            levels: measured.count(Rate::S1).1,
            successes: successes.into(),
            p_cheese: measured.p_cheese,
            p_corner: measured.p_corner,
            episode_return,
        }
    }

    /// Levels on which `rate` was a success.
    pub fn count(&self, rate: Rate) -> u64 {
        self.successes.get(rate.name()).copied().unwrap_or(0)
    }

    /// Share of successes.
    pub fn rate(&self, rate: Rate) -> f64 {
        self.count(rate) as f64 / self.levels as f64
    }
}

/// The curves through `points`.
pub fn curves(points: &[CurvePoint]) -> Curves {
    let frames: Vec<u64> = points.iter().map(|point| point.frames).collect();
    let rates = Rate::ALL.map(|rate| RateCurve {
        rate,
        successes: points.iter().map(|point| point.count(rate)).collect(),
        count: points.first().map_or(0, |point| point.levels),
    });
    let reached = |rate: Rate| {
        let values: Vec<f64> = points.iter().map(|point| point.rate(rate)).collect();
        time_of_rise(&frames, &values)
    };
    let returns = points.iter();
    Curves {
        t_corner: reached(Rate::S5),
        t_cheese: reached(Rate::S2),
        rates: rates.into(),
        p_cheese: points.iter().map(|point| point.p_cheese).collect(),
        p_corner: points.iter().map(|point| point.p_corner).collect(),
        returns: returns
            .filter_map(|point| Some((point.frames, point.episode_return?)))
            .collect(),
        frames,
    }
}

/// Frames at which a curve first reaches 90 % of its rise from first to last value, between points
/// by a straight line; none where it does not rise.
fn time_of_rise(frames: &[u64], values: &[f64]) -> Option<f64> {
    let (first, last) = (*values.first()?, *values.last()?);
    if last <= first {
        return None;
    }
    let goal = first + 0.9 * (last - first);
    let after = values.iter().position(|&value| value >= goal)?;
    let before = after.checked_sub(1)?;
    let share = (goal - values[before]) / (values[after] - values[before]);
    let (start, end) = (frames[before] as f64, frames[after] as f64);
    Some(start + share * (end - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rise_is_timed_between_points_and_not_found_in_a_fall() {
        assert_eq!(time_of_rise(&[0, 100, 200], &[0.0, 0.8, 1.0]), Some(150.0));
        assert_eq!(time_of_rise(&[0, 100], &[0.5, 0.4]), None);
        assert_eq!(time_of_rise(&[], &[]), None);
    }
}
