//! Figures of the readers' second question: where methods agree, what is left under hypotheses.

use crate::ablate::Claim;
use crate::findings::{COMPARED, Study};
use crate::report::figure::{Look, Sample, figure, key, legend};
use crate::report::forest::{Estimate, Row, forest};
use crate::report::number::{fixed, signed};
use crate::report::svg::{Anchor, Svg};

const MORE: &str = "var(--corner)";
const LESS: &str = "var(--cheese)";
const CELL: f64 = 26.0;
const NAMES: f64 = 170.0;

/// All of them.
pub fn figures(study: &Study) -> String {
    let both = Claim::ALL.map(|claim| overlaps(study, claim));
    both.concat() + &recovered(study)
}

/// Overlap of the top parameters above its null, a cell a pair of methods.
fn overlaps(study: &Study, claim: Claim) -> String {
    let agreed = study.summary.question.agreed.iter();
    let agreed: Vec<_> = agreed.filter(|one| one.claim == claim).collect();
    if agreed.is_empty() {
        return String::new();
    }
    let side = CELL * COMPARED.len() as f64;
    let mut svg = Svg::new(NAMES + side + 4.0, side + 30.0);
    for (row, method) in COMPARED.iter().enumerate() {
        let y = CELL * row as f64;
        let number = row + 1;
        let name = format!("{}  {number}", method.name());
        svg.text((NAMES - 6.0, y + 17.0), Anchor::End, "label", &name);
        let x = NAMES + CELL * (row as f64 + 0.5);
        svg.text(
            (x, side + 16.0),
            Anchor::Middle,
            "tick",
            &number.to_string(),
        );
    }
    for one in agreed {
        let at = one.between.map(|one| {
            let mut methods = COMPARED.iter();
            methods.position(|method| *method == one)
        });
        let [Some(a), Some(b)] = at else { continue };
        let above = one.overlap_above.mean;
        let tooltip = format!(
            "{} and {}: {} of the top 5 % in common, null {}; on {} of {} seeds beyond two deviations",
            one.between[0].name(),
            one.between[1].name(),
            fixed(one.overlap.mean, 2),
            fixed(one.overlap_null, 2),
            one.beyond,
            one.overlap.values.len()
        );
        let colour = if above < 0.0 { LESS } else { MORE };
        for (row, column) in [(a, b), (b, a)] {
            let corner = (NAMES + CELL * column as f64, CELL * row as f64);
            svg.group(colour, &tooltip, |svg| {
                let size = (CELL - 2.0, CELL - 2.0);
                svg.rect(corner, size, "solid", (2.5 * above.abs()).min(0.85));
            });
            let middle = (corner.0 + CELL / 2.0 - 1.0, corner.1 + 16.0);
            let text = fixed(one.overlap.mean, 2);
            svg.text(middle, Anchor::Middle, "tick", text.trim_start_matches('0'));
        }
    }
    let keys = [
        key(
            Sample::Area,
            Look::solid(MORE),
            "more in common than by chance",
        ),
        key(Sample::Area, Look::solid(LESS), "less"),
    ];
    let name = format!("{claim:?}: do methods point to the same parameters?");
    figure(
        "",
        &name,
        "share of the top 5 % in common, mean over seeds; tint: above what shuffled channels have",
        &legend(&keys),
        &svg.finish(&name),
    )
}

/// What is recovered under every hypothesis.
fn recovered(study: &Study) -> String {
    let rows: Vec<Row> = study
        .summary
        .question
        .scrubbed
        .iter()
        .map(|one| {
            let is_own = one.name == "late" || one.name == "early";
            let colour = if is_own { MORE } else { "var(--plain)" };
            Row {
                label: one.name.clone(),
                estimates: vec![Estimate {
                    look: Look::solid(colour),
                    is_ring: false,
                    value: one.recovered.mean,
                    interval: one.recovered.interval,
                    tooltip: format!("{}: {}", one.name, signed(one.recovered.mean, 2)),
                }],
                note: String::new(),
            }
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let keys = [
        (MORE, "hypotheses of the question"),
        ("var(--plain)", "swaps and nulls"),
    ];
    let keys = keys.map(|(colour, text)| (Sample::Dot, Look::solid(colour), text.to_owned()));
    let caption = "share recovered, mean and 95 % interval over seeds";
    let title = "What causal scrubbing leaves of the policy";
    forest(title, caption, keys.into(), Some((0.0, 1.0)), &rows).html()
}
