//! The program as its users meet it: output, errors, exit codes.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A run so small that it takes a second or two.
const TINY: [&str; 21] = [
    "ppo.update_epochs=3",
    "record.every=iteration",
    "record.streams_every=2",
    "env.world=9",
    "env.min_maze_dim=3",
    "env.timeout=20",
    "net.channels=4",
    "net.blocks=1",
    "net.hidden=8",
    "ppo.num_envs=8",
    "ppo.num_steps=16",
    "ppo.minibatch_size=64",
    "ppo.total_updates=61",
    "record.checkpoints=4",
    "record.curve_points=2",
    "record.curve_levels=16",
    "svd.rank=4",
    "ablate.components=2",
    "ablate.controls=19",
    "ablate.selection_levels=16",
    "ablate.test_levels=16",
];

fn gouda(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gouda"))
        .args(args)
        .output()
        .expect("the program starts")
}

fn tiny<'a>(command: &'a str, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![command, "--quiet", "--out", out.to_str().unwrap()];
    for set in TINY {
        args.extend(["--set", set]);
    }
    args.extend(more);
    args
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).expect("JSON on stdout")
}

#[test]
fn every_wrong_setting_names_itself_and_exits_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kind.toml");
    std::fs::write(&file, "[ppo]\ngamma = \"much\"").unwrap();
    let unknown = dir.path().join("unknown.toml");
    std::fs::write(&unknown, "[env]\nwrold = 11").unwrap();
    let (file, unknown) = (file.to_str().unwrap(), unknown.to_str().unwrap());
    let cases: [(&[&str], &str); 28] = [
        (&["--set", "a.b=1"], "unknown setting `a.b` (`gouda"),
        (
            &["--set", "clip_coef=0.1"],
            "`clip_coef`; did you mean `ppo.clip_coef`?",
        ),
        (
            &["--set", "ppo.clip_coeff=0.1"],
            "`ppo.clip_coeff`; did you mean `ppo.clip_coef`?",
        ),
        (&["--set", "ppo.clip_coef"], "expected KEY=VALUE"),
        (&["--set", "env.world=10"], "world"),
        (&["--set", "env.world=33"], "world"),
        (&["--set", "env.region=12"], "region"),
        (&["--set", "env.min_maze_dim=13"], "maze"),
        (&["--set", "env.world=\"big\""], "world"),
        (
            &["--set", "ppo.minibatch_size=500"],
            "ppo.minibatch_size = 500: expected a divisor",
        ),
        (
            &["--set", "ppo.gamma=1.5"],
            "ppo.gamma = 1.5: expected 0 to 1",
        ),
        (
            &["--set", "ppo.learning_rate=nan"],
            "ppo.learning_rate = NaN",
        ),
        (&["--set", "ppo.num_envs=0"], "ppo.num_envs = 0"),
        (&["--set", "net.channels=0"], "net.channels = 0"),
        (
            &["--set", "record.every=\"epoch\""],
            "expected \"update\", \"iteration\" or a number",
        ),
        (&["--set", "svd.tolerance=2.0"], "svd.tolerance"),
        (&["--set", "ablate.step_doses=[]"], "ablate.step_doses"),
        (&["--config", file], "kind.toml"),
        (&["--set", "env.region=9"], "env.region = 9: expected"),
        (&["--set", "env.region=2"], "env.region = 2: expected"),
        (&["--set", "svd.null_draws=3"], "svd.null_draws = 3"),
        (&["--set", "svd.max_passes=2"], "svd.max_passes = 2"),
        (
            &["--set", "ppo=3"],
            "ppo: expected one of its settings, as in ppo.adam_eps=VALUE",
        ),
        (
            &["--set", "net.kind=impala", "--set", "net.hidden=128"],
            "net.hidden = 128: expected nothing",
        ),
        (
            &["--set", "record.curve_levels=1000000"],
            "record.curve_levels",
        ),
        (
            &["--threads", "100000"],
            "--threads 100000: expected 1 to 1024",
        ),
        (&["--config", unknown], "did you mean `env.world`?"),
        (&["--threads", "0"], "--threads 0"),
    ];
    for (args, expected) in cases {
        let out = dir.path().join("never");
        let all = [&["train", "--out", out.to_str().unwrap()], args].concat();
        let output = gouda(&all);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(expected),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(!out.exists(), "{args:?} left a directory behind");
    }
}

