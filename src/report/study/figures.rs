//! Figures over seeds.

use crate::ablate::{Claim, Rate};
use crate::findings::{Ranked, Study};
use crate::locators::{Group, Method};
use crate::report::axes::{Axis, PANEL, Plot, range_of};
use crate::report::figure::{Look, Sample, figure, key, legend, look, rate_key};
use crate::report::number::{fixed, percent, percent_bare, signed};
use crate::report::scatter::scatter;
use crate::report::svg::{Anchor, Svg};

const OWN: Look = Look {
    colour: "var(--corner)",
    is_dashed: false,
};
const CONTROL: Look = Look {
    colour: "var(--plain)",
    is_dashed: false,
};

/// The walk to the corner, and what the cheese adds in the region.
const SHOWN: [Rate; 3] = [Rate::Corner, Rate::InUpRight, Rate::InDownLeft];

/// The figures of the section `id` of RESULTS.md.
pub fn of(study: &Study, id: &str) -> String {
    panels(match id {
        "learnt" => phases(study),
        "claim-a" => scatter(&study.seeds, Claim::A),
        "claim-b" => scatter(&study.seeds, Claim::B),
        "rivals" => Claim::ALL.map(|claim| forest(study, claim)).concat(),
        "time" => {
            let all = study.summary.temporal.iter().enumerate();
            all.map(|(number, _)| index_against_effect(study, number))
                .collect()
        }
        _ => String::new(),
    })
}

