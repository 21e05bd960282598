//! Malformed matrices for `gouda svd`, and questions that a sound one cannot answer.

use std::path::Path;

use super::harness::{Case, case, npy, replace};

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = headers();
    cases.extend(questions());
    cases.extend(folders());
    cases.extend(streams());
    cases
}

/// 4 x 5 numbers.
fn sound(dir: &Path) {
    let values: Vec<u8> = (0..20u32)
        .flat_map(|i| (i as f32).sin().to_le_bytes())
        .collect();
    std::fs::write(dir.join("m.npy"), npy("<f4", false, "(4, 5)", &values)).unwrap();
}

fn headers() -> Vec<Case> {
    let of = |shape: &str| npy("<f4", false, shape, &[0; 80]);
    let nan = {
        let mut values = [0u8; 80];
        values[24..28].copy_from_slice(&f32::NAN.to_le_bytes());
        npy("<f4", false, "(4, 5)", &values)
    };
    let infinite = {
        let mut values = [0u8; 160];
        values[152..].copy_from_slice(&f64::NEG_INFINITY.to_le_bytes());
        npy("<f8", true, "(4, 5)", &values)
    };
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    let many = format!("({}4, 5)", "1, ".repeat(10_000));
    let table: Vec<(&str, Vec<u8>, i32, &[&str])> = vec![
        ("empty", vec![], 3, &["begins with"]),
        ("text", b"hello".to_vec(), 3, &["begins with", "hello"]),
        (
            "escape sequences",
            b"\x1b[2J\x1b]0;title\x07".to_vec(),
            3,
            &["\\x1b[2J"],
        ),
        ("a zip", b"PK\x03\x04".to_vec(), 3, &["an archive", ".npz"]),
        (
            "version 9",
            b"\x93NUMPY\x09\x00....".to_vec(),
            3,
            &["version 1, 2 or 3"],
        ),
        (
            "a header of 2^32",
            long,
            3,
            &["less than 64 KiB", "4294967295"],
        ),
        (
            "a cut header",
            of("(4, 5)")[..30].to_vec(),
            3,
            &["a header of"],
        ),
        (
            "one byte short",
            of("(4, 5)")[..of("(4, 5)").len() - 1].to_vec(),
            3,
            &["80 bytes of data", "found 79"],
        ),
        (
            "one row short",
            of("(5, 5)"),
            3,
            &["100 bytes of data", "found 80"],
        ),
        (
            "shape (2^63, 2)",
            of("(9223372036854775808, 2)"),
            3,
            &["fits in memory addresses"],
        ),
        (
            "shape (2^64-1, 1)",
            of("(18446744073709551615, 1)"),
            3,
            &["fits in memory addresses"],
        ),
        (
            "shape (2^64, 1)",
            of("(18446744073709551616, 1)"),
            3,
            &["64 bits"],
        ),
        (
            "shape (2^32, 2^32)",
            of("(4294967296, 4294967296)"),
            3,
            &["fits in memory addresses"],
        ),
        (
            "shape (2^61, 8): 0 modulo 2^64",
            of("(2305843009213693952, 8)"),
            3,
            &["fits in memory addresses"],
        ),
        ("a negative axis", of("(-4, -5)"), 3, &["64 bits"]),
        ("one axis", of("(20,)"), 3, &["two axes"]),
        ("three axes", of("(2, 2, 5)"), 3, &["two axes"]),
        (
            "no axis",
            npy("<f4", false, "()", &[0; 4]),
            3,
            &["two axes"],
        ),
        ("10,000 axes", of(&many), 3, &["m.npy"]),
        (
            "whole numbers",
            npy("<i4", false, "(4, 5)", &[0; 80]),
            3,
            &["<f4", "found '<i4', whole numbers"],
        ),
        (
            "big-endian",
            npy(">f4", false, "(4, 5)", &[0; 80]),
            3,
            &["little-endian"],
        ),
        (
            "objects",
            npy("|O", false, "(4, 5)", &[0; 160]),
            3,
            &["'<f2', '<f4' or '<f8'"],
        ),
        (
            "no rows",
            npy("<f4", false, "(0, 5)", &[]),
            3,
            &["found 0 steps x 5 parameters"],
        ),
        (
            "no columns",
            npy("<f4", false, "(4, 0)", &[]),
            3,
            &["found 4 steps x 0 parameters"],
        ),
        (
            "shape (2^60, 0)",
            npy("<f4", false, "(1152921504606846976, 0)", &[]),
            3,
            &["found 1152921504606846976 steps x 0 parameters"],
        ),
        (
            "shape (0, 2^60)",
            npy("<f4", false, "(0, 1152921504606846976)", &[]),
            3,
            &["found 0 steps x 1152921504606846976 parameters"],
        ),
        ("a NaN", nan, 5, &["m.npy", "row 1, column 1", "NaN"]),
        (
            "an infinity, Fortran order",
            infinite,
            5,
            &["m.npy", "row 3, column 4", "-inf"],
        ),
    ];
    let mut cases = Vec::new();
    for (what, bytes, code, words) in table {
        // Empty ones in every way of reading that goes through all rows or columns first.
        let ways: &[&str] = if what.contains('0') || what.starts_with("no ") {
            &[
                "",
                "--unit-norm",
                "--non-finite mask",
                "--unit-norm --time-axis 0 --stride 3",
            ]
        } else {
            &[""]
        };
        for way in ways {
            let args = format!("svd {{dir}}/m.npy --out {{dir}}/o {way}");
            let bytes = bytes.clone();
            cases.push(case(
                &format!("matrix: {what} {way}"),
                &args,
                code,
                words,
                move |dir| {
                    std::fs::write(dir.join("m.npy"), &bytes).unwrap();
                },
            ));
        }
    }
    cases
}