#[test]
fn files_that_are_missing_or_malformed_have_their_own_codes() {
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("broken.toml");
    std::fs::write(&broken, "[ppo\ngamma = 1").unwrap();
    let config = gouda(&["config", "--config", broken.to_str().unwrap()]);
    assert_eq!(config.status.code(), Some(3), "{}", stderr(&config));
    assert!(
        stderr(&config).contains("broken.toml: expected TOML"),
        "{}",
        stderr(&config)
    );
    let text = dir.path().join("not a matrix.npy");
    std::fs::write(&text, "hello").unwrap();
    let out = dir.path().join("out");
    let svd = |matrix: &Path| {
        gouda(&[
            "svd",
            matrix.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ])
    };
    let malformed = svd(&text);
    assert_eq!(malformed.status.code(), Some(3), "{}", stderr(&malformed));
    assert!(
        stderr(&malformed).contains("not a matrix.npy"),
        "{}",
        stderr(&malformed)
    );
    let missing = svd(&dir.path().join("absent.npy"));
    assert_eq!(missing.status.code(), Some(4), "{}", stderr(&missing));
    let report = gouda(&["report", dir.path().join("absent").to_str().unwrap()]);
    assert_eq!(report.status.code(), Some(4), "{}", stderr(&report));
    // A run that was trained and no more.
    let report = gouda(&["report", dir.path().to_str().unwrap()]);
    assert_eq!(report.status.code(), Some(3), "{}", stderr(&report));
    let words = "`gouda reproduce --resume --out";
    assert!(stderr(&report).contains(words), "{}", stderr(&report));
}

#[test]
fn one_row_in_time_is_refused_before_training() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let output = gouda(&tiny("reproduce", &out, &["--set", "ppo.total_updates=1"]));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("ppo.total_updates = 1: expected more than"));
    assert!(!out.exists());
}

