//! Over the seeds: means with intervals, exact sign-flip tests, Holm over claims and methods.
//!
//! Hypotheses, whose p-values Holm adjusts together, are those of the proposal alone: steps along single
//! components, and the gradient SVD's sets by time, projected off or reset, for both claims. All other
//! p-values explore, and are given as they are.
//!
//! A mean's interval is the hierarchical bootstrap's: seeds with replacement, and within a seed its
//! bootstrap over mazes where there is one. The sign-flip test of n seeds cannot give less than
//! `2^(1 - n)`.

use serde::{Deserialize, Serialize};

use crate::ablate::{Claim, Rate};
use crate::experiment::Config;
use crate::findings::results::Role;
use crate::locators::{ORACLE, Supervision};
use crate::numeric::sum::mean;

use crate::over_seeds::over::{Over, adjust};
use crate::over_seeds::question::{GRADIENTS, Question, question};
use crate::protocol::claims::Claimed;
use crate::protocol::currency::{Currency, Curve};
use crate::protocol::edits::{MATCHED, RANDOM_STEER, RANDOM_STEP, RESET, STEER, STEP};
use crate::protocol::seed::Findings;

/// When the behaviours were learnt: the premise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Phases {
    /// t_corner, as a share of training.
    pub corner: Option<Over>,
    /// t_cheese.
    pub cheese: Option<Over>,
    /// t_cheese - t_corner.
    pub lag: Option<Over>,
    /// Seeds whose own interval of the lag is above 0.
    pub apart: usize,
}

/// A locator in the common currency, for one claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ranked {
    /// Its name.
    pub locator: String,
    /// What it scores.
    pub meaning: String,
    /// What it was told.
    pub supervision: Supervision,
    /// Area under selectivity against ln q.
    pub area: Over,
    /// The same of as many random parameters of every tensor.
    pub random: f64,
    /// Area above random, by seed.
    pub above: Over,
    /// p of `above`, adjusted (Holm) over the gradient SVDs and both claims; none for others.
    pub p_adjusted: Option<f64>,
    /// Area above random as a share of the oracle's, where the oracle's is certainly above 0.
    pub oracle_share: Option<f64>,
    /// Mean seconds a seed.
    pub seconds: f64,
}

/// A family of edits, for one claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Family {
    /// Its name.
    pub family: String,
    /// What it is to the claim.
    pub role: Role,
    /// What its choice was told.
    pub supervision: Supervision,
    /// Seeds on which it was tried.
    pub seeds: usize,
    /// Seeds on which it meets the rule of success.
    pub successes: usize,
    /// Selectivity on test levels.
    pub selectivity: Over,
    /// How far inside the rule of success (the number it was chosen by) on test levels, minus that of
    /// its control, seed by seed: the best of as many random in-span steps as components were
    /// tried, for resets the best of as many random parameters of every tensor. None for controls.
    pub above_control: Option<Over>,
    /// p of `above_control`, adjusted (Holm) over the hypotheses and both claims; none for others.
    pub p_adjusted: Option<f64>,
    /// Members, signs and doses it was chosen from, on the first seed.
    pub candidates: usize,
    /// Mean losses, in the order of `Rate::ALL`.
    pub losses: [f64; 7],
    /// Seeds on which random controls at its dose came as far inside the rule in fewer than one case in
    /// twenty, the doses it was chosen from counted in (a union bound), and seeds with such controls.
    /// None for steps along single components, of which too many were tried for that bound.
    pub beyond_controls: Option<(usize, usize)>,
}

/// The temporal claim, for one decomposition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TemporalRow {
    /// Which decomposition.
    pub decomposition: String,
    /// Rank correlation of temporal index and (S5 loss - S2 loss).
    pub correlation: Option<Over>,
    /// The same on the behavioural axis.
    pub behavioural: Option<Over>,
    /// Mean effect of the early set minus that of the late set.
    pub difference: Option<Over>,
    /// Seeds on which that is beyond 95 % of random in-span sets, and seeds where it was tested.
    pub beyond_random: (usize, usize),
    /// Labelled components over all seeds: early, late.
    pub labelled: Option<[usize; 2]>,
}

/// Two locators in the common currency, seed by seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pair {
    /// The claim.
    pub claim: Claim,
    /// The locator that reads gradients.
    pub gradients: String,
    /// The one that does not.
    #[serde(alias = "weights")]
    pub other: String,
    /// Area of the first minus area of the second.
    pub difference: Over,
    /// Its p, adjusted (Holm) over all pairs.
    pub p_adjusted: Option<f64>,
}

