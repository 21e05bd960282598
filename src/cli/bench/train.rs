//! `gouda bench train`: the training loop, its parts, the share of the FMA peak, and PyTorch beside it.
//!
//! Training repeats iterations of the same work; every update of an iteration is timed by itself,
//! and the fastest repetition of each counts: what else the machine does falls on one repetition of
//! an update, hardly ever on all. Peak, training, inference and the peer run in turn.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;

use super::peer::{self, Peer};
use crate::cli::Error;
use crate::cli::settings::THREADS_MAX;
use crate::experiment;
use crate::gradients::{DEFAULT_SHARD_BYTES, Recorder, RowMeta};
use crate::maze::{ActionSet, MouseStart};
use crate::nn::{Kind, Network, Policy, Workspace};
use crate::numeric::random::{Purpose, Stream};
use crate::numeric::{peak, simd};
use crate::ppo::rollout::BLOCK;
use crate::ppo::{EnvSettings, NetSettings, PpoSettings, Settings, Trainer, sample};
use crate::storage::Scratch;

/// Measure training: frames a second, share of the FMA peak, ratio to PyTorch
///
/// PPO on 64 environments by 64 steps, 3 epochs, minibatches of 512. `whole`: rollouts with their
/// environments, updates, and every update's gradient and applied update recorded to a temporary
/// directory. `update`: frames over the time of their updates alone; `inference`: of the policy
/// alone. GFLOP/s are those of the updates, two a multiply-add, counted from the shapes. The peak is
/// what fused multiply-adds alone reach on the same threads in the same run. The ratio to PyTorch
/// sets the whole loop here against its updates and inference alone.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda bench train
  gouda bench train --threads 1 --json
  gouda bench train --torch venv/bin/python --seconds 20")]
pub struct Args {
    /// Print one JSON object a net
    #[arg(long)]
    json: bool,

    /// A Python with torch, to measure the same net and work there
    #[arg(long, value_name = "PYTHON")]
    torch: Option<PathBuf>,

    /// Threads, of the peer too
    #[arg(long)]
    threads: Option<usize>,

    /// The nets to measure, by part of their names
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    nets: Vec<String>,

