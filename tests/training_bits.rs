//! Training from the outside: the same bits whatever the threads and instruction set, where it
//! stops, what it refuses, and that it learns.
//!
//! `GOUDA_SIMD` may force an instruction set on the whole file; nothing here depends on it.

use gouda::maze::{ActionSet, MouseStart};
use gouda::nn::Kind;
use gouda::numeric::simd;
use gouda::ppo::projection::{Projection, When};
use gouda::ppo::settings::{NormAdv, OptimizerKind};
use gouda::ppo::{EnvSettings, Error, NetSettings, Part, PpoSettings, Settings, Stage, Trainer};

/// A world of 5 cells, 20 environments: more than one block of a rollout, the second one short,
/// and minibatches of more than one block, the last one short.
fn tiny(kind: Kind) -> Settings {
    Settings {
        env: EnvSettings {
            world: 5,
            region: 2,
            min_maze_dim: 3,
            timeout: 20,
            reward: 1.0,
            actions: ActionSet::Four,
            mouse: MouseStart::BottomLeft,
            schedule: Vec::new(),
        },
        net: NetSettings {
            kind,
            channels: 8,
            blocks: 1,
            hidden: 16,
        },
        ppo: PpoSettings {
            total_updates: 30,
            num_envs: 20,
            num_steps: 8,
            update_epochs: 2,
            minibatch_size: 40,
            ..PpoSettings::usual()
        },
    }
}

fn crc(values: &[f32]) -> u32 {
    crc32fast::hash(bytemuck::cast_slice(values))
}

/// Trains to the end: a checksum of every gradient, every update and, last, of the parameters.
fn checksums(settings: Settings) -> Vec<u32> {
    let mut trainer = Trainer::new(settings, 3).unwrap();
    let mut checksums = Vec::new();
    while let Some(update) = trainer.advance().unwrap() {
        checksums.extend([crc(update.gradient), crc(update.applied), update.minibatch]);
    }
    checksums.push(crc(trainer.params()));
    checksums
}

fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(run)
}

#[test]
fn any_number_of_threads_trains_to_the_same_bits() {
    let (minibatch, rollout) = (NormAdv::Minibatch, NormAdv::Rollout);
    for (kind, optimizer, total_updates, norm_adv) in [
        (Kind::Small, OptimizerKind::Adam, 30, minibatch),
        (Kind::Small, OptimizerKind::Adam, 30, rollout),
        (Kind::Small, OptimizerKind::Sgd, 30, minibatch),
        (Kind::Impala, OptimizerKind::Adam, 10, minibatch),
    ] {
        let mut settings = tiny(kind);
        settings.ppo.norm_adv = norm_adv;
        settings.ppo.norm_rewards = norm_adv == NormAdv::Rollout;
        settings.ppo.optimizer = optimizer;
        settings.ppo.total_updates = total_updates;
        let one = with_threads(1, || checksums(settings.clone()));
        assert_eq!(one.len() as u64, 3 * total_updates + 1);
        for threads in [2, 5] {
            let many = with_threads(threads, || checksums(settings.clone()));
            assert_eq!(many, one, "{kind:?} with {optimizer:?}, {threads} threads");
        }
    }
}

/// The instruction set is chosen once a process, so each has a process of its own: this very
/// program, asked for [`prints_its_checksums`] alone.
#[test]
fn every_instruction_set_trains_to_the_same_bits() {
    let run = |path: &str| {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "prints_its_checksums",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env("GOUDA_SIMD", path)
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{path}: {printed}");
        let (_, rest) = printed.split_once("path ").expect("a line of checksums");
        let (found, checksums) = rest.lines().next().unwrap().split_once(' ').unwrap();
        assert_eq!(found, path, "the path that was asked for");
        checksums.to_owned()
    };
    let portable = run("portable");
    assert_eq!(portable.split(' ').count(), 2 * (3 * 10 + 1));
    for path in simd::Path::ALL.iter().map(|path| path.name()) {
        if path != "portable" && simd::choose(Some(path)).is_ok() {
            assert_eq!(run(path), portable, "{path}");
        }
    }
}

#[test]
#[ignore = "the other end of every_instruction_set_trains_to_the_same_bits"]
fn prints_its_checksums() {
    let mut line = format!("path {}", simd::path().name());
    for (kind, channels) in [(Kind::Small, 21), (Kind::Impala, 1)] {
        let mut settings = tiny(kind);
        settings.ppo.total_updates = 10;
        settings.net.channels = channels;
        for checksum in checksums(settings) {
            line += &format!(" {checksum:08x}");
        }
    }
    println!("{line}");
}

