//! `gouda bench`: how fast a part of the program is on this machine, against what the machine can do.

mod svd;

use std::io::Write;

use super::Error;

/// Measure a part of the program
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(clap::Subcommand, Debug)]
enum Part {
    /// The decomposition of a matrix of a known spectrum
    Svd(svd::Args),
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Error> {
    match &args.part {
        Part::Svd(args) => svd::run(args, out),
    }
}
