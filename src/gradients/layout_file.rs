//! The names of a foreign matrix's parameters: a JSON list of its tensors in the order of the columns,
//! `[["conv1.weight", [40, 50]], ["conv1.bias", [50]]]`, each a name and the lengths of its axes.

use std::collections::BTreeSet;
use std::path::Path;

use super::Error;
use crate::nn::layout::Layout;
use crate::storage;

/// Reads the file at `path`.
///
/// # Errors
/// It cannot be read, or is no such list; no tensor, one without a name, two of one name, or more
/// parameters than fit in memory addresses.
pub fn load(path: &Path) -> Result<Layout, Error> {
    parse(path, &storage::read_bytes(path)?)
}

/// As [`load`], from the contents of the file; `path` is for the messages.
///
/// # Errors
/// Those of [`load`] but for the system's.
pub fn parse(path: &Path, contents: &[u8]) -> Result<Layout, Error> {
    let expected = "a list of tensors, [[\"name\", [40, 50]], ..]";
    let wrong = |expected: &str, found: String| storage::Error::malformed(path, expected, found);
    let tensors: Vec<(String, Vec<usize>)> =
        serde_json::from_slice(contents).map_err(|error| wrong(expected, error.to_string()))?;
    if tensors.is_empty() {
        return Err(wrong(expected, "none".into()).into());
    }
    let mut names = BTreeSet::new();
    let mut end = 0usize;
    for (name, shape) in &tensors {
        if name.is_empty() || !names.insert(name.as_str()) {
            let found = format!("\"{name}\"");
            return Err(wrong("names, each once", found).into());
        }
        let len = shape
            .iter()
            .try_fold(1usize, |len, &axis| len.checked_mul(axis));
        end = len.and_then(|len| end.checked_add(len)).ok_or_else(|| {
            let found = format!("{shape:?} of {name}");
            wrong("shapes that fit in memory addresses", found)
        })?;
    }
    Ok(Layout::new(tensors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_what_is_none_is_told() {
        let parse = |text: &str| {
            let found = parse(Path::new("layers.json"), text.as_bytes());
            found.map_err(|error| error.to_string())
        };
        let layout = parse(r#"[["a", [40, 50]], ["b", []], ["c", [0, 3]]]"#).unwrap();
        assert_eq!((layout.len(), layout.range("b")), (2001, Some(2000..2001)));
        for (text, message) in [
            ("", "EOF"),
            ("[]", "found none"),
            ("{\"a\": [1]}", "expected a sequence"),
            (
                "[[\"a\", [1], 2]]",
                "layers.json: expected a list of tensors",
            ),
            ("[[\"a\", [-1]]]", "-1"),
            ("[[\"a\", [1.5]]]", "1.5"),
            ("[[\"a\", 3]]", "expected a sequence"),
            (
                "[[\"a\", [1]], [\"a\", [2]]]",
                "names, each once, found \"a\"",
            ),
            ("[[\"\", [1]]]", "names, each once"),
            (
                "[[\"a\", [4294967296, 4294967296]]]",
                "fit in memory addresses",
            ),
            (
                "[[\"a\", [18446744073709551615]], [\"b\", [1]]]",
                "[1] of b",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(message), "{error} / {message}");
        }
    }
}
