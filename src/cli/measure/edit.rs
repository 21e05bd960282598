//! The edits that `--edit NAME=VALUE` makes, one after the other.

use crate::ablate::blindfold::blindfold;
use crate::ablate::{compass, edit};
use crate::cli::Error;
use crate::locators::Columns;
use crate::storage::shown::shown;
use crate::storage::{self, exists};
use crate::svd;

use super::opened::Opened;

/// An edit of a policy of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A constant added to the logits: along which of [`compass::names`], and by how many logits.
    Compass(&'static str, f64),
    /// This share of the weights that read the cheese's plane taken away.
    Blindfold(f64),
    /// A step along a component of a decomposition, in shares of |theta_T - theta_0|.
    Component(Columns, usize, f64),
    /// The parameters at the checkpoint nearest to this share of training.
    Rollback(f64),
    /// What moved between two shares of training, times a dose, taken back.
    Stretch(f64, f64, f64),
    /// A tensor, or those of a layer, as before training.
    Reset(String),
}

/// What there is, for errors and for `--help`.
const FORMS: &str = "compass=LOGITS, compass=DIRECTION:LOGITS, blindfold=SHARE, component=raw|unit-norm:NUMBER:DOSE, \
     rollback=SHARE, stretch=FROM:TO:DOSE or reset=TENSOR";

impl Edit {
    /// Reads `NAME=VALUE`.
    ///
    /// # Errors
    /// What there is, or what the named edit expects.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| format!("expected {FORMS}, found {}", shown(text)))?;
        let parts: Vec<&str> = value.split(':').collect();
        let wrong = |expected: &str| format!("expected {expected}, found {}", shown(value));
        match (name, parts.as_slice()) {
            ("compass", [dose]) => Ok(Self::Compass(compass::names()[0], number(dose)?)),
            ("compass", [direction, dose]) => {
                let mut names = compass::names().into_iter();
                let found = names.find(|name| short(name) == *direction);
                let all = || compass::names().map(short).join(", ");
                let found = found.ok_or_else(|| wrong(&format!("one of {}", all())))?;
                Ok(Self::Compass(found, number(dose)?))
            }
            ("compass", _) => Err(wrong("compass=LOGITS or compass=DIRECTION:LOGITS")),
            ("blindfold", [share]) => Ok(Self::Blindfold(from_0_to_1(share)?)),
            ("component", [of, index, dose]) => {
                let mut all = Columns::ALL.into_iter();
                let of = all.find(|columns| columns.name() == *of);
                let of = of.ok_or_else(|| wrong("raw or unit-norm before the first colon"))?;
                let index = index
                    .parse()
                    .map_err(|_| wrong("the number of a component from 0 on between the colons"))?;
                Ok(Self::Component(of, index, number(dose)?))
            }
            ("component", _) => Err(wrong("component=raw|unit-norm:NUMBER:DOSE")),
            ("rollback", [share]) => Ok(Self::Rollback(from_0_to_1(share)?)),
            ("stretch", [from, to, dose]) => {
                let (from, to) = (from_0_to_1(from)?, from_0_to_1(to)?);
                if from >= to {
                    return Err(wrong("FROM below TO in stretch=FROM:TO:DOSE"));
                }
                Ok(Self::Stretch(from, to, number(dose)?))
            }
            ("stretch", _) => Err(wrong("stretch=FROM:TO:DOSE")),
            ("reset", [tensor]) if !tensor.is_empty() => Ok(Self::Reset(tensor.to_string())),
            ("blindfold" | "rollback", _) => Err(wrong(&format!("{name}=SHARE"))),
            ("reset", _) => Err(wrong("reset=TENSOR")),
            _ => Err(format!("expected {FORMS}, found {}", shown(name))),
        }
    }

    /// The edited parameters, and the edit in words.
    ///
    /// # Errors
    /// What it needs is not in the run, or is damaged.
    pub fn apply(&self, theta: &[f32], of: &Opened) -> Result<(Vec<f32>, String), Error> {
        let layout = &of.network.layout;
        Ok(match self {
            Self::Compass(name, dose) => {
                let all = compass::directions(layout, of.config.env.actions);
                let found = all.iter().find(|(direction, _)| direction == name);
                let (_, direction) = found.ok_or_else(|| {
                    let text = "--edit compass: the network has no bias for these actions";
                    Error::Usage(text.into())
                })?;
                let words = format!("compass {name} by {dose} logits");
                let length = compass::length(direction, *dose);
                (edit::step(theta, direction, length), words)
            }
            Self::Blindfold(share) => {
                let words = format!(
                    "{} % of the weights that read the cheese's plane taken away",
                    percent(*share)
                );
                (blindfold(theta, layout, *share), words)
            }
            Self::Component(columns, index, dose) => {
                let direction = component(of, *columns, *index)?;
                let length = dose * of.displacement()?;
                let name = columns.name();
                let words = format!("{name} component {index} by {dose} of the displacement");
                (edit::step(theta, &direction, length), words)
            }
            Self::Rollback(share) => {
                let (updates, theta) = of.nearest(*share)?;
                (theta, format!("rolled back to {}", of.of_total(updates)))
            }
            Self::Stretch(from, to, dose) => {
                let (first, a) = of.nearest(*from)?;
                let (last, b) = of.nearest(*to)?;
                if first == last {
                    return Err(Error::Usage(format!(
                        "--edit stretch={from}:{to}:{dose}: the checkpoint nearest to both shares is the one after {}",
                        of.of_total(first)
                    )));
                }
                let words = format!(
                    "{dose} times what moved from {first} to {} taken back",
                    of.of_total(last)
                );
                (edit::stretch(theta, &a, &b, *dose), words)
            }
            Self::Reset(tensor) => (
                of.reset(theta, tensor)?,
                format!("{tensor} as before training"),
            ),
        })
    }
}

