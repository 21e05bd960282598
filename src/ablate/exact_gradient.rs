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

use crate::maze::Move;
use crate::nn::Policy;

use super::balanced;
use super::chains::Chain;
use super::exact::leaning;
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

/// The walks that a rate is read from, and at which end of each: cheese or region; with the sign it counts with.
fn places(rate: Rate) -> &'static [(usize, usize, f64)] {
    match rate {
        Rate::S1 | Rate::S4Cheese => &[(0, 0, 1.0)],
        Rate::S4Region | Rate::S5 => &[(0, 1, 1.0)],
        Rate::S1Region => &[(1, 1, 1.0)],
        Rate::InUpRight | Rate::InDownLeft | Rate::NearUpRight | Rate::NearDownLeft => {
            &[(0, 0, 1.0), (1, 0, -1.0)]
        }
        Rate::Corner | Rate::Compass => &[],
    }
}

/// A function of the moves in some states, a term of a rate.
enum Term<'a> {
    /// What a walk ends with at the end of this number.
    Ends(&'a Walk, usize),
    /// The probability of a move in a state.
    Makes(usize, Move),
    /// By how much up and right are preferred in a state.
    Leans(usize),
}

impl Term<'_> {
    fn states(&self) -> &[usize] {
        match self {
            Term::Ends(walk, _) => &walk.states,
            Term::Makes(state, _) | Term::Leans(state) => std::slice::from_ref(state),
        }
    }

    fn value(&self, moves: &dyn Fn(usize) -> Moves) -> f64 {
        match *self {
            Term::Ends(walk, end) => walk.run(moves)[end],
            Term::Makes(state, step) => moves(state)[step as usize],
            Term::Leans(state) => leaning(&moves(state)),
        }
    }

    /// By the moves in each of its states.
    fn derivatives(&self, moves: &dyn Fn(usize) -> Moves) -> Vec<Moves> {
        match *self {
            Term::Ends(walk, end) => {
                let mut ends = [0.0; 2];
                ends[end] = 1.0;
                walk.differentiate(moves, ends)
            }
            Term::Makes(_, step) => {
                let mut d = [0.0; 5];
                d[step as usize] = 1.0;
                vec![d]
            }
            Term::Leans(state) => {
                let moves = moves(state);
                let mut d = [0.0; 5];
                for (step, sign) in [
                    (Move::Up, 0.5),
                    (Move::Right, 0.5),
                    (Move::Left, -0.5),
                    (Move::Down, -0.5),
                ] {
                    d[step as usize] = sign / moves[step as usize].max(f64::MIN_POSITIVE);
                }
                vec![d]
            }
        }
    }
}

impl Tasks {
    /// The terms of a rate on some levels, each with the weight it has in the rate.
    fn terms(&self, rate: Rate, levels: &[usize]) -> Vec<(Term<'_>, f64)> {
        let chains = levels.iter().map(|&level| self.chain(rate, level));
        if let Rate::Corner | Rate::Compass = rate {
            let needed = |chain: &Chain| chain.needed.iter().map(|&(_, step)| step).collect();
            let weights = balanced::weights(&chains.clone().map(needed).collect::<Vec<_>>());
            let states = chains.flat_map(|chain| &chain.needed).zip(weights);
            let term = |(&(state, step), weight): (&(usize, Move), f64)| match rate {
                Rate::Corner => (Term::Makes(state, step), weight),
                _ => (Term::Leans(state), weight),
            };
            return states.map(term).collect();
        }
        let scale = 1.0 / levels.len().max(1) as f64;
        let of_chain = |chain| {
            let places = places(rate).iter();
            let term = move |&(walk, end, sign): &(usize, usize, f64)| {
                let chain: &Chain = chain;
                (Term::Ends(&chain.walks[walk], end), sign * scale)
            };
            places.map(term)
        };
        chains.flat_map(of_chain).collect()
    }

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
        let terms: Vec<(Rate, Term<'_>, f64)> = rates
            .iter()
            .flat_map(|&rate| {
                let terms = self.terms(rate, levels).into_iter();
                terms.map(move |(term, weight)| (rate, term, weight))
            })
            .collect();
        let mut states: Vec<usize> = terms.iter().flat_map(|t| t.1.states()).copied().collect();
        states.sort_unstable();
        states.dedup();
        let computed = chains.moves(self.actions, policy, None, &states);
        let place = |state: usize| states.binary_search(&state).expect("a state of a term");
        let moves = |state: usize| computed[place(state)];
        let values: Vec<f64> = terms
            .par_iter()
            .map(|(_, term, weight)| weight * term.value(&moves))
            .collect();
        let mut found: Rates = [0.0; Rate::LEN];
        for ((rate, ..), value) in terms.iter().zip(values) {
            found[rate.index()] += value;
        }
        let d_rates = derive(&found);
        let d_terms: Vec<Vec<Moves>> = terms
            .par_iter()
            .map(|(_, term, _)| term.derivatives(&moves))
            .collect();
        let mut d_states = vec![[0.0; 5]; states.len()];
        for ((rate, term, weight), d_moves) in terms.iter().zip(d_terms) {
            let scale = weight * d_rates[rate.index()];
            for (&state, d_moves) in term.states().iter().zip(d_moves) {
                let sum = &mut d_states[place(state)];
                sum.iter_mut()
                    .zip(d_moves)
                    .for_each(|(sum, d)| *sum += scale * d);
            }
        }
        let mut sensitivity = Sensitivity {
            rates: found,
            observations: Vec::new(),
            d_moves: Vec::new(),
        };
        for (&state, d_moves) in states.iter().zip(d_states) {
            if d_moves != [0.0; 5] {
                chains.observe(state, &mut sensitivity.observations);
                sensitivity.d_moves.push(d_moves);
            }
        }
        sensitivity
    }
}

