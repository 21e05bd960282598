//! A small fixed job, stage by stage, whose checksums every machine must find.
//!
//! ```text
//! levels        2,048 levels of five worlds
//! then, for each of a few trainings and each of its iterations:
//! rollout       observations, actions, log-probabilities, values
//! advantages
//! gradients     of every update, what it applied, and its minibatch
//! parameters    after the iteration, with the optimiser's state
//! ```
//! The checksums built in are `data/digests/stages.json`. The trainings are small and reach every
//! kernel: channels that do not fill a vector, both optimisers, both networks. Cost: about a second
//! on one core with vector units, longer where every fused multiply-add is a call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::maze::{ActionSet, MouseStart, Variant, generate};
use crate::nn::Kind;
use crate::ppo::Optimizer;
use crate::ppo::settings::OptimizerKind;
use crate::ppo::{EnvSettings, NetSettings, PpoSettings, Settings, Trainer};
use crate::storage::Checksum;

use crate::experiment::{Error, Progress};

/// The stages of an iteration, in order.
pub const STAGES: [&str; 4] = ["rollout", "advantages", "gradients", "parameters"];

/// The checksums of the whole job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// Of the levels.
    pub levels: String,
    /// By training, a line an iteration: one checksum a stage, CRC-32 in hexadecimal.
    pub jobs: BTreeMap<String, Vec<String>>,
}

/// How one stage of one training came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The training; "levels" stands alone.
    pub job: String,
    /// The stage.
    pub stage: &'static str,
    /// Iterations compared.
    pub iterations: usize,
    /// The first iteration whose checksum is another, from 0.
    pub first_difference: Option<usize>,
}

impl Digests {
    /// Those built in.
    pub fn built_in() -> Self {
        serde_json::from_str(include_str!("../../data/digests/stages.json"))
            .expect("the digests are JSON, a test compares them")
    }

    /// Stage by stage against those that were `expected`, in the order in which the stages depend
    /// on each other.
    pub fn compare(&self, expected: &Self) -> Vec<Comparison> {
        let mut found = vec![Comparison {
            job: "levels".into(),
            stage: "levels",
            iterations: 1,
            first_difference: (self.levels != expected.levels).then_some(0),
        }];
        for (name, _, _) in jobs() {
            let lines = |digests: &Self| digests.jobs.get(name).cloned().unwrap_or_default();
            let (ours, theirs) = (lines(self), lines(expected));
            for (index, stage) in STAGES.into_iter().enumerate() {
                let column = |lines: &[String], iteration: usize| {
                    let line = lines.get(iteration)?;
                    line.split(' ').nth(index).map(str::to_owned)
                };
                let iterations = ours.len().max(theirs.len());
                let differs = |&i: &usize| column(&ours, i) != column(&theirs, i);
                found.push(Comparison {
                    job: name.into(),
                    stage,
                    iterations,
                    first_difference: (0..iterations).find(differs),
                });
            }
        }
        found
    }
}

/// The stage that differs first: of the earliest iteration of the first training that differs.
pub fn first_difference(comparisons: &[Comparison]) -> Option<&Comparison> {
    let first = comparisons.iter().find(|c| c.first_difference.is_some())?;
    comparisons
        .iter()
        .filter(|c| c.job == first.job && c.first_difference.is_some())
        .min_by_key(|c| c.first_difference)
}

/// Runs the job on this machine.
///
/// # Errors
/// Numbers that are not finite.
pub fn compute(progress: &mut dyn Progress) -> Result<Digests, Error> {
    let jobs = jobs();
    let steps = jobs
        .iter()
        .map(|(_, settings, _)| settings.ppo.iterations());
    progress.begin("the fixed job", steps.sum());
    let mut digests = Digests {
        levels: levels()?,
        ..Digests::default()
    };
    let mut done = 0;
    for (name, settings, seed) in jobs {
        let mut trainer = Trainer::new(settings, seed)?;
        let mut lines = Vec::new();
        let mut gradients = Checksum::new();
        while let Some(update) = trainer.advance()? {
            gradients.update_f32s(update.gradient);
            gradients.update_f32s(update.applied);
            gradients.update(&update.minibatch.to_le_bytes());
            if !update.ends_iteration {
                continue;
            }
            let frames = trainer.frames();
            let mut rollout = Checksum::new();
            rollout.update(&frames.observations);
            rollout.update(&frames.actions);
            rollout.update_f32s(&frames.log_probs);
            rollout.update_f32s(&frames.values);
            let mut advantages = Checksum::new();
            advantages.update_f32s(&frames.advantages);
            let sums = [
                rollout,
                advantages,
                std::mem::take(&mut gradients),
                parameters(&trainer),
            ];
            lines.push(sums.map(|sum| format!("{:08x}", sum.finish())).join(" "));
            done += 1;
            progress.advance(done, name);
            progress.stop_if_interrupted("the fixed job")?;
        }
        digests.jobs.insert(name.into(), lines);
    }
    Ok(digests)
}

