//! NaN and infinities in every place that a file or a state can bring them to: the program ends with
//! exit code 5, names tensor and step, and what was good before stays so.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

mod common;

use gouda::ablate::Split;
use gouda::cli;
use gouda::experiment::checkpoint::{checkpoints, load_checkpoint, save_checkpoint};
use gouda::experiment::config::{Config, Preset};
use gouda::experiment::metrics::Line;
use gouda::experiment::resolve::{Resolved, resolve};
use gouda::experiment::resume::{Point, latest};
use gouda::experiment::train::train;
use gouda::experiment::{Error, Progress, Silent, streams};
use gouda::gradients::{Manifest, Matrix};
use gouda::nn::{Layout, Network, Policy};
use gouda::ppo::Optimizer;
use gouda::storage::{FileSum, RunDir, checksum, lines, npy, summed};

use common::{TINY, directory, is_long};

/// A row of the matrix sums seven updates, so that one is in the making at a point.
const ROWS: [&str; 1] = ["record.every=7"];

const VALUES: [f32; 3] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

fn resolved(more: &[&str]) -> Resolved {
    let tiny = TINY.iter().chain(&ROWS);
    let sets: Vec<String> = tiny.chain(more).map(ToString::to_string).collect();
    resolve(Preset::Quick, None, &sets, Some(3)).unwrap()
}

fn layout(config: &Config) -> Layout {
    let network = Network::new(config.net.shape(&config.env), 1).unwrap();
    network.layout
}

/// An interruption after so many updates.
struct Stop {
    after: u64,
    done: Cell<u64>,
}

impl Progress for Stop {
    fn begin(&mut self, _: &str, _: u64) {}

    fn advance(&mut self, done: u64, _: &str) {
        self.done.set(done);
    }

    fn is_interrupted(&self) -> bool {
        self.done.get() >= self.after
    }
}

