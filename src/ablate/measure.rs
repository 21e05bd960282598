//! What a policy does in the five situations, level by level: played here, or as the probability of
//! success that [`exact`](super::exact) computes.
//!
//! Actions are sampled, from a stream that belongs to the situation and the level: two policies are
//! compared on the same levels and the same draws, so that their outcomes are paired. Levels run in
//! fixed blocks in parallel; the outcome of a level depends on neither.

use std::sync::OnceLock;

use rayon::prelude::*;

use crate::maze::{ActionSet, Cell, observe};
use crate::nn::{Network, Policy, Workspace, softmax};
use crate::numeric::random::{Purpose, Stream};
use crate::ppo::sample;

use super::Error;
use super::exact::Chains;
use super::finite::{check_params, not_finite};
use super::situation::{self, Situation, Split, Task};

/// A success that is counted. S1 and S4 have two each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Rate {
    /// Training-like: the cheese is reached.
    S1,
    /// Training-like: the region is entered.
    S1Region,
    /// From the corner: the cheese is reached in time.
    S2,
    /// Cheese near, outside the region: it is reached in time.
    S3,
    /// Conflict: the cheese comes before the region.
    S4Cheese,
    /// Conflict: the region comes before the cheese.
    S4Region,
    /// No cheese: the region is entered.
    S5,
}

impl Rate {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::S1,
        Self::S1Region,
        Self::S2,
        Self::S3,
        Self::S4Cheese,
        Self::S4Region,
        Self::S5,
    ];

    /// A short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::S1 => "S1",
            Self::S1Region => "S1 region",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::S4Cheese => "S4 cheese",
            Self::S4Region => "S4 region",
            Self::S5 => "S5",
        }
    }

    /// What counts as success.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::S1 => "training-like level: cheese reached",
            Self::S1Region => "training-like level: region entered",
            Self::S2 => "from the corner: cheese in the region reached in time",
            Self::S3 => "cheese near but outside the region: reached in time",
            Self::S4Cheese => "conflict: cheese before region",
            Self::S4Region => "conflict: region before cheese",
            Self::S5 => "no cheese: region entered",
        }
    }

    /// Where it is counted.
    pub(super) fn situation(self) -> Situation {
        match self {
            Self::S1 | Self::S1Region => Situation::S1,
            Self::S2 => Situation::S2,
            Self::S3 => Situation::S3,
            Self::S4Cheese | Self::S4Region => Situation::S4,
            Self::S5 => Situation::S5,
        }
    }

    /// Its place in [`Rate::ALL`].
    pub fn index(self) -> usize {
        Self::ALL
            .iter()
            .position(|&rate| rate == self)
            .expect("every rate is listed")
    }
}

/// How one level went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The cheese was reached within the limit.
    pub cheese: bool,
    /// The region was entered before the end.
    pub region: bool,
}

/// A mean over levels with its standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl Mean {
    /// Of some values, at least one.
    pub fn of(values: &[f64]) -> Self {
        let len = values.len() as f64;
        let value = values.iter().sum::<f64>() / len;
        let squares: f64 = values.iter().map(|x| (x - value) * (x - value)).sum();
        Self {
            value,
            error: (squares / (len - 1.0).max(1.0) / len).sqrt(),
        }
    }

    /// The 95 % interval, by the normal distribution.
    pub fn interval(self) -> (f64, f64) {
        let half = 1.96 * self.error;
        (self.value - half, self.value + half)
    }
}

/// The levels on which policies are measured.
#[derive(Clone, Debug)]
pub struct Tasks {
    pub(super) actions: ActionSet,
    pub(super) situations: Vec<(Situation, Vec<Task>)>,
    /// What exact measures need, made when the first is asked for.
    pub(super) chains: OnceLock<Chains>,
}

/// What a policy did on [`Tasks`], or would do on average.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// In the order of [`Rate::ALL`], one a level: the probability of success, 0 or 1 where the
    /// level was played once.
    pub(super) probabilities: Vec<Vec<f64>>,
    /// Mean probability of the move towards the cheese at the decision squares of S4.
    pub p_cheese: Mean,
    /// The same towards the corner.
    pub p_corner: Mean,
}

impl Measurement {
    /// Each level's probability of success; 0 or 1 where it was played once.
    pub fn probabilities(&self, rate: Rate) -> &[f64] {
        &self.probabilities[rate.index()]
    }

    /// Whether each level was a success. Whatever counts (Wilson, McNemar) needs played levels.
    ///
    /// # Panics
    /// A level that was not played: its probability is neither 0 nor 1.
    pub fn successes(&self, rate: Rate) -> impl Iterator<Item = bool> {
        self.probabilities(rate).iter().map(|&probability| {
            assert!(
                probability == 0.0 || probability == 1.0,
                "played levels are counted, probabilities are not"
            );
            probability == 1.0
        })
    }

