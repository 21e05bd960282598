//! Levels that change during training, in stages.
//!
//! A stage begins with the first iteration before which its share of all updates has been made. Levels
//! that begin from there on are the stage's; episodes that are under way end in the level they have.
//! Stage 0 is before the first of the list, and has the region and smallest maze of `env` itself, whose
//! region is also the one that situations measure and that says who is inside, in every stage.

use serde::{Deserialize, Serialize};

use super::Error;

/// A stage of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The share of all updates, from 0 to below 1, after which it begins.
    pub from: f64,
    /// Side of the top-right region that holds the cheese in its levels.
    pub region: u8,
    /// The smallest maze of its levels.
    pub min_maze_dim: u8,
}

/// The stage after `updates` of `total`: how many of `schedule` have begun.
pub fn stage(schedule: &[Stage], updates: u64, total: u64) -> usize {
    // Correctly rounded, as the number in the settings is: a tenth of ten updates is 0.1.
    let share = updates as f64 / total as f64;
    let begun = schedule.iter().take_while(|stage| stage.from <= share);
    begun.count()
}

/// Checks every stage of levels in a world of this side.
///
/// # Errors
/// The first value that is out of range, by its place in the list, counted from 0.
pub fn check(schedule: &[Stage], world: u8) -> Result<(), Error> {
    let mut before: Option<f64> = None;
    for (index, stage) in schedule.iter().enumerate() {
        let refuse = |name: &str, found: String, expected: String| {
            Err(Error::Setting {
                name: format!("env.schedule[{index}].{name}").into(),
                found,
                expected,
            })
        };
        let is_later = before.is_none_or(|before| stage.from > before);
        if !(0.0..1.0).contains(&stage.from) || !is_later {
            let expected = match before {
                None => "0 to below 1".into(),
                Some(before) => {
                    format!("above {before}, where the stage before it begins, to below 1")
                }
            };
            return refuse("from", stage.from.to_string(), expected);
        }
        before = Some(stage.from);
        if stage.region > world {
            let expected = format!("0 to the world's side, {world}");
            return refuse("region", stage.region.to_string(), expected);
        }
        let dim = stage.min_maze_dim;
        if dim.is_multiple_of(2) || !(3..=world).contains(&dim) {
            let expected = format!("an odd size from 3 to the world's side, {world}");
            return refuse("min_maze_dim", dim.to_string(), expected);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_begins_with_the_update_that_reaches_its_share() {
        let begins = |from| Stage {
            from,
            region: 0,
            min_maze_dim: 3,
        };
        let schedule = [begins(0.1), begins(0.5), begins(0.7)];
        let stages: Vec<usize> = (0..10).map(|u| stage(&schedule, u, 10)).collect();
        assert_eq!(stages, [0, 1, 1, 1, 1, 2, 2, 3, 3, 3]);
        // Shares that no number of updates is.
        let stages: Vec<usize> = (0..7).map(|u| stage(&schedule, u, 7)).collect();
        assert_eq!(stages, [0, 1, 1, 1, 2, 3, 3]);
        assert_eq!(stage(&[begins(0.0)], 0, 9), 1);
        assert_eq!(stage(&[], 8, 9), 0);
    }
}
