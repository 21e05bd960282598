//! Section 7: rates at growing doses of a direction, both signs, controls beside.

use crate::ablate::Rate;
use crate::findings::results::{DoseResponse, Estimate, Results};

use super::axes::{Axis, PANEL, Plot, Point, Size, range_of};
use super::figure::{Look, figure, look, rate_key};
use super::number::{fixed, percent, percent_bare, percent_interval, plural, trimmed};
use super::page::{lead, lead_list, note};
use super::svg::escape;

/// What the claims are judged by; the rest is in the table.
const SHOWN: [Rate; 5] = [Rate::S5, Rate::S2, Rate::S3, Rate::S4Region, Rate::S1Region];

/// The section's markup.
pub fn body(results: &Results) -> String {
    let doses = &results.ablation.doses;
    if doses.is_empty() {
        return lead("No dose-response was measured.");
    }
    let mut sorted: Vec<&DoseResponse> = doses.iter().collect();
    sorted.sort_by_key(|response| response.is_control);
    let opening: Vec<String> = sorted
        .iter()
        .map(|response| opening(response, results))
        .collect();
    let figures: String = sorted
        .iter()
        .map(|response| dose_figure(response, results))
        .collect();
    format!(
        "{}<div class=\"legend apart\">{}</div>\n<div class=\"panels\">\n{figures}</div>\n{}",
        lead_list(&opening),
        SHOWN.map(rate_key).concat(),
        note(
            "Dose 0 is the unedited policy. Bands are 95 % Wilson intervals on test levels. Panels with a \
             dashed frame are controls."
        )
    )
}

fn share(estimate: &Estimate) -> f64 {
    estimate.successes as f64 / estimate.count as f64
}

fn find(estimates: &[Estimate], rate: Rate) -> Option<&Estimate> {
    estimates.iter().find(|estimate| estimate.rate == rate)
}

/// Where S2 and S5 part most.
fn opening(response: &DoseResponse, results: &Results) -> String {
    let name = escape(&response.name);
    let gap = |estimates: &[Estimate]| {
        let fall =
            |rate| Some(share(find(&results.ablation.base, rate)?) - share(find(estimates, rate)?));
        Some(fall(Rate::S2)? - fall(Rate::S5)?)
    };
    let gaps = response.doses.iter().zip(&response.rates);
    let widest = gaps
        .filter_map(|(dose, estimates)| Some((dose, estimates, gap(estimates)?)))
        .filter(|(_, _, gap)| gap.is_finite())
        .max_by(|a, b| a.2.abs().total_cmp(&b.2.abs()));
    let Some((dose, estimates, _)) = widest else {
        return format!("{name}: {}.", plural(response.doses.len(), "dose"));
    };
    let at = |rate| find(estimates, rate).map_or(f64::NAN, share);
    let control = if response.is_control {
        " (control)"
    } else {
        ""
    };
    format!(
        "{name}{control}: S2 and S5 part most at dose {}, where S2 is {} and S5 {}.",
        signed_dose(*dose),
        percent(at(Rate::S2)),
        percent(at(Rate::S5))
    )
}

fn signed_dose(dose: f64) -> String {
    let text = trimmed(fixed(dose, 4));
    if dose > 0.0 { format!("+{text}") } else { text }
}

fn dose_figure(response: &DoseResponse, results: &Results) -> String {
    let (low, high) = range_of(response.doses.iter().copied().chain([0.0])).unwrap_or((0.0, 1.0));
    let label = format!("dose, {}", response.unit);
    let x = Axis {
        label: &label,
        range: (low, high),
        is_log: false,
        format: |tick| trimmed(fixed(tick, 3)),
    };
    let y = Axis {
        label: "share of levels, %",
        range: (0.0, 1.0),
        is_log: false,
        format: percent_bare,
    };
    let size = Size {
        height: 250.0,
        ..PANEL
    };
    let mut plot = Plot::new(size, &x, &y);
    plot.vertical(0.0, "var(--rule)", "unedited");
    for rate in SHOWN.into_iter().rev() {
        let Look { colour, is_dashed } = look(rate);
        plot.estimates(&points(response, results, rate), colour, is_dashed);
    }
    let title = match response.is_control {
        true => format!("{} (control)", response.name),
        false => response.name.clone(),
    };
    let svg = plot.svg.finish(&format!("{title}: rates against the dose"));
    let class = if response.is_control { "control" } else { "" };
    figure(class, &title, "", "", &svg)
}

/// The rate at every dose, and unedited at dose zero unless that was measured.
fn points(response: &DoseResponse, results: &Results, rate: Rate) -> Vec<Point> {
    let measured = response.doses.iter().zip(&response.rates);
    let measured = measured.map(|(&dose, estimates)| (dose, estimates));
    let base = (!response.doses.contains(&0.0)).then_some((0.0, &results.ablation.base));
    let mut points: Vec<Point> = measured
        .chain(base)
        .filter_map(|(dose, estimates)| {
            let estimate = find(estimates, rate)?;
            Some(Point {
                x: dose,
                y: share(estimate),
                interval: estimate.interval,
                tooltip: format!(
                    "{} at dose {}: {} (95 %: {})",
                    rate.name(),
                    signed_dose(dose),
                    percent(share(estimate)),
                    percent_interval(estimate.interval)
                ),
            })
        })
        .collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}
