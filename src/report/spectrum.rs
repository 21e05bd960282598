//! Section 3: singular values beside those of matrices without a common direction, and how well
//! they are certified.

use crate::findings::DecompositionSummary;

use super::axes::{Axis, PANEL, Plot, range_of};
use super::figure::{Look, Sample, figure, key, legend};
use super::number::{fixed, percent, plural, power_of_ten, significant};
use super::page::{cell, details, lead, note, row, table};
use super::summary::capital;
use super::svg::{Svg, escape};

const SIGNAL: Look = Look::solid("var(--corner)");
const NULL: Look = Look::solid("var(--plain)");
const RESIDUAL: Look = Look::solid("var(--conflict)");

/// The section's markup.
pub fn body(decompositions: &[DecompositionSummary]) -> String {
    if decompositions.is_empty() {
        return lead("No decomposition was computed.");
    }
    let opening: String = decompositions.iter().map(|d| lead(&opening(d))).collect();
    let figures: String = decompositions
        .iter()
        .map(spectrum_figure)
        .chain(decompositions.iter().map(residual_figure))
        .collect();
    let tables: String = decompositions.iter().map(residual_table).collect();
    format!(
        "{opening}<div class=\"panels two\">\n{figures}</div>\n{}{tables}",
        note(
            "The null gives every entry a random sign, which keeps all norms and destroys any \
             direction that columns share. The dotted line is the null's largest singular value at 95 %: \
             what lies above it is more than noise of this length. That a direction stands out does not \
             say that it matters for behaviour."
        )
    )
}

fn above(d: &DecompositionSummary) -> usize {
    d.sigma
        .iter()
        .take_while(|&&sigma| d.null_top.is_some_and(|top| sigma > top))
        .count()
}

/// The largest residual against the largest singular value.
fn worst_residual(d: &DecompositionSummary) -> f64 {
    let largest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let residual = largest(&d.left_residuals).max(largest(&d.right_residuals));
    residual / d.sigma.first().copied().unwrap_or(f64::NAN)
}

fn opening(d: &DecompositionSummary) -> String {
    let computed = plural(d.sigma.len(), "singular value");
    let explained: f64 = d.explained.iter().sum();
    let converged = match d.converged {
        true => "every residual met the tolerance",
        false => "<b>not every residual met the tolerance</b>",
    };
    let against = match d.null_top {
        Some(top) => format!(
            "{} of {computed} lie above the null's largest ({}, {})",
            above(d),
            significant(top, 3),
            plural(d.null_draws, "surrogate"),
        ),
        None => format!("{computed}, which were held against no null"),
    };
    format!(
        "{}: {against}; together all {} hold {} of |G|²; after {} passes over the matrix {converged} (largest {} of σ_0).",
        escape(&capital(&d.words())),
        d.sigma.len(),
        percent(explained),
        d.passes,
        significant(worst_residual(d), 2),
    )
}

fn index_axis(len: usize) -> Axis<'static> {
    Axis {
        label: "index i of the component",
        range: (0.0, len.saturating_sub(1).max(1) as f64),
        is_log: false,
        format: |tick| fixed(tick, 0),
    }
}

fn positive(values: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    values.filter(|&value| value > 0.0)
}

