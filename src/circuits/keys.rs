//! The keys of a hypothesis in its file, each error with the key's name.

use toml::{Table, Value};

use super::error::{Error, wrong};

/// A table of the file, and where it stands.
pub(super) struct Keys<'a> {
    /// "nodes.cheese.", or nothing.
    pub at: String,
    /// The table.
    pub table: &'a Table,
}

impl Keys<'_> {
    /// Refuses every key but these.
    pub fn known(&self, known: &[&str]) -> Result<(), Error> {
        let mut keys = self.table.keys();
        match keys.find(|key| !known.contains(&key.as_str())) {
            Some(key) => {
                let expected = format!("one of the keys {}", known.join(", "));
                Err(wrong(&self.key(key), &expected, "an unknown key"))
            }
            None => Ok(()),
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.at)
    }

    /// The error about a key of the table.
    pub fn wrong(&self, key: &str, expected: &str, found: impl ToString) -> Error {
        wrong(&self.key(key), expected, found)
    }

    /// The value of a key that must be there.
    pub fn value(&self, key: &str) -> Result<&Value, Error> {
        let value = self.table.get(key);
        value.ok_or_else(|| self.wrong(key, "this key", "none"))
    }

    /// That of a text.
    pub fn text(&self, key: &str) -> Result<String, Error> {
        let value = self.value(key)?;
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| self.wrong(key, "text", value))
    }

    /// That of a list of texts.
    pub fn texts(&self, key: &str) -> Result<Vec<String>, Error> {
        let value = self.value(key)?;
        let texts = value
            .as_array()
            .and_then(|list| list.iter().map(|v| v.as_str().map(str::to_owned)).collect());
        texts.ok_or_else(|| self.wrong(key, "a list of names", value))
    }

    /// One of the words of an enumeration.
    pub fn word<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<T, Error> {
        let value = self.value(key)?;
        value.clone().try_into().map_err(|error: toml::de::Error| {
            // "unknown variant `x`, expected one of `a`, `b`"
            let message = error.message();
            let expected = message.split_once("expected ").map_or(message, |(_, e)| e);
            self.wrong(key, expected.trim(), value)
        })
    }
}
