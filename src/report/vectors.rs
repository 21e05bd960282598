//! Section 4: right singular vectors over time, beside the mass of the columns they come from.

use crate::findings::DecompositionSummary;
use crate::locate::{Component, Label};

use super::axes::{Axis, Plot, Scale, Size, range_of};
use super::figure::{Look, Sample, figure, key};
use super::number::{NONE, fixed, p_value, percent, signed};
use super::page::{badge, cell, details, lead, markup, note, row, table, words};
use super::summary::{capital, label_counts};
use super::svg::{Anchor, Path, Svg, escape};

/// Components drawn as lines.
const LINES: usize = 12;
/// Shades of the heat map: runs of one shade are one rectangle.
const SHADES: usize = 12;
/// Share of training that counts as its beginning in the sentences.
const BEGINNING: f64 = 0.2;

const MASS: Look = Look::solid("var(--plain)");

/// The section's markup; `correlation` is that of the temporal index with what components do, where that is known.
pub fn body(
    decompositions: &[DecompositionSummary],
    correlation: &dyn Fn(&DecompositionSummary) -> Option<f64>,
) -> String {
    if decompositions.is_empty() {
        return lead("No decomposition was computed.");
    }
    let opening: String = decompositions
        .iter()
        .map(|d| lead(&opening(d, correlation(d))))
        .collect();
    let maps: String = decompositions.iter().map(heat_map).collect();
    let keys = [
        key(
            Sample::Line,
            phase_look(Label::Early),
            "early: label, by index, t50 and nulls",
        ),
        key(Sample::Line, phase_look(Label::Late), "late"),
        key(Sample::Line, phase_look(Label::None), "no label"),
        key(Sample::Area, MASS, "mass b(τ) of the columns"),
    ];
    let lines: String = decompositions
        .iter()
        .map(|d| {
            format!(
                "<h3>{}: v over training</h3>\n<div class=\"legend apart\">{}</div>\n\
                 <div class=\"panels small\">\n{}</div>\n{}",
                escape(&capital(&d.words())),
                keys.concat(),
                signed_lines(d),
                component_table(d)
            )
        })
        .collect();
    format!(
        "{opening}{}<div class=\"panels wide\">\n{maps}</div>\n{lines}",
        note(
            "Falling gradient norms fake “early”: in raw columns the large early columns carry any \
             direction's mass, noise included. So the mass b(τ) of the columns stands beside every \
             vector, the temporal index TI is measured from it, and unit-norm columns, whose mass is \
             even, are shown as well. p is the largest of the three nulls': directions, shifts, phases."
        )
    )
}

/// The colour of a label.
pub fn phase_look(label: Label) -> Look {
    let colour = match label {
        Label::Early => "var(--corner)",
        Label::Late => "var(--cheese)",
        Label::None => "var(--plain)",
    };
    Look::solid(colour)
}

/// The word for a label.
pub fn phase(label: Label) -> &'static str {
    match label {
        Label::Early => "early",
        Label::Late => "late",
        Label::None => "no label",
    }
}

fn beginning(d: &DecompositionSummary, shares: impl Fn(usize) -> f64) -> f64 {
    let bins = d.tau.iter().enumerate();
    bins.filter(|(_, tau)| **tau < BEGINNING)
        .map(|(bin, _)| shares(bin))
        .sum()
}

/// Squares of a vector's bin means, scaled to a sum of one.
fn squares(v: &[f64]) -> Vec<f64> {
    let squares: Vec<f64> = v.iter().map(|x| x * x).collect();
    let sum: f64 = squares.iter().sum();
    let scale = if sum > 0.0 { 1.0 / sum } else { 0.0 };
    squares.iter().map(|square| square * scale).collect()
}

/// When component `i` was active: its squares by bin, or in files of before those of its bin means, in which what oscillates cancels.
fn activity(d: &DecompositionSummary, i: usize, v: &[f64]) -> Vec<f64> {
    match d.activity.get(i) {
        Some(activity) => activity.clone(),
        None => squares(v),
    }
}

fn opening(d: &DecompositionSummary, correlation: Option<f64>) -> String {
    let (early, late, none) = label_counts(d);
    let at = |values: &[f64], bin: usize| values.get(bin).copied().unwrap_or(0.0);
    let mass = beginning(d, |bin| at(&d.mass, bin));
    let firsts: Vec<f64> =
        d.v.iter()
            .enumerate()
            .take(3)
            .map(|(i, v)| {
                let activity = activity(d, i, v);
                beginning(d, |bin| at(&activity, bin))
            })
            .collect();
    let firsts_mean = firsts.iter().sum::<f64>() / firsts.len() as f64;
    let correlation = correlation.map_or(String::new(), |r| {
        format!(
            " Over components, the temporal index correlates by {} with what undoing them costs the corner more than the cheese, of steps \
             along them; the proposal predicts a negative number.",
            signed(r, 2)
        )
    });
    if d.mass.is_empty() {
        return format!(
            "{}: {none} without a label. The norms of the columns are not known: courses are held against even ones.",
            escape(&capital(&d.words()))
        );
    }
    format!(
        "{}: {early} early, {late} late, {none} without a label. The first {} of training holds {} of \
         the squared column norms and {} of the first three vectors.{correlation}",
        escape(&capital(&d.words())),
        percent(BEGINNING),
        percent(mass),
        percent(firsts_mean),
    )
}

