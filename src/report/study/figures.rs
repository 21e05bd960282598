//! Figures of the study's page that RESULTS.md does not have.

use crate::ablate::Claim;
use crate::findings::Study;
use crate::locators::{Group, Method};
use crate::report::axes::{Axis, PANEL, Plot, range_of};
use crate::report::figure::{Drawing, Look, Sample};
use crate::report::number::{fixed, signed};
use crate::report::results::{drawing, index_against_effect};
use crate::report::scatter::scatter;

/// The figures of the section `id` of the page.
pub fn of(study: &Study, id: &str) -> String {
    let more: Vec<Drawing> = match id {
        "claim-a" => vec![scatter(&study.seeds, Claim::A)],
        "claim-b" => vec![scatter(&study.seeds, Claim::B)],
        "time" => (1..study.summary.temporal.len())
            .filter_map(|number| index_against_effect(study, number))
            .collect(),
        _ => Vec::new(),
    };
    let all = drawing(study, id).into_iter().chain(more);
    panels(all.map(Drawing::html).collect())
}

/// The figures of the part `id` of the appendix.
pub fn more(study: &Study, id: &str) -> String {
    panels(match id {
        "currency" => Claim::ALL
            .map(|claim| against_q(study, claim).html())
            .concat(),
        "question" => super::question::figures(study),
        _ => String::new(),
    })
}

fn panels(figures: String) -> String {
    if figures.is_empty() {
        figures
    } else {
        format!("<div class=\"panels\">\n{figures}</div>\n")
    }
}

/// Mean selectivity against the percentage reset, every locator a line.
fn against_q(study: &Study, claim: Claim) -> Drawing {
    let ranked = &study.summary.ranking[claim];
    let mut lines: Vec<(Method, Vec<(f64, f64)>)> = Vec::new();
    for one in ranked {
        let curves = study.seeds.iter().filter_map(|seed| {
            let mut found = seed.currency.iter();
            let found = found.find(|c| c.locator == one.locator)?;
            Some(&found.curves[claim])
        });
        let curves: Vec<_> = curves.collect();
        let Some(first) = curves.first() else {
            continue;
        };
        let mean = |at: usize| {
            let sum: f64 = curves.iter().filter_map(|c| c.selectivity.get(at)).sum();
            sum / curves.len() as f64
        };
        let points = first.percent.iter().enumerate();
        lines.push((one.locator, points.map(|(at, &q)| (q, mean(at))).collect()));
    }
    let all = lines.iter().flat_map(|(_, points)| points);
    let range = range_of(all.clone().map(|p| p.1)).unwrap_or((-1.0, 1.0));
    let x = Axis {
        label: "parameters reset, %",
        range: range_of(all.map(|p| p.0)).unwrap_or((0.5, 20.0)),
        is_log: true,
        format: |tick| fixed(tick, usize::from(tick < 1.0)),
    };
    let y = Axis {
        label: "mean selectivity",
        range,
        is_log: false,
        format: |tick| signed(tick, 1),
    };
    let mut plot = Plot::new(PANEL, &x, &y);
    for (rank, (method, points)) in lines.iter().enumerate() {
        let colour = match method.group() {
            Group::GradientSvd => "var(--corner)",
            Group::Random => "var(--plain)",
            Group::Oracle => "var(--good)",
            _ => "var(--rule)",
        };
        plot.svg
            .open(colour, &format!("{}. {}", rank + 1, method.name()));
        plot.curve(points.iter().copied(), "line thin");
        plot.svg.close();
    }
    let line = |colour, text: &str| {
        let look = Look::solid(colour);
        (Sample::Line, look, text.to_owned())
    };
    Drawing {
        title: format!("{claim:?}: selectivity against how much is reset"),
        caption: String::new(),
        keys: vec![
            line("var(--corner)", "gradient SVD"),
            line("var(--good)", "oracle"),
            line("var(--plain)", "random"),
            line("var(--rule)", "others"),
        ],
        svg: plot.svg,
    }
}
