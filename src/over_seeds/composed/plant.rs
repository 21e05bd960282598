//! A policy of two towers with the history of its training, in the coordinates of the whole.
//!
//! The corner's tower is trained first, then the cheese's, then both: so the first stage of time is the corner's, the
//! second the cheese's, and in the third, which mixes them, neither is told from the other by time.

use std::sync::Arc;

use crate::ablate::blindfold::plane;
use crate::ablate::recipe::Recipe;
use crate::ablate::{PerRate, Rate, Split};
use crate::experiment::{Config, Error, Progress};
use crate::findings::{dissociation, learnt};
use crate::gradients::Dense;
use crate::nn::init;
use crate::protocol::bench::Bench;
use crate::protocol::trained_policy::TrainedPolicy;

use super::imitation::{Teacher, imitate};
use super::log::Log;
use super::together::together;
use super::towers::{Scales, Towers};

/// What the logits of the corner's tower and of the cheese's may be multiplied by.
const SCALES: [Scales; 6] = [
    [1.0, 1.0],
    [1.0, 2.0],
    [1.0, 4.0],
    [2.0, 1.0],
    [2.0, 2.0],
    [2.0, 4.0],
];
/// Levels on which the scales are fitted.
const LEVELS: usize = 32;
/// Updates of the cheese's tower for each of the corner's: many goals take longer than one.
const MANY_GOALS: u64 = 2;
/// Updates of the cheese's tower alone for each of both together.
const TOGETHER: u64 = 3;
/// Rows of all of the training, about.
const ROWS: u64 = 300;

/// A policy whose parameters are known to serve one behaviour or the other.
#[derive(Debug)]
pub struct Plant {
    /// The towers.
    pub towers: Towers,
    /// What the logits of the corner's and of the cheese's tower were multiplied by.
    pub scales: Scales,
    /// Share of training and parameters of each checkpoint.
    pub checkpoints: Vec<(f64, Vec<f32>)>,
    /// The summed gradients, and what was added to the parameters.
    pub streams: [Dense; 2],
    /// The middle of every row, as a share of training.
    pub tau: Vec<f64>,
    /// When the corner's tower was trained, as a share of training.
    pub t_corner: f64,
}

/// What a plant is worth.
#[derive(Clone, Copy, Debug)]
pub struct Worth {
    /// By how much the cheese and the corner are above the untrained ([`learnt`]).
    pub learnt: [f64; 2],
    /// Losses where the cheese's tower is reset, and where the corner's is.
    pub halves: [PerRate<f64>; 2],
}

impl Plant {
    /// Trains one, the cheese's tower for `study.planted_updates`, under two seeds from the settings' on.
    ///
    /// # Errors
    /// What training refuses, or the user's interruption.
    pub fn train(config: &Config, progress: &mut dyn Progress) -> Result<Self, Error> {
        let settings = config.settings();
        let updates = config.study.planted_updates;
        let towers = Towers::new(settings.net.shape(&settings.env))?;
        let [of_corner, of_both] = [MANY_GOALS, TOGETHER].map(|part| updates.div_ceil(part));
        let every = (of_corner + updates + of_both).div_ceil(ROWS);
        let teach = |teacher: Teacher, updates: u64, seed: u64, progress: &mut dyn Progress| {
            let mut params = init::initialise(&towers.half.layout, seed);
            if teacher == Teacher::Corner {
                // It sees no cheese when it is taught, so that these stay zero.
                plane(&towers.half.layout)
                    .into_iter()
                    .for_each(|index| params[index] = 0.0);
            }
            let mut log = Log::new(updates, every, &params);
            imitate(
                &settings.env,
                &towers.half,
                teacher,
                seed,
                &mut log,
                progress,
            )?;
            Ok::<_, Error>(log)
        };
        let corner = teach(Teacher::Corner, of_corner, config.seed, progress)?;
        let cheese = teach(Teacher::Cheese, updates, config.seed + 1, progress)?;
        let scales = fit(config, &towers, [&corner, &cheese])?;
        let params = towers.compose([&corner.params, &cheese.params], scales);
        let log = Log::new(of_both.next_multiple_of(2), every, &params);
        let both = together(&settings, &towers, log, config.seed, progress)?;
        Self::of(towers, scales, [corner, cheese, both])
    }

