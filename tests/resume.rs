//! Runs that are killed or interrupted anywhere, and resume to the bytes of one that was not.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use gouda::experiment::config::{Config, Preset};
use gouda::experiment::replay::{self, Limit};
use gouda::experiment::resolve::resolve;
use gouda::experiment::resume::{Point, latest, middle};
use gouda::experiment::train::train;
use gouda::experiment::{Error, Progress, Silent};
use gouda::numeric::random::{Purpose, Stream};
use gouda::storage::{Access, RunDir, RunManifest};

mod common;
use common::{TINY, assert_same, directory, promised};

fn config(more: &[&str]) -> Config {
    // The sizes of `small` are refused beside `impala`.
    let is_impala = more.contains(&"net.kind=impala");
    let is_size = |set: &&&str| set.starts_with("net.") && !set.starts_with("net.kind");
    let sets: Vec<String> = (TINY.iter().chain(more))
        .filter(|set| !(is_impala && is_size(set)))
        .map(ToString::to_string)
        .collect();
    resolve(Preset::Quick, None, &sets, Some(3)).unwrap().config
}

/// Stops training after so many updates: as Ctrl-C does, or by unwinding, which seals nothing.
struct Stop {
    after: u64,
    by_unwinding: bool,
    done: Cell<u64>,
}

impl Progress for Stop {
    fn begin(&mut self, _: &str, _: u64) {}

    fn advance(&mut self, done: u64, _: &str) {
        self.done.set(done);
        if self.by_unwinding && done == self.after {
            resume_unwind(Box::new("killed"));
        }
    }

    fn is_interrupted(&self) -> bool {
        !self.by_unwinding && self.done.get() >= self.after
    }
}

/// Trains into `dir`, stopped after each of `stops` updates in turn.
fn train_stopped(config: &Config, dir: &Path, stops: &[u64], by_unwinding: bool, every: Duration) {
    for &after in stops {
        let run = RunDir::resume(dir).unwrap();
        let done = Cell::new(0);
        let mut stop = Stop {
            after,
            by_unwinding,
            done,
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| train(config, &run, every, &mut stop)));
        match outcome {
            Err(_) => assert!(by_unwinding),
            Ok(outcome) => {
                assert!(
                    matches!(outcome, Err(Error::Interrupted { .. })),
                    "{outcome:?}"
                );
                // What was recorded can be looked at meanwhile.
                for name in gouda::experiment::streams::names(config) {
                    let matrix = gouda::gradients::Matrix::open(&run.gradients().join(name));
                    matrix.unwrap().verify().unwrap();
                }
            }
        }
    }
    let run = RunDir::resume(dir).unwrap();
    train(config, &run, every, &mut Silent).unwrap();
}

