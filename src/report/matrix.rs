//! The page of a matrix: which directions stand out, when they were active, and where they lie.

use crate::findings::LocatedMatrix;
use crate::locate::{Between, Component, Label};

use super::figure::Sample;
use super::forest::{Estimate, Row, forest};
use super::number::{NONE, count, fixed, percent, plural, signed};
use super::page::{self, Section, badge, cell, lead, markup, note, row, table, words};
use super::summary::label_counts;
use super::svg::escape;
use super::vectors::{phase, phase_look};
use super::{spectrum, tensors, vectors};

/// Tensors named beside a component.
const NAMED: usize = 3;

/// The page that shows `found`.
pub fn matrix_html(found: &LocatedMatrix) -> String {
    let section = |id, short, question, body| Section {
        id,
        short,
        question,
        body,
    };
    let decompositions = std::slice::from_ref(&found.decomposition);
    let sections = [
        section(
            "summary",
            "Summary",
            "Which directions are early, and which late?",
            summary(found),
        ),
        section(
            "spectrum",
            "Spectrum",
            "How many directions stand out from noise?",
            spectrum::body(decompositions),
        ),
        section(
            "time",
            "Time",
            "When was each of them active?",
            vectors::body(decompositions, &|_| None),
        ),
        section(
            "place",
            "Place",
            "In which tensors do they lie?",
            tensors::body(decompositions, &found.layout),
        ),
        section(
            "reading",
            "Definitions",
            "How is this to be read?",
            reading(found),
        ),
    ];
    let byline = format!("gouda {}, {}", found.version, found.matrix);
    page::page(
        "gouda: directions in time",
        "What the gradients were about, and when",
        &byline,
        &sections,
    )
}

fn summary(found: &LocatedMatrix) -> String {
    let d = &found.decomposition;
    let signals: Vec<&Component> = d
        .components
        .iter()
        .filter(|c| c.signal != Some(false))
        .collect();
    let (early, late, _) = label_counts(d);
    let opening = match found.has_matrix {
        true => format!(
            "Of {} steps of {} parameters, {} of {} directions stand out from noise: <b>{} early, {} late</b>, the others at no \
             time of their own that can be told.",
            count(found.time_len as u64),
            count(found.param_len as u64),
            signals.len(),
            d.components.len(),
            early,
            late,
        ),
        false => format!(
            "A decomposition of {} steps of {} parameters, without its matrix: when its {} were active, held against no \
             spectrum of noise, so that none is called early or late.",
            count(found.time_len as u64),
            count(found.param_len as u64),
            plural(d.components.len(), "direction"),
        ),
    };
    let half_times = match &found.displacement {
        Some(path) => format!(
            "Labels agree with when the parameters moved along each direction, by the checkpoints in {}.",
            escape(path)
        ),
        None => "When the parameters moved along each direction is not known: no path of them was given, and labels go by the gradients alone.".into(),
    };
    let hidden = match found.may_hide {
        true => note(
            "The next singular value is larger than white noise as strong as what these directions leave: strong ones make noise of their own under random signs, \
             and may hide others. <code>--deflate</code> makes that null again of what they leave.",
        ),
        false => String::new(),
    };
    let turned = match found.groups.is_empty() {
        true if found.is_by_tensor => note(
            "The directions that stand out lie in tensors of their own. Their courses overlap, so that singular vectors mix them; they were turned until each lies \
             where it lies, which does not look at time. The decomposition under svd/ is as it was.",
        ),
        true => String::new(),
        false => {
            let groups: Vec<String> = found
                .groups
                .iter()
                .map(|(a, b)| format!("{a} to {b}"))
                .collect();
            note(&format!(
                "Components {} have singular values that noise cannot keep apart, so that any mixture of them is as good: they were turned to where \
                 they lie earliest and latest, and their nulls with them.",
                groups.join(", ")
            ))
        }
    };
    let rows: String = signals.iter().map(|c| table_row(found, c)).collect();
    let headings = [
        "i",
        "|label",
        "temporal index",
        "p, adjusted",
        "of |G|²",
        "|largest tensors",
    ];
    format!(
        "{}{}<div class=\"panels two\">\n{}</div>\n{turned}{hidden}{}",
        lead(&opening),
        lead(&half_times),
        figure(found, &signals),
        table("Directions that stand out", &headings, &rows),
    )
}

fn without<'a>(found: &'a LocatedMatrix, c: &Component) -> Option<&'a crate::locate::WithoutNoise> {
    found.decomposition.without_noise.get(c.index)?.as_ref()
}

