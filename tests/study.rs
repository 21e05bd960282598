//! The study at toy size: by one process and by jobs that are killed, on any number of threads, to the same findings; and
//! RESULTS.md from its JSON alone.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

const TINY: [&str; 28] = [
    "ppo.update_epochs=3",
    "record.every=iteration",
    "env.world=9",
    "env.min_maze_dim=3",
    "env.timeout=20",
    "net.channels=4",
    "net.blocks=1",
    "net.hidden=8",
    "ppo.num_envs=8",
    "ppo.num_steps=16",
    "ppo.minibatch_size=64",
    "ppo.total_updates=48",
    "record.checkpoints=8",
    "record.curve_points=4",
    "record.curve_levels=8",
    "record.streams_every=1",
    "svd.rank=4",
    "ablate.components=2",
    "ablate.step_doses=[0.05]",
    "ablate.project_doses=[0.5]",
    "ablate.reset_percent=[1.0,10.0]",
    "study.seeds=2",
    "study.rank=4",
    "ablate.selection_levels=8",
    "ablate.test_levels=8",
    "ablate.controls=19",
    "study.relearn_updates=6",
    "study.retrain_seeds=1",
];

fn study(out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
    command.args(["study", "--quiet", "--out"]).arg(out);
    for set in TINY
        .iter()
        .chain(&["study.planted_updates=12", "study.plants=1"])
    {
        command.args(["--set", set]);
    }
    command.args(more);
    command
}

fn done(output: Output) {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A study's JSON without what tells of the clock and the command line.
fn findings(out: &Path) -> Value {
    let text = std::fs::read_to_string(out.join("study.json")).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    strip(&mut value);
    value
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for key in ["seconds", "command"] {
                map.remove(key);
            }
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// RESULTS.md but for the methods' seconds, which are the last column of their table, and the command line.
fn words(out: &Path) -> String {
    let text = std::fs::read_to_string(out.join("RESULTS.md")).unwrap();
    let (kept, _) = text.split_once("The command was").unwrap();
    let (before, table) = kept.split_once("| known | seconds |").unwrap();
    let (table, after) = table.split_once("\n\n").unwrap();
    let timeless = |line: &str| line.rsplitn(3, '|').last().unwrap().to_owned();
    let table: Vec<String> = table.lines().map(timeless).collect();
    format!("{before}{}{after}", table.join("\n"))
}

/// The tables but for the methods' seconds.
fn tables(out: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(out.join("tables"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        // Among the last two columns, where there are any.
        let is_timed = text.lines().next().unwrap().contains(",seconds");
        let kept = text.lines().map(|line| match is_timed {
            true => line.rsplitn(3, ',').last().unwrap().to_owned(),
            false => line.to_owned(),
        });
        (name, kept.collect::<Vec<_>>().join("\n"))
    };
    files.into_iter().map(read).collect()
}

/// Seeds as jobs: one of them killed a little later each time until it gets through, the other beside it on other threads.
fn by_jobs(out: &Path) {
    let job = |seed, threads| study(out, &["--seeds", seed, "--threads", threads]);
    let other = job("21", "1").spawn().unwrap();
    let mut kills = 0;
    let mut wait = Duration::from_millis(150);
    loop {
        let mut child = job("20", "3").spawn().unwrap();
        std::thread::sleep(wait);
        if kills < 6 && child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            wait = wait * 3 / 2;
            if kills == 4 {
                fails(study(out, &["--collect"]), 3, "found none of 20");
            }
            continue;
        }
        done(child.wait_with_output().unwrap());
        break;
    }
    assert!(kills > 3, "it was over before it could be killed");
    done(other.wait_with_output().unwrap());
    // What another process is at is passed over.
    let held = gouda::storage::RunDir::open(&out.join("seed-20")).unwrap();
    let told = job("20", "1").arg("--json").output().unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["held"], serde_json::json!([20]));
    drop(held);
    fails(job("22", "1"), 2, "the study has seeds 20 to 21");
    fails(
        study(out, &["--seeds", "20", "--set", "ablate.controls=20"]),
        2,
        "begun with",
    );
    done(study(out, &["--collect"]).output().unwrap());
    // One process that finds everything done writes the same.
    let read = || std::fs::read(out.join("RESULTS.md")).unwrap();
    let collected = read();
    done(study(out, &["--resume"]).output().unwrap());
    assert!(read() == collected);
}

fn fails(mut command: Command, code: i32, words: &str) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(words), "{text}");
}

