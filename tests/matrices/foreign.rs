//! Matrices that other programs left: folders of pieces and of steps are what they are or are refused with
//! the file named, columns get names, and what the system refuses is an error with words.

use crate::common;

use std::path::Path;
use std::process::{Command, Output};

use gouda::gradients::{Dense, GradientMatrix, Matrix, Reading};
use gouda::nn::Layout;
use gouda::storage::{Access, npy};
use serde_json::Value;

fn entry(row: usize, column: usize) -> f32 {
    ((row * 37 + column * 11) % 101) as f32 - 50.0
}

/// A `.npy` file of the entries from this row and column on.
fn piece(path: &Path, shape: &[usize], (row, column): (usize, usize)) {
    let width = shape[shape.len() - 1];
    let len: usize = shape.iter().product();
    let values: Vec<f32> = (0..len)
        .map(|at| entry(row + at / width, column + at % width))
        .collect();
    npy::write_f32(path, shape, &values).unwrap();
}

fn open(dir: &Path, stack_axis: Option<usize>) -> Result<Matrix, String> {
    let reading = Reading {
        stack_axis,
        ..Reading::default()
    };
    Matrix::open_as(dir, reading).map_err(|error| error.to_string())
}

/// That the matrix has the entries of a whole one of this shape, in both precisions and any access.
fn is_whole(dir: &Path, stack_axis: Option<usize>, (rows, columns): (usize, usize)) {
    for access in [Access::Map, Access::Read, Access::Reopen] {
        let reading = Reading {
            stack_axis,
            ..Reading::by(access)
        };
        let matrix = Matrix::open_as(dir, reading).unwrap();
        let found = Dense::from_matrix(&matrix).unwrap();
        assert_eq!((found.time_len(), found.param_len()), (rows, columns));
        for row in 0..rows {
            for column in 0..columns {
                assert_eq!(found.row(row)[column], entry(row, column), "{row} {column}");
            }
        }
        let (rows, params) = (rows / 3..rows, columns / 4..columns / 2 + 1);
        let mut wide = vec![0.0; rows.len() * params.len()];
        matrix
            .read_block_f64(rows.clone(), params.clone(), &mut wide)
            .unwrap();
        let expected = rows.flat_map(|row| params.clone().map(move |p| (row, p)));
        for (value, (row, column)) in wide.into_iter().zip(expected) {
            assert_eq!(value, f64::from(entry(row, column)));
        }
    }
}

/// Files by name and shape.
type Pieces = &'static [(&'static str, [usize; 2])];

