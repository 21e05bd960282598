//! Section 7: rates at growing doses of a direction, both signs, controls beside.

use crate::ablate::{PerRate, Rate};
use crate::findings::{DoseResponse, Results};
use crate::numeric::sum::mean;

use super::axes::{Axis, PANEL, Plot, Point, Size, range_of};
use super::figure::{Look, figure, look, rate_key};
use super::number::{fixed, percent, percent_bare, percent_interval, plural, trimmed};
use super::page::{lead, lead_list, note};
use super::svg::escape;

/// What the claims are judged by; the rest is in the table.
const SHOWN: [Rate; 8] = [
    Rate::Corner,
    Rate::S5,
    Rate::InUpRight,
    Rate::InDownLeft,
    Rate::NearUpRight,
    Rate::NearDownLeft,
    Rate::S4Region,
    Rate::S1Region,
];

/// The section's markup.
pub fn body(results: &Results) -> String {
    if results.doses.is_empty() {
        return lead("No dose-response was measured.");
    }
    let mut sorted: Vec<&DoseResponse> = results.doses.iter().collect();
    sorted.sort_by_key(|response| response.family.is_control());
    let base = &results.found.base;
    let opening: Vec<String> = sorted.iter().map(|one| opening(one, base)).collect();
    let figures: String = sorted.iter().map(|one| dose_figure(one, base)).collect();
    format!(
        "{}<div class=\"legend apart\">{}</div>\n<div class=\"panels\">\n{figures}</div>\n{}",
        lead_list(&opening),
        SHOWN.map(rate_key).concat(),
        note(
            "Dose 0 is the unedited policy. Bands are 95 % bootstrap intervals over the mazes of the test \
             levels. Panels with a dashed frame are controls."
        )
    )
}

/// Where the walk to the corner and what the cheese adds part most.
fn opening(response: &DoseResponse, base: &PerRate<f64>) -> String {
    let name = escape(&response.member);
    let gap = |rates: &PerRate<f64>| {
        let fall = |rate| base[rate] - rates[rate];
        mean(&Rate::IN.map(fall)) - fall(Rate::Corner)
    };
    let doses = response.doses.iter().zip(&response.rates);
    let widest = doses
        .filter(|(_, rates)| gap(rates).is_finite())
        .max_by(|a, b| gap(a.1).abs().total_cmp(&gap(b.1).abs()));
    let Some((dose, rates)) = widest else {
        return format!("{name}: {}.", plural(response.doses.len(), "dose"));
    };
    let control = match response.family.is_control() {
        true => " (control)",
        false => "",
    };
    format!(
        "{name}{control}: corner and cheese part most at dose {}, where the move to the corner has a probability of {}, and \
         what the cheese adds in the region is {} up-right and {} down-left.",
        signed_dose(*dose),
        percent(rates[Rate::Corner]),
        percent(rates[Rate::InUpRight]),
        percent(rates[Rate::InDownLeft])
    )
}

fn signed_dose(dose: f64) -> String {
    let text = trimmed(fixed(dose, 4));
    if dose > 0.0 { format!("+{text}") } else { text }
}

fn dose_figure(response: &DoseResponse, base: &PerRate<f64>) -> String {
    let (low, high) = range_of(response.doses.iter().copied().chain([0.0])).unwrap_or((0.0, 1.0));
    let x = Axis {
        label: "dose, share of |theta_T - theta_0|",
        range: (low, high),
        is_log: false,
        format: |tick| trimmed(fixed(tick, 3)),
    };
    let y = Axis {
        label: "rate, %",
        range: (-0.2, 1.0),
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
        plot.estimates(&points(response, base[rate], rate), colour, is_dashed);
    }
    let (class, title) = match response.family.is_control() {
        true => ("control", format!("{} (control)", response.member)),
        false => ("", response.member.clone()),
    };
    let svg = plot.svg.finish(&format!("{title}: rates against the dose"));
    figure(class, &title, "", "", &svg)
}

/// The rate at every dose, and unedited at dose zero.
fn points(response: &DoseResponse, base: f64, rate: Rate) -> Vec<Point> {
    let point = |x: f64, y: f64, interval: (f64, f64)| Point {
        x,
        y,
        interval,
        tooltip: format!(
            "{} at dose {}: {} (95 %: {})",
            rate.name(),
            signed_dose(x),
            percent(y),
            percent_interval(interval)
        ),
    };
    let measured = response.doses.iter().zip(&response.rates);
    let measured = measured.zip(&response.intervals);
    let mut points: Vec<Point> = measured
        .map(|((&dose, rates), intervals)| point(dose, rates[rate], intervals[rate]))
        .collect();
    points.push(point(0.0, base, (base, base)));
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}
