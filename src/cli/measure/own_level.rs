//! What a policy does on a level of the user's own.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::ablate::on_level::{Ended, OnLevel, on_level};
use crate::cli::Error;
use crate::cli::level::read_level;
use crate::maze::{Level, Move};
use crate::storage;

use super::drawing::{LEGEND, Style, beside, likeliest, lines};
use super::opened::Opened;

/// A level with what a policy does on it, before and after an edit.
pub struct OwnLevel {
    level: Level,
    region: u8,
    limit: u16,
    base: OnLevel,
    edited: Option<(OnLevel, String)>,
}

impl OwnLevel {
    /// The level in the file at `path`.
    ///
    /// # Errors
    /// A file that is no level, a world that the network does not see, or a policy that is not finite.
    pub fn new(
        path: &Path,
        of: &Opened,
        edited: Option<&(Vec<f32>, String)>,
    ) -> Result<Self, Error> {
        let level = read_level(path)?;
        let env = &of.config.env;
        if level.world != env.world {
            let side = env.world;
            let expected = format!("a world of {side} x {side}, as the run's network sees");
            let found = format!("{0} x {0}", level.world);
            return Err(storage::Error::malformed(path, expected, found).into());
        }
        let on = |theta: &[f32]| {
            let policy = of.policy(theta);
            let found = on_level(&level, (env.region, env.timeout), env.actions, policy);
            found.map_err(crate::experiment::Error::from)
        };
        let base = on(&of.theta)?;
        let edited = match edited {
            None => None,
            Some((theta, words)) => Some((on(theta)?, words.clone())),
        };
        Ok(Self {
            region: env.region,
            limit: env.timeout,
            base,
            edited,
            level,
        })
    }

    /// Draws it, and says how episodes end.
    ///
    /// # Errors
    /// An output that cannot be written.
    pub fn write(&self, style: Style, out: &mut dyn Write) -> std::io::Result<()> {
        let drawn = |did: &OnLevel| lines(&self.level, did, self.region, style);
        let mut drawings = vec![("", drawn(&self.base))];
        if let Some((did, _)) = &self.edited {
            drawings = vec![("unedited", drawn(&self.base)), ("edited", drawn(did))];
        }
        write!(out, "{}{LEGEND}\n\n", beside(&drawings, self.level.world))?;
        if let Some((_, words)) = &self.edited {
            writeln!(out, "edited: {words}\n")?;
        }
        let head = format!("from the mouse's place, within {} steps", self.limit);
        let both = |of: &dyn Fn(&OnLevel) -> String| {
            let edited = self.edited.as_ref().map(|(did, _)| of(did));
            format!("{:>10}{:>12}", of(&self.base), edited.unwrap_or_default())
        };
        let heads = match &self.edited {
            Some(_) => format!("{:>10}{:>12}", "unedited", "edited"),
            None => String::new(),
        };
        let mut line = |what: &str, values: &str| {
            writeln!(out, "{}", format!("{what:<46}{values}").trim_end())
        };
        line(&head, &heads)?;
        let seen = |of: fn(&Ended) -> f64| both(&|did| format!("{:.4}", of(&did.seen)));
        let hidden = |of: fn(&Ended) -> f64| {
            both(&|did| {
                did.hidden
                    .map_or("-".into(), |ended| format!("{:.4}", of(&ended)))
            })
        };
        let cheese = |ended: &Ended| ended.cheese.unwrap_or(0.0);
        let region = |ended: &Ended| ended.region;
        if self.level.cheese.is_some() {
            line("the cheese is reached", &seen(cheese))?;
            line("  the same where it is hidden", &hidden(cheese))?;
            line("the region is entered, not after the cheese", &seen(region))?;
            line("  the same where the cheese is hidden", &hidden(region))?;
        } else {
            line("the region is entered", &seen(region))?;
        }
        let start = |did: &OnLevel| {
            let mut cells = did.cells.iter();
            let found = cells.find(|(cell, _)| *cell == self.level.mouse);
            let (step, p) = found.map_or((None, 0.0), |(_, moves)| likeliest(moves));
            let step = step.map_or("stay".into(), |step| format!("{step:?}").to_lowercase());
            format!("{step} {p:.2}")
        };
        line("likeliest move there", &both(&start))
    }

    /// The same as JSON.
    pub fn json(&self) -> Value {
        let policy = |did: &OnLevel| {
            let of = |ended: &Ended| json!({ "cheese": ended.cheese, "region": ended.region });
            let cells = did.cells.iter().map(|(cell, moves)| {
                let mut one = json!({ "x": cell.x, "y": cell.y, "stay": moves[4] });
                for step in Move::ALL {
                    let name = format!("{step:?}").to_lowercase();
                    one[name] = moves[step as usize].into();
                }
                one
            });
            json!({
                "seen": of(&did.seen),
                "hidden": did.hidden.as_ref().map(of),
                "cells": cells.collect::<Vec<_>>(),
            })
        };
        let (did, words) = match &self.edited {
            Some((did, words)) => (did, Some(words)),
            None => (&self.base, None),
        };
        let mut all = policy(did);
        all["rows"] = self.level.rows().into();
        all["region"] = self.region.into();
        all["timeout"] = self.limit.into();
        if let Some(words) = words {
            all["edit"] = words.as_str().into();
            all["unedited"] = policy(&self.base);
        }
        all
    }
}