#[test]
fn killed_and_put_together_from_jobs_on_other_threads_it_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, killed) = (dir.path().join("whole"), dir.path().join("jobs"));
    done(study(&whole, &["--threads", "2"]).output().unwrap());
    by_jobs(&killed);
    assert_eq!(findings(&whole), findings(&killed));
    assert_eq!(words(&whole), words(&killed));
    // Not printed where they differ: they are long.
    let (a, b) = (tables(&whole), tables(&killed));
    for (a, b) in a.iter().zip(&b) {
        let mut lines = a.1.lines().zip(b.1.lines());
        assert_eq!(lines.find(|(a, b)| a != b), None, "{}", a.0);
    }
    assert_eq!(a.len(), b.len());
    let page = std::fs::read_to_string(whole.join("report.html")).unwrap();
    for id in [
        "learnt", "claim-a", "claim-b", "time", "rivals", "known", "appendix",
    ] {
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
    // What was frozen is what was tested.
    let found = findings(&whole);
    for one in found["seeds"].as_array().unwrap() {
        let path = whole.join(format!("seed-{}/frozen.json", one["seed"]));
        let frozen: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let claims = one["claims"].as_array().unwrap();
        let tested: Vec<&Value> = claims.iter().map(|claim| &claim["frozen"]).collect();
        assert_eq!(
            frozen.as_array().unwrap().iter().collect::<Vec<_>>(),
            tested
        );
    }
    // A seed of a study begun with other settings is not taken for one of this.
    let output = study(&whole, &["--resume", "--set", "ablate.controls=20"]).output();
    assert_eq!(output.unwrap().status.code(), Some(2));
}

#[test]
fn the_text_is_short_and_every_table_has_the_cells_of_its_heading() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/data/fixtures/study.json");
    std::fs::copy(fixture, dir.path().join("study.json")).unwrap();
    let mut report = Command::new(env!("CARGO_BIN_EXE_gouda"));
    done(report.arg("report").arg(dir.path()).output().unwrap());
    let text = std::fs::read_to_string(dir.path().join("RESULTS.md")).unwrap();
    assert!(text.len() < 20_000, "{}", text.len());

    let study: Value = serde_json::from_str(&std::fs::read_to_string(fixture).unwrap()).unwrap();
    let found = tables(dir.path());
    assert_eq!(found.len(), 9);
    for (name, table) in &found {
        assert!(text.contains(&format!("`tables/{name}`")), "{name}");
        // Names here have no commas of their own but in quotes.
        let cells = |line: &str| {
            let unquoted = line.split('"').step_by(2);
            unquoted
                .map(|part| part.matches(',').count())
                .sum::<usize>()
        };
        let mut lines = table.lines().map(cells);
        let headings = lines.next().unwrap();
        assert!(lines.all(|found| found == headings), "{name}");
    }
    // A number of each kind against the file it is from.
    let edits = &found
        .iter()
        .find(|(name, _)| name == "edits.csv")
        .unwrap()
        .1;
    let first = &study["summary"]["families"][0][0];
    let line = edits.lines().nth(1).unwrap();
    let cells: Vec<&str> = line.split(',').collect();
    assert_eq!(cells[0], "A");
    assert_eq!(cells[6], first["successes"].to_string());
    let selectivity: f64 = cells[8].parse().unwrap();
    let expected = first["selectivity"]["mean"].as_f64().unwrap();
    assert!((selectivity - expected).abs() < 1e-6);
    let curves = &found
        .iter()
        .find(|(name, _)| name == "curves.csv")
        .unwrap()
        .1;
    let frames = study["seeds"][0]["curves"]["frames"].as_array().unwrap();
    assert_eq!(curves.lines().count(), 1 + 11 * frames.len());
}
