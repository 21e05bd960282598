//! `gouda locate` as its users meet it: a matrix of their own, a recording from Python, a decomposition without its matrix.

use std::path::Path;
use std::process::{Command, Output};

use gouda::numeric::random::{Purpose, Stream};
use gouda::storage::npy;
use serde_json::Value;

fn locate(matrix: &Path, out: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gouda"))
        .arg("locate")
        .arg(matrix)
        .args(["--json", "--quiet", "--rank", "6", "--out"])
        .arg(out)
        .args(more)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn fails(output: &Output, code: i32, words: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(words), "{error}");
}

const ROWS: usize = 300;
const LAYERS: [(&str, usize); 4] = [("a", 60), ("b", 90), ("c", 70), ("d", 20)];

/// Noise, and in the tensors a, b and c a direction that is active early, late and always.
fn matrix(path: &Path) {
    let params: usize = LAYERS.iter().map(|(_, len)| len).sum();
    let mut stream = Stream::new(11, Purpose::Controls, 0);
    let signs: Vec<f64> = (0..params).map(|_| stream.sign()).collect();
    let mut values = Vec::new();
    for t in 0..ROWS {
        let tau = t as f64 / (ROWS - 1) as f64;
        let amounts = [tau < 0.3, tau > 0.7, true, false];
        let amounts = amounts.map(|is_on| if is_on { 8.0 * stream.sign() } else { 0.0 });
        let tensors = LAYERS.iter().zip(amounts);
        let row = tensors.flat_map(|((_, len), amount)| vec![amount / (*len as f64).sqrt(); *len]);
        let row: Vec<f64> = row
            .zip(&signs)
            .map(|(amount, sign)| amount * sign)
            .collect();
        values.extend(row.iter().map(|x| (x + stream.normal()) as f32));
    }
    npy::write_f32(path, &[ROWS, params], &values).unwrap();
}

/// The largest tensor of a component, and its interval.
fn largest(component: &Value) -> (String, f64, f64) {
    let tensors = component["tensors"].as_array().unwrap();
    let share = |tensor: &&Value| tensor["share"].as_f64().unwrap();
    let most = tensors
        .iter()
        .max_by(|a, b| share(a).total_cmp(&share(b)))
        .unwrap();
    let between = &most["without_noise"];
    let end = |name: &str| between[name].as_f64().unwrap();
    (
        most["name"].as_str().unwrap().into(),
        end("low"),
        end("high"),
    )
}

#[test]
fn early_late_and_steady_directions_of_a_foreign_matrix_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gradients.npy");
    matrix(&path);
    let layout = dir.path().join("layers.json");
    let named: Vec<(&str, [usize; 1])> = LAYERS.map(|(name, len)| (name, [len])).into();
    std::fs::write(&layout, serde_json::to_string(&named).unwrap()).unwrap();
    let layout = layout.to_str().unwrap();
    let out = dir.path().join("located");
    let found = json(&locate(&path, &out, &["--layout", layout]));
    assert_eq!(found["has_displacement"], false);
    let components = found["components"].as_array().unwrap();
    let mut labels = Vec::new();
    for component in &components[..3] {
        let (tensor, low, high) = largest(component);
        let (label, truth) = match tensor.as_str() {
            "a" => (Value::from("early"), -0.35),
            "b" => (Value::from("late"), 0.35),
            _ => (Value::Null, 0.0),
        };
        assert_eq!(component["label"], label, "{tensor}: {component:#}");
        let index = &component["temporal_index_without_noise"];
        let end = |name: &str| index[name].as_f64().unwrap();
        assert!(
            end("low") <= truth && truth <= end("high"),
            "{tensor}: {index}"
        );
        assert!(low > 0.7 && high == 1.0, "{tensor}: {low} to {high}");
        labels.push(tensor);
    }
    labels.sort();
    assert_eq!(labels, ["a", "b", "c"]);
    for component in &components[3..] {
        assert_eq!(
            (&component["label"], &component["signal"]),
            (&Value::Null, &false.into())
        );
    }

    // The page is made again from what was found, to the byte, and an occupied directory is refused before anything is read.
    let page = std::fs::read(out.join("report.html")).unwrap();
    let gouda = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
        command.args(args).output().unwrap()
    };
    let again = gouda(&["report", out.to_str().unwrap()]);
    assert!(again.status.success());
    assert_eq!(std::fs::read(out.join("report.html")).unwrap(), page);
    fails(&locate(&path, &out, &[]), 2, "located");

    // One tensor alone; and the decomposition without its matrix, which says nothing of early and late.
    let only = dir.path().join("only");
    let found = json(&locate(
        &path,
        &only,
        &["--layout", layout, "--layers", "a"],
    ));
    assert_eq!(found["components"][0]["label"], "early");
    let bare = dir.path().join("bare");
    let found = json(&locate(&out.join("svd"), &bare, &[]));
    let first = &found["components"][0];
    assert_eq!(
        (&first["label"], &first["signal"]),
        (&Value::Null, &Value::Null)
    );
    let reasons = first["reasons"].to_string();
    assert!(reasons.contains("neither the norms"), "{reasons}");
    assert!(first["p"]["circular_shifts"].is_null(), "{first:#}");
    let again = gouda(&["report", bare.to_str().unwrap()]);
    assert!(again.status.success(), "{again:?}");
    let page = std::fs::read_to_string(bare.join("report.html")).unwrap();
    assert!(page.contains("norms of the columns are not known"));
    // Nothing can be asked of it that is a matrix's; parameters that were selected keep their names.
    let more = ["--window", "0..9"];
    fails(
        &locate(&out.join("svd"), &dir.path().join("w"), &more),
        2,
        "--window: of a decomposition",
    );
    let named = dir.path().join("named");
    let found = json(&locate(&only.join("svd"), &named, &["--layout", layout]));
    assert_eq!(
        found["components"][0]["tensors"].as_array().unwrap().len(),
        1
    );
    // Rows of length 1 are even.
    let unit = dir.path().join("unit");
    json(&locate(&path, &unit, &["--layout", layout, "--unit-norm"]));
    let bare = dir.path().join("bare-unit");
    let found = json(&locate(&unit.join("svd"), &bare, &[]));
    assert!(found["components"][0]["p"]["circular_shifts"].is_number());
    // Too few steps for halves.
    let few = ["--window", "0..3"];
    fails(
        &locate(&path, &dir.path().join("few"), &few),
        3,
        "at least 4 steps",
    );
}