#[test]
fn pieces_are_put_together_one_way_or_refused_by_name() {
    let tmp = common::directory();
    let dir = |name: &str| {
        let dir = tmp.path().join(name);
        std::fs::create_dir(&dir).unwrap();
        dir
    };
    // dask's of 10 x 20 and 10 x 20: which way, only `info` or the user can say.
    let both = dir("both");
    piece(&both.join("0.npy"), &[10, 20], (0, 0));
    piece(&both.join("1.npy"), &[10, 20], (10, 0));
    let error = open(&both, None).unwrap_err();
    assert!(
        error.contains("both: expected to be told along which axis"),
        "{error}"
    );
    assert!(
        error.contains("--stack-axis 0 or --stack-axis 1"),
        "{error}"
    );
    is_whole(&both, Some(0), (20, 20));
    assert_eq!(open(&both, Some(1)).unwrap().param_len(), 40);
    // {"axis": 0, "chunks": ((10, 10), (20,))}
    let info = |axis: u8, first: &[u8], second: &[u8]| {
        let axis = [&b"}(X\x04\0\0\0axisK"[..], &[axis], b"X\x06\0\0\0chunks"];
        [&axis.concat(), first, second, b"\x86u."].concat()
    };
    let (tens, twenty) = (b"K\x0aK\x0a\x86", b"K\x14\x85");
    std::fs::write(both.join("info"), info(0, tens, twenty)).unwrap();
    is_whole(&both, None, (20, 20));
    assert_eq!(open(&both, None).unwrap().stack_axis(), Some(0));
    let error = open(&both, Some(1)).unwrap_err();
    assert!(
        error.contains("info: expected axis 1, as asked for, found axis 0"),
        "{error}"
    );
    for (axis, first, second, message) in [
        (
            0,
            &b"K\x0aK\x0aK\x0a\x87"[..],
            &twenty[..],
            "expected a file 2.npy, one of 3",
        ),
        (0, b"K\x0a\x85", twenty, "1.npy: expected one of 1 chunks"),
        (
            0,
            b"K\x0aK\x0b\x86",
            twenty,
            "1.npy: expected shape [11, 20], as info says, found shape [10, 20]",
        ),
        (1, b"K\x14\x85", tens, "0.npy: expected shape [20, 10]"),
    ] {
        std::fs::write(both.join("info"), info(axis, first, second)).unwrap();
        let error = open(&both, None).unwrap_err();
        assert!(error.contains(message), "{error} / {message}");
    }
    std::fs::write(both.join("info"), "notes of mine").unwrap();
    let error = open(&both, None).unwrap_err();
    assert!(
        error.contains("info: expected chunks and axis as dask"),
        "{error}"
    );

    // Without `info`, by the shapes and the numbers of the names.
    let cases: [(&str, Pieces, Result<usize, &str>); 10] = [
        (
            "rows",
            &[("0", [11, 30]), ("1", [11, 30]), ("2", [8, 30])],
            Ok(0),
        ),
        (
            "columns",
            &[("9", [30, 11]), ("10", [30, 11]), ("11", [30, 8])],
            Err("expected a file 8.npy"),
        ),
        (
            "columns2",
            &[("1", [30, 11]), ("2", [30, 11]), ("3", [30, 8])],
            Ok(1),
        ),
        (
            "by_first",
            &[("g-0", [50, 9]), ("g-50", [50, 9]), ("g-100", [20, 9])],
            Ok(0),
        ),
        (
            "gap",
            &[("0", [11, 30]), ("1", [11, 30]), ("3", [8, 30])],
            Err("gap: expected a file 2.npy"),
        ),
        (
            "narrow",
            &[("0", [9, 30]), ("1", [9, 29]), ("2", [9, 30])],
            Err("1.npy: expected shape [9, 30], as 0.npy has, or --stack-axis 1"),
        ),
        (
            "neither",
            &[("0", [9, 30]), ("1", [9, 29]), ("2", [7, 30])],
            Err("1.npy: expected 30 columns, as 0.npy has, found 29 columns"),
        ),
        (
            "copy",
            &[("0", [9, 30]), ("1", [9, 30]), ("1 (1)", [5, 30])],
            Err("1 (1).npy: expected a name that differs from 0.npy in numbers"),
        ),
        (
            "u",
            &[("0", [9, 30]), ("1", [9, 30]), ("U", [9, 30])],
            Err("U.npy: expected a name"),
        ),
        (
            "hidden",
            &[("0", [9, 30]), ("1", [9, 30]), ("._1", [9, 30])],
            Err("._1.npy: expected a name"),
        ),
    ];
    for (name, files, expected) in cases {
        let dir = dir(name);
        let (mut row, mut column) = (0, 0);
        for (file, shape) in files {
            piece(&dir.join(format!("{file}.npy")), shape, (row, column));
            if expected == Ok(1) {
                column += shape[1];
            } else {
                row += shape[0];
            }
        }
        match (open(&dir, None), expected) {
            (Ok(matrix), Ok(axis)) => {
                assert_eq!(matrix.stack_axis(), Some(axis), "{name}");
                let (rows, columns) = (row.max(files[0].1[0]), column.max(files[0].1[1]));
                is_whole(&dir, None, (rows, columns));
            }
            (Err(error), Err(message)) => assert!(error.contains(message), "{name}: {error}"),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}

/// A safetensors file of tensors by name, type and shape, filled with a row of the matrix.
fn step(path: &Path, row: usize, tensors: &[(&str, &str, &[usize])]) {
    let (mut data, mut header, mut column) = (Vec::<u8>::new(), serde_json::Map::new(), 0);
    for (name, dtype, shape) in tensors {
        let start = data.len();
        for _ in 0..shape.iter().product::<usize>() {
            let value = entry(row, column);
            column += 1;
            match *dtype {
                "F64" => data.extend(f64::from(value).to_le_bytes()),
                // Whole numbers below 64 have few bits.
                "BF16" => data.extend(&value.to_le_bytes()[2..]),
                "F16" => data.extend(half(value).to_le_bytes()),
                _ => data.extend(value.to_le_bytes()),
            }
        }
        let entry = serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [start, data.len()]});
        header.insert((*name).into(), entry);
    }
    // Steps differ in what they say of themselves.
    header.insert(
        "__metadata__".into(),
        serde_json::json!({"step": row.to_string()}),
    );
    let header = Value::Object(header).to_string();
    let bytes = [
        &(header.len() as u64).to_le_bytes()[..],
        header.as_bytes(),
        &data,
    ]
    .concat();
    std::fs::write(path, bytes).unwrap();
}