/// The parts are of the parameters and samples of the update itself, sum to its gradient, and
/// leave every bit of training as it is.
#[test]
fn the_parts_sum_to_the_gradient_and_change_nothing() {
    for (kind, region, total_updates) in [
        (Kind::Small, 2, 30),
        (Kind::Small, 5, 8),
        (Kind::Impala, 3, 8),
    ] {
        let mut settings = tiny(kind);
        settings.env.region = region;
        settings.ppo.total_updates = total_updates;
        // Weights at which no part is lost in the rounding of another.
        settings.ppo.ent_coef = 0.1;
        let expected = checksums(settings.clone());
        let mut trainer = Trainer::new(settings, 3).unwrap();
        let mut found = Vec::new();
        let mut largest = [0.0f64; 4];
        for index in 0..total_updates {
            let update = if index % 3 == 0 {
                trainer.advance_in_parts().unwrap().unwrap()
            } else {
                trainer.advance().unwrap().unwrap()
            };
            assert_eq!(update.parts.is_some(), index % 3 == 0);
            let norm = |values: &[f32]| {
                let squares = values.iter().map(|&x| f64::from(x).powi(2));
                squares.sum::<f64>().sqrt()
            };
            if let Some(parts) = update.parts {
                let norms = [0, 1, 2, 3].map(|part| norm(&parts[part]));
                let differences = update.gradient.iter().enumerate().map(|(i, &whole)| {
                    let sum: f64 = parts.iter().map(|part| f64::from(part[i])).sum();
                    (sum - f64::from(whole)) as f32
                });
                let error = norm(&differences.collect::<Vec<f32>>());
                let scale = norms.iter().sum::<f64>();
                assert!(error < 1e-6 * scale, "{kind:?}, {index}: {error} {scale}");
                for (largest, norm) in largest.iter_mut().zip(norms) {
                    *largest = largest.max(norm / scale);
                }
            }
            found.extend([crc(update.gradient), crc(update.applied), update.minibatch]);
        }
        found.push(crc(trainer.params()));
        assert_eq!(found, expected, "{kind:?}, region {region}");
        for (part, share) in Part::ALL.into_iter().zip(largest) {
            // Where the region is the whole of every maze, no mouse comes into it.
            if part == Part::Inside && region == 5 {
                assert_eq!(share, 0.0);
            } else {
                assert!(share > 1e-3, "{kind:?}, region {region}, {part:?}: {share}");
            }
        }
    }
}

/// Up to the switch training is that without a schedule; from there on every level that begins is of the
/// new stage, and what is under way is played to its end.
#[test]
fn a_stage_begins_with_an_iteration_and_ends_no_episode() {
    let mut settings = tiny(Kind::Small);
    settings.ppo.total_updates = 40;
    let alone = checksums(settings.clone());
    settings.env.schedule = vec![Stage {
        from: 0.5,
        region: 0,
        min_maze_dim: 5,
    }];
    let found = checksums(settings.clone());
    // 8 updates an iteration, and half of 40 are made when the one after 24 begins.
    assert_eq!(found[..3 * 24], alone[..3 * 24]);
    assert_ne!(found[3 * 24..], alone[3 * 24..]);
    let mut trainer = Trainer::new(settings.clone(), 3).unwrap();
    let (mut old, mut new) = (0, 0);
    while trainer.advance().unwrap().is_some() {
        if !trainer.is_between_iterations() {
            continue;
        }
        let since = (trainer.updates().saturating_sub(24) / 8 * 8) as u16;
        for env in trainer.state().environments {
            let is_old = since == 0 || env.steps >= since;
            assert_eq!(env.stage, usize::from(!is_old), "{env:?} after {since}");
            let level = env.level(&settings.env.rules().unwrap()).unwrap();
            if !is_old {
                assert_eq!((level.cheese, level.maze_dim), (Some(level.top_right()), 5));
                new += 1;
            } else if since > 0 {
                old += 1;
            }
        }
    }
    assert!(old > 0 && new > 20, "{old} {new}");
}

