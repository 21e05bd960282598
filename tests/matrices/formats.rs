//! A recorded stream written by hand, as docs/formats.md says and with nothing but the standard
//! library, is read as what it is.

use std::path::Path;
use std::process::Command;

use gouda::gradients::{GradientMatrix, Matrix, Sketch};

const ROWS: usize = 70;
/// Of `embed.weight` (3, 7) and `head.bias` (2).
const PARAMS: usize = 23;
/// Where the first shard ends and the second begins.
const CUT: usize = 16;

/// CRC-32 of zip and PNG, a bit at a time.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for &byte in bytes {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(sum & 1));
        }
    }
    !sum
}

fn entry(row: usize, param: usize) -> f32 {
    ((row * 37 + param * 11) % 101) as f32 / 50.0 - 1.0
}

/// The header of numpy, padded so that the data begins at a multiple of 64.
fn npy(descr: &str, shape: (usize, usize), data: &[u8]) -> Vec<u8> {
    let text = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}, {}), }}",
        shape.0, shape.1
    );
    let padded = (10 + text.len() + 1).next_multiple_of(64) - 10;
    let text = format!("{text:<0$}\n", padded - 1);
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}

fn rows_of(params: std::ops::Range<usize>) -> Vec<u8> {
    (0..ROWS)
        .flat_map(|row| params.clone().map(move |param| entry(row, param)))
        .flat_map(f32::to_le_bytes)
        .collect()
}

/// S = A Omega: the sign of parameter p in column j is bit j of the p-th draw of SplitMix64.
fn sketch() -> Vec<u8> {
    let signs = |param: usize| {
        let mut z = (param as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let sum = |row: usize, column: usize| -> f64 {
        let signed = |param: usize| {
            let sign = if signs(param) >> column & 1 == 1 {
                -1.0
            } else {
                1.0
            };
            sign * f64::from(entry(row, param))
        };
        (0..PARAMS).map(signed).sum()
    };
    (0..ROWS)
        .flat_map(|row| (0..64).map(move |column| sum(row, column)))
        .flat_map(f64::to_le_bytes)
        .collect()
}

/// The whole folder; the manifest last.
fn write(dir: &Path) {
    std::fs::create_dir(dir).unwrap();
    let shards = [("a.npy", 0..CUT), ("b.npy", CUT..PARAMS)];
    let mut sums: Vec<Vec<u32>> = Vec::new();
    for (name, params) in &shards {
        let data = rows_of(params.clone());
        std::fs::write(dir.join(name), npy("<f4", (ROWS, params.len()), &data)).unwrap();
        sums.push(data.chunks(64 * params.len() * 4).map(crc32).collect());
    }
    std::fs::write(dir.join("sketch.npy"), npy("<f8", (ROWS, 64), &sketch())).unwrap();
    let all: Vec<u8> = sums
        .iter()
        .flatten()
        .flat_map(|sum| sum.to_le_bytes())
        .collect();
    let list = |value: &dyn Fn(usize) -> String| {
        let values: Vec<String> = (0..ROWS).map(value).collect();
        format!("[{}]", values.join(","))
    };
    let norm = |row: usize| {
        let squares = (0..PARAMS).map(|param| f64::from(entry(row, param)).powi(2));
        format!("{:?}", squares.sum::<f64>().sqrt())
    };
    let text = format!(
        "{{\"format\":\"gouda gradient matrix\",\"version\":1,\"stream\":\"by hand\",\
         \"shape\":[{ROWS},{PARAMS}],\"layout\":{{\"tensors\":[\
         {{\"name\":\"embed.weight\",\"shape\":[3,7],\"offset\":0}},\
         {{\"name\":\"head.bias\",\"shape\":[2],\"offset\":21}}]}},\"block_rows\":64,\"shards\":[\
         {{\"file\":\"a.npy\",\"params\":{{\"start\":0,\"end\":{CUT}}},\"blocks\":{:?}}},\
         {{\"file\":\"b.npy\",\"params\":{{\"start\":{CUT},\"end\":{PARAMS}}},\"blocks\":{:?}}}],\
         \"rows\":{{\"first_update\":{rows},\"last_update\":{rows},\"frames\":{zeros},\
         \"learning_rate\":{ones},\"clip_factor\":{ones},\"advantage_std\":{ones},\
         \"minibatch\":{zeros},\"norm\":{}}},\"checksum\":{}}}",
        sums[0],
        sums[1],
        list(&norm),
        crc32(&all),
        rows = list(&|row| row.to_string()),
        zeros = list(&|_| "0".into()),
        ones = list(&|_| "1.0".into()),
    );
    std::fs::write(dir.join("manifest.json"), text).unwrap();
}

#[test]
fn a_stream_written_by_hand_is_read_and_decomposed() {
    let dir = tempfile::tempdir().unwrap();
    let stream = dir.path().join("stream");
    write(&stream);
    let matrix = Matrix::recorded(&stream, gouda::storage::Access::Map).unwrap();
    matrix.verify().unwrap();
    assert_eq!((matrix.time_len(), matrix.param_len()), (ROWS, PARAMS));
    let mut block = vec![0.0; ROWS * PARAMS];
    matrix.read(0..PARAMS, &mut block).unwrap();
    for (at, value) in block.iter().enumerate() {
        assert_eq!(*value, entry(at / PARAMS, at % PARAMS), "{at}");
    }
    assert!(Sketch::of(&matrix).unwrap().is_some());

    for (way, expected) in [
        ("", (6, true)),
        ("--passes 2 --rank 3 --allow-unconverged", (3, false)),
        ("--layers head", (2, true)),
    ] {
        let out = dir.path().join(format!("svd {way}"));
        let output = Command::new(env!("CARGO_BIN_EXE_gouda"))
            .arg("svd")
            .arg(&stream)
            .args(
                ["--rank", "6", "--json", "--quiet", "--out"]
                    .iter()
                    .filter(|arg| {
                        // A rank of its own replaces the six.
                        !way.contains("--rank") || !["--rank", "6"].contains(arg)
                    }),
            )
            .arg(&out)
            .args(way.split_whitespace())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{way}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let (rank, is_exact) = expected;
        assert_eq!(found["rank"], rank, "{way}");
        let worst = found["worst_residual"].as_f64().unwrap();
        assert!(
            !is_exact || worst < 1e-6 * found["sigma"][0].as_f64().unwrap(),
            "{way}: {found}"
        );
    }
}

#[test]
fn a_stream_written_wrongly_is_refused() {
    for (name, from, to) in [
        ("manifest.json", "\"version\":1", "\"version\":2"),
        ("manifest.json", "\"offset\":21", "\"offset\":20"),
        ("manifest.json", "\"checksum\":", "\"checksum\":1"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let stream = dir.path().join("stream");
        write(&stream);
        let path = stream.join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        assert!(
            Matrix::recorded(&stream, gouda::storage::Access::Map).is_err(),
            "{to}"
        );
    }
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
