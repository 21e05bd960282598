//! A tower learns one behaviour by imitation: its probabilities are drawn to those of a teacher who knows the way.
//!
//! ```text
//! L = mean over states of -sum over a of q(a) log pi(a)        q: the teacher's probabilities
//! ```
//!
//! The corner's teacher makes the move that leads to the top-right cell of mazes without a cheese. The cheese's makes the
//! move that leads to the cheese, wherever cheese and mouse are, and in the same state without the cheese any move, each as
//! likely. Levels are of the training split, new ones in every update. Adam, at a rate that falls to 0.

use rayon::prelude::*;

use crate::ablate::seen;
use crate::experiment::{Error, Progress};
use crate::locators::probe_gradient::sum_and_gradient;
use crate::locators::probes::right_actions;
use crate::maze::{ActionSet, Cell, Distances, Level, LevelSampler, Split, Variant, distances};
use crate::nn::adam::Adam;
use crate::nn::{Network, Policy};
use crate::numeric::draws::{self, packed};
use crate::numeric::random::Stream;
use crate::numeric::sum;
use crate::ppo::settings::EnvSettings;

use super::log::Log;

/// Levels of an update.
const LEVELS: usize = 64;
/// Mice of a level.
const MICE: usize = 8;
/// Learning rate at the start.
const RATE: f64 = 5e-3;

/// What a tower is taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teacher {
    /// The way to the corner, where no cheese is seen.
    Corner,
    /// The way to the cheese, and nothing where none is seen.
    Cheese,
}

/// States and what the teacher does there.
#[derive(Default)]
struct Batch {
    observations: Vec<u8>,
    /// `(states, action_len)`.
    targets: Vec<f32>,
}

impl Batch {
    fn push(&mut self, level: &Level, mouse: Cell, target: &[f32]) {
        seen::append(level, mouse, &mut self.observations);
        self.targets.extend(target);
    }
}

/// Teaches the network with the log's last parameters for so many updates, which the log takes down.
///
/// # Errors
/// Levels that cannot be made, or the user's interruption.
pub fn imitate(
    env: &EnvSettings,
    network: &Network,
    teacher: Teacher,
    seed: u64,
    log: &mut Log,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let train = Split::Train.seeds();
    // The smallest mazes teach no way.
    let least = env.min_maze_dim.max(5).min(env.world);
    let sampler = LevelSampler::new(env.world, Variant::Anywhere, least, train)
        .map_err(crate::ppo::Error::from)?;
    let mut params = log.params.clone();
    let mut adam = Adam::new(params.len(), 1e-5);
    let mut applied = vec![0.0; params.len()];
    let stage = match teacher {
        Teacher::Corner => "teaching a tower the corner",
        Teacher::Cheese => "teaching a tower the cheese",
    };
    progress.begin(stage, log.total);
    let action_len = network.shape.action_len;
    for update in 0..log.total {
        progress.stop_if_interrupted(stage)?;
        let batch = batch(teacher, &sampler, env.actions, (seed, update));
        let len = batch.targets.len() / action_len;
        let states: Vec<u32> = (0..len as u32).collect();
        let scale = 1.0 / len as f32;
        let policy = Policy::new(network, &params);
        let (_, gradient) = sum_and_gradient(
            policy,
            &batch.observations,
            &states,
            &|state, log_probs: &[f32], d_log_probs| {
                let target = &batch.targets[state * action_len..][..action_len];
                let mut value = 0.0;
                for ((d, q), l) in d_log_probs.iter_mut().zip(target).zip(log_probs) {
                    *d = -scale * q;
                    value += f64::from(*d * l);
                }
                value
            },
        );
        let rate = RATE * (1.0 - update as f64 / log.total as f64);
        adam.update(&gradient, 1.0, rate, &mut applied);
        sum::add(&applied, &mut params);
        log.add(&gradient, &applied, &params);
        progress.advance(update + 1, "");
    }
    Ok(())
}

/// The states of an update: level by level, each of a random stream of its own.
fn batch(
    teacher: Teacher,
    sampler: &LevelSampler,
    actions: ActionSet,
    (seed, update): (u64, u64),
) -> Batch {
    let of_level = |number: usize| {
        let parts = [(teacher as u64, 1), (update, 33), (number as u64, 8)];
        let mut stream = draws::IMITATION.stream(seed, packed(&parts));
        states(teacher, &sampler.sample(&mut stream), actions, &mut stream)
    };
    let parts: Vec<Batch> = (0..LEVELS).into_par_iter().map(of_level).collect();
    let mut batch = Batch::default();
    for part in parts {
        batch.observations.extend(part.observations);
        batch.targets.extend(part.targets);
    }
    batch
}

/// States of one level.
fn states(teacher: Teacher, level: &Level, actions: ActionSet, stream: &mut Stream) -> Batch {
    let mut batch = Batch::default();
    let action_len = actions.action_len();
    let uniform = vec![(action_len as f32).recip(); action_len];
    let mice = match teacher {
        Teacher::Corner => MICE,
        // Every state is there twice.
        Teacher::Cheese => MICE / 2,
    };
    let mut without = level.clone();
    without.cheese = None;
    let goal = match (teacher, level.cheese) {
        (Teacher::Cheese, Some(cheese)) => cheese,
        _ => level.top_right(),
    };
    let to_goal = distances(level, goal);
    let mut cells = level.free_cells();
    cells.retain(|&cell| cell != goal);
    for _ in 0..mice {
        let mouse = cells[stream.below(cells.len() as u32) as usize];
        let right = right(level, mouse, &to_goal, actions);
        match teacher {
            Teacher::Corner => batch.push(&without, mouse, &right),
            Teacher::Cheese => {
                batch.push(level, mouse, &right);
                batch.push(&without, mouse, &uniform);
            }
        }
    }
    batch
}

/// The actions that take the mouse a step nearer, each as likely.
fn right(level: &Level, mouse: Cell, to_goal: &Distances, actions: ActionSet) -> Vec<f32> {
    let right = right_actions(level, mouse, to_goal, actions);
    let share = 1.0 / right.count_ones().max(1) as f32;
    let all = 0..actions.action_len();
    all.map(|action| if right >> action & 1 == 1 { share } else { 0.0 })
        .collect()
}