/// Training again with a set of components projected out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RetrainedRow {
    /// "early", "late", "random".
    pub set: String,
    /// Before the optimiser or after it.
    pub when: String,
    /// Updates made, by seed.
    pub updates: Vec<u64>,
    /// S5 with the projection minus S5 without.
    pub corner: Over,
    /// S2 with the projection minus S2 without.
    pub cheese: Over,
}

/// Over the seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// The premise.
    pub phases: Phases,
    /// Exact rates on test levels of the trained policies, in the order of `Rate::ALL`.
    pub base: Vec<Over>,
    /// Of the untrained ones.
    pub floor: Vec<Over>,
    /// Seeds on which either claim can be judged.
    pub judged: [usize; 2],
    /// The common currency, best first, for A and for B.
    pub ranking: [Vec<Ranked>; 2],
    /// The readers' first question: gradients or weights.
    pub pairs: Vec<Pair>,
    /// Every family of edits, best first, for A and for B.
    pub families: [Vec<Family>; 2],
    /// The temporal claim.
    pub temporal: Vec<TemporalRow>,
    /// Training again with components projected out.
    pub retraining: Vec<RetrainedRow>,
    /// The readers' second question.
    #[serde(default)]
    pub question: Question,
}

/// Summarises the seeds.
pub fn summarise(seeds: &[Findings], config: &Config) -> Summary {
    let mut index = 0;
    let mut over = |values: Vec<f64>| {
        index += 1;
        Over::of(values, (config.seed, index))
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
    let mut rates = |of: fn(&Findings) -> &[f64; 7]| -> Vec<Over> {
        let rate = |rate: usize| over(seeds.iter().map(|one| of(one)[rate]).collect());
        (0..7).filter_map(rate).collect()
    };
    let (base, floor) = (rates(|one| &one.base), rates(|one| &one.floor));
    let judged = Claim::ALL.map(|claim| {
        let learnt =
            |one: &&Findings| claim.can_be_judged(&|rate| one.rises[rate.index()].is_learnt);
        seeds.iter().filter(learnt).count()
    });
    Summary {
        phases,
        base,
        floor,
        judged,
        ranking: ranking(seeds, config.seed),
        pairs: pairs(seeds, (&GRADIENTS, &WEIGHTS), (config.seed, 1 << 45)),
        families: families(seeds, config.seed),
        temporal: temporal(seeds, config.seed),
        retraining: retraining(seeds, config.seed),
        question: question(seeds, config),
    }
}

/// What a locator says where no component has the phase that is asked for.
pub const NOTHING: &str = "no component";

/// The locators in the order in which seeds have them.
fn locators(seeds: &[Findings]) -> Vec<&Currency> {
    let mut all: Vec<&Currency> = Vec::new();
    for one in seeds.iter().flat_map(|one| &one.currency) {
        if !all.iter().any(|other| other.locator == one.locator) {
            all.push(one);
        }
    }
    all
}

fn ranking(seeds: &[Findings], seed: u64) -> [Vec<Ranked>; 2] {
    let mut ranking: [Vec<Ranked>; 2] = [Vec::new(), Vec::new()];
    for (number, first) in locators(seeds).into_iter().enumerate() {
        for (claim, ranked) in ranking.iter_mut().enumerate() {
            let all: Vec<_> = seeds
                .iter()
                .filter_map(|one| one.currency.iter().find(|c| c.locator == first.locator))
                .filter(|one| one.found[claim] != NOTHING)
                .collect();
            let values = |of: &dyn Fn(&Curve) -> f64| -> Vec<f64> {
                all.iter().map(|one| of(&one.curves[claim])).collect()
            };
            let place = |kind: u64| {
                let index = 1 << 20 | (number as u64) << 4 | kind << 1 | claim as u64;
                (seed, index)
            };
            let (Some(area), Some(above)) = (
                Over::of(values(&|curve| curve.area), place(0)),
                Over::of(values(&|curve| curve.area - curve.random_area), place(1)),
            ) else {
                continue;
            };
            ranked.push(Ranked {
                locator: first.locator.clone(),
                meaning: first.meaning.clone(),
                supervision: first.supervision,
                area,
                random: mean(&values(&|curve| curve.random_area)),
                above,
                p_adjusted: None,
                oracle_share: None,
                seconds: mean(&all.iter().map(|one| one.seconds).collect::<Vec<f64>>()),
            });
        }
    }
    let tested = ranking.iter_mut().flatten();
    let tested = tested.filter(|one| GRADIENTS.contains(&one.locator.as_str()));
    adjust(tested.map(|one| (one.above.p, &mut one.p_adjusted)));
    for ranked in &mut ranking {
        let oracle = ranked.iter().find(|one| one.locator == ORACLE);
        let is_sure = |one: &&Ranked| one.above.interval.is_some_and(|(low, _)| low > 0.0);
        if let Some(reach) = oracle.filter(is_sure).map(|one| one.above.mean) {
            for one in ranked.iter_mut() {
                one.oracle_share = Some(one.above.mean / reach);
            }
        }
        ranked.sort_by(|a, b| b.area.mean.total_cmp(&a.area.mean));
    }
    ranking
}

/// Who reads weights.
const WEIGHTS: [&str; 3] = ["weights SVD", "displacement SVD", "trajectory PCA"];

/// Areas of the first minus areas of the others, seed by seed, with Holm over all of them.
pub(super) fn pairs(
    seeds: &[Findings],
    (gradients, others): (&[&str], &[&str]),
    (seed, first_index): (u64, u64),
) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (place, claim) in Claim::ALL.into_iter().enumerate() {
        for gradients in gradients {
            for other in others {
                let area = |one: &Findings, name: &str| {
                    let mut found = one.currency.iter();
                    let found = found.find(|c| c.locator == name)?;
                    (found.found[place] != NOTHING).then_some(found.curves[place].area)
                };
                let difference = |one: &Findings| Some(area(one, gradients)? - area(one, other)?);
                let values = seeds.iter().filter_map(difference).collect();
                let index = first_index + pairs.len() as u64;
                if let Some(difference) = Over::of(values, (seed, index)) {
                    pairs.push(Pair {
                        claim,
                        gradients: (*gradients).into(),
                        other: (*other).into(),
                        difference,
                        p_adjusted: None,
                    });
                }
            }
        }
    }
    let tested = pairs.iter_mut();
    adjust(tested.map(|pair| (pair.difference.p, &mut pair.p_adjusted)));
    pairs
}

