//! `gouda config`: every setting, and where its value came from.

use std::io::Write;

use crate::experiment::resolve::Source;

use super::Error;
use super::settings::Settings;

/// Print every setting and where it came from
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda config --preset standard
  gouda config --set ppo.gamma=0.999 | grep gamma")]
pub struct Args {
    #[command(flatten)]
    settings: Settings,

    /// One JSON object: key to value and origin
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    let resolved = args.settings.resolve()?;
    let origin = |source: &Source| match source {
        Source::Preset => format!("preset {}", resolved.preset),
        Source::File => "file".into(),
        Source::CommandLine => "command line".into(),
    };
    if args.json {
        let entries = resolved.entries.iter().map(|(key, (value, source))| {
            (
                key.clone(),
                serde_json::json!({ "value": value, "from": origin(source) }),
            )
        });
        let entries: serde_json::Map<String, serde_json::Value> = entries.collect();
        serde_json::to_writer_pretty(&mut *out, &entries)?;
        writeln!(out)?;
        return Ok(());
    }
    for (key, (value, source)) in &resolved.entries {
        writeln!(
            out,
            "{:<28} {:<28} {}",
            key,
            value.to_string(),
            origin(source)
        )?;
    }
    Ok(())
}
