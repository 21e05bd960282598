//! What every command that runs something takes: settings, output, threads, noise.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::experiment::config::Preset;
use crate::experiment::resolve::{Resolved, resolve, resume};
use crate::experiment::stages::Invocation;
use crate::storage::{Access, RunDir, exists, read_named_text, read_text, run_dir};

use super::Error;
use super::progress::Watcher;

/// Most threads: beyond any machine, and few enough that starting them takes no time.
pub(super) const THREADS_MAX: usize = 1024;

/// A preset on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PresetName {
    /// Six minutes on two cores
    Quick,
    /// A laptop's lunch break, every optimiser step recorded
    Standard,
    /// The published hyperparameters and network, 25x25: days on a CPU
    Procgen,
    /// As quick and longer, the cheese in the very corner of every maze for the first half of training
    Scheduled,
}

impl From<PresetName> for Preset {
    fn from(name: PresetName) -> Self {
        match name {
            PresetName::Quick => Self::Quick,
            PresetName::Standard => Self::Standard,
            PresetName::Procgen => Self::Procgen,
            PresetName::Scheduled => Self::Scheduled,
        }
    }
}

/// Where settings come from: the command line over the file over the preset.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// The settings to start from [default: quick; of `sweep`, standard]
    #[arg(long, value_enum)]
    preset: Option<PresetName>,

    /// A TOML file with some settings of its own
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// One setting, as in --set ppo.clip_coef=0.1; may be given again
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,

    /// Seed of everything random: the same seed gives the same bits on any number of threads
    #[arg(long)]
    seed: Option<u64>,
}

impl Settings {
    /// The settings in force.
    pub fn resolve(&self) -> Result<Resolved, Error> {
        self.resolve_or(PresetName::Quick)
    }

    /// The settings in force, over another preset where none is given.
    pub fn resolve_or(&self, preset: PresetName) -> Result<Resolved, Error> {
        let file = self.file()?;
        let file = file.as_ref().map(|(path, text)| (*path, text.as_str()));
        let preset = self.preset.unwrap_or(preset);
        Ok(resolve(preset.into(), file, &self.sets, self.seed)?)
    }

    /// Refuses --seed where it means nothing.
    pub fn refuse_seed(&self, instead: &str) -> Result<(), Error> {
        match self.seed {
            None => Ok(()),
            Some(_) => Err(Error::Usage(format!("--seed: {instead}"))),
        }
    }

    /// The settings of the run in `run`, which those given may only repeat; those given where
    /// nothing was begun.
    fn resume(&self, run: &RunDir) -> Result<Resolved, Error> {
        let path = run.config();
        if !exists(&path)? {
            return self.resolve();
        }
        let file = self.file()?;
        let file = file.as_ref().map(|(path, text)| (*path, text.as_str()));
        let (preset, text) = (self.preset.map(Into::into), read_text(&path)?);
        Ok(resume((&path, &text), preset, file, &self.sets, self.seed)?)
    }

    fn file(&self) -> Result<Option<(&Path, String)>, Error> {
        match &self.config {
            Some(path) => Ok(Some((path.as_path(), read_named_text(path)?))),
            None => Ok(None),
        }
    }
}

/// Seeds on the command line: numbers and ranges, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(Vec<u64>);

/// Most seeds of one command.
const SEEDS_MAX: usize = 1000;

impl Seeds {
    /// One after the other, as given.
    pub fn list(&self) -> Vec<u64> {
        self.0.clone()
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected seeds such as 20, 20-22 or 20,23, at most {SEEDS_MAX}");
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| expected());
        let mut seeds = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range = number(first)?..=number(last)?;
            seeds.extend(range.take(SEEDS_MAX + 1));
        }
        let mut sorted = seeds.clone();
        sorted.sort_unstable();
        sorted.dedup();
        match seeds.len() {
            1..=SEEDS_MAX if sorted.len() == seeds.len() => Ok(Self(seeds)),
            _ => Err(expected()),
        }
    }
}

/// Where a run goes and how it is watched.
#[derive(Args, Clone, Debug)]
pub struct Running {
    /// Output directory, empty or not there yet [default: a new one under runs/; svd/ for `svd`]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Worker threads; results do not depend on it [default: one a core]
    #[arg(long)]
    threads: Option<usize>,

    /// No progress on stderr
    #[arg(long)]
    quiet: bool,

    /// Results on stdout as JSON
    #[arg(long)]
    pub json: bool,
}

impl Running {
    /// Starts the worker threads and says who runs what.
    pub fn start(&self) -> Result<Invocation, Error> {
        start(self.threads)
    }

    /// The output directory of a command that makes no run.
    pub fn out_or(&self, default: &str) -> PathBuf {
        self.out.clone().unwrap_or_else(|| default.into())
    }

    /// The run's directory, locked.
    fn directory(&self, resolved: &Resolved) -> Result<RunDir, Error> {
        let path = match &self.out {
            Some(path) => path.clone(),
            None => free_name(&resolved.preset, resolved.config.seed)?,
        };
        Ok(RunDir::create(&path)?)
    }

    /// Who is told how far the run is; Ctrl-C is heard from here on.
    pub fn watcher(&self) -> Watcher {
        Watcher::new(self.quiet)
    }
}

