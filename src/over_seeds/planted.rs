//! Planted truth: what every locator finds where the answer is known.
//!
//! Made-up matrices (`locators::planted`), and a policy trained with gradient routing: transitions
//! outside of the region move one half of every layer, those inside the other (`ppo::routing`). On it
//! the claims' sets are these halves. And policies of two halves that were trained apart
//! ([`crate::over_seeds::composed`]).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ablate::selectivity::LEAST_RISE;
use crate::ablate::{Rate, Split, edit};
use crate::experiment::stages::Invocation;
use crate::experiment::{Error, Progress, Resolved, train};
use crate::findings::results::Curves;
use crate::locators::calibration;
use crate::locators::{self, Decompositions, Locator, Supervision};
use crate::numeric::statistics::roc_area;
use crate::numeric::sum::mean;
use crate::ppo::routing;
use crate::storage::{Access, RunDir};

use crate::over_seeds::composed::{self, Composed};
use crate::protocol::bench::Bench;
use crate::protocol::history::History;

/// What the locators found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibration {
    /// On made-up matrices.
    pub synthetic: Vec<calibration::Calibration>,
    /// On the policy with routed gradients.
    pub routed: Vec<Routed>,
    /// What that policy learnt.
    pub curves: Curves,
    /// By how much S2 and S5 rose in its training, on curve levels.
    pub learnt: [f64; 2],
    /// Losses on selection levels where the half that moved in the region is reset, and where the
    /// other is, in the order of `Rate::ALL`: whether the halves serve what they learnt from.
    pub halves: [[f64; 7]; 2],
    /// On policies put together from two halves that were trained apart.
    #[serde(default)]
    pub composed: Vec<Composed>,
}

impl Calibration {
    /// The locators that missed an easy plant; where made-up matrices say nothing, the halves of the
    /// composed policies on average, or of the routed one.
    pub fn missed(&self) -> Vec<&str> {
        let mut missed = calibration::uncalibrated(&self.synthetic);
        let low = |areas: [f64; 2]| areas.iter().any(|&area| area < calibration::AREA_MIN);
        let is_missed = |one: &&Routed| match self.composed_areas(&one.locator) {
            Some([a, b]) => low([mean(&a), mean(&b)]),
            None => self.took() && one.areas.is_none_or(low),
        };
        let found = self.only_routed().filter(is_missed);
        missed.extend(found.map(|one| one.locator.as_str()));
        missed
    }

    /// The locators that only a policy can be asked about, where there was none with both behaviours:
    /// there is nothing to find.
    pub fn untested(&self) -> Vec<&str> {
        let untested = self
            .only_routed()
            .filter(|one| !self.took() && self.composed_areas(&one.locator).is_none());
        untested.map(|one| one.locator.as_str()).collect()
    }

    /// The areas of a locator on the composed policies that learnt both behaviours, for A and for B; none
    /// where it was not asked, or there is none.
    pub fn composed_areas(&self, locator: &str) -> Option<[Vec<f64>; 2]> {
        let sound = self.composed.iter().filter(|composed| composed.took());
        let areas = sound.filter_map(|composed| {
            let mut located = composed.located.iter();
            located.find(|one| one.locator == locator)?.areas
        });
        let areas: Vec<[f64; 2]> = areas.collect();
        let of = |claim: usize| areas.iter().map(|areas| areas[claim]).collect();
        (!areas.is_empty()).then(|| [of(0), of(1)])
    }

    /// Whether the routed policy learnt both behaviours.
    fn took(&self) -> bool {
        self.learnt.iter().all(|&rise| rise >= LEAST_RISE)
    }

    fn only_routed(&self) -> impl Iterator<Item = &Routed> {
        self.routed.iter().filter(|one| {
            let mut rows = self.synthetic.iter();
            !rows.any(|row| row.locator == one.locator && row.areas.is_some())
        })
    }
}

