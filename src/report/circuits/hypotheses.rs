//! Causal scrubbing: how much of the policy is left under each hypothesis, its nulls beside it.

use crate::circuits::Scrubbed;
use crate::findings::tracing::Circuits;
use crate::report::axes::Scale;
use crate::report::figure::figure;
use crate::report::number::{count, fixed, percent, plural, signed, trimmed};
use crate::report::page::{cell, lead, lead_list, note, row, table, words};
use crate::report::svg::{Anchor, Svg, escape};

use super::look::{interval, with_interval};

const ROW: f64 = 20.0;
const LEFT: f64 = 168.0;
const WIDTH: f64 = 560.0;
const TOP: f64 = 8.0;
/// What is below is drawn at the edge.
const LOWEST: f64 = -1.0;

/// The section's markup.
pub fn body(circuits: &Circuits) -> String {
    let all = &circuits.scrubbing;
    if all.is_empty() {
        return lead("No hypotheses were scrubbed.");
    }
    let opening: Vec<String> = all
        .iter()
        .filter(|one| !is_null(one))
        .map(|one| opening(one, all))
        .collect();
    format!(
        "{}<div class=\"panels full\">\n{}</div>\n{}{}",
        lead_list(&opening),
        drawing(all),
        numbers(all),
        note(
            "All that a hypothesis calls irrelevant is taken from other states, and what it says depends on a \
             feature from states with the same feature. Recovered: 1 where nothing of the policy's prediction \
             is lost, 0 where as much as under a random state; the mean over states with its 95 % interval \
             over mazes. Thin bars run from the 10 to the 90 % quantile over states, the tick is the median: a \
             mean can hide states that lose everything. Where a node has a part of a layer the null is not 0 but \
             its own units of any state. Names with a comma are nulls and swaps of the \
             hypothesis before the comma. The more channels a hypothesis \
             has, the less it says."
        )
    )
}

fn name(one: &Scrubbed) -> &str {
    &one.hypothesis.name
}

/// Whether it is a null or a swap: "late, any state" is called after the hypothesis before the comma.
fn is_null(one: &Scrubbed) -> bool {
    name(one).contains(", ")
}

fn opening(one: &Scrubbed, all: &[Scrubbed]) -> String {
    let size = format!(
        "{} ({} of all)",
        plural(one.channels, "channel"),
        percent(one.channel_share)
    );
    let keeps = format!(
        "{}: {size} recover {} on {} states; a tenth of them {} or less",
        escape(name(one)),
        with_interval(&one.recovered),
        count(one.states as u64),
        fixed(one.quantiles[0], 2)
    );
    let prefix = format!("{}, ", name(one));
    let nulls = all.iter().filter(|other| {
        let is_own = name(other).starts_with(&prefix) && other.recovered.value.is_finite();
        // With all channels it is a larger hypothesis, and no null.
        is_own && other.channels <= one.channels
    });
    let nulls: Vec<&Scrubbed> = nulls.collect();
    let best = nulls
        .iter()
        .max_by(|a, b| a.recovered.value.total_cmp(&b.recovered.value));
    let Some(best) = best else {
        return format!("{keeps}. It has no nulls.");
    };
    let (low, high) = interval(&one.recovered);
    let (best_low, best_high) = interval(&best.recovered);
    let verdict = if low > best_high {
        "it keeps more than any of them"
    } else if high < best_low {
        "it keeps less, so that it is not what it says that matters"
    } else {
        "their intervals overlap, so that they are not told apart"
    };
    format!(
        "{keeps}. The best of its {}, {}, recovers {}: {verdict}.",
        match nulls.len() {
            1 => "one null or swap".to_owned(),
            len => format!("{} nulls and swaps", count(len as u64)),
        },
        escape(name(best)),
        with_interval(&best.recovered)
    )
}

fn drawing(all: &[Scrubbed]) -> String {
    let bottom = TOP + ROW * all.len() as f64;
    let x = Scale::linear((LOWEST, 1.0), (LEFT, WIDTH - 12.0));
    let mut svg = Svg::new(WIDTH, bottom + 36.0);
    for tick in x.ticks(5) {
        if let Some(at) = x.place_within(tick) {
            let class = if tick == 0.0 { "axis" } else { "grid" };
            svg.line((at, TOP), (at, bottom), class);
            let words = trimmed(fixed(tick, 2));
            svg.text((at, bottom + 15.0), Anchor::Middle, "tick", &words);
        }
    }
    for (number, one) in all.iter().enumerate() {
        let y = TOP + ROW * (number as f64 + 0.5);
        let (colour, class) = match is_null(one) {
            true => ("var(--soft)", "label"),
            false => ("var(--cheese)", "strong"),
        };
        let shown: String = name(one).chars().take(27).collect();
        svg.text((LEFT - 8.0, y + 4.0), Anchor::End, class, &shown);
        let [low, median, high] = one.quantiles.map(|q| x.place_within(q));
        let (from, to) = interval(&one.recovered);
        let words = format!("{}: recovered {}", name(one), with_interval(&one.recovered));
        svg.group(colour, &words, |svg| {
            if let (Some(low), Some(high)) = (low, high) {
                svg.line((low, y), (high, y), "whisker");
            }
            if let Some(median) = median {
                svg.line((median, y - 4.0), (median, y + 4.0), "line thin");
            }
            if let (Some(from), Some(to)) = (x.place_within(from), x.place_within(to)) {
                svg.stroke((from, y), (to, y), 3.0, 0.8);
            }
            if let Some(at) = x.place_within(one.recovered.value) {
                svg.disc((at, y), 4.0, "dot");
                svg.disc((at, y), 8.0, "target");
            }
        });
    }
    let middle = (LEFT + WIDTH - 12.0) / 2.0;
    svg.text(
        (middle, bottom + 31.0),
        Anchor::Middle,
        "label",
        "recovered",
    );
    let svg = svg.finish("what each hypothesis recovers");
    figure("", "Recovered under each hypothesis", "", "", &svg)
}

fn numbers(all: &[Scrubbed]) -> String {
    let rows: String = all
        .iter()
        .map(|one| {
            let class = if is_null(one) { "" } else { "chosen" };
            let (low, high) = interval(&one.recovered);
            let quantiles = one.quantiles.map(|q| signed(q, 2)).join(" ");
            row(
                class,
                &[
                    words(name(one)),
                    cell(&fixed(one.recovered.value, 2)),
                    cell(&format!("{} to {}", fixed(low, 2), fixed(high, 2))),
                    cell(&quantiles),
                    cell(&count(one.nodes as u64)),
                    cell(&format!(
                        "{} ({})",
                        one.channels,
                        percent(one.channel_share)
                    )),
                    cell(&count(one.states as u64)),
                    cell(&percent(one.unmatched)),
                ],
            )
        })
        .collect();
    let headings = [
        "|hypothesis",
        "recovered",
        "95 %",
        "10, 50, 90 % of states",
        "nodes",
        "channels",
        "states",
        "unmatched",
    ];
    table("hypotheses", &headings, &rows)
}
