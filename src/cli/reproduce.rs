//! `gouda reproduce`: the main job.

use std::io::Write;
use std::time::Instant;

use crate::ablate::{Claim, PerRate};
use crate::experiment;
use crate::experiment::config::Config;
use crate::experiment::stages::{finish, is_finished};
use crate::findings::{Onset, PHASES, Results, Role};
use crate::nn::Network;
use crate::ppo::{minibatch, rollout, trainer};
use crate::protocol::reproduce::reproduce;
use crate::storage::RunDir;

use super::settings::Job;
use super::{Error, report};

/// Train, record, decompose, locate, ablate, trace circuits, report: the main job
///
/// Trains an agent on procgen's own maze levels with the cheese near the top-right corner, records
/// the gradient of its updates, takes the SVD of parameters x time, asks of every component whether
/// it is early or late, edits the parameters along components and random directions, and measures
/// what each edit costs the walk to the corner and the walk to the cheese. Then it traces what the
/// policy's activations and edges carry, in brief: `gouda circuits` does it at length. Read report.html in
/// the run's directory; results.json and circuits.json hold every figure in it.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda reproduce
  gouda reproduce --seed 1 --out runs/second
  gouda reproduce --resume --out runs/second    go on after a kill, an interruption, a power cut
  gouda reproduce --set ppo.total_updates=2400 --set ablate.test_levels=128   a short look")]
pub struct Args {
    #[command(flatten)]
    job: Job,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let (resolved, run, invocation) = args.job.begin()?;
    let mut watcher = args.job.running.watcher();
    watcher.say(&plan(&resolved.config, &run)?);
    let begun = Instant::now();
    let results = if is_finished(&run, "report.html")? {
        watcher.say("nothing to do: this run is finished");
        Results::load(&run.path().join("results.json"))?
    } else {
        let every = args.job.resuming.every();
        let (results, circuits) = reproduce(&resolved, &invocation, &run, every, &mut watcher)?;
        report::write(&run, &results, Some(&circuits))?;
        let outputs = ["results.json", "circuits.json", "report.html"];
        finish(&resolved, &invocation, &run, &outputs)?;
        results
    };
    watcher.end();
    watcher.say(&format!("done in {:.0} s", begun.elapsed().as_secs_f64()));
    if args.job.running.json {
        serde_json::to_writer(&mut *out, &results)?;
        writeln!(out)?;
    } else {
        summarise(&results, out)?;
        writeln!(out, "{}", run.report().display())?;
    }
    Ok(())
}

/// What is about to be done, with the disk and memory it takes.
pub fn plan(config: &Config, run: &RunDir) -> Result<String, Error> {
    let shape = config.net.shape(&config.env);
    let network = Network::new(shape, 1)
        .map_err(|error| experiment::Error::from(crate::ppo::Error::from(error)))?;
    let (p, t) = (network.param_len() as f64, config.time_len() as f64);
    let ppo = &config.ppo;
    let frames = ppo.iterations() as f64 * ppo.batch_len() as f64;
    let checkpoints = 4e-6 * p * (config.record.checkpoints + 1) as f64;
    // Activations and gradients of what runs at a time, for every thread and for every block of
    // environments; the gradient of every block of a minibatch.
    let activations: usize = network.buffers.iter().map(|b| b.len).sum();
    let sample = activations + network.gradient_len.iter().sum::<usize>();
    let rooms = rayon::current_num_threads() + ppo.num_envs.div_ceil(rollout::BLOCK);
    let activations = 4e-6 * (sample * trainer::RUN * rooms) as f64;
    let blocks = ppo.minibatch_size.div_ceil(minibatch::BLOCK);
    let frames_held = 1e-6 * (ppo.batch_len() * network.observation_len()) as f64;
    Ok(format!(
        "{}: {}x{} mazes, region {}, {} parameters, {:.2} M frames, {} updates; gradient matrix {} x {}\n\
         disk: about {:.0} MB; memory: about {:.0} MB to train, and the page cache, which takes the matrix \
         where there is room",
        run.path().display(),
        config.env.world,
        config.env.world,
        config.env.region,
        network.param_len(),
        frames / 1e6,
        ppo.total_updates,
        config.time_len(),
        network.param_len(),
        2.0 * 4e-6 * p * t + checkpoints,
        activations + frames_held + 4e-6 * p * (blocks + 6) as f64,
    ))
}

fn summarise(results: &Results, out: &mut dyn Write) -> std::io::Result<()> {
    let found = &results.found;
    let rates = |rates: &PerRate<f64>| {
        let one =
            |(rate, value): (crate::ablate::Rate, &f64)| format!("{} {value:.2}", rate.name());
        rates.pairs().map(one).collect::<Vec<_>>().join("  ")
    };
    writeln!(out, "trained    {}", rates(&found.base))?;
    writeln!(out, "untrained  {}", rates(&found.floor))?;
    let frames = |t: Option<Onset>| {
        t.map_or("never".into(), |t| {
            let (low, high) = t.interval;
            let m = 1e-6;
            format!(
                "{:.2} M frames ({:.2} to {:.2})",
                t.frames * m,
                low * m,
                high * m
            )
        })
    };
    for rate in PHASES {
        writeln!(
            out,
            "{:<24} at 90 % of its rise: {}",
            rate.name(),
            frames(found.curves.onsets[rate])
        )?;
    }
    for claim in Claim::ALL {
        let unlearnt = claim.rates().filter(|&rate| !found.rises[rate].is_learnt);
        let unlearnt: Vec<&str> = unlearnt.map(|rate| rate.name()).collect();
        if !unlearnt.is_empty() {
            let rates = unlearnt.join(", ");
            writeln!(out, "{claim:?}  cannot be judged: {rates} not learnt")?;
            continue;
        }
        for claimed in found.choices(claim) {
            let frozen = &claimed.frozen;
            writeln!(
                out,
                "{claim:?}  {:<42} {:<9} selectivity {:+.2}{}  {}, dose {:+}",
                frozen.family.name(),
                match frozen.role {
                    Role::Practical => "",
                    Role::Predicted => "predicted",
                    Role::Swapped => "swapped",
                    Role::Control => "control",
                    Role::Known => "known",
                },
                claimed.selectivity,
                match (claimed.is_reached(), claimed.succeeds) {
                    (true, _) => " reached",
                    (false, true) => " rule met",
                    (false, false) => "",
                },
                frozen.member,
                (frozen.dose * 1e4).round() / 1e4,
            )?;
        }
    }
    Ok(())
}
