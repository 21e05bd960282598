//! Figures of the readers' second question: where methods agree, what is left under hypotheses.

use crate::ablate::Claim;
use crate::findings::{COMPARED, Study};
use crate::report::axes::Scale;
use crate::report::figure::{Look, Sample, figure, key, legend};
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

fn look(colour: &'static str) -> Look {
    Look {
        colour,
        is_dashed: false,
    }
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
        key(Sample::Area, look(MORE), "more in common than by chance"),
        key(Sample::Area, look(LESS), "less"),
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
    const ROW: f64 = 22.0;
    const NAMES: f64 = 140.0;
    let all = &study.summary.question.scrubbed;
    if all.is_empty() {
        return String::new();
    }
    let (width, height) = (400.0, 34.0 + ROW * all.len() as f64);
    let ends = all.iter().flat_map(|one| {
        let (low, high) = one
            .recovered
            .interval
            .unwrap_or((one.recovered.mean, one.recovered.mean));
        [low, high]
    });
    let least = ends.fold(0.0, f64::min);
    let scale = Scale::linear((least, 1.0), (NAMES, width - 12.0));
    let mut svg = Svg::new(width, height);
    for tick in scale.ticks(5) {
        if let Some(x) = scale.place_within(tick) {
            svg.line((x, 4.0), (x, height - 24.0), "grid");
            svg.text((x, height - 10.0), Anchor::Middle, "tick", &fixed(tick, 1));
        }
    }
    for (row, one) in all.iter().enumerate() {
        let y = 14.0 + ROW * row as f64;
        svg.text((NAMES - 8.0, y + 4.0), Anchor::End, "label", &one.name);
        let (low, high) = one
            .recovered
            .interval
            .unwrap_or((one.recovered.mean, one.recovered.mean));
        let places = [low, high, one.recovered.mean].map(|v| scale.place_within(v));
        let [Some(low), Some(high), Some(mean)] = places else {
            continue;
        };
        let is_own = one.name == "late" || one.name == "early";
        let colour = if is_own { MORE } else { "var(--plain)" };
        let tooltip = format!("{}: {}", one.name, signed(one.recovered.mean, 2));
        svg.group(colour, &tooltip, |svg| {
            svg.line((low, y), (high, y), "line");
            svg.disc((mean, y), 3.6, "dot");
        });
    }
    let keys = [
        key(Sample::Dot, look(MORE), "hypotheses of the question"),
        key(Sample::Dot, look("var(--plain)"), "swaps and nulls"),
    ];
    let name = "What causal scrubbing leaves of the policy";
    figure(
        "",
        name,
        "share recovered, mean and 95 % interval over seeds",
        &legend(&keys),
        &svg.finish(name),
    )
}
