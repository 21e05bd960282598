//! What the agent learns, and when.

use crate::ablate::Rate;
use crate::findings::{LagOver, Study};
use crate::report::number::{NONE, capital, fixed, plural};
use crate::report::tables::{maybe, p, share, table, with_interval};

/// The answer.
pub fn sentence(study: &Study) -> String {
    let lags = study.summary.phases.lags.iter();
    let lags = lags.filter(|lag| Rate::IN.contains(&lag.to)).map(|lag| {
        match &lag.lag {
            None => format!("{}: it or the corner did not rise", lag.to.name()),
            Some(over) => format!(
                "{}: {} of training from the walk to the corner to it (over {} on which both rose; certainly after the corner on {} of them, \
                 before it on {})",
                lag.to.name(),
                with_interval(over),
                plural(over.values.len(), "seed"),
                lag.after,
                lag.before
            ),
        }
    });
    let lags: Vec<String> = lags.collect();
    let text = match lags.is_empty() {
        true => "Not asked".into(),
        false => capital(&lags.join("; ")),
    };
    format!("**Is the corner learnt before the cheese?** {text}.")
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
