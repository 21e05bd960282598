//! `gouda measure`: every rate of any policy, edited or not, with its interval.

mod drawing;
mod edit;
mod opened;
mod own_level;
mod rates;
mod slow;
mod table;

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::ablate::resample::DRAWS;
use crate::ablate::{MazeLevels, Reference, Resampling, Split};
use crate::experiment;
use crate::maze::Variant;

use super::Error;
use super::settings::start;
use drawing::Style;
use edit::Edit;
use opened::{Opened, Which};
use own_level::OwnLevel;
use rates::Measured;
use slow::Slow;
use table::Table;

/// Measure every rate of a policy, edited or not, with its 95 % interval
///
/// Rates are computed, not played: what the policy would do on average in endless episodes on each of
/// the levels. Intervals are of the mazes: percentiles of 1,000 bootstrap draws. With --edit the edited
/// policy is measured beside the unedited one, and held against both claims: which share of what
/// training gained each rate lost, and which rate is the one that fails the rule. Nothing is written:
/// the run may be read-only, or still going on.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda measure runs/quick-seed0
  gouda measure runs/quick-seed0 --edit blindfold=1
  gouda measure runs/quick-seed0 --edit compass=5 --json
  gouda measure runs/quick-seed0 --edit component=raw:0:-0.006 --split selection --levels 256
  gouda measure runs/quick-seed0 --edit stretch=0.5:1:0.7 --edit compass=sideways:1
  gouda measure runs/quick-seed0 --at 0.13
  gouda measure runs/quick-seed0 --level my_maze.txt --edit rollback=0.13

Edits, made one after the other in the order given:
  compass=LOGITS, compass=DIRECTION:LOGITS   a constant on the logits: by how much up and right are
                              preferred to left and down, or of up-right, down-right, sideways
  blindfold=SHARE             so much of the weights that read the cheese taken away; 1 is all
  component=raw:NUMBER:DOSE   a step along a component of svd/raw or svd/unit-norm, numbered from 0,
                              in shares of how far training moved the parameters, of either sign
  rollback=SHARE              the checkpoint nearest to this share of training
  stretch=FROM:TO:DOSE        what moved between two shares of training, times DOSE, taken back
  reset=TENSOR                a tensor, or a layer's, as before training

A level of your own: as many lines as columns, # wall, . free, C cheese, M mouse; `gouda maze --json`
prints one.")]
pub struct Args {
    /// A run's directory, or a file in its checkpoints/
    run: PathBuf,

    /// The checkpoint nearest to this share of training, from 0 to 1 [default: the last one]
    #[arg(long, value_name = "SHARE", value_parser = edit::from_0_to_1, conflicts_with = "checkpoint")]
    at: Option<f64>,

    /// The checkpoint after so many updates
    #[arg(long, value_name = "UPDATES")]
    checkpoint: Option<u64>,

    /// An edit of the policy, see below; may be given again
    #[arg(long = "edit", value_name = "NAME=VALUE", value_parser = Edit::parse)]
    edits: Vec<Edit>,

    /// Whose levels: test is looked at last, after everything was chosen elsewhere
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    split: SplitName,

    /// Levels of every situation [default: the run's ablate.test_levels]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=65_536))]
    levels: Option<u32>,

    /// On this level of your own instead: what the policy does in every cell, and how it ends
    #[arg(long, value_name = "FILE", conflicts_with_all = ["split", "levels"])]
    level: Option<PathBuf>,

    /// Draw it with plain ASCII characters
    #[arg(long, requires = "level")]
    ascii: bool,

    /// Worker threads; results do not depend on it [default: one a core]
    #[arg(long)]
    threads: Option<usize>,

    /// No progress on stderr
    #[arg(long)]
    quiet: bool,

    /// Results on stdout as JSON
    #[arg(long)]
    json: bool,
}

/// Whose levels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum SplitName {
    /// Levels looked at once, after everything is chosen
    Test,
    /// Levels on which components, doses and signs are chosen
    Selection,
    /// Levels on which methods look for effects
    Discovery,
    /// Levels of the rates along training
    Curve,
}

impl SplitName {
    fn split(self) -> (Split, &'static str) {
        match self {
            Self::Test => (Split::Test, "test"),
            Self::Selection => (Split::Selection, "selection"),
            Self::Discovery => (Split::Discovery, "discovery"),
            Self::Curve => (Split::Curve, "curve"),
        }
    }
}

