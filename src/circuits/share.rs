//! A share of a difference in preference, with its error: that of a ratio of sums over independent pairs (delta
//! method).

use serde::{Deserialize, Serialize};

use crate::storage::or_null;

/// A ratio of two sums over pairs, with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The ratio; 1 is all of the difference. NaN, `null` in JSON, where there is no difference to share: without
    /// pairs, or with none that differ.
    #[serde(deserialize_with = "or_null::number")]
    pub value: f64,
    /// Its standard error. NaN where the ratio is, and of a single pair.
    #[serde(deserialize_with = "or_null::number")]
    pub error: f64,
}

impl Share {
    /// The ratio of the sums of `parts` and `wholes`, pair by pair.
    pub fn of(parts: &[f64], wholes: &[f64]) -> Self {
        let (part, whole): (f64, f64) = (parts.iter().sum(), wholes.iter().sum());
        if whole == 0.0 {
            return Self {
                value: f64::NAN,
                error: f64::NAN,
            };
        }
        let value = part / whole;
        let pairs = parts.iter().zip(wholes);
        let squares: f64 = pairs.map(|(p, w)| (p - value * w).powi(2)).sum();
        let len = parts.len() as f64;
        Self {
            value,
            // Of one pair 0 / 0.
            error: (squares * len / (len - 1.0)).sqrt() / whole.abs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_share_is_that_of_a_ratio() {
        let share = Share::of(&[1.0, 1.0, 1.0, 1.0], &[2.0, 2.0, 2.0, 2.0]);
        assert_eq!((share.value, share.error), (0.5, 0.0));
        // Mean of 0, 1, 0, 1 over ones: sqrt(0.25 * 4 / 3 / 4).
        let share = Share::of(&[0.0, 1.0, 0.0, 1.0], &[1.0; 4]);
        assert!((share.value - 0.5).abs() < 1e-15);
        assert!((share.error - (1.0f64 / 12.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn what_is_not_defined_is_null_and_is_read_again() {
        let words = |share: &Share| serde_json::to_string(share).unwrap();
        let none = [Share::of(&[], &[]), Share::of(&[0.0; 3], &[0.0; 3])];
        for share in none {
            assert_eq!(words(&share), r#"{"value":null,"error":null}"#);
        }
        let single = Share::of(&[1.0], &[2.0]);
        assert_eq!(words(&single), r#"{"value":0.5,"error":null}"#);
        let again: Share = serde_json::from_str(&words(&single)).unwrap();
        assert!(again.value == 0.5 && again.error.is_nan());
    }
}
