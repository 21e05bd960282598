//! `metrics.jsonl`: whole lines are read, a torn one at the end is passed over and cut off when
//! training goes on, and a line that is added reads back.

use gouda::experiment::metrics::Line;
use gouda::storage::lines::{self, Lines};

use super::scratch;

/// As text: NaN would not be itself, and does not come from JSON.
fn text(lines: &[Line]) -> String {
    serde_json::to_string(lines).expect("plain data with text keys")
}

pub fn check(bytes: &[u8]) -> bool {
    let path = scratch::file("metrics.jsonl", bytes);
    let Ok(read) = lines::read::<Line>(&path) else {
        return false;
    };
    let whole = bytes.iter().filter(|&&byte| byte == b'\n').count();
    assert_eq!(read.len(), whole);
    assert!(Lines::resume(&path, whole + 1).is_err());
    // From half of the lines on, then the rest again.
    let half = whole / 2;
    let mut out = Lines::resume(&path, half).expect("so many lines are there");
    assert_eq!(out.len(), half);
    for line in &read[half..] {
        out.push(line).expect("room for a small file");
    }
    out.flush().expect("room for a small file");
    let again: Vec<Line> = lines::read(&path).expect("what was written is read");
    assert_eq!(text(&again), text(&read));
    // A torn line changes nothing.
    let mut torn = std::fs::read(&path).expect("it is there");
    torn.extend(b"{\"kind\":\"iteration\",\"upd");
    let torn: Vec<Line> = lines::read(&scratch::file("metrics.jsonl", &torn)).expect("torn");
    assert_eq!(torn.len(), whole);
    true
}
