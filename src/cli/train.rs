//! `gouda train`: train and record, nothing more.

use std::io::Write;

use serde_json::json;

use crate::ablate::Rate;
use crate::experiment::stages::{is_finished, train_only};

use super::Error;
use super::reproduce::plan;
use super::settings::{Resuming, Running, Settings};

/// Train and record only
///
/// Leaves metrics.jsonl, curves.json, checkpoints/ (safetensors) and gradients/ (npy shards with a
/// manifest; numpy.load reads them) in the run's directory. `gouda reproduce --resume --out DIR` goes on
/// from there: decompositions, edits and the report.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda train --set ppo.total_updates=60 --out runs/short
  gouda train --preset standard --set record.every=24 --seed 3
  gouda train --resume --out runs/short        go on after a kill, an interruption, a power cut
  gouda reproduce --resume --out runs/short    the rest: decompositions, edits, report")]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    resuming: Resuming,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let invocation = args.running.start()?;
    let (resolved, run) = args.resuming.open(&args.settings, &args.running)?;
    let mut watcher = args.running.watcher();
    watcher.say(&plan(&resolved.config, &run)?);
    if is_finished(&run, "curves.json")? {
        watcher.say("nothing to do: this run is finished");
    }
    let every = args.resuming.every();
    let trained = train_only(&resolved, &invocation, &run, every, &mut watcher)?;
    watcher.end();
    let rates = trained.curves.rates.pairs().map(|(rate, curve)| {
        let last = curve.last().map_or(0.0, |mean| mean.value);
        (rate, last)
    });
    let rates: Vec<(Rate, f64)> = rates.collect();
    let checksum = format!("{:08x}", trained.total.checksum);
    if args.running.json {
        let rates: serde_json::Map<String, serde_json::Value> = rates
            .into_iter()
            .map(|(rate, value)| (rate.key().into(), value.into()))
            .collect();
        let summary = json!({
            "out": run.path().display().to_string(),
            "updates": resolved.config.ppo.total_updates,
            "rows": trained.total.shape.0,
            "parameters": trained.total.shape.1,
            "gradient_checksum": checksum,
            "rates": rates,
        });
        serde_json::to_writer(&mut *out, &summary)?;
        writeln!(out)?;
    } else {
        let rates: Vec<String> = rates
            .iter()
            .map(|(rate, value)| format!("{} {value:.2}", rate.name()))
            .collect();
        let (rows, columns) = trained.total.shape;
        writeln!(out, "{}", rates.join("  "))?;
        writeln!(
            out,
            "gradients: {rows} rows x {columns} parameters, checksum {checksum}"
        )?;
        writeln!(out, "{}", run.path().display())?;
    }
    Ok(())
}