/// One locator on the policy with routed gradients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Routed {
    /// The locator.
    pub locator: String,
    /// What it was told.
    pub supervision: Supervision,
    /// For A: the half that moved in the region; for B: the other. None where it says nothing.
    pub areas: Option<[f64; 2]>,
}

/// Calibrates every locator, or reads what was found before.
///
/// # Errors
/// What training or a locator refuses.
pub fn calibrate(
    resolved: &Resolved,
    invocation: &Invocation,
    run: &RunDir,
    every: Duration,
    progress: &mut dyn Progress,
) -> Result<Calibration, Error> {
    let mut config = resolved.config.clone();
    config.ppo.routing = true;
    config.ppo.total_updates = config.study.planted_updates;
    // A maze no larger than the region is all inside of it.
    let larger = config.env.region + 1 + config.env.region % 2;
    config.env.min_maze_dim = config.env.min_maze_dim.max(larger.min(config.env.world));
    config.seed = config.study.first_seed + config.study.seeds;
    let planted = resolved.with_config(config);
    crate::over_seeds::inside(&planted, invocation, run, "planted", |inner| {
        crate::over_seeds::remembered(inner, "calibration.json", &planted, |inner| {
            let mut trained_apart = resolved.config.clone();
            trained_apart.seed = planted.config.seed;
            let mut found = find(&planted, inner, invocation.access, every, progress)?;
            // Those that made-up matrices say something about are left out.
            let is_asked = |locator: &dyn Locator| {
                let mut rows = found.synthetic.iter();
                !rows.any(|row| row.locator == locator.name() && row.areas.is_some())
            };
            let composed = composed::find(&trained_apart, &locators::all(), is_asked, progress)?;
            found.composed = composed;
            Ok(found)
        })
    })
}

fn find(
    resolved: &Resolved,
    run: &RunDir,
    access: Access,
    every: Duration,
    progress: &mut dyn Progress,
) -> Result<Calibration, Error> {
    let config = &resolved.config;
    let all = locators::all();
    progress.begin("locators on made-up matrices", 1);
    let synthetic = calibration::calibrate(&all, config.seed)?;
    progress.advance(1, "done");
    let trained = train::train(config, run, every, progress)?;
    let history = History::open(config, run, access, &trained)?;
    let decompositions = Decompositions::default();
    let seen = history.run(config, &decompositions);
    let inside = routing::inside(&history.network.layout);
    let outside: Vec<bool> = inside.iter().map(|is_inside| !is_inside).collect();
    progress.begin("locators on routed gradients", all.len() as u64);
    let mut routed = Vec::new();
    for locator in &all {
        let located = locator.locate(&seen)?;
        let area = |scores: &[f64], set: &[bool]| roc_area(scores, set).unwrap_or(0.5);
        routed.push(Routed {
            locator: locator.name().into(),
            supervision: locator.supervision(),
            areas: located.map(|found| {
                [
                    area(&found.scores[0], &inside),
                    area(&found.scores[1], &outside),
                ]
            }),
        });
        progress.advance(routed.len() as u64, locator.name());
    }
    let policy = history.policy();
    let selection = Bench::new(
        config,
        &policy,
        Split::Selection,
        config.study.selection_levels,
    )?;
    let lost = |half: &Vec<bool>| {
        let indices: Vec<usize> = (0..half.len()).filter(|&index| half[index]).collect();
        let reset = edit::reset(policy.theta, policy.theta_0, &indices);
        Ok::<[f64; 7], Error>(selection.losses(&reset)?.0)
    };
    let halves = [lost(&inside)?, lost(&outside)?];
    let rise = |rate: Rate| {
        let curve = &trained.curves.rates[rate.index()];
        let share = |k: Option<&u64>| k.map_or(0.0, |&k| k as f64 / curve.count as f64);
        share(curve.successes.last()) - share(curve.successes.first())
    };
    let learnt = [rise(Rate::S2), rise(Rate::S5)];
    Ok(Calibration {
        composed: Vec::new(),
        halves,
        learnt,
        curves: trained.curves,
        synthetic,
        routed,
    })
}
