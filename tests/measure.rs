//! `gouda measure`: what it finds is held to what must be so, and to a computation of its own.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use gouda::ablate::{Claim, Rate};
use gouda::experiment::checkpoint;
use gouda::maze::{Level, Move};
use gouda::nn::{Network, Policy, Shape, Workspace};
use serde_json::Value;

/// A corner to go to, a cheese off the way, and a mouse that does not start at the bottom-left.
const OWN: &str = "\
#########
#.....#.#
#.###.#.#
#.#C#...#
#.#.###.#
#...#.#.#
###.#.#.#
#M......#
#########
";

/// A run with a decomposition; beside its checkpoints `leaning.safetensors`, whose policy prefers up and right.
static RUN: LazyLock<PathBuf> = LazyLock::new(|| {
    // Kept until the process ends: a static value is not dropped.
    let root = common::directory().keep();
    let run = root.join("runs/quick-seed0");
    let out = run.to_str().unwrap();
    let mut args = vec!["train", "--quiet", "--out", out];
    for set in common::TINY
        .iter()
        .chain(&["env.timeout=60", "ablate.test_levels=32"])
    {
        args.extend(["--set", set]);
    }
    done(&args);
    let (matrix, svd) = (format!("{out}/gradients/total"), format!("{out}/svd/raw"));
    done(&["svd", &matrix, "--quiet", "--rank", "2", "--out", &svd]);
    let network = network();
    let (_, last) = &checkpoint::checkpoints(&run.join("checkpoints")).unwrap()[5];
    let mut theta = checkpoint::load_checkpoint(last, &network.layout).unwrap();
    let bias = network
        .layout
        .tensors
        .iter()
        .find(|t| t.name == "policy.bias");
    for (x, more) in theta[bias.unwrap().range()]
        .iter_mut()
        .zip([-2.0, 2.0, 2.0, -2.0])
    {
        *x += more;
    }
    let leaning = run.join("checkpoints/leaning.safetensors");
    checkpoint::save_checkpoint(&leaning, &network.layout, &theta, (0, 0)).unwrap();
    std::fs::write(root.join("my_maze.txt"), OWN).unwrap();
    run
});

fn network() -> Network {
    let shape = Shape {
        world: 9,
        ..Shape::tiny()
    };
    Network::new(shape, 16).unwrap()
}

fn gouda(args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_gouda");
    Command::new(program).args(args).output().unwrap()
}

fn done(args: &[&str]) -> String {
    let output = gouda(args);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {text}");
    String::from_utf8(output.stdout).unwrap()
}

/// `measure` of the run, or of a file in it.
fn measured(of: &str, more: &[&str]) -> Value {
    let path = RUN.join(of);
    let args = [&["measure", path.to_str().unwrap(), "--json"], more].concat();
    serde_json::from_str(&done(&args)).unwrap()
}

#[test]
fn json_has_every_rate_and_where_there_is_an_edit_both_claims() {
    let plain = measured("", &[]);
    assert_eq!(plain["levels"], 32);
    assert_eq!(plain["split"], "test");
    assert_eq!(plain["checkpoint"], "000000027.safetensors");
    assert_eq!(plain["updates"], 27);
    for absent in ["edit", "unedited", "claims"] {
        assert!(plain.get(absent).is_none(), "{absent}");
    }
    let edited = measured("", &["--edit", "compass=5", "--edit", "blindfold=0.5"]);
    for of in [&plain, &edited, &edited["unedited"]] {
        assert_eq!(of["rates"].as_object().unwrap().len(), Rate::LEN);
        let rates = Rate::ALL.map(|rate| &of["rates"][rate.key()]);
        for found in rates.into_iter().chain(
            ["p_cheese", "p_corner", "anywhere_cheese", "anywhere_corner"].map(|key| &of[key]),
        ) {
            let [low, value, high] = ["low", "value", "high"].map(|k| found[k].as_f64().unwrap());
            assert!(low <= value + 1e-9 && value <= high + 1e-9, "{found}");
        }
    }
    assert_eq!(edited["unedited"]["rates"], plain["rates"]);
    assert_ne!(edited["rates"], plain["rates"]);
    let words = edited["edit"].as_str().unwrap();
    assert!(
        words.contains("compass up and right by 5") && words.contains(", then 50 %"),
        "{words}"
    );
    for claim in Claim::ALL {
        let found = &edited["claims"][format!("{claim:?}")];
        let losses = found["losses"].as_object().unwrap();
        assert_eq!(losses.len(), claim.rates().count());
        for (rates, role) in [(claim.targets(), "target"), (claim.spared(), "spared")] {
            assert!(rates.iter().all(|rate| losses[rate.key()]["role"] == role));
        }
        let least = |rates: &[Rate], sign: f64| {
            let losses = rates
                .iter()
                .map(|rate| sign * losses[rate.key()]["value"].as_f64().unwrap());
            sign * losses.fold(f64::INFINITY, f64::min)
        };
        let (target, spared) = (least(claim.targets(), 1.0), least(claim.spared(), -1.0));
        let close = |key: &str, wanted: f64| {
            let value = found[key].as_f64().unwrap();
            assert!((value - wanted).abs() < 1e-12, "{key}: {value} {wanted}");
        };
        close("selectivity", target - spared);
        close("margin", (target - 0.5).min(0.1 - spared));
        // Twenty-seven updates teach no one to see.
        assert_eq!(
            (&found["judged"], &found["met"]),
            (&false.into(), &false.into())
        );
    }
}