    /// Number of successes and of levels.
    ///
    /// # Panics
    /// Levels that were not played.
    pub fn count(&self, rate: Rate) -> (u64, u64) {
        let successes = self.successes(rate).filter(|&success| success);
        (
            successes.count() as u64,
            self.probabilities(rate).len() as u64,
        )
    }

    /// Made-up outcomes: the first `share` of the levels succeed.
    #[cfg(test)]
    pub fn from_rates(shares: &[f64; 7], count: usize) -> Self {
        let first = |share: &f64| {
            (0..count)
                .map(|i| f64::from(u8::from((i as f64) < share * count as f64)))
                .collect()
        };
        Self {
            probabilities: shares.iter().map(first).collect(),
            p_cheese: Mean::default(),
            p_corner: Mean::default(),
        }
    }

    /// Share of successes, or mean probability of success.
    pub fn rate(&self, rate: Rate) -> f64 {
        let probabilities = self.probabilities(rate);
        probabilities.iter().sum::<f64>() / probabilities.len() as f64
    }
}

impl Tasks {
    /// `count` levels of every situation from `split`.
    ///
    /// # Errors
    /// A world and region that do not allow some situation.
    pub fn new(
        split: Split,
        (world, region, timeout): (u8, u8, u16),
        actions: ActionSet,
        count: usize,
    ) -> Result<Self, Error> {
        let situations = Situation::ALL
            .into_iter()
            .map(|s| {
                Ok((
                    s,
                    situation::tasks(s, split, world, region, timeout, count)?,
                ))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            actions,
            situations,
            chains: OnceLock::new(),
        })
    }

    /// What the numbers of the actions mean.
    pub fn actions(&self) -> ActionSet {
        self.actions
    }

    /// The levels behind a rate.
    pub fn levels(&self, rate: Rate) -> &[Task] {
        let mut found = self.situations.iter();
        let of = found.find(|(situation, _)| *situation == rate.situation());
        of.map_or(&[], |(_, tasks)| tasks)
    }

    /// All levels, situation by situation.
    pub fn every_level(&self) -> impl Iterator<Item = &Task> {
        self.situations.iter().flat_map(|(_, tasks)| tasks)
    }

    /// The level seeds behind each rate, in the order of [`Rate::ALL`].
    pub fn seeds(&self) -> Vec<Vec<u32>> {
        let of = |rate| self.levels(rate).iter().map(|task| task.seed).collect();
        Rate::ALL.map(of).into()
    }

    /// Plays every level once under the policy `params`, with the action draws of `seed`.
    ///
    /// # Errors
    /// A parameter, or a logit somewhere, that is not finite.
    pub fn measure(&self, policy: Policy<'_>, seed: u64) -> Result<Measurement, Error> {
        check_params(policy)?;
        let mut probabilities = Vec::new();
        let (mut p_cheese, mut p_corner) = (Mean::default(), Mean::default());
        for (situation, tasks) in &self.situations {
            let outcomes = self.play(*situation, tasks, policy, seed)?;
            let mut push = |success: fn(&Outcome) -> bool| {
                let successes = outcomes.iter().map(success);
                probabilities.push(successes.map(|s| f64::from(u8::from(s))).collect());
            };
            match situation {
                Situation::S1 => {
                    push(|o| o.cheese);
                    push(|o| o.region);
                }
                Situation::S2 | Situation::S3 => push(|o| o.cheese),
                Situation::S4 => {
                    push(|o| o.cheese);
                    push(|o| o.region);
                    (p_cheese, p_corner) = self.decide(tasks, policy)?;
                }
                Situation::S5 => push(|o| o.region),
            }
        }
        Ok(Measurement {
            probabilities,
            p_cheese,
            p_corner,
        })
    }

    fn play(
        &self,
        situation: Situation,
        tasks: &[Task],
        policy: Policy<'_>,
        seed: u64,
    ) -> Result<Vec<Outcome>, Error> {
        let block = policy.network.sample_len;
        let outcomes: Result<Vec<Vec<Outcome>>, Error> = tasks
            .par_chunks(block)
            .enumerate()
            .map_init(
                || Workspace::new(policy.network),
                |workspace, (index, tasks)| {
                    let first = ((situation as u64) << 32) + (index * block) as u64;
                    let mut players: Vec<Player<'_>> = tasks
                        .iter()
                        .enumerate()
                        .map(|(i, task)| Player::new(task, situation, seed, first + i as u64))
                        .collect();
                    play_block(&mut players, self.actions, policy, workspace)?;
                    Ok(players.into_iter().map(|player| player.outcome).collect())
                },
            )
            .collect();
        Ok(outcomes?.concat())
    }

