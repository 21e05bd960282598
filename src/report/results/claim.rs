//! A claim: who meets its rule, and who is above the baselines.

use crate::ablate::{Claim, Rate};
use crate::findings::{FamilyOver, Role, Study};
use crate::locators::Group;
use crate::report::appendix::{is_along_a_component, is_locators};
use crate::report::number::NONE;
use crate::report::tables::{maybe, p, table, told, with_interval};

/// What an edit is to the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Components of the gradients, chosen by time: the proposal.
    ByTime,
    /// One component, chosen by what it does.
    ByEffect,
    /// Of another method.
    Method,
    /// The dumbest explanations.
    Baseline,
    /// What is known to be there.
    Known,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ByTime,
        Self::ByEffect,
        Self::Method,
        Self::Baseline,
        Self::Known,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::ByTime => "by time",
            Self::ByEffect => "by effect",
            Self::Method => "method",
            Self::Baseline => "baseline",
            Self::Known => "known answer",
        }
    }

    /// Of this kind the best so many are shown.
    fn shown(self) -> usize {
        match self {
            Self::ByTime | Self::Baseline => 3,
            Self::ByEffect | Self::Known => 2,
            Self::Method => 4,
        }
    }

    /// That of a family; none of what is not of the question.
    fn of(family: &FamilyOver) -> Option<Self> {
        let group = family.family.method().map(|method| method.group());
        match family.role {
            Role::Predicted if group == Some(Group::GradientSvd) => Some(Self::ByTime),
            Role::Practical if is_along_a_component(family.family) => Some(Self::ByEffect),
            Role::Control if family.family.is_baseline() => Some(Self::Baseline),
            Role::Known => Some(Self::Known),
            _ if is_locators(family) && group != Some(Group::Random) => Some(Self::Method),
            _ => None,
        }
    }
}

/// The best edits of every kind.
pub fn shown(study: &Study, claim: Claim) -> Vec<(Kind, &FamilyOver)> {
    let of = |kind: Kind| {
        let best = ordered(&study.summary.families[claim], kind).into_iter();
        best.take(kind.shown()).map(move |one| (kind, one))
    };
    Kind::ALL.into_iter().flat_map(of).collect()
}

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
        "Judged on {} of {} seeds. {}; {}; {}. Best baseline: {}.",
        study.summary.judged[claim],
        study.seeds.len(),
        of("Components chosen by time", best(families, Kind::ByTime)),
        of(
            "one component, chosen by effect",
            best(families, Kind::ByEffect)
        ),
        of(
            "any other method, of gradients or not",
            best(families, Kind::Method)
        ),
        best(families, Kind::Baseline).map_or(NONE.into(), |one| format!(
            "{}, rule met on {} of {}, selectivity {}",
            one.family,
            one.successes,
            one.seeds,
            with_interval(&one.selectivity)
        )),
    )
}

/// The answer in a line.
pub fn short(study: &Study, claim: Claim) -> String {
    let seeds = study.seeds.len();
    let of = |kind: Kind| {
        let best = best(&study.summary.families[claim], kind);
        best.map_or((0, NONE.into()), |one| (one.reached, one.family.name()))
    };
    let ((time, _), (effect, _)) = (of(Kind::ByTime), of(Kind::ByEffect));
    let (other, method) = of(Kind::Method);
    format!(
        "{claim:?} is reached on {time} of {seeds} seeds by components of the gradients chosen by time, on {effect} by one component chosen by its effect, on {other} by \
         another method ({method})."
    )
}

/// All of it.
pub fn claim(study: &Study, claim: Claim) -> String {
    let names = |rates: &[Rate]| -> String {
        let names: Vec<&str> = rates.iter().map(|rate| rate.name()).collect();
        names.join("; ")
    };
    let rows = shown(study, claim).into_iter();
    let rows = rows.map(|(kind, one)| row(kind.name(), one));
    format!(
        "To go: {}. To stay: {}. Of every kind the best are shown, all are in `tables/edits.csv`.\n\n{}",
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

/// Those of a kind, the best first.
fn ordered(families: &[FamilyOver], kind: Kind) -> Vec<&FamilyOver> {
    let mut found: Vec<&FamilyOver> = families
        .iter()
        .filter(|family| Kind::of(family) == Some(kind))
        .collect();
    found.sort_by(|a, b| {
        let counts = |f: &FamilyOver| (f.reached, f.successes);
        counts(b)
            .cmp(&counts(a))
            .then(b.selectivity.mean.total_cmp(&a.selectivity.mean))
    });
    found
}

fn best(families: &[FamilyOver], kind: Kind) -> Option<&FamilyOver> {
    ordered(families, kind).into_iter().next()
}