impl Walk {
    /// The derivatives of `d_ends` times the probabilities that the walk ends at cheese and region, by
    /// the moves' probabilities.
    fn differentiate(&self, moves: impl Fn(usize) -> Moves, d_ends: [f64; 2]) -> Vec<Moves> {
        let moves: Vec<Moves> = self.states.iter().map(|&state| moves(state)).collect();
        let state_len = self.slot_len - SINK_LEN;
        let mut d_moves = vec![[0.0; 5]; moves.len()];
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
            Tasks::new(Split::Discovery, Setting::new(7, 3, 40), ActionSet::Four, 3).unwrap();
        let mut stream = Stream::new(3, Purpose::Nulls, 0);
        let shares = |stream: &mut Stream| {
            let shares = [0; 5].map(|_| 0.1 + stream.uniform());
            shares.map(|share| share / shares.iter().sum::<f64>())
        };
        let mut moves: Vec<Moves> = (0..tasks.chains().states.len())
            .map(|_| shares(&mut stream))
            .collect();
        let mut all_large = 0;
        for rate in Rate::ALL {
            let mut large = 0;
            for (term, _) in tasks.terms(rate, &[1]) {
                let d_moves = term.derivatives(&|state| moves[state]);
                for (&state, d_moves) in term.states().iter().zip(d_moves) {
                    for (index, d) in d_moves.into_iter().enumerate() {
                        let here = moves[state][index];
                        let mut at = |p| {
                            moves[state][index] = p;
                            term.value(&|state| moves[state])
                        };
                        let numeric = (at(here + 1e-6) - at(here - 1e-6)) / 2e-6;
                        at(here);
                        assert!((d - numeric).abs() < 1e-7, "{rate:?} {d} {numeric}");
                        large += usize::from(d.abs() > 1e-4);
                    }
                }
            }
            assert!(large > 0, "{rate:?}");
            all_large += large;
        }
        assert!(all_large > 60, "{all_large}");
    }

    /// The terms add up to what is measured, on all levels.
    #[test]
    fn rates_of_all_levels_are_those_that_are_measured() {
        let tasks =
            Tasks::new(Split::Discovery, Setting::new(7, 3, 12), ActionSet::Four, 5).unwrap();
        let shape = crate::nn::Shape {
            world: 7,
            ..crate::nn::Shape::tiny()
        };
        let network = crate::nn::Network::new(shape, 16).unwrap();
        let params = crate::nn::init::initialise(&network.layout, 3);
        let policy = Policy::new(&network, &params);
        let measured = tasks.measure_exact(policy).unwrap();
        let all: Vec<usize> = (0..5).collect();
        let found = tasks.differentiate(policy, &Rate::ALL, &all, &|_| [1.0; Rate::LEN]);
        for rate in Rate::ALL {
            let (a, b) = (found.rates[rate.index()], measured.rate(rate));
            assert!((a - b).abs() < 1e-12, "{rate:?} {a} {b}");
        }
    }
}
