//! What the frozen choices do on test levels.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::bench::Bench;
use super::edit::Tried;
use super::freeze::{self, Choice};
use super::trained_policy::{TrainedPolicy, distance};
use crate::ablate::recipe::Recipe;
use crate::ablate::resample::{DRAWS, interval};
use crate::ablate::selectivity::is_learnt;
use crate::ablate::{Claim, Drawn, PerRate, Rate, Resampling, Split};
use crate::experiment::{Config, Error, Progress};
use crate::findings::{Above, Claimed, DoseResponse, Rise};

/// Of the bootstrap's draws over mazes, those of selectivity that are written down, for the bootstrap over seeds.
const KEPT: usize = 200;

/// Test levels, with the draws of mazes behind every interval.
pub struct TestLevels<'a> {
    bench: Bench<'a>,
    policy: TrainedPolicy<'a>,
    step_doses: Vec<f64>,
    resampling: Resampling,
    drawn: Drawn,
    /// What training gained.
    pub rises: PerRate<Rise>,
}

impl<'a> TestLevels<'a> {
    /// The test levels of these settings.
    ///
    /// # Errors
    /// Levels that cannot be made, or a policy that is not finite.
    pub fn new(config: &Config, policy: &TrainedPolicy<'a>) -> Result<Self, Error> {
        let bench = Bench::new(config, policy, Split::Test, config.ablate.test_levels)?;
        // The same draws of mazes for every seed of a study: all are measured on the same mazes.
        let mazes = config.study.first_seed;
        let resampling = Resampling::new(&bench.tasks.seeds(), DRAWS, mazes);
        let drawn = Drawn::new(&bench.reference, &resampling);
        let rises = PerRate::new(|rate| {
            let (value, interval) = (bench.reference.rise(rate), drawn.rise(rate));
            Rise {
                rate,
                value,
                interval,
                is_learnt: is_learnt(value, interval),
            }
        });
        Ok(Self {
            bench,
            policy: *policy,
            step_doses: config.ablate.step_doses.clone(),
            resampling,
            drawn,
            rises,
        })
    }

    /// Exact rates of the unedited policy.
    pub fn base(&self) -> PerRate<f64> {
        PerRate::new(|rate| self.bench.reference.base.rate(rate))
    }

    /// Exact rates of the untrained policy.
    pub fn floor(&self) -> PerRate<f64> {
        PerRate::new(|rate| self.bench.reference.floor.rate(rate))
    }

