//! What the study found as tables for other programs: a file a question, numbers without words.

mod cell;
mod edits;

use crate::ablate::{Claim, Rate};
use crate::findings::Study;
use crate::locate::Label;
use crate::locators::Method;
use crate::numeric::sum::mean;

use super::tables::told;
use cell::{Rows, three};

/// A table.
pub struct File {
    /// Its name.
    pub name: &'static str,
    /// What its columns are.
    pub columns: &'static str,
    rows: fn(&Study) -> Rows,
}

/// All of them.
pub const FILES: [File; 9] = [
    File {
        name: "rates.csv",
        columns: "by rate and seed: untrained and trained on test levels, what training gained with its interval, whether that is a behaviour, and the \
                  frames at which 90 % of the rise is reached (empty where it did not rise), and all frames",
        rows: rates,
    },
    File {
        name: "curves.csv",
        columns: "by seed, point of training and rate: frames, mean over curve levels, its standard error",
        rows: curves,
    },
    File {
        name: "edits.csv",
        columns: "by claim and family of edits: what it is to the claim, what it was told, tries, seeds, on how many the rule is met and the claim reached, \
                  selectivity with its interval, above its nearest rival with interval, p and adjusted p, mean loss of every rate",
        rows: edits::edits,
    },
    File {
        name: "edits_by_seed.csv",
        columns: "by claim, seed and family of edits: which member and dose were chosen from how many, and what they did on test levels",
        rows: edits::edits_by_seed,
    },
    File {
        name: "methods.csv",
        columns: "by claim and method: what it was told, area of its resets with interval, that of as many random parameters, the difference with interval and p, \
                  seconds, mean area on the policies of known parts",
        rows: methods,
    },
    File {
        name: "pairs.csv",
        columns: "the mean difference of two methods' areas over seeds with its interval and p: gradients less weights, then gradients less other methods, Holm over each question",
        rows: pairs,
    },
    File {
        name: "components.csv",
        columns: "by seed and component: decomposition, number, temporal index on the axis of time and on that of behaviour, label, what undoing it costs the \
                  corner more than the cheese",
        rows: components,
    },
    File {
        name: "known.csv",
        columns: "by method, on the policies of known parts that count: what it was told, mean area for A and for B, the same by effect, seconds",
        rows: known_answers,
    },
    File {
        name: "agreement.csv",
        columns: "by claim and two methods: rank correlation of scores, share of the top 5 % in common and its null's mean, seeds beyond two deviations",
        rows: agreement,
    },
];

impl File {
    /// Its text.
    pub fn text(&self, study: &Study) -> String {
        (self.rows)(study).0
    }
}

fn rates(study: &Study) -> Rows {
    let mut rows = Rows::new(&[
        "rate",
        "seed",
        "untrained",
        "trained",
        "gained",
        "gained_low",
        "gained_high",
        "is_learnt",
        "onset_frames",
        "onset_low",
        "onset_high",
        "all_frames",
    ]);
    for rate in Rate::ALL {
        for one in &study.seeds {
            let (rise, onset) = (&one.rises[rate], &one.curves.onsets[rate]);
            rows.push([
                rate.key().into(),
                one.seed.into(),
                one.floor[rate].into(),
                one.base[rate].into(),
                rise.value.into(),
                rise.interval.0.into(),
                rise.interval.1.into(),
                rise.is_learnt.into(),
                onset.as_ref().map(|onset| onset.frames).into(),
                onset.as_ref().map(|onset| onset.interval.0).into(),
                onset.as_ref().map(|onset| onset.interval.1).into(),
                one.curves.frames.last().copied().into(),
            ]);
        }
    }
    rows
}

fn curves(study: &Study) -> Rows {
    let mut rows = Rows::new(&["seed", "frames", "rate", "mean", "error"]);
    for one in &study.seeds {
        for (at, &frames) in one.curves.frames.iter().enumerate() {
            for rate in Rate::ALL {
                let Some(mean) = one.curves.rates[rate].get(at) else {
                    continue;
                };
                rows.push([
                    one.seed.into(),
                    frames.into(),
                    rate.key().into(),
                    mean.value.into(),
                    mean.error.into(),
                ]);
            }
        }
    }
    rows
}

