//! Section 2: the five situations, the decision squares and the return along training.

use crate::ablate::{Mean, Rate};
use crate::findings::{Onset, RateCurve, Results};

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
        ("Corner and cheese", &[Rate::S5, Rate::S2][..]),
        ("Levels as in training", &[Rate::S1, Rate::S1Region]),
        ("Cheese near, outside the region", &[Rate::S3]),
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
    let marks = [
        key(
            Sample::Mark,
            look(Rate::S5),
            "t_corner: S5 at 90 % of its rise",
        ),
        key(
            Sample::Mark,
            look(Rate::S2),
            "t_cheese: S2 at 90 % of its rise",
        ),
    ];
    format!(
        "{}<div class=\"legend apart\">{}</div>\n<div class=\"panels\">\n{figures}</div>\n{}",
        lead(&opening(results)),
        marks.concat(),
        note(
            "Rates are probabilities of success, computed; bands are their 95 % intervals over levels. A dotted horizontal line is the rate of the \
             untrained policy, the floor. These levels are used for nothing else."
        )
    )
}

fn find(results: &Results, rate: Rate) -> Option<&RateCurve> {
    results
        .found
        .curves
        .rates
        .iter()
        .find(|curve| curve.rate == rate)
}

fn share(curve: &RateCurve, point: usize) -> f64 {
    curve.values.get(point).map_or(f64::NAN, |mean| mean.value)
}

fn opening(results: &Results) -> String {
    let curves = &results.found.curves;
    let course = |rate: Rate| {
        let curve = find(results, rate)?;
        let last = curve.values.len().checked_sub(1)?;
        Some(format!(
            "{} went from {} to {}",
            rate.name(),
            percent(share(curve, 0)),
            percent(share(curve, last))
        ))
    };
    let rates = [Rate::S5, Rate::S2, Rate::S3, Rate::S1];
    let mut text: Vec<String> = rates.into_iter().filter_map(course).collect();
    if let (Some(&cheese), Some(&corner)) = (curves.p_cheese.last(), curves.p_corner.last()) {
        text.push(format!(
            "at the decision squares the trained policy goes for the corner with probability {} and \
             for the cheese with {}",
            fixed(corner.value, 2),
            fixed(cheese.value, 2)
        ));
    }
    let when = |time: Option<Onset>| time.map_or("none".to_owned(), onset_words);
    escape(&format!(
        "{}. In frames, t_corner is {}, t_cheese {}.",
        text.join("; "),
        when(curves.t_corner),
        when(curves.t_cheese)
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
    let times = [
        ("t_corner", results.found.curves.t_corner, Rate::S5),
        ("t_cheese", results.found.curves.t_cheese, Rate::S2),
    ];
    for (name, time, rate) in times {
        if let Some(time) = time {
            let tooltip = format!("{name}: {} frames", onset_words(time));
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
    let mut plot = plot(results, &percent_axis("probability of success, %"));
    let mut keys = Vec::new();
    for &rate in rates {
        let Some(curve) = find(results, rate) else {
            continue;
        };
        let Look { colour, is_dashed } = look(rate);
        let points = points(results, curve);
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
    let svg = plot
        .svg
        .finish(&format!("{title}: probability of success against frames"));
    figure("", title, "", &legend(&keys), &svg)
}

fn points(results: &Results, curve: &RateCurve) -> Vec<Point> {
    let frames = results.found.curves.frames.iter();
    frames
        .zip(&curve.values)
        .map(|(&frames, mean)| Point {
            x: frames as f64,
            y: mean.value,
            interval: mean.interval(),
            tooltip: format!(
                "{} at {} frames: {} (95 %: {})",
                curve.rate.name(),
                prefixed(frames as f64),
                percent(mean.value),
                percent_interval(mean.interval()),
            ),
        })
        .collect()
}

fn decision_figure(results: &Results) -> String {
    let curves = &results.found.curves;
    let mut plot = plot(results, &percent_axis("mean probability, %"));
    let series = [
        ("the move towards the corner", &curves.p_corner, Rate::S5),
        ("the move towards the cheese", &curves.p_cheese, Rate::S2),
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
