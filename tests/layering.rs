//! Imports point only up the list of rooms in `src/lib.rs`: a room may use itself and those above. In a
//! room no two files use each other in a circle, and no file is too long to be read at once.

#[path = "layering/circles.rs"]
mod circles;
#[path = "layering/paths.rs"]
mod paths;
#[path = "layering/source.rs"]
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use circles::Room;

/// Most lines of a file, without its tests.
const LINES_MAX: usize = 400;

/// Tests that use a room below theirs, and why.
const TESTS_LOOK_DOWN: [(&str, &str); 2] = [
    // Scrubbing is tried on policies whose parts are known, which the methods plant.
    ("circuits/resampling.rs", "locators"),
    ("circuits/scrubbing.rs", "locators"),
];

/// The rooms in the order of `src/lib.rs`.
fn rooms() -> Vec<String> {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let names = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

/// Path and text of every source below `dir`, in the order of their names.
fn sources(dir: &Path) -> Vec<(PathBuf, String)> {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The sources of a room, by their paths in it.
fn room(name: &str) -> Room {
    let dir = src().join(name);
    let below = |(path, text): (PathBuf, String)| {
        let path = path
            .strip_prefix(&dir)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        (path, text)
    };
    let texts: Vec<(String, String)> = sources(&dir).into_iter().map(below).collect();
    Room::new(name, &texts)
}

/// Rooms that code names through `crate::`.
fn rooms_named<'a>(code: &str, rooms: &'a [String]) -> Vec<&'a String> {
    let named = paths::named(code);
    let room = |named: &paths::Named| match named.path.as_slice() {
        [root, name, ..] if root == "crate" => rooms.iter().find(|room| *room == name),
        _ => None,
    };
    named.iter().filter_map(room).collect()
}

#[test]
fn imports_point_up_the_list() {
    let rooms = rooms();
    assert!(rooms.len() >= 12, "rooms of src/lib.rs: {rooms:?}");
    let src = src();
    let mut violations = Vec::new();
    let mut allowed = Vec::new();
    for (index, room) in rooms.iter().enumerate() {
        let files = sources(&src.join(room));
        assert!(!files.is_empty(), "{room} has no source");
        for (file, text) in files {
            let name = file.strip_prefix(&src).unwrap().to_str().unwrap();
            let name = name.replace('\\', "/");
            let code = source::code(&text);
            let mut check = |code: &str, is_test: bool| {
                for used in rooms_named(code, &rooms) {
                    let position = rooms.iter().position(|r| r == used).unwrap();
                    // The maze never sees the network, nor the network the maze; storage and numeric
                    // are neighbours that do not know each other but for random streams.
                    let crossed = [room.as_str(), used.as_str()] == ["nn", "maze"];
                    if position <= index && !crossed {
                        continue;
                    }
                    let pair = (name.as_str(), used.as_str());
                    match TESTS_LOOK_DOWN.iter().find(|known| **known == pair) {
                        Some(known) if is_test => allowed.push(known),
                        _ => violations.push(format!("{name} uses {used}")),
                    }
                }
            };
            check(&source::without_tests(&code), false);
            check(&code, true);
        }
    }
    for known in &TESTS_LOOK_DOWN {
        if !allowed.contains(&known) {
            violations.push(format!("{known:?} is not needed: strike it from the list"));
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn one_file_of_storage_opens_files_and_only_cli_prints() {
    let src = src();
    let mut violations = Vec::new();
    for (file, text) in sources(&src) {
        let code = source::without_tests(&source::code(&text));
        let within = |room: &str| file.starts_with(src.join(room));
        for word in [
            "std::fs",
            "OpenOptions",
            ".exists()",
            ".is_dir()",
            ".canonicalize(",
        ] {
            if code.contains(word) && !file.ends_with("storage/disk.rs") {
                violations.push(format!(
                    "{} goes past storage/disk.rs: {word}",
                    file.display()
                ));
            }
        }
        for word in ["File::", "memmap2"] {
            if code.contains(word) && !within("storage") {
                violations.push(format!("{} opens files: {word}", file.display()));
            }
        }
        for word in [
            "println!",
            "print!(",
            "eprint",
            "std::io::stdout",
            "std::io::stderr",
        ] {
            if code.contains(word) && !within("cli") {
                violations.push(format!("{} prints: {word}", file.display()));
            }
        }
        for word in ["unsafe {", "unsafe fn"] {
            if code.contains(word) && !within("numeric") && !within("storage") {
                violations.push(format!("{} holds unsafe code", file.display()));
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn no_files_of_a_room_use_each_other_in_a_circle() {
    let mut violations = Vec::new();
    for name in rooms() {
        let circles = room(&name).circles();
        if !circles.is_empty() {
            violations.push(format!("{name}: {circles:?}"));
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// Lines of a file without its tests.
fn lines_of_code(text: &str) -> usize {
    source::without_tests(&source::code(text)).lines().count()
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    let src = src();
    let mut violations = Vec::new();
    for (file, text) in sources(&src) {
        let name = file
            .strip_prefix(&src)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        let lines = lines_of_code(&text);
        let is_test = name.ends_with("/tests.rs") || name.contains("/tests/");
        if lines > LINES_MAX && !is_test {
            violations.push(format!("{name}: {lines} lines without its tests"));
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn the_scanner_sees_braces_nesting_and_tests() {
    let rooms: Vec<String> = ["maze", "nn", "ppo"].map(String::from).to_vec();
    let names = |text| {
        rooms_named(text, &rooms)
            .into_iter()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names("use crate::{maze::{Level, nn}, ppo};"),
        ["maze", "maze", "ppo"]
    );
    assert_eq!(names("let x = crate::nn::Layout::new();"), ["nn"]);
    assert_eq!(
        names(&source::code("// crate::nn\n#[cfg(test)]\nuse crate::ppo;")),
        ["ppo"]
    );
    assert_eq!(
        lines_of_code("use a;\n\n#[cfg(test)]\nmod tests {\n    use b;\n}\n"),
        2
    );
}
