//! Training has the bits of `data/digests`, on any number of threads and with every instruction set
//! this CPU has. A change that moves them says so in CHANGELOG and makes them anew:
//!
//! ```text
//! cargo test --release --test same_bits -- --ignored regenerate
//! ```

use std::path::{Path, PathBuf};
use std::process::Command;

use gouda::experiment::digests::Digests;
use gouda::experiment::resolve::resume;
use gouda::experiment::resume::{Point, latest};
use gouda::gradients::Manifest;
use gouda::numeric::simd;
use gouda::storage::{FileSum, RunDir, checksum, read_text};
use serde_json::{Value, json};

/// Trainings: name, updates, settings.
const RUNS: [(&str, u64, &[&str]); 2] = [
    (
        "small",
        240,
        &[
            "net.kind=small",
            "net.channels=6",
            "net.blocks=1",
            "net.hidden=10",
            "record.every=3",
        ],
    ),
    ("impala", 8, &["net.kind=impala", "record.every=update"]),
];

const SETTINGS: [&str; 15] = [
    "seed=5",
    "ppo.update_epochs=3",
    "ppo.ent_coef=0.003",
    "record.every=iteration",
    "record.streams_every=2",
    "env.world=7",
    "env.region=3",
    "env.min_maze_dim=3",
    "env.timeout=8",
    "ppo.num_envs=10",
    "ppo.num_steps=16",
    "ppo.minibatch_size=40",
    "record.checkpoints=2",
    "record.curve_points=2",
    "record.curve_levels=8",
];

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data/digests")
        .join(file)
}

fn paths() -> Vec<simd::Path> {
    let has = |path: &simd::Path| simd::choose(Some(path.name())).is_ok();
    simd::Path::ALL.iter().copied().filter(has).collect()
}

/// What a command prints as JSON; it must succeed.
fn printed(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn stages(path: simd::Path, threads: usize) -> Digests {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
    command
        .env("GOUDA_SIMD", path.name())
        .args(["verify", "--quiet", "--print"]);
    command.arg(format!("--threads={threads}"));
    serde_json::from_value(printed(&mut command)).unwrap()
}

/// Checksums of what `gouda train` leaves: gradient shards, parameters, optimiser.
fn shards(path: simd::Path, threads: usize) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let runs = RUNS.map(|(name, updates, more)| {
        let out = dir.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
        command
            .env("GOUDA_SIMD", path.name())
            .args(["train", "--quiet", "--json", "--out"]);
        command.arg(&out).arg(format!("--threads={threads}"));
        command.arg(format!("--set=ppo.total_updates={updates}"));
        for set in SETTINGS.iter().chain(more) {
            command.args(["--set", set]);
        }
        printed(&mut command);
        let run = RunDir::look(&out).unwrap();
        let stream = |name| Manifest::load(&run.gradients().join(name)).unwrap();
        let text = read_text(&run.config()).unwrap();
        let config = resume((&run.config(), &text), None, None, &[], None)
            .unwrap()
            .config;
        let param_len = stream("total").shape.1;
        let point = Point::load(&latest(&run), &config, param_len).unwrap();
        let gouda::ppo::Optimizer::Adam(adam) = point.trainer.optimizer else {
            panic!("adam is the default")
        };
        let files = |name: &str| {
            FileSum::of(&run.metrics().with_file_name(name))
                .unwrap()
                .crc32
        };
        let hex = |sum: u32| format!("{sum:08x}");
        let sums = json!({
            "gradients/total": hex(stream("total").checksum),
            "gradients/update": hex(stream("update").checksum),
            "parameters": hex(checksum::of_f32s(&point.trainer.params)),
            "adam.first": hex(checksum::of_f32s(&adam.first)),
            "adam.second": hex(checksum::of_f32s(&adam.second)),
            "metrics.jsonl": hex(files("metrics.jsonl")),
        });
        (name.to_owned(), sums)
    });
    Value::Object(runs.into_iter().collect())
}

#[test]
fn every_stage_has_the_digest_at_any_threads_on_every_instruction_set() {
    for path in paths() {
        for threads in [1, 2, 3, 7] {
            let found = stages(path, threads);
            for comparison in found.compare(&Digests::built_in()) {
                let at = comparison.first_difference;
                assert_eq!(at, None, "{path:?}, {threads} threads: {comparison:?}");
            }
        }
    }
}

