//! After which updates checkpoints, points of the curves and points to resume from are due.

use super::Config;

/// Updates after which the point half-way is put down: those of whole iterations, at least half.
pub fn middle(config: &Config) -> u64 {
    let per_iteration = config.ppo.updates_per_iteration();
    config
        .ppo
        .total_updates
        .div_ceil(2)
        .next_multiple_of(per_iteration)
}

/// How many updates below `updates` are on a grid of `points` steps.
pub fn due_before(updates: u64, points: u64, total: u64) -> u64 {
    let points = points.min(total);
    match updates.checked_sub(1) {
        None => 0,
        Some(last) => 1 + (u128::from(last) * u128::from(points) / u128::from(total)) as u64,
    }
}

/// Whether update `updates` of `total` is on a grid of `points` steps, both ends included.
pub fn is_due(updates: u64, points: u64, total: u64) -> bool {
    let points = points.min(total);
    let before =
        |updates: u64| (u128::from(updates) * u128::from(points) / u128::from(total)) as u64;
    updates == 0 || before(updates) > before(updates - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_both_ends_and_as_many_points_as_asked() {
        for (points, total) in [(4, 10), (7, 100), (100, 60), (1, 5)] {
            let due: Vec<u64> = (0..=total).filter(|&u| is_due(u, points, total)).collect();
            for updates in 0..=total {
                let before = due.iter().filter(|&&u| u < updates).count() as u64;
                assert_eq!(due_before(updates, points, total), before, "{updates}");
            }
            assert_eq!(
                due.len() as u64,
                points.min(total) + 1,
                "{points} of {total}: {due:?}"
            );
            assert_eq!((due[0], *due.last().unwrap()), (0, total));
        }
    }
}
