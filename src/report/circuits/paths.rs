//! Path patching: the leading kernel slices, and the graph that they make.

use crate::findings::tracing::{Circuits, TracedFact};
use crate::report::number::{count, fixed, plural};
use crate::report::page::{cell, details, lead, lead_list, note, row, table};
use crate::report::svg::escape;

use super::look::{name, with_interval};
use super::{graph, shares};

/// Edges drawn in rows.
const ROWS: usize = 8;

/// The section's markup.
pub fn body(circuits: &Circuits) -> String {
    let traced: Vec<&TracedFact> = circuits
        .facts
        .iter()
        .filter(|fact| fact.distinguished > 0)
        .collect();
    if traced.is_empty() {
        return lead("No edges were patched: the policy tells no pairs apart.");
    }
    let opening: Vec<String> = traced.iter().map(|traced| opening(traced)).collect();
    let (first, others) = traced.split_at(1);
    let draw =
        |list: &[&TracedFact]| -> String { list.iter().map(|one| fact(circuits, one)).collect() };
    let others = match others.is_empty() {
        true => String::new(),
        false => details("The same for the other facts", false, &draw(others)),
    };
    format!(
        "{}{}{}{others}{}",
        lead_list(&opening),
        shares::legend(),
        draw(first),
        note(
            "An edge is the kernel slice from one channel to one channel of the next layer: nine weights, or \
             one a cell into the hidden layer; channels 0, 1 and 2 of the observation, which conv0 reads, are \
             walls, mouse and cheese. All edges are screened by their first-order effects, the \
             leading 5 % are patched exactly, and the strongest of those are shown. In the graph a column is a \
             layer with the residual stream after it, a line's width grows with its effect; the faint lines \
             are the stream, which carries a channel on as it is."
        )
    )
}

fn opening(traced: &TracedFact) -> String {
    let name = name(traced.sought, traced.fact);
    let (patched, all) = traced.patched;
    let finite = traced
        .edges
        .iter()
        .filter(|found| found.effect().is_finite());
    let Some(leading) = finite.max_by(|a, b| a.effect().abs().total_cmp(&b.effect().abs())) else {
        return format!("{name}: no edges.");
    };
    let inner = traced
        .edges
        .iter()
        .filter(|found| !is_first(traced, &found.part));
    let inner = inner.max_by(|a, b| a.effect().abs().total_cmp(&b.effect().abs()));
    let beyond = match inner {
        Some(found) if is_first(traced, &leading.part) => format!(
            "; beyond the first layer no edge carries more than {}, {}",
            escape(&found.part),
            with_interval(&found.restored)
        ),
        _ => String::new(),
    };
    let screen = match traced.screen {
        Some(rho) => format!(
            "the screen ranks them with a correlation of {}",
            fixed(rho, 2)
        ),
        None => "the screen gives no ranking".to_owned(),
    };
    format!(
        "{name}: {} leads and restores {}{beyond}. {} of {} edges were patched; {screen}.",
        escape(&leading.part),
        with_interval(&leading.restored),
        count(patched as u64),
        count(all as u64),
    )
}

/// Whether an edge goes into the first layer.
fn is_first(traced: &TracedFact, part: &str) -> bool {
    let first = traced.layers.first();
    first.is_some_and(|first| {
        let rest = part.strip_prefix(first.part.as_str());
        rest.is_some_and(|rest| rest.starts_with(' '))
    })
}

fn fact(circuits: &Circuits, traced: &TracedFact) -> String {
    let name = name(traced.sought, traced.fact);
    let rows = &traced.edges[..traced.edges.len().min(ROWS)];
    let caption = format!("over {}", plural(traced.distinguished, "pair"));
    let edges = shares::shares("The leading edges", &caption, rows);
    let mut paths = circuits.pictures.iter().flat_map(|one| &one.paths);
    let paths = paths.find(|one| (one.sought, one.fact) == (traced.sought, traced.fact));
    let drawn = paths.map_or(String::new(), |one| graph::graph(&one.paths));
    let hops = hops(traced);
    format!("<h3>{name}</h3>\n<div class=\"panels wide\">\n{edges}{drawn}</div>\n{hops}")
}

/// The paths of several layers, where they were asked for.
fn hops(traced: &TracedFact) -> String {
    if traced.paths.is_empty() {
        return String::new();
    }
    let rows = traced.paths.iter().take(ROWS).map(|found| {
        let share = [&found.restored, &found.corrupted].map(|share| cell(&with_interval(share)));
        row("", &[&[cell(&found.part)], &share[..]].concat())
    });
    let rows: String = rows.collect();
    let headings = [
        "|path, all else as in the base run",
        "restored",
        "corrupted",
    ];
    table("The leading paths of several layers", &headings, &rows)
}