#[test]
fn stopped_anywhere_in_training_it_ends_in_the_same_bytes() {
    let (always, never) = (Duration::ZERO, Duration::from_secs(3600));
    for (name, more) in [
        (
            "rows across iterations",
            ["record.every=7", "ppo.optimizer=adam", "net.kind=small"],
        ),
        (
            "sgd",
            [
                "record.every=iteration",
                "ppo.optimizer=sgd",
                "net.kind=small",
            ],
        ),
        (
            // 6 updates an iteration: the switches are at 6 and at 18, which is half-way too.
            "stages",
            [
                "record.every=7",
                "env.schedule=[{from=0.2,region=0,min_maze_dim=3},{from=0.45,region=3,min_maze_dim=7}]",
                "env.mouse=anywhere",
            ],
        ),
        (
            "rewards scaled",
            [
                "record.every=7",
                "ppo.norm_rewards=true",
                "ppo.norm_adv=rollout",
            ],
        ),
        (
            "impala",
            [
                "record.every=update",
                "ppo.optimizer=adam",
                "net.kind=impala",
            ],
        ),
    ] {
        let config = config(&more);
        assert_eq!(config.ppo.updates_per_iteration(), 6);
        let dir = directory();
        let begun = |name: &str| {
            let path = dir.path().join(name);
            // As a run that has begun.
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("config.toml"), config.to_toml()).unwrap();
            path
        };
        let whole = begun("whole");
        train_stopped(&config, &whole, &[], false, never);
        let expected = promised(&whole);
        assert!(expected.contains_key("curves.json") && expected.contains_key("metrics.jsonl"));
        for part in ["before", "inside", "value", "entropy"] {
            let stream = whole.join("gradients").join(part);
            let rows = gouda::gradients::Manifest::load(&stream).unwrap().rows;
            // Of every other iteration, its first update.
            assert_eq!(rows.first_update, [0, 12, 24], "{name}, {part}");
            assert_eq!(rows.last_update, rows.first_update);
        }
        let point = |path: &Path| {
            let run = RunDir::look(path).unwrap();
            let params = Point::load(&latest(&run), &config, param_len(&config)).unwrap();
            let mut points = [
                params,
                Point::load(&middle(&run), &config, param_len(&config)).unwrap(),
            ];
            points
                .iter_mut()
                .for_each(|point| point.recorded.seconds = 0.0);
            points
        };
        assert_eq!(point(&whole)[1].trainer.updates, 18);
        let stages = point(&whole).map(|point| {
            let all = point.trainer.environments.into_iter();
            all.map(|env| env.stage).max()
        });
        let last = 2 * usize::from(name == "stages");
        assert_eq!(stages, [Some(last), Some(last / 2)], "{name}");
        let run = RunDir::look(&whole).unwrap();
        let limit = Limit::Updates(27);
        let checks = replay::check(&config, &run, Access::Map, limit, &mut Silent).unwrap();
        assert!(checks.iter().all(|check| check.ok), "{name}: {checks:?}");
        let check = |path: &Path, what: &str| {
            assert_same(&promised(path), &expected, &format!("{name}, {what}"));
            // Parameters, optimiser, environments and streams, and sums of rows.
            assert!(
                point(path) == point(&whole),
                "{name}, {what}: the state differs"
            );
        };

        for boundary in [6, 12, 18, 24] {
            let what = format!("interrupted after {boundary}");
            let path = begun(&what);
            train_stopped(&config, &path, &[boundary], false, never);
            check(&path, &what);
        }
        let path = begun("interrupted often");
        train_stopped(&config, &path, &[1, 7, 12, 19], false, always);
        check(&path, "interrupted often");

        let kills: &[u64] = if name == "impala" {
            &[8, 27]
        } else {
            &[1, 5, 6, 7, 11, 18, 20, 26, 27]
        };
        for (&update, every) in kills.iter().zip([always, never].into_iter().cycle()) {
            let what = format!("killed after {update}");
            let path = begun(&what);
            train_stopped(&config, &path, &[update], true, every);
            check(&path, &what);
        }
        let path = begun("killed often");
        train_stopped(&config, &path, kills, true, always);
        check(&path, "killed often");
    }
}

fn param_len(config: &Config) -> usize {
    let shape = config.net.shape(&config.env);
    gouda::nn::Network::new(shape, 1).unwrap().param_len()
}

#[test]
fn a_damaged_point_is_refused_whatever_the_damage() {
    let dir = directory();
    let config = config(&[
        "net.channels=1",
        "net.hidden=1",
        "ppo.num_envs=4",
        "ppo.minibatch_size=32",
    ]);
    let run = RunDir::create(dir.path()).unwrap();
    train(&config, &run, Duration::ZERO, &mut Silent).unwrap();
    let path = middle(&run);
    let load = || Point::load(&path, &config, param_len(&config));
    let whole = std::fs::read(&path).unwrap();
    let point = load().unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, bytes).unwrap();
        match load() {
            // White space in the header, where another kind of it does no harm.
            Ok(found) => assert!(found == point, "byte {at} changes the point unseen"),
            Err(error) => {
                let text = error.to_string();
                assert!(
                    text.contains("middle.safetensors: expected"),
                    "byte {at}: {text}"
                );
            }
        }
    }
    for len in (0..whole.len()).step_by(13) {
        std::fs::write(&path, &whole[..len]).unwrap();
        let error = load().unwrap_err().to_string();
        assert!(
            error.contains("middle.safetensors: expected"),
            "{len}: {error}"
        );
    }
    // Sound, but of the release before.
    let at = whole.windows(13).position(|w| w == br#"\"version\":3"#);
    let mut older = whole.clone();
    older[at.expect("the version in the state") + 12] = b'2';
    let state = point_state(&older);
    let mut sum = crc32fast::Hasher::new();
    sum.update(state.as_bytes());
    sum.update(tensor_bytes(&older));
    replace_crc(&mut older, sum.finalize());
    std::fs::write(&path, &older).unwrap();
    let error = load().unwrap_err().to_string();
    assert!(
        error.contains("expected version 3 of points to resume from, found version 2"),
        "{error}"
    );
    // Sound, but of other settings.
    std::fs::write(&path, &whole).unwrap();
    let other = Config {
        seed: 4,
        ..config.clone()
    };
    let error = Point::load(&path, &other, param_len(&config))
        .unwrap_err()
        .to_string();
    assert!(error.contains("found a point of others"), "{error}");
}

