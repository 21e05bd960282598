//! Putting settings together: a preset, under a file, under the command line.
//!
//! A preset holds every key, so a key that a file or `--set` names and the preset lacks is unknown.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use crate::nn::Kind;
use crate::storage::shown::shown;

use crate::experiment::Error;
use crate::experiment::config::{Config, Preset};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The preset.
    Preset,
    /// The file given with `--config`.
    File,
    /// `--set` or `--seed`.
    CommandLine,
}

/// Settings with the origin of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Name of the preset.
    pub preset: String,
    /// The settings.
    pub config: Config,
    /// Dotted key to value and origin.
    pub entries: BTreeMap<String, (Value, Source)>,
}

/// Puts the settings together.
///
/// # Errors
/// A file that is not TOML, an unknown key (with the nearest known one), a value of the wrong type
/// or out of range; each names the key.
pub fn resolve(
    preset: Preset,
    file: Option<(&Path, &str)>,
    sets: &[String],
    seed: Option<u64>,
) -> Result<Resolved, Error> {
    let base: Table = preset
        .text()
        .parse()
        .expect("the presets are TOML, a test reads them");
    let entries = layered(&base, file, sets, seed)?;
    let config = build(&entries)?;
    config.check()?;
    check_impala(&config, &entries)?;
    Ok(Resolved {
        preset: preset.name().into(),
        config,
        entries,
    })
}

/// The settings of a run that is gone on with, those of its `config.toml`; what is given beside may
/// only repeat them.
///
/// # Errors
/// As for [`resolve`], and the first key that is given another value.
pub fn resume(
    (path, text): (&Path, &str),
    preset: Option<Preset>,
    file: Option<(&Path, &str)>,
    sets: &[String],
    seed: Option<u64>,
) -> Result<Resolved, Error> {
    let unreadable = |message: String| Error::Stored {
        path: path.display().to_string(),
        message,
    };
    let stored: Table = text.parse().map_err(|error: toml::de::Error| {
        unreadable(format!("expected TOML: {}", error.to_string().trim()))
    })?;
    let config = layered(&stored, None, &[], None).and_then(|entries| {
        let config = build(&entries)?;
        config.check()?;
        Ok((entries, config))
    });
    let (entries, config) = config.map_err(|error| match error {
        Error::Settings { message, .. } => unreadable(format!(
            "expected the settings of a run of this release: {message}"
        )),
        other => unreadable(other.to_string()),
    })?;
    let base: Table = preset
        .map_or(Ok(stored), |preset| preset.text().parse())
        .expect("the presets are TOML, a test reads them");
    let given = build(&layered(&base, file, sets, seed)?)?;
    // As they are written again, so that 1 and 1.0 are the same.
    let written = |config: &Config| -> Table {
        config
            .to_toml()
            .parse()
            .expect("settings are written as TOML")
    };
    let (given, found) = (flatten(&written(&given)), flatten(&written(&config)));
    for ((key, given), (_, found)) in given.into_iter().zip(found) {
        if given != found {
            return Err(Error::OtherSetting {
                key,
                given: given.to_string(),
                found: found.to_string(),
                path: path.parent().unwrap_or(path).display().to_string(),
            });
        }
    }
    let preset = text
        .lines()
        .find_map(|line| line.strip_prefix(BEGUN_FROM))
        .unwrap_or("unknown");
    Ok(Resolved {
        preset: preset.trim().into(),
        config,
        entries,
    })
}

/// What stands before the preset's name in a comment of `config.toml`.
const BEGUN_FROM: &str = "# preset: ";

impl Resolved {
    /// The text of `config.toml`.
    pub fn to_toml(&self) -> String {
        format!("{BEGUN_FROM}{}\n{}", self.preset, self.config.to_toml())
    }

    /// The same with another seed.
    pub fn with_seed(&self, seed: u64) -> Self {
        self.with_config(Config {
            seed,
            ..self.config.clone()
        })
    }

    /// The same preset's name over other settings.
    pub fn with_config(&self, config: Config) -> Self {
        Self {
            config,
            ..self.clone()
        }
    }

