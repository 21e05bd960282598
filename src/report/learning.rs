//! Section 2: the rates, the decision squares and the return along training.

use crate::ablate::{Mean, Rate};
use crate::findings::{Onset, PHASES, Results};

use super::axes::{Axis, PANEL, Plot, Point, range_of};
use super::figure::{Look, Sample, figure, key, legend, look, rate_key};
use super::number::{fixed, percent, percent_bare, percent_interval, prefixed};
use super::page::{lead, note};
use super::svg::escape;

/// The section's markup.
pub fn body(results: &Results) -> String {
    let curves = &results.found.curves;
    if curves.frames.is_empty() {
        return lead("No rates were measured during training.");
    }
    let panels = [
        ("The walk to the corner", &[Rate::Corner, Rate::S5][..]),
        ("What the cheese adds in the region", &Rate::IN),
        (
            "What the cheese adds near, outside of the region",
            &[Rate::NearUpRight, Rate::NearDownLeft],
        ),
        ("Levels as in training", &[Rate::S1, Rate::S1Region]),
        (
            "Conflict: which comes first",
            &[Rate::S4Cheese, Rate::S4Region],
        ),
    ];
    let mut figures: String = panels
        .iter()
        .map(|(title, rates)| rates_figure(results, title, rates))
        .collect();
    figures += &decision_figure(results);
    figures += &return_figure(results);
    figures += &compass_figure(results);
    let marks = TIMED.map(|rate| {
        let text = format!("{}: 90 % of its rise", rate.name());
        key(Sample::Mark, look(rate), &text)
    });
    format!(
        "{}<div class=\"legend apart\">{}</div>\n<div class=\"panels\">\n{figures}</div>\n{}",
        lead(&opening(results)),
        marks.concat(),
        note(
            "Rates are computed, not played; bands are their 95 % intervals over levels. What the cheese adds is the probability of reaching its \
             cell in time where it is seen, less that where it is hidden. The move to the corner is weighted alike over the four moves that may be \
             needed. A dotted horizontal line is the untrained policy's, the floor. These levels are used for nothing else."
        )
    )
}

/// The phases whose times are marked in every figure.
const TIMED: [Rate; 4] = [
    Rate::Compass,
    Rate::Corner,
    Rate::InUpRight,
    Rate::InDownLeft,
];

fn opening(results: &Results) -> String {
    let curves = &results.found.curves;
    let course = |rate: Rate| {
        let (first, last) = (curves.rates[rate].first()?, curves.rates[rate].last()?);
        Some(format!(
            "{} went from {} to {}",
            rate.name(),
            percent(first.value),
            percent(last.value)
        ))
    };
    let rates = PHASES.into_iter().filter(|&rate| rate != Rate::Compass);
    let mut text: Vec<String> = rates.filter_map(course).collect();
    if let (Some(&cheese), Some(&corner)) = (curves.p_cheese.last(), curves.p_corner.last()) {
        text.push(format!(
            "at the decision squares the trained policy goes for the corner with probability {} and \
             for the cheese with {}",
            fixed(corner.value, 2),
            fixed(cheese.value, 2)
        ));
    }
    let when = |rate: Rate| {
        let time = curves.onsets[rate].map_or("never".to_owned(), onset_words);
        format!("{} {time}", rate.name())
    };
    let times: Vec<String> = PHASES.into_iter().map(when).collect();
    escape(&format!(
        "{}. 90 % of the rise, in frames: {}.",
        text.join("; "),
        times.join("; ")
    ))
}

/// "1.3 M (95 %: 1.1 M to 1.6 M)", in frames.
pub fn onset_words(time: Onset) -> String {
    format!(
        "{} (95\u{a0}%: {} to {})",
        prefixed(time.frames),
        prefixed(time.interval.0),
        prefixed(time.interval.1)
    )
}

fn frames_axis(results: &Results) -> Axis<'static> {
    let curves = &results.found.curves;
    let returns = curves.returns.iter().map(|&(frames, _)| frames);
    let last = curves
        .frames
        .iter()
        .copied()
        .chain(returns)
        .max()
        .unwrap_or(0);
    Axis {
        label: "environment frames",
        range: (0.0, last.max(results.run.frames) as f64),
        is_log: false,
        format: prefixed,
    }
}

fn plot(results: &Results, y: &Axis<'_>) -> Plot {
    let mut plot = Plot::new(PANEL, &frames_axis(results), y);
    for rate in TIMED {
        if let Some(time) = results.found.curves.onsets[rate] {
            let tooltip = format!(
                "{}: 90 % of its rise at {} frames",
                rate.name(),
                onset_words(time)
            );
            plot.vertical(time.frames, look(rate).colour, &tooltip);
        }
    }
    plot
}