#[test]
fn what_training_leaves_has_the_digest_at_any_threads_on_every_instruction_set() {
    let text = read_text(&data("shards.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    for path in paths() {
        for threads in [1, 2, 3, 7] {
            assert_eq!(
                shards(path, threads),
                expected,
                "{path:?}, {threads} threads"
            );
        }
    }
}

/// The program as users run it says the same, and fails where a path is not to be had.
#[test]
fn verify_says_that_this_machine_computes_the_bits() {
    let found = printed(&mut verify("portable", &["--json", "--quiet"]));
    assert_eq!(
        (&found["ok"], &found["simd"]),
        (&json!(true), &json!("portable"))
    );
    assert_eq!(found["stages"].as_array().unwrap().len(), 13);
    let unknown = verify("sse9", &[]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    let text = String::from_utf8_lossy(&unknown.stderr).into_owned();
    let expected = simd::choose(Some("sse9")).unwrap_err();
    assert!(expected.starts_with("GOUDA_SIMD=sse9: expected portable"));
    assert!(text.contains(&expected), "{text}");
    if cfg!(target_arch = "x86_64") {
        assert!(
            text.contains("GOUDA_SIMD=sse9: expected portable, avx2 or avx512"),
            "{text}"
        );
    }
    if simd::choose(Some("avx512")).is_err() {
        let lacking = verify("avx512", &[]).output().unwrap();
        assert_eq!(lacking.status.code(), Some(2));
    }
}

fn verify(path: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
    command.env("GOUDA_SIMD", path).arg("verify").args(args);
    command
}

/// What `verify` says on an emulated CPU: all digests are the same, on this path.
fn assert_same(found: &Value, path: &str, cpu: &str) {
    println!("{cpu}: {} in {} s", found["simd"], found["seconds"]);
    let is_same = (&found["ok"], &found["simd"]) == (&json!(true), &json!(path));
    assert!(is_same, "{cpu}: {found}");
}

/// Under qemu-user (Debian's `qemu-user`) as CPUs with and without fused multiply-add.
#[test]
#[ignore = "needs qemu-x86_64; minutes"]
fn emulated_x86_computes_the_bits() {
    for (cpu, path) in [("Haswell", "avx2"), ("Nehalem", "portable")] {
        let mut command = Command::new("qemu-x86_64");
        command.args(["-cpu", cpu, env!("CARGO_BIN_EXE_gouda")]);
        let found = printed(command.args(["verify", "--json", "--quiet", "--threads=2"]));
        assert_same(&found, path, cpu);
    }
    // What the CPU lacks is refused.
    let mut command = Command::new("qemu-x86_64");
    command.args(["-cpu", "Nehalem", env!("CARGO_BIN_EXE_gouda"), "verify"]);
    let output = command.env("GOUDA_SIMD", "avx2").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// In a Linux that Bochs boots as a CPU with AVX-512; the script says what it needs.
#[test]
#[ignore = "needs Bochs and a Linux kernel; two minutes"]
fn emulated_avx512_computes_the_bits() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/emulated/avx512.sh");
    let output = Command::new(script)
        .args([
            env!("CARGO_BIN_EXE_gouda"),
            "prog verify --threads 1 --quiet",
        ])
        .output()
        .unwrap();
    let [console, errors] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    println!("{console}");
    assert!(output.status.success(), "{}: {errors}", output.status);
    let is_on_avx512 = |line: &str| line.starts_with("avx512, 1 threads");
    assert!(console.lines().any(is_on_avx512));
}

/// Under qemu-user as a 64-bit Arm CPU, built with Debian's `gcc-aarch64-linux-gnu`, whose libraries it
/// runs with, after `rustup target add aarch64-unknown-linux-gnu`.
#[test]
#[ignore = "needs qemu-aarch64 and a cross compiler, and builds the program: ten minutes"]
fn emulated_arm_computes_the_bits() {
    let target = "aarch64-unknown-linux-gnu";
    let libraries = Command::new("rustc")
        .args(["--print=target-libdir", "--target", target])
        .output()
        .unwrap();
    let libraries = String::from_utf8(libraries.stdout).unwrap();
    let is_installed = Path::new(libraries.trim()).is_dir();
    assert!(is_installed, "rustup target add {target}");
    // This program is in a folder by its profile, in the folder of all targets.
    let program = Path::new(env!("CARGO_BIN_EXE_gouda"));
    let targets = program.ancestors().nth(2).unwrap();
    let is_built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--release", "--bin=gouda"])
        .args(["--target", target, "--target-dir"])
        .arg(targets)
        .env(
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER",
            "aarch64-linux-gnu-gcc",
        )
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap()
        .success();
    assert!(is_built);
    let program = targets.join(target).join("release/gouda");
    let emulated = || {
        let mut command = Command::new("qemu-aarch64");
        command.args(["-L", "/usr/aarch64-linux-gnu"]).arg(&program);
        command
    };
    for (forced, path) in [(None, "neon"), (Some("portable"), "portable")] {
        let mut command = emulated();
        command.env_remove("GOUDA_SIMD");
        command.envs(forced.map(|path| ("GOUDA_SIMD", path)));
        let found = printed(command.args(["verify", "--json", "--quiet", "--threads=2"]));
        assert_same(&found, path, "Arm");
    }
    // The paths of other architectures are unknown.
    let mut command = emulated();
    let command = command.arg("verify").env("GOUDA_SIMD", "avx2");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("expected portable or neon"), "{text}");
}

#[test]
#[ignore = "writes data/digests"]
fn regenerate() {
    let write = |file: &str, value: &Value| {
        let text = serde_json::to_string_pretty(value).unwrap() + "\n";
        gouda::storage::atomic::write(&data(file), text.as_bytes()).unwrap();
    };
    let path = simd::path();
    write(
        "stages.json",
        &serde_json::to_value(stages(path, 1)).unwrap(),
    );
    write("shards.json", &shards(path, 1));
}