fn spectrum_figure(d: &DecompositionSummary) -> String {
    let values = d
        .sigma
        .iter()
        .chain(&d.null_sigma)
        .copied()
        .chain(d.null_top);
    let (low, high) = range_of(positive(values)).unwrap_or((0.1, 1.0));
    let axis = Axis {
        label: "singular value σ_i, in the columns' unit",
        range: (low / 1.2, high * 1.25),
        is_log: true,
        format: power_of_ten,
    };
    let mut plot = Plot::new(PANEL, &index_axis(d.sigma.len()), &axis);
    let floor = low / 1.2;
    plot.svg
        .open(NULL.colour, "null, 95 % quantile of each index");
    let band: Vec<_> = d
        .null_sigma
        .iter()
        .enumerate()
        .map(|(i, &s)| (i as f64, floor, s))
        .collect();
    plot.band(&band, "band");
    plot.curve(
        d.null_sigma.iter().enumerate().map(|(i, &s)| (i as f64, s)),
        "line thin",
    );
    plot.svg.close();
    if let Some(top) = d.null_top {
        let tooltip = format!("null's largest at 95 %: {}", significant(top, 4));
        plot.horizontal(top, NULL.colour, &tooltip);
    }
    for (i, &sigma) in d.sigma.iter().enumerate() {
        let (Some(x), Some(y)) = (plot.x.place(i as f64), plot.y.place_within(sigma)) else {
            continue;
        };
        let null = d.null_sigma.get(i).copied().unwrap_or(f64::NAN);
        let tooltip = format!(
            "σ_{i} = {}, null {}, explains {}",
            significant(sigma, 4),
            significant(null, 4),
            percent(d.explained.get(i).copied().unwrap_or(f64::NAN))
        );
        let class = match d.null_top {
            Some(top) if sigma <= top => "ring",
            _ => "dot",
        };
        plot.svg.group(SIGNAL.colour, &tooltip, |svg: &mut Svg| {
            svg.disc((x, y), 2.6, class);
            svg.disc((x, y), 6.0, "target");
        });
    }
    let keys = [
        key(Sample::Dot, SIGNAL, "above the null"),
        key(Sample::Ring, SIGNAL, "not above"),
        key(Sample::Area, NULL, "null of the same index, 95 %"),
        key(Sample::Mark, NULL, "null's largest, 95 %"),
    ];
    let title = format!("Spectrum, {}", d.words());
    let svg = plot.svg.finish(&format!(
        "{title}: singular values and their null on a log axis"
    ));
    figure("", &title, "", &legend(&keys), &svg)
}

fn residual_figure(d: &DecompositionSummary) -> String {
    let top = d.sigma.first().copied().unwrap_or(f64::NAN);
    let relative = |values: &[f64]| values.iter().map(|r| r / top).collect::<Vec<_>>();
    let (left, right) = (relative(&d.left_residuals), relative(&d.right_residuals));
    let all = left.iter().chain(&right).copied();
    let Some((low, high)) = range_of(positive(all)) else {
        return String::new();
    };
    let axis = Axis {
        label: "residual, share of σ_0",
        range: (low / 2.0, high * 2.0),
        is_log: true,
        format: power_of_ten,
    };
    let mut plot = Plot::new(PANEL, &index_axis(d.sigma.len()), &axis);
    let mut keys = Vec::new();
    let series = [
        ("|G v − σu|", &left, RESIDUAL),
        ("|Gᵀu − σv|", &right, SIGNAL),
    ];
    for (name, values, look) in series {
        plot.svg.open(look.colour, name);
        plot.curve(
            values.iter().enumerate().map(|(i, &r)| (i as f64, r)),
            "line",
        );
        plot.svg.close();
        keys.push(key(Sample::Line, look, name));
    }
    let title = format!("Certificate, {}", d.words());
    let svg = plot
        .svg
        .finish(&format!("{title}: residuals of each triplet on a log axis"));
    figure("", &title, "", &legend(&keys), &svg)
}

fn residual_table(d: &DecompositionSummary) -> String {
    let at = |values: &[f64], i: usize| values.get(i).copied().unwrap_or(f64::NAN);
    let rows: String = d
        .sigma
        .iter()
        .enumerate()
        .map(|(i, &sigma)| {
            row(
                "",
                &[
                    cell(&i.to_string()),
                    cell(&significant(sigma, 5)),
                    cell(&significant(at(&d.null_sigma, i), 4)),
                    cell(&percent(at(&d.explained, i))),
                    cell(&significant(at(&d.left_residuals, i), 2)),
                    cell(&significant(at(&d.right_residuals, i), 2)),
                ],
            )
        })
        .collect();
    let headings = [
        "i",
        "σ",
        "null, 95 %",
        "share of |G|²",
        "|G v − σu|",
        "|Gᵀu − σv|",
    ];
    let label = format!("Singular values and residuals, {}", d.words());
    details(&label, false, &table(&label, &headings, &rows))
}
