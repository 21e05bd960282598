//! Whether time tells, and what happens when training goes on or is repeated.

use crate::ablate::Claim;
use crate::findings::{Family, Study};
use crate::report::number::{NONE, capital, plural};
use crate::report::tables::{maybe, p_of, table, with_interval};

/// The answer.
pub fn sentence(study: &Study) -> String {
    let rows = study.summary.temporal.iter().take(2).map(|row| {
        let [early, late] = row.labelled.unwrap_or_default();
        format!(
            "{} components: over all seeds {early} are labelled early and {late} late; when one was active and what undoing it costs the corner \
             more than the cheese have a rank correlation of {} (p = {})",
            row.decomposition.name(),
            maybe(row.correlation.as_ref()),
            p_of(row.correlation.as_ref()),
        )
    });
    let rows: Vec<String> = rows.collect();
    match rows.is_empty() {
        true => "Not asked.".into(),
        false => format!(
            "The proposal predicts a negative correlation. {}.",
            capital(&rows.join("; "))
        ),
    }
}

/// All of it.
pub fn time(study: &Study) -> String {
    let rows = study.summary.temporal.iter().map(|one| {
        vec![
            one.decomposition.name().to_owned(),
            maybe(one.correlation.as_ref()),
            p_of(one.correlation.as_ref()),
            maybe(one.difference.as_ref()),
            p_of(one.difference.as_ref()),
            format!("{}/{}", one.beyond_random.0, one.beyond_random.1),
            one.labelled
                .map_or(NONE.into(), |[early, late]| format!("{early}, {late}")),
        ]
    });
    format!(
        "The proposal says that components active early serve the corner and those active late the cheese: a negative correlation, and a positive \
         difference between the effects of early and late sets. \"Beyond chance\": seeds whose difference exceeds 95 % of random sets. A label must \
         hold against every null of METHOD section 4. p of single tests.\n\n{}",
        table(
            &[
                "components of",
                "correlation",
                "p",
                "early minus late",
                "p",
                "beyond chance",
                "early, late"
            ],
            rows
        ),
    )
}

/// Training that goes on after an edit, and training that is repeated without components.
pub fn again(study: &Study) -> String {
    let all = || study.seeds.iter().flat_map(|one| &one.relearning);
    let of = |claim: Claim, edit: Family| {
        let found: Vec<Option<u64>> = all()
            .filter(|one| (one.claim, one.edit) == (claim, edit))
            .map(|one| one.updates)
            .collect();
        // What never came back took longer than anything that did.
        let mut updates: Vec<u64> = found.iter().map(|one| one.unwrap_or(u64::MAX)).collect();
        updates.sort_unstable();
        let median = match updates.get(updates.len() / 2) {
            None => NONE.into(),
            Some(&u64::MAX) => "never".into(),
            Some(median) => median.to_string(),
        };
        let back = found.iter().flatten().count();
        vec![
            edit.name(),
            format!("{claim:?}"),
            format!("{back}/{}", found.len()),
            median,
        ]
    };
    let edits = [Family::Step, Family::RandomStep];
    let rows = Claim::ALL
        .into_iter()
        .flat_map(|claim| edits.map(|edit| of(claim, edit)));
    let relearnt = match all().next() {
        None => "Not asked.\n".into(),
        Some(_) => table(&["edit", "claim", "back on", "median updates"], rows),
    };
    let retrained = study.summary.retraining.iter().map(|one| {
        vec![
            format!("{}, {}", one.set.name(), one.when.name()),
            one.updates.len().to_string(),
            with_interval(&one.corner),
            with_interval(&one.cheese),
        ]
    });
    let retrained = match study.summary.retraining.is_empty() {
        true => "Not done.\n".into(),
        false => table(
            &["taken off", "seeds", "corner", "cheese in the region"],
            retrained,
        ),
    };
    format!(
        "Further training after the chosen edit, until the claim's first target (A: cheese in, up-right; B: S5 region) is at 90 % of the unedited \
         policy's rate; 0: it never fell below.\n\n{relearnt}\n\
         The same seed trained again, up to where the cheese was learnt, with directions taken off every gradient or update: rates less those of the run itself, on \
         {}. The proposal predicts that the corner suffers without the early ones, and the cheese without the late ones.\n\n{retrained}",
        plural(
            study
                .summary
                .retraining
                .first()
                .map_or(0, |one| one.updates.len()),
            "seed"
        ),
    )
}