    /// SHA-256 of the settings as TOML, in hexadecimal.
    pub fn sha256(&self) -> String {
        let digest = Sha256::digest(self.config.to_toml());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Every key of `base`, under the file's, under the command line's.
fn layered(
    base: &Table,
    file: Option<(&Path, &str)>,
    sets: &[String],
    seed: Option<u64>,
) -> Result<BTreeMap<String, (Value, Source)>, Error> {
    let mut entries = BTreeMap::new();
    for (key, value) in flatten(base) {
        entries.insert(key, (value, Source::Preset));
    }
    if let Some((path, text)) = file {
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| Error::NotToml {
                path: path.display().to_string(),
                message: error.to_string().trim().into(),
            })?;
        for (key, value) in flatten(&table) {
            put(&mut entries, &key, value, Source::File)?;
        }
        // On their own over the preset, so that a value of the wrong kind is told with the file.
        build(&entries).map_err(|error| match error {
            Error::Settings { message, .. } => Error::Settings {
                from: path.display().to_string(),
                message,
            },
            other => other,
        })?;
    }
    for set in sets {
        let (key, text) = set
            .split_once('=')
            .ok_or_else(|| Error::NotASetting { text: set.clone() })?;
        put(
            &mut entries,
            key.trim(),
            parse_value(text.trim()),
            Source::CommandLine,
        )?;
    }
    if let Some(seed) = seed {
        let value = i64::try_from(seed)
            .map(Value::Integer)
            .map_err(|_| Error::range("seed", seed, format!("0 to {}", i64::MAX)))?;
        put(&mut entries, "seed", value, Source::CommandLine)?;
    }
    Ok(entries)
}

fn build(entries: &BTreeMap<String, (Value, Source)>) -> Result<Config, Error> {
    let mut root = Table::new();
    for (key, (value, _)) in entries {
        match key.split_once('.') {
            None => root.insert(key.clone(), value.clone()),
            Some((table, name)) => {
                let inner = root
                    .entry(table)
                    .or_insert_with(|| Value::Table(Table::new()));
                // A run's file may say anything: `env = 3` beside `"env.world" = 9`.
                let Some(inner) = inner.as_table_mut() else {
                    return Err(Error::Settings {
                        from: table.into(),
                        message: format!("{table}: expected a table, found {inner}"),
                    });
                };
                inner.insert(name.to_owned(), value.clone())
            }
        };
    }
    root.try_into()
        .map_err(|error: toml::de::Error| Error::Settings {
            from: "settings".into(),
            message: error.to_string().trim().to_owned(),
        })
}

/// The sizes of `small` say nothing about `impala`: whoever sets them is told.
fn check_impala(config: &Config, entries: &BTreeMap<String, (Value, Source)>) -> Result<(), Error> {
    if config.net.kind != Kind::Impala {
        return Ok(());
    }
    for key in ["net.channels", "net.blocks", "net.hidden"] {
        let (value, source) = &entries[key];
        if *source != Source::Preset {
            let expected = "nothing: the published sizes of impala are fixed";
            return Err(Error::range(key, value, expected));
        }
    }
    Ok(())
}

fn put(
    entries: &mut BTreeMap<String, (Value, Source)>,
    key: &str,
    value: Value,
    source: Source,
) -> Result<(), Error> {
    if !entries.contains_key(key) {
        let inside = format!("{key}.");
        if let Some((known, _)) = entries.range(inside.clone()..).next()
            && known.starts_with(&inside)
        {
            return Err(Error::Settings {
                from: key.into(),
                message: format!("expected one of its settings, as in {known}=VALUE"),
            });
        }
        // A key of megabytes is compared by its beginning, and told by its ends.
        let begins: String = key.chars().take(100).collect();
        return Err(Error::UnknownKey {
            key: shown(key),
            nearest: nearest(entries.keys(), &begins).cloned(),
        });
    }
    entries.insert(key.to_owned(), (value, source));
    Ok(())
}

/// Dotted keys down to one level of tables; arrays are values.
fn flatten(table: &Table) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                flat.extend(
                    flatten(inner)
                        .into_iter()
                        .map(|(name, value)| (format!("{key}.{name}"), value)),
                );
            }
            value => flat.push((key.clone(), value.clone())),
        }
    }
    flat
}

/// What stands after `=`: TOML where it is TOML, else a bare string.
fn parse_value(text: &str) -> Value {
    let parsed: Result<Table, _> = format!("value = {text}").parse();
    parsed
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.into()))
}

/// The known key of which this one is a misspelling: a third of its letters may be wrong, or its section.
fn nearest<'a>(known: impl Iterator<Item = &'a String>, key: &str) -> Option<&'a String> {
    let name = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let of = |known: &'a String| {
        let whole = (distance(known, key), key);
        let wrong_section = (distance(&name(known), &name(key)), &*name(key));
        let is_like = |(wrong, of): (usize, &str)| wrong <= of.chars().count().div_ceil(3);
        let is_known = is_like(whole) || is_like(wrong_section);
        is_known.then_some((whole.0.min(1 + wrong_section.0), known))
    };
    let like = known.filter_map(of).min_by_key(|(wrong, _)| *wrong);
    like.map(|(_, known)| known)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
