//! `gouda circuits`: what a trained policy's activations and edges carry.

use std::io::Write;
use std::path::PathBuf;

use crate::ablate::Rate;
use crate::circuits::{Sought, Steered, hops};
use crate::experiment::resolve;
use crate::experiment::stages::reseal;
use crate::findings::Results;
use crate::findings::tracing::{Carrier, Circuits, TracedFact};
use crate::protocol::tracing::{Extent, read_hypotheses, trace_run};
use crate::storage::manifest::write_json;
use crate::storage::run_dir::ensure_directory;
use crate::storage::{RunDir, exists, read_text};

use super::progress::Watcher;
use super::scrubbing::{scrubbed, share};
use super::settings::start;
use super::{Error, report};

/// Channels, edges and paths that are printed of each fact.
const LEADING: usize = 6;

/// Trace a run's trained policy: activation patching, path patching, activation directions
///
/// Compares the policy on pairs of states that differ in one fact (the cheese moved, or removed; the
/// mouse moved), and says through which layers, channels and kernel slices the difference in its
/// preference goes. Then adds to each layer, and takes from it, what a cheese or an open corner adds on
/// average. And puts hypotheses to the test by causal scrubbing: how much of what the policy predicts is
/// left when all is resampled that a hypothesis calls irrelevant. Leaves circuits.json in the run's
/// directory, and makes report.html anew where there are results.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda circuits runs/quick-seed0
  gouda circuits runs/quick-seed0 --pairs 64 --json | jq '.facts[0].layers'
  gouda circuits runs/quick-seed0 --hypothesis mine.toml
  gouda circuits runs/quick-seed0 --hops 3

A share of 1 is all of the difference between the two states. `restored`: the second state's run, with
the part as in the first. `corrupted`: the first state's run, with the part as in the second.