fn levels() -> Result<String, Error> {
    let mut sum = Checksum::new();
    for seed in 0..2048 {
        let world = [5, 9, 13, 25, 31][seed as usize % 5];
        let variant = match seed % 3 {
            0 => Variant::Anywhere,
            1 => Variant::Corner { region: 0 },
            _ => Variant::Corner { region: 5 },
        };
        let level = generate(seed, world, variant).map_err(crate::ppo::Error::from)?;
        sum.update(&level.procgen_grid());
        sum.update(&[level.mouse.x, level.mouse.y]);
    }
    Ok(format!("{:08x}", sum.finish()))
}

fn parameters(trainer: &Trainer) -> Checksum {
    let mut sum = Checksum::new();
    sum.update_f32s(trainer.params());
    match trainer.optimizer() {
        Optimizer::Adam(adam) => {
            sum.update_f32s(&adam.first);
            sum.update_f32s(&adam.second);
        }
        Optimizer::Sgd(sgd) => sum.update_f32s(&sgd.velocity),
    }
    sum
}

/// The trainings: name, settings, seed.
fn jobs() -> [(&'static str, Settings, u64); 3] {
    let settings = |kind, channels, optimizer, total_updates| Settings {
        env: EnvSettings {
            world: 7,
            region: 3,
            min_maze_dim: 3,
            timeout: 20,
            reward: 1.0,
            actions: ActionSet::Four,
            mouse: MouseStart::BottomLeft,
            schedule: Vec::new(),
        },
        net: NetSettings {
            kind,
            channels,
            blocks: 1,
            hidden: 19,
        },
        ppo: PpoSettings {
            total_updates,
            num_envs: 18,
            num_steps: 8,
            update_epochs: 2,
            minibatch_size: 36,
            learning_rate: 2e-3,
            optimizer,
            ..PpoSettings::usual()
        },
    };
    let mut impala = settings(Kind::Impala, 1, OptimizerKind::Adam, 16);
    impala.env.world = 5;
    impala.env.actions = ActionSet::Procgen;
    [
        (
            "small",
            settings(Kind::Small, 5, OptimizerKind::Adam, 200),
            1,
        ),
        ("wide", settings(Kind::Small, 21, OptimizerKind::Sgd, 12), 2),
        ("impala", impala, 3),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_that_differs_first_is_named() {
        let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
        let digests = |small: &str, impala: &str| Digests {
            levels: "1".into(),
            jobs: BTreeMap::from([
                ("small".to_owned(), lines(small)),
                ("impala".to_owned(), lines(impala)),
            ]),
        };
        let expected = digests("a b c d\ne f g h", "a b c d");
        let first = |found: &Digests| {
            let comparisons = found.compare(&expected);
            let first = first_difference(&comparisons)?;
            Some((first.job.clone(), first.stage, first.first_difference?))
        };
        assert_eq!(first(&expected), None);
        let job = |job: &str, stage, iteration| Some((job.to_owned(), stage, iteration));
        let found = digests("a b X X\nX X X X", "X X X X");
        assert_eq!(first(&found), job("small", "gradients", 0));
        let found = digests("a b c X\ne X X X", "a b c d");
        assert_eq!(first(&found), job("small", "parameters", 0));
        let found = digests("a b c d\ne f g h", "X b c d");
        assert_eq!(first(&found), job("impala", "rollout", 0));
        let found = digests("a b c d", "a b c d");
        assert_eq!(first(&found), job("small", "rollout", 1));
        let found = Digests {
            levels: "2".into(),
            ..expected.clone()
        };
        assert_eq!(first(&found), job("levels", "levels", 0));
    }
}