#[test]
fn edits_of_nothing_change_nothing_and_the_blindfold_takes_all_that_the_cheese_adds() {
    for edit in [
        "compass=0",
        "compass=sideways:0",
        "blindfold=0",
        "component=raw:1:0",
        "rollback=1",
        "stretch=0:1:0",
    ] {
        let found = measured("", &["--edit", edit]);
        for key in [
            "rates",
            "p_cheese",
            "p_corner",
            "anywhere_cheese",
            "anywhere_corner",
        ] {
            assert_eq!(found[key], found["unedited"][key], "{edit}");
        }
        let losses = found["claims"]["B"]["losses"].as_object().unwrap();
        assert!(losses.values().all(|loss| loss["value"] == 0.0), "{edit}");
    }
    let found = measured("", &["--edit", "blindfold=1"]);
    let adds = [
        "cheese_in_up_right",
        "cheese_in_down_left",
        "cheese_near_up_right",
        "cheese_near_down_left",
    ];
    for key in adds {
        assert_ne!(found["unedited"]["rates"][key]["value"], 0.0, "{key}");
        for part in ["value", "low", "high"] {
            assert_eq!(found["rates"][key][part], 0.0, "{key}");
        }
    }
    for key in ["corner_entered", "corner_balanced", "compass"] {
        assert_eq!(
            found["rates"][key], found["unedited"]["rates"][key],
            "{key}"
        );
    }
}

#[test]
fn a_rollback_to_the_start_is_the_floor_and_loses_all_that_was_learnt() {
    let floor = measured("", &["--checkpoint", "0"]);
    assert_eq!(measured("", &["--at", "0.01"])["rates"], floor["rates"]);
    let file = "checkpoints/leaning.safetensors";
    for edit in ["rollback=0", "rollback=0.02"] {
        let found = measured(file, &["--edit", edit]);
        assert_eq!(found["updates"], Value::Null);
        assert_eq!(found["rates"], floor["rates"]);
        // What leaning up and right teaches: the region is entered. Nothing else that a claim is about.
        let lost = &found["claims"]["A"]["losses"];
        for key in ["corner_entered", "region_entered"] {
            assert!(
                (lost[key]["value"].as_f64().unwrap() - 1.0).abs() < 1e-12,
                "{key}: {lost}"
            );
        }
    }
    // The stretch from the start to the end taken back is the start again, but for rounding.
    let found = measured("", &["--edit", "stretch=0:1:1"]);
    for rate in Rate::ALL {
        let of = |all: &Value| all["rates"][rate.key()]["value"].as_f64().unwrap();
        assert!((of(&found) - of(&floor)).abs() < 1e-5, "{rate:?}");
    }
    // As is every tensor put back.
    let names = [
        "conv0",
        "conv1",
        "dense",
        "policy.weight",
        "policy.bias",
        "value",
    ];
    let edits: Vec<String> = names.map(|name| format!("reset={name}")).into();
    let args: Vec<&str> = edits.iter().flat_map(|edit| ["--edit", edit]).collect();
    assert_eq!(measured("", &args)["rates"], floor["rates"]);
}

/// The same edits on the same levels are the same numbers on any number of threads, and nothing in the run is touched.
#[test]
fn threads_change_nothing_and_nothing_is_written() {
    fn files(dir: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                found.insert(path, bytes);
            }
        }
    }
    let all = || {
        let mut found = BTreeMap::new();
        files(&RUN, &mut found);
        found
    };
    let before = all();
    let more = |threads| {
        let edit = [
            "--edit",
            "component=raw:0:0.3",
            "--levels",
            "24",
            "--split",
            "selection",
        ];
        measured("", &[&edit[..], &["--threads", threads]].concat())
    };
    let found = more("1");
    assert_eq!(found, more("3"));
    assert_eq!(
        (&found["levels"], &found["split"]),
        (&24.into(), &"selection".into())
    );
    assert!(all() == before, "the run was written to");
}

