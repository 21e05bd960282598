//! Over the seeds: means with intervals, exact sign-flip tests, Holm over claims and methods.
//!
//! Hypotheses, whose p-values Holm adjusts together, are those of the proposal alone: steps along single
//! components, and the gradient SVD's sets by time, projected off or reset, for both claims. All other
//! p-values explore, and are given as they are.
//!
//! A mean's interval is the hierarchical bootstrap's: seeds with replacement, and within a seed its
//! bootstrap over mazes where there is one. The sign-flip test of n seeds cannot give less than
//! `2^(1 - n)`.

use super::families::families;
use super::over::over as over_of;
use super::question::question;
use super::ranking::{pairs, ranking};
use super::time::{retraining, temporal};
use crate::ablate::{Claim, PerClaim, PerRate, Rate};
use crate::experiment::Config;
use crate::findings::{Findings, LagOver, Over, PHASES, Phases, Summary, other_phases};
use crate::locators::Group;
use crate::numeric::draws;

/// Summarises the seeds.
pub fn summarise(seeds: &[Findings], config: &Config) -> Summary {
    let mut index = 0;
    let mut over = |values: Vec<f64>| {
        index += 1;
        over_of(values, draws::PREMISE_OVER.stream(config.seed, index))
    };
    let phases = phases(seeds, &mut over);
    let mut rates = |of: fn(&Findings) -> &PerRate<f64>| -> Vec<Over> {
        let rate = |rate: Rate| over(seeds.iter().map(|one| of(one)[rate]).collect());
        Rate::ALL.into_iter().filter_map(rate).collect()
    };
    let (base, floor) = (rates(|one| &one.base), rates(|one| &one.floor));
    let judged = PerClaim::new(|claim: Claim| {
        let learnt = |one: &&Findings| claim.can_be_judged(&|rate| one.rises[rate].is_learnt);
        seeds.iter().filter(learnt).count()
    });
    Summary {
        phases,
        base,
        floor,
        judged,
        ranking: ranking(seeds, config.seed),
        pairs: pairs(
            seeds,
            Group::Weights,
            config.seed,
            draws::WEIGHTS_PAIRS_OVER,
        ),
        families: families(seeds, config.seed),
        temporal: temporal(seeds, config.seed),
        retraining: retraining(seeds, config.seed),
        question: question(seeds, config),
    }
}

/// When the behaviours were learnt.
fn phases(seeds: &[Findings], over: &mut dyn FnMut(Vec<f64>) -> Option<Over>) -> Phases {
    let mut onset = |rate: Rate| {
        let shares = seeds.iter().filter_map(|one| one.curves.share(rate));
        (rate, over(shares.collect()))
    };
    let onsets = PHASES.map(&mut onset).into();
    let mut lag_over = |to: Rate| {
        let lag = |one: &Findings| Some(one.curves.share(to)? - one.curves.share(Rate::Corner)?);
        let certain = |is_certain: fn((f64, f64)) -> bool| {
            let lags = seeds.iter().filter_map(|one| one.curves.lag(to));
            lags.filter(|lag| is_certain(lag.interval)).count()
        };
        LagOver {
            to,
            lag: over(seeds.iter().filter_map(lag).collect()),
            after: certain(|(low, _)| low > 0.0),
            before: certain(|(_, high)| high < 0.0),
        }
    };
    Phases {
        lags: other_phases().map(&mut lag_over).collect(),
        onsets,
    }
}