fn tooltip(component: &Component) -> String {
    format!(
        "component {}: {}; TI {}, {}, participation {}. {}",
        component.index,
        phase(component.label),
        signed(component.course.temporal_index, 2),
        p_value(component.p.largest()),
        fixed(component.course.participation_ratio, 2),
        component.reasons.join("; ")
    )
}

fn find(d: &DecompositionSummary, index: usize) -> Option<&Component> {
    d.components
        .iter()
        .find(|component| component.index == index)
}

/// One path a shade, of runs along a row.
fn heat_row(svg: &mut Svg, values: &[f64], (left, y): (f64, f64), (cell, height): (f64, f64)) {
    let (_, most) = range_of(values.iter().copied()).unwrap_or((0.0, 0.0));
    let shade = |value: f64| {
        // Square root: a quarter of the largest value is still half as dark.
        let relative = if most > 0.0 {
            (value / most).max(0.0).sqrt()
        } else {
            0.0
        };
        (relative * SHADES as f64).round() as usize
    };
    let mut paths = vec![Path::default(); SHADES + 1];
    let mut start = 0;
    while start < values.len() {
        let first = shade(values[start]);
        let run = values[start..]
            .iter()
            .take_while(|&&value| shade(value) == first)
            .count();
        let at = (left + start as f64 * cell, y);
        if let Some(path) = paths.get_mut(first) {
            path.rect(at, (run as f64 * cell, height));
        }
        start += run.max(1);
    }
    for (shade, path) in paths.iter().enumerate().skip(1) {
        svg.shade(path, "solid", shade as f64 / SHADES as f64);
    }
}

fn heat_map(d: &DecompositionSummary) -> String {
    const LEFT: f64 = 44.0;
    const CELLS: f64 = 400.0;
    const TOP: f64 = 40.0;
    let bins = d.tau.len();
    if bins == 0 || d.v.is_empty() {
        return String::new();
    }
    let height = if d.v.len() > 32 { 7.0 } else { 13.0 };
    let bottom = TOP + height * d.v.len() as f64;
    let mut svg = Svg::new(LEFT + CELLS + 66.0, bottom + 40.0);
    let cell = CELLS / bins as f64;
    svg.text((2.0, 11.0), Anchor::Start, "label", "component i");
    svg.text((LEFT - 6.0, 28.0), Anchor::End, "tick", "mass");
    svg.text((LEFT + CELLS + 6.0, 28.0), Anchor::Start, "tick", "b(τ)");
    svg.group(MASS.colour, "share of the squared column norms", |svg| {
        heat_row(svg, &d.mass, (LEFT, 18.0), (cell, 13.0));
    });
    for (i, v) in d.v.iter().enumerate() {
        let y = TOP + height * i as f64;
        let component = find(d, i);
        let look = phase_look(component.map_or(Label::None, |c| c.label));
        let tooltip = component.map_or(format!("component {i}"), tooltip);
        svg.group(look.colour, &tooltip, |svg| {
            heat_row(svg, &activity(d, i, v), (LEFT, y), (cell, height - 1.0));
            svg.rect((LEFT, y), (CELLS, height), "target", 0.0);
            if height > 10.0 || i % 4 == 0 {
                let base = y + height / 2.0 + 4.0;
                svg.text((LEFT - 6.0, base), Anchor::End, "tick", &i.to_string());
            }
            if component.is_some_and(|c| c.label != Label::None) {
                let base = y + height / 2.0 + 4.0;
                let word = component.map_or(NONE, |c| phase(c.label));
                svg.text((LEFT + CELLS + 6.0, base), Anchor::Start, "coloured", word);
            } else if let Some(c) = component
                && height > 10.0
            {
                let base = y + height / 2.0 + 4.0;
                let index = format!("TI {}", signed(c.course.temporal_index, 2));
                svg.text(
                    (LEFT + CELLS + 6.0, base),
                    Anchor::Start,
                    "tick mini",
                    &index,
                );
            }
        });
    }
    time_axis(&mut svg, (LEFT, LEFT + CELLS), bottom + 2.0);
    let title = format!("e(τ) = v², {}", d.words());
    let svg = svg.finish(&format!("{title}: a row a component, time to the right"));
    let caption = match d.activity.is_empty() {
        false => "darker is more, each row scaled to its darkest bin",
        true => {
            "darker is more, each row scaled to its darkest bin; squares of v's bin means, so what oscillates within a bin cancels"
        }
    };
    figure(
        "",
        &title,
        caption,
        "",
        &format!("<div class=\"scroll\">{svg}</div>"),
    )
}

