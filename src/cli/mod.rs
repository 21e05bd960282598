//! The command line: one file a subcommand. The only room that prints.
//!
//! Results go to stdout, progress and errors to stderr.

mod bench;
mod circuits;
mod config;
pub mod error;
mod level;
mod locate;
mod matrix;
pub mod maze;
mod measure;
mod parse;
mod progress;
mod reading;
mod report;
mod reproduce;
mod scrubbing;
mod settings;
mod signals;
mod speed;
mod study;
mod svd;
mod sweep;
mod train;
mod verify;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::storage::shown::{cut, plain};

pub use error::Error;

/// Which parameters learned which behaviour, told from the training gradients.
#[derive(Parser, Debug)]
#[command(name = "gouda", version, about, long_about = LONG, after_help = AFTER, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const LONG: &str = "\
Trains an agent in procgen's mazes whose cheese lies near the top-right corner, records the gradient \
of its training steps, takes the truncated SVD of parameters x time, and tests by ablation whether the \
singular vectors locate `go to the top-right corner` and `go to the cheese`.";

const AFTER: &str = "\
Start here:
  gouda reproduce                     the whole experiment in about six minutes, into runs/
  gouda study                         ten seeds, every locator and control, one table
  gouda measure runs/quick-seed0 --edit compass=5
                                      a claim checked in one line: what any edit costs each behaviour
  gouda circuits runs/quick-seed0      through which channels and edges a trained policy prefers
  gouda maze --seed 0 --world 25      look at a level
  gouda config --preset standard      every setting, and where its value came from
  gouda svd gradients.npy --out svd/  the decomposition of anyone's matrix, rows being time
  gouda locate gradients.npy          which directions of it are early or late, and where they lie

Exit codes: 0 done, 1 failure, 2 usage, 3 malformed input, 4 I/O or disk full, 5 a number is not
finite or not as exact as asked for, 6 locked by another process, 130 interrupted.";

// What --help says of each stands with its arguments.
#[derive(Subcommand, Debug)]
enum Command {
    Reproduce(reproduce::Args),
    Study(study::Args),
    Train(train::Args),
    Svd(svd::Args),
    Locate(locate::Args),
    Sweep(sweep::Args),
    Report(report::Args),
    Verify(verify::Args),
    Measure(measure::Args),
    Circuits(circuits::Args),
    Maze(maze::Args),
    Config(config::Args),
    /// Measure the engine on this machine
    Bench(bench::Args),
}

/// Parses the process's arguments, runs the command, and says how it went.
pub fn main() -> ExitCode {
    signals::outlive_limits_of_files();
    let cli = Cli::parse();
    let out = std::io::stdout().lock();
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A drawing has colours of its own and nothing of a file but its cells.
    let is_drawing = match &cli.command {
        Command::Maze(_) => true,
        Command::Measure(args) => args.is_drawing(),
        _ => false,
    };
    let mut out = Plain {
        out,
        is_off: is_drawing,
    };
    let outcome = run(&cli.command, colour, &mut out).and_then(|()| Ok(out.flush()?));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has enough of it.
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            let text = cut(&error.message(), MESSAGE_LEN, MESSAGE_LEN / 4);
            progress::line(&format!("gouda: {text}"));
            ExitCode::from(error.exit_code())
        }
    }
}

/// Characters of a message.
const MESSAGE_LEN: usize = 2000;

/// Passes text on, and escape sequences that came with it as what they are: names in files are
/// anyone's.
struct Plain<W> {
    out: W,
    is_off: bool,
}

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match std::str::from_utf8(bytes) {
            // Pieces of text come whole, and are written whole.
            Ok(text) if !self.is_off => self.out.write_all(plain(text).as_bytes())?,
            _ => self.out.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

fn run(command: &Command, colour: bool, out: &mut dyn Write) -> Result<(), Error> {
    let forced = std::env::var("GOUDA_SIMD").ok();
    crate::numeric::simd::choose(forced.as_deref()).map_err(Error::Usage)?;
    match std::env::var_os("GOUDA_NO_LOCK") {
        None => {}
        Some(value) if value == "1" => crate::storage::run_dir::go_without_locks(),
        Some(value) => {
            let found = value.to_string_lossy();
            return Err(Error::Usage(format!(
                "GOUDA_NO_LOCK: expected 1, found {found}"
            )));
        }
    }
    let is_long = matches!(
        command,
        Command::Reproduce(_)
            | Command::Study(_)
            | Command::Train(_)
            | Command::Verify(_)
            | Command::Bench(_)
    );
    if let Some(sentence) = crate::numeric::simd::slow().filter(|_| is_long) {
        progress::line(&format!("gouda: {sentence}"));
    }
    match command {
        Command::Reproduce(args) => reproduce::run(args, out),
        Command::Study(args) => study::run(args, out),
        Command::Sweep(args) => sweep::run(args, out),
        Command::Train(args) => train::run(args, out),
        Command::Svd(args) => svd::run(args, out),
        Command::Locate(args) => locate::run(args, out),
        Command::Report(args) => report::run(args, out),
        Command::Verify(args) => verify::run(args, out),
        Command::Measure(args) => measure::run(args, colour, out),
        Command::Circuits(args) => circuits::run(args, out),
        Command::Maze(args) => maze::run(args, colour, out),
        Command::Config(args) => config::run(args, out),
        Command::Bench(args) => bench::run(args, out),
    }
}