/// Where the tensors of a safetensors file begin.
fn tensors_at(bytes: &[u8]) -> usize {
    8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

fn tensor_bytes(bytes: &[u8]) -> &[u8] {
    &bytes[tensors_at(bytes)..]
}

fn header(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(&bytes[8..tensors_at(bytes)]).unwrap()
}

fn point_state(bytes: &[u8]) -> String {
    let header = header(bytes);
    header["__metadata__"]["state"].as_str().unwrap().to_owned()
}

fn replace_crc(bytes: &mut [u8], sum: u32) {
    let header = header(bytes);
    let old = header["__metadata__"]["crc32"].as_str().unwrap();
    let at = bytes.windows(8).position(|w| w == old.as_bytes()).unwrap();
    bytes[at..at + 8].copy_from_slice(format!("{sum:08x}").as_bytes());
}

fn gouda(command: &str, out: &Path, more: &[&str]) -> Command {
    let mut gouda = Command::new(env!("CARGO_BIN_EXE_gouda"));
    gouda.args([command, "--quiet", "--out"]).arg(out);
    for set in TINY {
        gouda.args(["--set", set]);
    }
    gouda.args(more);
    gouda
}

fn run(command: &str, out: &Path, more: &[&str]) -> Output {
    gouda(command, out, more).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether SIGKILL found the process alive.
fn kill_after(mut child: Child, delay: Duration) -> bool {
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// The program itself, killed at random times, over and over.
#[test]
fn killed_at_random_times_it_ends_in_the_same_bytes() {
    let wanted = if common::is_long() { 240 } else { 24 };
    let more = [
        "--resume-every=0",
        "--threads=2",
        "--set=ppo.total_updates=200",
        "--set=record.every=7",
        "--set=record.curve_points=10",
        "--set=record.checkpoints=40",
    ];
    let dir = directory();
    let whole = dir.path().join("whole");
    let begun = Instant::now();
    assert!(run("train", &whole, &more).status.success());
    // Only chooses the delays, so that a run is killed a few times from its start to its sealing.
    let longest = begun.elapsed();
    let expected = promised(&whole);
    let outputs = |run: &Path| {
        RunManifest::load(&run.join("manifest.json"))
            .unwrap()
            .outputs
    };

    let mut random = Stream::new(0, Purpose::Controls, 0);
    let (mut kills, mut runs) = (0, 0);
    while kills < wanted {
        let out = dir.path().join(format!("killed {runs}"));
        begun_and_killed(&out);
        runs += 1;
        // Until the run is through, or killed often enough.
        while kills < wanted && !out.join("manifest.json").exists() {
            let mut command = gouda("train", &out, &[&more[..], &["--resume"]].concat());
            let child = command.stdout(Stdio::null()).spawn().unwrap();
            let delay = longest.mul_f64(random.uniform());
            kills += usize::from(kill_after(child, delay));
        }
        let last = run("train", &out, &["--resume", "--threads=1"]);
        // The settings of TINY alone are not those of the run.
        assert_eq!(last.status.code(), Some(2), "{}", stderr(&last));
        let last = run("train", &out, &[&more[..], &["--resume"]].concat());
        assert!(last.status.success(), "{}", stderr(&last));
        assert_same(
            &promised(&out),
            &expected,
            &format!("run {runs}, {kills} kills"),
        );
        assert_eq!(outputs(&out), outputs(&whole));
    }
    println!(
        "reliability: kills at random moments of training | {kills} | {runs} runs gone on with to the same \
         bytes, 0 lost"
    );
}

/// The main job, killed at random times in any of its stages: but for the clock and the command
/// line, the results are the same.
#[test]
fn reproduce_is_killed_in_any_stage_and_ends_in_the_same_results() {
    let wanted = if common::is_long() { 60 } else { 6 };
    let dir = directory();
    let whole = dir.path().join("whole");
    let begun = Instant::now();
    let first = run("reproduce", &whole, &[]);
    assert!(first.status.success(), "{}", stderr(&first));
    let longest = begun.elapsed();
    let results = |run: &Path| -> serde_json::Value {
        let text = std::fs::read_to_string(run.join("results.json")).unwrap();
        let mut results: serde_json::Value = serde_json::from_str(&text).unwrap();
        common::without_seconds(&mut results);
        let run = results["run"].as_object_mut().unwrap();
        assert!(run.remove("train_seconds").is_some() && run.remove("command").is_some());
        assert_eq!(run["preset"], "quick");
        results
    };
    let out = dir.path().join("killed");
    begun_and_killed(&out);
    let mut random = Stream::new(1, Purpose::Controls, 0);
    let mut kills = 0;
    for _ in 0..wanted {
        let mut command = gouda("reproduce", &out, &["--resume", "--resume-every=0"]);
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        kills += usize::from(kill_after(child, longest.mul_f64(random.uniform())));
    }
    let last = run("reproduce", &out, &["--resume"]);
    assert!(last.status.success(), "{}", stderr(&last));
    assert_same(&promised(&out), &promised(&whole), "reproduce");
    assert_eq!(results(&out), results(&whole));
    println!(
        "reliability: kills at random moments of the main job | {kills} | gone on with to the same \
         results, 0 lost"
    );

    // Finished: nothing is computed or written again.
    let before = std::fs::metadata(out.join("results.json"))
        .unwrap()
        .modified()
        .unwrap();
    let mut again = Command::new(env!("CARGO_BIN_EXE_gouda"));
    let again = again
        .args(["reproduce", "--resume", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(again.status.success() && stderr(&again).contains("nothing to do"));
    assert_eq!(again.stdout, last.stdout);
    let after = std::fs::metadata(out.join("results.json"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(before, after);
}

/// A directory as a run leaves it that is killed before anything else.
fn begun_and_killed(dir: &Path) {
    std::fs::create_dir(dir).unwrap();
    std::fs::write(dir.join(".lock"), "").unwrap();
}

#[test]
fn what_cannot_be_resumed_says_why() {
    let dir = directory();
    let out = dir.path().join("run");
    let refused = |out: &Path, args: &[&str], code: i32, expected: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
        command
            .args(["train", "--quiet", "--out"])
            .arg(out)
            .args(args);
        let output = command.output().unwrap();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(text.contains(expected), "{args:?}: {text}");
    };
    refused(&out, &["--resume"], 4, "cannot open");
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    refused(&empty, &["--resume"], 2, "found an empty directory");
    let other = dir.path().join("thesis");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.tex"), "dear").unwrap();
    refused(&other, &["--resume"], 2, "is not empty");
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1);

    assert!(run("train", &out, &["--seed=3"]).status.success());
    refused(&out, &[], 2, "holds a run; go on with it with --resume");
    // No settings are those of the run; those given must be the run's.
    for (args, expected) in [
        (["--resume", "--seed=4"], "seed = 4: the run in"),
        (["--resume", "--set=ppo.gamma=0.5"], "ppo.gamma = 0.5"),
        (["--resume", "--set=svd.rank=5"], "svd.rank = 5"),
        (["--resume", "--preset=standard"], "ablate.components = "),
    ] {
        refused(&out, &args, 2, expected);
    }
    refused(
        &out,
        &["--resume", "--set=ppo.gama=0.5"],
        2,
        "did you mean `ppo.gamma`?",
    );
    for settings in [&[][..], &["--set=ppo.learning_rate=1e-3", "--seed=3"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
        command
            .args(["train", "--resume", "--out"])
            .arg(&out)
            .args(settings);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("nothing to do"),
            "{}",
            stderr(&output)
        );
    }

    // Not finished, and the point is damaged, truncated, lost; or the settings were edited.
    std::fs::remove_file(out.join("manifest.json")).unwrap();
    std::fs::remove_file(out.join("curves.json")).unwrap();
    let point = out.join("resume/latest.safetensors");
    let whole = std::fs::read(&point).unwrap();
    let mut bytes = whole.clone();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&point, &bytes).unwrap();
    refused(&out, &["--resume"], 3, "the file is damaged");
    std::fs::write(&point, &whole[..last]).unwrap();
    refused(
        &out,
        &["--resume"],
        3,
        "latest.safetensors: expected a safetensors file",
    );
    std::fs::remove_file(&point).unwrap();
    refused(
        &out,
        &["--resume"],
        3,
        "expected a point to resume from, found none",
    );
    std::fs::write(&point, &whole).unwrap();
    let settings = std::fs::read_to_string(out.join("config.toml")).unwrap();
    let edited = settings.replace("gamma = 0.9", "gamma = 0.8");
    assert_ne!(edited, settings);
    std::fs::write(out.join("config.toml"), edited).unwrap();
    refused(&out, &["--resume"], 3, "a point of others");
    std::fs::write(out.join("config.toml"), settings).unwrap();

    let held = RunDir::open(&out).unwrap();
    refused(&out, &["--resume"], 6, "in use by another process");
    drop(held);
    let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
    let output = command
        .args(["train", "--resume", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(out.join("manifest.json").exists());

    // What is wrong with a run, `gouda verify` tells by the place.
    let verify = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
        command
            .args(["verify", "--quiet", "--json"])
            .arg(&out)
            .args(more)
            .output()
            .unwrap()
    };
    let sound = verify(&[]);
    assert!(sound.status.success(), "{}", stderr(&sound));
    let change = |file: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let path = out.join(file);
        let before = std::fs::read(&path).unwrap();
        let mut bytes = before.clone();
        change(&mut bytes);
        assert_ne!(bytes, before, "{file}");
        std::fs::write(&path, bytes).unwrap();
        let found = verify(&["--updates=27"]);
        assert_eq!(found.status.code(), Some(1), "{file}: {}", stderr(&found));
        std::fs::write(&path, before).unwrap();
        let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
        let checks = found["checks"].as_array().unwrap().clone();
        let failed = checks.iter().filter(|check| check["ok"] == false);
        failed
            .map(|check| format!("{}: {}", check["check"], check["detail"]))
            .collect::<Vec<_>>()
    };
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;
    let found = change("gradients/total/shard-00000.npy", &flip(128 + 40));
    assert!(
        found[0].contains("shard-00000.npy") && found[0].contains("for rows 0 to 4"),
        "{found:?}"
    );
    assert!(
        found[1].contains("gradients (gradients/total, row 0, parameter 10"),
        "{found:?}"
    );
    let found = change("gradients/update/shard-00000.npy", &flip(128 + 40));
    assert!(
        found[1].contains("updates (gradients/update, row 0, parameter 10"),
        "{found:?}"
    );
    let found = change("gradients/inside/shard-00000.npy", &flip(128 + 40));
    assert!(
        found[0].contains("gradients/inside/") && found[0].contains("shard-00000.npy"),
        "{found:?}"
    );
    assert!(
        found[1].contains(
            "update 0: the first to differ is the parts of the gradient \
             (gradients/inside, row 0, parameter 10"
        ),
        "{found:?}"
    );
    let found = change("metrics.jsonl", &|bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text
            .replacen("\"episodes\":", "\"episodes\":1", 1)
            .into_bytes();
    });
    assert!(
        found[0].contains("metrics.jsonl")
            && found[1].contains("update 0: the first to differ is the rollout"),
        "{found:?}"
    );
    let found = change("checkpoints/000000011.safetensors", &|bytes| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    });
    assert!(
        found[1].contains("\"checkpoints\": ")
            && found[1].contains("000000011.safetensors: expected CRC"),
        "{found:?}"
    );
    let found = change("resume/middle.safetensors", &|bytes| bytes.truncate(100));
    assert!(
        found[0].contains("half-way") && found[0].contains("middle.safetensors"),
        "{found:?}"
    );
}
