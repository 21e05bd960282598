//! Imports point only up the list of rooms in `src/lib.rs`: a room may use itself and those above.

use std::fs;
use std::path::Path;

/// The rooms in the order of `src/lib.rs`.
fn rooms() -> Vec<String> {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let names = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

fn sources(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Rooms that a source names through `crate::`, in `use` lines (braces included) and in paths.
fn named<'a>(text: &str, rooms: &'a [String]) -> Vec<&'a String> {
    let code: String = text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            // `use crate::{a, b::{c}}`: what follows the brace or a comma at depth one.
            Some(list) => top_level(list),
            None => vec![rest],
        };
        for name in names {
            let word: String = name
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            found.extend(rooms.iter().filter(|room| **room == word));
        }
    }
    found
}

fn top_level(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(list[start..at].trim_start());
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(list[start..at].trim_start());
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

#[test]
fn imports_point_up_the_list() {
    let rooms = rooms();
    assert!(rooms.len() >= 12, "rooms of src/lib.rs: {rooms:?}");
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut violations = Vec::new();
    for (index, room) in rooms.iter().enumerate() {
        let mut files = Vec::new();
        sources(&src.join(room), &mut files);
        assert!(!files.is_empty(), "{room} has no source");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for used in named(&text, &rooms) {
                let position = rooms.iter().position(|r| r == used).unwrap();
                // The maze never sees the network, nor the network the maze; storage and numeric
                // are neighbours that do not know each other but for random streams.
                let crossed = [room.as_str(), used.as_str()] == ["nn", "maze"];
                if position > index || crossed {
                    violations.push(format!("{} uses {used}", file.display()));
                }
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn one_file_of_storage_opens_files_and_only_cli_prints() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut violations = Vec::new();
    let mut files = Vec::new();
    sources(&src, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
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
fn the_scanner_sees_braces_and_nesting() {
    let rooms: Vec<String> = ["maze", "nn", "ppo"].map(String::from).to_vec();
    let names = |text| named(text, &rooms).into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(
        names("use crate::{maze::{Level, nn}, ppo};"),
        ["maze", "ppo"]
    );
    assert_eq!(names("let x = crate::nn::Layout::new();"), ["nn"]);
    assert_eq!(
        names("// crate::nn\n#[cfg(test)]\nuse crate::ppo;"),
        [] as [&str; 0]
    );
}
