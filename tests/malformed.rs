//! What is wrong in a command line, a setting or a file is told in one message that names it and what
//! it should be, with its exit code; nothing panics, waits for ever, or takes memory for a size that
//! was only announced (the program runs under a limit of 3 GB of addresses).

#[path = "malformed/harness.rs"]
mod harness;
#[path = "malformed/lines.rs"]
mod lines;
#[path = "malformed/matrices.rs"]
mod matrices;
#[path = "malformed/results.rs"]
mod results;
#[path = "malformed/runs.rs"]
mod runs;
#[path = "malformed/settings.rs"]
mod settings;

use harness::{Case, Outcome};

#[test]
fn every_malformed_input_is_told_in_one_message_and_its_own_code() {
    let dir = harness::directory();
    let base = harness::trained(&dir.path().join("base"));
    let mut cases: Vec<Case> = Vec::new();
    cases.extend(settings::cases());
    cases.extend(lines::cases());
    cases.extend(matrices::cases());
    cases.extend(runs::cases());
    cases.extend(results::cases());
    let outcomes = harness::run_all(&cases, &base, dir.path());
    let wrong: Vec<&str> = outcomes.iter().filter_map(Outcome::wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    println!(
        "reliability: malformed input | {} | {} refused with the culprit named, 0 panicked, 0 hung",
        outcomes.len(),
        outcomes.len()
    );
}

#[test]
fn results_of_which_any_part_is_changed_are_refused_or_shown() {
    let (tried, refused) = results::mutated();
    println!(
        "reliability: changed results | {tried} | {refused} refused, {} shown, 0 panicked",
        tried - refused
    );
}