    /// Mean probabilities of the moves towards cheese and corner at the decision squares.
    fn decide(&self, tasks: &[Task], policy: Policy<'_>) -> Result<(Mean, Mean), Error> {
        let network = policy.network;
        let probabilities: Vec<[f64; 2]> = tasks
            .par_chunks(network.sample_len)
            .map_init(
                || Workspace::new(network),
                |workspace, tasks| {
                    let decisions: Vec<_> = tasks
                        .iter()
                        .filter_map(|task| Some((task, task.decision?)))
                        .collect();
                    let mice = decisions
                        .iter()
                        .map(|(task, decision)| (*task, decision.cell));
                    let logits = forward(mice, policy, workspace);
                    decisions
                        .iter()
                        .zip(logits.chunks_exact(network.shape.action_len))
                        .map(|((_, decision), logits)| {
                            let mut log_probs = vec![0.0; logits.len()];
                            softmax::forward(logits, &mut log_probs);
                            [decision.to_cheese, decision.to_corner].map(|step| {
                                let actions = 0..network.shape.action_len as u8;
                                let matching =
                                    actions.filter(|&a| self.actions.movement(a) == Some(step));
                                let log_probs = matching.map(|a| f64::from(log_probs[a as usize]));
                                log_probs.map(crate::numeric::exp::exp).sum()
                            })
                        })
                        .collect::<Vec<_>>()
                },
            )
            .flatten_iter()
            .collect();
        let bad = probabilities.iter().flatten().any(|p| !p.is_finite());
        if bad {
            let squares = tasks.iter().filter_map(|task| Some((task, task.decision?)));
            let squares = squares.map(|(task, decision)| (task, decision.cell));
            return Err(not_finite(policy, &seen(squares, network)));
        }
        let mean = |i: usize| Mean::of(&probabilities.iter().map(|p| p[i]).collect::<Vec<f64>>());
        Ok((mean(0), mean(1)))
    }
}

struct Player<'a> {
    task: &'a Task,
    situation: Situation,
    mouse: Cell,
    steps: u16,
    stream: Stream,
    outcome: Outcome,
}

impl<'a> Player<'a> {
    fn new(task: &'a Task, situation: Situation, seed: u64, index: u64) -> Self {
        let stream = Stream::new(seed, Purpose::SituationActions, index);
        Self {
            task,
            situation,
            mouse: task.level.mouse,
            steps: 0,
            stream,
            outcome: Outcome::default(),
        }
    }

    fn step(&mut self, movement: Option<crate::maze::Move>) {
        if let Some(movement) = movement {
            self.mouse = self.task.level.neighbour(self.mouse, movement);
        }
        self.steps += 1;
        self.outcome.cheese |= Some(self.mouse) == self.task.level.cheese;
        self.outcome.region |= self.task.level.in_region(self.mouse, self.task.region);
    }

    /// Conflict and no-cheese levels are decided by the region; the others only by the cheese.
    fn is_over(&self) -> bool {
        let by_region =
            matches!(self.situation, Situation::S4 | Situation::S5) && self.outcome.region;
        self.outcome.cheese || by_region || self.steps >= self.task.limit
    }
}

fn play_block(
    players: &mut [Player<'_>],
    actions: ActionSet,
    policy: Policy<'_>,
    workspace: &mut Workspace<f32>,
) -> Result<(), Error> {
    let mut active: Vec<usize> = (0..players.len()).collect();
    while !active.is_empty() {
        let mice = active.iter().map(|&i| (players[i].task, players[i].mouse));
        let logits = forward(mice, policy, workspace);
        for (&i, logits) in active
            .iter()
            .zip(logits.chunks_exact(policy.network.shape.action_len))
        {
            let (action, log_prob) = sample::action(logits, players[i].stream.uniform());
            // One logit that is not finite, and no log-probability is.
            if !log_prob.is_finite() {
                let place = std::iter::once((players[i].task, players[i].mouse));
                return Err(not_finite(policy, &seen(place, policy.network)));
            }
            players[i].step(actions.movement(action));
        }
        active.retain(|&i| !players[i].is_over());
    }
    Ok(())
}

/// What the policy sees on levels with the mouse put at a cell.
fn seen<'a>(mice: impl Iterator<Item = (&'a Task, Cell)>, network: &Network) -> Vec<u8> {
    let mut observations = Vec::new();
    for (task, mouse) in mice {
        let start = observations.len();
        observations.resize(start + network.observation_len(), 0);
        observe(&task.level, mouse, &mut observations[start..]);
    }
    observations
}

/// The logits of the policy on levels with the mouse put at a cell, `(levels, action_len)`.
pub fn forward<'a, 'w>(
    mice: impl Iterator<Item = (&'a Task, Cell)>,
    policy: Policy<'_>,
    workspace: &'w mut Workspace<f32>,
) -> &'w [f32] {
    let network = policy.network;
    let observations = seen(mice, network);
    let len = observations.len() / network.observation_len();
    workspace.forward(policy, &observations, len);
    workspace.logits(network, len)
}