/// A corner of the maze in the test's own words.
fn is_region(x: usize, y: usize) -> bool {
    // The maze is the inner 7 x 7; a region of 5 is its top right.
    (3..=7).contains(&x) && (3..=7).contains(&y)
}

/// Rates of one level computed anew: planes from the text, the network through the library, and values of cells backward
/// in time, where the program moves mass forward.
#[test]
fn a_level_of_ones_own_is_what_values_backward_in_time_say() {
    let path = RUN.parent().unwrap().parent().unwrap().join("my_maze.txt");
    let file = "checkpoints/leaning.safetensors";
    let more = [
        "--level",
        path.to_str().unwrap(),
        "--edit",
        "compass=down-right:3",
    ];
    let found = measured(file, &more);
    let grid: Vec<Vec<char>> = OWN
        .lines()
        .rev()
        .map(|line| line.chars().collect())
        .collect();
    let free: Vec<(usize, usize)> = (0..81)
        .map(|i| (i % 9, i / 9))
        .filter(|&(x, y)| grid[y][x] != '#')
        .collect();
    let network = network();
    let mut theta = checkpoint::load_checkpoint(&RUN.join(file), &network.layout).unwrap();
    for (which, added) in [("unedited", [0.0; 4]), ("edited", [-1.5, 1.5, -1.5, 1.5])] {
        let did = if which == "edited" {
            &found
        } else {
            &found["unedited"]
        };
        let bias = network
            .layout
            .tensors
            .iter()
            .find(|t| t.name == "policy.bias");
        for (x, more) in theta[bias.unwrap().range()].iter_mut().zip(added) {
            *x += more;
        }
        for (key, is_seen) in [("seen", true), ("hidden", false)] {
            // The top row first; wall, mouse, cheese.
            let observation = |mouse: (usize, usize)| {
                let mut planes = Vec::new();
                for y in (0..9).rev() {
                    for (x, cell) in grid[y].iter().enumerate() {
                        let cheese = *cell == 'C' && is_seen;
                        planes.extend([*cell == '#', (x, y) == mouse, cheese].map(u8::from));
                    }
                }
                planes
            };
            let mut workspace = Workspace::new(&network);
            let mut moves = BTreeMap::new();
            for &cell in &free {
                workspace.forward(Policy::new(&network, &theta), &observation(cell), 1);
                let logits = workspace.logits(&network, 1);
                let exp: Vec<f64> = logits.iter().map(|&x| f64::from(x).exp()).collect();
                let sum: f64 = exp.iter().sum();
                moves.insert(cell, exp.iter().map(|x| x / sum).collect::<Vec<f64>>());
            }
            if is_seen {
                for one in did["cells"].as_array().unwrap() {
                    let place = ["x", "y"].map(|axis| one[axis].as_u64().unwrap() as usize);
                    let mine = &moves[&(place[0], place[1])];
                    for (step, name) in Move::ALL.iter().zip(["left", "right", "up", "down"]) {
                        let p = one[name].as_f64().unwrap();
                        assert!((p - mine[*step as usize]).abs() < 1e-6, "{place:?} {name}");
                    }
                }
                assert_eq!(did["cells"].as_array().unwrap().len(), free.len());
            }
            // Whether an episode ends in a cell, and whether that is what is asked for.
            let end = |asked: &str, (x, y): (usize, usize)| match (asked, grid[y][x] == 'C') {
                ("cheese", is_cheese) => is_cheese.then_some(1.0),
                (_, true) => Some(f64::from(u8::from(is_region(x, y)))),
                _ => is_region(x, y).then_some(1.0),
            };
            for asked in ["cheese", "region"] {
                let mut value: BTreeMap<(usize, usize), f64> =
                    free.iter().map(|&c| (c, 0.0)).collect();
                for _ in 0..60 {
                    let before = value.clone();
                    let after = |cell: (usize, usize)| end(asked, cell).unwrap_or(before[&cell]);
                    for (&(x, y), value) in &mut value {
                        let to = [(x - 1, y), (x + 1, y), (x, y + 1), (x, y - 1)];
                        let to = to.map(|(a, b)| if grid[b][a] == '#' { (x, y) } else { (a, b) });
                        let p = &moves[&(x, y)];
                        *value = to.iter().zip(p).map(|(&to, p)| p * after(to)).sum();
                    }
                }
                let mine = value[&(1, 1)];
                let theirs = did[key][asked].as_f64().unwrap();
                assert!(
                    (mine - theirs).abs() < 1e-6,
                    "{which} {key} {asked}: {mine} {theirs}"
                );
                assert!(mine > 1e-6, "{which} {key} {asked}: {mine} says nothing");
            }
        }
    }
    assert_eq!(found["timeout"], 60);
    let rows: Vec<&str> = found["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r.as_str().unwrap())
        .collect();
    let level = Level::from_text(OWN).unwrap();
    assert_eq!(Level::from_text(&rows.join("\n")).unwrap(), level);
}

#[test]
fn a_drawing_has_both_policies_beside_each_other_and_no_escape_in_a_pipe() {
    let path = RUN.parent().unwrap().parent().unwrap().join("my_maze.txt");
    let run = RUN.join("checkpoints/leaning.safetensors");
    let args = [
        "measure",
        run.to_str().unwrap(),
        "--level",
        path.to_str().unwrap(),
        "--ascii",
    ];
    let one = done(&args);
    assert!(!one.contains('\x1b') && one.is_ascii(), "{one}");
    assert!(one.lines().take(9).all(|line| line.len() == 18), "{one}");
    assert!(
        one.lines().nth(7).unwrap().starts_with("##") && one.contains("M>") || one.contains(">M")
    );
    let two = done(&[&args[..], &["--edit", "compass=down-right:-40"]].concat());
    assert!(two.lines().all(|line| line.chars().count() <= 80), "{two}");
    for words in [
        "unedited",
        "edited: compass down and right by -40 logits",
        "where it is hidden",
    ] {
        assert!(two.contains(words), "{two}");
    }
}

#[test]
fn the_examples_of_the_help_run() {
    let root = RUN.parent().unwrap().parent().unwrap();
    let help = done(&["measure", "--help"]);
    let examples = help
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("gouda measure "));
    let examples: Vec<&str> = examples.collect();
    assert!(examples.len() >= 6, "{help}");
    for example in examples {
        let output = Command::new(env!("CARGO_BIN_EXE_gouda"))
            .args(example.split_whitespace().skip(1))
            .current_dir(root)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{example}: {text}");
        let out = String::from_utf8(output.stdout).unwrap();
        let is_whole = out.contains("corner, balanced")
            || out.contains("corner_balanced")
            || out.contains("the cheese is reached");
        assert!(is_whole, "{example}: {out}");
    }
}

