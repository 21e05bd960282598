//! Every operation of a short run on the disk fails in turn, and the power goes after every one:
//! what is sealed stays whole, and the run goes on to the bytes of one that nothing happened to.
//!
//! With `GOUDA_LONG=1` every operation of the main job, and not only of training; else of it one in
//! many.

#[path = "../common/mod.rs"]
mod common;
mod crash;
mod failing;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gouda::experiment::checkpoint::{checkpoints, load_checkpoint};
use gouda::experiment::config::Preset;
use gouda::experiment::resolve::{Resolved, resolve, resume};
use gouda::experiment::stages::{Invocation, finish, train_only};
use gouda::experiment::{Error, Silent};
use gouda::gradients::Matrix;
use gouda::numeric::random::{Purpose, Stream};
use gouda::protocol::reproduce::reproduce;
use gouda::storage::disk::{self, Disk, Real};
use gouda::storage::{RunDir, atomic};

use common::{TINY, assert_same, directory, is_long, promised};
use crash::{Image, Recording};
use failing::{Failing, Fault};

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Train,
    Reproduce,
}

fn settings() -> Resolved {
    // An iteration and a half, of rows that go across them.
    let more = [
        "ppo.num_steps=4",
        "ppo.minibatch_size=16",
        "ppo.total_updates=9",
        "record.every=4",
        "record.checkpoints=3",
        "record.curve_points=2",
    ];
    let sets: Vec<String> = TINY.iter().chain(&more).map(ToString::to_string).collect();
    resolve(Preset::Quick, None, &sets, Some(3)).unwrap()
}

impl Job {
    fn name(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Reproduce => "the main job",
        }
    }

    /// What the program does when it is told to go on with the run in `dir`.
    fn go_on(self, dir: &Path) -> Result<(), Error> {
        let run = RunDir::resume(dir)?;
        let config = run.config();
        let resolved = match gouda::storage::exists(&config)? {
            true => {
                let text = gouda::storage::read_text(&config)?;
                resume((&config, &text), None, None, &[], None)?
            }
            false => settings(),
        };
        let invocation = Invocation {
            command: vec!["gouda".into()],
            threads: 1,
            access: Default::default(),
        };
        let (resolved, invocation, every) = (&resolved, &invocation, Duration::ZERO);
        match self {
            Self::Train => train_only(resolved, invocation, &run, every, &mut Silent).map(|_| ()),
            Self::Reproduce => {
                let (results, circuits) =
                    reproduce(resolved, invocation, &run, every, &mut Silent)?;
                let html = gouda::report::html(&results, Some(&circuits));
                atomic::write(&run.report(), html.as_bytes())?;
                let outputs = ["results.json", "circuits.json", "report.html"];
                finish(resolved, invocation, &run, &outputs)
            }
        }
    }

    fn on(self, disk: Arc<dyn Disk>, dir: &Path) -> Result<(), Error> {
        disk::with(disk, || self.go_on(dir))
    }
}

/// Numbers, but for the seconds and the command line.
fn results(dir: &Path) -> Option<serde_json::Value> {
    let text = std::fs::read(dir.join("results.json")).ok()?;
    let mut results: serde_json::Value = serde_json::from_slice(&text).unwrap();
    results["run"]
        .as_object_mut()
        .unwrap()
        .remove("train_seconds");
    common::without_seconds(&mut results);
    Some(results)
}

/// Whatever has its manifest or its name is whole; how many such there are.
fn sealed(dir: &Path, what: &str) -> usize {
    let mut found = 0;
    if let Ok(streams) = std::fs::read_dir(dir.join("gradients")) {
        for stream in streams {
            let stream = stream.unwrap().path();
            if stream.join("manifest.json").exists() {
                let whole = Matrix::open(&stream).and_then(|matrix| matrix.verify());
                whole.unwrap_or_else(|error| panic!("{what}: {error}"));
                found += 1;
            }
        }
    }
    if dir.join("checkpoints").exists() {
        let config = settings().config;
        let shape = config.net.shape(&config.env);
        let layout = gouda::nn::Network::new(shape, 1).unwrap().layout;
        for (_, path) in checkpoints(&dir.join("checkpoints")).unwrap() {
            load_checkpoint(&path, &layout).unwrap_or_else(|error| panic!("{what}: {error}"));
            found += 1;
        }
    }
    found
}

/// A run that nothing happens to, in `dir`.
fn undisturbed(job: Job, dir: &Path) -> Expected {
    std::fs::create_dir(dir).unwrap();
    job.on(Arc::new(Real), dir).unwrap();
    Expected {
        promised: promised(dir),
        results: results(dir),
    }
}

struct Expected {
    promised: BTreeMap<String, Vec<u8>>,
    results: Option<serde_json::Value>,
}

impl Expected {
    /// Goes on with the run in `dir`, on a disk without faults, to the bytes expected.
    fn after(&self, job: Job, dir: &Path, what: &str) {
        let outcome = job.on(Arc::new(Real), dir);
        outcome.unwrap_or_else(|error| panic!("{what}: it does not go on: {error}"));
        assert_same(&promised(dir), &self.promised, what);
        assert!(results(dir) == self.results, "{what}: the results differ");
        sealed(dir, what);
    }
}

