//! Which of `(u, v)` and `(-u, -v)` a triplet is: in v the first of the entries that are the largest in size,
//! but for a hundred-thousandth, is positive. Where entries tie, as those of an antisymmetric course do, rounding
//! would pick one of them by method and machine.

/// How far below the largest an entry still counts as the largest.
const MARGIN: f64 = 1e-5;

/// Whether the rule turns a column with these entries.
pub(super) fn turns(column: impl Iterator<Item = f64> + Clone) -> bool {
    let largest = column
        .clone()
        .fold(0.0f64, |largest, x| largest.max(x.abs()));
    let mut column = column;
    let first = column.find(|x| x.abs() >= (1.0 - MARGIN) * largest);
    first.is_some_and(|x| x < 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_largest_decides() {
        for (column, expected) in [
            (&[0.1, -0.5, 0.5][..], true),
            (&[0.1, -0.5, 0.5000001], true),
            (&[0.1, 0.5, -0.5000001], false),
            (&[0.1, -0.5, 0.50001], false),
            (&[], false),
        ] {
            assert_eq!(turns(column.iter().copied()), expected, "{column:?}");
        }
    }
}
