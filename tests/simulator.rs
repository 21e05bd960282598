//! The fast simulator against the plain one: every position, reward, done flag and observation.

use gouda::maze::{
    ActionSet, Batch, EnvSettings, EnvState, LevelSampler, MouseStart, Simulator, Variant,
    observation_len,
};
use gouda::numeric::random::{Purpose, Stream};
use gouda::numeric::simd;
use rayon::prelude::*;

/// Actions of each level.
const STEPS: usize = 256;

fn settings(
    (world, min_maze_dim): (u8, u8),
    variant: Variant,
    actions: ActionSet,
    timeout: u16,
) -> EnvSettings {
    EnvSettings {
        sampler: LevelSampler::new(world, variant, min_maze_dim, 0..1_000_000_000).unwrap(),
        later: Vec::new(),
        actions,
        reward: 10.0,
        timeout,
    }
}

/// The same with the mouse starting on any free cell.
fn anywhere(mut settings: EnvSettings) -> EnvSettings {
    settings.sampler = settings.sampler.with_mouse(MouseStart::Anywhere);
    settings
}

/// The same followed by a stage of one other region and one of larger mazes.
fn staged(mut settings: EnvSettings, region: u8, min_maze_dim: u8) -> EnvSettings {
    let stage = |region, min_maze_dim| {
        let variant = Variant::Corner { region };
        LevelSampler::new(settings.sampler.world(), variant, min_maze_dim, 0..999).unwrap()
    };
    settings.later = vec![stage(region, 3), stage(5, min_maze_dim)];
    settings
}

/// Plays the same random actions in both, from one batch that is stepped to the end of the test.
/// Returns the episodes that reached the cheese and those that did not.
fn compare(settings: &EnvSettings, seed: u64, env_len: usize) -> [usize; 2] {
    let mut plain = Simulator::new(settings.clone(), seed, env_len).unwrap();
    let mut fast = Batch::new(settings, seed, env_len).unwrap();
    let observation_len = env_len * observation_len(settings.sampler.world());
    let (mut expected, mut found) = (vec![0; observation_len], vec![9; observation_len]);
    let (mut rewards, mut dones) = (
        [vec![0.0; env_len], vec![9.0; env_len]],
        [vec![false; env_len], vec![true; env_len]],
    );
    let mut random = Stream::new(seed, Purpose::Actions, 0);
    let action_len = settings.actions.action_len() as u32;
    let mut outcomes = [0; 2];
    for t in 0..STEPS {
        // One stage after the other, for a third of the steps each.
        let stage = (3 * t / STEPS).min(settings.later.len());
        plain.begin_stage(stage);
        fast.begin_stage(stage);
        plain.observe(&mut expected);
        fast.observe(&mut found);
        assert!(expected == found, "observations before step {t}");
        let actions: Vec<u8> = (0..env_len)
            .map(|_| random.below(action_len) as u8)
            .collect();
        let episodes = plain.step(&actions, &mut rewards[0], &mut dones[0]);
        let mut ended = Vec::new();
        fast.step(&actions, &mut rewards[1], &mut dones[1], &mut ended);
        assert_eq!(episodes, ended, "step {t}");
        assert_eq!(rewards[0], rewards[1], "step {t}");
        assert_eq!(dones[0], dones[1], "step {t}");
        for (i, env) in plain.envs.iter().enumerate() {
            let expected = EnvState {
                level_seed: env.level_seed,
                stage: env.stage,
                mouse: env.mouse,
                steps: env.steps,
                stream: env.stream.clone(),
            };
            assert_eq!(fast.state(i), expected, "environment {i}, step {t}");
        }
        for episode in ended {
            outcomes[usize::from(episode.cheese)] += 1;
        }
    }
    plain.observe(&mut expected);
    fast.observe(&mut found);
    assert!(expected == found, "last observations");
    outcomes
}