fn percent_axis(label: &str) -> Axis<'_> {
    Axis {
        label,
        range: (0.0, 1.0),
        is_log: false,
        format: percent_bare,
    }
}

fn rates_figure(results: &Results, title: &str, rates: &[Rate]) -> String {
    let curves = &results.found.curves;
    let values = rates.iter().flat_map(|&rate| curves.rates[rate].iter());
    let low = values.map(|mean| mean.value).fold(0.0, f64::min);
    let axis = Axis {
        range: (low, 1.0),
        ..percent_axis("rate, %")
    };
    let mut plot = plot(results, &axis);
    let mut keys = Vec::new();
    for &rate in rates {
        let Look { colour, is_dashed } = look(rate);
        let points = points(results, rate, percent);
        if let Some(floor) = points.first() {
            plot.horizontal(
                floor.y,
                colour,
                &format!("{} floor: {}", rate.name(), percent(floor.y)),
            );
        }
        plot.estimates(&points, colour, is_dashed);
        keys.push(rate_key(rate));
    }
    let svg = plot.svg.finish(&format!("{title}: rates against frames"));
    figure("", title, "", &legend(&keys), &svg)
}

fn points(results: &Results, rate: Rate, shown: fn(f64) -> String) -> Vec<Point> {
    let curves = &results.found.curves;
    let frames = curves.frames.iter();
    frames
        .zip(&curves.rates[rate])
        .map(|(&frames, mean)| {
            let (low, high) = mean.interval();
            Point {
                x: frames as f64,
                y: mean.value,
                interval: (low, high),
                tooltip: format!(
                    "{} at {} frames: {} (95 %: {} to {})",
                    rate.name(),
                    prefixed(frames as f64),
                    shown(mean.value),
                    shown(low),
                    shown(high),
                ),
            }
        })
        .collect()
}

fn compass_figure(results: &Results) -> String {
    let points = points(results, Rate::Compass, |logits| fixed(logits, 2));
    let (low, high) = range_of(points.iter().map(|point| point.y)).unwrap_or((0.0, 1.0));
    let axis = Axis {
        label: "logits",
        range: (low.min(0.0), high.max(1.0)),
        is_log: false,
        format: |tick| fixed(tick, 1),
    };
    let mut plot = plot(results, &axis);
    plot.estimates(&points, look(Rate::Compass).colour, false);
    let svg = plot.svg.finish("The compass against frames");
    let caption = "by how much up and right are preferred to left and down, whatever the way";
    figure("", "The compass", caption, "", &svg)
}

fn decision_figure(results: &Results) -> String {
    let curves = &results.found.curves;
    let mut plot = plot(results, &percent_axis("mean probability, %"));
    let series = [
        (
            "the move towards the corner",
            &curves.p_corner,
            Rate::Corner,
        ),
        (
            "the move towards the cheese",
            &curves.p_cheese,
            Rate::InUpRight,
        ),
    ];
    let mut keys = Vec::new();
    for (name, values, rate) in series {
        let point = |(&frames, mean): (&u64, &Mean)| Point {
            x: frames as f64,
            y: mean.value,
            interval: mean.interval(),
            tooltip: format!(
                "{name} at {} frames: {} (95 %: {})",
                prefixed(frames as f64),
                percent(mean.value),
                percent_interval(mean.interval())
            ),
        };
        let points: Vec<Point> = curves.frames.iter().zip(values).map(point).collect();
        plot.estimates(&points, look(rate).colour, false);
        keys.push(key(Sample::Line, look(rate), name));
    }
    let title = "At the decision squares";
    let svg = plot
        .svg
        .finish("Mean probability of the move towards corner and cheese against frames");
    let caption = "means over S4's levels; bands are 95 % intervals of the mean";
    figure("", title, caption, &legend(&keys), &svg)
}

fn return_figure(results: &Results) -> String {
    let returns = &results.found.curves.returns;
    let (low, high) = range_of(returns.iter().map(|r| r.1)).unwrap_or((0.0, 1.0));
    let axis = Axis {
        label: "mean return of an episode, reward",
        range: (low.min(0.0), high.max(1.0)),
        is_log: false,
        format: |tick| fixed(tick, 1),
    };
    let mut plot = plot(results, &axis);
    plot.svg.open("var(--ink)", "mean return");
    plot.curve(
        returns
            .iter()
            .map(|&(frames, value)| (frames as f64, value)),
        "line",
    );
    plot.svg.close();
    let svg = plot
        .svg
        .finish("Mean return of training episodes against frames");
    figure(
        "",
        "Return",
        "of training episodes, each mean since the last point",
        "",
        &svg,
    )
}
