//! Edges as a graph: layers from left to right, channels from top to bottom.

use std::collections::BTreeSet;

use crate::circuits::atlas::Paths;
use crate::report::figure::figure;
use crate::report::number::{fixed, plural, signed};
use crate::report::svg::{Anchor, Svg};

use super::look::{colour, largest};

const ROW: f64 = 26.0;
const TOP: f64 = 46.0;
const SIDE: f64 = 46.0;
/// Layers beyond these are left out.
const COLUMNS: usize = 64;
/// What the channels of an observation are.
const PLANES: [&str; 3] = ["wall", "mouse", "cheese"];

/// Column and channel.
type Node = (usize, usize);

/// The figure.
pub fn graph(paths: &Paths) -> String {
    let columns = paths.columns.len().min(COLUMNS);
    let edges = paths
        .edges
        .iter()
        .filter(|edge| edge.from.0 < edge.to.0 && edge.to.0 < columns && edge.effect.is_finite());
    let edges: Vec<_> = edges.collect();
    if edges.is_empty() {
        return String::new();
    }
    let mut nodes: BTreeSet<Node> = BTreeSet::new();
    for edge in &edges {
        nodes.extend([edge.from, edge.to]);
    }
    // A channel of the stream keeps its row; planes and hidden units, which are others, have their own.
    let last = columns - 1;
    let is_stream = |column: usize| column > 0 && column < last;
    let rows_of = |wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
        let channels = nodes
            .iter()
            .filter(|node| wanted(node.0))
            .map(|node| node.1);
        let channels: BTreeSet<usize> = channels.collect();
        channels.into_iter().collect()
    };
    let lists = [
        rows_of(&|column| column == 0),
        rows_of(&is_stream),
        rows_of(&|column| column == last && column > 0),
    ];
    let height = lists.iter().map(Vec::len).max().unwrap_or(1) as f64 * ROW;
    // As wide as a figure, unless layers are many.
    let step = (318.0 / (columns - 1).max(1) as f64).clamp(42.0, 80.0);
    let width = SIDE + 30.0 + step * (columns - 1) as f64;
    let place = |node: Node| {
        let (column, channel) = node;
        let list = match column {
            0 => &lists[0],
            _ if is_stream(column) => &lists[1],
            _ => &lists[2],
        };
        let row = list.iter().position(|&one| one == channel).unwrap_or(0);
        let spare = height - ROW * list.len() as f64;
        let y = TOP + spare / 2.0 + ROW * (row as f64 + 0.5);
        (SIDE + step * column as f64, y)
    };
    let mut svg = Svg::new(width, TOP + height + 10.0);
    for (column, layer) in paths.columns.iter().enumerate().take(columns) {
        let x = SIDE + step * column as f64;
        // Neighbours' names would run into each other on one line.
        let y = if column % 2 == 0 { 14.0 } else { 30.0 };
        svg.text((x, y), Anchor::Middle, "label", &shortened(layer));
    }
    svg.group("var(--rule)", "", |svg| {
        for &channel in &lists[1] {
            let on = nodes
                .iter()
                .filter(|node| is_stream(node.0) && node.1 == channel);
            let on: Vec<usize> = on.map(|node| node.0).collect();
            if let (Some(&first), Some(&end)) = (on.first(), on.last()) {
                svg.line(
                    place((first, channel)),
                    place((end, channel)),
                    "line thin dashed",
                );
            }
        }
    });
    let most = largest(edges.iter().map(|edge| edge.effect));
    for edge in &edges {
        let words = format!(
            "{} to {}: {} of the difference",
            said(paths, edge.from),
            said(paths, edge.to),
            signed(edge.effect, 2)
        );
        let share = if most > 0.0 {
            edge.effect.abs() / most
        } else {
            0.0
        };
        let (from, to) = (place(edge.from), place(edge.to));
        svg.group(colour(edge.effect), &words, |svg| {
            svg.stroke(from, to, 1.0 + 5.0 * share, 0.35 + 0.55 * share);
        });
    }
    for &node in &nodes {
        let at = place(node);
        svg.group("var(--ink)", &said(paths, node), |svg| {
            match node.0 {
                0 => {
                    let plane = PLANES.get(node.1).copied().unwrap_or("?");
                    svg.disc(at, 4.0, "dot");
                    svg.text((at.0 - 8.0, at.1 + 4.0), Anchor::End, "label mini", plane);
                }
                _ => {
                    svg.disc(at, 8.5, "ring");
                    let number = node.1.to_string();
                    svg.text((at.0, at.1 + 3.4), Anchor::Middle, "label mini", &number);
                }
            };
        });
    }
    let caption = format!(
        "the {} with the greatest effects; orange helps the preference, blue works against it; the widest \
         {} of the difference",
        plural(edges.len(), "edge"),
        fixed(most, 2)
    );
    let svg = svg.finish("the leading edges as a graph, layers from left to right");
    let scroll = format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"graph of edges\">{svg}</div>"
    );
    figure("", "The same as a graph", &caption, "", &scroll)
}

fn said(paths: &Paths, node: Node) -> String {
    let (column, channel) = node;
    match (column, PLANES.get(channel)) {
        (0, Some(plane)) => format!("{plane} plane"),
        _ => {
            let layer = paths.columns.get(column).map_or("", String::as_str);
            format!("{layer} {channel}")
        }
    }
}

fn shortened(layer: &str) -> String {
    match layer.chars().count() {
        0..=11 => layer.to_owned(),
        _ => layer.chars().take(10).collect::<String>() + "…",
    }
}
