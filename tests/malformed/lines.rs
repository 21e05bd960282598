//! Malformed level texts.

use super::harness::{Case, case};

/// All of them.
pub fn cases() -> Vec<Case> {
    let square = |side: usize, row: &str| format!("{row}\n").repeat(side);
    let solid = |side: usize| square(side, &"#".repeat(side));
    let with = |from: &str, to: &str| {
        let level = "#####\n#..C#\n#...#\n#M..#\n#####\n";
        let changed = level.replacen(from, to, 1);
        assert_ne!(changed, level);
        changed.into_bytes()
    };
    let table: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "empty",
            vec![],
            &["an odd number of lines from 5 to 31", "found 0"],
        ),
        (
            "line breaks alone",
            b"\n\n\n".to_vec(),
            &["an odd number of lines"],
        ),
        (
            "4 lines",
            square(4, "....").into(),
            &["an odd number of lines", "found 4"],
        ),
        (
            "33 lines",
            solid(33).into(),
            &["an odd number of lines", "found 33"],
        ),
        (
            "3 lines",
            solid(3).into(),
            &["an odd number of lines", "found 3"],
        ),
        ("walls alone", solid(5).into(), &["at least one free cell"]),
        (
            "a longer line",
            with("#...#", "#....#"),
            &["as many characters as lines", "line 3"],
        ),
        (
            "a shorter line",
            with("#...#", "#..#"),
            &["as many characters as lines", "line 3"],
        ),
        (
            "another character",
            with("..C", ".xC"),
            &["one of # . C M", "'x'", "line 2, column 3"],
        ),
        (
            "an escape sequence",
            with("..C", ".\u{1b}C"),
            &["one of # . C M", "line 2, column 3"],
        ),
        ("two cheeses", with("...", ".C."), &["one cheese", "line 3"]),
        ("two mice", with("...", ".M."), &["one mouse", "line 4"]),
        (
            "no place for the mouse",
            with("M", "#"),
            &["an M somewhere", "line 4"],
        ),
        ("a NUL", with("..C", ".\0C"), &["one of # . C M"]),
        (
            "not UTF-8",
            b"#####\n#\xff".to_vec(),
            &["UTF-8", "offset 7"],
        ),
        (
            "a line of a million",
            ("#".repeat(1 << 20) + "\n").into(),
            &["an odd number of lines"],
        ),
        (
            "a million lines",
            "#\n".repeat(1 << 20).into(),
            &["found 1048576"],
        ),
    ];
    let mut cases: Vec<Case> = table
        .into_iter()
        .map(|(what, bytes, words)| {
            let words: Vec<&str> = [&["level.txt"][..], words].concat();
            case(
                &format!("level: {what}"),
                "maze --level {dir}/level.txt",
                3,
                &words,
                move |dir| {
                    std::fs::write(dir.join("level.txt"), &bytes).unwrap();
                },
            )
        })
        .collect();
    cases.push(case(
        "level: /dev/zero",
        "maze --level /dev/zero",
        3,
        &["at most 16777216 bytes"],
        |_| {},
    ));
    cases.push(case(
        "level: none",
        "maze --level {dir}/none.txt",
        4,
        &["none.txt"],
        |_| {},
    ));
    cases
}
