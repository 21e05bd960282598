//! Settings: a preset, under a file, under the command line.
//!
//! A preset holds every key, so a key that a file or `--set` names and the preset lacks is unknown.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::ppo::{EnvSettings, NetSettings, PpoSettings, Settings};

use super::Error;

/// A named set of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Minutes.
    Quick,
    /// A lunch break.
    Standard,
    /// The published hyperparameters.
    Procgen,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Standard, Self::Procgen];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Standard => "standard",
            Self::Procgen => "procgen",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Quick => include_str!("../../data/presets/quick.toml"),
            Self::Standard => include_str!("../../data/presets/standard.toml"),
            Self::Procgen => include_str!("../../data/presets/procgen.toml"),
        }
    }
}

/// How many optimiser steps one row of the gradient matrix sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "EveryText", into = "EveryText")]
pub enum Every {
    /// One.
    Update,
    /// Those of one iteration: one rollout.
    Iteration,
    /// So many.
    Updates(u64),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum EveryText {
    Word(String),
    Count(u64),
}

impl TryFrom<EveryText> for Every {
    type Error = String;

    fn try_from(text: EveryText) -> Result<Self, String> {
        match text {
            EveryText::Word(word) if word == "update" => Ok(Self::Update),
            EveryText::Word(word) if word == "iteration" => Ok(Self::Iteration),
            EveryText::Count(count) if count > 0 => Ok(Self::Updates(count)),
            EveryText::Word(word) => Err(format!("\"{word}\": expected {EVERY}")),
            EveryText::Count(count) => Err(format!("{count}: expected {EVERY}")),
        }
    }
}

const EVERY: &str = "\"update\", \"iteration\" or a number of updates from 1";

impl From<Every> for EveryText {
    fn from(every: Every) -> Self {
        match every {
            Every::Update => Self::Word("update".into()),
            Every::Iteration => Self::Word("iteration".into()),
            Every::Updates(count) => Self::Count(count),
        }
    }
}

impl Every {
    /// Updates of one row.
    pub fn updates(self, ppo: &PpoSettings) -> u64 {
        match self {
            Self::Update => 1,
            Self::Iteration => ppo.updates_per_iteration(),
            Self::Updates(count) => count,
        }
    }
}

/// What is recorded during training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSettings {
    /// "update", "iteration", or a number of updates: what a row of the matrix sums.
    pub every: Every,
    /// Checkpoints after the first, evenly spaced.
    pub checkpoints: u64,
    /// Points of the S1 to S5 curves after the first, evenly spaced.
    pub curve_points: u64,
    /// Levels a situation at each point.
    pub curve_levels: usize,
    /// Size that a shard of the matrix stays near.
    pub shard_mb: u64,
}

/// The decomposition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SvdSettings {
    /// Singular triplets.
    pub rank: usize,
    /// Residual, as a share of the largest singular value, at which it stops.
    pub tolerance: f64,
    /// Most passes over the matrix.
    pub max_passes: usize,
    /// Sign-flipped matrices behind the spectrum's null.
    pub null_draws: usize,
}

/// Temporal labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocateSettings {
    /// Surrogates behind each p-value.
    pub null_draws: usize,
}

/// Edits and where they are judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AblateSettings {
    /// Leading components of each decomposition whose steps are tried.
    pub components: usize,
    /// Random in-span directions tried beside them.
    pub controls: usize,
    /// Lengths of a step, in shares of |theta_T - theta_0|.
    pub step_doses: Vec<f64>,
    /// Shares of the displacement's projection that are removed.
    pub project_doses: Vec<f64>,
    /// Percentages of the parameters that are reset.
    pub reset_percent: Vec<f64>,
    /// Levels a situation on which members, signs and doses are chosen.
    pub selection_levels: usize,
    /// Levels a situation on which the chosen ones are reported.
    pub test_levels: usize,
    /// Mazes drawn with the policy's vector field.
    pub mazes: usize,
}

