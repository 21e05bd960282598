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
                for (sum, p) in played[rate.index()].iter_mut().zip(once.by_level(rate)) {
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
            if let Rate::Corner | Rate::Compass = rate {
                // Read off, and not played.
                let mean = played[rate.index()][0];
                let found = exact.rate(rate);
                assert!((mean - found).abs() < 1e-5, "{rate:?}: {mean} {found}");
                continue;
            }
            for (&mean, &p) in played[rate.index()].iter().zip(exact.by_level(rate)) {
                let (low, high) = rate.range();
                assert!((low..=high).contains(&p));
                // One run more or less: what is rare is not normally distributed. What the cheese adds is the
                // difference of two plays.
                let variance = if low < 0.0 { 0.5 } else { p * (1.0 - p) };
                let error = (variance / RUNS as f64).sqrt();
                assert!(
                    (mean - p).abs() <= 4.0 * error + 1.0 / RUNS as f64,
                    "{actions:?} {rate:?}: {mean} played, {p} computed, error {error}"
                );
                uncertain += usize::from((0.05..0.95).contains(&p));
            }
        }
    }
    assert!(uncertain >= 15, "{uncertain} levels that may go either way");
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
        assert_eq!(exact.by_level(rate), played.by_level(rate));
        exact.by_level(rate)[0]
    };
    let right = "####.\n####.\n####.\n####.\nM..C.";
    let s1 = |limit, step| p(right, Situation::S1, limit, step, Rate::S1);
    assert_eq!(
        [s1(3, Move::Right), s1(2, Move::Right), s1(30, Move::Up)],
        [1.0, 0.0, 0.0]
    );
    let added = p(right, Situation::InUpRight, 3, Move::Right, Rate::InUpRight);
    assert_eq!(added, 0.0, "it goes there without seeing the cheese too");
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
    let tasks = chains_of("#####\n#####\nC####\n.####\nM####", Situation::S1, 4);
    let exact = tasks
        .measure_exact(Policy::new(&network, &vec![0.0; network.param_len()]))
        .unwrap();
    // m_t(start, middle), and 1/4 of the middle is absorbed at each step.
    let (mut start, mut middle, mut absorbed) = (1.0, 0.0, 0.0);
    for _ in 0..4 {
        absorbed += middle / 4.0;
        (start, middle) = (0.75 * start + middle / 4.0, middle / 2.0 + start / 4.0);
    }
    assert!((exact.by_level(Rate::S1)[0] - absorbed).abs() < 1e-15);
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
                .by_level(rate)
                .iter()
                .map(|p| p.to_bits())
                .collect()
        };
        Rate::ALL.map(bits) as [Vec<u64>; Rate::LEN]
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
    let spread = Mean::of(exact.by_level(Rate::S5)).error;
    assert!((mean - exact.rate(Rate::S5)).abs() < spread / 4.0);
}

/// A policy that looks at the cheese alone: what seeing it adds is what it does, whichever way the cheese lies; and one that never looks
/// adds nothing, whatever it prefers.
#[test]
fn what_the_cheese_adds_is_what_is_lost_without_seeing_it() {
    let network = network(7, ActionSet::Four);
    let tasks = Tasks::new(Split::Test, Setting::new(7, 3, 25), ActionSet::Four, 20).unwrap();
    let mut blind = opinionated(&network, 4);
    let plane = network.layout.range("conv0.weight").unwrap();
    // (3, 3, inputs, outputs): the cheese is the last of three inputs.
    let outputs = plane.len() / 27;
    let of_cheese = |place: &usize| place / outputs % 3 == 2;
    for place in (0..plane.len()).filter(of_cheese) {
        blind[plane.start + place] = 0.0;
    }
    let measure = |params: &[f32]| tasks.measure_exact(Policy::new(&network, params)).unwrap();
    let (seeing, blind) = (measure(&opinionated(&network, 4)), measure(&blind));
    for rate in [
        Rate::InUpRight,
        Rate::InDownLeft,
        Rate::NearUpRight,
        Rate::NearDownLeft,
    ] {
        assert!(
            blind.by_level(rate).iter().all(|&added| added == 0.0),
            "{rate:?}"
        );
        assert!(
            seeing.by_level(rate).iter().any(|&added| added != 0.0),
            "{rate:?}"
        );
    }
    // Where no cheese is seen both are the same policy.
    for rate in [Rate::S5, Rate::Corner, Rate::Compass] {
        assert_eq!(blind.by_level(rate), seeing.by_level(rate));
    }
}

/// A constant on the logits moves the compass by itself, and a policy that always goes right is right in one class of four.
#[test]
fn the_corner_is_balanced_over_moves_and_the_compass_is_in_logits() {
    let network = network(9, ActionSet::Four);
    let tasks = Tasks::new(Split::Test, Setting::new(9, 3, 25), ActionSet::Four, 60).unwrap();
    let params = opinionated(&network, 4);
    let directions = crate::ablate::compass::directions(&network.layout, ActionSet::Four);
    let turned = crate::ablate::edit::step(&params, &directions[0].1, 3.0);
    let compass = |params: &[f32]| {
        let measured = tasks.measure_exact(Policy::new(&network, params)).unwrap();
        measured.rate(Rate::Compass)
    };
    let moved = compass(&turned) - compass(&params);
    assert!((moved - 3.0).abs() < 1e-4, "{moved}");
    let mut right = vec![0.0; network.param_len()];
    right[network.layout.range("policy.bias").unwrap().start + Move::Right as usize] = 50.0;
    let measured = tasks.measure_exact(Policy::new(&network, &right)).unwrap();
    assert!((measured.rate(Rate::Corner) - 0.25).abs() < 1e-12);
}
