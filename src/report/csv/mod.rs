//! What the study found as tables for other programs: a file a question, numbers without words.

mod cell;

use crate::ablate::{Claim, Rate};
use crate::findings::Study;
use crate::locate::Label;
use crate::locators::Method;

use super::tables::{role, told};
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
pub const FILES: [File; 8] = [
    File {
        name: "rates.csv",
        columns: "by rate and seed: untrained and trained on test levels, what training gained with its interval, whether that is a behaviour, and the \
                  frames at which 90 % of the rise is reached (empty where it did not rise)",
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
        rows: edits,
    },
    File {
        name: "edits_by_seed.csv",
        columns: "the same by seed: which member and dose were chosen, and what they did on test levels",
        rows: edits_by_seed,
    },
    File {
        name: "methods.csv",
        columns: "by claim and method: what it was told, area of its resets with interval, that of as many random parameters, the difference with interval and p, \
                  seconds, mean area on the policies of known parts",
        rows: methods,
    },
    File {
        name: "pairs.csv",
        columns: "two methods' areas, seed by seed: gradients minus weights, then gradients minus other methods, each with Holm over its own question",
        rows: pairs,
    },
    File {
        name: "components.csv",
        columns: "by seed and component: decomposition, number, temporal index on the axis of time and on that of behaviour, label, what undoing it costs the \
                  corner more than the cheese",
        rows: components,
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

/// Headings of the losses of every rate.
fn lost() -> Vec<String> {
    Rate::ALL
        .iter()
        .map(|rate| format!("lost_{}", rate.key()))
        .collect()
}

fn headings<'a>(first: &[&'a str], more: &'a [String]) -> Vec<&'a str> {
    let more = more.iter().map(String::as_str);
    first.iter().copied().chain(more).collect()
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

fn edits(study: &Study) -> Rows {
    let lost = lost();
    let first = [
        "claim",
        "family",
        "role",
        "told",
        "tries",
        "seeds",
        "met",
        "reached",
        "selectivity",
        "selectivity_low",
        "selectivity_high",
        "above",
        "above_low",
        "above_high",
        "p",
        "p_holm",
    ];
    let mut rows = Rows::new(&headings(&first, &lost));
    for claim in Claim::ALL {
        for one in &study.summary.families[claim] {
            let above = one.above.as_ref();
            let mut cells = vec![
                format!("{claim:?}").into(),
                one.family.name().into(),
                role(one.role).into(),
                told(one.supervision).into(),
                one.candidates.into(),
                one.seeds.into(),
                one.successes.into(),
                above.map(|_| one.reached).into(),
            ];
            cells.extend(three(Some(&one.selectivity)));
            cells.extend(three(above));
            cells.push(above.and_then(|above| above.p).into());
            cells.push(one.p_adjusted.into());
            cells.extend(Rate::ALL.map(|rate| one.losses[rate].into()));
            rows.push(cells);
        }
    }
    rows
}

fn edits_by_seed(study: &Study) -> Rows {
    let lost = lost();
    let first = [
        "claim",
        "seed",
        "family",
        "role",
        "member",
        "dose",
        "tries",
        "met",
        "reached",
        "selectivity",
        "selectivity_low",
        "selectivity_high",
    ];
    let mut rows = Rows::new(&headings(&first, &lost));
    for claim in Claim::ALL {
        for one in &study.seeds {
            for claimed in one.choices(claim) {
                let frozen = &claimed.frozen;
                let mut cells = vec![
                    format!("{claim:?}").into(),
                    one.seed.into(),
                    frozen.family.name().into(),
                    role(frozen.role).into(),
                    frozen.member.as_str().into(),
                    frozen.dose.into(),
                    frozen.candidates.into(),
                    claimed.succeeds.into(),
                    claimed.is_reached().into(),
                    claimed.selectivity.into(),
                    claimed.interval.0.into(),
                    claimed.interval.1.into(),
                ];
                cells.extend(Rate::ALL.map(|rate| claimed.losses[rate].into()));
                rows.push(cells);
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