fn methods(study: &Study) -> Rows {
    let mut rows = Rows::new(&[
        "claim",
        "method",
        "told",
        "area",
        "area_low",
        "area_high",
        "random",
        "above",
        "above_low",
        "above_high",
        "p",
        "p_holm",
        "seconds",
        "known",
    ]);
    for claim in Claim::ALL {
        for one in &study.summary.ranking[claim] {
            let mut cells = vec![
                format!("{claim:?}").into(),
                one.locator.name().into(),
                told(one.locator.supervision()).into(),
            ];
            cells.extend(three(Some(&one.area)));
            cells.push(one.random.into());
            cells.extend(three(Some(&one.above)));
            cells.extend([
                one.above.p.into(),
                one.p_adjusted.into(),
                one.seconds.into(),
                known(study, claim, one.locator).into(),
            ]);
            rows.push(cells);
        }
    }
    rows
}

fn known(study: &Study, claim: Claim, method: Method) -> Option<f64> {
    let found = study.calibration.on_plants(method)?;
    Some(found[claim as usize].mean(|one| one.area))
}

fn known_answers(study: &Study) -> Rows {
    let mut rows = Rows::new(&[
        "method",
        "told",
        "area_a",
        "area_b",
        "by_effect_a",
        "by_effect_b",
        "seconds",
    ]);
    let all = study.calibration.composed.iter();
    let asked: Vec<_> = all.flat_map(|one| &one.located).collect();
    for method in Method::ALL {
        let Some([a, b]) = study.calibration.on_plants(method) else {
            continue;
        };
        let of = asked.iter().filter(|one| one.locator == method);
        let seconds: Vec<f64> = of.map(|one| one.seconds).collect();
        rows.push([
            method.name().into(),
            told(method.supervision()).into(),
            a.mean(|one| one.area).into(),
            b.mean(|one| one.area).into(),
            a.mean(|one| one.by_effect).into(),
            b.mean(|one| one.by_effect).into(),
            mean(&seconds).into(),
        ]);
    }
    rows
}

fn pairs(study: &Study) -> Rows {
    let mut rows = Rows::new(&[
        "question",
        "claim",
        "gradients",
        "other",
        "difference",
        "low",
        "high",
        "p",
        "p_holm",
    ]);
    let summary = &study.summary;
    for (question, pairs) in [
        ("weights", &summary.pairs),
        ("methods", &summary.question.pairs),
    ] {
        for pair in pairs {
            let mut cells = vec![
                question.into(),
                format!("{:?}", pair.claim).into(),
                pair.gradients.name().into(),
                pair.other.name().into(),
            ];
            cells.extend(three(Some(&pair.difference)));
            cells.extend([pair.difference.p.into(), pair.p_adjusted.into()]);
            rows.push(cells);
        }
    }
    rows
}

fn components(study: &Study) -> Rows {
    let mut rows = Rows::new(&[
        "seed",
        "decomposition",
        "component",
        "temporal_index",
        "behavioural_index",
        "label",
        "effect",
    ]);
    for one in &study.seeds {
        for temporal in &one.temporal {
            for component in &temporal.components {
                rows.push([
                    one.seed.into(),
                    temporal.decomposition.name().into(),
                    component.index.into(),
                    component.temporal_index.into(),
                    component.behavioural_index.into(),
                    component.label.map(word).into(),
                    component.effect.into(),
                ]);
            }
        }
    }
    rows
}

fn word(label: Label) -> &'static str {
    match label {
        Label::Early => "early",
        Label::Late => "late",
        Label::None => "neither",
    }
}

fn agreement(study: &Study) -> Rows {
    let mut rows = Rows::new(&[
        "claim",
        "one",
        "other",
        "correlation",
        "low",
        "high",
        "overlap",
        "overlap_null",
        "seeds_beyond",
    ]);
    for one in &study.summary.question.agreed {
        let mut cells = vec![
            format!("{:?}", one.claim).into(),
            one.between[0].name().into(),
            one.between[1].name().into(),
        ];
        cells.extend(three(Some(&one.rho)));
        cells.extend([
            one.overlap.mean.into(),
            one.overlap_null.into(),
            one.beyond.into(),
        ]);
        rows.push(cells);
    }
    rows
}
