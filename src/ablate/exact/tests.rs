//! Against play, policies made by hand, and threads.

use super::*;
use crate::ablate::situation::Task;
use crate::ablate::{Setting, Split};
use crate::maze::{ActionSet, Level, Move};
use crate::nn::{Kind, Network, Shape, init};

fn network(world: usize, actions: ActionSet) -> Network {
    let shape = Shape {
        kind: Kind::Small,
        world,
        channels: 4,
        blocks: 1,
        hidden: 8,
        action_len: actions.action_len(),
    };
    Network::new(shape, 16).unwrap()
}

/// A policy that prefers some moves here and others there.
fn opinionated(network: &Network, seed: u64) -> Vec<f32> {
    let mut params = init::initialise(&network.layout, seed);
    let head = network.layout.range("policy.weight").unwrap();
    params[head].iter_mut().for_each(|p| *p *= 15.0);
    params
}

#[test]
fn probabilities_are_what_many_plays_come_to() {
    const RUNS: u64 = 2000;
    const LEVELS: usize = 4;
    let mut uncertain = 0;
    for (actions, seed) in [(ActionSet::Four, 3), (ActionSet::Procgen, 5)] {
        let network = network(7, actions);
        let params = opinionated(&network, seed);
        let tasks = Tasks::new(Split::Discovery, Setting::new(7, 3, 80), actions, LEVELS).unwrap();
        let exact = tasks.measure_exact(Policy::new(&network, &params)).unwrap();
        let mut played = vec![[0.0; LEVELS]; Rate::ALL.len()];
        for run in 0..RUNS {
            let once = tasks.measure(Policy::new(&network, &params), run).unwrap();
            for rate in Rate::ALL {
                for (sum, p) in played[rate.index()]
                    .iter_mut()
                    .zip(once.probabilities(rate))
                {
                    *sum += p / RUNS as f64;
                }
            }
            for (a, b) in [
                (once.p_cheese, exact.p_cheese),
                (once.p_corner, exact.p_corner),
            ] {
                assert!((a.value - b.value).abs() < 1e-6);
            }
        }
        for rate in Rate::ALL {
            for (&mean, &p) in played[rate.index()].iter().zip(exact.probabilities(rate)) {
                assert!((0.0..=1.0).contains(&p));
                // One run more or less: what is rare is not normally distributed.
                let error = (p * (1.0 - p) / RUNS as f64).sqrt();
                assert!(
                    (mean - p).abs() <= 4.0 * error + 1.0 / RUNS as f64,
                    "{actions:?} {rate:?}: {mean} played, {p} computed, error {error}"
                );
                uncertain += usize::from((0.05..0.95).contains(&p));
            }
        }
    }
    assert!(uncertain >= 20, "{uncertain} levels that may go either way");
}

fn chains_of(text: &str, situation: Situation, limit: u16) -> Tasks {
    let task = Task {
        seed: 0,
        level: Level::from_text(text).unwrap(),
        region: 1,
        limit,
        decision: None,
    };
    Tasks {
        actions: ActionSet::Four,
        situations: vec![(situation, vec![task])],
        chains: Default::default(),
    }
}

#[test]
fn a_policy_that_leaves_nothing_to_chance_succeeds_or_fails() {
    let network = network(5, ActionSet::Four);
    let bias = network.layout.range("policy.bias").unwrap();
    let only = |step: Move| {
        let mut params = vec![0.0; network.param_len()];
        params[bias.start + step as usize] = 1000.0;
        params
    };
    let p = |text, situation, limit, step, rate: Rate| {
        let tasks = chains_of(text, situation, limit);
        let exact = tasks
            .measure_exact(Policy::new(&network, &only(step)))
            .unwrap();
        let played = tasks
            .measure(Policy::new(&network, &only(step)), 0)
            .unwrap();
        let place = rate.index()
            - Rate::ALL
                .iter()
                .position(|r| r.situation() == situation)
                .unwrap();
        assert_eq!(exact.probabilities(rate), [played.probabilities[place][0]]);
        exact.probabilities(rate)[0]
    };
    let right = "####.\n####.\n####.\n####.\nM..C.";
    let s2 = |limit, step| p(right, Situation::S2, limit, step, Rate::S2);
    assert_eq!(
        [s2(3, Move::Right), s2(2, Move::Right), s2(30, Move::Up)],
        [1.0, 0.0, 0.0]
    );
    let up = "....C\n.####\n.####\n.####\n.####";
    let corner = ".....\n.####\n.####\nC####\n.####";
    let s4 = |text, step, rate| p(text, Situation::S4, 9, step, rate);
    assert_eq!(
        s4(up, Move::Up, Rate::S4Region),
        0.0,
        "stays in the top-left cell"
    );
    assert_eq!(s4(corner, Move::Up, Rate::S4Cheese), 1.0);
    assert_eq!(
        s4(corner, Move::Up, Rate::S4Region),
        0.0,
        "the cheese ends it"
    );
}

#[test]
fn a_walk_of_coin_flips_is_the_binomial_sum() {
    // A corridor of three cells and four equal moves: the middle one is left upward or downward
    // with 1/4 each, the start upward with 1/4.
    let network = network(5, ActionSet::Four);
    let tasks = chains_of("#####\n#####\nC####\n.####\nM####", Situation::S3, 4);
    let exact = tasks
        .measure_exact(Policy::new(&network, &vec![0.0; network.param_len()]))
        .unwrap();
    // m_t(start, middle), and 1/4 of the middle is absorbed at each step.
    let (mut start, mut middle, mut absorbed) = (1.0, 0.0, 0.0);
    for _ in 0..4 {
        absorbed += middle / 4.0;
        (start, middle) = (0.75 * start + middle / 4.0, middle / 2.0 + start / 4.0);
    }
    assert!((exact.probabilities(Rate::S3)[0] - absorbed).abs() < 1e-15);
}

#[test]
fn the_same_bits_at_any_thread_count_and_block() {
    let actions = ActionSet::Procgen;
    let tasks = Tasks::new(Split::Selection, Setting::new(9, 5, 40), actions, 9).unwrap();
    let measure = |threads: usize, block: usize| {
        let small = network(9, actions);
        let network = Network::new(small.shape, block).unwrap();
        let params = opinionated(&network, 1);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let measured = pool
            .unwrap()
            .install(|| tasks.clone().measure_exact(Policy::new(&network, &params)))
            .unwrap();
        let bits = |rate| {
            measured
                .probabilities(rate)
                .iter()
                .map(|p| p.to_bits())
                .collect()
        };
        Rate::ALL.map(bits) as [Vec<u64>; 7]
    };
    let one = measure(1, 16);
    assert_eq!(measure(2, 16), one);
    assert_eq!(measure(3, 7), one);
}

#[test]
fn as_many_draws_as_levels_leave_probabilities_their_mean() {
    let network = network(7, ActionSet::Four);
    let params = opinionated(&network, 2);
    let tasks = Tasks::new(Split::Test, Setting::new(7, 3, 25), ActionSet::Four, 30).unwrap();
    let exact = tasks.measure_exact(Policy::new(&network, &params)).unwrap();
    let draws = crate::ablate::Resampling::new(&tasks.seeds(), 400, 1).rates(&exact);
    let mean = draws
        .iter()
        .map(|rates| rates[Rate::S5.index()])
        .sum::<f64>()
        / 400.0;
    let spread = Mean::of(exact.probabilities(Rate::S5)).error;
    assert!((mean - exact.rate(Rate::S5)).abs() < spread / 4.0);
}
