//! Malformed `results.json`, `study.json` and findings, and sound ones with any part of them changed.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gouda::experiment::Preset;
use gouda::experiment::resolve::{self, Resolved};
use gouda::findings::Results;
use gouda::findings::Study;
use gouda::findings::sound::Sound;
use gouda::over_seeds::ANALYSIS;
use gouda::over_seeds::summary::summarise;
use serde_json::{Value, json};

use super::harness::{Case, case};

fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data/results")
        .join(name)
}

/// A committed file.
pub fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(committed(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The study's first seed alone, and of its lists what is enough.
fn small_study() -> Value {
    static STUDY: OnceLock<Value> = OnceLock::new();
    STUDY.get_or_init(cut_study).clone()
}

fn cut_study() -> Value {
    let mut study = read("../fixtures/study.json");
    study["seeds"].as_array_mut().unwrap().truncate(1);
    for list in ["claims", "currency", "temporal"] {
        study["seeds"][0][list].as_array_mut().unwrap().truncate(3);
    }
    for claimed in study["seeds"][0]["claims"].as_array_mut().unwrap() {
        claimed["draws"].as_array_mut().unwrap().truncate(4);
    }
    study
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = results();
    cases.extend(studies());
    cases.extend(findings());
    cases
}

fn results() -> Vec<Case> {
    let report = "report {dir}/r";
    let put = |change: fn(&mut Value)| {
        move |dir: &Path| {
            let mut results = read("quick-seed0.json");
            change(&mut results);
            std::fs::create_dir(dir.join("r")).unwrap();
            std::fs::write(dir.join("r/results.json"), results.to_string()).unwrap();
        }
    };
    let text = |text: &'static str| {
        move |dir: &Path| {
            std::fs::create_dir(dir.join("r")).unwrap();
            std::fs::write(dir.join("r/results.json"), text).unwrap();
        }
    };
    let file = "results.json";
    vec![
        case("report: of nothing", report, 3, &["results.json"], |dir| {
            std::fs::create_dir(dir.join("r")).unwrap()
        }),
        case(
            "report: empty",
            report,
            3,
            &[file, "the results of a run"],
            text(""),
        ),
        case(
            "report: a number",
            report,
            3,
            &[file, "the results of a run"],
            text("1"),
        ),
        case(
            "report: deep",
            report,
            3,
            &[file, "the results of a run"],
            text("{\"run\":[[[[{}]]]]}"),
        ),
        case(
            "report: a field missing",
            report,
            3,
            &[file, "missing field `found`"],
            put(|r| {
                r.as_object_mut().unwrap().remove("found");
            }),
        ),
        case(
            "report: no rates",
            report,
            3,
            &[file, "invalid length 0"],
            put(|r| r["found"]["curves"]["rates"] = json!([])),
        ),
        case(
            "report: a family of edits that there is not",
            report,
            3,
            &[
                file,
                "a family of edits that this release knows",
                "a long walk",
            ],
            put(|r| {
                r["found"]["claims"][0]["frozen"]["family"] = json!("a long walk");
            }),
        ),
        case(
            "report: a method that there is not",
            report,
            3,
            &[file, "a method that this release knows", "\\u{1b}"],
            put(|r| {
                r["found"]["currency"][0]["locator"] = json!("\u{1b}[31mSVD");
            }),
        ),
        case(
            "report: a dose without its rates",
            report,
            3,
            &[file, "entries of rates of a dose"],
            put(|r| {
                r["doses"][0]["rates"].as_array_mut().unwrap().pop();
            }),
        ),
        case(
            "report: a tensor too few",
            report,
            3,
            &[file, "by_tensor of a component"],
            put(|r| {
                r["decompositions"][0]["by_tensor"][0]
                    .as_array_mut()
                    .unwrap()
                    .pop();
            }),
        ),
        case(
            "report: a tensor elsewhere",
            report,
            3,
            &[file, "was expected"],
            put(|r| {
                r["run"]["layout"]["tensors"][1]["offset"] = json!(u64::MAX);
            }),
        ),
        case(
            "report: another hash",
            report,
            3,
            &[file, "64 hexadecimal digits"],
            put(|r| {
                r["run"]["config_sha256"] = json!("\u{1b}[31méééé");
            }),
        ),
        case(
            "a finished run's results, told again",
            "reproduce --resume --quiet --out {run}",
            3,
            &[file, "the results of a run"],
            |dir| {
                let path = dir.join("run/manifest.json");
                super::harness::replace(&path, "\"curves.json\"", "\"report.html\"");
                std::fs::write(dir.join("run/results.json"), "{}").unwrap();
            },
        ),
    ]
}

fn studies() -> Vec<Case> {
    let report = "report {dir}/r";
    let put = |change: fn(&mut Value)| {
        move |dir: &Path| {
            let mut study = small_study();
            change(&mut study);
            std::fs::create_dir(dir.join("r")).unwrap();
            std::fs::write(dir.join("r/study.json"), study.to_string()).unwrap();
        }
    };
    let file = "study.json";
    vec![
        case(
            "study: a field missing",
            report,
            3,
            &[file, "missing field `seeds`"],
            put(|s| {
                s.as_object_mut().unwrap().remove("seeds");
            }),
        ),
        case(
            "study: too few rises",
            report,
            3,
            &[file, "invalid length 10"],
            put(|s| {
                s["seeds"][0]["rises"].as_array_mut().unwrap().pop();
            }),
        ),
        case(
            "study: too few tensors",
            report,
            3,
            &[file, "entries of by_tensor"],
            put(|s| {
                s["seeds"][0]["currency"][0]["by_tensor"][0] = json!([]);
            }),
        ),
        case(
            "study: too few tensors of a portrait",
            report,
            3,
            &[file, "by_tensor of a portrait"],
            put(|s| {
                s["seeds"][0]["portraits"][0]["by_tensor"] = json!([]);
            }),
        ),
        case(
            "study: a hash cut within a letter",
            report,
            3,
            &[file, "64 hexadecimal digits of frozen"],
            put(|s| {
                s["seeds"][0]["frozen_sha256"] = json!("ééééééé€€€");
            }),
        ),
        case(
            "study: no percentages",
            report,
            3,
            &[file, "entries of percent"],
            put(|s| {
                s["seeds"][0]["currency"][0]["curves"][0]["percent"] = json!([]);
            }),
        ),
        case(
            "study: losses of too few rates of a composed policy",
            report,
            3,
            &[file, "invalid length 0"],
            put(|s| {
                s["calibration"]["composed"][0]["halves"][0] = json!([]);
            }),
        ),
    ]
}

/// What a stage of a study kept, read again when the study goes on.
fn findings() -> Vec<Case> {
    let resume = "study --resume --quiet --out {dir}/s";
    let kept = |sha: &str, found: &Value| json!({"analysis": ANALYSIS, "config_sha256": sha, "found": found});
    let put = move |at: usize, change: fn(&mut Value)| {
        move |dir: &Path| {
            let study = small_study();
            let mut found = [study["calibration"].clone(), study["seeds"][0].clone()];
            change(&mut found[at]);
            let resolved = settings();
            let run = dir.join("s");
            let begin = |path: &Path, resolved: &Resolved, file: &str, found: &Value| {
                std::fs::create_dir_all(path).unwrap();
                std::fs::write(path.join("config.toml"), resolved.to_toml()).unwrap();
                let kept = kept(&resolved.sha256(), found);
                std::fs::write(path.join(file), kept.to_string()).unwrap();
            };
            let planted = planted(&resolved);
            begin(
                &run.join("planted"),
                &planted,
                "calibration.json",
                &found[0],
            );
            let first = resolved.config.study.first_seed;
            let seed = resolved.with_seed(first);
            begin(
                &run.join(format!("seed-{first}")),
                &seed,
                "findings.json",
                &found[1],
            );
            std::fs::write(run.join("config.toml"), resolved.to_toml()).unwrap();
        }
    };
    vec![
        case(
            "findings: too few rises",
            resume,
            3,
            &["findings.json", "invalid length 0"],
            put(1, |f| f["rises"] = json!([])),
        ),
        case(
            "findings: too few tensors",
            resume,
            3,
            &["findings.json", "by_tensor"],
            put(1, |f| {
                f["currency"][1]["by_tensor"][1]
                    .as_array_mut()
                    .unwrap()
                    .pop();
            }),
        ),
        case(
            "findings: no curves",
            resume,
            3,
            &["findings.json", "one point or more"],
            put(1, |f| {
                f["curves"]["frames"] = json!([]);
            }),
        ),
        case(
            "findings: lists 100,000 deep",
            resume,
            3,
            &["findings.json", "recursion limit"],
            {
                let put = put(1, |_| {});
                move |dir| {
                    put(dir);
                    let first = dir.join("s").read_dir().unwrap();
                    let first = first.map(|entry| entry.unwrap().path());
                    let seed = first.filter(|path| path.join("findings.json").exists());
                    let text = format!("{{\"found\":{}", "[".repeat(100_000));
                    seed.for_each(|path| {
                        std::fs::write(path.join("findings.json"), &text).unwrap()
                    });
                }
            },
        ),
        case(
            "findings: a field missing",
            resume,
            3,
            &["findings.json", "missing field `claims`"],
            put(1, |f| {
                f.as_object_mut().unwrap().remove("claims");
            }),
        ),
        case(
            "calibration: a precision above 1",
            resume,
            3,
            &["calibration.json", "areas and precisions of 0 to 1"],
            put(0, |f| {
                let precision = json!({"at": [1.0, 1.0, 0.5, 0.5], "named": 9, "of_named": 0.5});
                let worth = json!({"area": 0.9, "by_effect": 1.5, "precision": precision});
                let one = json!({"locator": "random", "seconds": 0.1, "worth": [worth, worth]});
                f["composed"][0]["located"] = json!([one]);
            }),
        ),
        case(
            "calibration: not JSON",
            resume,
            3,
            &["calibration.json", "a stage of a study"],
            {
                let put = put(0, |_| {});
                move |dir| {
                    put(dir);
                    std::fs::write(dir.join("s/planted/calibration.json"), "{").unwrap();
                }
            },
        ),
    ]
}

/// The network of the committed study is that of the preset.
fn settings() -> Resolved {
    resolve::resolve(Preset::Quick, None, &[], None).unwrap()
}

/// The settings of the policy with known parameters.
fn planted(resolved: &Resolved) -> Resolved {
    let mut config = resolved.config.clone();
    config.seed = config.study.first_seed + config.study.seeds;
    resolved.with_config(config)
}

/// Changes one part of sound results at a time, each field of each kind of record once: numbers to 0
/// and to the largest, texts to none, to markup and to ten thousand letters, lists to none, to one
/// fewer and to one more. What is read all the same is shown. Gives how many were tried and refused.
pub fn mutated() -> (usize, usize) {
    let (mut tried, mut refused) = (0, 0);
    let step = if crate::common::is_long() { 1 } else { 7 };
    let results = read("quick-seed0.json");
    for (path, value) in changes(&results).into_iter().step_by(step) {
        let mut changed = results.clone();
        *changed.pointer_mut(&path).unwrap() = value.clone();
        tried += 1;
        let shown = || -> Option<()> {
            let results: Results = serde_json::from_value(changed).ok()?;
            if results.contradiction(&results.run.layout).is_some() {
                return None;
            }
            safe(&gouda::report::html(&results, None), &path);
            Some(())
        };
        refused += usize::from(within(&path, &value, shown).is_none());
    }
    let study = small_study();
    let config = settings().config;
    for (path, value) in changes(&study).into_iter().step_by(step) {
        let mut changed = study.clone();
        *changed.pointer_mut(&path).unwrap() = value.clone();
        tried += 1;
        let shown = || -> Option<()> {
            let mut study: Study = serde_json::from_value(changed).ok()?;
            if study.contradiction(&study.layout).is_some() {
                return None;
            }
            gouda::report::results_md(&study);
            safe(&gouda::report::study_html(&study), &path);
            study.summary = summarise(&study.seeds, &config);
            Some(())
        };
        refused += usize::from(within(&path, &value, shown).is_none());
    }
    (tried, refused)
}

/// Does `job`, which must neither panic nor take long.
pub fn within<T>(path: &str, value: &Value, job: impl FnOnce() -> T) -> T {
    let begun = std::time::Instant::now();
    let job = std::panic::AssertUnwindSafe(job);
    let Ok(outcome) = std::panic::catch_unwind(job) else {
        panic!(
            "panicked with {path} = {}",
            &value.to_string().chars().take(80).collect::<String>()
        );
    };
    let seconds = begun.elapsed().as_secs_f64();
    assert!(seconds < 20.0, "{path}: {seconds} s");
    outcome
}

/// Markup of a name is text in the page.
const MARKUP: &str = "</title><script>alert(1)</script><img src=x onerror=alert(1)>[a](javascript:alert(1))\n\n<i onclick=x>";

/// Holds a page to having no markup of a name.
pub fn safe(page: &str, path: &str) {
    for bad in ["<script", "<img", "<i onclick", "href=\"javascript:"] {
        assert!(!page.contains(bad), "{path}: {bad} in the page");
    }
}

/// Places in a value, one of each kind, and what to put there.
pub fn changes(value: &Value) -> Vec<(String, Value)> {
    let mut changes = Vec::new();
    gather(value, String::new(), &mut changes);
    changes
}

fn gather(value: &Value, path: String, changes: &mut Vec<(String, Value)>) {
    let mut put = |value: Value| changes.push((path.clone(), value));
    match value {
        Value::Null => put(json!(0.0)),
        Value::Bool(b) => put(json!(!b)),
        Value::Number(number) if number.is_f64() => {
            for other in [0.0, -1.0, f64::MAX, -f64::MAX, 5e-324] {
                put(json!(other));
            }
        }
        Value::Number(_) => {
            for other in [
                json!(0),
                json!(255),
                json!(65535),
                json!(u64::MAX),
                json!(-1),
            ] {
                put(other);
            }
        }
        Value::String(_) => {
            for other in [String::new(), MARKUP.into(), "é".repeat(10_000)] {
                put(json!(other));
            }
        }
        Value::Array(items) => {
            put(json!([]));
            if let Some(last) = items.last() {
                put(items[..items.len() - 1].into());
                put([&items[..], std::slice::from_ref(last)].concat().into());
            }
            // Records of a list are alike; pairs are not.
            let len = if items.len() < 3 { items.len() } else { 1 };
            for (index, item) in items.iter().take(len).enumerate() {
                gather(item, format!("{path}/{index}"), changes);
            }
        }
        Value::Object(fields) => {
            put(json!({}));
            for (key, item) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                gather(item, format!("{path}/{key}"), changes);
            }
        }
    }
}
