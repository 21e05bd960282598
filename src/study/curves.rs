//! S1 to S5 over training, and when the behaviours appeared.

use crate::ablate::{Measurement, Rate};

use super::results::{Curves, RateCurve};

/// The curves from what was measured after each of `frames`.
pub fn curves(frames: Vec<u64>, measurements: &[Measurement], returns: Vec<(u64, f64)>) -> Curves {
    let rates = Rate::ALL.map(|rate| RateCurve {
        rate,
        successes: measurements.iter().map(|m| m.count(rate).0).collect(),
        count: measurements.first().map_or(0, |m| m.count(rate).1),
    });
    let reached = |rate: Rate| {
        let values: Vec<f64> = measurements.iter().map(|m| m.rate(rate)).collect();
        time_of_rise(&frames, &values)
    };
    Curves {
        t_corner: reached(Rate::S5),
        t_cheese: reached(Rate::S2),
        rates: rates.into(),
        p_cheese: measurements.iter().map(|m| m.p_cheese).collect(),
        p_corner: measurements.iter().map(|m| m.p_corner).collect(),
        returns,
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
