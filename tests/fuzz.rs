//! The bodies of the fuzz targets without a fuzzer: every file of `fuzz/corpus`, then mutations of
//! them under a fixed seed. An input that fails is left in `fuzz/artifacts`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::Instant;

use gouda::numeric::random::{Purpose, Stream};

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;
mod common;

/// Mutations of each target, and more of them where `GOUDA_LONG` is set.
const CASES: u64 = 10_000;
const CASES_LONG: u64 = 100 * CASES;

/// What a number, or a piece of eight bytes, is put in the place of.
const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "1",
    "2",
    "0.5",
    "-0.0",
    "255",
    "4294967296",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e999",
    "nan",
];

/// Files of a target's corpus, in the order of their names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = dir.join("fuzz/corpus").join(target);
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(&dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus for {target}");
    files
}

/// Pieces of text: words and numbers, white space, and everything else byte by byte.
fn tokens(bytes: &[u8]) -> Vec<&[u8]> {
    let kind = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte) => 0,
        byte if byte.is_ascii_whitespace() => 1,
        _ => 2,
    };
    let same = |a: &u8, b: &u8| kind(*a) == kind(*b) && kind(*a) < 2;
    bytes.chunk_by(same).collect()
}

fn below(stream: &mut Stream, n: usize) -> usize {
    stream.below(n.max(1) as u32) as usize
}

/// One change of `bytes`; `other` is where foreign pieces come from.
fn mutate(stream: &mut Stream, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = below(stream, bytes.len());
    match below(stream, 10) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << stream.below(8),
        1 if !bytes.is_empty() => bytes[at] = stream.next_u32() as u8,
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..(at + 1 + below(stream, 8)).min(bytes.len()))),
        4 => {
            let from = below(stream, other.len());
            bytes.truncate(at);
            bytes.extend(&other[from..]);
        }
        5 if bytes.len() >= 8 => {
            let at = below(stream, bytes.len() - 7);
            let number =
                [0, 1, u64::MAX, 1 << 63, 1 << 32, stream.next_u32().into()][below(stream, 6)];
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        _ => by_tokens(stream, bytes, other),
    }
}

fn by_tokens(stream: &mut Stream, bytes: &mut Vec<u8>, other: &[u8]) {
    let mut pieces = tokens(bytes);
    if pieces.is_empty() {
        return;
    }
    let (i, j) = (below(stream, pieces.len()), below(stream, pieces.len()));
    let foreign = tokens(other);
    match below(stream, 5) {
        // The next number from there on, if there is one.
        0 | 1 => {
            let is_number = |piece: &&[u8]| piece.iter().any(u8::is_ascii_digit);
            if let Some(found) = pieces[i..].iter().position(is_number) {
                pieces[i + found] = NUMBERS[below(stream, NUMBERS.len())].as_bytes();
            }
        }
        2 => pieces.swap(i, j),
        3 => {
            let range = i.min(j)..(i.max(j) + 1).min(i.min(j) + 40);
            let copy = pieces[range].to_vec();
            pieces.splice(i..i, copy);
        }
        _ if !foreign.is_empty() => pieces[i] = foreign[below(stream, foreign.len())],
        _ => {}
    }
    *bytes = pieces.concat();
}

/// Runs the body, and puts the input down where it fails.
fn run(target: &str, body: bodies::Body, bytes: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| body(bytes))).unwrap_or_else(|panic| {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/artifacts")
            .join(target);
        let path = dir.join(format!("test-{:08x}", crc32fast::hash(bytes)));
        let saved = std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(&path, bytes));
        eprintln!("{target} fails on {} ({saved:?})", path.display());
        resume_unwind(panic)
    })
}

/// Replays the corpus, then `cases` mutations: how many inputs there were, and how many accepted.
fn fuzz(target: &str, cases: u64) -> (u64, u64) {
    let body = bodies::named(target);
    let begun = Instant::now();
    let corpus = corpus(target);
    let sound = corpus.iter().filter(|(_, bytes)| run(target, body, bytes));
    let sound: Vec<&(String, Vec<u8>)> = sound.collect();
    let accepted = sound.len() as u64;
    assert!(
        accepted > 0,
        "no file of the corpus of {target} is accepted"
    );
    let stream = &mut Stream::new(1, Purpose::Nulls, 0);
    let mut accepted_mutants = 0;
    for _ in 0..cases {
        // Mostly of what is accepted: the rest is far from it already.
        let mut bytes = match below(stream, 4) {
            0 => corpus[below(stream, corpus.len())].1.clone(),
            _ => sound[below(stream, sound.len())].1.clone(),
        };
        let other = &corpus[below(stream, corpus.len())].1;
        for _ in 0..=below(stream, 3) {
            mutate(stream, &mut bytes, other);
        }
        accepted_mutants += u64::from(run(target, body, &bytes));
    }
    println!(
        "{target}: {accepted} of {} files and {accepted_mutants} of {cases} mutations accepted, {:.1} s",
        corpus.len(),
        begun.elapsed().as_secs_f64()
    );
    (corpus.len() as u64 + cases, accepted + accepted_mutants)
}

#[test]
fn no_input_breaks_what_is_promised() {
    let cases = if common::is_long() { CASES_LONG } else { CASES };
    let targets = bodies::ALL.map(|(name, _)| name);
    // Two at a time, as the suite does.
    let (mut tried, mut accepted) = (0, 0);
    for pair in targets.chunks(2) {
        let results = std::thread::scope(|scope| {
            let handles: Vec<_> = (pair.iter())
                .map(|&target| scope.spawn(move || fuzz(target, cases)))
                .collect();
            let join = |handle: std::thread::ScopedJoinHandle<'_, (u64, u64)>| handle.join();
            handles.into_iter().map(join).collect::<Vec<_>>()
        });
        for result in results {
            let counts = result.unwrap_or_else(|panic| resume_unwind(panic));
            tried += counts.0;
            accepted += counts.1;
        }
    }
    println!(
        "reliability: fuzz bodies | {tried} | {accepted} accepted and read back the same, {} refused, 0 panics",
        tried - accepted
    );
}

/// Every target of the fuzz crate has a body and a corpus, and the other way round.
#[test]
fn targets_bodies_and_corpora_are_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |dir: &str| {
        let mut names: Vec<String> = std::fs::read_dir(root.join(dir))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    let known = bodies::ALL.map(|(name, _)| name);
    assert_eq!(names("fuzz_targets"), known);
    assert_eq!(names("corpus"), known);
    let targets = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert_eq!(targets.matches("[[bin]]").count(), known.len());
    for name in known {
        let file = format!("fuzz_targets/{name}.rs");
        assert!(targets.contains(&file), "{name}");
        let target = std::fs::read_to_string(root.join(file)).unwrap();
        assert!(
            target.contains(&format!("bodies::named(\"{name}\")")),
            "{name}"
        );
    }
}