A hypothesis is a small graph in TOML:

  name = \"late\"
  output = [\"cheese\"]          # what the logits read [default: the nodes that no other reads]
  [[nodes]]
  name = \"cheese\"
  site = \"dense\"               # conv0, conv1, \"stream after conv1\", ... dense
  channels = [3, 17]           # or \"all\"
  feature = \"cheese_offset\"    # on what it may depend: state (everything), cheese_offset,
                               # walls_and_mouse, corner_offset, nothing
  inputs = [\"observation\"]     # or names of nodes of earlier sites, or both
  holds = \"in_region\"          # where the mouse is: in_region, outside, everywhere

`recovered`: 1 where nothing is lost, 0 where as much as under a random state.")]
pub struct Args {
    /// A run's directory
    run: PathBuf,

    /// Pairs of states of each fact
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    pairs: u32,

    /// A hypothesis of your own, beside the built-in ones; can be given several times
    #[arg(long = "hypothesis", value_name = "FILE.toml")]
    hypotheses: Vec<PathBuf>,

    /// Also paths of so many layers, from 2 to all that the network has [default: none]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    hops: Option<u32>,

    /// Write circuits.json and the report here instead, of a run that cannot be written
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

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

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    start(args.threads)?;
    let (run, to) = match &args.out {
        None => (RunDir::open(&args.run)?, None),
        Some(path) => {
            ensure_directory(path)?;
            (RunDir::look(&args.run)?, Some(RunDir::look(path)?))
        }
    };
    let settings = run.config();
    let text = read_text(&settings)?;
    let config = resolve::resume((&settings, &text), None, None, &[], None)?.config;
    let network = config.network()?;
    let own = read_hypotheses(&args.hypotheses, &network.sites())?;
    let hops = hops(args, hops::layers(&network).len())?;
    let results = run.path().join("results.json");
    let results = match exists(&results)? {
        true => Some(Results::load(&results)?),
        false => None,
    };
    let mut watcher = Watcher::new(args.quiet);
    let extent = Extent::whole(&config, args.pairs as usize, hops);
    let found = trace_run(&config, &run, extent, &own, &mut watcher)?;
    watcher.end();
    let written_to = to.as_ref().unwrap_or(&run);
    let path = written_to.circuits();
    write_json(&path, &found)?;
    let mut written = vec!["circuits.json"];
    if let Some(results) = &results {
        report::write(written_to, results, Some(&found))?;
        written.push("report.html");
    }
    if to.is_none() {
        reseal(&run, &written)?;
    }
    if args.json {
        serde_json::to_writer(&mut *out, &found)?;
        writeln!(out)?;
    } else {
        found.facts.iter().try_for_each(|one| traced(one, out))?;
        scrubbed(&found.scrubbing, out)?;
        steered(&found, out)?;
        own_vectors(&found, out)?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

/// The hops that are asked for, no more than layers.
fn hops(args: &Args, layer_len: usize) -> Result<Option<usize>, Error> {
    match args.hops {
        Some(hops) if hops as usize > layer_len => Err(Error::Usage(format!(
            "--hops {hops}: expected 2 to {layer_len}, as many layers as the network has"
        ))),
        hops => Ok(hops.map(|hops| hops as usize)),
    }
}

fn goal(sought: Sought) -> &'static str {
    match sought {
        Sought::Cheese => "going for the cheese",
        Sought::Corner => "going for the corner",
    }
}

fn traced(traced: &TracedFact, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(
        out,
        "{}, {}: {} of {} pairs told apart",
        goal(traced.sought),
        traced.fact.name(),
        traced.distinguished,
        traced.pairs
    )?;
    match traced.distinguished {
        0 => {
            writeln!(
                out,
                "  shares of a difference that there is not are not defined: nothing to trace\n"
            )?;
            return Ok(());
        }
        1 => writeln!(out, "  one pair has no interval")?,
        _ => (),
    }
    writeln!(
        out,
        "  {:<24} {:>15} {:>15}",
        "layer", "restored", "corrupted"
    )?;
    lines(&traced.layers, out)?;
    writeln!(out, "  the leading channels")?;
    lines(traced.channels.iter().take(LEADING), out)?;
    let (patched, all) = traced.patched;
    let screen = traced.screen.map_or("-".into(), |rho| format!("{rho:.2}"));
    writeln!(
        out,
        "  the leading edges; {patched} of {all} patched, rank correlation with the screen {screen}"
    )?;
    lines(traced.edges.iter().take(LEADING), out)?;
    if !traced.paths.is_empty() {
        writeln!(out, "  the leading paths")?;
    }
    for path in traced.paths.iter().take(LEADING) {
        let (restored, corrupted) = (share(&path.restored), share(&path.corrupted));
        writeln!(
            out,
            "  {:<24} {restored:>15} {corrupted:>15}  {}",
            "", path.part
        )?;
    }
    writeln!(out)
}

fn lines<'a>(
    carriers: impl IntoIterator<Item = &'a Carrier>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    for carrier in carriers {
        let (restored, corrupted) = (share(&carrier.restored), share(&carrier.corrupted));
        writeln!(out, "  {:<24} {restored:>15} {corrupted:>15}", carrier.part)?;
    }
    Ok(())
}

/// Of either direction, the site and dose that move the step at decision squares most.
fn steered(found: &Circuits, out: &mut dyn Write) -> std::io::Result<()> {
    let base = &found.base;
    writeln!(
        out,
        "steering; unsteered: step to the cheese {:.2}, to the corner {:.2} at decision squares; cheese in, down-left \
         {:.2}, S5 region {:.2}",
        base.p_cheese,
        base.p_corner,
        base.rates[Rate::InDownLeft],
        base.rates[Rate::S5]
    )?;
    for sought in Sought::ALL {
        for sign in [-1.0, 1.0] {
            let all = found.directions.iter().filter(|d| d.sought == sought);
            let doses = all.flat_map(|direction| {
                let doses = direction.doses.iter().enumerate();
                doses.map(move |(number, (dose, steered))| (direction, number, *dose, steered))
            });
            let best = doses
                .filter(|(_, _, dose, _)| dose * sign > 0.0)
                .max_by(|a, b| {
                    let moved = |s: &Steered| match sought {
                        Sought::Cheese => sign * (s.p_cheese - base.p_cheese),
                        Sought::Corner => sign * (s.p_corner - base.p_corner),
                    };
                    moved(a.3).total_cmp(&moved(b.3))
                });
            let Some((direction, number, dose, steered)) = best else {
                continue;
            };
            let random = direction.random.iter().map(|doses| match sought {
                Sought::Cheese => doses[number].p_cheese,
                Sought::Corner => doses[number].p_corner,
            });
            let mean = random.sum::<f64>() / direction.random.len().max(1) as f64;
            writeln!(
                out,
                "  {dose:+.1} x {} direction at {:<20} cheese {:.2}, corner {:.2} (random vectors {mean:.2})  \
                 cheese in, down-left {:.2}  S5 region {:.2}",
                match sought {
                    Sought::Cheese => "cheese",
                    Sought::Corner => "corner",
                },
                direction.site,
                steered.p_cheese,
                steered.p_corner,
                steered.rates[Rate::InDownLeft],
                steered.rates[Rate::S5]
            )?;
        }
    }
    Ok(())
}

/// By site, what taking from every level what its own cheese adds there does.
fn own_vectors(found: &Circuits, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(
        out,
        "what its own cheese adds taken from every level (random vectors as long); S4: conflict"
    )?;
    writeln!(
        out,
        "  {:<24} {:>16} {:>16} {:>16} {:>16}",
        "site", "step to cheese", "to corner", "S4 cheese", "S4 region"
    )?;
    for own in &found.own_vectors {
        let Some(number) = own.doses.iter().position(|(dose, _)| *dose == -1.0) else {
            continue;
        };
        let shown = |of: &dyn Fn(&Steered) -> f64| {
            let random = own.random.iter().map(|doses| of(&doses[number]));
            let mean = random.sum::<f64>() / own.random.len().max(1) as f64;
            format!("{:.2} ({mean:.2})", of(&own.doses[number].1))
        };
        writeln!(
            out,
            "  {:<24} {:>16} {:>16} {:>16} {:>16}",
            own.site,
            shown(&|s| s.p_cheese),
            shown(&|s| s.p_corner),
            shown(&|s| s.rates[Rate::S4Cheese]),
            shown(&|s| s.rates[Rate::S4Region])
        )?;
    }
    Ok(())
}
