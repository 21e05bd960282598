//! What the agent learns, and when.

use crate::ablate::Rate;
use crate::findings::{LagOver, Study};
use crate::report::number::{NONE, fixed, plural};
use crate::report::tables::{maybe, p, share, table, with_interval};

/// What the cheese adds in the region, by its direction.
fn lags(study: &Study) -> impl Iterator<Item = (&LagOver, &'static str)> {
    study.summary.phases.lags.iter().filter_map(|lag| {
        let words = match lag.to {
            Rate::InUpRight => "a cheese up-right of the mouse",
            Rate::InDownLeft => "a cheese down-left of it",
            _ => return None,
        };
        Some((lag, words))
    })
}

/// The answer.
pub fn sentence(study: &Study) -> String {
    let all: Vec<String> = lags(study)
        .map(|(lag, words)| match &lag.lag {
            None => format!("{words}: it or the walk to the corner did not rise"),
            Some(over) => format!(
                "what {words} adds is learnt {} of training after the walk to the corner ({} on which both rose)",
                with_interval(over),
                plural(over.values.len(), "seed"),
            ),
        })
        .collect();
    match all.is_empty() {
        true => "Not asked.".into(),
        false => format!("In the region, {}.", all.join("; ")),
    }
}

/// The answer in a line.
pub fn short(study: &Study) -> String {
    let seeds = study.seeds.len();
    let all: Vec<String> = lags(study)
        .map(|(lag, words)| {
            let (after, before) = (lag.after, lag.before);
            format!("before {words} on {after} of {seeds} seeds (after it on {before})")
        })
        .collect();
    format!(
        "The walk to the corner is certainly learnt {}.",
        all.join("; ")
    )
}

/// All of it.
pub fn learnt(study: &Study) -> String {
    let (summary, seeds) = (&study.summary, study.seeds.len());
    let phases = &summary.phases;
    let onset = |rate: Rate| {
        let found = phases.onsets.iter().find(|(of, _)| *of == rate);
        found.map_or(NONE.into(), |(_, over)| share(over.as_ref()))
    };
    let lag = |rate: Rate| -> Option<&LagOver> { phases.lags.iter().find(|lag| lag.to == rate) };
    let rows = Rate::ALL.iter().map(|&rate| {
        let learnt = study.seeds.iter().filter(|one| one.rises[rate].is_learnt);
        let found = lag(rate).and_then(|lag| lag.lag.as_ref());
        vec![
            format!("{}: {}", rate.name(), rate.meaning()),
            share(summary.floor.get(rate as usize)),
            share(summary.base.get(rate as usize)),
            format!("{}/{seeds}", learnt.count()),
            onset(rate),
            maybe(found),
            p(found.and_then(|found| found.p)),
        ]
    });
    format!(
        "When: the share of training at which 90 % of the rise is reached, and how long after the walk to the corner (balanced over \
         the moves that are needed). Learnt: the rise is at least a tenth, certainly. {} % of training levels are no larger \
         than the region, so that their cheese is anywhere.\n\n{}",
        fixed(100.0 * study.anywhere_share, 0),
        table(
            &[
                "rate",
                "untrained",
                "trained",
                "learnt on",
                "when",
                "after the corner",
                "p"
            ],
            rows
        ),
    )
}
