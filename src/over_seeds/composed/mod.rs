//! Policies put together from two towers: one never sees a cheese and goes to the corner, the other goes to the cheese and is
//! silent where there is none. Where each behaviour is, is known.
//!
//! A policy counts only if it learnt both behaviours and [dissociates](crate::findings::dissociation): either tower, reset,
//! takes its own behaviour and leaves the other's. The locators are asked about those that count, with all of their training
//! as [`plant`] has it.

mod imitation;
mod log;
pub mod plant;
mod score;
mod together;
mod towers;

use std::time::Instant;

use crate::ablate::Split;
use crate::experiment::{Config, Error, Progress};
use crate::findings::{Composed, OnPlant, counts};
use crate::locators::{Behaviour, Decompositions, Locator, Run, Stream, Streams, probes};
use crate::nn::Kind;

use plant::Plant;
use score::Truth;

/// Policies that are made for one that is wanted, at most.
const TRIES: u64 = 2;

/// Makes policies until `study.plants` count, twice as many at most, and asks the locators about those; nothing where the
/// network has no halves.
///
/// # Errors
/// What training or a locator refuses, or the user's interruption.
pub fn find(
    config: &Config,
    all: &[Box<dyn Locator>],
    progress: &mut dyn Progress,
) -> Result<Vec<Composed>, Error> {
    let net = &config.net;
    let mut found: Vec<Composed> = Vec::new();
    if net.kind != Kind::Small || !net.channels.is_multiple_of(2) || !net.hidden.is_multiple_of(2) {
        return Ok(found);
    }
    let wanted = config.study.plants;
    for number in 0..TRIES * wanted {
        if found.iter().filter(|one| one.counts()).count() as u64 == wanted {
            break;
        }
        // Either tower has a seed of its own.
        let mut config = config.clone();
        config.seed += 2 * number;
        found.push(find_one(&config, all, progress)?);
    }
    Ok(found)
}

fn find_one(
    config: &Config,
    all: &[Box<dyn Locator>],
    progress: &mut dyn Progress,
) -> Result<Composed, Error> {
    let begun = Instant::now();
    let plant = Plant::train(config, progress)?;
    let worth = plant.worth(config, Split::Selection, config.ablate.selection_levels)?;
    let mut composed = Composed {
        seed: config.seed,
        seconds: begun.elapsed().as_secs_f64(),
        scales: plant.scales,
        learnt: worth.learnt,
        halves: worth.halves,
        judged: 0,
        of_cheese: 0.0,
        located: Vec::new(),
    };
    if counts(worth.learnt, &worth.halves) {
        let (counted, located) = ask(config, &plant, all, progress)?;
        (composed.judged, composed.of_cheese) = counted;
        composed.located = located;
    }
    Ok(composed)
}

/// By how many parameters locators are judged on a plant, the share of these that is of the cheese's tower, and what every
/// locator is worth.
///
/// # Errors
/// As [`find`].
pub fn ask(
    config: &Config,
    plant: &Plant,
    all: &[Box<dyn Locator>],
    progress: &mut dyn Progress,
) -> Result<((usize, f64), Vec<OnPlant>), Error> {
    let tasks = config.tasks(Split::Discovery, probes::LEVELS)?;
    let probes = probes::probes(&tasks, probes::STATES);
    let policy = plant.policy();
    let [total, update] = plant.streams.each_ref().map(|matrix| Stream {
        matrix,
        tau: &plant.tau,
    });
    let decompositions = Decompositions::default();
    let seen = Run {
        layout: &policy.network.layout,
        theta_0: policy.theta_0,
        theta: policy.theta,
        checkpoints: &plant.checkpoints,
        streams: Streams {
            update: Some(update),
            ..Streams::only(total)
        },
        decompositions: &decompositions,
        t_corner: Some(plant.t_corner),
        behaviour: Some(Behaviour {
            policy: policy.policy(),
            probes: &probes,
            tasks: &tasks,
        }),
        rank: config.study.rank,
        seed: config.seed,
    };
    let members = plant.towers.members();
    // Not the states that methods are shown.
    let others = config.tasks(Split::Selection, probes::LEVELS)?;
    let others = probes::probes(&others, probes::STATES);
    let truth = Truth::new(policy.policy(), &seen.displacement(), &members, &others);
    progress.begin("locators on the composed policy", all.len() as u64);
    let mut located = Vec::new();
    for locator in all {
        progress.stop_if_interrupted("locators on the composed policy")?;
        let begun = Instant::now();
        let found = locator.locate(&seen)?;
        located.push(OnPlant {
            locator: locator.method(),
            seconds: begun.elapsed().as_secs_f64(),
            worth: found.map(|found| truth.judge(&found.scores)),
        });
        progress.advance(located.len() as u64, locator.method().name());
    }
    Ok((truth.counted(), located))
}

#[cfg(test)]
mod tests;