/// Worlds, variants, both action sets; `level_len` levels of each to start from, fewer of those
/// that cost the plain simulator most.
fn compare_all(level_len: usize) {
    let corner = |region| Variant::Corner { region };
    let table = [
        (level_len, settings((5, 3), corner(2), ActionSet::Four, 20)),
        (
            level_len,
            settings((9, 9), corner(5), ActionSet::Procgen, 90),
        ),
        (
            level_len,
            settings((13, 3), corner(5), ActionSet::Four, 500),
        ),
        (
            level_len,
            settings((13, 3), Variant::Anywhere, ActionSet::Procgen, 200),
        ),
        (
            level_len,
            staged(settings((9, 5), corner(3), ActionSet::Four, 40), 0, 9),
        ),
        (
            level_len,
            anywhere(settings((11, 5), corner(3), ActionSet::Four, 60)),
        ),
        (
            level_len / 20,
            settings((25, 3), Variant::Anywhere, ActionSet::Procgen, 100),
        ),
        (
            level_len / 40,
            settings((31, 23), corner(0), ActionSet::Four, 3),
        ),
    ];
    const BATCH: usize = 500;
    for (level_len, settings) in &table {
        let batches = (0..level_len.div_ceil(BATCH)).into_par_iter();
        let outcomes = batches
            .map(|batch| {
                let env_len = BATCH.min(level_len - batch * BATCH);
                compare(settings, batch as u64, env_len)
            })
            .reduce(|| [0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
        let [late, cheese] = outcomes;
        assert!(cheese > 0 || settings.timeout == 3, "no cheese was found");
        assert!(late > 0 || settings.timeout == 500, "none ran out of time");
    }
}

#[test]
fn ten_thousand_levels_play_as_in_the_plain_simulator() {
    compare_all(10_000);
}

/// The instruction set is chosen once a process, so each has a process of its own: this very
/// program, asked for [`plays_a_few_levels`] alone.
#[test]
fn every_instruction_set_plays_as_the_plain_simulator() {
    for path in simd::Path::ALL.iter().map(|path| path.name()) {
        if simd::choose(Some(path)).is_err() {
            continue;
        }
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["plays_a_few_levels", "--exact", "--ignored", "--nocapture"])
            .env("GOUDA_SIMD", path)
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{path}: {printed}");
        assert!(printed.contains(&format!("path {path}")), "{printed}");
    }
}

#[test]
#[ignore = "the other end of every_instruction_set_plays_as_the_plain_simulator"]
fn plays_a_few_levels() {
    println!("path {}", simd::path().name());
    compare_all(600);
}

#[test]
fn a_batch_taken_up_again_plays_on_as_it_would_have() {
    let settings = settings((11, 7), Variant::Corner { region: 3 }, ActionSet::Four, 30);
    let settings = staged(settings, 0, 11);
    let env_len = 300;
    let mut batch = Batch::new(&settings, 4, env_len).unwrap();
    let mut random = Stream::new(1, Purpose::Actions, 0);
    let observation_len = env_len * observation_len(11);
    let mut step = |batches: &mut [&mut Batch], times: usize| {
        for _ in 0..times {
            let actions: Vec<u8> = (0..env_len).map(|_| random.below(4) as u8).collect();
            let seen: Vec<_> = batches
                .iter_mut()
                .map(|batch| {
                    let (mut rewards, mut dones) = (vec![0.0; env_len], vec![false; env_len]);
                    let (mut ended, mut observations) = (Vec::new(), vec![0; observation_len]);
                    batch.step(&actions, &mut rewards, &mut dones, &mut ended);
                    batch.observe(&mut observations);
                    (rewards, dones, ended, observations)
                })
                .collect();
            assert!(seen.iter().all(|one| *one == seen[0]));
        }
    };
    step(&mut [&mut batch], 77);
    let states: Vec<EnvState> = (0..env_len).map(|env| batch.state(env)).collect();
    // One from a fresh batch, one from a batch that has played something else.
    let mut fresh = Batch::new(&settings, 99, env_len).unwrap();
    let mut other = batch.clone();
    step(&mut [&mut other], 50);
    for (env, state) in states.iter().enumerate() {
        fresh.restore(env, state).unwrap();
        other.restore(env, state).unwrap();
        assert_eq!((&fresh.state(env), &other.state(env)), (state, state));
    }
    step(&mut [&mut batch, &mut fresh, &mut other], 50);
    // A switch, and a point between it and the end of the episodes that began before it.
    for batch in [&mut batch, &mut fresh] {
        batch.begin_stage(1);
    }
    step(&mut [&mut batch, &mut fresh], 10);
    let states: Vec<EnvState> = (0..env_len).map(|env| batch.state(env)).collect();
    let stages: std::collections::BTreeSet<usize> = states.iter().map(|s| s.stage).collect();
    assert_eq!(stages, [0, 1].into());
    let mut late = Batch::new(&settings, 99, env_len).unwrap();
    for (env, state) in states.iter().enumerate() {
        late.restore(env, state).unwrap();
    }
    late.begin_stage(1);
    step(&mut [&mut batch, &mut fresh, &mut late], 20);
    for batch in [&mut batch, &mut fresh, &mut late] {
        batch.begin_stage(2);
    }
    step(&mut [&mut batch, &mut fresh, &mut late], 100);
    assert!((0..env_len).all(|env| batch.state(env).stage == 2));
}

/// A level seed says where the mouse starts, whatever was drawn before it, and changes nothing else of
/// the level.
#[test]
fn the_level_seed_says_where_the_mouse_starts() {
    let plain = settings((9, 3), Variant::Corner { region: 5 }, ActionSet::Four, 4);
    let moved = anywhere(plain.clone());
    let (mut elsewhere, env_len) = (0, 300);
    for seed in 0..9 {
        let batch = Batch::new(&moved, seed, env_len).unwrap();
        for env in 0..env_len {
            let state = batch.state(env);
            let level = moved.sampler.level(state.level_seed);
            let mut procgen = plain.sampler.level(state.level_seed);
            assert_eq!(state.mouse, level.mouse);
            elsewhere += usize::from(level.mouse != procgen.mouse);
            procgen.mouse = level.mouse;
            assert_eq!(level, procgen);
        }
    }
    // In a maze of 3 cells one mouse in six is still at the bottom left.
    assert!(elsewhere > 9 * env_len * 8 / 10, "{elsewhere}");
}

#[test]
fn any_number_of_threads_plays_the_same() {
    let settings = settings((9, 5), Variant::Corner { region: 3 }, ActionSet::Four, 40);
    let env_len = 700;
    let play = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let mut batch = Batch::new(&settings, 7, env_len).unwrap();
            let (mut rewards, mut dones) = (vec![0.0; env_len], vec![false; env_len]);
            let mut observations = vec![0; env_len * observation_len(9)];
            let mut random = Stream::new(2, Purpose::Actions, 0);
            let mut ended = Vec::new();
            for _ in 0..100 {
                let actions: Vec<u8> = (0..env_len).map(|_| random.below(4) as u8).collect();
                batch.step(&actions, &mut rewards, &mut dones, &mut ended);
            }
            batch.observe(&mut observations);
            let states: Vec<EnvState> = (0..env_len).map(|env| batch.state(env)).collect();
            (states, observations, ended)
        })
    };
    let one = play(1);
    assert!(play(2) == one && play(5) == one);
}