/// A run that was interrupted after two iterations, with a row in the making.
fn stopped(config: &Config, dir: &Path) {
    std::fs::write(dir.join("config.toml"), config.to_toml()).unwrap();
    let run = RunDir::resume(dir).unwrap();
    let mut stop = Stop {
        after: 12,
        done: Cell::new(0),
    };
    let outcome = train(config, &run, Duration::ZERO, &mut stop);
    assert!(matches!(
        outcome,
        Err(Error::Interrupted { updates: 12, .. })
    ));
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => drop(found.insert(path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    found
}

fn put_back(dir: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    std::fs::remove_dir_all(dir).unwrap();
    for (path, bytes) in files {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// The point to resume from, to the byte but for the seconds spent.
fn point_of(config: &Config, dir: &Path) -> Vec<u8> {
    let path = latest(&RunDir::look(dir).unwrap());
    let mut point = Point::load(&path, config, layout(config).len()).unwrap();
    point.recorded.seconds = 0.0;
    let aside = directory();
    let path = aside.path().join("point");
    point.save(&path, config).unwrap();
    std::fs::read(path).unwrap()
}

/// What a run that failed has kept: checkpoints, sealed streams and metrics that are read and finite,
/// and the point to resume from that it had.
fn assert_kept(config: &Config, dir: &Path, point: &[u8]) {
    let run = RunDir::resume(dir).unwrap();
    let layout = layout(config);
    let kept = checkpoints(&run.checkpoints()).unwrap();
    assert!(kept.len() > 2);
    for (_, path) in kept {
        load_checkpoint(&path, &layout).unwrap();
    }
    for name in streams::names(config) {
        let matrix = Matrix::open(&run.gradients().join(name)).unwrap();
        matrix.verify().unwrap();
    }
    let lines: Vec<Line> = lines::read(&run.metrics()).unwrap();
    assert!(lines.len() > 3);
    assert!(point_of(config, dir) == point, "the point changed");
}

/// Alters the point of a stopped run and goes on with it: the error, which has exit code 5.
fn fails_after(config: &Config, dir: &Path, alter: impl FnOnce(&mut Point)) -> String {
    let run = RunDir::resume(dir).unwrap();
    let path = latest(&run);
    let mut point = Point::load(&path, config, layout(config).len()).unwrap();
    alter(&mut point);
    point.save(&path, config).unwrap();
    let bytes = point_of(config, dir);
    // So rarely that a sum of a row spoils no point before it ends.
    let rarely = Duration::from_secs(3600);
    let error = train(config, &run, rarely, &mut Silent).unwrap_err();
    let text = error.to_string();
    assert_eq!(cli::Error::from(error).exit_code(), 5, "{text}");
    drop(run);
    assert_kept(config, dir, &bytes);
    text
}

#[test]
fn a_state_that_is_not_finite_is_named_and_what_was_recorded_stays() {
    let mut tried = 0;
    for optimizer in ["ppo.optimizer=adam", "ppo.optimizer=sgd"] {
        let config = resolved(&[optimizer]).config;
        let dir = directory();
        stopped(&config, dir.path());
        let before = files(dir.path());
        let layout = layout(&config);
        // The last entry of every tensor in turn, or eight of its entries.
        let cases = layout
            .tensors
            .iter()
            .flat_map(|tensor| {
                let stride = if is_long() {
                    tensor.len().div_ceil(8)
                } else {
                    tensor.len()
                };
                (0..tensor.len())
                    .rev()
                    .step_by(stride)
                    .map(move |at| (tensor, at))
            })
            .flat_map(|place| VALUES.map(|value| (place, value)));
        for ((tensor, within), value) in cases {
            let at = tensor.offset + within;
            let place = format!("{}[{within}]", tensor.name);
            let moments: &[&str] = match optimizer {
                "ppo.optimizer=adam" => &["first moment of", "second moment of"],
                _ => &["velocity of"],
            };
            let places = ["parameter", "total.sum", "update.sum"];
            for what in places.iter().chain(moments) {
                let text = fails_after(&config, dir.path(), |point| {
                    let optimizer = &mut point.trainer.optimizer;
                    match (*what, optimizer) {
                        ("parameter", _) => point.trainer.params[at] = value,
                        ("total.sum", _) => point.total.sum[at] = value,
                        ("update.sum", _) => point.update.sum[at] = value,
                        ("first moment of", Optimizer::Adam(adam)) => adam.first[at] = value,
                        ("second moment of", Optimizer::Adam(adam)) => adam.second[at] = value,
                        (_, Optimizer::Sgd(sgd)) => sgd.velocity[at] = value,
                        other => unreachable!("{other:?}"),
                    }
                });
                let expected = match what.strip_suffix(".sum") {
                    // Rows are counted from 0, and seven updates each.
                    Some(stream) => format!("gradients/{stream}: row 1, column {at} ({place})"),
                    None => format!("update 12: the {what} {place} is {value}"),
                };
                assert!(text.contains(&expected), "{text}: {expected}");
                tried += 1;
                put_back(dir.path(), &before);
            }
        }
        // Untouched it goes on.
        let run = RunDir::resume(dir.path()).unwrap();
        train(&config, &run, Duration::ZERO, &mut Silent).unwrap();
    }
    println!(
        "reliability: not-finite numbers in the state | {tried} | {tried} named with exit code 5, 0 trained on, all files kept"
    );
}

/// Finite numbers that are too large for the layers behind them: what they become is named, or
/// training goes on with finite numbers alone.
#[test]
fn numbers_that_grow_too_large_are_named() {
    let config = resolved(&[]).config;
    let dir = directory();
    stopped(&config, dir.path());
    let before = files(dir.path());
    let mut tried = [0, 0];
    for tensor in layout(&config).tensors {
        for size in [1e30, f32::MAX] {
            let run = RunDir::resume(dir.path()).unwrap();
            let path = latest(&run);
            let param_len = layout(&config).len();
            let mut point = Point::load(&path, &config, param_len).unwrap();
            for (index, param) in point.trainer.params[tensor.range()].iter_mut().enumerate() {
                *param = if index % 3 == 0 { -size } else { size };
            }
            point.save(&path, &config).unwrap();
            let bytes = point_of(&config, dir.path());
            let rarely = Duration::from_secs(3600);
            match train(&config, &run, rarely, &mut Silent) {
                Ok(_) => {
                    let point = Point::load(&path, &config, param_len).unwrap();
                    assert!(point.trainer.params.iter().all(|param| param.is_finite()));
                    tried[1] += 1;
                }
                Err(error) => {
                    let text = error.to_string();
                    assert!(
                        [" of ", "loss", "advantage"]
                            .iter()
                            .any(|part| text.contains(part)),
                        "{text}"
                    );
                    assert_eq!(cli::Error::from(error).exit_code(), 5, "{text}");
                    drop(run);
                    assert_kept(&config, dir.path(), &bytes);
                    tried[0] += 1;
                }
            }
            put_back(dir.path(), &before);
        }
    }
    println!(
        "{} overflows named, {} trained on with finite numbers",
        tried[0], tried[1]
    );
    assert!(tried[0] > tried[1]);
}

/// Gives a stream of one shard and one block of rows the checksums of its entries, as if it had been
/// recorded so.
fn seal_again(stream: &Path, values: &[f32]) {
    let path = stream.join("manifest.json");
    let mut manifest = Manifest::load(stream).unwrap();
    let block = checksum::of_f32s(values);
    manifest.shards[0].blocks = vec![block];
    manifest.checksum = checksum::of_bytes(&block.to_le_bytes());
    let sketch = FileSum::of(&stream.join("sketch.npy")).unwrap();
    manifest.sketch = Some(sketch.crc32);
    summed::write(&path, &manifest).unwrap();
}

fn gouda(arguments: &[&str], config: Option<&[&str]>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
    command.args(arguments);
    for set in config
        .into_iter()
        .flat_map(|more| TINY.iter().chain(&ROWS).chain(more))
    {
        command.args(["--set", set]);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

#[test]
fn the_program_exits_with_5_and_names_the_number() {
    let dir = directory();
    let mut tried = 0;
    let mut exits = |arguments: &[&str], config: Option<&[&str]>, expected: &[&str]| {
        let (code, text) = gouda(arguments, config);
        assert_eq!(code, Some(5), "{arguments:?} {config:?}: {text}");
        for part in expected {
            assert!(text.contains(part), "{text}: {part}");
        }
        tried += 1;
    };
    // Settings that drive numbers out of range: update, return, loss.
    for (number, (sets, expected)) in [
        (["ppo.learning_rate=1e30", "ppo.optimizer=adam"], "update "),
        (["ppo.learning_rate=1e30", "ppo.optimizer=sgd"], "update "),
        (
            ["env.reward=3.4e38", "ppo.norm_adv=minibatch"],
            "the value loss is inf",
        ),
        (
            ["env.reward=-3e38", "ppo.clip_vloss=false"],
            "the value loss is inf",
        ),
    ]
    .iter()
    .enumerate()
    {
        let out = dir.path().join(format!("run{number}"));
        let out = out.to_str().unwrap();
        exits(
            &["train", "--quiet", "--seed", "3", "--out", out],
            Some(sets),
            &[expected],
        );
        let run = RunDir::resume(Path::new(out)).unwrap();
        let point = resolved(sets).config;
        Point::load(&latest(&run), &point, layout(&point).len()).unwrap();
        for name in ["total", "update"] {
            Matrix::open(&run.gradients().join(name))
                .unwrap()
                .verify()
                .unwrap();
        }
        let _: Vec<Line> = lines::read(&run.metrics()).unwrap();
    }

    let config = resolved(&[]).config;
    let run = dir.path().join("good");
    let out = run.to_str().unwrap();
    let (code, text) = gouda(
        &["train", "--quiet", "--seed", "3", "--out", out],
        Some(&[]),
    );
    assert_eq!(code, Some(0), "{text}");

    // An entry of the matrix, and of its sketch.
    let stream = run.join("gradients/total");
    let svd = dir.path().join("svd");
    let (stream_text, svd_text) = (stream.to_str().unwrap(), svd.to_str().unwrap());
    let decompose = [
        "svd",
        stream_text,
        "--out",
        svd_text,
        "--rank",
        "2",
        "--quiet",
    ];
    let layout = layout(&config);
    let shard = stream.join("shard-00000.npy");
    let (shape, sound) = npy::read_f32(&shard).unwrap();
    let sketch = stream.join("sketch.npy");
    let (sketch_shape, sound_sketch) = npy::read_f64(&sketch).unwrap();
    for value in VALUES {
        for tensor in [&layout.tensors[0], layout.tensors.last().unwrap()] {
            let mut values = sound.clone();
            values[2 * layout.len() + tensor.range().end - 1] = value;
            npy::write_f32(&shard, &shape, &values).unwrap();
            seal_again(&stream, &values);
            let place = format!("({}[{}]) is {value}", tensor.name, tensor.len() - 1);
            exits(&decompose, None, &["row 2, column ", &place]);
        }
        npy::write_f32(&shard, &shape, &sound).unwrap();
        seal_again(&stream, &sound);
        let mut values = sound_sketch.clone();
        values[64 + 7] = value.into();
        npy::write_f64(&sketch, &sketch_shape, &values).unwrap();
        seal_again(&stream, &sound);
        let place = format!("sketch.npy: row 1, column 7 is {value}");
        exits(&decompose, None, &[&place]);
        npy::write_f64(&sketch, &sketch_shape, &sound_sketch).unwrap();
    }

    // A checkpoint that a run is gone on with.
    let (_, path) = checkpoints(&run.join("checkpoints"))
        .unwrap()
        .pop()
        .unwrap();
    let params = load_checkpoint(&path, &layout).unwrap();
    for value in VALUES {
        let mut bad = params.clone();
        bad[5] = value;
        save_checkpoint(&path, &layout, &bad, (27, 640)).unwrap();
        let place = format!("conv0.weight[5] is {value}");
        let reproduce = [
            "reproduce",
            "--quiet",
            "--resume",
            "--seed",
            "3",
            "--out",
            out,
        ];
        exits(&reproduce, Some(&[]), &["000000027.safetensors", &place]);
    }
    println!(
        "reliability: not-finite numbers by exit code | {tried} | {tried} exits with 5 and the number named"
    );
}

/// A rectifier hides a NaN: a policy with one would be measured as if it were another.
#[test]
fn policies_that_are_not_finite_are_not_measured() {
    let config = resolved(&[]).config;
    let network = Network::new(config.net.shape(&config.env), 16).unwrap();
    let params = gouda::nn::init::initialise(&network.layout, 1);
    let tasks = config.tasks(Split::Selection, 8).unwrap();
    let mut tried = 0;
    let mut refused = |params: &[f32], expected: &str| {
        let error = tasks
            .measure_exact(Policy::new(&network, params))
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected), "{text}: {expected}");
        let error = Error::from(error);
        assert_eq!(cli::Error::from(error).exit_code(), 5);
        tried += 1;
    };
    for tensor in &network.layout.tensors {
        for value in VALUES {
            let mut bad = params.clone();
            bad[tensor.offset] = value;
            refused(&bad, &format!("parameter {}[0] is {value}", tensor.name));
        }
    }
    // Finite, and its logits not.
    let mut bad = params.clone();
    bad[network.layout.range("policy.bias").unwrap()].fill(f32::MAX);
    bad[network.layout.range("policy.weight").unwrap()].fill(f32::MAX);
    bad[network.layout.range("dense.bias").unwrap()].fill(1.0);
    refused(&bad, "of policy.weight is inf");
    tasks.measure_exact(Policy::new(&network, &params)).unwrap();
    println!(
        "reliability: not-finite numbers in what is measured | {tried} | {tried} refused with exit code 5, 0 measured"
    );
}
