//! The figures of RESULTS.md, one a section.

use crate::ablate::{Claim, Rate};
use crate::findings::Study;
use crate::locators::Method;
use crate::report::axes::{Axis, PANEL, Plot, range_of};
use crate::report::figure::{Drawing, Entry, Look, Sample, look, rate_entry};
use crate::report::forest::{Estimate, Row, forest};
use crate::report::number::{fixed, percent, percent_bare, signed};

use super::claim::{Kind, shown};
use super::known::found_best;
use super::rivals::{of_rivals, of_weights, ranked};

const OWN: Look = Look::solid("var(--corner)");

/// The walk to the corner, and what the cheese adds in the region.
const SHOWN: [Rate; 3] = [Rate::Corner, Rate::InUpRight, Rate::InDownLeft];

/// The figure of the section `id` of RESULTS.md.
pub fn drawing(study: &Study, id: &str) -> Option<Drawing> {
    match id {
        "learnt" => Some(phases(study)),
        "claim-a" => Some(claim(study, Claim::A)),
        "claim-b" => Some(claim(study, Claim::B)),
        "time" => index_against_effect(study, 0),
        "weights" => Some(areas(study, &of_weights(study))),
        "rivals" => Some(areas(study, &of_rivals(study))),
        "known" => known(study),
        "again" => retrained(study),
        _ => None,
    }
}

/// Corner and cheese along training, one line a seed and rate.
fn phases(study: &Study) -> Drawing {
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
    Drawing {
        title: "Corner and cheese along training".into(),
        caption: "one line a seed; dotted: mean time of 90 % of the rise".into(),
        keys: SHOWN.map(rate_entry).into(),
        svg: plot.svg,
    }
}

/// Selectivity of the edits that the table shows.
fn claim(study: &Study, claim: Claim) -> Drawing {
    let shown = shown(study, claim);
    let rows: Vec<Row> = shown
        .iter()
        .map(|(kind, one)| Row {
            label: one.family.name(),
            estimates: vec![Estimate {
                look: look_of(*kind),
                is_ring: *kind == Kind::Baseline,
                value: one.selectivity.mean,
                interval: one.selectivity.interval,
                tooltip: format!(
                    "{}: selectivity {}",
                    one.family,
                    signed(one.selectivity.mean, 2)
                ),
            }],
            note: format!("{}/{}", one.successes, one.seeds),
        })
        .collect();
    let keys = Kind::ALL.map(|kind| {
        let sample = match kind {
            Kind::Baseline => Sample::Ring,
            _ => Sample::Dot,
        };
        (sample, look_of(kind), kind.name().to_owned())
    });
    forest(
        &format!("{claim:?}: how selective are the edits?"),
        "selectivity, mean and 95 % interval; 1 is all that can be wished for; at the end: on how many seeds the rule is met",
        keys.into(),
        Some((-0.5, 1.0)),
        &rows,
    )
}

fn look_of(kind: Kind) -> Look {
    let colour = match kind {
        Kind::ByTime => "var(--corner)",
        Kind::ByEffect => "var(--conflict)",
        Kind::Method => "var(--cheese)",
        Kind::Baseline => "var(--plain)",
        Kind::Known => "var(--good)",
    };
    Look::solid(colour)
}

/// Either claim's look where both are in one row.
const BOTH: [(Claim, Look); 2] = [(Claim::A, Look::solid("var(--cheese)")), (Claim::B, OWN)];

/// Areas of methods above random parameters, for both claims.
fn areas(study: &Study, methods: &[Method]) -> Drawing {
    let of = |method: Method| {
        let both = BOTH.iter().filter_map(|&(claim, look)| {
            let one = ranked(study, claim, method)?;
            Some(Estimate {
                look,
                is_ring: false,
                value: one.above.mean,
                interval: one.above.interval,
                tooltip: format!(
                    "{}, {claim:?}: {}",
                    method.name(),
                    signed(one.above.mean, 2)
                ),
            })
        });
        Row {
            label: method.name().into(),
            estimates: both.collect(),
            note: String::new(),
        }
    };
    let rows: Vec<Row> = methods.iter().map(|&method| of(method)).collect();
    forest(
        "Parameters reset by score: selectivity above that of random parameters",
        "mean and 95 % interval over seeds",
        both_keys(),
        None,
        &rows,
    )
}

fn both_keys() -> Vec<Entry> {
    let words = ["A: no more cheese", "B: no more corner"];
    let all = BOTH.into_iter().zip(words);
    all.map(|((_, look), words)| (Sample::Dot, look, words.into()))
        .collect()
}

/// The policies of known parts.
fn known(study: &Study) -> Option<Drawing> {
    let of = |method: Method| {
        let areas = super::rivals::areas(study, method)?;
        let estimates = BOTH
            .into_iter()
            .zip(areas)
            .map(|((claim, look), area)| Estimate {
                look,
                is_ring: false,
                value: area,
                interval: None,
                tooltip: format!("{}, {claim:?}: {}", method.name(), fixed(area, 2)),
            });
        Some(Row {
            label: method.name().into(),
            estimates: estimates.collect(),
            note: String::new(),
        })
    };
    let rows: Vec<Row> = found_best(study).into_iter().filter_map(of).collect();
    (!rows.is_empty()).then(|| {
        forest(
            "Two towers that are known: are they told apart?",
            "area under the ROC curve, mean over policies; .5 is chance",
            both_keys(),
            Some((0.0, 1.0)),
            &rows,
        )
    })
}

/// Training again without components.
fn retrained(study: &Study) -> Option<Drawing> {
    let rows: Vec<Row> = study
        .summary
        .retraining
        .iter()
        .map(|one| {
            let both = [
                (look(Rate::Corner), &one.corner),
                (look(Rate::InUpRight), &one.cheese),
            ];
            let estimates = both.map(|(look, over)| Estimate {
                look,
                is_ring: false,
                value: over.mean,
                interval: over.interval,
                tooltip: signed(over.mean, 2),
            });
            Row {
                label: format!("{}, {}", one.set.name(), one.when.name()),
                estimates: estimates.into(),
                note: String::new(),
            }
        })
        .collect();
    let keys = [
        (Rate::Corner, "the walk to the corner"),
        (Rate::InUpRight, "what the cheese adds in the region"),
    ];
    let keys = keys.map(|(rate, words)| (Sample::Dot, look(rate), words.to_owned()));
    (!rows.is_empty()).then(|| {
        forest(
            "Trained again without components",
            "rates less those of the run itself, mean and 95 % interval over seeds",
            keys.into(),
            None,
            &rows,
        )
    })
}

/// Temporal index against effect, a point a component and seed.
pub fn index_against_effect(study: &Study, number: usize) -> Option<Drawing> {
    let first = study.summary.temporal.get(number)?;
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
        format: |tick| signed(tick, 2),
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
    Some(Drawing {
        title: format!(
            "Components of the gradients, {}",
            first.decomposition.name()
        ),
        caption: "a point a component and seed; the proposal predicts a fall".into(),
        keys: Vec::new(),
        svg: plot.svg,
    })
}