/// A stage from the start is as if the settings said so themselves, but for who is inside; a policy that
/// was trained goes on on the last stage's levels.
#[test]
fn a_stage_from_the_start_trains_as_its_levels_alone() {
    let mut alone = tiny(Kind::Small);
    alone.env.region = 0;
    alone.env.min_maze_dim = 5;
    let mut staged = tiny(Kind::Small);
    let stage = |from, region, min_maze_dim| Stage {
        from,
        region,
        min_maze_dim,
    };
    staged.env.schedule = vec![stage(0.0, 0, 5)];
    assert_eq!(checksums(staged.clone()), checksums(alone.clone()));
    staged.env.schedule = vec![stage(0.3, 3, 3), stage(0.9, 0, 5)];
    let params = Trainer::new(alone.clone(), 5).unwrap().params().to_vec();
    let go_on = |settings: Settings| {
        let mut trainer = Trainer::from_params(settings, 4, params.clone()).unwrap();
        while trainer.advance().unwrap().is_some() {}
        crc(trainer.params())
    };
    assert_eq!(staged.env.anywhere_share(), 0.0);
    assert_eq!(go_on(staged), go_on(alone));
}

/// Over one minibatch of all frames, those of the minibatch and those of the rollout are the same; over
/// smaller ones they are not.
#[test]
fn each_way_to_normalise_advantages_is_another_training() {
    let first = |norm_adv, minibatch_size| {
        let mut settings = tiny(Kind::Small);
        settings.ppo.norm_adv = norm_adv;
        settings.ppo.minibatch_size = minibatch_size;
        let mut trainer = Trainer::new(settings, 3).unwrap();
        trainer.advance().unwrap().unwrap().gradient.to_vec()
    };
    let all = [NormAdv::Minibatch, NormAdv::Rollout, NormAdv::None];
    // In one minibatch of the whole rollout the two are one but for the order of the sums.
    let [minibatch, rollout, none] = all.map(|norm_adv| first(norm_adv, 160));
    let distance = |a: &[f32], b: &[f32]| {
        let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let scale = distance(&minibatch, &vec![0.0; minibatch.len()]);
    assert!(distance(&minibatch, &rollout) < 1e-6 * scale);
    assert!(distance(&minibatch, &none) > 1e-2 * scale);
    let [minibatch, rollout, none] = all.map(|norm_adv| first(norm_adv, 40));
    assert!(distance(&minibatch, &rollout) > 1e-2 * scale);
    assert!(distance(&rollout, &none) > 1e-2 * scale);
}

#[test]
fn training_stops_after_exactly_the_updates_asked_for() {
    // An iteration makes 8 updates: 19 are two and three more.
    let mut settings = tiny(Kind::Small);
    settings.ppo.total_updates = 19;
    assert_eq!(settings.ppo.updates_per_iteration(), 8);
    assert_eq!(settings.ppo.iterations(), 3);
    let mut trainer = Trainer::new(settings, 0).unwrap();
    let mut seen = Vec::new();
    while let Some(update) = trainer.advance().unwrap() {
        let rate = update.learning_rate * 1e3;
        seen.push((update.index, update.frames, update.ends_iteration, rate));
    }
    let expected: Vec<(u64, u64, bool, f64)> = (0..19)
        .map(|i| {
            // The rate falls from one iteration to the next.
            let rate = 1.0 - (i / 8 * 8) as f64 / 19.0;
            (i, (i / 8 + 1) * 160, i % 8 == 7 || i == 18, rate)
        })
        .collect();
    assert_eq!(seen.len(), expected.len());
    for (seen, expected) in seen.iter().zip(&expected) {
        assert_eq!(
            (seen.0, seen.1, seen.2),
            (expected.0, expected.1, expected.2)
        );
        assert!((seen.3 - expected.3).abs() < 1e-12);
    }
    assert_eq!(trainer.updates(), 19);
    let params = crc(trainer.params());
    assert!(trainer.advance().unwrap().is_none());
    assert_eq!(crc(trainer.params()), params);
}

/// What an update says of itself, it did: the parameters move by `applied`, which is what the
/// optimiser makes of the gradient times `clip_factor`.
#[test]
fn updates_can_be_replayed_from_what_they_report() {
    let mut settings = tiny(Kind::Small);
    settings.ppo.max_grad_norm = 1e-3;
    let mut trainer = Trainer::new(settings, 1).unwrap();
    let mut params = trainer.params().to_vec();
    let mut adam = gouda::nn::adam::Adam::new(params.len(), 1e-5);
    let mut expected = vec![0.0; params.len()];
    let mut clipped_len = 0;
    while let Some(update) = trainer.advance().unwrap() {
        let squares = update.gradient.iter().map(|&g| f64::from(g).powi(2));
        let norm = squares.sum::<f64>().sqrt();
        assert!((norm - update.norm).abs() <= 1e-12 * norm);
        let factor = (1e-3 / (norm + 1e-6)).min(1.0);
        assert!((factor - update.clip_factor).abs() <= 1e-12);
        clipped_len += usize::from(factor < 1.0);
        let scale = update.clip_factor as f32;
        let clipped: Vec<f32> = update.gradient.iter().map(|g| g * scale).collect();
        adam.update(&clipped, 1.0, update.learning_rate, &mut expected);
        assert_eq!(crc(update.applied), crc(&expected));
        params.iter_mut().zip(&expected).for_each(|(p, u)| *p += u);
    }
    assert!(clipped_len > 0, "no gradient was long enough to clip");
    assert_eq!(crc(trainer.params()), crc(&params));
}

/// What is clipped is the gradient without the directions that are taken out of it; the norm that is
/// told stays that of the loss's gradient.
#[test]
fn a_gradient_is_clipped_by_its_norm_after_projection() {
    let mut settings = tiny(Kind::Small);
    settings.ppo.max_grad_norm = 1e-3;
    let first = |projection: Option<(&[f32], When)>| {
        let mut trainer = Trainer::new(settings.clone(), 1).unwrap();
        if let Some((direction, when)) = projection {
            let basis: Vec<f64> = direction.iter().map(|&x| x.into()).collect();
            trainer.project_out(Projection::new(&[basis], when));
        }
        let update = trainer.advance().unwrap().unwrap();
        let norm = gouda::numeric::sum::norm(update.gradient);
        (
            update.gradient.to_vec(),
            norm,
            update.norm,
            update.clip_factor,
        )
    };
    let (gradient, norm, told, factor) = first(None);
    assert_eq!((told, factor), (norm, 1e-3 / (norm + 1e-6)));
    // The first half of the gradient's entries, as a direction.
    let mut half = gradient;
    let len = half.len();
    half[len / 2..].fill(0.0);
    let half_norm = gouda::numeric::sum::norm(&half);
    half.iter_mut()
        .for_each(|x| *x = (f64::from(*x) / half_norm) as f32);
    let (_, left, told, factor) = first(Some((&half, When::BeforeOptimizer)));
    assert!(left < 0.99 * norm && left > 1e-3, "{left} of {norm}");
    assert_eq!((told, factor), (norm, 1e-3 / (left + 1e-6)));
    // What is taken off the update after the optimiser leaves the gradient as it is.
    let (_, left, told, factor) = first(Some((&half, When::AfterOptimizer)));
    assert_eq!((left, told, factor), (norm, norm, 1e-3 / (norm + 1e-6)));
}

#[test]
fn numbers_that_are_no_longer_finite_name_the_update() {
    for (kind, optimizer) in [
        (Kind::Small, OptimizerKind::Adam),
        (Kind::Small, OptimizerKind::Sgd),
        (Kind::Impala, OptimizerKind::Adam),
    ] {
        let mut settings = tiny(kind);
        settings.ppo.learning_rate = 1e30;
        settings.ppo.optimizer = optimizer;
        let mut trainer = Trainer::new(settings, 0).unwrap();
        let fault = loop {
            match trainer.advance() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{kind:?} with {optimizer:?} trained to the end"),
                Err(fault) => break fault,
            }
        };
        let Error::NotFinite { update, found, .. } = &fault else {
            panic!("{fault}")
        };
        assert_eq!(*update, trainer.updates());
        assert!(*update >= 1 && !found.is_finite(), "{fault}");
        assert!(trainer.params().iter().all(|p| p.is_finite()), "{fault}");
        let message = fault.to_string();
        assert!(
            message.starts_with(&format!("update {update}: ")),
            "{message}"
        );
    }
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    type Change = fn(&mut Settings);
    let table: [(&str, Change); 24] = [
        ("ppo.total_updates = 0: expected 1 to", |s| {
            s.ppo.total_updates = 0
        }),
        ("ppo.num_envs = 0: expected 1 to", |s| s.ppo.num_envs = 0),
        ("ppo.num_steps = 0: expected 1 to", |s| s.ppo.num_steps = 0),
        ("ppo.num_steps = 65537: expected 1 to 65536", |s| {
            s.ppo.num_steps = 65537
        }),
        ("ppo.update_epochs = 0: expected 1 to", |s| {
            s.ppo.update_epochs = 0
        }),
        ("ppo.minibatch_size = 0: expected 2 to", |s| {
            s.ppo.minibatch_size = 0
        }),
        ("ppo.minibatch_size = 1: expected 2 to", |s| {
            s.ppo.minibatch_size = 1
        }),
        (
            "ppo.minibatch_size = 41: expected a divisor of num_envs x num_steps = 160",
            |s| {
                s.ppo.minibatch_size = 41;
            },
        ),
        ("ppo.gamma = 1.5: expected 0 to 1", |s| s.ppo.gamma = 1.5),
        ("ppo.gae_lambda = NaN: expected 0 to 1", |s| {
            s.ppo.gae_lambda = f32::NAN
        }),
        ("ppo.clip_coef = 0: expected", |s| s.ppo.clip_coef = 0.0),
        ("ppo.ent_coef = -1: expected 0 to", |s| {
            s.ppo.ent_coef = -1.0
        }),
        ("ppo.vf_coef = -1: expected 0 to", |s| s.ppo.vf_coef = -1.0),
        ("ppo.max_grad_norm = 0: expected", |s| {
            s.ppo.max_grad_norm = 0.0
        }),
        ("ppo.learning_rate = inf: expected 0 to", |s| {
            s.ppo.learning_rate = f64::INFINITY
        }),
        ("ppo.adam_eps = 0: expected", |s| s.ppo.adam_eps = 0.0),
        ("ppo.momentum = 2: expected 0 to 1", |s| {
            s.ppo.momentum = 2.0
        }),
        ("env.timeout = 0: expected at least 1", |s| {
            s.env.timeout = 0
        }),
        ("env.reward = NaN: expected a finite number", |s| {
            s.env.reward = f32::NAN
        }),
        ("net.channels = 0: expected 1 to 512", |s| {
            s.net.channels = 0
        }),
        ("net.hidden = 5000: expected 1 to 4096", |s| {
            s.net.hidden = 5000
        }),
        ("world", |s| s.env.world = 6),
        ("region", |s| s.env.region = 6),
        ("min_maze_dim", |s| s.env.min_maze_dim = 4),
    ];
    assert!(tiny(Kind::Small).check().is_ok());
    for (expected, change) in table {
        let mut settings = tiny(Kind::Small);
        change(&mut settings);
        let fault = Trainer::new(settings, 0).unwrap_err();
        let message = fault.to_string();
        assert!(message.contains(expected), "{message}: {expected} expected");
        let by_name = match &fault {
            Error::Setting { .. } => expected.starts_with("ppo.") || expected.starts_with("env."),
            Error::Network(_) => expected.starts_with("net."),
            Error::Maze(_) => !expected.contains('.'),
            Error::State { .. } | Error::NotFinite { .. } => false,
        };
        assert!(by_name, "{fault:?}");
    }
}

/// Mazes of 5 cells with the cheese in the corner: a policy that is nearly uniform finds it in 24
/// steps about one time in five.
#[test]
fn a_tiny_maze_is_learnt() {
    let mut settings = tiny(Kind::Small);
    settings.env.region = 1;
    settings.env.timeout = 24;
    settings.net.hidden = 32;
    settings.ppo = PpoSettings {
        total_updates: 480,
        num_envs: 32,
        num_steps: 32,
        update_epochs: 4,
        minibatch_size: 256,
        gamma: 0.95,
        learning_rate: 3e-3,
        ..settings.ppo
    };
    let mut trainer = Trainer::new(settings, 0).unwrap();
    let mut means = Vec::new();
    while let Some(update) = trainer.advance().unwrap() {
        if update.ends_iteration {
            let returns = update.episodes.iter().map(|e| e.episode_return);
            means.push(returns.sum::<f32>() / update.episodes.len() as f32);
        }
    }
    let mean = |means: &[f32]| means.iter().sum::<f32>() / means.len() as f32;
    let (first, last) = (means[0], mean(&means[means.len() - 5..]));
    assert!(
        first < 0.35 && last > 0.5,
        "mean return from {first} to {last}: {means:?}"
    );
}
