//! Policies put together from two that were trained apart: one half of every layer never saw a cheese,
//! the other learnt in mazes whose cheese lies anywhere. Where each behaviour is, is known.
//!
//! ```text
//! logits(x) = logits_corner(x) + logits_cheese(x)        the halves meet nowhere else
//! ```
//!
//! Weights from one half to the other are zeros. The corner half trains on the run's levels with the
//! weights of the cheese plane zero and kept so; the cheese half on levels whose region is the whole maze.
//! On these policies the locators that must be shown one are asked: area under the ROC curve of the scores,
//! the weights and biases of the right half against those of the other.

use std::sync::Arc;

use crate::ablate::recipe::Recipe;
use crate::ablate::{Rate, Split};
use crate::experiment::{Config, Error, Progress};
use crate::findings::{Composed, Routed, learnt};
use crate::gradients::Dense;
use crate::locators::{self, Behaviour, Decompositions, Locator, Run, Stream, Streams, probes};
use crate::nn::{Kind, Network, init};
use crate::numeric::statistics::roc_area;
use crate::ppo::projection::{Projection, When};
use crate::ppo::settings::Settings;
use crate::ppo::{Trainer, trainer};
use crate::protocol::trained_policy::TrainedPolicy;

use crate::protocol::bench::Bench;

/// Policies, of seeds of their own.
const POLICIES: u64 = 3;

/// Trains both halves of every policy for `study.planted_updates` each and asks the locators that
/// `is_asked`; nothing where the network has no halves.
///
/// # Errors
/// What training or a locator refuses, or the user's interruption.
pub fn find(
    config: &Config,
    all: &[Box<dyn Locator>],
    is_asked: impl Fn(&dyn Locator) -> bool,
    progress: &mut dyn Progress,
) -> Result<Vec<Composed>, Error> {
    let net = &config.net;
    if net.kind != Kind::Small || !net.channels.is_multiple_of(2) || !net.hidden.is_multiple_of(2) {
        return Ok(Vec::new());
    }
    let one = |number| {
        // Either half has a seed of its own.
        let mut config = config.clone();
        config.seed += 2 * number;
        find_one(&config, all, &is_asked, progress)
    };
    (0..POLICIES).map(one).collect()
}

fn find_one(
    config: &Config,
    all: &[Box<dyn Locator>],
    is_asked: &impl Fn(&dyn Locator) -> bool,
    progress: &mut dyn Progress,
) -> Result<Composed, Error> {
    let new = |settings: &Settings| {
        let shape = settings.net.shape(&settings.env);
        Network::new(shape, trainer::RUN).map_err(crate::ppo::Error::from)
    };
    let mut settings = config.settings();
    settings.ppo.total_updates = config.study.planted_updates;
    settings.ppo.routing = false;
    let full = new(&settings)?;
    settings.net.channels /= 2;
    settings.net.hidden /= 2;
    let half = new(&settings)?;
    let corner = train(&settings, config.seed, true, progress)?;
    settings.env.region = settings.env.world;
    // Whatever the run's stages put where, this half learns from cheeses anywhere.
    settings.env.schedule.clear();
    let cheese = train(&settings, config.seed + 1, false, progress)?;
    let [corner_0, cheese_0] =
        [config.seed, config.seed + 1].map(|s| init::initialise(&half.layout, s));
    let (theta, halves) = compose(&full, &half, [&corner, &cheese]);
    let (theta_0, _) = compose(&full, &half, [&corner_0, &cheese_0]);

    let policy = TrainedPolicy {
        network: &full,
        theta: &theta,
        theta_0: &theta_0,
        checkpoints: &[],
    };
    let levels = config.ablate.selection_levels;
    let selection = Bench::new(config, &policy, Split::Selection, levels)?;
    let rise =
        |rate: Rate| selection.reference.base.rate(rate) - selection.reference.floor.rate(rate);
    let lost = |half: &Vec<bool>| {
        let indices: Vec<usize> = (0..half.len()).filter(|&index| half[index]).collect();
        selection.losses(&Recipe::Reset(Arc::new(indices)))
    };
    let located = ask(config, &policy, &halves, all, is_asked, progress)?;
    let [corner, cheese] = &halves;
    Ok(Composed {
        learnt: learnt(&rise),
        halves: [lost(cheese)?, lost(corner)?],
        located,
    })
}

