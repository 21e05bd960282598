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
use crate::findings::{Findings, Over, Phases, Summary};
use crate::locators::Group;
use crate::numeric::draws;

/// Summarises the seeds.
pub fn summarise(seeds: &[Findings], config: &Config) -> Summary {
    let mut index = 0;
    let mut over = |values: Vec<f64>| {
        index += 1;
        over_of(values, draws::PREMISE_OVER.stream(config.seed, index))
    };
    let lag = |one: &Findings| Some(one.phases[1]? - one.phases[0]?);
    let phases = Phases {
        corner: over(seeds.iter().filter_map(|one| one.phases[0]).collect()),
        cheese: over(seeds.iter().filter_map(|one| one.phases[1]).collect()),
        lag: over(seeds.iter().filter_map(lag).collect()),
        apart: seeds
            .iter()
            .filter(|one| one.curves.lag.is_some_and(|lag| lag.interval.0 > 0.0))
            .count(),
    };
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