impl Args {
    /// Whether what is printed is a drawing, which has colours of its own and nothing of a file but its cells.
    pub(super) fn is_drawing(&self) -> bool {
        self.level.is_some() && !self.json
    }
}

/// Runs the subcommand; `colour` allows ANSI colours in a drawing.
///
/// # Errors
/// What is no run or no level, an edit that cannot be made, a policy that is not finite.
pub fn run(args: &Args, colour: bool, out: &mut dyn Write) -> Result<(), Error> {
    start(args.threads)?;
    let which = match (args.at, args.checkpoint) {
        (Some(share), _) => Which::At(share),
        (_, Some(updates)) => Which::Updates(updates),
        _ => Which::Last,
    };
    let opened = Opened::new(&args.run, which)?;
    let edited = edit::apply_all(&args.edits, &opened)?;
    match &args.level {
        None => on_split(args, &opened, edited, out),
        Some(path) => {
            let found = OwnLevel::new(path, &opened, edited.as_ref())?;
            if args.json {
                let mut all = found.json();
                checkpoint(&opened, &mut all);
                return print(&all, out);
            }
            let style = Style {
                ascii: args.ascii,
                colour,
            };
            Ok(found.write(style, out)?)
        }
    }
}

fn on_split(
    args: &Args,
    opened: &Opened,
    edited: Option<(Vec<f32>, String)>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let (split, split_name) = args.split.split();
    let count = args
        .levels
        .map_or(opened.config.ablate.test_levels, |count| count as usize);
    let mut slow = Slow::new(args.quiet, if edited.is_some() { 6 } else { 3 });
    let tasks = opened.config.tasks(split, count)?;
    let env = &opened.config.env;
    let place = (env.world, env.timeout);
    let levels = MazeLevels::new(
        split,
        place,
        Variant::Anywhere,
        env.region,
        env.actions,
        count,
    )
    .map_err(experiment::Error::from)?;
    let mut measure = |theta: &[f32]| {
        slow.next();
        let found = tasks.measure_exact(opened.policy(theta));
        found.map_err(experiment::Error::from)
    };
    let anywhere = |theta: &[f32]| {
        let found = levels.measure(opened.policy(theta));
        found.map_err(experiment::Error::from)
    };
    let base = measure(&opened.theta)?;
    let resampling = Resampling::new(&tasks.seeds(), DRAWS, opened.config.study.first_seed);
    let of_base = Measured::new(&base, anywhere(&opened.theta)?, &resampling);
    let of_edited = match &edited {
        None => None,
        Some((theta, words)) => {
            let found = measure(theta)?;
            let floor = measure(&opened.theta_0()?)?;
            let reference = Reference { base, floor };
            let claims = rates::claims(&reference, &found, &resampling);
            let found = Measured::new(&found, anywhere(theta)?, &resampling);
            Some((found, claims, words))
        }
    };
    slow.end();
    if args.json {
        let mut all = match &of_edited {
            None => serde_json::to_value(&of_base)?,
            Some((found, claims, words)) => {
                let mut all = serde_json::to_value(found)?;
                all["edit"] = words.as_str().into();
                all["unedited"] = serde_json::to_value(&of_base)?;
                let of = claims
                    .pairs()
                    .map(|(claim, found)| Ok((format!("{claim:?}"), serde_json::to_value(found)?)));
                all["claims"] = Value::Object(of.collect::<Result<_, serde_json::Error>>()?);
                all
            }
        };
        all["split"] = split_name.into();
        all["levels"] = count.into();
        checkpoint(opened, &mut all);
        return print(&all, out);
    }
    let place = opened.run.path().display();
    writeln!(
        out,
        "{place}, the policy {}; {count} levels a situation of the {split_name} split",
        opened.words()
    )?;
    if let Some((_, _, words)) = &of_edited {
        writeln!(out, "edited: {words}")?;
    }
    writeln!(out)?;
    let table = Table {
        base: &of_base,
        edited: of_edited.as_ref().map(|(found, claims, _)| (found, claims)),
    };
    Ok(table.write(out)?)
}

/// Which parameters were measured.
fn checkpoint(opened: &Opened, all: &mut Value) {
    all["checkpoint"] = opened.name().into();
    all["updates"] = json!(opened.updates);
}

fn print(all: &Value, out: &mut dyn Write) -> Result<(), Error> {
    serde_json::to_writer(&mut *out, all)?;
    writeln!(out)?;
    Ok(())
}
