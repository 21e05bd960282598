//! Words, colours and scales that the sections on circuits share.

use crate::circuits::{Fact, Share, Sought};
use crate::report::number::{NONE, fixed, significant};

/// Positive orange, negative blue, in every figure of these sections.
pub const POSITIVE: &str = "var(--cheese)";
/// The colour of what is below 0.
pub const NEGATIVE: &str = "var(--corner)";

/// "Going for the cheese, cheese moved".
pub fn name(sought: Sought, fact: Fact) -> String {
    let sought = match sought {
        Sought::Cheese => "cheese",
        Sought::Corner => "corner",
    };
    format!("Going for the {sought}, {}", fact.name())
}

/// The 95 % interval.
pub fn interval(share: &Share) -> (f64, f64) {
    let half = 1.96 * share.error;
    (share.value - half, share.value + half)
}

/// "0.46 (95 %: 0.37 to 0.55)".
pub fn with_interval(share: &Share) -> String {
    if !share.value.is_finite() {
        return "not defined".into();
    }
    let (low, high) = interval(share);
    let (low, high) = (fixed(low, 2), fixed(high, 2));
    if low == NONE || high == NONE {
        return fixed(share.value, 2);
    }
    format!("{} (95\u{a0}%: {low} to {high})", fixed(share.value, 2))
}

/// The colour of a number's sign.
pub fn colour(value: f64) -> &'static str {
    if value < 0.0 { NEGATIVE } else { POSITIVE }
}

/// The largest size among finite numbers.
pub fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(0.0, |a: f64, b| a.max(b.abs()))
}

/// "full colour at ±0.53".
pub fn scale(largest: f64) -> String {
    format!("full colour at ±{}", significant(largest, 2))
}

/// A range with some room at either end, for marks that lie there.
pub fn roomy(low: f64, high: f64) -> (f64, f64) {
    let room = 0.04 * (high - low);
    (low - room, high + room)
}