fn questions() -> Vec<Case> {
    let table: &[(&str, i32, &[&str])] = &[
        ("--rank 0", 2, &["svd.rank", "1 to 65536"]),
        (
            "--rank 18446744073709551615",
            2,
            &["svd.rank", "1 to 65536"],
        ),
        ("--rank 18446744073709551616", 2, &["18446744073709551616"]),
        ("--block 0", 2, &["svd.block"]),
        ("--block 18446744073709551615", 2, &["svd.block"]),
        ("--passes 0", 2, &["max_passes"]),
        ("--passes 1", 2, &["max_passes", "at least 2"]),
        ("--tolerance 0", 2, &["tolerance"]),
        ("--tolerance nan", 2, &["tolerance"]),
        ("--tolerance -1", 2, &["-1"]),
        ("--max-memory 0", 2, &["expected bytes"]),
        ("--max-memory 1EB", 2, &["expected bytes"]),
        ("--max-memory 1", 2, &["--max-memory"]),
        ("--max-memory nan", 2, &["expected bytes"]),
        ("--time-axis 2", 2, &["2"]),
        ("--stack-axis 7", 2, &["7"]),
        ("--stride 0", 2, &["1 or more"]),
        ("--stride -1", 2, &["-1"]),
        ("--window 0..0", 2, &["A..B"]),
        ("--window 3..2", 2, &["A..B"]),
        ("--window 3", 2, &["A..B"]),
        ("--window 2..5", 2, &["--window", "within 0..4", "2..5"]),
        (
            "--window 0..18446744073709551615",
            2,
            &["--window", "within 0..4"],
        ),
        (
            "--window 18446744073709551614..18446744073709551615",
            2,
            &["within 0..4"],
        ),
        ("--params 4..6", 2, &["--params", "within 0..5", "4..6"]),
        (
            "--params 0..18446744073709551615",
            2,
            &["--params", "within 0..5"],
        ),
        ("--layers conv1", 2, &["--layers", "stream folder"]),
        ("--learning-rate", 2, &["--learning-rate", "stream folder"]),
        ("--method magic", 2, &["magic"]),
        ("--threads 0", 2, &["--threads 0"]),
        ("--seed -1", 2, &["-1"]),
    ];
    let mut cases: Vec<Case> = table
        .iter()
        .map(|(way, code, words)| {
            let args = format!("svd {{dir}}/m.npy --quiet --out {{dir}}/o {way}");
            case(&format!("svd {way}"), &args, *code, words, sound)
        })
        .collect();
    for (what, text, words) in [
        ("of nothing", "", "layers.json: expected a list of tensors"),
        (
            "of two of one name",
            "[[\"a\", [2]], [\"a\", [3]]]",
            "names, each once",
        ),
        (
            "of 2^64",
            "[[\"a\", [4294967296, 4294967296]]]",
            "fit in memory addresses",
        ),
        (
            "of too few",
            "[[\"a\", [2, 2]]]",
            "expected 5 parameters in all",
        ),
    ] {
        let args = "svd {dir}/m.npy --out {dir}/o --layout {dir}/layers.json";
        cases.push(case(
            &format!("a layout {what}"),
            args,
            3,
            &[words],
            move |dir| {
                sound(dir);
                std::fs::write(dir.join("layers.json"), text).unwrap();
            },
        ));
    }
    cases.push(case(
        "svd into a directory of something else",
        "svd {dir}/m.npy --out {dir}",
        2,
        &["is not empty"],
        sound,
    ));
    cases.push(case(
        "svd into a file",
        "svd {dir}/m.npy --out {dir}/m.npy/x",
        4,
        &["cannot create"],
        sound,
    ));
    cases.push(case(
        "svd of nothing",
        "svd {dir}/none.npy --out {dir}/o",
        4,
        &["none.npy"],
        |_| {},
    ));
    cases.push(case(
        "svd of /dev/zero",
        "svd /dev/zero --out {dir}/o",
        3,
        &["/dev/zero", "a regular file"],
        |_| {},
    ));
    #[cfg(unix)]
    cases.push(case(
        "svd of a pipe that nobody writes",
        "svd {dir}/pipe.npy --out {dir}/o",
        3,
        &["a regular file"],
        |dir| {
            pipe(&dir.join("pipe.npy"));
        },
    ));
    cases
}