/// All edits, one after the other; nothing where there are none.
///
/// # Errors
/// Those of the first that cannot be made.
pub fn apply_all(edits: &[Edit], of: &Opened) -> Result<Option<(Vec<f32>, String)>, Error> {
    let mut found: Option<(Vec<f32>, Vec<String>)> = None;
    for edit in edits {
        let (theta, mut words) = found.unwrap_or_else(|| (of.theta.clone(), Vec::new()));
        let (theta, more) = edit.apply(&theta, of)?;
        words.push(more);
        found = Some((theta, words));
    }
    Ok(found.map(|(theta, words)| (theta, words.join(", then "))))
}

/// The direction of one component of the run's decomposition.
fn component(of: &Opened, columns: Columns, index: usize) -> Result<Vec<f32>, Error> {
    let folder = of.run.svd().join(columns.name());
    let certificate = folder.join("certificate.json");
    if !exists(&certificate)? {
        let scaled = match columns {
            Columns::Raw => "",
            Columns::UnitNorm => " --unit-norm",
        };
        return Err(Error::Usage(format!(
            "--edit component={}: {} is not there; `gouda svd {}{scaled} --rank {} --out {}` makes it",
            columns.name(),
            certificate.display(),
            of.run.gradients().join("total").display(),
            of.config.svd.rank,
            folder.display()
        )));
    }
    let found = svd::output::load(&folder)?;
    if found.param_len != of.network.param_len() {
        let expected = format!(
            "{} parameters, as the run's network has",
            of.network.param_len()
        );
        let found = found.param_len.to_string();
        return Err(storage::Error::malformed(&certificate, expected, found).into());
    }
    if index >= found.rank {
        return Err(Error::Usage(format!(
            "--edit component={}:{index}: expected 0 to {}, as many as {} has",
            columns.name(),
            found.rank.saturating_sub(1),
            folder.display()
        )));
    }
    Ok(found.u_column(index))
}

/// A name with hyphens: "up-right" of "up and right".
fn short(name: &str) -> String {
    name.replace(" and ", "-")
}

fn percent(share: f64) -> f64 {
    (1e4 * share).round() / 1e2
}

/// A finite number.
fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("expected a finite number, found {}", shown(text))),
    }
}

/// A share of training, or of something else.
pub fn from_0_to_1(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err(format!(
            "expected a share from 0 to 1, found {}",
            shown(text)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for (text, expected) in [
            ("compass=5", Edit::Compass("up and right", 5.0)),
            (
                "compass=down-right:-3",
                Edit::Compass("down and right", -3.0),
            ),
            ("compass=sideways:2", Edit::Compass("sideways", 2.0)),
            ("blindfold=1", Edit::Blindfold(1.0)),
            (
                "component=raw:3:-0.006",
                Edit::Component(Columns::Raw, 3, -0.006),
            ),
            (
                "component=unit-norm:0:1e-2",
                Edit::Component(Columns::UnitNorm, 0, 0.01),
            ),
            ("rollback=0.13", Edit::Rollback(0.13)),
            ("stretch=0.5:1:0.7", Edit::Stretch(0.5, 1.0, 0.7)),
            ("reset=conv0.weight", Edit::Reset("conv0.weight".into())),
        ] {
            assert_eq!(Edit::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_there_is() {
        for (text, words) in [
            ("", "compass=LOGITS"),
            ("compass", "found compass"),
            ("compas=5", "expected compass=LOGITS"),
            ("compass=much", "a finite number, found much"),
            ("compass=inf", "a finite number, found inf"),
            ("compass=up:3", "one of up-right, down-right, sideways"),
            ("compass=up-right:3:1", "compass=DIRECTION:LOGITS"),
            ("blindfold=1.5", "from 0 to 1, found 1.5"),
            ("blindfold=nan", "from 0 to 1"),
            ("blindfold=0:1", "blindfold=SHARE"),
            ("component=raw", "component=raw|unit-norm:NUMBER:DOSE"),
            ("component=policy:0:1", "raw or unit-norm"),
            ("component=raw:-1:1", "from 0 on"),
            ("component=raw:1:x", "a finite number, found x"),
            ("rollback=-0.1", "from 0 to 1"),
            ("rollback=", "from 0 to 1"),
            ("stretch=0.5:1", "stretch=FROM:TO:DOSE"),
            ("stretch=1:0.5:1", "FROM below TO"),
            ("stretch=0.5:0.5:1", "FROM below TO"),
            ("stretch=0:2:1", "from 0 to 1, found 2"),
            ("reset=", "reset=TENSOR"),
            ("reset=\u{1b}[2J:x", "\\u{1b}"),
        ] {
            let fault = Edit::parse(text).unwrap_err();
            assert!(fault.contains(words), "{text}: {fault}");
        }
    }
}
