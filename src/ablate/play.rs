//! What a policy does in the situations when it is played: what tests hold the computed rates to.
//!
//! Actions are sampled, from a stream that belongs to the situation and the level: two policies are
//! compared on the same levels and the same draws, so that their outcomes are paired. Levels run in
//! fixed blocks in parallel; the outcome of a level depends on neither.

use rayon::prelude::*;

use crate::maze::{ActionSet, Cell, Move, distances};
use crate::nn::{Policy, Workspace, softmax};
use crate::numeric::random::{Purpose, Stream};
use crate::ppo::sample;

use super::error::Error;
use super::finite::{check_params, not_finite};
use super::measurement::{Mean, Measurement};
use super::rate::Rate;
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
        let mut by_level = vec![Vec::new(); Rate::LEN];
        let (mut p_cheese, mut p_corner) = (Mean::default(), Mean::default());
        for (situation, tasks) in &self.situations {
            let outcomes = self.play(*situation, tasks, policy, seed, false)?;
            let mut push = |rate: Rate, success: fn(&Outcome) -> bool| {
                let successes = outcomes.iter().map(success);
                by_level[rate.index()] = successes.map(|s| f64::from(u8::from(s))).collect();
            };
            let added = match situation {
                Situation::S1 => {
                    push(Rate::S1, |o| o.cheese);
                    push(Rate::S1Region, |o| o.region);
                    continue;
                }
                Situation::S4 => {
                    push(Rate::S4Cheese, |o| o.cheese);
                    push(Rate::S4Region, |o| o.region);
                    (p_cheese, p_corner) = self.decide(tasks, policy)?;
                    continue;
                }
                Situation::S5 => {
                    push(Rate::S5, |o| o.region);
                    self.read_off(tasks, policy, &mut by_level);
                    continue;
                }
                Situation::InUpRight => Rate::InUpRight,
                Situation::InDownLeft => Rate::InDownLeft,
                Situation::NearUpRight => Rate::NearUpRight,
                Situation::NearDownLeft => Rate::NearDownLeft,
            };
            push(added, |o| o.cheese);
            let hidden = self.play(*situation, tasks, policy, seed, true)?;
            for (value, hidden) in by_level[added.index()].iter_mut().zip(hidden) {
                *value -= f64::from(u8::from(hidden.cheese));
            }
        }
        Ok(Measurement {
            by_level,
            p_cheese,
            p_corner,
        })
    }

    /// The corner and the compass, one state at a time, the classes' means taken as they are said: every level's value is the
    /// whole, for how the levels share in it is [`balanced`](super::balanced)'s own.
    fn read_off(&self, tasks: &[Task], policy: Policy<'_>, by_level: &mut [Vec<f64>]) {
        let mut workspace = Workspace::new(policy.network);
        let mut classes = [(0.0, 0.0, 0.0); 4];
        for task in tasks {
            let to_corner = distances(&task.level, task.level.top_right());
            for cell in task.level.free_cells() {
                let nearer = |&step: &Move| {
                    to_corner.get(task.level.neighbour(cell, step)) < to_corner.get(cell)
                };
                let step = Move::ALL.into_iter().find(nearer);
                let Some(step) = step.filter(|_| !task.level.in_region(cell, task.region)) else {
                    continue;
                };
                let logits = forward(std::iter::once((task, cell)), policy, &mut workspace);
                let odds: Vec<f64> = logits.iter().map(|&l| f64::from(l).exp()).collect();
                let all: f64 = odds.iter().sum();
                let p = |step: Move| {
                    let matching =
                        (0..odds.len()).filter(|&a| self.actions.movement(a as u8) == Some(step));
                    matching.map(|a| odds[a]).sum::<f64>() / all
                };
                let class = &mut classes[step as usize];
                class.0 += p(step);
                class.1 +=
                    (p(Move::Up) * p(Move::Right) / p(Move::Left) / p(Move::Down)).ln() / 2.0;
                class.2 += 1.0;
            }
        }
        let taken: Vec<_> = classes.iter().filter(|class| class.2 > 0.0).collect();
        let mean = |of: &dyn Fn(&(f64, f64, f64)) -> f64| {
            taken.iter().map(|class| of(class) / class.2).sum::<f64>() / taken.len() as f64
        };
        by_level[Rate::Corner.index()] = vec![mean(&|class| class.0); tasks.len()];
        by_level[Rate::Compass.index()] = vec![mean(&|class| class.1); tasks.len()];
    }

    fn play(
        &self,
        situation: Situation,
        tasks: &[Task],
        policy: Policy<'_>,
        seed: u64,
        is_hidden: bool,
    ) -> Result<Vec<Outcome>, Error> {
        // What is seen; the cheese is where it is, seen or not.
        let shown: Vec<Task> = tasks
            .iter()
            .cloned()
            .map(|mut task| {
                task.level.cheese = task.level.cheese.filter(|_| !is_hidden);
                task
            })
            .collect();
        let block = policy.network.sample_len;
        let outcomes: Result<Vec<Vec<Outcome>>, Error> = tasks
            .par_chunks(block)
            .enumerate()
            .map_init(
                || Workspace::new(policy.network),
                |workspace, (index, tasks)| {
                    let players = tasks.iter().zip(&shown[index * block..]).enumerate();
                    let mut players: Vec<Player<'_>> = players
                        .map(|(i, (task, shown))| Player {
                            shown,
                            ..Player::new(task, situation, seed, index * block + i)
                        })
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
    shown: &'a Task,
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
            shown: task,
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
        let mice = active.iter().map(|&i| (players[i].shown, players[i].mouse));
        let logits = forward(mice, policy, workspace);
        for (&i, logits) in active
            .iter()
            .zip(logits.chunks_exact(policy.network.shape.action_len))
        {
            let (action, log_prob) = sample::action(logits, players[i].stream.uniform());
            // One logit that is not finite, and no log-probability is.
            if !log_prob.is_finite() {
                let place = std::iter::once((players[i].shown, players[i].mouse));
                return Err(not_finite(policy, &seen(place)));
            }
            players[i].step(actions.movement(action));
        }
        active.retain(|&i| !players[i].is_over());
    }
    Ok(())
}
