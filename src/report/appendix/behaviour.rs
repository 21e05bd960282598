//! The premise, and the claims.

use crate::ablate::{Claim, Rate};
use crate::findings::{Family, FamilyOver, Role, Study};
use crate::locators::Group;
use crate::report::number::{fixed, signed};

use crate::report::tables::{maybe, p, role, share, table, told, with_interval};

/// When the behaviours were learnt, and how well.
pub fn premise(study: &Study) -> String {
    let (summary, seeds) = (&study.summary, study.seeds.len());
    let phases = &summary.phases;
    let lags = phases.lags.iter().map(|lag| {
        format!(
            "{} {} (p = {}; certainly after it on {} of {seeds} seeds, before it on {})",
            lag.to.name(),
            maybe(lag.lag.as_ref()),
            p(lag.lag.as_ref().and_then(|lag| lag.p)),
            lag.after,
            lag.before
        )
    });
    let lags: Vec<String> = lags.collect();
    let onsets = phases.onsets.iter();
    let onsets: Vec<String> = onsets
        .map(|(rate, over)| format!("{} {}", rate.name(), share(over.as_ref())))
        .collect();
    let rows = Rate::ALL.iter().map(|rate| {
        let learnt = study.seeds.iter().filter(|one| one.rises[*rate].is_learnt);
        vec![
            format!("{}: {}", rate.name(), rate.meaning()),
            share(summary.base.get(*rate as usize)),
            share(summary.floor.get(*rate as usize)),
            format!("{}/{seeds}", learnt.count()),
        ]
    });
    format!(
        "`summary.phases`, `seeds[].curves`; src/experiment/curves.rs, src/over_seeds/summary.rs.\n\n\
         In shares of training, 90 % of the rise is reached by: {}. From the walk to the corner to each of the others: {}. {} % of \
         training levels are no larger than the region, so that their cheese may be anywhere.\n\n{}",
        onsets.join("; "),
        lags.join("; "),
        fixed(100.0 * study.anywhere_share, 0),
        table(
            &["rate on test levels", "trained", "untrained", "learnt on"],
            rows
        ),
    )
}

/// One claim: every family of edits.
pub fn claim(study: &Study, claim: Claim) -> String {
    let place = claim as usize;
    let families = &study.summary.families[claim];
    let names = |rates: &[Rate]| {
        let names: Vec<&str> = rates.iter().map(|rate| rate.name()).collect();
        names.join(", ")
    };
    // Every swapped edit and matched control is in study.json; here those of the hypotheses.
    let is_first = |family: &&FamilyOver| match family.role {
        Role::Predicted | Role::Practical => family.is_hypothesis(),
        Role::Swapped => is_of(family, Group::GradientSvd),
        Role::Control => !family.family.is_drawn_beside(),
        Role::Known => true,
    };
    let headings = [
        "edit",
        "to the claim",
        "was told",
        "tried",
        "met",
        "reached",
        "selectivity",
        "above its nearest rival",
        "p",
        "p (Holm)",
        "losses of targets",
        "losses of spared",
        "beyond random controls",
    ];
    let first = families.iter().filter(is_first);
    let second = families
        .iter()
        .filter(|f| f.role.is_compared() && !f.is_hypothesis());
    format!(
        "`summary.families[{place}]`, `seeds[].claims`; src/protocol/test.rs.\n\n\
         Met where every target ({}) loses at least .5 of what was learnt and every spared rate \
         ({}) at most .1 with its interval inside; judged on {} of {} seeds. {}\n\n\
         \"Tried\": members, signs and doses a choice was made from. Reached: the rule is met, and the selectivity is certainly above \
         that of every baseline with as many tries ({}), and of the random parameters or vectors that are drawn beside a family alone. \"Above its \
         nearest rival\": selectivity above that of these above which it is least, seed by seed. Holm over the hypotheses and both \
         claims ({} tests); all other p explore. \"Beyond random controls\": seeds on which fewer than one in twenty random controls at \
         the chosen dose came as far, the doses counted in.\n\n\
         The hypotheses and their controls:\n\n{}\n\
         The other locators:\n\n{}",
        names(claim.targets()),
        names(claim.spared()),
        study.summary.judged[claim],
        study.seeds.len(),
        verdict(families),
        baselines(),
        study
            .summary
            .families
            .iter()
            .flatten()
            .filter(|f| f.p_adjusted.is_some())
            .count(),
        table(&headings, first.map(|family| row(family, claim))),
        table(&headings, second.map(|family| row(family, claim))),
    )
}

