//! `gouda sweep`: training with the cheese in regions of several sides.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::experiment::Progress;
use crate::findings::Sweep;
use crate::over_seeds::sweep::{Job, Tell, sweep};
use crate::report::{plural, sweep_csv, sweep_html};
use crate::storage::{self, atomic};

use super::Error;
use super::settings::{PresetName, Running, Seeds, Settings};

/// Train with the cheese in regions of several sides, and see what the agent does where it is anywhere
///
/// The figure of Langosco et al. (2022): the share of mazes in which the cheese is reached, and in which the
/// corner is entered first, by the side of the region in training and over training. A training is a
/// job of its own, which leaves swept.json. Started again the command goes on with what is not
/// done. Started several times at once in one directory, on one machine or on many that see it, each process takes what
/// nobody else is at. Nearly nothing of the gradients is recorded.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda sweep                                         the standard preset: 24 trainings, hours
  gouda sweep --regions 1,5,9 --seeds 20 --out runs/sweep
  gouda sweep --preset quick --regions 3,5 --seeds 20-21 --set ppo.total_updates=2400   a short look")]
pub struct Args {
    /// Sides of the region, each with every seed [default: 1,2,3,4,5,7,9,11, as far as the world goes]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    regions: Vec<u8>,

    /// Seeds: 20, 20-22, or 20,23 [default: three from study.first_seed on]
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<Seeds>,

    #[command(flatten)]
    settings: Settings,

    #[command(flatten)]
    running: Running,
}

/// Sides that are swept where nothing is said.
const REGIONS: [u8; 8] = [1, 2, 3, 4, 5, 7, 9, 11];
/// Seeds that each is trained with.
const SEEDS: u64 = 3;

/// From one point that a killed training can go on from to the next.
const EVERY: Duration = Duration::from_secs(10);

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    args.settings.refuse_seed("a sweep takes --seeds")?;
    let base = args.settings.resolve_or(PresetName::Standard)?;
    let invocation = args.running.start()?;
    let world = base.config.env.world;
    let mut regions: Vec<u8> = match args.regions.is_empty() {
        true => REGIONS.into_iter().filter(|&side| side < world).collect(),
        false => args.regions.clone(),
    };
    regions.sort_unstable();
    regions.dedup();
    let first = base.config.study.first_seed;
    let seeds = match &args.seeds {
        Some(seeds) => seeds.list(),
        None => (first..first + SEEDS).collect(),
    };
    // Seed by seed: a figure of every side is there when the first seed is done.
    let jobs: Vec<Job> = seeds
        .iter()
        .flat_map(|&seed| regions.iter().map(move |&region| Job { region, seed }))
        .collect();
    let dir: PathBuf = args.running.out_or("runs/sweep");
    let mut watcher = args.running.watcher();
    let count = plural(jobs.len(), "training");
    watcher.say(&format!("{}: {count}", dir.display()));
    let mut tell = |found: &Sweep| write(&dir, found);
    let told = (&mut watcher as &mut dyn Progress, &mut tell as Tell<'_>);
    let outcome = sweep(&base, &invocation, &dir, &jobs, EVERY, told)?;
    watcher.end();
    if !outcome.held.is_empty() {
        let held = plural(outcome.held.len(), "training");
        watcher.say(&format!(
            "{held} left to other processes, which are at it; whoever ends last has all in {}",
            dir.join("sweep.json").display()
        ));
    }
    if args.running.json {
        serde_json::to_writer(&mut *out, &outcome.sweep)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", dir.join("report.html").display())?;
    }
    Ok(())
}

/// Writes the page and the table of a sweep into `dir`.
pub fn write(dir: &Path, sweep: &Sweep) -> Result<(), storage::Error> {
    atomic::write(&dir.join("report.html"), sweep_html(sweep).as_bytes())?;
    atomic::write(&dir.join("sweep.csv"), sweep_csv(sweep).as_bytes())
}