fn index_of(found: &LocatedMatrix, c: &Component) -> (f64, Option<(f64, f64)>) {
    match without(found, c) {
        Some(one) => {
            let at = one.temporal_index;
            (at.value, Some((at.low, at.high)))
        }
        None => (c.course.temporal_index, None),
    }
}

/// The largest tensors of a component, "a 97 %".
fn largest(found: &LocatedMatrix, c: &Component, len: usize) -> String {
    let Some(shares) = found.decomposition.by_tensor.get(c.index) else {
        return NONE.into();
    };
    let corrected: Option<&[Between]> = without(found, c).map(|one| &one.by_tensor[..]);
    let share = |l: usize| {
        corrected
            .and_then(|all| all.get(l))
            .map_or(shares[l], |one| one.value)
    };
    let mut order: Vec<usize> = (0..shares.len().min(found.layout.tensors.len())).collect();
    order.sort_by(|&a, &b| share(b).total_cmp(&share(a)));
    let named: Vec<String> = order
        .into_iter()
        .take(len)
        .map(|l| {
            let between = corrected
                .and_then(|all| all.get(l))
                .map_or(String::new(), |one| {
                    format!(" ({} to {})", percent(one.low), percent(one.high))
                });
            format!(
                "{} {}{between}",
                found.layout.tensors[l].name,
                percent(share(l))
            )
        })
        .collect();
    named.join(", ")
}

fn table_row(found: &LocatedMatrix, c: &Component) -> String {
    let (index, interval) = index_of(found, c);
    let interval = interval.map_or(String::new(), |(low, high)| {
        format!(" ({} to {})", signed(low, 2), signed(high, 2))
    });
    let word = phase(c.label);
    let class = if c.label == Label::None { "" } else { word };
    row(
        "",
        &[
            cell(&c.index.to_string()),
            markup("left", &badge(class, word)),
            cell(&format!("{}{interval}", signed(index, 2))),
            cell(&c.p_adjusted.map_or(NONE.to_owned(), |p| fixed(p, 3))),
            cell(&percent(c.explained)),
            words(&largest(found, c, NAMED)),
        ],
    )
}

fn figure(found: &LocatedMatrix, signals: &[&Component]) -> String {
    let rows: Vec<Row> = signals
        .iter()
        .map(|c| {
            let (value, interval) = index_of(found, c);
            let (word, look) = (phase(c.label), phase_look(c.label));
            Row {
                label: format!("{}", c.index),
                estimates: vec![Estimate {
                    look,
                    is_ring: false,
                    value,
                    interval,
                    tooltip: format!(
                        "component {}: {word}, temporal index {}",
                        c.index,
                        signed(value, 2)
                    ),
                }],
                note: largest(found, c, 1)
                    .split(" (")
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            }
        })
        .collect();
    let keys = [Label::Early, Label::Late, Label::None]
        .map(|one| (Sample::Dot, phase_look(one), phase(one).to_owned()));
    forest(
        "When each direction was active",
        "temporal index, 95 % interval, without what noise adds; left is early; at the end the largest tensor",
        keys.into(),
        Some((-0.5, 0.5)),
        &rows,
    )
    .html()
}

fn reading(found: &LocatedMatrix) -> String {
    let terms = [
        (
            "G = U S Vᵀ",
            "The gradients, one column a step, parameters along the rows: the transpose of the file, whose rows are steps. A left vector u is a direction in parameters, a right vector v its course over \
             the steps; components are ordered by how much of G they hold.",
        ),
        (
            "Temporal index",
            "Mean time of v² less mean time of the squared gradient norms, the steps taken as 0 to 1: negative is early, positive late, 0 what only \
             follows the norms.",
        ),
        (
            "Without what noise adds",
            "The residual of the components that stand out gives the variance of noise by step and tensor; its expected part of v² and of u² is taken off. \
             Intervals: rows drawn again in blocks, and what noise may mix in of other components.",
        ),
        (
            "Stands out",
            "A singular value above the largest of matrices whose entries got random signs, at 95 %; with --deflate also one above those of what the directions found leave, until no more are found.",
        ),
        (
            "Early, late",
            "The temporal index, and that without the largest 1 % of rows, have one sign; no few rows hold the course; random directions under the same norms, \
             circular shifts of the course and courses of the same spectrum all reach it in less than 5 % of draws, adjusted (Holm) over \
             the components that stand out; and, where the parameters' path is known, they moved along u earlier or later than as a whole.",
        ),
        (
            "Halves agree",
            "The cosine between what the odd and what the even steps alone have of the direction.",
        ),
    ];
    let facts = [
        ("Command", &found.command),
        ("Version", &found.version),
        ("Rows multiplied by", &found.weights),
    ];
    page::terms(&terms) + &page::facts(&facts)
}
