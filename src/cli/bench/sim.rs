//! `gouda bench sim`: steps, observations and levels, each by itself, and what part of a step each is.
//!
//! A repetition is `TIMEOUT` steps of every environment, the same ones each time. Parts are told by
//! difference: where nothing ever ends there is the step alone; what steps take beyond that is
//! resets, of which levels are made at the rate at which they are made alone; what they take longer
//! with their observations is observing.

use std::io::Write;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;

use super::clock::{Rate, Slices};
use super::play::{Observe, Play};
use crate::cli::Error;
use crate::maze::{
    ActionSet, EnvSettings, LevelSampler, Simulator, Split, Variant, observation_len,
};
use crate::numeric::random::{Purpose, Stream};
use crate::numeric::simd;

/// procgen's.
const TIMEOUT: u16 = 500;
const REGION: u8 = 5;
/// More would take gigabytes for the observations that are kept.
const ENVS_MAX: usize = 1 << 16;
/// Levels of a repetition.
const LEVELS: usize = 1 << 14;
/// What they are shared out to; a multiple of the threads.
const MAKERS: usize = 16;
/// Levels and environments of a repetition of the plain code, and the steps of each.
const PLAIN: usize = 256;
const PLAIN_STEPS: usize = 20;

/// Measure the simulator: steps without observations, with them, and levels
///
/// Training levels of every size, the cheese in the top-right region of 5; a random policy, its
/// actions there in advance; procgen's timeout of 500; resets included. `steps`: every block of 256
/// environments plays by itself, as in a rollout. `in step`: all wait for each other after every
/// step. `viewed`: observations are brought up to date where the simulator keeps them. `written`:
/// and copied to the caller's buffer, the same after every step. `recorded`: and copied to a place
/// of each step's own, beyond the caches. The best of many repetitions, the median beside it.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Print one JSON object a world and number of threads
    #[arg(long)]
    json: bool,

    /// Numbers of threads to measure with
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    threads: Vec<usize>,

    /// Sides of the world
    #[arg(long, value_delimiter = ',', default_value = "13,25")]
    world: Vec<u8>,

    /// Environments side by side
    #[arg(long, default_value_t = 4096)]
    envs: usize,

    /// Seconds for each world and number of threads
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

/// What one world does on one number of threads.
#[derive(Clone, Debug, Serialize)]
struct Row {
    world: u8,
    threads: usize,
    simd: &'static str,
    envs: usize,
    timeout: u16,
    region: u8,
    steps_per_episode: f64,
    levels_per_s: Rate,
    steps_per_s: Rate,
    steps_in_step_per_s: Rate,
    steps_viewed_per_s: Rate,
    steps_written_per_s: Rate,
    steps_recorded_per_s: Rate,
    still_steps_per_s: Rate,
    plain_levels_per_s: Rate,
    plain_steps_written_per_s: Rate,
    parts_of_steps: Parts,
    parts_of_steps_written: Parts,
}

/// Shares of the time of a step; their sum is 1.
#[derive(Clone, Copy, Debug, Serialize)]
struct Parts {
    /// Moves, walls, cheese, timeouts.
    step: f64,
    /// Making levels for the episodes that end.
    levels: f64,
    /// The rest of beginning an episode: what ended, copying the level, waiting for memory.
    begin: f64,
    /// Drawing observations and writing them.
    observe: f64,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let within = |what: &str, most: f64, found: f64| {
        if found > 0.0 && found <= most {
            return Ok(());
        }
        let message =
            format!("bench sim: {what}: expected above 0 and up to {most}, found {found}");
        Err(Error::Usage(message))
    };
    within("--envs", ENVS_MAX as f64, args.envs as f64)?;
    within("--seconds", 3600.0, args.seconds)?;
    for &threads in &args.threads {
        within("--threads", 256.0, threads as f64)?;
    }
    let time = Duration::from_secs_f64(args.seconds);
    for &world in &args.world {
        for &threads in &args.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().map_err(|e| Error::Usage(e.to_string()))?;
            let row = pool.install(|| measure(world, threads, args.envs, time))?;
            if args.json {
                writeln!(out, "{}", serde_json::to_string(&row)?)?;
            } else {
                print(&row, out)?;
            }
            out.flush()?;
        }
    }
    Ok(())
}

fn print(row: &Row, out: &mut dyn Write) -> Result<(), Error> {
    writeln!(
        out,
        "world {}, {} threads, {} environments, timeout {}, {:.0} steps an episode, {}",
        row.world, row.threads, row.envs, row.timeout, row.steps_per_episode, row.simd
    )?;
    let millions = [
        ("levels", row.levels_per_s),
        ("steps", row.steps_per_s),
        ("steps in step", row.steps_in_step_per_s),
        ("steps viewed", row.steps_viewed_per_s),
        ("steps written", row.steps_written_per_s),
        ("steps recorded", row.steps_recorded_per_s),
        ("steps without resets", row.still_steps_per_s),
        ("plain levels, 1 thread", row.plain_levels_per_s),
        (
            "plain steps written, 1 thread",
            row.plain_steps_written_per_s,
        ),
    ];
    for (name, rate) in millions {
        let (best, median) = (rate.best / 1e6, rate.median / 1e6);
        writeln!(out, "  {name:30}{best:10.3} M/s   median {median:.3}")?;
    }
    for (name, parts) in [
        ("of steps", row.parts_of_steps),
        ("of steps written", row.parts_of_steps_written),
    ] {
        let percent = [parts.step, parts.levels, parts.begin, parts.observe].map(|x| 100.0 * x);
        let [step, levels, begin, observe] = percent;
        writeln!(
            out,
            "  {name:30}step {step:.0} %, levels {levels:.0} %, begin {begin:.0} %, observe {observe:.0} %"
        )?;
    }
    Ok(())
}