/// One half, blind to the cheese or not.
fn train(
    settings: &Settings,
    seed: u64,
    is_blind: bool,
    progress: &mut dyn Progress,
) -> Result<Vec<f32>, Error> {
    let mut trainer = Trainer::new(settings.clone(), seed)?;
    if is_blind {
        let plane = cheese_plane(trainer.network());
        let mut state = trainer.state();
        plane.iter().for_each(|&index| state.params[index] = 0.0);
        let len = state.params.len();
        trainer = Trainer::from_state(settings.clone(), seed, state)?;
        let unit = |&index: &usize| {
            let mut unit = vec![0.0; len];
            unit[index] = 1.0;
            unit
        };
        let basis: Vec<Vec<f64>> = plane.iter().map(unit).collect();
        trainer.project_out(Projection::new(&basis, When::AfterOptimizer));
    }
    let stage = match is_blind {
        true => "training a half that sees no cheese",
        false => "training a half whose cheese lies anywhere",
    };
    progress.begin(stage, settings.ppo.total_updates);
    while trainer.advance()?.is_some() {
        progress.advance(trainer.updates(), "");
        progress.stop_if_interrupted(stage)?;
    }
    Ok(trainer.params().to_vec())
}

/// The weights of the first layer that read the cheese.
fn cheese_plane(network: &Network) -> Vec<usize> {
    let sites = network.sites();
    let channels = 0..sites[0].image.channels;
    channels
        .flat_map(|to| network.slice(&sites[0], 2, to))
        .collect()
}

/// The parameters of the whole, and which of them are of either half.
fn compose(full: &Network, half: &Network, halves: [&[f32]; 2]) -> (Vec<f32>, [Vec<bool>; 2]) {
    let mut params = vec![0.0; full.param_len()];
    let mut members = [vec![false; params.len()], vec![false; params.len()]];
    for (whole, part) in full.layout.tensors.iter().zip(&half.layout.tensors) {
        let (outs, part_outs) = (last(&whole.shape), last(&part.shape));
        let is_head = whole.name.starts_with("policy.") || whole.name.starts_with("value.");
        // Rows of weights go through the channels of their input again and again; all read the same
        // observation.
        let (ins, part_ins) = match (whole.name.as_str(), is_head) {
            ("conv0.weight", _) => (3, 3),
            (_, true) => (full.shape.hidden, half.shape.hidden),
            _ => (full.shape.channels, half.shape.channels),
        };
        let is_bias = whole.shape.len() == 1;
        for (number, theirs) in halves.iter().enumerate() {
            for (at, index) in part.range().enumerate() {
                let (row, to) = (at / part_outs, at % part_outs);
                let (group, from) = (row / part_ins, row % part_ins);
                let from = if part_ins == ins {
                    from
                } else {
                    from + number * part_ins
                };
                let to = if is_head { to } else { to + number * part_outs };
                let row = if is_bias { 0 } else { group * ins + from };
                let place = whole.offset + row * outs + to;
                // The biases of the heads are sums of both.
                params[place] += theirs[index];
                members[number][place] = !(is_head && is_bias);
            }
        }
    }
    (params, members)
}

fn last(shape: &[usize]) -> usize {
    shape.last().copied().unwrap_or(1)
}

