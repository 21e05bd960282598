//! What a policy does on a level, computed and not played.
//!
//! The policy has no memory, so that the mouse's cell is the state of a Markov chain:
//!
//! ```text
//! m_0 = 1 at the start      m_t+1(y) = sum over x of m_t(x) P(x -> y)      t < limit
//! P(success) = mass that was absorbed at an end that is a success
//! what the cheese adds = P(cell c reached | cheese at c seen) - P(cell c reached | no cheese seen)
//! ```
//!
//! P follows from the logits, actions that make the same move together; moves into walls stay. Ends
//! are those of play: the cheese where it is in the region, near, or training-like, cheese or region in S4, the region in S5; S1's
//! entry into the region has a walk of its own that ends there. Like play, a walk looks for ends after
//! a step only. The network runs once for every cell from which an end is still within the limit, and in a maze without a
//! cheese for every cell; mass that leaves those cells is lost. The walk to the corner and the compass are read off the
//! probabilities in every cell outside of the region (`balanced.rs`).
//!
//! Error: that of the logits in f32; the chain runs in f64. Same bits at any thread count: a state's
//! logits do not depend on its block, a level's chain is one serial sum.
//! Cost: cells x forward pass, and limit x moves a level, a few per cent of it.

use rayon::prelude::*;

use crate::maze::Move;
use crate::nn::{Policy, Steering};
use crate::numeric::exp::ln;

use super::balanced;
use super::chains::Chain;
use super::error::Error;
use super::finite::{check_params, not_finite};
use super::measurement::{Mean, Measurement};
use super::rate::Rate;
use super::situation::Situation;
use super::tasks::Tasks;
use super::walk::Moves;

impl Tasks {
    /// What the policy does on every level. Nothing is drawn.
    ///
    /// # Errors
    /// A parameter, or a logit somewhere, that is not finite.
    pub fn measure_exact(&self, policy: Policy<'_>) -> Result<Measurement, Error> {
        self.measure_steered(policy, None)
    }

    /// The same with something added to the policy's activations in every forward pass: one vector, or one a level in the order
    /// of [`every_level`](Self::every_level), added where the level's cheese is seen.
    ///
    /// # Errors
    /// As for [`measure_exact`](Self::measure_exact).
    ///
    /// # Panics
    /// Several vectors, but fewer than levels.
    pub fn measure_steered(
        &self,
        policy: Policy<'_>,
        steering: Option<&Steering>,
    ) -> Result<Measurement, Error> {
        check_params(policy)?;
        let chains = self.chains();
        let states: Vec<usize> = (0..chains.states.len()).collect();
        let moves = chains.moves(self.actions, policy, steering, &states);
        let is_bad = |moves: &Moves| moves.iter().any(|p| !p.is_finite());
        if let Some(state) = moves.iter().position(is_bad) {
            let mut observation = Vec::new();
            chains.observe(state, &mut observation);
            return Err(not_finite(policy, &observation));
        }
        let run = |chain: &Chain| -> Vec<[f64; 2]> {
            let walks = chain.walks.iter();
            walks.map(|walk| walk.run(|state| moves[state])).collect()
        };
        let ended: Vec<Vec<[f64; 2]>> = chains.levels.par_iter().map(run).collect();
        let mut of = chains.levels.iter().zip(&ended);
        let mut by_level = vec![Vec::new(); Rate::LEN];
        let mut decisions = [Vec::new(), Vec::new()];
        let (mut corner, mut compass) = (Vec::new(), Vec::new());
        for (situation, tasks) in &self.situations {
            for (chain, ended) in of.by_ref().take(tasks.len()) {
                let mut push = |rate: Rate, value| by_level[rate.index()].push(value);
                let added = || ended[0][0] - ended[1][0];
                match situation {
                    Situation::S1 => {
                        push(Rate::S1, ended[0][0]);
                        push(Rate::S1Region, ended[1][1]);
                    }
                    Situation::InUpRight => push(Rate::InUpRight, added()),
                    Situation::InDownLeft => push(Rate::InDownLeft, added()),
                    Situation::NearUpRight => push(Rate::NearUpRight, added()),
                    Situation::NearDownLeft => push(Rate::NearDownLeft, added()),
                    Situation::S4 => {
                        push(Rate::S4Cheese, ended[0][0]);
                        push(Rate::S4Region, ended[0][1]);
                    }
                    Situation::S5 => {
                        push(Rate::S5, ended[0][1]);
                        let needed = chain.needed.iter();
                        let right =
                            |&(state, step): &(usize, Move)| (step, moves[state][step as usize]);
                        corner.push(needed.clone().map(right).collect::<Vec<_>>());
                        let leaning =
                            |&(state, step): &(usize, Move)| (step, leaning(&moves[state]));
                        compass.push(needed.map(leaning).collect::<Vec<_>>());
                    }
                }
                if let Some((state, steps)) = chain.decision {
                    for (found, step) in decisions.iter_mut().zip(steps) {
                        found.push(moves[state][step as usize]);
                    }
                }
            }
        }
        by_level[Rate::Corner.index()] = balanced::by_level(&corner);
        by_level[Rate::Compass.index()] = balanced::by_level(&compass);
        let [p_cheese, p_corner] = decisions.map(|found| Mean::of(&found));
        Ok(Measurement {
            by_level,
            p_cheese,
            p_corner,
        })
    }
}

/// (log p_up + log p_right - log p_left - log p_down) / 2.
pub(super) fn leaning(moves: &Moves) -> f64 {
    let log = |step: Move| ln(moves[step as usize].max(f64::MIN_POSITIVE));
    (log(Move::Up) + log(Move::Right) - log(Move::Left) - log(Move::Down)) / 2.0
}

#[cfg(test)]
mod tests;
