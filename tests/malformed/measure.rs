//! What `gouda measure` reads: a level of one's own, a checkpoint, a run's decomposition.

use std::path::Path;

use super::harness::{Case, case, replace_value};

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = levels();
    cases.extend(policies());
    cases
}

fn levels() -> Vec<Case> {
    let wide = ["........."; 9].join("\n");
    let table: Vec<(&str, String, &str)> = vec![
        ("empty", String::new(), "an odd number of lines"),
        (
            "a drawing of another world",
            ["....."; 5].join("\n"),
            "a world of 9 x 9",
        ),
        (
            "an unknown sign",
            wide.replacen('.', "x", 1),
            "one of # . C M",
        ),
        ("two cheeses", wide.replacen("..", "CC", 1), "one cheese"),
        (
            "an escape sequence",
            wide.replacen('.', "\x1b", 1),
            "\\u{1b}",
        ),
        (
            "JSON without rows",
            "{\"seed\": 3}".into(),
            "missing field `rows`",
        ),
        (
            "JSON of another kind",
            "{\"rows\": 3}".into(),
            "an object with rows",
        ),
        (
            "JSON of another world",
            "{\"rows\": [\".....\",\".....\",\".....\",\".....\",\".....\"]}".into(),
            "found 5 x 5",
        ),
    ];
    let of = "measure {run} --level {dir}/own.txt";
    let rows = table.into_iter().map(|(what, text, word)| {
        case(
            &format!("own level: {what}"),
            of,
            3,
            &["own.txt", word],
            move |dir: &Path| {
                std::fs::write(dir.join("own.txt"), &text).unwrap();
            },
        )
    });
    let mut cases: Vec<Case> = rows.collect();
    cases.push(case("own level: not there", of, 4, &["own.txt"], |_| {}));
    cases
}

fn policies() -> Vec<Case> {
    let last = "run/checkpoints/000000061.safetensors";
    vec![
        case(
            "measure: no run",
            "measure {dir}/none",
            4,
            &["none"],
            |_| {},
        ),
        case(
            "measure: a directory that is no run",
            "measure {dir}",
            4,
            &["config.toml"],
            |_| {},
        ),
        case(
            "measure: a file elsewhere",
            "measure {run}/config.toml",
            3,
            &[
                "config.toml",
                "a run's directory, or a file in its checkpoints/",
            ],
            |_| {},
        ),
        case(
            "measure: text for a checkpoint",
            "measure {run}/checkpoints/mine.safetensors",
            3,
            &["mine.safetensors", "expected"],
            |dir| std::fs::write(dir.join("run/checkpoints/mine.safetensors"), "hello").unwrap(),
        ),
        case(
            "measure: a checkpoint under another's name",
            "measure {run}/checkpoints/000000060.safetensors",
            3,
            &["updates 60, as its name says"],
            move |dir| {
                let to = dir.join("run/checkpoints/000000060.safetensors");
                std::fs::copy(dir.join(last), to).unwrap();
            },
        ),
        case(
            "measure: a NaN",
            "measure {run}",
            5,
            &["000000061.safetensors", "conv0.weight[7] is NaN"],
            move |dir| replace_value(&dir.join(last), 7, f32::NAN),
        ),
        case(
            "measure: no checkpoints",
            "measure {run}",
            3,
            &["checkpoints", "NUMBER.safetensors"],
            |dir| {
                let folder = dir.join("run/checkpoints");
                std::fs::remove_dir_all(&folder).unwrap();
                std::fs::create_dir(&folder).unwrap();
            },
        ),
        case(
            "measure: an edit without the untrained policy",
            "measure {run} --edit compass=5",
            3,
            &["000000000.safetensors", "the checkpoint before training"],
            |dir| {
                std::fs::remove_file(dir.join("run/checkpoints/000000000.safetensors")).unwrap();
            },
        ),
        case(
            "measure: a component of a run without svd",
            "measure {run} --edit component=raw:0:1",
            2,
            &["svd/raw/certificate.json is not there", "gouda svd"],
            |_| {},
        ),
        case(
            "measure: a component of a broken svd",
            "measure {run} --edit component=raw:0:1",
            3,
            &["certificate.json", "the certificate of a decomposition"],
            |dir| {
                std::fs::create_dir_all(dir.join("run/svd/raw")).unwrap();
                std::fs::write(dir.join("run/svd/raw/certificate.json"), "{}").unwrap();
            },
        ),
        case(
            "measure: an svd of something else",
            "measure {run} --edit component=unit-norm:0:1",
            3,
            &[
                "certificate.json",
                "1113 parameters, as the run's network has",
                "found 5",
            ],
            |dir| {
                use gouda::svd::{Options, output, truncated};
                let values = (0..40).map(|i| ((i * i) % 7) as f32).collect();
                let matrix = gouda::gradients::Dense::new(8, 5, values).unwrap();
                let found = truncated(&matrix, &Options::with_rank(2), &mut |_| {}).unwrap();
                let folder = dir.join("run/svd/unit-norm");
                std::fs::create_dir_all(&folder).unwrap();
                output::save(&folder, &found).unwrap();
            },
        ),
    ]
}