/// A pipe at `path`.
#[cfg(unix)]
pub fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo")
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

fn folders() -> Vec<Case> {
    let args = "svd {dir}/folder --out {dir}/o";
    let folder = |files: Vec<(&'static str, Vec<u8>)>| {
        move |dir: &Path| {
            std::fs::create_dir(dir.join("folder")).unwrap();
            for (name, bytes) in &files {
                std::fs::write(dir.join("folder").join(name), bytes).unwrap();
            }
        }
    };
    let of = |shape: &str, len: usize| npy("<f4", false, shape, &vec![0; 4 * len]);
    let huge = |shape: &str| npy("<f4", false, shape, &[]);
    vec![
        case(
            "an empty folder",
            args,
            3,
            &["manifest.json, or .npy or .safetensors files"],
            folder(vec![]),
        ),
        case(
            "a folder of files that do not fit",
            args,
            3,
            &["1.npy: expected 3 columns, as 0.npy has"],
            folder(vec![
                ("0.npy", of("(2, 3)", 6)),
                ("1.npy", of("(4, 5)", 20)),
            ]),
        ),
        case(
            "a folder with a text in it",
            args,
            3,
            &["1.npy", "begins with"],
            folder(vec![("0.npy", of("(2, 3)", 6)), ("1.npy", b"x".to_vec())]),
        ),
        case(
            "a stack of 2^64 rows",
            args,
            3,
            &["fits in memory addresses"],
            folder(vec![
                ("0.npy", huge("(9223372036854775808, 0)")),
                ("1.npy", huge("(9223372036854775808, 0)")),
            ]),
        ),
        case(
            "a stack of rows of nothing",
            args,
            3,
            &["folder", "memory addresses"],
            folder(vec![
                ("0.npy", huge("(18446744073709551615, 0)")),
                ("1.npy", huge("(18446744073709551615, 0)")),
            ]),
        ),
        case(
            "files of two kinds",
            args,
            3,
            &[".npy and .safetensors"],
            folder(vec![
                ("0.npy", of("(2, 3)", 6)),
                ("1.safetensors", b"x".to_vec()),
            ]),
        ),
        case(
            "a step of text",
            args,
            3,
            &["1.safetensors", "the length of its header"],
            folder(vec![("1.safetensors", b"hello".to_vec())]),
        ),
        case(
            "a step with a header of 2^63",
            args,
            3,
            &["1.safetensors", "9223372036854775808 in a file of 16 bytes"],
            folder(vec![(
                "1.safetensors",
                [&(1u64 << 63).to_le_bytes()[..], &[b' '; 8]].concat(),
            )]),
        ),
        case(
            "a step without tensors",
            args,
            3,
            &["1 steps x 0 parameters"],
            folder(vec![(
                "1.safetensors",
                [&2u64.to_le_bytes()[..], b"{}"].concat(),
            )]),
        ),
        case(
            "an info that is no pickle of dask's",
            args,
            3,
            &["folder/info", "dask"],
            folder(vec![
                ("0.npy", of("(2, 3)", 6)),
                ("info", b"\x80\x04cos\nsystem\n.".to_vec()),
            ]),
        ),
        case(
            "shards without a manifest",
            args,
            4,
            &["manifest.json"],
            folder(vec![("shard-00000.npy", of("(2, 3)", 6))]),
        ),
    ]
}

