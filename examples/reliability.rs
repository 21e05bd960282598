//! What the tests count, in one table: tests by kind, and faults, damage and malformed input by
//! family, with what came of them.
//!
//! ```text
//! cargo run --release --example reliability                  runs the tests, prints the table
//! GOUDA_LONG=1 cargo run --release --example reliability     the long versions of them
//! ```
//! Tests print what they count as lines `reliability: FAMILY | NUMBER | OUTCOME`.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode};

/// The tests of one binary.
#[derive(Debug)]
struct Binary {
    name: String,
    passed: u64,
    failed: u64,
    seconds: f64,
}

fn main() -> ExitCode {
    let (binaries, families) = match tests() {
        Ok(found) => found,
        Err(error) => {
            eprintln!("cannot run cargo test: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("| tests | what they are | passed | failed | s |\n|---|---|--:|--:|--:|");
    for Binary {
        name,
        passed,
        failed,
        seconds,
    } in &binaries
    {
        let kind = kind(name);
        println!("| {name} | {kind} | {passed} | {failed} | {seconds:.1} |");
    }
    let sum = |of: fn(&Binary) -> u64| binaries.iter().map(of).sum::<u64>();
    let (passed, failed) = (sum(|one| one.passed), sum(|one| one.failed));
    let seconds: f64 = binaries.iter().map(|one| one.seconds).sum();
    println!("| **all** | | **{passed}** | **{failed}** | **{seconds:.0}** |\n");
    println!("| what is done to it | times | what came of it |\n|---|--:|---|");
    for family in &families {
        println!("| {family} |");
    }
    if failed == 0 && passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs all tests; their words go to stderr as they come.
fn tests() -> std::io::Result<(Vec<Binary>, Vec<String>)> {
    let (words, into) = std::io::pipe()?;
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["test", "--release", "--locked", "--no-fail-fast", "--"])
        .arg("--show-output")
        .stdout(into.try_clone()?)
        .stderr(into);
    let mut child = command.spawn()?;
    // It holds the other end of the pipe.
    drop(command);
    let (mut binaries, mut families): (Vec<Binary>, Vec<String>) = (Vec::new(), Vec::new());
    for line in BufReader::new(words).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        let words = line.trim();
        eprintln!("{line}");
        if let Some(path) = words.strip_prefix("Running ") {
            let path = path.trim_start_matches("unittests ");
            binaries.push(begun(path.split(' ').next().unwrap_or(path)));
        } else if words.starts_with("Doc-tests") {
            binaries.push(begun("examples in the documentation"));
        } else if let (Some(result), Some(binary)) =
            (words.strip_prefix("test result: "), binaries.last_mut())
        {
            // `ok. 12 passed; 0 failed; 0 ignored; ...; finished in 1.23s`
            let words: Vec<&str> = result.split(' ').collect();
            let count = |word: &str| {
                let at = words.iter().position(|&other| other == word)?;
                words[at.checked_sub(1)?].parse::<u64>().ok()
            };
            binary.passed += count("passed;").unwrap_or(0);
            binary.failed += count("failed;").unwrap_or(0);
            let seconds = result.rsplit("finished in ").next();
            binary.seconds += seconds
                .and_then(|text| text.trim_end_matches('s').parse::<f64>().ok())
                .unwrap_or(0.0);
        } else if let Some(family) = words.strip_prefix("reliability: ") {
            families.push(family.to_owned());
        }
    }
    child.wait()?;
    binaries.retain(|one| one.passed + one.failed > 0);
    families.sort_unstable();
    Ok((binaries, families))
}

fn begun(name: &str) -> Binary {
    Binary {
        name: name.to_owned(),
        passed: 0,
        failed: 0,
        seconds: 0.0,
    }
}

/// The first sentence of the file of tests.
fn kind(name: &str) -> String {
    match name {
        "src/lib.rs" => return "beside the code: one function or module each".into(),
        _ if !name.starts_with("tests/") => return String::new(),
        _ => {}
    }
    let text = std::fs::read_to_string(name).unwrap_or_default();
    let header: Vec<&str> = text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .collect();
    let header = header.join("").trim().to_owned();
    // A full stop within a name, as in `src/lib.rs`, ends no sentence.
    let ends = [". ", ": ", "; "].iter().filter_map(|end| header.find(end));
    let end = ends.min().unwrap_or(header.len());
    header[..end].trim_end_matches('.').to_owned()
}