/// Does `job` for all numbers below `len`, on two threads. What `job` does in parallel stays on its
/// thread: so little is not worth handing over.
fn on_two_threads(len: usize, job: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let all = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= len {
                break;
            }
            job(index);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
            scope.spawn(|| pool.unwrap().install(all));
        }
    });
}

fn every_operation_fails(job: Job, step: usize) {
    let dir = directory();
    let expected = undisturbed(job, &dir.path().join("whole"));
    let counting = Arc::new(Failing::new(Fault::Error, usize::MAX));
    let counted = dir.path().join("counted");
    std::fs::create_dir(&counted).unwrap();
    job.on(Arc::clone(&counting) as _, &counted).unwrap();
    let operations = counting.asked();
    let places = operations.div_ceil(step);

    let (injected, told, unnoticed) = <(AtomicUsize, AtomicUsize, AtomicUsize)>::default();
    on_two_threads(places * Fault::ALL.len(), |index| {
        let fault = Fault::ALL[index % Fault::ALL.len()];
        let at = index / Fault::ALL.len() * step;
        let what = format!("{job:?}, {fault:?} at operation {at} of {operations}");
        let failing = Arc::new(Failing::new(fault, at));
        let path = dir.path().join(format!("{at}{fault:?}"));
        std::fs::create_dir(&path).unwrap();
        let outcome = job.on(Arc::clone(&failing) as _, &path);
        if failing.failed() > 0 {
            injected.fetch_add(1, Ordering::Relaxed);
            match outcome {
                Ok(()) => {
                    assert_same(&promised(&path), &expected.promised, &what);
                    unnoticed.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    assert_ne!(fault, Fault::Short, "{what}: {error}");
                    let error = gouda::cli::Error::from(error);
                    assert_eq!(error.exit_code(), 4, "{what}: {error}");
                    told.fetch_add(1, Ordering::Relaxed);
                }
            }
        } else {
            outcome.unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        sealed(&path, &what);
        expected.after(job, &path, &what);
        std::fs::remove_dir_all(&path).unwrap();
    });
    let [injected, told, unnoticed] =
        [injected, told, unnoticed].map(|count| count.load(Ordering::Relaxed));
    assert!(told > places && injected == told + unnoticed);
    println!(
        "reliability: disk faults in {} | {injected} | at {places} of {operations} operations: {told} \
         told with exit 4 and gone on from to the same bytes, {unnoticed} with no effect (short writes, \
         what is only looked at), 0 lost",
        job.name()
    );
}

fn the_power_goes(job: Job, step: usize) {
    let dir = directory();
    let expected = undisturbed(job, &dir.path().join("whole"));
    let recorded = dir.path().join("recorded");
    std::fs::create_dir(&recorded).unwrap();
    let recording = Arc::new(Recording::new(&recorded));
    job.on(Arc::clone(&recording) as _, &recorded).unwrap();
    let operations = recording.len();
    let places = (operations + 1).div_ceil(step);

    let kept = AtomicUsize::new(0);
    // Torn images are drawn: many in the long version.
    let draws = if is_long() { 8 } else { 1 };
    let mut kinds = vec![(Image::Everything, 0), (Image::Synced, 0)];
    kinds.extend((0..draws).map(|draw| (Image::Torn, draw)));
    let images = places * kinds.len();
    on_two_threads(images, |index| {
        let (image, draw) = kinds[index % kinds.len()];
        let after = index / kinds.len() * step;
        let what = format!("{job:?}, {image:?} ({draw}) after {after} of {operations} operations");
        let path = dir.path().join(format!("{after}{image:?}{draw}"));
        let mut random = Stream::new(draw, Purpose::Controls, after as u64);
        recording.build(after, image, &mut random, &path);
        kept.fetch_add(sealed(&path, &what), Ordering::Relaxed);
        expected.after(job, &path, &what);
        std::fs::remove_dir_all(&path).unwrap();
    });
    let kept = kept.load(Ordering::Relaxed);
    assert!(kept > 0);
    println!(
        "reliability: crash images of {} | {images} | after {places} of {} prefixes of {operations} \
         operations (all done, synced only, torn at 512 bytes): all gone on from to the same bytes; \
         {kept} sealed files and streams in them, all whole",
        job.name(),
        operations + 1
    );
}

#[test]
fn training_goes_on_after_any_operation_failed() {
    every_operation_fails(Job::Train, 1);
}

#[test]
fn training_goes_on_after_a_crash_anywhere() {
    the_power_goes(Job::Train, 1);
}

#[test]
fn the_main_job_goes_on_after_an_operation_failed() {
    every_operation_fails(Job::Reproduce, if is_long() { 1 } else { 79 });
}

#[test]
fn the_main_job_goes_on_after_a_crash() {
    the_power_goes(Job::Reproduce, if is_long() { 1 } else { 61 });
}