/// Makes the checksum of the sketch right again in the manifest beside it.
fn sum_sketch_again(dir: &Path) {
    let stream = dir.join("run/gradients/total");
    let sum = |file: &str| {
        gouda::storage::FileSum::of(&stream.join(file))
            .unwrap()
            .crc32
    };
    let before = gouda::gradients::Manifest::load(&stream)
        .unwrap()
        .sketch
        .unwrap();
    let (from, to) = [before, sum("sketch.npy")]
        .map(|sum| format!("\"sketch\":{sum}"))
        .into();
    replace(&stream.join("manifest.json"), &from, &to);
}

/// The manifest of a recorded stream, and what lies beside it.
fn streams() -> Vec<Case> {
    let max = "18446744073709551615";
    let huge_tensor = "\"shape\":[4294967296,4294967296]";
    let table: Vec<(&str, &str, String, &[&str])> = vec![
        (
            "another format",
            "gouda gradient",
            "other".into(),
            &["found format"],
        ),
        (
            "version 0",
            "\"version\":2",
            "\"version\":0".into(),
            &["version 2", "version 0"],
        ),
        (
            "version 2^32-1",
            "\"version\":2",
            "\"version\":4294967295".into(),
            &["version 4294967295"],
        ),
        (
            "version 2^32",
            "\"version\":2",
            "\"version\":4294967296".into(),
            &["manifest.json"],
        ),
        (
            "no rows",
            "\"shape\":[11,",
            "\"shape\":[0,".into(),
            &["0 rows", "11 values"],
        ),
        (
            "2^64-1 rows",
            "\"shape\":[11,",
            format!("\"shape\":[{max},"),
            &["rows", "11 values"],
        ),
        (
            "2^64 rows",
            "\"shape\":[11,",
            "\"shape\":[18446744073709551616,".into(),
            &["manifest.json"],
        ),
        (
            "-1 rows",
            "\"shape\":[11,",
            "\"shape\":[-1,".into(),
            &["manifest.json"],
        ),
        (
            "no parameters",
            "\"shape\":[11,1113]",
            "\"shape\":[11,0]".into(),
            &["a layout of 0 parameters"],
        ),
        (
            "2^64-1 parameters",
            "\"shape\":[11,1113]",
            format!("\"shape\":[11,{max}]"),
            &["layout of 18446744073709551615 parameters"],
        ),
        (
            "a tensor of 2^64",
            "\"shape\":[3,3,3,4]",
            huge_tensor.into(),
            &["conv0.weight", "too large"],
        ),
        (
            "a tensor elsewhere",
            "\"offset\":108",
            "\"offset\":107".into(),
            &["conv0.bias at 107", "108 was expected"],
        ),
        (
            "a tensor at 2^64-1",
            "\"offset\":108",
            format!("\"offset\":{max}"),
            &["conv0.bias", "108 was expected"],
        ),
        (
            "blocks of 0 rows",
            "\"block_rows\":64",
            "\"block_rows\":0".into(),
            &["block_rows of 1 or more"],
        ),
        (
            "blocks of 1 row",
            "\"block_rows\":64",
            "\"block_rows\":1".into(),
            &["11 checksums of shard-00000.npy"],
        ),
        (
            "a shard above",
            "\"shard-00000.npy\"",
            "\"../update/shard-00000.npy\"".into(),
            &["in the same folder", "../update"],
        ),
        (
            "a shard from the root",
            "\"shard-00000.npy\"",
            "\"/dev/zero\"".into(),
            &["in the same folder", "/dev/zero"],
        ),
        (
            "a shard of no name",
            "\"shard-00000.npy\"",
            "\"\"".into(),
            &["in the same folder"],
        ),
        (
            "a shard of a long name",
            "\"shard-00000.npy\"",
            format!("\"{}/\"", "x/".repeat(1 << 20)),
            &["in the same folder", "left out"],
        ),
        (
            "a shard of escape sequences",
            "\"shard-00000.npy\"",
            "\"a/\\u001b[2Jb\"".into(),
            &["a/\\u{1b}[2Jb"],
        ),
        (
            "a shard that ends at 2^64-1",
            "\"end\":1113",
            format!("\"end\":{max}"),
            &["shards of 1113 parameters"],
        ),
        (
            "a shard that ends before it begins",
            "\"end\":1113",
            "\"end\":0".into(),
            &["parameters from 0 on"],
        ),
        (
            "a shard that begins late",
            "\"start\":0",
            "\"start\":1".into(),
            &["parameters from 0 on", "1..1113"],
        ),
        (
            "no shards",
            "\"shards\":[",
            "\"shards\":[],\"others\":[".into(),
            &["manifest.json"],
        ),
        (
            "a checksum more",
            "\"blocks\":[",
            "\"blocks\":[0,".into(),
            &["1 checksums", "found 2"],
        ),
        (
            "another checksum",
            "\"blocks\":[",
            "\"blocks\":[1".into(),
            &["manifest.json"],
        ),
        (
            "rows that end before they begin",
            "\"last_update\":[5",
            "\"last_update\":[0,5],\"x\":[5".into(),
            &["rows"],
        ),
        (
            "a row up to 2^64-1",
            "\"last_update\":[5",
            format!("\"last_update\":[{max}"),
            &["first_update up to last_update", "row 0"],
        ),
        (
            "a step size of 1e999",
            "\"learning_rate\":[0.001",
            "\"learning_rate\":[1e999".into(),
            &["manifest.json", "number out of range"],
        ),
        (
            "no step size",
            "\"learning_rate\":[0.001",
            "\"learning_rate\":[null".into(),
            &["manifest.json", "null"],
        ),
        ("no end", "\"rows\":{", "".into(), &["manifest.json"]),
    ];
    let args = "svd {run}/gradients/total --quiet --out {dir}/o";
    let mut cases: Vec<Case> = table
        .into_iter()
        .map(|(what, from, to, words)| {
            case(&format!("stream: {what}"), args, 3, words, move |dir| {
                replace(&dir.join("run/gradients/total/manifest.json"), from, &to);
            })
        })
        .collect();
    let total = |dir: &Path, name: &str| dir.join("run/gradients/total").join(name);
    cases.push(case(
        "stream: a flipped bit",
        args,
        3,
        &["shard-00000.npy", "CRC", "rows 0 to 10"],
        move |dir| {
            let path = total(dir, "shard-00000.npy");
            let mut bytes = std::fs::read(&path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(path, bytes).unwrap();
        },
    ));
    cases.push(case(
        "stream: no shard",
        args,
        4,
        &["shard-00000.npy"],
        move |dir| {
            std::fs::remove_file(total(dir, "shard-00000.npy")).unwrap();
        },
    ));
    cases.push(case(
        "stream: another shard",
        args,
        3,
        &["expected shape [11, 1113]", "[2, 2]"],
        move |dir| {
            std::fs::write(
                total(dir, "shard-00000.npy"),
                npy("<f4", false, "(2, 2)", &[0; 16]),
            )
            .unwrap();
        },
    ));
    cases.push(case(
        "stream: another sketch",
        args,
        3,
        &["sketch.npy", "[11, 64]"],
        move |dir| {
            std::fs::write(
                total(dir, "sketch.npy"),
                npy("<f8", false, "(2, 2)", &[0; 32]),
            )
            .unwrap();
            sum_sketch_again(dir);
        },
    ));
    cases.push(case(
        "stream: a sketch of NaN",
        args,
        5,
        &["sketch.npy", "row 0, column 0 is NaN"],
        move |dir| {
            let nan = f64::NAN.to_le_bytes().repeat(11 * 64);
            std::fs::write(
                total(dir, "sketch.npy"),
                npy("<f8", false, "(11, 64)", &nan),
            )
            .unwrap();
            sum_sketch_again(dir);
        },
    ));
    cases.push(case(
        "stream: lists 100,000 deep",
        args,
        3,
        &["manifest.json", "the manifest of a gradient matrix"],
        move |dir| {
            std::fs::write(total(dir, "manifest.json"), "[".repeat(100_000)).unwrap();
        },
    ));
    cases.push(case(
        "stream: a manifest of 2 GB",
        args,
        3,
        &["manifest.json", "at most 1073741824 bytes"],
        move |dir| {
            let file = std::fs::File::create(total(dir, "manifest.json")).unwrap();
            file.set_len(2 << 30).unwrap();
        },
    ));
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        cases.push(case(
            "stream: a shard that is a link out of it",
            args,
            3,
            &["files inside", "shard-00000.npy"],
            move |dir| {
                let path = total(dir, "shard-00000.npy");
                std::fs::rename(&path, dir.join("elsewhere.npy")).unwrap();
                symlink(dir.join("elsewhere.npy"), path).unwrap();
            },
        ));
        cases.push(case(
            "stream: a shard that is /dev/zero",
            args,
            3,
            &["files inside"],
            move |dir| {
                std::fs::remove_file(total(dir, "shard-00000.npy")).unwrap();
                symlink("/dev/zero", total(dir, "shard-00000.npy")).unwrap();
            },
        ));
        cases.push(case(
            "stream: a manifest that is /dev/zero",
            args,
            3,
            &["manifest.json", "a regular file"],
            move |dir| {
                std::fs::remove_file(total(dir, "manifest.json")).unwrap();
                symlink("/dev/zero", total(dir, "manifest.json")).unwrap();
            },
        ));
        cases.push(case(
            "stream: a manifest that is a pipe",
            args,
            3,
            &["manifest.json", "a regular file"],
            move |dir| {
                std::fs::remove_file(total(dir, "manifest.json")).unwrap();
                pipe(&total(dir, "manifest.json"));
            },
        ));
    }
    let more: &[(&str, &[&str])] = &[
        ("--layers conv9", &["--layers", "one of conv0.weight"]),
        ("--time-axis 1", &["--time-axis", "time on axis 0"]),
        ("--window 0..12", &["--window", "within 0..11"]),
        ("--params 1113..1114", &["--params", "within 0..1113"]),
    ];
    for (way, words) in more {
        cases.push(case(
            &format!("stream: {way}"),
            &format!("{args} {way}"),
            2,
            words,
            |_| {},
        ));
    }
    cases
}
