//! A claim: who meets its rule, and who is above the baselines.

use crate::ablate::{Claim, Rate};
use crate::findings::{FamilyOver, Role, Study};
use crate::locators::Group;
use crate::report::appendix::{is_along_a_component, is_locators};
use crate::report::number::NONE;
use crate::report::tables::{maybe, p, table, told, with_interval};

/// Rows of other methods.
const OTHERS: usize = 6;

/// The answer.
pub fn sentence(study: &Study, claim: Claim) -> String {
    let families = &study.summary.families[claim];
    let of = |name: &str, found: Option<&FamilyOver>| match found {
        None => format!("{name}: none was tried"),
        Some(one) => format!(
            "{name} ({}): rule met on {} of {} seeds, reached on {}, selectivity {}",
            one.family,
            one.successes,
            one.seeds,
            one.reached,
            with_interval(&one.selectivity)
        ),
    };
    format!(
        "**{claim:?}.** Judged on {} of {} seeds. {}; {}; {}. Best baseline: {}.",
        study.summary.judged[claim],
        study.seeds.len(),
        of("Components chosen by time", best(families, &is_by_time)),
        of(
            "one component, chosen by effect",
            best(families, &is_by_effect)
        ),
        of(
            "any other method, of gradients or not",
            best(families, &is_other)
        ),
        best(families, &is_baseline).map_or(NONE.into(), |one| format!(
            "{}, rule met on {} of {}, selectivity {}",
            one.family,
            one.successes,
            one.seeds,
            with_interval(&one.selectivity)
        )),
    )
}

/// All of it.
pub fn claim(study: &Study, claim: Claim) -> String {
    let families = &study.summary.families[claim];
    let names = |rates: &[Rate]| -> String {
        let names: Vec<&str> = rates.iter().map(|rate| rate.name()).collect();
        names.join("; ")
    };
    let mut rows = Vec::new();
    let mut add = |what: &str, found: Vec<&FamilyOver>| {
        rows.extend(found.into_iter().map(|one| row(what, one)));
    };
    add("by time", ordered(families, &is_by_time));
    add("by effect", ordered(families, &is_by_effect));
    let mut others = ordered(families, &is_other);
    others.truncate(OTHERS);
    let shown = others.len();
    add("method", others);
    add("baseline", ordered(families, &is_baseline));
    add(
        "known answer",
        ordered(families, &|f| f.role == Role::Known),
    );
    format!(
        "To go: {}. To stay: {}. \"Above\": selectivity above that of the baseline, or of the random edits of its own kind, above which it is least, seed \
         by seed, with p adjusted (Holm) over the proposal's own edits and both claims. Of the other methods the best {shown} are shown, all are in \
         `tables/edits.csv`.\n\n{}",
        names(claim.targets()),
        names(claim.spared()),
        table(
            &[
                "edit",
                "what",
                "was told",
                "rule met",
                "reached",
                "selectivity",
                "above",
                "p (Holm)",
            ],
            rows
        ),
    )
}

fn row(what: &str, one: &FamilyOver) -> Vec<String> {
    let is_held = one.above.is_some();
    vec![
        one.family.name(),
        what.into(),
        told(one.supervision).into(),
        format!("{}/{}", one.successes, one.seeds),
        match is_held {
            true => format!("{}/{}", one.reached, one.seeds),
            false => NONE.into(),
        },
        with_interval(&one.selectivity),
        maybe(one.above.as_ref()),
        p(one.p_adjusted),
    ]
}

/// Those that are wanted, the best first.
fn ordered<'a>(
    families: &'a [FamilyOver],
    wanted: &dyn Fn(&FamilyOver) -> bool,
) -> Vec<&'a FamilyOver> {
    let mut found: Vec<&FamilyOver> = families.iter().filter(|f| wanted(f)).collect();
    found.sort_by(|a, b| {
        let counts = |f: &FamilyOver| (f.reached, f.successes);
        counts(b)
            .cmp(&counts(a))
            .then(b.selectivity.mean.total_cmp(&a.selectivity.mean))
    });
    found
}

fn best<'a>(
    families: &'a [FamilyOver],
    wanted: &dyn Fn(&FamilyOver) -> bool,
) -> Option<&'a FamilyOver> {
    ordered(families, wanted).into_iter().next()
}

fn group(family: &FamilyOver) -> Option<Group> {
    family.family.method().map(|method| method.group())
}

fn is_by_time(family: &FamilyOver) -> bool {
    family.role == Role::Predicted && group(family) == Some(Group::GradientSvd)
}

fn is_by_effect(family: &FamilyOver) -> bool {
    family.role == Role::Practical && is_along_a_component(family.family)
}

fn is_other(family: &FamilyOver) -> bool {
    let is_own = is_by_time(family) || is_by_effect(family);
    is_locators(family) && !is_own && group(family) != Some(Group::Random)
}

fn is_baseline(family: &FamilyOver) -> bool {
    family.role == Role::Control && family.family.is_baseline()
}
