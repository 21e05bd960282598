//! What a policy does in the five situations when it is played: what tests hold the computed rates to.
//!
//! Actions are sampled, from a stream that belongs to the situation and the level: two policies are
//! compared on the same levels and the same draws, so that their outcomes are paired. Levels run in
//! fixed blocks in parallel; the outcome of a level depends on neither.

use rayon::prelude::*;

use crate::maze::{ActionSet, Cell};
use crate::nn::{Policy, Workspace, softmax};
use crate::numeric::random::{Purpose, Stream};
use crate::ppo::sample;

use super::error::Error;
use super::finite::{check_params, not_finite};
use super::measurement::{Mean, Measurement};
use super::seen::{forward, seen};
use super::situation::{Situation, Task};
use super::tasks::Tasks;

/// How one level went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The cheese was reached within the limit.
    pub cheese: bool,
    /// The region was entered before the end.
    pub region: bool,
}

impl Tasks {
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
                    let mut players: Vec<Player<'_>> = tasks
                        .iter()
                        .enumerate()
                        .map(|(i, task)| Player::new(task, situation, seed, index * block + i))
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
            return Err(not_finite(policy, &seen(squares)));
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
    fn new(task: &'a Task, situation: Situation, seed: u64, level: usize) -> Self {
        let number = ((situation as u64) << 32) + level as u64;
        let stream = Stream::new(seed, Purpose::SituationActions, number);
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
                return Err(not_finite(policy, &seen(place)));
            }
            players[i].step(actions.movement(action));
        }
        active.retain(|&i| !players[i].is_over());
    }
    Ok(())
}