#[test]
fn a_reader_of_the_progress_who_leaves_does_not_end_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let mut child = Command::new(env!("CARGO_BIN_EXE_gouda"))
        .args(tiny("train", &out, &[]).iter().filter(|&&a| a != "--quiet"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(out.join("manifest.json").exists());
}

#[test]
fn a_nan_in_a_matrix_is_named_and_exits_with_5() {
    let dir = tempfile::tempdir().unwrap();
    let matrix = dir.path().join("m.npy");
    let mut values = vec![1.0f32; 20];
    values[13] = f32::NAN;
    gouda::storage::npy::write_f32(&matrix, &[4, 5], &values).unwrap();
    let out = dir.path().join("out");
    let output = gouda(&[
        "svd",
        matrix.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    for part in ["m.npy", "row 2", "column 3", "NaN"] {
        assert!(
            stderr(&output).contains(part),
            "{part}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn an_occupied_directory_is_refused_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.tex"), "dear").unwrap();
    let output = gouda(&tiny("train", dir.path(), &[]));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("is not empty"),
        "{}",
        stderr(&output)
    );
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn a_locked_directory_is_refused_with_6() {
    let dir = tempfile::tempdir().unwrap();
    let _held = gouda::storage::RunDir::create(dir.path()).unwrap();
    let output = gouda(&tiny("train", dir.path(), &[]));
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
}

#[test]
fn numbers_that_are_not_finite_end_a_run_with_5_and_keep_the_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let output = gouda(&tiny("train", &out, &["--set", "ppo.learning_rate=1e30"]));
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    assert!(stderr(&output).contains("update"), "{}", stderr(&output));
    assert!(out.join("checkpoints/000000000.safetensors").exists());
    let matrix = gouda::gradients::Matrix::open(&out.join("gradients/total")).unwrap();
    matrix.verify().unwrap();
}

#[cfg(unix)]
#[test]
fn a_full_disk_ends_a_run_with_4() {
    // A file-size limit with its signal ignored: writes fail as on a full disk.
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let args = tiny("train", &out, &["--set", "record.every=\"update\""]);
    let script = format!(
        "trap '' XFSZ; ulimit -f 64; exec {} \"$@\"",
        env!("CARGO_BIN_EXE_gouda")
    );
    let output = Command::new("bash")
        .args(["-c", &script, "bash"])
        .args(&args)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("cannot write"),
        "{}",
        stderr(&output)
    );
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_exits_with_4() {
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_gouda"))
        .arg("maze")
        .stdout(full)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(4));
}

#[test]
fn the_gradient_matrix_is_the_same_on_1_2_and_5_threads() {
    let dir = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    for threads in ["1", "2", "5"] {
        let out = dir.path().join(threads);
        let summary = json(&gouda(&tiny(
            "train",
            &out,
            &["--json", "--threads", threads],
        )));
        // 61 updates of 6 an iteration: the last iteration is cut short.
        assert_eq!(summary["rows"], 11);
        let files = [
            "gradients/total/shard-00000.npy",
            "gradients/update/shard-00000.npy",
            "metrics.jsonl",
        ];
        let bytes = files.map(|file| std::fs::read(out.join(file)).unwrap());
        found.push((summary["gradient_checksum"].clone(), bytes));
    }
    assert!(
        found[0] == found[1] && found[0] == found[2],
        "threads changed the bits"
    );
    let other = dir.path().join("other");
    let summary = json(&gouda(&tiny("train", &other, &["--json", "--seed", "1"])));
    assert_ne!(
        summary["gradient_checksum"], found[0].0,
        "the seed changes nothing"
    );
}

#[test]
fn recording_every_update_sums_to_recording_every_iteration() {
    let dir = tempfile::tempdir().unwrap();
    let rows = |every: &str| {
        let out = dir.path().join(every);
        let set = format!("record.every={every}");
        json(&gouda(&tiny("train", &out, &["--json", "--set", &set])));
        let matrix = gouda::gradients::Matrix::open(&out.join("gradients/total")).unwrap();
        gouda::gradients::Dense::from_matrix(&matrix).unwrap()
    };
    use gouda::gradients::GradientMatrix;
    let (updates, iterations, fives) = (rows("update"), rows("iteration"), rows("5"));
    assert_eq!(
        (updates.time_len(), iterations.time_len(), fives.time_len()),
        (61, 11, 13)
    );
    for (every, summed) in [(6, &iterations), (5, &fives)] {
        for t in 0..summed.time_len() {
            for p in [0, 17, updates.param_len() - 1] {
                let parts =
                    (t * every..((t + 1) * every).min(61)).map(|u| f64::from(updates.row(u)[p]));
                let sum: f64 = parts.sum();
                assert!(
                    (sum - f64::from(summed.row(t)[p])).abs() < 1e-5,
                    "row {t}, parameter {p}"
                );
            }
        }
    }
}

#[test]
fn reproduce_runs_from_training_to_the_report() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("a run with späces");
    // Long enough for some components to be signal, so that there are early and late ones to edit.
    let more = [
        "--json",
        "--set",
        "record.every=\"update\"",
        "--set",
        "ppo.total_updates=241",
    ];
    let results = json(&gouda(&tiny("reproduce", &out, &more)));
    assert_eq!(results["decompositions"].as_array().unwrap().len(), 2);
    for decomposition in results["decompositions"].as_array().unwrap() {
        let sigma: Vec<f64> = serde_json::from_value(decomposition["sigma"].clone()).unwrap();
        assert!(
            sigma.len() == 4 && sigma.windows(2).all(|w| w[0] >= w[1]),
            "{sigma:?}"
        );
        for residuals in ["left_residuals", "right_residuals"] {
            let residuals: Vec<f64> =
                serde_json::from_value(decomposition[residuals].clone()).unwrap();
            assert!(
                residuals.iter().all(|r| *r < 1e-4 * sigma[0]),
                "{residuals:?}"
            );
        }
    }
    // The families of either claim, controls among them, and their best on test levels.
    let claims = results["found"]["claims"].as_array().unwrap();
    for (role, count) in [
        ("practical", 2),
        ("predicted", 10),
        ("swapped", 10),
        ("control", 52),
        ("known", 2),
    ] {
        let found = claims.iter().filter(|c| c["frozen"]["role"] == role);
        assert_eq!(found.count(), count, "{role}");
    }
    let manifest = gouda::storage::RunManifest::load(&out.join("manifest.json")).unwrap();
    manifest.verify(&out).unwrap();
    assert!(manifest.rustc.unwrap().starts_with("rustc "));
    for output in ["results.json", "circuits.json", "report.html"] {
        assert!(manifest.outputs.contains_key(output), "{output}");
    }
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(report.contains("<svg") && report.trim_end().ends_with("</html>"));
    assert!(report.contains("id=\"carriers\"") && report.contains("id=\"eye\""));

    // What the run left can be used on its own, by either name of the matrix.
    let again = gouda(&["report", out.to_str().unwrap()]);
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(
        std::fs::read_to_string(out.join("report.html")).unwrap(),
        report
    );
    // Circuits at length: report and manifest follow.
    let args = ["circuits", out.to_str().unwrap(), "--pairs", "8", "--quiet"];
    let again = gouda(&args);
    assert!(again.status.success(), "{}", stderr(&again));
    let longer = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(longer != report);
    let manifest = gouda::storage::RunManifest::load(&out.join("manifest.json")).unwrap();
    manifest.verify(&out).unwrap();
    assert!(manifest.outputs.contains_key("report.html"));
    let total = out.join("gradients/total");
    a_flipped_bit_is_found(&total, dir.path());
    let sigma = |matrix: &Path, name: &str| {
        let to = dir.path().join(name);
        let args = [
            "svd",
            matrix.to_str().unwrap(),
            "--rank",
            "4",
            "--json",
            "--quiet",
            "--out",
        ];
        let summary = json(&gouda(&[&args[..], &[to.to_str().unwrap()]].concat()));
        assert!(to.join("U.npy").exists() && to.join("certificate.json").exists());
        summary["sigma"].clone()
    };
    let folder = sigma(&total, "folder");
    assert_eq!(folder, results["decompositions"][0]["sigma"]);
    assert_eq!(folder, sigma(&total.join("shard-00000.npy"), "plain"));
}