fn families(seeds: &[Findings], seed: u64) -> [Vec<Family>; 2] {
    let find = |one: &Findings, claim: Claim, family: &str, role: Role| -> Option<Claimed> {
        let mut claims = one.claims.iter();
        let found = claims.find(|c| {
            c.frozen.claim == claim && c.frozen.family == family && c.frozen.role == role
        });
        found.cloned()
    };
    let mut families: [Vec<Family>; 2] = [Vec::new(), Vec::new()];
    for (place, claim) in Claim::ALL.into_iter().enumerate() {
        let mut keys: Vec<(String, Role)> = seeds
            .iter()
            .flat_map(|one| &one.claims)
            .filter(|c| c.frozen.claim == claim)
            .map(|c| (c.frozen.family.clone(), c.frozen.role))
            .collect();
        keys.sort();
        keys.dedup();
        for (number, (family, role)) in keys.into_iter().enumerate() {
            let all: Vec<(&Findings, Claimed)> = seeds
                .iter()
                .filter_map(|one| Some((one, find(one, claim, &family, role)?)))
                .filter(|(_, own)| own.frozen.member != NOTHING)
                .collect();
            let control = match family.strip_suffix(RESET) {
                Some(locator) => format!("{locator}{MATCHED}"),
                None if family == STEER => RANDOM_STEER.into(),
                None => RANDOM_STEP.into(),
            };
            let above = all.iter().filter_map(|(one, own)| {
                let control = find(one, claim, &control, Role::Control)?;
                let margin = |one: &Claimed| claim.margin(&|rate| one.losses[rate.index()]);
                Some(margin(own) - margin(&control))
            });
            let above: Vec<f64> = above.collect();
            let draws = |c: &Claimed| c.draws.iter().map(|&d| f64::from(d)).collect::<Vec<f64>>();
            let groups: Vec<Vec<f64>> = all.iter().map(|(_, c)| draws(c)).collect();
            let index = |kind: u64| {
                let index = 1 << 30 | (number as u64) << 4 | kind << 1 | place as u64;
                (seed, index)
            };
            let selectivity = all.iter().map(|(_, c)| c.selectivity).collect();
            let Some(selectivity) = Over::of_groups(selectivity, &groups, index(0)) else {
                continue;
            };
            let losses = std::array::from_fn(|rate| {
                mean(
                    &all.iter()
                        .map(|(_, c)| c.losses[rate])
                        .collect::<Vec<f64>>(),
                )
            });
            let controls = all.iter().filter(|_| family != STEP);
            let controls: Vec<f64> = controls
                .filter_map(|(_, c)| Some(c.controls?.p_chosen))
                .collect();
            let is_compared = matches!(role, Role::Practical | Role::Predicted);
            families[place].push(Family {
                successes: all.iter().filter(|(_, c)| c.succeeds).count(),
                seeds: all.len(),
                supervision: all[0].1.frozen.supervision,
                above_control: is_compared.then(|| Over::of(above, index(1))).flatten(),
                p_adjusted: None,
                candidates: all[0].1.frozen.candidates,
                beyond_controls: (!controls.is_empty()).then(|| {
                    let beyond = controls.iter().filter(|&&p| p < 0.05).count();
                    (beyond, controls.len())
                }),
                family,
                role,
                selectivity,
                losses,
            });
        }
    }
    let tested = families.iter_mut().flatten();
    adjust(tested.filter(|one| is_hypothesis(one)).map(|one| {
        let p = one.above_control.as_ref().and_then(|above| above.p);
        (p, &mut one.p_adjusted)
    }));
    for family in &mut families {
        family.sort_by(|a, b| b.selectivity.mean.total_cmp(&a.selectivity.mean));
    }
    families
}

