//! The sweep over the region's side at toy size: job by job, by one process or several, killed or not, to the same file.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const TINY: [&str; 9] = [
    "env.world=9",
    "env.timeout=20",
    "net.channels=4",
    "net.blocks=1",
    "net.hidden=8",
    "ppo.num_envs=8",
    "ppo.num_steps=16",
    "ppo.minibatch_size=64",
    "record.curve_points=4",
];

fn sweep(out: &Path, updates: u64, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
    command.args(["sweep", "--quiet", "--preset", "quick", "--out"]);
    command.arg(out);
    let updates = format!("ppo.total_updates={updates}");
    for set in TINY.into_iter().chain([updates.as_str()]) {
        command.args(["--set", set]);
    }
    command.args(more);
    command
}

fn done(output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

/// What was swept, without what the clock says.
fn found(out: &Path) -> Value {
    let text = std::fs::read_to_string(out.join("sweep.json")).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    for run in value["runs"].as_array_mut().unwrap() {
        run.as_object_mut().unwrap().remove("seconds");
    }
    value
}

#[test]
fn jobs_in_any_order_by_several_processes_give_the_file_of_one() {
    let dir = tempfile::tempdir().unwrap();
    let (alone, shared) = (dir.path().join("alone"), dir.path().join("shared"));
    let both = ["--regions", "1,8", "--seeds", "20-21"];
    done(&sweep(&alone, 24, &both).output().unwrap());
    // Both orders at once, on the same jobs: each takes what the other is not at.
    let mut others: Vec<_> = ["21,20", "20,21", "20,21", "21,20"]
        .into_iter()
        .map(|seeds| {
            sweep(&shared, 24, &["--regions", "1,8", "--seeds", seeds])
                .stderr(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    while let Some(other) = others.pop() {
        done(&other.wait_with_output().unwrap());
    }
    assert_eq!(found(&alone), found(&shared));

    let value = found(&alone);
    let runs = value["runs"].as_array().unwrap();
    let jobs: Vec<_> = runs
        .iter()
        .map(|run| (run["region"].as_u64(), run["seed"].as_u64()))
        .collect();
    let expected = [(1, 20), (1, 21), (8, 20), (8, 21)];
    assert_eq!(jobs, expected.map(|(r, s)| (Some(r), Some(s))));
    // Mazes of 3 to 9: those of 3, 5 and 7 are no larger than a region of 8.
    assert_eq!(runs[0]["anywhere_share"], 0.0);
    assert_eq!(runs[2]["anywhere_share"], 0.75);
    let points = runs[0]["points"].as_array().unwrap();
    assert_eq!(points.len(), 5);
    assert_eq!(points[4]["updates"], 24);
    // The untrained policy is the same whatever the region; where the cheese is anywhere it is asked the same.
    assert_eq!(points[0]["off"], runs[2]["points"][0]["off"]);
    assert_ne!(points[4]["off"], runs[2]["points"][4]["off"]);
    assert_ne!(points[0]["on"], runs[2]["points"][0]["on"]);

    // Made anew from the file alone.
    let page = std::fs::read_to_string(alone.join("report.html")).unwrap();
    let csv = std::fs::read_to_string(alone.join("sweep.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 4 * 5);
    std::fs::remove_file(alone.join("report.html")).unwrap();
    let mut report = Command::new(env!("CARGO_BIN_EXE_gouda"));
    done(&report.arg("report").arg(&alone).output().unwrap());
    let again = std::fs::read_to_string(alone.join("report.html")).unwrap();
    assert_eq!(page, again);
    assert!(page.contains("Region 8") && page.contains("jaxgmg"));
}

#[test]
fn a_killed_training_is_gone_on_with_and_other_settings_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, killed) = (dir.path().join("whole"), dir.path().join("killed"));
    let one = ["--regions", "3", "--seeds", "20"];
    done(&sweep(&whole, 240, &one).output().unwrap());
    let mut child = sweep(&killed, 240, &one).spawn().unwrap();
    let point = killed.join("region-3-seed-20/resume");
    while !point.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let _ = child.kill();
    child.wait().unwrap();
    done(&sweep(&killed, 240, &one).output().unwrap());
    assert_eq!(found(&whole), found(&killed));

    // Before anything is trained, whichever jobs are asked for.
    for regions in ["3", "5"] {
        let more = ["--regions", regions, "--seeds", "20"];
        let other = sweep(&killed, 264, &more).output().unwrap();
        assert_eq!(other.status.code(), Some(3));
        let text = String::from_utf8_lossy(&other.stderr);
        assert!(
            text.contains("region-3-seed-20") && text.contains("--out"),
            "{text}"
        );
        assert!(!killed.join("region-5-seed-20").exists());
    }
    // A file of another job is not this one's.
    let swept = killed.join("region-3-seed-20/swept.json");
    let text = std::fs::read_to_string(&swept).unwrap();
    std::fs::write(&swept, text.replace("\"seed\": 20", "\"seed\": 99")).unwrap();
    let other = sweep(&killed, 240, &one).output().unwrap();
    assert_eq!(other.status.code(), Some(3));
    assert_eq!(found(&whole), found(&killed));
}

#[test]
fn what_cannot_be_swept_is_refused_before_anything_is_trained() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let refused = |more: &[&str], code: i32, words: &str| {
        let output = sweep(&out, 24, more).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(words), "{text}");
        assert!(!out.exists());
    };
    refused(&["--regions", "3,10"], 2, "env.schedule[0].region");
    refused(&["--regions", "x"], 2, "--regions");
    refused(&["--seeds", "22-20"], 2, "--seeds");

    refused(&["--seed", "3"], 2, "--seeds");

    // The directory of something else is no sweep's.
    for name in ["config.toml", "thesis.tex", "study.json"] {
        let other = dir.path().join(format!("of-{name}"));
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join(name), "seed = 0\n").unwrap();
        let output = sweep(&other, 24, &["--regions", "3"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1);
    }

    let broken = dir.path().join("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("sweep.json"), "{\"runs\": 3}").unwrap();
    let mut report = Command::new(env!("CARGO_BIN_EXE_gouda"));
    let output = report.arg("report").arg(&broken).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}