/// How what was recorded is read.
#[derive(Args, Clone, Copy, Debug)]
pub struct Mapping {
    /// Read matrices a piece at a time instead of mapping them into memory: the same bits, slower
    ///
    /// A pass over a matrix that is in the page cache takes two to three times as much CPU time.
    /// A mapped file that someone else cuts short meanwhile ends the process with SIGBUS, which nothing
    /// can prevent. Where it is read, that is an error which names the file (exit 4). For files on a
    /// network or a failing disk, or that other programs may write.
    #[arg(long)]
    no_mmap: bool,
}

impl Mapping {
    /// How files are read.
    pub fn access(self) -> Access {
        if self.no_mmap {
            Access::Read
        } else {
            Access::Map
        }
    }
}

/// Starts so many worker threads, one a core where nothing is said, and says who runs what.
pub fn start(threads: Option<usize>) -> Result<Invocation, Error> {
    if let Some(threads) = threads
        && !(1..=THREADS_MAX).contains(&threads)
    {
        return Err(Error::Usage(format!(
            "--threads {threads}: expected 1 to {THREADS_MAX}"
        )));
    }
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = threads {
        pool = pool.num_threads(threads);
    }
    pool.build_global()
        .map_err(|error| Error::Usage(format!("--threads: {error}")))?;
    let command = std::env::args_os()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    Ok(Invocation {
        command,
        threads: rayon::current_num_threads(),
        access: Access::default(),
    })
}

/// What commands that train take beside [`Running`].
#[derive(Args, Clone, Debug)]
pub struct Resuming {
    /// Go on with the run in --out that was killed or interrupted, to the bits it would have had
    #[arg(long, requires = "out")]
    pub resume: bool,

    /// Seconds from one point that a killed run can go on from to the next; 0: every iteration
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    resume_every: u32,
}

impl Resuming {
    /// The settings in force and the run's directory, locked.
    pub fn open(
        &self,
        settings: &Settings,
        running: &Running,
    ) -> Result<(Resolved, RunDir), Error> {
        match &running.out {
            Some(out) if self.resume && run_dir::is_empty(out)? => Err(Error::Usage(format!(
                "--resume: expected a run that was begun in {}, found an empty directory; without --resume one is begun",
                out.display()
            ))),
            Some(out) if self.resume => {
                let run = RunDir::resume(out)?;
                Ok((settings.resume(&run)?, run))
            }
            _ => {
                let resolved = settings.resolve()?;
                let run = running.directory(&resolved)?;
                Ok((resolved, run))
            }
        }
    }

    /// How often a point to resume from is put down.
    pub fn every(&self) -> Duration {
        Duration::from_secs(self.resume_every.into())
    }
}

/// What a command takes that trains, and reads what was recorded.
#[derive(Args, Clone, Debug)]
pub struct Job {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    pub running: Running,
    #[command(flatten)]
    pub resuming: Resuming,
    #[command(flatten)]
    mapping: Mapping,
}

impl Job {
    /// The settings in force, the run's directory, locked, and who runs what.
    pub fn begin(&self) -> Result<(Resolved, RunDir, Invocation), Error> {
        // Before there is a directory: settings of a new run that leave nothing to decompose.
        if !self.resuming.resume {
            self.settings.resolve()?.config.check_rows()?;
        }
        let mut invocation = self.running.start()?;
        invocation.access = self.mapping.access();
        let (resolved, run) = self.resuming.open(&self.settings, &self.running)?;
        Ok((resolved, run, invocation))
    }

    /// The same in a directory that other processes are at work in as well, and that is not locked: the settings that it was begun
    /// with, which those given may only repeat, or those given, and nothing begun.
    pub fn beside_others(&self) -> Result<(Resolved, PathBuf, Invocation), Error> {
        let mut invocation = self.running.start()?;
        invocation.access = self.mapping.access();
        let dir = self.running.out_or("runs/study");
        let resolved = match exists(&dir)? {
            true => self.settings.resume(&RunDir::look(&dir)?)?,
            false => self.settings.resolve()?,
        };
        resolved.config.check_rows()?;
        Ok((resolved, dir, invocation))
    }
}

/// `runs/quick-seed0`, or the first of `runs/quick-seed0-2`, `-3`, ... that is not there.
fn free_name(preset: &str, seed: u64) -> Result<PathBuf, Error> {
    let base = format!("{preset}-seed{seed}");
    let name = |number: u32| match number {
        1 => Path::new("runs").join(&base),
        _ => Path::new("runs").join(format!("{base}-{number}")),
    };
    let mut number = 1;
    while exists(&name(number))? {
        number += 1;
    }
    Ok(name(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_numbers_and_ranges_each_once() {
        let list = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.list());
        assert_eq!(list("20"), Ok(vec![20]));
        assert_eq!(list("20-22,25"), Ok(vec![20, 21, 22, 25]));
        assert_eq!(list("3, 1"), Ok(vec![3, 1]));
        let bad = [
            "",
            "x",
            "20-",
            "22-20",
            "20,20",
            "1-3,2",
            "0-1000",
            "0-18446744073709551615",
            "-1",
        ];
        for text in bad {
            assert!(list(text).is_err(), "{text}");
        }
    }
}
