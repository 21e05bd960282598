//! Planted truth: what every locator finds where the answer is known.
//!
//! Made-up matrices (`locators::planted`), and a policy trained with gradient routing: transitions
//! outside of the region move one half of every layer, those inside the other (`ppo::routing`). On it
//! the claims' sets are these halves. And policies of two halves that were trained apart
//! ([`crate::over_seeds::composed`]).

use std::sync::Arc;
use std::time::Duration;

use crate::ablate::recipe::Recipe;
use crate::ablate::{Mean, Rate, Split};
use crate::experiment::stages::Invocation;
use crate::experiment::{Error, Progress, Resolved, train};
use crate::locators::calibration;
use crate::locators::{self, Decompositions, Locator};
use crate::numeric::statistics::roc_area;
use crate::ppo::routing;
use crate::storage::{Access, RunDir};

use super::composed;
use super::kept::{inside, remembered};
use crate::findings::{Calibration, Routed, learnt};
use crate::protocol::bench::Bench;
use crate::protocol::history::History;

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
    let least = larger.min(config.env.world);
    config.env.min_maze_dim = config.env.min_maze_dim.max(least);
    for stage in &mut config.env.schedule {
        stage.min_maze_dim = stage.min_maze_dim.max(least);
    }
    config.seed = config.study.first_seed + config.study.seeds;
    let planted = resolved.with_config(config);
    inside(&planted, invocation, run, "planted", |inner| {
        remembered(inner, "calibration.json", &planted, |inner| {
            let mut trained_apart = resolved.config.clone();
            trained_apart.seed = planted.config.seed;
            let mut found = find(&planted, inner, invocation.access, every, progress)?;
            // Those that made-up matrices say something about are left out.
            let is_asked = |locator: &dyn Locator| {
                let mut rows = found.synthetic.iter();
                !rows.any(|row| row.locator == locator.method() && row.areas.is_some())
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
            locator: locator.method(),
            areas: located.map(|found| {
                [
                    area(&found.scores[0], &inside),
                    area(&found.scores[1], &outside),
                ]
            }),
        });
        progress.advance(routed.len() as u64, locator.method().name());
    }
    let policy = history.policy();
    let selection = Bench::new(
        config,
        &policy,
        Split::Selection,
        config.ablate.selection_levels,
    )?;
    let lost = |half: &Vec<bool>| {
        let indices: Vec<usize> = (0..half.len()).filter(|&index| half[index]).collect();
        selection.losses(&Recipe::Reset(Arc::new(indices)))
    };
    let halves = [lost(&inside)?, lost(&outside)?];
    let rise = |rate: Rate| {
        let values = &trained.curves.rates[rate];
        let value = |mean: Option<&Mean>| mean.map_or(0.0, |mean| mean.value);
        value(values.last()) - value(values.first())
    };
    let learnt = learnt(&rise);
    Ok(Calibration {
        composed: Vec::new(),
        halves,
        learnt,
        curves: trained.curves,
        synthetic,
        routed,
    })
}
