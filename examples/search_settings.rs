//! The search behind the presets: trains one agent a candidate and seed, measures every rate on
//! an even grid, and appends one JSON line a run. The criterion, declared beforehand, in shares of what is possible over the
//! untrained policy: the corner, balanced, at least .7; what the cheese adds in the region at least .6 and near it at least .3, each
//! in both directions.
//!
//! ```text
//! cargo run --release --example search_settings -- OUT.jsonl SEED[,SEED...] key=value,key=value ...
//! ```
//!
//! Every further argument is one candidate; `-` is the base as it stands.

use std::io::Write;
use std::time::Instant;

use gouda::ablate::rate::Rates;
use gouda::ablate::{Rate, Setting, Split, Tasks};
use gouda::maze::{ActionSet, MouseStart};
use gouda::nn::{Kind, Policy};
use gouda::ppo::{EnvSettings, NetSettings, PpoSettings, Settings, Trainer};
use serde_json::{Value, json};

const LEVELS: usize = 384;
const POINTS: u64 = 32;

/// The least that is asked of each, as a share of what is possible.
const CRITERION: [(Rate, f64); 5] = [
    (Rate::Corner, 0.7),
    (Rate::InUpRight, 0.6),
    (Rate::InDownLeft, 0.6),
    (Rate::NearUpRight, 0.3),
    (Rate::NearDownLeft, 0.3),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, seeds, candidates @ ..] = arguments.as_slice() else {
        return Err("usage: search_settings OUT.jsonl SEED[,SEED...] CANDIDATE...".into());
    };
    for candidate in candidates {
        let settings = settings(candidate)?;
        for seed in seeds.split(',') {
            let line = run(candidate, &settings, seed.parse()?)?;
            let mut file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(out)?;
            writeln!(file, "{line}")?;
        }
    }
    Ok(())
}

fn base() -> Settings {
    Settings {
        env: EnvSettings {
            world: 9,
            region: 5,
            min_maze_dim: 3,
            timeout: 100,
            reward: 1.0,
            actions: ActionSet::Four,
            mouse: MouseStart::BottomLeft,
            schedule: Vec::new(),
        },
        net: NetSettings {
            kind: Kind::Small,
            channels: 16,
            blocks: 5,
            hidden: 64,
        },
        ppo: PpoSettings {
            total_updates: 24_000,
            ent_coef: 0.003,
            ..PpoSettings::usual()
        },
    }
}

fn settings(candidate: &str) -> Result<Settings, Box<dyn std::error::Error>> {
    let mut value = serde_json::to_value(base())?;
    for change in candidate.split(',').filter(|change| *change != "-") {
        let (key, new) = change.split_once('=').ok_or("expected key=value")?;
        let (table, name) = key.split_once('.').ok_or("expected table.key")?;
        let slot = value
            .pointer_mut(&format!("/{table}/{name}"))
            .ok_or_else(|| format!("no {key}"))?;
        *slot = serde_json::from_str(new).unwrap_or_else(|_| Value::String(new.to_owned()));
    }
    Ok(serde_json::from_value(value)?)
}

fn run(
    candidate: &str,
    settings: &Settings,
    seed: u64,
) -> Result<Value, Box<dyn std::error::Error>> {
    let env = &settings.env;
    let tasks = Tasks::new(
        Split::Curve,
        Setting::new(env.world, env.region, env.timeout),
        env.actions,
        LEVELS,
    )?;
    let start = Instant::now();
    let mut trainer = Trainer::new(settings.clone(), seed)?;
    let total = settings.ppo.total_updates;
    let mut curve: Vec<(f64, Rates)> = Vec::new();
    let mut evaluation = 0.0;
    loop {
        let updates = trainer.updates();
        if curve.len() as u64 * total <= updates * POINTS {
            let begin = Instant::now();
            let measured = tasks.measure_exact(Policy::new(trainer.network(), trainer.params()))?;
            let rates = Rate::ALL.map(|rate| measured.rate(rate));
            eprintln!(
                "{candidate} seed {seed}: {updates}/{total} {rates:.2?} {:.0} s",
                start.elapsed().as_secs_f64()
            );
            curve.push((updates as f64 / total as f64, rates));
            evaluation += begin.elapsed().as_secs_f64();
        }
        if trainer.advance()?.is_none() {
            break;
        }
    }
    let (floor, last): (Rates, Rates) = (curve[0].1, curve[curve.len() - 1].1);
    let normalised = |rate: Rate| {
        let i = rate.index();
        (last[i] - floor[i]) / (1.0 - floor[i])
    };
    let reaches = |rate: Rate| {
        let i = rate.index();
        let goal = floor[i] + 0.9 * (last[i] - floor[i]);
        curve
            .iter()
            .find(|(_, rates)| rates[i] >= goal)
            .map(|(time, _)| *time)
    };
    let by_key = |of: &dyn Fn(Rate) -> Value| -> Value {
        let pairs = CRITERION.map(|(rate, _)| (rate.key().to_owned(), of(rate)));
        pairs.into_iter().collect()
    };
    let is_met = CRITERION
        .iter()
        .all(|&(rate, least)| normalised(rate) >= least);
    Ok(json!({
        "candidate": candidate,
        "seed": seed,
        "settings": settings,
        "levels": LEVELS,
        "rates": Rate::ALL.map(Rate::key),
        "floor": floor,
        "final": last,
        "normalised": by_key(&|rate| normalised(rate).into()),
        "is_met": is_met,
        "t_compass": reaches(Rate::Compass),
        "t": by_key(&|rate| reaches(rate).into()),
        "curve": curve,
        "train_seconds": start.elapsed().as_secs_f64() - evaluation,
    }))
}