/// The baselines by name.
fn baselines() -> String {
    Family::BASELINES.map(Family::name).join(", ")
}

fn row(family: &FamilyOver, claim: Claim) -> Vec<String> {
    let losses = |rates: &[Rate]| {
        let losses: Vec<String> = rates
            .iter()
            .map(|rate| format!("{} {}", rate.name(), signed(family.losses[*rate], 2)))
            .collect();
        losses.join(", ")
    };
    vec![
        family.family.name(),
        role(family.role).into(),
        told(family.supervision).into(),
        family.candidates.to_string(),
        format!("{}/{}", family.successes, family.seeds),
        family.above.as_ref().map_or("–".into(), |_| {
            format!("{}/{}", family.reached, family.seeds)
        }),
        with_interval(&family.selectivity),
        maybe(family.above.as_ref()),
        p(family.above.as_ref().and_then(|above| above.p)),
        p(family.p_adjusted),
        losses(claim.targets()),
        losses(claim.spared()),
        family
            .beyond_controls
            .map_or("–".into(), |(beyond, of)| format!("{beyond}/{of}")),
    ]
}

/// Who meets the rule most often, by what they are to the claim.
fn verdict(families: &[FamilyOver]) -> String {
    let best = |wanted: &dyn Fn(&FamilyOver) -> bool| {
        let among = families.iter().filter(|f| wanted(f)).count();
        families
            .iter()
            .filter(|f| wanted(f))
            .max_by(|a, b| {
                let key = |f: &FamilyOver| (f.successes, f.selectivity.mean);
                key(a)
                    .partial_cmp(&key(b))
                    .unwrap_or(std::cmp::Ordering::Equal)
            })
            .map(|f| match among {
                1 => format!("{} of {} seeds ({})", f.successes, f.seeds, f.family),
                _ => format!(
                    "{} of {} seeds ({}, the best of {among} families)",
                    f.successes, f.seeds, f.family
                ),
            })
            .unwrap_or("none was tried".into())
    };
    format!(
        "The rule is most often met by components of the gradient chosen by time: {}; by steps along single \
         components chosen by effect: {}; by any locator's edit: {}; by a baseline or control: {}; by the oracle, \
         which is optimised for it: {}. The blindfold meets it on {}.",
        best(&|f| is_of(f, Group::GradientSvd) && f.role == Role::Predicted),
        best(&|f| f.role == Role::Practical && is_along_a_component(f.family)),
        best(&|f| is_locators(f)),
        best(&|f| f.role == Role::Control && !f.family.is_drawn_beside()),
        best(&|f| is_of(f, Group::Oracle) && f.role == Role::Known),
        best(&|f| f.family == Family::Blindfold),
    )
}

/// Whether it is an edit of a locator for the claim, the oracle's left out.
pub fn is_locators(family: &FamilyOver) -> bool {
    family.role.is_compared() && !is_of(family, Group::Oracle)
}

/// Whether it is an edit of a method of this group.
fn is_of(family: &FamilyOver, group: Group) -> bool {
    family
        .family
        .method()
        .is_some_and(|method| method.group() == group)
}

/// Whether it is a step along one component of the gradient or of a part of it.
pub fn is_along_a_component(family: Family) -> bool {
    matches!(family, Family::Step | Family::StreamStep)
}