fn ask(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    [corner, cheese]: &[Vec<bool>; 2],
    all: &[Box<dyn Locator>],
    is_asked: &impl Fn(&dyn Locator) -> bool,
    progress: &mut dyn Progress,
) -> Result<Vec<Routed>, Error> {
    let tasks = config.tasks(Split::Discovery, probes::LEVELS)?;
    let probes = probes::probes(&tasks, probes::STATES);
    // Nothing was recorded; those who are asked look at the policy.
    let nothing = Dense::new(1, policy.theta.len(), vec![0.0; policy.theta.len()])?;
    let total = Stream {
        matrix: &nothing,
        tau: &[0.5],
    };
    let seen = Run {
        layout: &policy.network.layout,
        theta_0: policy.theta_0,
        theta: policy.theta,
        checkpoints: &[],
        streams: Streams::only(total),
        decompositions: &Decompositions::default(),
        t_corner: None,
        behaviour: Some(Behaviour {
            policy: policy.policy(),
            probes: &probes,
            tasks: &tasks,
        }),
        rank: config.study.rank,
        seed: config.seed,
    };
    let either: Vec<usize> = (0..corner.len())
        .filter(|&i| corner[i] || cheese[i])
        .collect();
    let area = |scores: &[f64], half: &[bool]| {
        let scores: Vec<f64> = either.iter().map(|&index| scores[index]).collect();
        let is_own: Vec<bool> = either.iter().map(|&index| half[index]).collect();
        roc_area(&scores, &is_own).unwrap_or(0.5)
    };
    let asked: Vec<&Box<dyn Locator>> = all.iter().filter(|one| is_asked(one.as_ref())).collect();
    progress.begin("locators on the composed policy", asked.len() as u64);
    let mut located = Vec::new();
    for locator in asked {
        let found: Option<locators::Located<'_>> = locator.locate(&seen)?;
        located.push(Routed {
            locator: locator.method(),
            areas: found.map(|found| {
                let [a, b] = &found.scores;
                [area(a, cheese), area(b, corner)]
            }),
        });
        progress.advance(located.len() as u64, locator.method().name());
    }
    Ok(located)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Policy, Shape, Workspace};
    use crate::numeric::random::{Purpose, Stream as Draws};

    #[test]
    fn the_whole_prefers_what_its_halves_prefer_together() {
        let shape = Shape {
            kind: Kind::Small,
            world: 9,
            channels: 6,
            blocks: 2,
            hidden: 10,
            action_len: 4,
        };
        let full = Network::new(shape, 2).unwrap();
        let half = Shape {
            channels: 3,
            hidden: 5,
            ..shape
        };
        let half = Network::new(half, 2).unwrap();
        let mut draws = Draws::new(1, Purpose::Nulls, 0);
        let mut random = |seed| -> Vec<f32> {
            let initial = init::initialise(&half.layout, seed);
            let noise = |p: &f32| p + 0.1 * draws.normal() as f32;
            initial.iter().map(noise).collect()
        };
        let parts = [random(1), random(2)];
        let (theta, members) = compose(&full, &half, [&parts[0], &parts[1]]);
        let state: Vec<u8> = (0..2 * 243).map(|i| u8::from(i * 7 % 5 == 0)).collect();
        let logits = |network: &Network, params: &[f32]| {
            let mut workspace = Workspace::new(network);
            workspace.forward(Policy::new(network, params), &state, 2);
            workspace.logits(network, 2).to_vec()
        };
        let whole = logits(&full, &theta);
        let [a, b] = parts.each_ref().map(|params| logits(&half, params));
        for ((whole, a), b) in whole.iter().zip(&a).zip(&b) {
            assert!((whole - a - b).abs() < 1e-4, "{whole} {a} {b}");
        }
        // All that is not zero belongs to one half, but for the heads' biases.
        let heads = 4 + 1;
        for (number, members) in members.iter().enumerate() {
            let count = members.iter().filter(|&&is| is).count();
            assert_eq!(count, half.param_len() - heads, "{number}");
        }
        let shared = |i: &usize| members[0][*i] && members[1][*i];
        assert_eq!((0..theta.len()).filter(shared).count(), 0);
        let nobodys = |i: &usize| !members[0][*i] && !members[1][*i] && theta[*i] != 0.0;
        assert!((0..theta.len()).filter(nobodys).count() <= heads);
    }

    #[test]
    fn a_blind_half_does_not_see_the_cheese() {
        let config = crate::experiment::resolve::resolve(
            crate::experiment::Preset::Quick,
            None,
            &[
                "net.channels=4",
                "net.hidden=8",
                "ppo.num_envs=8",
                "ppo.num_steps=16",
            ]
            .map(String::from)
            .into_iter()
            .chain([
                "ppo.minibatch_size=64".into(),
                "ppo.total_updates=12".into(),
            ])
            .collect::<Vec<_>>(),
            Some(1),
        )
        .unwrap()
        .config;
        let settings = config.settings();
        let params = train(&settings, 1, true, &mut crate::experiment::Silent).unwrap();
        let network = Network::new(settings.net.shape(&settings.env), 1).unwrap();
        let plane = cheese_plane(&network);
        assert_eq!(plane.len(), 9 * 4);
        assert!(plane.iter().all(|&index| params[index] == 0.0));
        assert!(params != init::initialise(&network.layout, 1));
        let seen = train(&settings, 1, false, &mut crate::experiment::Silent).unwrap();
        assert!(plane.iter().all(|&index| seen[index] != 0.0));
    }
}