    /// Seconds for each net, and for each way of the peer
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

/// What one net does.
#[derive(Clone, Debug, Serialize)]
struct Row {
    net: String,
    threads: usize,
    simd: &'static str,
    params: usize,
    iterations: usize,
    frames_per_s: f64,
    update_frames_per_s: f64,
    inference_frames_per_s: f64,
    gflops: f64,
    peak_gflops: f64,
    fraction_of_peak: f64,
    recording_share: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio_to_torch: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    torch: Vec<Peer>,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let threads = args.threads.unwrap_or_else(rayon::current_num_threads);
    if threads > THREADS_MAX {
        let message = format!("bench train: --threads {threads}: expected 1 to {THREADS_MAX}");
        return Err(Error::Usage(message));
    }
    if threads == 0 || args.seconds.is_nan() || args.seconds <= 0.0 {
        let message = "bench train: expected threads and seconds above 0";
        return Err(Error::Usage(message.into()));
    }
    let nets: Vec<(String, Settings)> = nets()
        .into_iter()
        .filter(|(name, _)| args.nets.is_empty() || args.nets.iter().any(|n| name.contains(n)))
        .collect();
    if nets.is_empty() {
        let message = format!("bench train: no net is called {}", args.nets.join(" or "));
        return Err(Error::Usage(message));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = pool.build().map_err(|e| Error::Usage(e.to_string()))?;
    for (index, (name, settings)) in nets.into_iter().enumerate() {
        let time = Duration::from_secs_f64(args.seconds.min(3600.0) / 2.0);
        let mut bench = Bench::new(&settings)?;
        pool.install(|| bench.run(time))?;
        let peers = match &args.torch {
            Some(python) => peer::measure(python, &settings, threads, args.seconds)?,
            None => Vec::new(),
        };
        pool.install(|| bench.run(time))?;
        let row = bench.row(name, threads, peers);
        if args.json {
            writeln!(out, "{}", serde_json::to_string(&row)?)?;
        } else {
            print(&row, index == 0, out)?;
        }
        out.flush()?;
    }
    Ok(())
}

fn print(row: &Row, is_first: bool, out: &mut dyn Write) -> Result<(), Error> {
    if is_first {
        writeln!(
            out,
            "{} threads, {}; frames/s, GFLOP/s",
            row.threads, row.simd
        )?;
        writeln!(
            out,
            "{:30}{:>9}{:>9}{:>9}{:>11}{:>8}{:>7}{:>9}{:>10}{:>9}",
            "net",
            "params",
            "whole",
            "update",
            "inference",
            "GFLOP/s",
            "peak",
            "of peak",
            "recording",
            "x torch"
        )?;
    }
    let ratio = row.ratio_to_torch.map_or("-".into(), |r| format!("{r:.2}"));
    writeln!(
        out,
        "{:30}{:>9}{:>9.0}{:>9.0}{:>11.0}{:>8.1}{:>7.1}{:>7.1} %{:>8.1} %{:>9}",
        row.net,
        row.params,
        row.frames_per_s,
        row.update_frames_per_s,
        row.inference_frames_per_s,
        row.gflops,
        row.peak_gflops,
        100.0 * row.fraction_of_peak,
        100.0 * row.recording_share,
        ratio
    )?;
    for peer in &row.torch {
        writeln!(out, "  {}", peer.describe())?;
    }
    Ok(())
}

/// The nets by name.
fn nets() -> Vec<(String, Settings)> {
    let small = |world: u8, channels: usize, hidden: usize| {
        let name = format!("small {world}x{world} {channels}ch 3 blocks {hidden}");
        (name, settings(Kind::Small, world, channels, hidden))
    };
    let impala = |world: u8| {
        (
            format!("impala {world}x{world}"),
            settings(Kind::Impala, world, 16, 64),
        )
    };
    vec![small(9, 16, 64), small(13, 32, 128), impala(15), impala(25)]
}

fn settings(kind: Kind, world: u8, channels: usize, hidden: usize) -> Settings {
    Settings {
        env: EnvSettings {
            world,
            region: 5,
            min_maze_dim: 3,
            timeout: 100,
            reward: 1.0,
            actions: ActionSet::Four,
            mouse: MouseStart::BottomLeft,
            schedule: Vec::new(),
        },
        net: NetSettings {
            kind,
            channels,
            blocks: 3,
            hidden,
        },
        ppo: PpoSettings {
            total_updates: 1 << 40,
            anneal_lr: false,
            ..PpoSettings::usual()
        },
    }
}

/// A net in training, and the times so far.
struct Bench {
    settings: Settings,
    network: Network,
    trainer: Trainer,
    streams: [Recorder; 2],
    /// Removed when the measuring is over, after the recorders.
    _scratch: Scratch,
    observations: Vec<u8>,
    /// The fastest of every update of an iteration; the first includes the rollout.
    updates: Vec<f64>,
    /// Seconds of all updates, and of recording them.
    spent: (f64, f64),
    inference: f64,
    /// Multiply-adds a second.
    peak: f64,
    iterations: usize,
}

impl Bench {
    fn new(settings: &Settings) -> Result<Self, Error> {
        let trainer = Trainer::new(settings.clone(), 0).map_err(experiment::Error::from)?;
        let network = Network::new(settings.net.shape(&settings.env), BLOCK)
            .map_err(|error| experiment::Error::from(crate::ppo::Error::from(error)))?;
        let scratch = Scratch::create()?;
        let recorder = |name: &str| {
            let dir = scratch.path().join(name);
            Recorder::create(&dir, &network.layout, 1000, DEFAULT_SHARD_BYTES)
        };
        let streams = [recorder("total")?, recorder("update")?];
        let random = &mut Stream::new(0, Purpose::Nulls, 0);
        let len = settings.ppo.batch_len() * network.observation_len();
        Ok(Self {
            observations: (0..len).map(|_| u8::from(random.below(10) < 3)).collect(),
            settings: settings.clone(),
            network,
            trainer,
            streams,
            _scratch: scratch,
            updates: vec![f64::INFINITY; settings.ppo.updates_per_iteration() as usize],
            spent: (0.0, 0.0),
            inference: f64::INFINITY,
            peak: 0.0,
            iterations: 0,
        })
    }

