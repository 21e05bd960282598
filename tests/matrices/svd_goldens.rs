//! One matrix as numpy, dask and this program write it has one answer, numpy's
//! (`data/goldens/svd/make.py`).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gouda::gradients::{Matrix, Recorder, RowMeta};
use gouda::nn::Layout;
use gouda::storage::npy;
use serde_json::Value;

const RANK: usize = 6;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data/goldens/svd")
        .join(name)
}

fn svd(matrix: &Path, out: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gouda"))
        .arg("svd")
        .arg(matrix)
        .args(["--rank", &RANK.to_string(), "--quiet", "--out"])
        .arg(out)
        .args(args)
        .output()
        .unwrap()
}

fn certificate(out: &Path) -> Value {
    let text = std::fs::read_to_string(out.join("certificate.json")).unwrap();
    assert!(!text.contains("NaN") && !text.contains("Infinity"));
    serde_json::from_str(&text).unwrap()
}

/// Runs and compares with numpy; returns the bytes of S.npy.
fn check(matrix: &Path, args: &[&str]) -> Vec<u8> {
    let tmp = tempfile::tempdir().unwrap();
    let out = tmp.path().join("svd");
    let run = svd(matrix, &out, args);
    let name = format!("{} {args:?}", matrix.display());
    assert!(
        run.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
    let (_, expected) = npy::read_f64(&golden("S.npy")).unwrap();
    let (shape, s) = npy::read_f64(&out.join("S.npy")).unwrap();
    assert_eq!(shape, [RANK], "{name}");
    for (a, b) in s.iter().zip(&expected) {
        // Krylov's values are low by the square of its residuals, 1e-6.
        assert!((a - b).abs() < 1e-11 * expected[0], "{name}: {a} {b}");
    }
    let (_, expected) = npy::read_f64(&golden("V.npy")).unwrap();
    let (shape, v) = npy::read_f64(&out.join("V.npy")).unwrap();
    assert_eq!(shape, [30, RANK], "{name}");
    for (a, b) in v.iter().zip(&expected) {
        assert!((a - b).abs() < 2e-5, "{name}: {a} {b}");
    }
    let (_, expected) = npy::read_f64(&golden("U.npy")).unwrap();
    let (shape, u) = npy::read_f32(&out.join("U.npy")).unwrap();
    assert_eq!(shape, [120, RANK], "{name}");
    for (a, b) in u.iter().zip(&expected) {
        assert!((f64::from(*a) - b).abs() < 2e-5, "{name}: {a} {b}");
    }
    let c = certificate(&out);
    assert_eq!(c["converged"], true, "{name}");
    for field in ["left_residuals", "right_residuals", "explained"] {
        assert_eq!(c[field].as_array().unwrap().len(), RANK, "{name}");
    }
    let likely = &c["bounds"]["likely"];
    let others = likely["others_likely_at_most"].as_f64().unwrap();
    match likely["subspace_angle"].as_f64() {
        Some(angle) => assert!(angle < 1e-4, "{name}"),
        // Where not all of the space was searched, the rest may be as large as the last value.
        None => assert!(args.contains(&"--block") && others >= s[RANK - 1], "{name}"),
    }
    let files = std::fs::read_dir(&out).unwrap().count();
    assert_eq!(files, 4, "{name}");
    std::fs::read(out.join("S.npy")).unwrap()
}

#[test]
fn every_file_of_the_matrix_has_the_same_singular_values() {
    let expected = check(&golden("c_f4.npy"), &[]);
    for name in ["c_f2", "c_f8", "f_f2", "f_f4", "f_f8", "dask_concatenated"] {
        assert_eq!(
            check(&golden(&format!("{name}.npy")), &[]),
            expected,
            "{name}"
        );
    }
    let transposed = golden("parameters_by_time.npy");
    assert_eq!(check(&transposed, &["--time-axis", "1"]), expected);
    for axis in ["0", "1"] {
        let folder = golden(&format!("dask_axis{axis}"));
        assert_eq!(check(&folder, &["--stack-axis", axis]), expected);
        assert_eq!(check(&folder, &[]), expected);
    }

    // And as a recorded stream, which leaves a sketch.
    let (shape, values) = npy::read_f32(&golden("c_f4.npy")).unwrap();
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("total");
    let layout = Layout::new(vec![("a.weight".into(), vec![shape[1]])]);
    let mut recorder = Recorder::create(&dir, &layout, shape[0], 6000).unwrap();
    for row in values.chunks_exact(shape[1]) {
        recorder.push(row, RowMeta::default()).unwrap();
    }
    recorder.seal().unwrap();
    assert!(Matrix::open(&dir).unwrap().files_len() > 1);
    assert_eq!(check(&dir, &[]), expected);
    for method in ["krylov", "gram", "dense"] {
        check(&dir, &["--method", method]);
        check(
            &dir,
            &["--method", method, "--block", "3", "--passes", "60"],
        );
        check(&golden("c_f8.npy"), &["--method", method, "--no-sketch"]);
    }
    // The sketch has more columns than there are steps: one reading is all it takes.
    check(&dir, &["--passes", "1"]);
}

#[test]
fn parts_weights_and_masks() {
    let tmp = tempfile::tempdir().unwrap();
    let (_, values) = npy::read_f32(&golden("c_f4.npy")).unwrap();
    let sigma = |matrix: &Path, name: &str, args: &[&str]| -> Vec<f64> {
        let out = tmp.path().join(name);
        let run = svd(matrix, &out, args);
        let stderr = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success(), "{name}: {stderr}");
        npy::read_f64(&out.join("S.npy")).unwrap().1
    };
    // Steps 3, 5, .. 19, parameters 10..40 and 100..120, by hand.
    let part: Vec<f32> = (3..20)
        .step_by(2)
        .flat_map(|t| (10..40).chain(100..120).map(move |p| t * 120 + p))
        .map(|at| values[at])
        .collect();
    let by_hand = tmp.path().join("part.npy");
    npy::write_f32(&by_hand, &[9, 50], &part).unwrap();
    let args = [
        "--window", "3..20", "--stride", "2", "--params", "10..40", "--params", "100..120",
    ];
    assert_eq!(
        sigma(&golden("f_f4.npy"), "part", &args),
        sigma(&by_hand, "hand", &[])
    );
    // Rows of length 1: sigma^2 sums to their number.
    let out = sigma(&by_hand, "unit", &["--unit-norm", "--window", "0..6"]);
    let sum: f64 = out.iter().map(|s| s * s).sum();
    assert!((sum - 6.0).abs() < 1e-5, "{sum}");

    let mut holed = part.clone();
    (holed[7], holed[200]) = (f32::NAN, f32::INFINITY);
    let path = tmp.path().join("holed.npy");
    npy::write_f32(&path, &[9, 50], &holed).unwrap();
    let masked = sigma(&path, "masked", &["--non-finite", "mask"]);
    (holed[7], holed[200]) = (0.0, 0.0);
    let zeros = tmp.path().join("zeros.npy");
    npy::write_f32(&zeros, &[9, 50], &holed).unwrap();
    assert_eq!(masked, sigma(&zeros, "zeros", &[]));
    assert_eq!(
        certificate(&tmp.path().join("masked"))["non_finite_masked"],
        2
    );
    // Narrower than the rank that is asked for.
    let few = sigma(&zeros, "few", &["--window", "0..2"]);
    assert_eq!(few.len(), 2);
    assert_eq!(certificate(&tmp.path().join("few"))["requested"], 6);
}