/// Everything of one world, in turn, over and over, so that all of it meets the same conditions.
fn measure(world: u8, threads: usize, env_len: usize, time: Duration) -> Result<Row, Error> {
    let variant = Variant::Corner {
        region: REGION.min(world),
    };
    let seeds = Split::Train.seeds();
    let rules = EnvSettings {
        sampler: LevelSampler::new(world, variant, 3, seeds.clone())?,
        later: Vec::new(),
        actions: ActionSet::Four,
        reward: 1.0,
        timeout: TIMEOUT,
    };
    // Nothing happens, and so nothing ends.
    let still_rules = EnvSettings {
        actions: ActionSet::Procgen,
        timeout: u16::MAX,
        ..rules.clone()
    };
    let step_len = usize::from(TIMEOUT);
    let mut play = Play::new(&rules, env_len, step_len, |random| random.below(4) as u8)?;
    let mut still_play = Play::new(&still_rules, env_len, step_len, |_| 4)?;
    let mut makers = vec![rules.sampler.maker(); MAKERS];
    let mut random = Stream::new(1, Purpose::Actions, 0);
    let mut draw = |_| random.below(seeds.end - seeds.start) + seeds.start;
    let level_seeds: Vec<u32> = (0..LEVELS).map(&mut draw).collect();
    let plain_actions: Vec<u8> = (0..PLAIN_STEPS * PLAIN)
        .map(|_| random.below(4) as u8)
        .collect();
    let mut plain = Simulator::new(rules.clone(), 0, PLAIN)?;
    let (mut rewards, mut dones) = (vec![0.0; PLAIN], vec![false; PLAIN]);
    let mut observations = vec![0; PLAIN * observation_len(world)];

    let mut times: [Slices; 9] = std::array::from_fn(|_| Slices::default());
    let [
        steps,
        in_step,
        viewed,
        written,
        recorded,
        still,
        levels,
        plain_levels,
        plain_written,
    ] = &mut times;
    let mut episode_len = 0;
    let (begun, mut rounds) = (Instant::now(), 0);
    while rounds < 3 || begun.elapsed() < time {
        rounds += 1;
        episode_len = play.repeat(Observe::Not, false, steps);
        play.repeat(Observe::Not, true, in_step);
        play.repeat(Observe::View, false, viewed);
        play.repeat(Observe::Write, false, written);
        play.repeat(Observe::Record, false, recorded);
        let stirred = still_play.repeat(Observe::Not, false, still);
        debug_assert_eq!(stirred, 0, "no one moves");
        levels.repeat();
        for seeds in level_seeds.chunks(LEVELS / 16) {
            levels.time(|| {
                makers
                    .par_iter_mut()
                    .zip(seeds.par_chunks(LEVELS / 16 / MAKERS))
                    .for_each(|(maker, seeds)| {
                        maker.levels(seeds, |_, level| {
                            std::hint::black_box(level);
                        });
                    });
            });
        }
        plain_levels.repeat();
        plain_levels.time(|| {
            for &seed in &level_seeds[..PLAIN] {
                std::hint::black_box(rules.sampler.level(seed));
            }
        });
        plain_written.repeat();
        plain_written.time(|| {
            for actions in plain_actions.chunks_exact(PLAIN) {
                plain.step(actions, &mut rewards, &mut dones);
                plain.observe(&mut observations);
            }
        });
    }

    let work = step_len * env_len;
    let steps_per_episode = work as f64 / episode_len as f64;
    let (steps_per_s, still_per_s) = (steps.rate(work), still.rate(work));
    let levels_per_s = levels.rate(LEVELS);
    let parts = |total: Rate| {
        let step = total.best / still_per_s.best;
        let levels = total.best / (steps_per_episode * levels_per_s.best);
        let observe = 1.0 - total.best / steps_per_s.best;
        Parts {
            step,
            levels,
            begin: 1.0 - step - levels - observe,
            observe,
        }
    };
    Ok(Row {
        world,
        threads,
        simd: simd::path().name(),
        envs: env_len,
        timeout: TIMEOUT,
        region: REGION.min(world),
        steps_per_episode,
        levels_per_s,
        steps_per_s,
        steps_in_step_per_s: in_step.rate(work),
        steps_viewed_per_s: viewed.rate(work),
        steps_written_per_s: written.rate(work),
        steps_recorded_per_s: recorded.rate(work),
        still_steps_per_s: still_per_s,
        plain_levels_per_s: plain_levels.rate(PLAIN),
        plain_steps_written_per_s: plain_written.rate(PLAIN_STEPS * PLAIN),
        parts_of_steps: parts(steps_per_s),
        parts_of_steps_written: parts(written.rate(work)),
    })
}
