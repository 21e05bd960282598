//! A made-up run for the tests, with every kind of number that a true one has.

mod edits;

use crate::ablate::{Mean, PerRate, Rate};
use crate::findings::tracing::Circuits;
use crate::findings::{
    Arrow, BehaviourLearnt, Components, Curves, DecompositionSummary, Lag, LearntTogether,
    LossChange, MazeFigure, Onset, PHASES, Results, RunSummary, other_phases,
};
use crate::locate::{Component, Course, Label, PValues};
use crate::nn::Layout;

const POINTS: usize = 60;
const BINS: usize = 80;
const COMPONENTS: usize = 24;
const FRAMES: f64 = 4e6;

/// Final rate, floor, and share of training at which half of the rise is over.
fn course(rate: Rate) -> (f64, f64, f64) {
    match rate {
        Rate::S1 => (0.81, 0.12, 0.3),
        Rate::S1Region => (0.9, 0.14, 0.2),
        Rate::InUpRight => (0.8, 0.01, 0.35),
        Rate::InDownLeft => (0.47, 0.0, 0.45),
        Rate::NearUpRight => (0.56, 0.0, 0.4),
        Rate::NearDownLeft => (0.34, -0.01, 0.5),
        Rate::S4Cheese => (0.22, 0.09, 0.35),
        Rate::S4Region => (0.63, 0.1, 0.22),
        Rate::S5 => (0.8, 0.03, 0.18),
        Rate::Corner => (0.75, 0.25, 0.25),
        Rate::Compass => (3.0, 0.1, 0.1),
    }
}

/// A number from -1 to 1 that looks random and is the same everywhere.
fn noise(a: usize, b: usize) -> f64 {
    let mixed =
        (a as u32 + 1).wrapping_mul(2_654_435_761) ^ (b as u32 + 7).wrapping_mul(2_246_822_519);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(3_266_489_917);
    f64::from(mixed ^ (mixed >> 13)) / f64::from(u32::MAX) * 2.0 - 1.0
}

fn layout() -> Layout {
    let mut tensors = vec![];
    for (name, output, input) in [("conv1", 16, 3), ("conv2", 16, 16), ("conv3", 32, 16)] {
        tensors.push((format!("{name}.weight"), vec![output, input, 3, 3]));
        tensors.push((format!("{name}.bias"), vec![output]));
    }
    for (name, output, input) in [("hidden", 64, 512), ("policy", 4, 64), ("value", 1, 64)] {
        tensors.push((format!("{name}.weight"), vec![output, input]));
        tensors.push((format!("{name}.bias"), vec![output]));
    }
    Layout::new(tensors)
}

fn onset(frames: f64) -> Onset {
    Onset {
        frames,
        interval: (0.9 * frames, 1.2 * frames),
    }
}

fn curves() -> Curves {
    let tau = |point: usize| point as f64 / (POINTS - 1) as f64;
    let rate_curve = |rate: Rate| {
        let (last, floor, half) = course(rate);
        let rise = |tau: f64| 1.0 / (1.0 + (-(tau - half) * 14.0).exp());
        let at = |point: usize| {
            let share = (rise(tau(point)) - rise(0.0)) / (rise(1.0) - rise(0.0));
            let rate = floor + (last - floor) * share + 0.02 * noise(point, rate as usize);
            Mean {
                value: rate.clamp(0.0, 4.0),
                error: 0.02,
            }
        };
        (0..POINTS).map(at).collect::<Vec<Mean>>()
    };
    let probability = |scale: f64, half: f64| {
        let at = |point: usize| Mean {
            value: 0.25 + scale / (1.0 + (-(tau(point) - half) * 12.0).exp()),
            error: 0.01,
        };
        (0..POINTS).map(at).collect::<Vec<_>>()
    };
    Curves {
        frames: (0..POINTS)
            .map(|point| (tau(point) * FRAMES) as u64)
            .collect(),
        rates: PerRate::new(rate_curve),
        p_cheese: probability(-0.02, 0.4),
        p_corner: probability(0.42, 0.2),
        onsets: PerRate::new(|rate| Some(onset(course(rate).2 * FRAMES))),
        lags: other_phases()
            .map(|to| Lag {
                to,
                lag: Some(onset((course(to).2 - course(Rate::Corner).2) * FRAMES)),
            })
            .collect(),
        returns: (1..POINTS)
            .map(|p| ((tau(p) * FRAMES) as u64, 0.85 * tau(p).sqrt()))
            .collect(),
    }
}

