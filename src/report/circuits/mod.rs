//! What the policy's activations and edges carry: five sections, there where circuits were traced.

mod carriers;
mod directions;
mod eye;
mod graph;
mod heat;
mod hypotheses;
mod levels;
mod own;
mod paths;
mod shares;

use crate::circuits::{Fact, Share, Sought};
use crate::findings::tracing::Circuits;

use super::number::{NONE, fixed, significant};
use super::page::Section;

/// Positive orange, negative blue, in every figure of these sections.
const POSITIVE: &str = "var(--cheese)";
const NEGATIVE: &str = "var(--corner)";

/// The sections.
pub fn sections(circuits: &Circuits) -> Vec<Section> {
    let section = |id, short, question, body| Section {
        id,
        short,
        question,
        body,
    };
    vec![
        section(
            "carriers",
            "Carriers",
            "Which layers, channels and cells carry the preference?",
            carriers::body(circuits),
        ),
        section(
            "paths",
            "Paths",
            "Along which kernel slices does it go?",
            paths::body(circuits),
        ),
        section(
            "directions",
            "Directions",
            "Does adding a cheese or a corner to the activations move the policy?",
            directions::body(circuits),
        ),
        section(
            "hypotheses",
            "Hypotheses",
            "How much do the hypotheses keep under causal scrubbing?",
            hypotheses::body(circuits),
        ),
        section(
            "eye",
            "By eye",
            "What do the leading weights, channels and levels look like?",
            eye::body(circuits),
        ),
    ]
}

/// "Going for the cheese, cheese moved".
fn name(sought: Sought, fact: Fact) -> String {
    let sought = match sought {
        Sought::Cheese => "cheese",
        Sought::Corner => "corner",
    };
    format!("Going for the {sought}, {}", fact.name())
}

/// The 95 % interval.
fn interval(share: &Share) -> (f64, f64) {
    let half = 1.96 * share.error;
    (share.value - half, share.value + half)
}

/// "0.46 (95 %: 0.37 to 0.55)".
fn with_interval(share: &Share) -> String {
    let (low, high) = interval(share);
    let (low, high) = (fixed(low, 2), fixed(high, 2));
    if low == NONE || high == NONE {
        return fixed(share.value, 2);
    }
    format!("{} (95\u{a0}%: {low} to {high})", fixed(share.value, 2))
}

/// The colour of a number's sign.
fn colour(value: f64) -> &'static str {
    if value < 0.0 { NEGATIVE } else { POSITIVE }
}

/// The largest size among finite numbers.
fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(0.0, |a: f64, b| a.max(b.abs()))
}

/// "full colour at ±0.53".
fn scale(largest: f64) -> String {
    format!("full colour at ±{}", significant(largest, 2))
}

/// A range with some room at either end, for marks that lie there.
fn roomy(low: f64, high: f64) -> (f64, f64) {
    let room = 0.04 * (high - low);
    (low - room, high + room)
}