#[test]
fn what_cannot_be_played_is_refused() {
    let mut rules = settings((5, 3), Variant::Anywhere, ActionSet::Four, 0);
    assert!(Batch::new(&rules, 0, 1).is_err());
    rules.timeout = 9;
    let act = |action| {
        let mut batch = Batch::new(&rules, 0, 3).unwrap();
        let (mut rewards, mut dones) = ([0.0; 3], [false; 3]);
        batch.step(&[0, action, 0], &mut rewards, &mut dones, &mut Vec::new());
    };
    act(3);
    assert!(std::panic::catch_unwind(|| act(4)).is_err());
}

#[test]
fn the_bench_prints_a_row_a_world_and_refuses_nonsense() {
    let bench = |options: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gouda"));
        command
            .args(["bench", "sim"])
            .args(options)
            .output()
            .unwrap()
    };
    let common = ["--json", "--envs", "70", "--seconds", "0.01"];
    let output = bench(&[&common[..], &["--world", "5,7", "--threads", "1"]].concat());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    let rows: Vec<serde_json::Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 2);
    for (row, world) in rows.iter().zip([5, 7]) {
        assert_eq!((&row["world"], &row["threads"]), (&world.into(), &1.into()));
        let number = |value: &serde_json::Value| value.as_f64().unwrap();
        assert!(number(&row["steps_per_s"]["best"]) >= number(&row["steps_per_s"]["median"]));
        let parts = row["parts_of_steps_written"].as_object().unwrap();
        let sum: f64 = parts.values().map(number).sum();
        assert!(parts.len() == 4 && (sum - 1.0).abs() < 1e-9, "{parts:?}");
    }
    for options in [
        ["--envs", "0"],
        ["--threads", "0"],
        ["--seconds", "nan"],
        ["--world", "6"],
    ] {
        let output = bench(&options);
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(!output.stderr.is_empty());
    }
}