/// A whole number below 2048 as the bits of a half.
fn half(value: f32) -> u16 {
    if value == 0.0 {
        return 0;
    }
    let bits = value.to_bits();
    let exponent = (bits >> 23 & 0xff) - 112;
    (bits >> 16 & 0x8000 | exponent << 10 | bits >> 13 & 0x3ff) as u16
}

/// Steps that were saved with checksums are held to them.
fn has_damage_that_is_found(tmp: &Path) {
    let dir = tmp.join("summed");
    std::fs::create_dir(&dir).unwrap();
    for row in 0..3 {
        let tensor = gouda::storage::tensors::Tensor {
            name: "w",
            shape: &[2, 2],
            values: &[1.0, 2.0, 3.0, row as f32],
        };
        let path = dir.join(format!("step-{row}.safetensors"));
        gouda::storage::tensors::save(&path, &[tensor], &Default::default()).unwrap();
    }
    let matrix = open(&dir, None).unwrap();
    assert!(matrix.has_checksums().unwrap() && matrix.verify().is_ok());
    let path = dir.join("step-1.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let out = tmp.join("damaged");
    told(
        &gouda(&[], &dir, &out).output().unwrap(),
        3,
        &["step-1.safetensors: expected CRC"],
    );
}

#[test]
fn one_step_a_file_is_a_matrix_with_the_names_of_its_tensors() {
    let tmp = common::directory();
    let tensors: [(&str, &str, &[usize]); 5] = [
        ("z.weight", "F32", &[3, 4]),
        ("norm", "F64", &[2]),
        ("empty", "F32", &[0, 3]),
        ("a.weight", "BF16", &[5]),
        ("a.bias", "F16", &[]),
    ];
    let dir = tmp.path().join("steps");
    std::fs::create_dir(&dir).unwrap();
    let path = |row: usize| dir.join(format!("step-{}.safetensors", 5 * row));
    for row in 0..12 {
        step(&path(row), row, &tensors);
    }
    is_whole(&dir, None, (12, 20));
    let matrix = open(&dir, None).unwrap();
    assert!(matrix.is_double() && matrix.stack_axis().is_none());
    let of = |t: &(&str, &str, &[usize])| (t.0.to_owned(), t.2.to_vec());
    let layout = Layout::new(tensors.iter().map(of).collect());
    assert_eq!(matrix.layout(), Some(&layout));
    assert!(!matrix.has_checksums().unwrap());
    assert!(matrix.with_layout(layout).is_ok());
    let other = Layout::new(vec![("w".into(), vec![20])]);
    let error = open(&dir, None)
        .unwrap()
        .with_layout(other)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("names, z.weight [3, 4], found w [20]"),
        "{error}"
    );

    has_damage_that_is_found(tmp.path());

    // One that is not finite, that is missing, and that has other tensors.
    let refused = |message: &str| {
        let found = open(&dir, None)
            .and_then(|matrix| Dense::from_matrix(&matrix).map_err(|error| error.to_string()));
        let error = found.unwrap_err();
        assert!(error.contains(message), "{error} / {message}");
    };
    let mut bytes = std::fs::read(path(7)).unwrap();
    let end = bytes.len();
    bytes[end - 2..].copy_from_slice(&[0x00, 0x7c]);
    std::fs::write(path(7), bytes).unwrap();
    refused("step-35.safetensors: row 7, column 19 (a.bias[0]) is inf");
    std::fs::remove_file(path(7)).unwrap();
    refused("steps: expected a file step-35.safetensors, found no such file");
    let narrower: [(&str, &str, &[usize]); 5] = [
        tensors[0],
        tensors[1],
        tensors[2],
        ("a.weight", "F32", &[4]),
        tensors[4],
    ];
    step(&path(7), 7, &narrower);
    refused(
        "step-35.safetensors: expected tensor a.weight of shape [5], as step-0.safetensors has, found tensor a.weight of shape [4]",
    );
    step(&path(7), 7, &tensors[..4]);
    refused("expected tensor a.bias of shape [], as step-0.safetensors has, found no more tensors");
    step(&path(7), 7, &[("w", "I32", &[20])]);
    refused("step-35.safetensors: expected tensor w of type F16, BF16, F32 or F64, found I32");
    // Another type of the same tensors is the same step.
    let wider = tensors.map(|(name, _, shape)| (name, "F64", shape));
    step(&path(7), 7, &wider);
    is_whole(&dir, None, (12, 20));
    let one = Matrix::open(&path(7)).unwrap_err().to_string();
    assert!(one.contains("the folder of all steps"), "{one}");

    // Vectors, with one axis and with two.
    for shape in [&[20][..], &[1, 20]] {
        let dir = tmp.path().join(format!("vectors-{}", shape.len()));
        std::fs::create_dir(&dir).unwrap();
        let path = |row: usize| dir.join(format!("g{row}.npy"));
        (0..12).for_each(|row| piece(&path(row), shape, (row, 0)));
        is_whole(&dir, None, (12, 20));
        piece(&path(7), &[shape.len(), 19], (7, 0));
        let error = open(&dir, None).unwrap_err();
        assert!(error.contains("g7.npy: expected"), "{error}");
        std::fs::remove_file(path(7)).unwrap();
        let error = open(&dir, None).unwrap_err();
        assert!(
            error.contains("expected a file g7.npy, found no such file"),
            "{error}"
        );
    }
}