fn component(index: usize, is_raw: bool) -> Component {
    let temporal_index = 0.3 * noise(index, 3) - if is_raw { 0.05 } else { 0.0 };
    let label = match temporal_index {
        t if t < -0.2 => Label::Early,
        t if t > 0.22 => Label::Late,
        _ => Label::None,
    };
    let is_labelled = label != Label::None;
    let p = if is_labelled { 0.002 } else { 0.31 };
    Component {
        index,
        sigma: 14.0,
        explained: 0.1,
        residual: 1e-8,
        block: index,
        block_len: 1,
        course: Course {
            temporal_index,
            early_late_log_ratio: -3.0 * temporal_index,
            participation_ratio: 0.4 + 0.2 * noise(index, 9),
            dc: noise(index, 5).abs(),
            trimmed: None,
        },
        t50: (index != 4).then_some(0.5 + temporal_index / 2.0),
        t50_whole: Some(0.5),
        moved: Some(0.002),
        has_moved: Some(index != 5),
        p: PValues {
            random_directions: 0.002,
            circular_shifts: p,
            phase_surrogates: p / 2.0,
        },
        p_adjusted: is_labelled.then_some(0.03),
        signal: Some(index < 7),
        captured: Some(0.9),
        agreement: Some(0.8 + 0.1 * noise(index, 8)),
        label,
        reasons: match is_labelled {
            true => vec![],
            false => {
                vec!["circular shifts give such a temporal index by chance: p = 0.310".to_owned()]
            }
        },
    }
}

fn decomposition(of: Components) -> DecompositionSummary {
    let is_raw = of == Components::Raw;
    let tau: Vec<f64> = (0..BINS)
        .map(|bin| (bin as f64 + 0.5) / BINS as f64)
        .collect();
    let mass: Vec<f64> = tau
        .iter()
        .map(|t| if is_raw { (-3.0 * t).exp() } else { 1.0 })
        .collect();
    let sum: f64 = mass.iter().sum();
    let mass: Vec<f64> = mass.iter().map(|m| m / sum).collect();
    let components: Vec<_> = (0..COMPONENTS).map(|i| component(i, is_raw)).collect();
    let vector = |i: usize| {
        let centre = 0.5 + components[i].course.temporal_index;
        let wave = |(bin, t): (usize, &f64)| {
            let bump = (-((t - centre) / 0.18).powi(2)).exp();
            let sign = (t * (3.0 + i as f64)).cos();
            (bump * sign + 0.2 * noise(bin, i)) * mass[bin].sqrt()
        };
        tau.iter().enumerate().map(wave).collect::<Vec<f64>>()
    };
    let sigma: Vec<f64> = (0..COMPONENTS)
        .map(|i| 14.0 / (1.0 + i as f64).powf(0.6))
        .collect();
    let layout = layout();
    let by_tensor = |i: usize| {
        let weight =
            |t: usize| (2.0 + noise(i, t)).powi(3) * (layout.tensors[t].len() as f64).sqrt();
        let weights: Vec<f64> = (0..layout.tensors.len()).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|w| w / sum).collect()
    };
    DecompositionSummary {
        of,
        null_sigma: (0..COMPONENTS).map(|i| 4.1 - 0.04 * i as f64).collect(),
        null_top: Some(4.1),
        null_draws: 20,
        left_residuals: sigma
            .iter()
            .enumerate()
            .map(|(i, s)| s * 1e-9 * (1.0 + i as f64))
            .collect(),
        right_residuals: sigma
            .iter()
            .enumerate()
            .map(|(i, s)| s * 2e-8 * (1.2f64).powi(i as i32))
            .collect(),
        explained: sigma.iter().map(|s| s * s / 1400.0).collect(),
        passes: 34,
        converged: true,
        v: (0..COMPONENTS).map(vector).collect(),
        by_tensor: (0..COMPONENTS).map(by_tensor).collect(),
        sigma,
        tau,
        mass,
        components,
        without_noise: Vec::new(),
        activity: Vec::new(),
    }
}

fn maze(title: &str, edit: &str) -> MazeFigure {
    let rows = [
        "...........",
        ".#####.###.",
        ".....#.#...",
        "####.#.#.##",
        "...#...#...",
        ".#.#####.#.",
        ".#.......#.",
        ".#######.#.",
        ".#...C.#.#.",
        ".#.###.#.#.",
        "...#.....#.",
    ];
    let free = |x: usize, y: usize| {
        rows.get(10 - y)
            .is_some_and(|row| row.as_bytes().get(x) != Some(&b'#'))
    };
    let field = |seed: usize| {
        let mut arrows = vec![];
        for (y, x) in (0..11)
            .flat_map(|y| (0..11).map(move |x| (y, x)))
            .filter(|&(y, x)| free(x, y))
        {
            let up = if y < 10 && free(x, y + 1) { 0.7 } else { 0.05 };
            arrows.push(Arrow {
                x: x as u8,
                y: y as u8,
                dx: 0.5 * noise(x + 11 * y, seed)
                    + if x < 10 && free(x + 1, y) { 0.3 } else { 0.0 },
                dy: up * noise(x + 11 * y, seed + 9),
            });
        }
        arrows
    };
    MazeFigure {
        title: title.to_owned(),
        rows: rows.map(str::to_owned).into(),
        region: 3,
        edit: edit.to_owned(),
        base: field(1),
        edited: field(2),
    }
}

