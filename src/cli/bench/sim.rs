//! `gouda bench sim`: steps, observations and levels, each by itself, and what part of a step each is.
//!
//! A repetition is `TIMEOUT` steps of every environment, so that it holds the burst of resets of
//! those that run out of time together; the fastest repetition counts, the median stands beside
//! it. Parts are told by difference: with nothing ever ending a step is the step alone, what a
//! step takes beyond that is resets, what it takes longer with its observation is observing.

use std::io::Write;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;

use crate::cli::Error;
use crate::maze::batch::BLOCK_LEN;
use crate::maze::{
    ActionSet, Batch, Block, EnvSettings, Episode, LevelSampler, Simulator, Split, Variant,
    generate, observation_len,
};
use crate::numeric::random::{Purpose, Stream};
use crate::numeric::simd;

/// procgen's.
const TIMEOUT: u16 = 500;
const REGION: u8 = 5;
/// Steps whose observations are kept, so that they are written to memory as a rollout's are.
const KEPT_STEPS: usize = 16;
/// Levels of a repetition.
const LEVELS: usize = 1 << 14;
/// Levels and environments of a repetition of the plain code.
const PLAIN: usize = 256;

/// Measure the simulator: steps without observations, with them, and levels
///
/// Training levels of every size, the cheese in the top-right region of 5, a random policy whose
/// actions are there in advance, procgen's timeout of 500, resets included. `steps` lets every
/// block of 256 environments play on by itself, as a rollout does; `in step` makes all wait for
/// each other after every step. `viewed` brings the observations up to date where the simulator
/// keeps them, `written` also copies them to the caller's frames of 16 steps.
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

    /// Seconds for each figure
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
}

