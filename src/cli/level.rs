//! A level from a file: a text picture, or what `gouda maze --json` prints.

use std::path::Path;

use serde::Deserialize;

use crate::maze::{Error, Level};
use crate::storage;

/// The part of `gouda maze --json` that says what the level is.
#[derive(Deserialize)]
struct Record {
    rows: Vec<String>,
}

/// The level in a file; what is malformed in it is told with the file's name.
pub fn read_level(path: &Path) -> Result<Level, super::Error> {
    let text = storage::read_named_text(path)?;
    let text = match text.trim_start().starts_with('{') {
        false => text,
        true => {
            let record: Record = serde_json::from_str(&text).map_err(|error| {
                let expected = "an object with rows, as `gouda maze --json` prints it";
                storage::Error::malformed(path, expected, error.to_string())
            })?;
            record.rows.join("\n")
        }
    };
    Level::from_text(&text).map_err(|error| match error {
        Error::Text {
            line,
            column,
            expected,
            found,
        } => {
            let expected = format!("{expected} at line {line}, column {column}");
            storage::Error::malformed(path, expected, found).into()
        }
        other => other.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_and_the_json_of_it_are_the_same_level() {
        let dir = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            let path = dir.path().join("own.txt");
            std::fs::write(&path, text).unwrap();
            read_level(&path).map_err(|error| error.to_string())
        };
        let rows = ["C....", "##.##", "#..##", "#.###", "#M###"];
        let level = read(&rows.join("\n")).unwrap();
        let json = serde_json::json!({ "rows": rows, "seed": 3 });
        assert_eq!(read(&format!("\n {json}")).unwrap(), level);
        for (text, word) in [
            (".....\n..x..\n", "line 2"),
            ("{\"rows\": [\"..x\"]}", "line 1"),
            ("{\"rows\": 3}", "an object with rows"),
            ("{}", "missing field `rows`"),
            ("{", "an object with rows"),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.contains("own.txt") && fault.contains(word), "{fault}");
        }
    }
}
