//! Section 5: which tensors hold the left singular vectors, beside the tensors' share of parameters.

use crate::findings::DecompositionSummary;
use crate::nn::Layout;

use super::figure::figure;
use super::number::{count, percent, percent_bare, plural, significant};
use super::page::{lead, note};
use super::summary::capital;
use super::svg::{Anchor, Svg, escape};

/// Rows drawn.
const ROWS: usize = 64;

/// The section's markup.
pub fn body(decompositions: &[DecompositionSummary], layout: &Layout) -> String {
    if decompositions.is_empty() || layout.is_empty() {
        return lead("No left singular vectors were computed.");
    }
    let opening: String = decompositions
        .iter()
        .map(|d| lead(&opening(layout, d)))
        .collect();
    let maps: String = decompositions.iter().map(|d| heat_map(layout, d)).collect();
    // Two stand side by side while they are narrow enough.
    let class = if layout.tensors.len() <= 12 {
        "wide"
    } else {
        "full"
    };
    format!(
        "{opening}<div class=\"panels {class}\">\n{maps}</div>\n{}",
        note(&format!(
            "The first row is a yardstick: a vector spread evenly over all parameters would look like \
             it. Squares are shaded by the root of the share; numbers are percent, of 5 and more. At \
             most {ROWS} components are drawn."
        ))
    )
}

fn sizes(layout: &Layout) -> Vec<f64> {
    let all = layout.len() as f64;
    layout
        .tensors
        .iter()
        .map(|tensor| tensor.len() as f64 / all)
        .collect()
}

/// Mean over components of the share in each tensor.
fn means(d: &DecompositionSummary, tensors: usize) -> Vec<f64> {
    let mean = |tensor: usize| {
        let shares = d.by_tensor.iter().filter_map(|shares| shares.get(tensor));
        shares.sum::<f64>() / d.by_tensor.len() as f64
    };
    (0..tensors).map(mean).collect()
}

fn opening(layout: &Layout, d: &DecompositionSummary) -> String {
    let tensors = &layout.tensors;
    let sizes = sizes(layout);
    let means = means(d, tensors.len());
    let name = escape(&capital(&d.words()));
    let largest =
        |values: &[f64]| (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]));
    let Some(most) = largest(&means).filter(|_| !d.by_tensor.is_empty()) else {
        return format!("{name}: no left vectors.");
    };
    let holds = format!(
        "{name}: on average over {} the largest share, {}, lies in {}, which has {} of the parameters",
        plural(d.by_tensor.len(), "component"),
        percent(means[most]),
        escape(&tensors[most].name),
        percent(sizes[most]),
    );
    let density: Vec<f64> = means
        .iter()
        .zip(&sizes)
        .map(|(mean, size)| mean / size)
        .collect();
    // A tensor without entries has no density.
    let finite: Vec<f64> = density
        .iter()
        .map(|d| if d.is_finite() { *d } else { f64::NEG_INFINITY })
        .collect();
    match largest(&finite).filter(|&densest| densest != most) {
        Some(densest) => format!(
            "{holds}; the densest is {}, with {} times its share of parameters.",
            escape(&tensors[densest].name),
            significant(density[densest], 2)
        ),
        None => format!("{holds}, and no tensor is denser."),
    }
}

fn heat_map(layout: &Layout, d: &DecompositionSummary) -> String {
    const LEFT: f64 = 92.0;
    const CELL: f64 = 30.0;
    const ROW: f64 = 17.0;
    let tensors = &layout.tensors;
    let longest = tensors
        .iter()
        .map(|t| t.name.chars().count())
        .max()
        .unwrap_or(0)
        .min(28);
    // Names lean at 50 degrees: this is their height at six pixels a character.
    let top = 30.0 + 4.8 * longest as f64;
    let rows = d.by_tensor.len().min(ROWS);
    let bottom = top + ROW * (rows + 1) as f64 + 8.0;
    let width = LEFT + CELL * tensors.len() as f64 + 4.2 * longest as f64 + 10.0;
    let mut svg = Svg::new(width, bottom + 8.0);
    for (j, tensor) in tensors.iter().enumerate() {
        let x = LEFT + CELL * (j as f64 + 0.5) + 3.0;
        let name = shortened(&tensor.name, 28);
        svg.turned_text((x, top - 7.0), -50.0, Anchor::Start, "tick", &name);
    }
    svg.text((LEFT - 8.0, top - 8.0), Anchor::End, "label", "component i");
    let mut draw = |y: f64,
                    colour: &str,
                    name: &str,
                    class: &str,
                    shares: &[f64],
                    words: &dyn Fn(usize) -> String| {
        svg.text((LEFT - 8.0, y + ROW - 5.0), Anchor::End, class, name);
        for (j, &share) in shares.iter().enumerate().take(tensors.len()) {
            let at = (LEFT + CELL * j as f64, y);
            svg.group(colour, &words(j), |svg| {
                svg.rect(at, (CELL - 1.0, ROW - 1.0), "frame", 1.0);
                svg.rect(
                    at,
                    (CELL - 1.0, ROW - 1.0),
                    "solid",
                    0.7 * share.max(0.0).sqrt(),
                );
                if share >= 0.05 {
                    let middle = (at.0 + (CELL - 1.0) / 2.0, y + ROW - 5.0);
                    svg.text(middle, Anchor::Middle, "label mini", &percent_bare(share));
                }
            });
        }
    };
    let sizes = sizes(layout);
    let of_parameters = |j: usize| {
        format!(
            "{}: {} parameters, {} of all",
            tensors[j].name,
            count(tensors[j].len() as u64),
            percent(sizes[j])
        )
    };
    draw(
        top,
        "var(--plain)",
        "parameters",
        "strong",
        &sizes,
        &of_parameters,
    );
    for (i, shares) in d.by_tensor.iter().enumerate().take(rows) {
        let words = |j: usize| {
            format!(
                "component {i}, {}: {} of |u|² on {} of the parameters",
                tensors[j].name,
                percent(shares[j]),
                percent(sizes[j])
            )
        };
        let y = top + ROW * (i + 1) as f64 + 6.0;
        draw(y, "var(--corner)", &i.to_string(), "tick", shares, &words);
    }
    let title = format!("Share of u² by tensor, {}", d.words());
    let svg = svg.finish(&format!(
        "{title}: a row a component, a column a tensor, in percent"
    ));
    let scroll = format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">{svg}</div>",
        escape(&title)
    );
    figure("", &title, "percent", "", &scroll)
}

/// At most `len` characters of `text`.
fn shortened(text: &str, len: usize) -> String {
    if text.chars().count() <= len {
        return text.to_owned();
    }
    let kept: String = text.chars().take(len.saturating_sub(1)).collect();
    kept + "…"
}