/// Work a second: of the fastest repetition, and of the one in the middle.
#[derive(Clone, Copy, Debug, Serialize)]
struct Rate {
    best: f64,
    median: f64,
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
    if args.envs == 0 || args.threads.contains(&0) || !(args.seconds > 0.0) {
        let message = "bench sim: expected environments, threads and seconds above 0";
        return Err(Error::Usage(message.into()));
    }
    let time = Duration::from_secs_f64(args.seconds.min(3600.0));
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

/// Repeats `once`, which does `work` units, for the time given, at least three times.
fn rate(time: Duration, work: usize, mut once: impl FnMut()) -> Rate {
    let mut seconds = Vec::new();
    let begun = Instant::now();
    while seconds.len() < 3 || begun.elapsed() < time {
        let start = Instant::now();
        once();
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Rate {
        best: work as f64 / seconds[0],
        median: work as f64 / seconds[seconds.len() / 2],
    }
}

/// What happens to the observations.
#[derive(Clone, Copy, PartialEq)]
enum Observe {
    Not,
    View,
    Write,
}

/// A batch in play.
struct Play {
    batch: Batch,
    actions: Vec<u8>,
    rewards: Vec<f32>,
    dones: Vec<bool>,
    frames: Vec<u8>,
    ended: Vec<Vec<Episode>>,
    one_len: usize,
    t: usize,
}

impl Play {
    /// `actions` are one an environment and step, repeated when they are used up.
    fn new(rules: &EnvSettings, env_len: usize, actions: Vec<u8>) -> Result<Self, Error> {
        let batch = Batch::new(rules, 0, env_len)?;
        let one_len = observation_len(rules.sampler.world());
        Ok(Self {
            actions,
            rewards: vec![0.0; env_len],
            dones: vec![false; env_len],
            frames: vec![0; KEPT_STEPS * env_len * one_len],
            ended: vec![Vec::new(); env_len.div_ceil(BLOCK_LEN)],
            one_len,
            t: 0,
            batch,
        })
    }

    /// Where the actions of step `t` begin.
    fn actions_start(&self, t: usize) -> usize {
        let env_len = self.rewards.len();
        t % (self.actions.len() / env_len) * env_len
    }

    /// Every block plays `step_len` steps by itself.
    fn by_block(&mut self, step_len: usize, observe: Observe) {
        let starts: Vec<usize> = (self.t..self.t + step_len)
            .map(|t| self.actions_start(t))
            .collect();
        self.t += step_len;
        let (actions, one_len) = (&self.actions, self.one_len);
        // A block's frames lie together: the steps kept, one after the other.
        let frames = self.frames.par_chunks_mut(KEPT_STEPS * BLOCK_LEN * one_len);
        self.batch
            .blocks_mut()
            .par_iter_mut()
            .zip(self.rewards.par_chunks_mut(BLOCK_LEN))
            .zip(self.dones.par_chunks_mut(BLOCK_LEN))
            .zip(&mut self.ended)
            .zip(frames)
            .enumerate()
            .for_each(|(i, ((((block, rewards), dones), ended), frames))| {
                let block: &mut Block = block;
                let len = block.env_len();
                for (t, start) in starts.iter().enumerate() {
                    let actions = &actions[start + i * BLOCK_LEN..][..len];
                    block.step(actions, rewards, dones, ended);
                    match observe {
                        Observe::Not => {}
                        Observe::View => {
                            std::hint::black_box(block.observations());
                        }
                        Observe::Write => {
                            let at = t % KEPT_STEPS * len * one_len;
                            block.observe(&mut frames[at..][..len * one_len]);
                        }
                    }
                }
            });
    }

    /// All blocks take one step, then the next.
    fn in_step(&mut self, step_len: usize) {
        for t in self.t..self.t + step_len {
            let start = self.actions_start(t);
            self.batch.step(
                &self.actions[start..][..self.rewards.len()],
                &mut self.rewards,
                &mut self.dones,
                &mut self.ended[0],
            );
        }
        self.t += step_len;
    }

    fn take_episodes(&mut self) -> usize {
        let lens = self.ended.iter_mut().map(|ended| ended.drain(..).len());
        lens.sum()
    }
}

fn measure(world: u8, threads: usize, env_len: usize, time: Duration) -> Result<Row, Error> {
    let variant = Variant::Corner {
        region: REGION.min(world),
    };
    let seeds = Split::Train.seeds();
    let rules = EnvSettings {
        sampler: LevelSampler::new(world, variant, 3, seeds.clone())?,
        actions: ActionSet::Four,
        reward: 1.0,
        timeout: TIMEOUT,
    };
    let step_len = usize::from(TIMEOUT);
    let work = step_len * env_len;

    let mut random = Stream::new(0, Purpose::Actions, 0);
    // More steps than an episode has, so that none repeats itself.
    let actions: Vec<u8> = (0..(2 * step_len + 21) * env_len)
        .map(|_| random.below(4) as u8)
        .collect();
    let mut play = Play::new(&rules, env_len, actions)?;
    play.by_block(2 * step_len, Observe::Not);
    play.take_episodes();
    let mut episode_len = 0;
    let mut round_len = 0;
    let steps_per_s = rate(time, work, || {
        play.by_block(step_len, Observe::Not);
        episode_len += play.take_episodes();
        round_len += 1;
    });
    let steps_in_step_per_s = rate(time, work, || {
        play.in_step(step_len);
        play.take_episodes();
    });
    let mut observed = |observe| {
        rate(time, work, || {
            play.by_block(step_len, observe);
            play.take_episodes();
        })
    };
    let steps_viewed_per_s = observed(Observe::View);
    let steps_written_per_s = observed(Observe::Write);
    drop(play);

    // Nothing happens, and so nothing ends.
    let still = EnvSettings {
        actions: ActionSet::Procgen,
        timeout: u16::MAX,
        ..rules.clone()
    };
    let mut play = Play::new(&still, env_len, vec![4; env_len])?;
    play.by_block(step_len, Observe::Not);
    let alone = rate(time / 4, work, || {
        if play.t > usize::from(u16::MAX) - 2 * step_len {
            play.batch = Batch::new(&still, 0, env_len).expect("made before");
            play.t = 0;
        }
        play.by_block(step_len, Observe::Not);
    });
    drop(play);

    let mut draw = || random.below(seeds.end - seeds.start) + seeds.start;
    let level_seeds: Vec<u32> = (0..LEVELS).map(|_| draw()).collect();
    let mut makers = vec![rules.sampler.maker(); 16];
    let share = LEVELS / makers.len();
    let levels_per_s = rate(time, LEVELS, || {
        makers
            .par_iter_mut()
            .zip(level_seeds.par_chunks(share))
            .for_each(|(maker, seeds)| {
                maker.levels(seeds, |_, level| {
                    std::hint::black_box(level);
                });
            });
    });
    let plain_levels_per_s = rate(time / 4, PLAIN, || {
        for &seed in &level_seeds[..PLAIN] {
            std::hint::black_box(generate(seed, world, variant).expect("checked above"));
        }
    });
    let mut plain = Simulator::new(rules.clone(), 0, PLAIN)?;
    let (mut rewards, mut dones) = (vec![0.0; PLAIN], vec![false; PLAIN]);
    let mut observations = vec![0; PLAIN * observation_len(world)];
    let plain_actions: Vec<u8> = (0..step_len * PLAIN)
        .map(|_| random.below(4) as u8)
        .collect();
    let plain_steps_written_per_s = rate(time / 4, step_len * PLAIN, || {
        for actions in plain_actions.chunks_exact(PLAIN) {
            plain.step(actions, &mut rewards, &mut dones);
            plain.observe(&mut observations);
        }
    });

    let steps_per_episode = (round_len * work) as f64 / episode_len as f64;
    let parts = |total: f64| {
        let step = total / alone.best;
        let levels = total / (steps_per_episode * levels_per_s.best);
        let observe = 1.0 - total / steps_per_s.best;
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
        parts_of_steps: parts(steps_per_s.best),
        parts_of_steps_written: parts(steps_written_per_s.best),
        levels_per_s,
        steps_per_s,
        steps_in_step_per_s,
        steps_viewed_per_s,
        steps_written_per_s,
        plain_levels_per_s,
        plain_steps_written_per_s,
    })
}
