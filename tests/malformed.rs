//! What is wrong in a command line, a setting or a file is told in one message that names it and what
//! it should be, with its exit code; nothing panics, waits for ever, or takes memory for a size that
//! was only announced (the program runs under a limit of 3 GB of addresses).

#[path = "malformed/circuits.rs"]
mod circuits;
mod common;
#[path = "malformed/harness.rs"]
mod harness;
#[path = "malformed/lines.rs"]
mod lines;
#[path = "malformed/matrices.rs"]
mod matrices;
#[path = "malformed/measure.rs"]
mod measure;
#[path = "malformed/results.rs"]
mod results;
#[path = "malformed/runs.rs"]
mod runs;
#[path = "malformed/settings.rs"]
mod settings;

use harness::{Case, Outcome};

#[test]
fn every_malformed_input_is_told_in_one_message_and_its_own_code() {
    let dir = common::directory();
    let base = harness::trained(&dir.path().join("base"));
    let mut cases: Vec<Case> = Vec::new();
    cases.extend(settings::cases());
    cases.extend(lines::cases());
    cases.extend(matrices::cases());
    cases.extend(runs::cases());
    cases.extend(results::cases());
    cases.extend(circuits::cases());
    cases.extend(measure::cases());
    if !std::path::Path::new("/dev/zero").exists() {
        cases.retain(|case| !case.args.iter().any(|arg| arg.starts_with("/dev/")));
    }
    let outcomes = harness::run_all(&cases, &base, dir.path());
    let wrong: Vec<&str> = outcomes.iter().filter_map(Outcome::wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    println!(
        "reliability: malformed input | {} | {} refused with the culprit named, 0 panicked, 0 hung",
        outcomes.len(),
        outcomes.len()
    );
}

#[test]
fn what_is_refused_leaves_nothing_behind() {
    let dir = common::directory();
    let place = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(place("m.npy"), "hello").unwrap();
    std::fs::create_dir(place("r")).unwrap();
    std::fs::write(place("r/results.json"), "{}").unwrap();
    for args in [
        ["svd", &place("m.npy"), "--out", &place("o")].as_slice(),
        &["report", &place("r")],
        &["train", "--set", "ppo.gamma=2.0", "--out", &place("o")],
        &["bench", "svd", "--rows", "0", "--file", &place("o")],
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_gouda"))
            .args(args)
            .output()
            .unwrap();
        assert!(!output.status.success(), "{args:?}");
        let files = std::fs::read_dir(place("r")).unwrap().count();
        assert_eq!(files, 1, "{args:?} littered");
        let files = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, 2, "{args:?} left a file");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn paths_that_are_no_text_are_told_as_well_as_they_can_be() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let dir = common::directory();
    let place = |name: &[u8]| dir.path().join(OsStr::from_bytes(name));
    let config = place(b"tiny.toml");
    std::fs::write(&config, harness::TINY).unwrap();
    let run = place(b"run \xff");
    let gouda = |args: &[&OsStr]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_gouda"))
            .args(args)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {error}");
        let json: Result<serde_json::Value, _> = serde_json::from_slice(&output.stdout);
        json.unwrap_or_else(|error| panic!("{args:?}: {error}"))
    };
    let arg = OsStr::new;
    let (json, quiet, out) = (arg("--json"), arg("--quiet"), arg("--out"));
    let config = config.as_os_str();
    let of_run = run.as_os_str();
    let found = gouda(&[
        arg("train"),
        json,
        quiet,
        arg("--config"),
        config,
        out,
        of_run,
    ]);
    assert!(
        found["out"].as_str().unwrap().ends_with("run \u{fffd}"),
        "{found}"
    );
    gouda(&[
        arg("verify"),
        of_run,
        json,
        quiet,
        arg("--updates"),
        arg("1"),
    ]);
    let (matrix, to) = (run.join("gradients/total"), place(b"svd \xfe"));
    let found = gouda(&[
        arg("svd"),
        matrix.as_os_str(),
        json,
        quiet,
        out,
        to.as_os_str(),
    ]);
    assert!(
        found["out"].as_str().unwrap().ends_with("svd \u{fffd}"),
        "{found}"
    );
    assert!(to.join("certificate.json").exists());
}

#[test]
fn names_out_of_files_reach_the_terminal_as_text() {
    let dir = common::directory();
    let run = harness::trained(&dir.path().join("run"));
    harness::replace(
        &run.join("manifest.json"),
        "\"curves.json\"",
        "\"report.html\"",
    );
    let results = concat!(env!("CARGO_MANIFEST_DIR"), "/data/results/quick-seed0.json");
    let text = std::fs::read_to_string(results).unwrap();
    let named = text.replace("\"family\":\"", "\"family\":\"\\u001b[2J\\u009b31m\\r");
    assert_ne!(named, text);
    std::fs::write(run.join("results.json"), named).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_gouda"))
        .args(["reproduce", "--resume", "--out"])
        .arg(&run)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("\\u{1b}[2J\\u{9b}31m\\r"), "{told}");
    let is_plain = |c: char| c == '\n' || !c.is_control();
    assert!(told.chars().all(is_plain), "{told}");
}

#[test]
fn results_of_which_any_part_is_changed_are_refused_or_shown() {
    let (tried, refused) = results::mutated();
    println!(
        "reliability: changed results | {tried} | {refused} refused, {} shown, 0 panicked",
        tried - refused
    );
}

#[test]
fn circuits_of_which_any_part_is_changed_are_refused_or_shown() {
    let (tried, refused) = circuits::mutated();
    println!(
        "reliability: changed circuits | {tried} | {refused} refused, {} shown, 0 panicked",
        tried - refused
    );
}