/// All settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Seed of everything random but the levels' own.
    pub seed: u64,
    /// Levels.
    pub env: EnvSettings,
    /// Network.
    pub net: NetSettings,
    /// PPO.
    pub ppo: PpoSettings,
    /// Recording.
    pub record: RecordSettings,
    /// Decomposition.
    pub svd: SvdSettings,
    /// Temporal labels.
    pub locate: LocateSettings,
    /// Edits.
    pub ablate: AblateSettings,
}

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
    let mut entries = BTreeMap::new();
    for (key, value) in flatten(&base) {
        entries.insert(key, (value, Source::Preset));
    }
    if let Some((path, text)) = file {
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| Error::Settings {
                from: path.display().to_string(),
                message: error.to_string(),
            })?;
        for (key, value) in flatten(&table) {
            put(&mut entries, &key, value, Source::File)?;
        }
    }
    for set in sets {
        let (key, text) = set.split_once('=').ok_or_else(|| Error::Settings {
            from: format!("--set {set}"),
            message: "expected KEY=VALUE, as in --set ppo.clip_coef=0.1".into(),
        })?;
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
            .map_err(|_| Error::Settings {
                from: format!("--seed {seed}"),
                message: format!("expected 0 to {}", i64::MAX),
            })?;
        put(&mut entries, "seed", value, Source::CommandLine)?;
    }
    let config = build(&entries)?;
    config.check()?;
    Ok(Resolved {
        preset: preset.name().into(),
        config,
        entries,
    })
}

impl Config {
    /// What training alone depends on.
    pub fn settings(&self) -> Settings {
        Settings {
            env: self.env.clone(),
            net: self.net.clone(),
            ppo: self.ppo.clone(),
        }
    }

    /// As TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("settings are plain tables of plain values")
    }

    /// Rows of the gradient matrix.
    pub fn time_len(&self) -> u64 {
        self.ppo
            .total_updates
            .div_ceil(self.record.every.updates(&self.ppo))
    }

    fn check(&self) -> Result<(), Error> {
        self.settings().check()?;
        let counts: [(&str, u64, u64, u64); 11] = [
            ("record.checkpoints", self.record.checkpoints, 2, 1 << 20),
            ("record.curve_points", self.record.curve_points, 2, 1 << 20),
            (
                "record.curve_levels",
                self.record.curve_levels as u64,
                8,
                1 << 20,
            ),
            ("record.shard_mb", self.record.shard_mb, 1, 1 << 20),
            ("svd.rank", self.svd.rank as u64, 1, 4096),
            ("svd.max_passes", self.svd.max_passes as u64, 1, 10_000),
            ("svd.null_draws", self.svd.null_draws as u64, 1, 10_000),
            (
                "locate.null_draws",
                self.locate.null_draws as u64,
                19,
                1 << 20,
            ),
            (
                "ablate.selection_levels",
                self.ablate.selection_levels as u64,
                8,
                1 << 20,
            ),
            (
                "ablate.test_levels",
                self.ablate.test_levels as u64,
                8,
                1 << 20,
            ),
            ("ablate.components", self.ablate.components as u64, 1, 4096),
        ];
        for (key, found, least, most) in counts {
            if found < least || found > most {
                return Err(Error::range(key, found, format!("{least} to {most}")));
            }
        }
        if !(self.svd.tolerance > 0.0 && self.svd.tolerance < 1.0) {
            return Err(Error::range(
                "svd.tolerance",
                self.svd.tolerance,
                "between 0 and 1",
            ));
        }
        let doses: [(&str, &[f64], f64); 3] = [
            ("ablate.step_doses", &self.ablate.step_doses, 100.0),
            ("ablate.project_doses", &self.ablate.project_doses, 1.5),
            ("ablate.reset_percent", &self.ablate.reset_percent, 100.0),
        ];
        for (key, found, most) in doses {
            if found.is_empty() || found.iter().any(|&dose| !(dose > 0.0 && dose <= most)) {
                let expected = format!("one or more numbers above 0 and up to {most}");
                return Err(Error::range(key, format!("{found:?}"), expected));
            }
        }
        Ok(())
    }
}

fn build(entries: &BTreeMap<String, (Value, Source)>) -> Result<Config, Error> {
    let mut root = Table::new();
    for (key, (value, _)) in entries {
        match key.split_once('.') {
            None => root.insert(key.clone(), value.clone()),
            Some((table, name)) => root
                .entry(table)
                .or_insert_with(|| Value::Table(Table::new()))
                .as_table_mut()
                .expect("a key is a table in every preset or in none")
                .insert(name.to_owned(), value.clone()),
        };
    }
    root.try_into()
        .map_err(|error: toml::de::Error| Error::Settings {
            from: "settings".into(),
            message: error.to_string().trim().to_owned(),
        })
}

fn put(
    entries: &mut BTreeMap<String, (Value, Source)>,
    key: &str,
    value: Value,
    source: Source,
) -> Result<(), Error> {
    if !entries.contains_key(key) {
        let nearest = entries
            .keys()
            .min_by_key(|known| distance(known, key))
            .cloned();
        return Err(Error::UnknownKey {
            key: key.into(),
            nearest: nearest.unwrap_or_default(),
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