    /// Whole iterations for as long as `time`, at least two.
    fn run(&mut self, time: Duration) -> Result<(), Error> {
        let (begin, before) = (Instant::now(), self.iterations);
        while begin.elapsed() < time || self.iterations < before + 2 {
            self.measure_peak();
            self.train()?;
            self.infer();
            self.iterations += 1;
        }
        Ok(())
    }

    /// All threads at once, so briefly that they have a chance of being alone.
    fn measure_peak(&mut self) {
        for _ in 0..20 {
            let start = Instant::now();
            let threads = rayon::broadcast(|_| std::hint::black_box(peak::spin::<f32>(20_000)));
            let done = 0.5 * peak::flops::<f32>(20_000) * threads.len() as f64;
            self.peak = self.peak.max(done / start.elapsed().as_secs_f64());
        }
    }

    fn train(&mut self) -> Result<(), Error> {
        for best in &mut self.updates {
            let start = Instant::now();
            let update = self.trainer.advance().map_err(experiment::Error::from)?;
            let update = update.expect("training goes on for longer than this");
            let trained = start.elapsed().as_secs_f64();
            let meta = RowMeta {
                first_update: update.index,
                last_update: update.index,
                frames: update.frames,
                minibatch: update.minibatch.into(),
                learning_rate: update.learning_rate,
                clip_factor: update.clip_factor,
                advantage_std: update.advantage_std,
                ..RowMeta::default()
            };
            let [total, applied] = &mut self.streams;
            let (total, applied) = rayon::join(
                || total.push(update.gradient, meta),
                || applied.push(update.applied, meta),
            );
            total.and(applied)?;
            let recorded = start.elapsed().as_secs_f64() - trained;
            *best = best.min(trained);
            self.spent.0 += trained;
            self.spent.1 += recorded;
        }
        Ok(())
    }

    /// The policy on every frame, in the blocks of a rollout, its actions drawn.
    fn infer(&mut self) {
        let (network, params) = (&self.network, self.trainer.params());
        let len = network.observation_len();
        let start = Instant::now();
        self.observations.par_chunks(BLOCK * len).for_each_init(
            || Workspace::new(network),
            |workspace, observations| {
                let n = observations.len() / len;
                workspace.forward(Policy::new(network, params), observations, n);
                let logits = workspace.logits(network, n);
                for logits in logits.chunks_exact(network.shape.action_len) {
                    std::hint::black_box(sample::action(logits, 0.5));
                }
            },
        );
        self.inference = self.inference.min(start.elapsed().as_secs_f64());
    }

    fn row(&self, net: String, threads: usize, torch: Vec<Peer>) -> Row {
        let ppo = &self.settings.ppo;
        let frames = ppo.batch_len() as f64;
        let training: f64 = self.updates.iter().sum();
        // The first update begins with the rollout; without it, it is as long as the others.
        let others = &self.updates[1..];
        let updates = others.iter().sum::<f64>() * self.updates.len() as f64 / others.len() as f64;
        let recording_share = self.spent.1 / (self.spent.0 + self.spent.1);
        let frames_per_s = frames / training * (1.0 - recording_share);
        let (_, multiply_adds) = self.network.multiply_adds();
        let work = (multiply_adds * ppo.batch_len() * ppo.update_epochs) as f64;
        let gflops = 2e-9 * work / updates;
        let peak_gflops = 2e-9 * self.peak;
        let best = torch.iter().map(|peer| peer.figures.combined_frames_per_s);
        let best = best.max_by(f64::total_cmp);
        Row {
            net,
            threads,
            simd: simd::path().name(),
            params: self.network.param_len(),
            iterations: self.iterations,
            frames_per_s,
            update_frames_per_s: frames / updates,
            inference_frames_per_s: frames / self.inference,
            gflops,
            peak_gflops,
            fraction_of_peak: gflops / peak_gflops,
            recording_share,
            ratio_to_torch: best.map(|best| frames_per_s / best),
            torch,
        }
    }
}
