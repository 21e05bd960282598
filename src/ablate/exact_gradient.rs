//! How exact rates depend on what the policy does in every state.
//!
//! ```text
//! v_limit = 1 at the ends that are a success, 0 elsewhere      v_t(x) = sum over y of P(x -> y) v_t+1(y)
//! d P(success) / d P(x makes move k) = sum over t of m_t(x) v_t+1(where k leads from x)
//! ```
//!
//! with the masses m of [`exact`](super::exact): the policy gradient without sampling. A network's
//! backward pass takes it on to the parameters. Cost: limit x moves a level, twice.

use rayon::prelude::*;

use crate::nn::Policy;

use super::chains::Chain;
use super::rate::{Rate, Rates};
use super::tasks::Tasks;
use super::walk::{Moves, SINK_LEN, Sink, Walk};

/// States with the derivatives of some function of the rates by their moves' probabilities.
#[derive(Clone, Debug)]
pub struct Sensitivity {
    /// Mean probabilities of success; 0 where a rate was not asked for.
    pub rates: Rates,
    /// `(states, world, world, 3)` of 0 and 1; states without influence are left out.
    pub observations: Vec<u8>,
    /// By state: derivatives by the probabilities of the four moves and of none.
    pub d_moves: Vec<[f64; 5]>,
}

/// The walk that a rate is read from, and at which end: cheese or region.
fn place(rate: Rate) -> (usize, usize) {
    match rate {
        Rate::S1 | Rate::S2 | Rate::S3 | Rate::S4Cheese => (0, 0),
        Rate::S4Region | Rate::S5 => (0, 1),
        Rate::S1Region => (1, 1),
    }
}

impl Tasks {
    /// The derivatives of a function of some rates on the levels numbered `levels` of every situation:
    /// `derive` takes the rates and gives the function's derivative by each.
    pub fn differentiate(
        &self,
        policy: Policy<'_>,
        rates: &[Rate],
        levels: &[usize],
        derive: &dyn Fn(&Rates) -> Rates,
    ) -> Sensitivity {
        let chains = self.chains();
        let asked: Vec<(Rate, &Chain)> = rates
            .iter()
            .flat_map(|&rate| {
                levels
                    .iter()
                    .map(move |&level| (rate, self.chain(rate, level)))
            })
            .collect();
        let states: Vec<usize> = asked.iter().flat_map(|(_, chain)| chain.states()).collect();
        let moves = chains.moves(self.actions, policy, None, &states);
        let mut firsts = vec![0];
        for (_, chain) in &asked {
            firsts.push(firsts[firsts.len() - 1] + chain.states().len());
        }
        let of = |at: usize| &moves[firsts[at]..firsts[at + 1]];
        let successes: Vec<f64> = (0..asked.len())
            .into_par_iter()
            .map(|at| {
                let (walk, end) = place(asked[at].0);
                asked[at].1.walks[walk].run(of(at))[end]
            })
            .collect();
        let scale = 1.0 / levels.len().max(1) as f64;
        let mut means: Rates = [0.0; Rate::ALL.len()];
        for ((rate, _), success) in asked.iter().zip(successes) {
            means[rate.index()] += scale * success;
        }
        let d_rates = derive(&means);
        let d_moves: Vec<Vec<Moves>> = (0..asked.len())
            .into_par_iter()
            .map(|at| {
                let (rate, chain) = asked[at];
                let (walk, end) = place(rate);
                let mut d_ends = [0.0; 2];
                d_ends[end] = scale * d_rates[rate.index()];
                chain.walks[walk].differentiate(of(at), d_ends)
            })
            .collect();
        let mut found = Sensitivity {
            rates: means,
            observations: Vec::new(),
            d_moves: Vec::new(),
        };
        for (&state, d_moves) in states.iter().zip(d_moves.into_iter().flatten()) {
            if d_moves != [0.0; 5] {
                chains.observe(state, &mut found.observations);
                found.d_moves.push(d_moves);
            }
        }
        found
    }
}

impl Walk {
    /// The derivatives of `d_ends` times the probabilities that the walk ends at cheese and region, by
    /// the moves' probabilities.
    fn differentiate(&self, moves: &[Moves], d_ends: [f64; 2]) -> Vec<Moves> {
        let state_len = self.slot_len - SINK_LEN;
        let mut d_moves = vec![[0.0; 5]; moves.len()];
        if d_ends == [0.0; 2] {
            return d_moves;
        }
        let share = |from: u16, index: u8| moves[usize::from(from)][usize::from(index)];
        let limit = usize::from(self.limit);
        let mut masses = vec![0.0; limit * self.slot_len];
        masses[0] = 1.0;
        for t in 1..limit {
            let (before, after) = masses.split_at_mut(t * self.slot_len);
            let before = &before[(t - 1) * self.slot_len..];
            for &(from, index, to) in &self.edges {
                after[usize::from(to)] += before[usize::from(from)] * share(from, index);
            }
        }
        let mut values = vec![0.0; self.slot_len];
        let [cheese, region] = d_ends;
        values[state_len + Sink::Cheese as usize] = cheese;
        values[state_len + Sink::Region as usize] = region;
        values[state_len + Sink::Both as usize] = cheese + region;
        let mut earlier = values.clone();
        for mass in masses.chunks_exact(self.slot_len).rev() {
            earlier[..state_len].fill(0.0);
            for &(from, index, to) in &self.edges {
                let value = values[usize::from(to)];
                let from_place = usize::from(from);
                earlier[from_place] += share(from, index) * value;
                d_moves[from_place][usize::from(index)] += mass[from_place] * value;
            }
            std::mem::swap(&mut values, &mut earlier);
        }
        d_moves
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Setting, Split};
    use crate::maze::ActionSet;
    use crate::numeric::random::{Purpose, Stream};

    #[test]
    fn derivatives_by_moves_are_the_differences() {
        let tasks =
            Tasks::new(Split::Discovery, Setting::new(7, 3, 12), ActionSet::Four, 3).unwrap();
        let mut stream = Stream::new(3, Purpose::Nulls, 0);
        let mut large = 0;
        for rate in Rate::ALL {
            let chain = tasks.chain(rate, 1);
            let (walk, end) = place(rate);
            let mut moves: Vec<Moves> = chain
                .states()
                .map(|_| {
                    let shares = [0; 5].map(|_| 0.1 + stream.uniform());
                    shares.map(|share| share / shares.iter().sum::<f64>())
                })
                .collect();
            let mut d_ends = [0.0; 2];
            d_ends[end] = 2.0;
            let d_moves = chain.walks[walk].differentiate(&moves, d_ends);
            for state in 0..moves.len() {
                for index in 0..5 {
                    let here = moves[state][index];
                    let mut at = |p| {
                        moves[state][index] = p;
                        2.0 * chain.walks[walk].run(&moves)[end]
                    };
                    let numeric = (at(here + 1e-6) - at(here - 1e-6)) / 2e-6;
                    at(here);
                    let d = d_moves[state][index];
                    assert!((d - numeric).abs() < 1e-7, "{rate:?} {d} {numeric}");
                    large += usize::from(d > 1e-3);
                }
            }
        }
        assert!(large > 30, "{large}");
    }
}