/// Every behaviour learnt by every tensor about when its rate rises.
pub fn loss_change() -> LossChange {
    const WINDOWS: usize = 25;
    let layout = layout();
    let tau = |window: usize| (window + 1) as f64 / WINDOWS as f64;
    let behaviour = |rate: Rate| {
        let (last, floor, half) = course(rate);
        let at = |tensor: usize, window: usize| {
            let bump = (-((tau(window) - half) / 0.1).powi(2)).exp();
            0.02 * (last - floor) * (bump * (1.0 + noise(tensor, 3)) + 0.2 * noise(tensor, window))
        };
        let is_value = |tensor: usize| layout.tensors[tensor].name.starts_with("value");
        let row = |tensor: usize| match is_value(tensor) {
            true => vec![0.0; WINDOWS],
            false => (0..WINDOWS).map(|window| at(tensor, window)).collect(),
        };
        let by_tensor: Vec<Vec<f64>> = (0..layout.tensors.len()).map(row).collect();
        let rise: f64 = by_tensor.iter().flatten().sum();
        BehaviourLearnt {
            rate,
            states: 96,
            ends: (-1.4, -1.4 + rise),
            variation: 1.7 * rise,
            coarse_error: 0.22,
            error: 0.043,
            points: 310,
            by_tensor,
        }
    };
    let term = |number: usize| {
        let normal = |values: Vec<f64>| {
            let sum: f64 = values.iter().sum();
            values
                .into_iter()
                .map(|value| value / sum)
                .collect::<Vec<f64>>()
        };
        let own = |behaviour: usize| {
            if behaviour == number {
                5.0
            } else {
                1.0 + noise(behaviour, number)
            }
        };
        let centre = 0.2 + 0.12 * number as f64;
        let bump = |window: usize| (-((tau(window) - centre) / 0.15).powi(2)).exp();
        LearntTogether {
            share: 0.4 / (1.0 + number as f64),
            by_behaviour: normal((0..PHASES.len()).map(own).collect()),
            course: normal((0..WINDOWS).map(bump).collect()),
            by_tensor: normal(
                (0..layout.tensors.len())
                    .map(|t| 1.1 + noise(t, number))
                    .collect(),
            ),
        }
    };
    LossChange {
        tau: (0..WINDOWS).map(tau).collect(),
        behaviours: PHASES.map(behaviour).into(),
        svd: (0..3).map(term).collect(),
        factors: (0..6).map(term).collect(),
        seconds: 7.3,
    }
}

/// Of a true run, cut short.
pub fn circuits() -> Circuits {
    let text = include_str!("../../../data/results/circuits-seed0.json");
    serde_json::from_str(text).expect("it was written by this program")
}

/// The whole of it.
pub fn results() -> Results {
    let layout = layout();
    Results {
        run: RunSummary {
            preset: "standard".to_owned(),
            seed: 3,
            config: "seed = 3\n\n[env]\nworld = 11\nregion = 3\n\n[ppo]\nclip_coef = 0.2\n"
                .to_owned(),
            config_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                .to_owned(),
            command: "gouda reproduce --preset standard --seed 3 --out runs/standard-3".to_owned(),
            version: "0.1.0".to_owned(),
            layout,
            frames: FRAMES as u64,
            updates: 23_424,
            time_len: 976,
            gradient_checksum: "crc32:8a1f03bc".to_owned(),
            train_seconds: 1_830.0,
            displacement: 19.63,
            world: 11,
            region: 3,
            anywhere_share: 0.2,
            selection_levels: 48,
            test_levels: 1024,
        },
        decompositions: vec![
            decomposition(Components::Raw),
            decomposition(Components::UnitNorm),
        ],
        found: edits::found(curves()),
        doses: edits::doses(),
        mazes: vec![
            maze("Level 1000012, conflict", "unit-norm 9, dose +0.25 (A)"),
            maze("Level 1000012, conflict", "unit-norm 5, dose -0.4 (B)"),
        ],
        loss_change: Some(loss_change()),
    }
}