#[test]
fn what_is_refused_says_why_and_by_its_code() {
    let tmp = tempfile::tempdir().unwrap();
    let huge = tmp.path().join("huge.npy");
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    std::fs::write(&huge, &bytes).unwrap();
    let cut = tmp.path().join("cut.npy");
    let whole = std::fs::read(golden("c_f4.npy")).unwrap();
    std::fs::write(&cut, &whole[..whole.len() - 4]).unwrap();
    let cube = tmp.path().join("cube.npy");
    npy::write_f32(&cube, &[2, 2, 2], &[1.0; 8]).unwrap();
    let holed = tmp.path().join("holed.npy");
    npy::write_f64(&holed, &[2, 3], &[1.0, 1.0, 1.0, 1.0, f64::NAN, 1.0]).unwrap();
    let plain = golden("c_f4.npy");
    let cases: &[(&Path, &[&str], i32, &str)] = &[
        (&huge, &[], 3, "a shape that fits in memory addresses"),
        (
            &cut,
            &[],
            3,
            "14400 bytes of data for shape [30, 120], found 14396",
        ),
        (&cube, &[], 3, "two axes"),
        (&golden("big_endian.npy"), &[], 3, "little-endian floats"),
        (&golden("make.py"), &[], 3, "a .npy file"),
        (&holed, &[], 5, "row 1, column 1 is NaN"),
        (&holed, &["--time-axis", "1"], 5, "row 1, column 1 is NaN"),
        (
            &plain,
            &["--window", "20..31"],
            2,
            "window: expected one within 0..30",
        ),
        (&plain, &["--window", "5"], 2, "expected A..B"),
        (&plain, &["--params", "0..121"], 2, "range of parameters"),
        (&plain, &["--layers", "a"], 2, "stream folder"),
        (&plain, &["--learning-rate"], 2, "stream folder"),
        (&plain, &["--stride", "0"], 2, "1 or more"),
        (&plain, &["--time-axis", "2"], 2, "time-axis"),
        (&plain, &["--max-memory", "much"], 2, "500MB"),
        (&plain, &["--max-memory", "1kB"], 2, "raise --max-memory"),
        (
            &plain,
            &["--passes", "1"],
            2,
            "max_passes: expected at least 2",
        ),
        (&plain, &["--tolerance", "1e-9"], 2, "tolerance"),
        (
            &plain,
            &["--method", "krylov", "--block", "1", "--passes", "2"],
            5,
            "raise --passes, or take --method gram",
        ),
        (
            &golden("dask_axis0"),
            &["--stack-axis", "1"],
            3,
            "info: expected axis 1, as asked for, found axis 0",
        ),
    ];
    for (index, (matrix, args, code, message)) in cases.iter().enumerate() {
        let run = svd(matrix, &tmp.path().join(format!("out{index}")), args);
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(*code), "{args:?}: {stderr}");
        assert!(stderr.contains(message), "{args:?}: {stderr}");
    }
    // What is not within the tolerance is written, and no error where that is allowed.
    let few = ["--method", "krylov", "--block", "1", "--passes", "2"];
    let out = tmp.path().join("allowed");
    let run = svd(&plain, &out, &[&few[..], &["--allow-unconverged"]].concat());
    assert!(run.status.success());
    let (told, c) = (String::from_utf8_lossy(&run.stdout), certificate(&out));
    assert_eq!(c["converged"], false);
    // Proved and likely, apart.
    for line in ["\nproved: no other", "\nlikely (all but 1e-6): none is"] {
        assert!(told.contains(line), "{told}");
    }
}