    /// Measures the frozen choices.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn claims(
        &self,
        choices: &[Choice],
        tried: &[Tried],
        progress: &mut dyn Progress,
    ) -> Result<Vec<Claimed>, Error> {
        let total = self.policy.displacement();
        progress.begin("measuring on test levels", choices.len() as u64);
        let mut claims: Vec<Claimed> = Vec::new();
        let mut measured = BTreeMap::new();
        for (index, choice) in choices.iter().enumerate() {
            progress.stop_if_interrupted("the measurement on test levels")?;
            let recipe = &tried[choice.place].edit.recipe;
            let found = match measured.entry(choice.place) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(self.bench.measure_edited(recipe)?),
            };
            let reference = &self.bench.reference;
            let losses = reference.losses(found, &self.resampling, &self.drawn);
            let claim = choice.frozen.claim;
            let at = claim as usize;
            let inside = |rate: Rate| {
                let at = rate as usize;
                (losses.values[at], losses.intervals[at])
            };
            let edited = self.policy.edited(recipe);
            claims.push(Claimed {
                frozen: choice.frozen.clone(),
                length: distance(&edited, self.policy.theta) / total,
                rates: PerRate::new(|rate| found.rate(rate)),
                losses: PerRate::new(|rate| losses.values[rate as usize]),
                intervals: PerRate::new(|rate| losses.intervals[rate as usize]),
                selectivity: losses.selectivity[at],
                interval: losses.selectivity_intervals[at],
                draws: losses.selectivity_draws[at]
                    .iter()
                    .map(|&draw| rounded(draw, losses.selectivity[at]))
                    .collect(),
                succeeds: self.can_be_judged(claim) && claim.succeeds(&inside),
                above: None,
                controls: None,
            });
            progress.advance(index as u64 + 1, &choice.frozen.family.name());
        }
        let above = claims.iter().map(|one| least_above(one, &claims));
        let above: Vec<Option<Above>> = above.collect();
        for (one, above) in claims.iter_mut().zip(above) {
            one.above = above;
            one.draws.truncate(KEPT);
        }
        Ok(claims)
    }

    fn can_be_judged(&self, claim: Claim) -> bool {
        claim.can_be_judged(&|rate| self.rises[rate].is_learnt)
    }

    /// The chosen steps along components and along random directions, each at all of its doses.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn doses(
        &self,
        choices: &[Choice],
        tried: &[Tried],
        progress: &mut dyn Progress,
    ) -> Result<Vec<DoseResponse>, Error> {
        let mut chosen: Vec<&Tried> = Vec::new();
        for choice in choices {
            let one = &tried[choice.place];
            let is_shown = freeze::is_chosen(choices, choice);
            let is_step = one.edit.family.is_step_in_span();
            if is_step && is_shown && !chosen.iter().any(|other| is_same(other, one)) {
                chosen.push(one);
            }
        }
        progress.begin("growing doses on test levels", chosen.len() as u64);
        let mut responses: Vec<DoseResponse> = Vec::new();
        let doses = &self.step_doses;
        for one in chosen {
            progress.stop_if_interrupted("the measurement of doses")?;
            let Recipe::Step(direction, _) = &one.edit.recipe else {
                continue;
            };
            let mut signed: Vec<f64> = doses.iter().flat_map(|&dose| [dose, -dose]).collect();
            signed.sort_by(f64::total_cmp);
            let mut response = DoseResponse {
                family: one.edit.family,
                member: one.edit.member.words(),
                doses: Vec::new(),
                rates: Vec::new(),
                intervals: Vec::new(),
            };
            for dose in signed {
                let step = Recipe::Step(direction.clone(), dose * self.policy.displacement());
                let measured = self.bench.measure_edited(&step)?;
                response.doses.push(dose);
                let intervals = self.resampling.intervals(&measured);
                response
                    .intervals
                    .push(PerRate::new(|rate| intervals[rate as usize]));
                response
                    .rates
                    .push(PerRate::new(|rate| measured.rate(rate)));
            }
            responses.push(response);
            progress.advance(responses.len() as u64, "");
        }
        Ok(responses)
    }
}

/// Against that of its rivals above which a choice is least: the lower end of the interval of the difference decides. None where it has none.
fn least_above(one: &Claimed, all: &[Claimed]) -> Option<Above> {
    if !one.frozen.role.is_compared() {
        return None;
    }
    let above = |rival: &&Claimed| {
        let pairs = one.draws.iter().zip(&rival.draws);
        Above {
            rival: rival.frozen.family,
            difference: one.selectivity - rival.selectivity,
            interval: interval(pairs.map(|(&own, &other)| f64::from(own) - f64::from(other))),
        }
    };
    let rivals = one.rivals(all);
    let all = rivals.iter().map(above);
    all.min_by(|a, b| a.interval.0.total_cmp(&b.interval.0))
}

/// Whether two steps are along the same direction.
fn is_same(a: &Tried, b: &Tried) -> bool {
    a.edit.family == b.edit.family && a.edit.member == b.edit.member
}

/// Four decimals: what a bootstrap draw is worth. One that took no level of some rate, as happens
/// with a handful of levels, is the estimate.
fn rounded(draw: f64, estimate: f64) -> f32 {
    let draw = if draw.is_finite() { draw } else { estimate };
    ((draw * 1e4).round() / 1e4) as f32
}
