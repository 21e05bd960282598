//! `gouda bench`: how fast the parts of the engine run here, by the clock.

mod clock;
mod peer;
mod play;
mod sim;
mod spectrum;
mod svd;
mod train;

use std::io::Write;

use clap::Subcommand;

use super::Error;

/// Measure the engine on this machine
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand, Clone, Debug)]
enum Part {
    /// The simulator: steps, observations, levels
    Sim(sim::Args),
    /// Training: frames a second, share of the FMA peak, ratio to PyTorch
    Train(train::Args),
    /// The decomposition of a matrix of a known spectrum
    Svd(svd::Args),
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    match &args.part {
        Part::Sim(args) => sim::run(args, out),
        Part::Train(args) => train::run(args, out),
        Part::Svd(args) => svd::run(args, out),
    }
}