/// Whether it is one of the proposal's own: a single component's step, or the gradient SVD's set for
/// the claim.
pub fn is_hypothesis(family: &Family) -> bool {
    match family.role {
        Role::Practical => family.family == STEP,
        Role::Predicted => GRADIENTS.iter().any(|name| {
            let edit = family.family.strip_prefix(name);
            edit.is_some_and(|edit| edit.starts_with(": "))
        }),
        Role::Swapped | Role::Control => false,
    }
}

fn temporal(seeds: &[Findings], seed: u64) -> Vec<TemporalRow> {
    let first = seeds.first().map_or(&[][..], |one| &one.temporal);
    let row = |(number, named): (usize, &crate::protocol::temporal::Temporal)| {
        let all: Vec<_> = seeds
            .iter()
            .filter_map(|one| {
                let mut found = one.temporal.iter();
                found.find(|t| t.decomposition == named.decomposition)
            })
            .collect();
        let over = |kind: u64, of: &dyn Fn(&crate::protocol::temporal::Temporal) -> Option<f64>| {
            let index = (seed, 1 << 40 | (number as u64) << 4 | kind);
            Over::of(all.iter().filter_map(|one| of(one)).collect(), index)
        };
        let p: Vec<f64> = all.iter().filter_map(|one| one.p).collect();
        let labelled = (number < 2)
            .then(|| [0, 1].map(|which| seeds.iter().map(|one| one.labelled[number][which]).sum()));
        TemporalRow {
            decomposition: named.decomposition.clone(),
            correlation: over(0, &|one| one.correlation),
            behavioural: over(1, &|one| one.behavioural_correlation),
            difference: over(2, &|one| one.difference),
            beyond_random: (p.iter().filter(|&&p| p < 0.05).count(), p.len()),
            labelled,
        }
    };
    first.iter().enumerate().map(row).collect()
}

fn retraining(seeds: &[Findings], seed: u64) -> Vec<RetrainedRow> {
    let first = seeds.first().map_or(&[][..], |one| &one.retraining);
    let row = |(number, like): (usize, &crate::protocol::retrain::Retrained)| {
        let all: Vec<_> = seeds
            .iter()
            .flat_map(|one| &one.retraining)
            .filter(|one| one.set == like.set && one.when == like.when)
            .collect();
        let over = |kind: u64, rate: Rate| {
            let change = |one: &&crate::protocol::retrain::Retrained| {
                one.with[rate.index()] - one.without[rate.index()]
            };
            let index = (seed, 1 << 44 | (number as u64) << 4 | kind);
            Over::of(all.iter().map(change).collect(), index)
        };
        Some(RetrainedRow {
            set: like.set.clone(),
            when: like.when.clone(),
            updates: all.iter().map(|one| one.updates).collect(),
            corner: over(0, Rate::S5)?,
            cheese: over(1, Rate::S2)?,
        })
    };
    first.iter().enumerate().filter_map(row).collect()
}