/// The figures of the part `id` of the appendix.
pub fn more(study: &Study, id: &str) -> String {
    panels(match id {
        "currency" => Claim::ALL.map(|claim| against_q(study, claim)).concat(),
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

/// Corner and cheese along training, one line a seed and rate.
fn phases(study: &Study) -> String {
    let x = Axis {
        label: "share of training, %",
        range: (0.0, 1.0),
        is_log: false,
        format: percent_bare,
    };
    let y = Axis {
        label: "rate, %",
        ..x.clone()
    };
    let mut plot = Plot::new(PANEL, &x, &y);
    for one in &study.seeds {
        let last = one.curves.frames.last().copied().unwrap_or(1).max(1) as f64;
        for rate in SHOWN {
            let tooltip = format!("{}, seed {}", rate.name(), one.seed);
            plot.svg.open(look(rate).colour, &tooltip);
            let points = one.curves.frames.iter().zip(&one.curves.rates[rate]);
            let points = points.map(|(&f, mean)| (f as f64 / last, mean.value));
            let class = if look(rate).is_dashed {
                "line thin dashed"
            } else {
                "line thin"
            };
            plot.curve(points, class);
            plot.svg.close();
        }
    }
    for (rate, over) in &study.summary.phases.onsets {
        if let (true, Some(over)) = (SHOWN.contains(rate), over) {
            let tooltip = format!("{}, 90 % of the rise: {}", rate.name(), percent(over.mean));
            plot.vertical(over.mean, look(*rate).colour, &tooltip);
        }
    }
    let svg = plot.svg.finish("Corner and cheese along training, by seed");
    let keys = SHOWN.map(rate_key);
    figure(
        "",
        "Corner and cheese",
        "one line a seed; dotted: mean time of 90 % of the rise",
        &legend(&keys),
        &svg,
    )
}

/// Areas of all locators with their intervals, best first.
fn forest(study: &Study, claim: Claim) -> String {
    const ROW: f64 = 17.0;
    const NAMES: f64 = 190.0;
    let ranked = &study.summary.ranking[claim];
    let ends = |one: &Ranked| {
        let (low, high) = one.area.interval.unwrap_or((one.area.mean, one.area.mean));
        [low, high, one.random, 0.0]
    };
    let range = range_of(ranked.iter().flat_map(ends)).unwrap_or((-1.0, 1.0));
    let (width, height) = (520.0, 34.0 + ROW * ranked.len() as f64);
    let scale = crate::report::axes::Scale::linear(range, (NAMES, width - 12.0));
    let mut svg = Svg::new(width, height);
    for tick in scale.ticks(5) {
        if let Some(x) = scale.place_within(tick) {
            svg.line((x, 4.0), (x, height - 24.0), "grid");
            svg.text((x, height - 10.0), Anchor::Middle, "tick", &fixed(tick, 1));
        }
    }
    for (row, one) in ranked.iter().enumerate() {
        let y = 14.0 + ROW * row as f64;
        svg.text(
            (NAMES - 8.0, y + 4.0),
            Anchor::End,
            "label",
            one.locator.name(),
        );
        let (low, high) = one.area.interval.unwrap_or((one.area.mean, one.area.mean));
        let places = [low, high, one.area.mean, one.random].map(|v| scale.place_within(v));
        let [Some(low), Some(high), Some(mean), Some(random)] = places else {
            continue;
        };
        let tooltip = format!(
            "{}: area {}, random {}",
            one.locator.name(),
            signed(one.area.mean, 2),
            signed(one.random, 2)
        );
        svg.group(CONTROL.colour, &tooltip, |svg| {
            svg.disc((random, y), 3.0, "ring");
        });
        svg.group(OWN.colour, &tooltip, |svg| {
            svg.line((low, y), (high, y), "line");
            svg.disc((mean, y), 3.6, "dot");
        });
    }
    let keys = [
        key(Sample::Dot, OWN, "locator, mean and 95 % interval"),
        key(
            Sample::Ring,
            CONTROL,
            "as many random parameters of every tensor",
        ),
    ];
    let name = format!("{claim:?}: area under selectivity of resets");
    figure("", &name, "", &legend(&keys), &svg.finish(&name))
}

/// Mean selectivity against the percentage reset, every locator a line.
fn against_q(study: &Study, claim: Claim) -> String {
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
    let line = |colour, text| {
        let look = Look {
            colour,
            is_dashed: false,
        };
        key(Sample::Line, look, text)
    };
    let keys = [
        line("var(--corner)", "gradient SVD"),
        line("var(--good)", "oracle"),
        line("var(--plain)", "random"),
        line("var(--rule)", "others"),
    ];
    let name = format!("{claim:?}: selectivity against how much is reset");
    figure("", &name, "", &legend(&keys), &plot.svg.finish(&name))
}

/// Temporal index against effect, a point a component and seed.
fn index_against_effect(study: &Study, number: usize) -> String {
    let Some(first) = study.summary.temporal.get(number) else {
        return String::new();
    };
    let points: Vec<(u64, usize, f64, f64)> = study
        .seeds
        .iter()
        .flat_map(|one| {
            let components = one.temporal.get(number).map(|t| &t.components[..]);
            let components = components.unwrap_or_default().iter();
            components.map(|c| (one.seed, c.index, c.temporal_index, c.effect))
        })
        .collect();
    let padded = |range: Option<(f64, f64)>| {
        let (low, high) = range.unwrap_or((-1.0, 1.0));
        (low.min(-0.1), high.max(0.1))
    };
    let axis = |label, range| Axis {
        label,
        range,
        is_log: false,
        format: |tick| signed(tick, 1),
    };
    let mut plot = Plot::new(
        PANEL,
        &axis(
            "temporal index",
            padded(range_of(points.iter().map(|p| p.2))),
        ),
        &axis(
            "undone: loss of corner minus cheese",
            padded(range_of(points.iter().map(|p| p.3))),
        ),
    );
    for (seed, index, x, y) in points {
        let (Some(px), Some(py)) = (plot.x.place_within(x), plot.y.place_within(y)) else {
            continue;
        };
        let tooltip = format!(
            "seed {seed}, component {index}: index {}, effect {}",
            signed(x, 2),
            signed(y, 2)
        );
        plot.svg
            .group(OWN.colour, &tooltip, |svg| svg.disc((px, py), 2.4, "dot"));
    }
    let name = format!("Components of {}", first.decomposition.name());
    let caption = "a point a component and seed; the proposal predicts a fall";
    figure("", &name, caption, "", &plot.svg.finish(&name))
}
