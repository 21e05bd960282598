//! What edits do: over seeds, and seed by seed.

use crate::ablate::{Claim, Rate};
use crate::findings::Study;
use crate::report::tables::{role, told};

use super::cell::{Rows, three};

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

/// By claim and family.
pub fn edits(study: &Study) -> Rows {
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

/// By claim, seed and family.
pub fn edits_by_seed(study: &Study) -> Rows {
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
                    claimed.above.map(|_| claimed.is_reached()).into(),
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