    fn of(towers: Towers, scales: Scales, logs: [Log; 3]) -> Result<Self, Error> {
        let [corner, cheese, both] = &logs;
        let whole = (corner.made + cheese.made + both.made) as f64;
        let params = |log: &Log, at: usize| log.checkpoints[at].1.clone();
        let compose = |corner: &[f32], cheese: &[f32]| towers.compose([corner, cheese], scales);
        let first = params(cheese, 0);
        let mut checkpoints: Vec<(f64, Vec<f32>)> = Vec::new();
        for (made, params) in &corner.checkpoints {
            checkpoints.push((*made as f64 / whole, compose(params, &first)));
        }
        for (made, params) in &cheese.checkpoints[1..] {
            let at = (corner.made + made) as f64 / whole;
            checkpoints.push((at, compose(&corner.params, params)));
        }
        for (made, params) in &both.checkpoints[1..] {
            let at = (corner.made + cheese.made + made) as f64 / whole;
            checkpoints.push((at, params.clone()));
        }
        let (mut tau, mut gradients, mut updates) = (Vec::new(), Vec::new(), Vec::new());
        let mut begun = 0;
        for (stage, log) in logs.iter().enumerate() {
            for (middle, gradient, update) in &log.rows {
                tau.push((begun as f64 + middle) / whole);
                match scales.get(stage) {
                    Some(&scale) => {
                        gradients.extend(towers.embed_gradient(stage, gradient, scale));
                        updates.extend(towers.embed_update(stage, update, scale));
                    }
                    None => {
                        gradients.extend(gradient);
                        updates.extend(update);
                    }
                }
            }
            begun += log.made;
        }
        let param_len = towers.full.param_len();
        let dense = |values| Dense::new(tau.len(), param_len, values);
        Ok(Self {
            t_corner: corner.made as f64 / whole,
            streams: [dense(gradients)?, dense(updates)?],
            towers,
            scales,
            checkpoints,
            tau,
        })
    }

    /// The trained policy.
    pub fn policy(&self) -> TrainedPolicy<'_> {
        TrainedPolicy {
            network: &self.towers.full,
            theta: &self.checkpoints[self.checkpoints.len() - 1].1,
            theta_0: &self.checkpoints[0].1,
            checkpoints: &self.checkpoints,
        }
    }

    /// What it is worth on levels of this split.
    ///
    /// # Errors
    /// Levels that cannot be made.
    pub fn worth(&self, config: &Config, split: Split, levels: usize) -> Result<Worth, Error> {
        worth(config, &self.policy(), &self.towers, (split, levels))
    }
}

fn worth(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    towers: &Towers,
    (split, levels): (Split, usize),
) -> Result<Worth, Error> {
    let bench = Bench::new(config, policy, split, levels)?;
    let rise = |rate: Rate| bench.reference.base.rate(rate) - bench.reference.floor.rate(rate);
    let lost = |half: &Vec<bool>| {
        let indices: Vec<usize> = (0..half.len()).filter(|&index| half[index]).collect();
        bench.losses(&Recipe::Reset(Arc::new(indices)))
    };
    let [corner, cheese] = &towers.members();
    Ok(Worth {
        learnt: learnt(&rise),
        halves: [lost(cheese)?, lost(corner)?],
    })
}

/// The scales with which the towers dissociate most, on discovery levels.
fn fit(config: &Config, towers: &Towers, [corner, cheese]: [&Log; 2]) -> Result<Scales, Error> {
    let mut best = (f64::NEG_INFINITY, [1.0; 2]);
    for scales in SCALES {
        let compose = |a: &[f32], b: &[f32]| towers.compose([a, b], scales);
        let theta = compose(&corner.params, &cheese.params);
        let theta_0 = compose(&corner.checkpoints[0].1, &cheese.checkpoints[0].1);
        let policy = TrainedPolicy {
            network: &towers.full,
            theta: &theta,
            theta_0: &theta_0,
            checkpoints: &[],
        };
        let worth = worth(config, &policy, towers, (Split::Discovery, LEVELS))?;
        // What was learnt counts as well: towers that undo each other lose nothing.
        let [cheese, corner] = worth.learnt;
        let found = dissociation(&worth.halves) + cheese.min(corner).min(0.5);
        if found > best.0 {
            best = (found, scales);
        }
    }
    Ok(best.1)
}