/// Each is told in one line that names it and what there is.
#[test]
fn bad_edits_and_checkpoints_are_told() {
    let run = RUN.to_str().unwrap();
    let cases: [(&[&str], i32, &[&str]); 14] = [
        (
            &["--edit", "compas=5"],
            2,
            &["compas", "compass=LOGITS", "reset=TENSOR"],
        ),
        (
            &["--edit", "compass=north:5"],
            2,
            &["up-right, down-right, sideways", "north"],
        ),
        (
            &["--edit", "compass=1e300"],
            5,
            &["policy.bias", "expected finite"],
        ),
        (
            &["--edit", "blindfold=2"],
            2,
            &["a share from 0 to 1, found 2"],
        ),
        (
            &["--edit", "component=unit-norm:0:1"],
            2,
            &["gouda svd", "--unit-norm", "makes it"],
        ),
        (&["--edit", "component=raw:2:1"], 2, &["expected 0 to 1"]),
        (&["--edit", "rollback=13"], 2, &["from 0 to 1"]),
        (
            &["--edit", "stretch=0.98:0.99:1"],
            2,
            &["nearest to both", "27 of 27 updates"],
        ),
        (
            &["--edit", "reset=conv7"],
            2,
            &["conv7", "conv0.weight", "value.bias"],
        ),
        (&["--at", "1.1"], 2, &["from 0 to 1"]),
        (
            &["--checkpoint", "12"],
            2,
            &["--checkpoint 12", "the run's 6 checkpoints", "6, 11, 17"],
        ),
        (
            &["--checkpoint", "0", "--at", "0"],
            2,
            &["cannot be used with"],
        ),
        (&["--levels", "3"], 2, &["8..=65536"]),
        (
            &["--level", "x", "--levels", "8"],
            2,
            &["cannot be used with"],
        ),
    ];
    for (args, code, words) in cases {
        let output = gouda(&[&["measure", run], args].concat());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        for word in words {
            assert!(text.contains(word), "{args:?}, {word}: {text}");
        }
    }
}