#[test]
fn a_path_of_the_parameters_gives_half_times_and_must_fit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gradients.npy");
    matrix(&path);
    let params: usize = LAYERS.iter().map(|(_, len)| len).sum();
    // All move at once in the middle: nothing moved early or late, and so nothing is.
    let theta = |t: usize| if t < 5 { 0.0 } else { 1.0 };
    let values: Vec<f32> = (0..10).flat_map(|t| vec![theta(t); params]).collect();
    let moved = dir.path().join("theta.npy");
    npy::write_f32(&moved, &[10, params], &values).unwrap();
    let moved = moved.to_str().unwrap();
    let out = dir.path().join("located");
    let found = json(&locate(&path, &out, &["--displacement", moved]));
    assert_eq!(found["has_displacement"], true);
    for component in found["components"].as_array().unwrap() {
        let half = component["t50"].as_f64().unwrap();
        assert!((half - 0.5).abs() < 0.06, "{half}");
        assert_eq!(component["label"], Value::Null);
    }
    let short = dir.path().join("short.npy");
    npy::write_f32(&short, &[2, 3], &[0.0; 6]).unwrap();
    let refused = locate(
        &path,
        &dir.path().join("no"),
        &["--displacement", short.to_str().unwrap()],
    );
    fails(&refused, 2, "short.npy: expected rows of 240 parameters");
}

#[test]
fn a_recording_from_python_is_read_and_located() {
    let recorded = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/data/fixtures/recorded"
    ));
    let expected = std::fs::read_to_string(recorded.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let found = json(&locate(
        &recorded.join("gradients"),
        &dir.path().join("out"),
        &[],
    ));
    let (_, sigma) = npy::read_f64(&dir.path().join("out/svd/S.npy")).unwrap();
    for (found, expected) in sigma
        .iter()
        .zip(expected["singular_values"].as_array().unwrap())
    {
        let expected = expected.as_f64().unwrap();
        assert!(
            (found - expected).abs() < 1e-5 * expected,
            "{found} {expected}"
        );
    }
    // What was learnt at first, and what from the middle on: early and late of the norms, in tensors of their own. It came
    // in one burst each, which could lie anywhere: no null but the first is beaten by both.
    for (i, name, sign) in [(0, "early.weight", -1.0), (1, "late.weight", 1.0)] {
        let component = &found["components"][i];
        let (tensor, low, _) = largest(component);
        assert!(tensor == name && low > 0.9, "{component:#}");
        assert!(sign * component["temporal_index"].as_f64().unwrap() > 0.2);
        assert!(component["p"]["random_directions"].as_f64().unwrap() < 0.01);
        assert_eq!(component["signal"], true);
    }
}

/// The recorder's rows that the manifest does not have yet are told, and how they are brought in.
#[test]
fn what_a_killed_recorder_left_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let recorded = dir.path().join("gradients");
    crate::common::copy(
        Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/data/fixtures/recorded/gradients"
        )),
        &recorded,
    );
    let note = "python -m gouda_record finish";
    let read = |out| {
        let found = locate(&recorded, &dir.path().join(out), &[]);
        json(&found);
        String::from_utf8(found.stderr).unwrap()
    };
    assert!(!read("ended").contains(note));
    std::fs::write(recorded.join("tail.part"), []).unwrap();
    let told = read("killed");
    assert!(told.contains(note) && told.contains("tail.part"), "{told}");
}
