//! Malformed `circuits.json`, and sound ones with any part of them changed.

use std::path::Path;

use gouda::findings::Results;
use gouda::findings::sound::Sound;
use gouda::findings::tracing::Circuits;
use serde_json::{Value, json};

use super::harness::{Case, case};
use super::results::{changes, read, safe, within};

/// All of them.
pub fn cases() -> Vec<Case> {
    let file = "circuits.json";
    let put = |text: &'static str, change: fn(&mut Value)| {
        move |dir: &Path| {
            std::fs::create_dir(dir.join("r")).unwrap();
            let results = read("quick-seed0.json").to_string();
            std::fs::write(dir.join("r/results.json"), results).unwrap();
            let mut circuits = read("circuits-seed0.json");
            change(&mut circuits);
            let text = if text.is_empty() {
                circuits.to_string()
            } else {
                text.into()
            };
            std::fs::write(dir.join("r/circuits.json"), text).unwrap();
        }
    };
    let text = |what: &str, text, word| {
        let words = [file, "expected the circuits of a run", word];
        case(what, "report {dir}/r", 3, &words, put(text, |_| {}))
    };
    let wrong = |what: &str, words: &[&str], change| {
        let words = [&[file], words].concat();
        case(what, "report {dir}/r", 3, &words, put("", change))
    };
    vec![
        text("circuits: not JSON", "{", "EOF"),
        text("circuits: a list", "[]", "invalid length"),
        text("circuits: an empty object", "{}", "missing field `seed`"),
        wrong(
            "circuits: of another run",
            &["circuits of seed 0", "found 1"],
            |c| {
                c["seed"] = json!(1);
            },
        ),
        wrong("circuits: a text for a share", &["invalid type"], |c| {
            c["facts"][0]["layers"][0]["restored"]["value"] = json!("much");
        }),
        wrong(
            "circuits: more told than asked",
            &["pairs told apart"],
            |c| {
                c["facts"][0]["told"] = json!(100_000);
            },
        ),
        wrong(
            "circuits: more patched than there are",
            &["edges patched"],
            |c| {
                c["facts"][0]["patched"] = json!([9, 8]);
            },
        ),
        wrong(
            "circuits: a channel of another network",
            &["a channel of conv0"],
            |c| {
                c["facts"][0]["channels"][0]["part"] = json!("conv0 16");
            },
        ),
        wrong(
            "circuits: a layer of another network",
            &["a channel of conv77"],
            |c| {
                c["atlas"]["maps"][0]["channel"] = json!("conv77 1");
            },
        ),
        wrong(
            "circuits: cells that are no grid",
            &["a row of cells"],
            |c| {
                c["facts"][0]["cells"][0]["restored"][1] = json!([0.5]);
            },
        ),
        wrong(
            "circuits: a dose less of a random vector",
            &["a random vector"],
            |c| {
                c["directions"][0]["random"][0]
                    .as_array_mut()
                    .unwrap()
                    .pop();
            },
        ),
        wrong("circuits: an edge backward", &["edges forward"], |c| {
            c["atlas"]["paths"][0]["paths"]["edges"][0]["from"] = json!([6, 0]);
        }),
        wrong("circuits: an edge to no column", &["edges forward"], |c| {
            c["atlas"]["paths"][0]["paths"]["edges"][0]["to"] = json!([u32::MAX, 0]);
        }),
        wrong("circuits: two planes", &["invalid length 2"], |c| {
            c["atlas"]["levels"][0]["flips"]["planes"]
                .as_array_mut()
                .unwrap()
                .pop();
        }),
        wrong(
            "circuits: a map beyond any world",
            &["at most 31 rows"],
            |c| {
                c["atlas"]["maps"][0]["by_mouse"] = json!(vec![[0.5]; 100_000]);
            },
        ),
        wrong(
            "circuits: a level of other rows",
            &["rows of a level"],
            |c| {
                c["atlas"]["levels"][0]["rows"]
                    .as_array_mut()
                    .unwrap()
                    .pop();
            },
        ),
        wrong("circuits: chosen by hand", &["unknown variant"], |c| {
            c["atlas"]["levels"][0]["chosen"] = json!("by_hand");
        }),
    ]
}

/// As [`super::results::mutated`].
pub fn mutated() -> (usize, usize) {
    let results: Results = serde_json::from_value(read("quick-seed0.json")).unwrap();
    let circuits = read("circuits-seed0.json");
    let (mut tried, mut refused) = (0, 0);
    let step = if crate::common::is_long() { 1 } else { 7 };
    for (path, value) in changes(&circuits).into_iter().step_by(step) {
        let mut changed = circuits.clone();
        *changed.pointer_mut(&path).unwrap() = value.clone();
        tried += 1;
        let shown = || -> Option<()> {
            let circuits: Circuits = serde_json::from_value(changed).ok()?;
            if circuits.contradiction(&results.run.layout).is_some() {
                return None;
            }
            let page = gouda::report::html(&results, Some(&circuits));
            assert!(page.contains("id=\"eye\""));
            safe(&page, &path);
            Some(())
        };
        refused += usize::from(within(&path, &value, shown).is_none());
    }
    (tried, refused)
}