fn time_axis(svg: &mut Svg, (left, right): (f64, f64), y: f64) {
    svg.line((left, y), (right, y), "axis");
    let scale = Scale::linear((0.0, 1.0), (left, right));
    for tick in scale.ticks(5) {
        if let Some(x) = scale.place_within(tick) {
            svg.line((x, y), (x, y + 4.0), "axis");
            svg.text((x, y + 16.0), Anchor::Middle, "tick", &fixed(tick, 1));
        }
    }
    let middle = (left + right) / 2.0;
    svg.text(
        (middle, y + 32.0),
        Anchor::Middle,
        "label",
        "τ, share of training",
    );
}

fn signed_lines(d: &DecompositionSummary) -> String {
    let (_, heaviest) = range_of(d.mass.iter().copied()).unwrap_or((0.0, 1.0));
    let mut figures = String::new();
    for (i, v) in d.v.iter().take(LINES).enumerate() {
        let (low, high) = range_of(v.iter().copied()).unwrap_or((-1.0, 1.0));
        let most = low.abs().max(high.abs()).max(f64::MIN_POSITIVE);
        let size = Size {
            width: 184.0,
            height: 140.0,
        };
        let x = Axis {
            label: "τ, share of training",
            range: (0.0, 1.0),
            is_log: false,
            format: |tick| fixed(tick, 1),
        };
        let y = Axis {
            label: "v, mean in a bin",
            range: (-1.1 * most, 1.1 * most),
            is_log: false,
            format: |tick| super::number::trimmed(fixed(tick, 3)),
        };
        let mut plot = Plot::new(size, &x, &y);
        // The mass is drawn on the same panel from its foot, half as high as the panel at most.
        let foot = -1.1 * most;
        let mass = d.tau.iter().zip(&d.mass).map(|(&tau, &mass)| {
            let share = if heaviest > 0.0 { mass / heaviest } else { 0.0 };
            (tau, foot, foot + 1.1 * most * share)
        });
        plot.svg
            .open(MASS.colour, "mass b(τ), half the height at its largest");
        plot.band(&mass.collect::<Vec<_>>(), "band");
        plot.svg.close();
        let component = find(d, i);
        let label = component.map_or(Label::None, |c| c.label);
        plot.svg.open(
            phase_look(label).colour,
            &component.map_or(String::new(), tooltip),
        );
        plot.curve(d.tau.iter().copied().zip(v.iter().copied()), "line thin");
        plot.svg.close();
        let caption = component.map_or(String::new(), |c| {
            format!(
                "{}, TI {}, {}",
                phase(c.label),
                signed(c.course.temporal_index, 2),
                p_value(c.p.largest())
            )
        });
        let svg = plot
            .svg
            .finish(&format!("Component {i} over training: {caption}"));
        figures += &figure("", &i.to_string(), &caption, "", &svg);
    }
    figures
}

fn component_table(d: &DecompositionSummary) -> String {
    let optional = |value: Option<f64>| value.map_or(NONE.to_owned(), |value| fixed(value, 2));
    let rows: String = d
        .components
        .iter()
        .map(|c| {
            let class = match c.label {
                Label::None => "",
                label => phase(label),
            };
            row(
                "",
                &[
                    cell(&c.index.to_string()),
                    markup("left", &badge(class, phase(c.label))),
                    cell(&signed(c.course.temporal_index, 3)),
                    cell(&signed(c.course.early_late_log_ratio, 2)),
                    cell(&fixed(c.course.participation_ratio, 3)),
                    cell(&fixed(c.course.dc, 2)),
                    cell(&optional(c.t50)),
                    cell(&fixed(c.p.random_directions, 3)),
                    cell(&fixed(c.p.circular_shifts, 3)),
                    cell(&fixed(c.p.phase_surrogates, 3)),
                    cell(&c.p_adjusted.map_or(NONE.to_owned(), |p| fixed(p, 3))),
                    cell(&optional(c.agreement)),
                    words(&c.reasons.join("; ")),
                ],
            )
        })
        .collect();
    let headings = [
        "i",
        "|label",
        "TI",
        "early/late, ln",
        "participation",
        "DC",
        "t50",
        "p: directions",
        "p: shifts",
        "p: phases",
        "p, adjusted",
        "halves agree",
        "|why no label",
    ];
    let label = format!("All components, {}", d.words());
    details(&label, false, &table(&label, &headings, &rows))
}