fn gouda(args: &[&str], matrix: &Path, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
    command
        .arg("svd")
        .arg(matrix)
        .args(["--rank=3", "--json", "--out"]);
    command.arg(out).args(args);
    command
}

fn told(output: &Output, code: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn columns_have_the_names_they_are_given() {
    let tmp = common::directory();
    let place = |name: &str| tmp.path().join(name);
    piece(&place("m.npy"), &[6, 20], (0, 0));
    std::fs::write(
        place("layers.json"),
        r#"[["a", [3, 4]], ["b.w", [7]], ["b.v", []]]"#,
    )
    .unwrap();
    let layers = place("layers.json").display().to_string();
    let with_layout = ["--layout", layers.as_str(), "--layers", "b"];
    let output = gouda(&with_layout, &place("m.npy"), &place("b"))
        .output()
        .unwrap();
    told(&output, 0, &[]);
    let output = gouda(&["--params", "12..20"], &place("m.npy"), &place("p"))
        .output()
        .unwrap();
    told(&output, 0, &[]);
    for name in ["U.npy", "S.npy", "V.npy"] {
        let [a, b] = ["b", "p"].map(|out| std::fs::read(place(out).join(name)).unwrap());
        assert_eq!(a, b, "{name}");
    }
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |key: &str| summary[key].as_f64().unwrap();
    let relative = number("worst_residual") / summary["sigma"][0].as_f64().unwrap();
    assert_eq!(number("worst_relative_residual"), relative);
    std::fs::write(place("short.json"), r#"[["a", [3, 4]], ["b", [7]]]"#).unwrap();
    let short = place("short.json").display().to_string();
    let output = gouda(&["--layout", &short], &place("m.npy"), &place("o"))
        .output()
        .unwrap();
    told(
        &output,
        3,
        &[
            "short.json: expected 20 parameters in all",
            "m.npy",
            "found 19",
        ],
    );
    let twice = ["--params", "0..5", "--params", "3..8"];
    let output = gouda(&twice, &place("m.npy"), &place("o"))
        .output()
        .unwrap();
    told(
        &output,
        2,
        &["--params", "do not overlap, found 0..5 and 3..8"],
    );

    // More steps than parameters: told, unless the axis was.
    piece(&place("tall.npy"), &[20, 6], (0, 0));
    let output = gouda(&["--quiet"], &place("tall.npy"), &place("tall"))
        .output()
        .unwrap();
    told(
        &output,
        0,
        &["20 steps of only 6 parameters", "--time-axis 1"],
    );
    for axis in ["0", "1"] {
        let args = ["--quiet", "--time-axis", axis];
        let output = gouda(&args, &place("tall.npy"), &place(axis))
            .output()
            .unwrap();
        told(&output, 0, &[]);
        assert!(output.stderr.is_empty());
    }
    // And which way a stack was read.
    std::fs::create_dir(place("stack")).unwrap();
    piece(&place("stack/0.npy"), &[4, 9], (0, 0));
    piece(&place("stack/1.npy"), &[3, 9], (4, 0));
    let output = gouda(&[], &place("stack"), &place("stacked"))
        .output()
        .unwrap();
    told(&output, 0, &[]);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let certificate = std::fs::read(place("stacked/certificate.json")).unwrap();
    let certificate: Value = serde_json::from_slice(&certificate).unwrap();
    assert_eq!(
        (&summary["stack_axis"], &certificate["stack_axis"]),
        (&0.into(), &0.into())
    );

    // A run in the place of a stream.
    let total = place("run/gradients/total");
    std::fs::create_dir_all(&total).unwrap();
    for (given, what) in [
        ("run", "the directory of a run"),
        ("run/gradients", "neither"),
    ] {
        if given == "run" {
            let output = gouda(&[], &place(given), &place("o")).output().unwrap();
            told(
                &output,
                3,
                &["run: expected one matrix", what, "came to its end"],
            );
        }
        std::fs::write(total.join("manifest.json"), "").unwrap();
        let output = gouda(&[], &place(given), &place("o")).output().unwrap();
        told(
            &output,
            3,
            &["expected one matrix: ", "run/gradients/total", "found"],
        );
    }
    assert!(!place("o").exists());
}

#[cfg(unix)]
#[test]
fn what_the_system_refuses_is_an_error_and_what_it_left_is_in_nobodys_way() {
    let tmp = common::directory();
    let place = |name: &str| tmp.path().join(name);
    // U.npy is 3 x 4 bytes a parameter: more than the 32 KiB, or 64, that a file may have.
    piece(&place("m.npy"), &[4, 20_000], (0, 0));
    let out = place("out");
    let mut limited = Command::new("sh");
    let script = "ulimit -f 64; exec \"$@\"";
    limited.args([
        "-c",
        script,
        "sh",
        env!("CARGO_BIN_EXE_gouda"),
        "svd",
        "--rank=3",
    ]);
    limited.arg(place("m.npy")).arg("--out").arg(&out);
    let output = limited.output().unwrap();
    told(&output, 4, &["cannot write ", "out/U.npy", "large"]);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);

    // What a process that is no more left there; one that is there still; and what is not ours.
    let left = out.join(format!("U.npy.{}.part", u32::MAX));
    std::fs::write(&left, "half").unwrap();
    if cfg!(target_os = "linux") {
        let other = out.join(format!("V.npy.{}.part", std::process::id()));
        std::fs::write(&other, "half").unwrap();
        let output = gouda(&[], &place("m.npy"), &out).output().unwrap();
        told(&output, 6, &["in use by another process"]);
        std::fs::remove_file(other).unwrap();
    }
    let foreign = out.join("film.1.part");
    std::fs::write(&foreign, "").unwrap();
    let output = gouda(&[], &place("m.npy"), &out).output().unwrap();
    told(&output, 2, &["not empty"]);
    assert!(left.exists() && foreign.exists());
    std::fs::remove_file(foreign).unwrap();
    let output = gouda(&[], &place("m.npy"), &out).output().unwrap();
    told(&output, 0, &[]);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 4);

    // Another holds the lock; who knows better goes on without one.
    let run = place("run");
    std::fs::create_dir(&run).unwrap();
    let lock = std::fs::File::create(run.join(".lock")).unwrap();
    lock.lock().unwrap();
    let train = |no_lock: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
        command.args(["train", "--quiet"]);
        for set in common::TINY {
            command.args(["--set", set]);
        }
        command.env("GOUDA_NO_LOCK", no_lock).arg("--out").arg(&run);
        command.output().unwrap()
    };
    told(&train("yes"), 2, &["GOUDA_NO_LOCK: expected 1, found yes"]);
    assert!(!run.join("config.toml").exists());
    told(&train("1"), 0, &[]);
    assert!(run.join("manifest.json").exists());
}