/// A copy of a recorded stream with one bit changed is refused, and the file named.
fn a_flipped_bit_is_found(stream: &Path, dir: &Path) {
    let copy = dir.join("flipped");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(stream).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    let shard = copy.join("shard-00000.npy");
    let mut bytes = std::fs::read(&shard).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let to = dir.join("of-flipped");
    let output = gouda(&[
        "svd",
        copy.to_str().unwrap(),
        "--quiet",
        "--out",
        to.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("shard-00000.npy"),
        "{}",
        stderr(&output)
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_seals_what_was_recorded_and_exits_with_130() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let args = tiny("train", &out, &["--set", "ppo.total_updates=100000000"]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_gouda"))
        .args(&args)
        .spawn()
        .unwrap();
    // The first checkpoint is written after the handler is in place.
    while !out.join("checkpoints/000000000.safetensors").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let matrix = gouda::gradients::Matrix::open(&out.join("gradients/total")).unwrap();
    matrix.verify().unwrap();
}

#[test]
fn circuits_trace_a_run_and_say_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    // Learns fast enough that it tells some pairs apart.
    let set = ["--set", "ppo.learning_rate=0.02"];
    let trained = gouda(&tiny("train", &out, &set));
    assert!(trained.status.success(), "{}", stderr(&trained));
    let path = out.to_str().unwrap();
    let told = gouda(&["circuits", path, "--pairs", "12", "--quiet"]);
    assert!(told.status.success(), "{}", stderr(&told));
    let text = String::from_utf8(told.stdout).unwrap();
    for words in [
        "going for the cheese, cheese moved",
        "going for the corner",
        "conv0",
        "the leading edges",
        "steering",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let written = std::fs::read_to_string(out.join("circuits.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    let again = gouda(&[
        "circuits",
        path,
        "--pairs",
        "12",
        "--quiet",
        "--json",
        "--threads",
        "1",
    ]);
    let mut found = json(&again);
    let (mut before, facts) = (written, found["facts"].as_array().unwrap().len());
    assert_eq!(facts, 4);
    // The clock alone may differ.
    for one in [&mut before, &mut found] {
        one.as_object_mut().unwrap().remove("seconds");
    }
    assert_eq!(before, found);

    let wrong = gouda(&["circuits", path, "--pairs", "1"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
    for hops in ["0", "1", "99", "-3", "two"] {
        let wrong = gouda(&["circuits", path, &format!("--hops={hops}")]);
        assert_eq!(wrong.status.code(), Some(2), "{hops}: {}", stderr(&wrong));
        assert!(stderr(&wrong).contains("--hops"), "{}", stderr(&wrong));
    }
    std::fs::remove_dir_all(out.join("checkpoints")).unwrap();
    std::fs::create_dir(out.join("checkpoints")).unwrap();
    let wrong = gouda(&["circuits", path]);
    assert_eq!(wrong.status.code(), Some(3), "{}", stderr(&wrong));
    assert!(stderr(&wrong).contains("expected a checkpoint, found none"));
}

/// Nothing was learnt, so that no pair is told apart: no share is a number, no channel leads, and the report says so.
#[test]
fn shares_of_what_is_not_told_apart_are_not_defined() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let nothing = [
        "--set",
        "ppo.total_updates=12",
        "--set",
        "ppo.learning_rate=0",
    ];
    let made = gouda(&tiny("reproduce", &out, &nothing));
    assert!(made.status.success(), "{}", stderr(&made));
    let told = gouda(&["circuits", out.to_str().unwrap(), "--pairs", "8", "--quiet"]);
    assert!(told.status.success(), "{}", stderr(&told));
    let text = String::from_utf8(told.stdout).unwrap();
    let words =
        "0 of 8 pairs told apart\n  shares of a difference that there is not are not defined";
    assert_eq!(text.matches(words).count(), 4, "{text}");
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let found: Value = serde_json::from_str(&read("circuits.json")).unwrap();
    for fact in found["facts"].as_array().unwrap() {
        let layers = fact["layers"].as_array().unwrap();
        assert!(layers.iter().all(|layer| {
            let share = &layer["restored"];
            share["value"].is_null() && share["error"].is_null()
        }));
        for empty in ["channels", "cells", "edges", "paths"] {
            assert_eq!(fact[empty].as_array().unwrap().len(), 0, "{empty}");
        }
    }
    let page = read("report.html");
    assert!(page.contains("of 8 pairs the policy tells none apart"));
    // What was written is read again, and components along which nothing moved name no place.
    let again = gouda(&["report", out.to_str().unwrap()]);
    assert!(again.status.success(), "{}", stderr(&again));
    let results: Value = serde_json::from_str(&read("results.json")).unwrap();
    let methods = results["found"]["currency"].as_array().unwrap();
    let silent = methods.iter().filter(|one| {
        [0, 1].iter().all(|&claim| {
            let shares = one["by_tensor"][claim].as_array().unwrap();
            one["found"][claim].is_null() && shares.iter().all(|share| share == 0.0)
        })
    });
    let names: Vec<&str> = silent.map(|one| one["locator"].as_str().unwrap()).collect();
    assert!(names.contains(&"gradient SVD, raw"), "{names:?}");
}

#[test]
fn config_says_where_each_value_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.toml");
    std::fs::write(&file, "seed = 7\n[ppo]\ngamma = 0.9\nclip_coef = 0.3\n").unwrap();
    let args = [
        "config",
        "--json",
        "--config",
        file.to_str().unwrap(),
        "--set",
        "ppo.clip_coef=0.4",
    ];
    let entries = json(&gouda(&args));
    assert_eq!(
        entries["ppo.clip_coef"],
        serde_json::json!({"value": 0.4, "from": "command line"})
    );
    assert_eq!(
        entries["ppo.gamma"],
        serde_json::json!({"value": 0.9, "from": "file"})
    );
    assert_eq!(
        entries["seed"],
        serde_json::json!({"value": 7, "from": "file"})
    );
    assert_eq!(entries["ppo.gae_lambda"]["from"], "preset quick");
    for preset in ["quick", "standard", "procgen", "scheduled"] {
        assert!(
            gouda(&["config", "--preset", preset]).status.success(),
            "{preset}"
        );
    }
}

#[test]
fn bench_train_prints_a_row_a_net_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let bench = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_gouda"))
            .args(["bench", "train", "--seconds", "0.001"])
            .args(args)
            .env("TMPDIR", dir.path())
            .output()
            .expect("the program starts")
    };
    let row = json(&bench(&["--json", "--nets", "9x9", "--threads", "2"]));
    assert_eq!(
        (&row["params"], &row["threads"]),
        (&33_397.into(), &2.into())
    );
    for key in [
        "frames_per_s",
        "update_frames_per_s",
        "inference_frames_per_s",
        "gflops",
        "peak_gflops",
        "fraction_of_peak",
        "recording_share",
    ] {
        assert!(row[key].as_f64().unwrap() > 0.0, "{key}: {row}");
    }
    assert_eq!(row.get("ratio_to_torch"), None);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    for (args, said) in [
        (["--nets", "25x9"].as_slice(), "no net is called 25x9"),
        (
            &["--torch", "/nowhere/python", "--nets", "9x9"],
            "/nowhere/python",
        ),
    ] {
        let output = bench(args);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}
