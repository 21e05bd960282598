//! Parts in rows with what they restore and corrupt, and its 95 % intervals.

use crate::circuits::Share;
use crate::findings::tracing::Carrier;
use crate::report::axes::{Scale, range_of};
use crate::report::figure::{Look, Sample, figure, key};
use crate::report::number::{fixed, trimmed};
use crate::report::svg::{Anchor, Svg};

use super::look::{interval, roomy, with_interval};

const RESTORED: &str = "var(--cheese)";
const CORRUPTED: &str = "var(--corner)";
const ROW: f64 = 20.0;
const LEFT: f64 = 122.0;
const WIDTH: f64 = 420.0;
const TOP: f64 = 8.0;

/// What the two marks are.
pub fn legend() -> String {
    let restored = "restored: the second state's run, with the part as in the first";
    let corrupted = "corrupted: the first state's run, with the part as in the second";
    format!(
        "<div class=\"legend apart\">{}{}</div>\n",
        key(Sample::Dot, Look::solid(RESTORED), restored),
        key(Sample::Ring, Look::solid(CORRUPTED), corrupted)
    )
}

/// A figure of the parts, one a row.
pub fn shares(title: &str, caption: &str, parts: &[Carrier]) -> String {
    let ends = |found: &Carrier| {
        let [restored, corrupted] = [interval(&found.restored), interval(&found.corrupted)];
        [restored.0, restored.1, corrupted.0, corrupted.1]
    };
    let all = parts.iter().flat_map(ends);
    // Shares can be anything where pairs hardly differ; what is far out is drawn at the edge.
    let all = all.map(|value| value.clamp(-1.0, 2.0)).chain([0.0]);
    let (low, high) = range_of(all).unwrap_or((0.0, 1.0));
    let bottom = TOP + ROW * parts.len() as f64;
    let x = Scale::linear(roomy(low, high), (LEFT, WIDTH - 10.0));
    let mut svg = Svg::new(WIDTH, bottom + 36.0);
    for tick in x.ticks(5) {
        let Some(at) = x.place_within(tick) else {
            continue;
        };
        svg.line((at, TOP), (at, bottom), "grid");
        let words = trimmed(fixed(tick, 2));
        svg.text((at, bottom + 15.0), Anchor::Middle, "tick", &words);
    }
    if let Some(zero) = x.place_within(0.0) {
        svg.line((zero, TOP), (zero, bottom), "axis");
    }
    for (row, found) in parts.iter().enumerate() {
        let y = TOP + ROW * (row as f64 + 0.5);
        svg.text(
            (LEFT - 8.0, y + 4.0),
            Anchor::End,
            "label",
            &shortened(&found.part),
        );
        let words = format!(
            "{}: restored {}, corrupted {}",
            found.part,
            with_interval(&found.restored),
            with_interval(&found.corrupted)
        );
        let mut mark = |share: &Share, colour, class, y| {
            let (low, high) = interval(share);
            let place = |value| x.place_within(value);
            let Some(at) = place(share.value) else {
                return;
            };
            svg.group(colour, &words, |svg| {
                if let (Some(low), Some(high)) = (place(low), place(high)) {
                    svg.line((low, y), (high, y), "line thin");
                }
                svg.disc((at, y), 3.4, class);
                svg.disc((at, y), 7.0, "target");
            });
        };
        mark(&found.restored, RESTORED, "dot", y - 4.0);
        mark(&found.corrupted, CORRUPTED, "ring", y + 4.0);
    }
    let middle = (LEFT + WIDTH - 10.0) / 2.0;
    let words = "share of the difference in preference";
    svg.text((middle, bottom + 31.0), Anchor::Middle, "label", words);
    let label = format!("{title}: what each part restores and corrupts");
    figure("", title, caption, "", &svg.finish(&label))
}

/// "stream after conv1" stands in rows that have room for less.
fn shortened(part: &str) -> String {
    let part = part.replace("stream after ", "after ");
    match part.chars().count() {
        0..=20 => part,
        _ => part.chars().take(19).collect::<String>() + "…",
    }
}
