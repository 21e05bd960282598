//! `gouda maze`: draws one level, or prints it for machines.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::maze::draw::{Marks, Style, draw};
use crate::maze::{Level, Variant, decision, generate, shortest_path};

use super::level::read_level;

/// Draw the level of a seed, cell for cell the one procgen draws
///
/// The mouse starts at the bottom-left of its maze. With the cheese anywhere this is procgen's
/// `maze`, the test distribution; with the cheese in a corner it is `maze_aisc`, the training
/// distribution, in which walking to the top-right corner and walking to the cheese look alike.
/// `<>` marks the decision square, where the way to the cheese leaves the way to the corner.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  gouda maze --seed 7 --cheese corner --region 5    a training level of the published setting
  gouda maze --seed 7 --json                        the same walls, cheese anywhere, for machines
  gouda maze --level my_maze.txt --region 3         a level of your own")]
pub struct Args {
    /// Level seed: the same seed is the same level on every machine
    #[arg(long, default_value_t = 0)]
    seed: u32,

    /// Side of the world, walls around the maze included: odd, 5 to 31
    ///
    /// procgen's is 15 in easy mode, 25 in hard mode and 31 in memory mode. The maze in its middle
    /// has a side that the seed chooses, from 3 to the whole world.
    #[arg(long, default_value_t = 25)]
    world: u8,

    /// Where the cheese may be
    #[arg(long, value_enum, default_value_t = Cheese::Anywhere)]
    cheese: Cheese,

    /// Side of the top-right square that holds the cheese, shaded in the drawing; 0 is the corner
    /// cell
    ///
    /// 5 where the cheese is in the corner and nothing is said. With the cheese anywhere it only
    /// shades.
    #[arg(long)]
    region: Option<u8>,

    /// Print one JSON object instead of a drawing
    ///
    /// `rows` has the top row first: # wall, . free, C cheese. `sha256` is that of procgen's grid
    /// in memory, one byte a cell, bottom row first: 51 wall, 100 free, 2 cheese.
    #[arg(long)]
    json: bool,

    /// Draw the level in this file instead of a seed's
    ///
    /// As many lines as columns, the top row first: # wall, . free, C cheese, M mouse. Without M
    /// the mouse starts at the bottom-left of the maze. What --json prints is read too.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "world", "cheese", "json"])]
    level: Option<PathBuf>,

    /// Draw with plain ASCII characters
    #[arg(long)]
    ascii: bool,
}

/// Where the cheese may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Cheese {
    /// On any free cell but the start, as in procgen's `maze`
    Anywhere,
    /// In the top-right region, as in `maze_aisc`; a maze no larger than the region has it anywhere
    Corner,
}

/// The fields of the golden levels, in their order.
#[derive(Serialize)]
struct Record {
    generator: String,
    variant: &'static str,
    region: Option<u8>,
    world: u8,
    seed: u32,
    maze_dim: u8,
    rows: Vec<String>,
    sha256: String,
}

/// Runs the subcommand; `colour` allows ANSI colours in the drawing.
///
/// # Errors
/// A world or region that no level has, a level file that cannot be read or is malformed, or an
/// output that cannot be written.
pub fn run(args: &Args, colour: bool, out: &mut dyn Write) -> Result<(), crate::cli::Error> {
    if let Some(path) = &args.level {
        let level = read_level(path)?;
        write!(out, "{}", picture(args, &level, args.region, colour))?;
        return Ok(());
    }
    let variant = match args.cheese {
        Cheese::Anywhere => Variant::Anywhere,
        Cheese::Corner => Variant::Corner {
            region: args.region.unwrap_or(5),
        },
    };
    let level = generate(args.seed, args.world, variant)?;
    if args.json {
        let record = record(args.seed, variant, &level);
        serde_json::to_writer(&mut *out, &record).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    let region = match variant {
        Variant::Anywhere => args.region,
        Variant::Corner { region } => Some(region),
    };
    write!(out, "{}", picture(args, &level, region, colour))?;
    Ok(())
}

fn record(seed: u32, variant: Variant, level: &Level) -> Record {
    let (name, original, region) = match variant {
        Variant::Anywhere => ("anywhere", "maze", None),
        Variant::Corner { region } => ("corner", "maze_aisc", Some(region)),
    };
    Record {
        generator: format!("gouda {} {original}", env!("CARGO_PKG_VERSION")),
        variant: name,
        region,
        world: level.world,
        seed,
        maze_dim: level.maze_dim,
        rows: level.rows(),
        sha256: Sha256::digest(level.procgen_grid())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    }
}

/// The drawing, and what there is to say about the level.
fn picture(args: &Args, level: &Level, region: Option<u8>, colour: bool) -> String {
    let square = decision(level);
    let marks = Marks {
        region,
        decision: square.map(|square| square.cell),
    };
    let style = Style {
        ascii: args.ascii,
        colour,
    };
    let mut text = draw(level, level.mouse, marks, style);
    let steps = |to| {
        shortest_path(level, level.mouse, to).map_or("out of reach".to_owned(), |path| {
            format!("{} steps away", path.len() - 1)
        })
    };
    let dim = level.maze_dim;
    text += &format!("maze {dim} x {dim} in a world of {}\n", level.world);
    text += &match level.cheese {
        None => "no cheese\n".to_owned(),
        Some(cheese) => {
            let place = match region.map(|side| level.in_region(cheese, side)) {
                None => "",
                Some(true) => ", in the region",
                Some(false) => ", outside of the region",
            };
            format!("cheese {}{place}\n", steps(cheese))
        }
    };
    text += &format!("top-right corner {}\n", steps(level.top_right()));
    text += &match square {
        None => "no decision square\n".to_owned(),
        Some(square) => format!(
            "decision square {}: {:?} to the cheese, {:?} to the corner\n",
            steps(square.cell),
            square.to_cheese,
            square.to_corner
        )
        .replace(
            "decision square 0 steps away",
            "decision square at the start",
        ),
    };
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn printed(line: &str) -> String {
        let args = Line::try_parse_from(line.split(' ')).unwrap().args;
        let mut out = Vec::new();
        run(&args, false, &mut out).unwrap_or_else(|fault| panic!("{fault}"));
        String::from_utf8(out).unwrap()
    }

    /// The golden lines come from procgen; apart from the generator's name they are what is
    /// printed here.
    #[test]
    fn json_is_the_golden_record() {
        let golden = include_str!("../../data/golden/procgen_levels.jsonl");
        for line in golden.lines().step_by(5) {
            let mut expected: serde_json::Value = serde_json::from_str(line).unwrap();
            let cheese = expected["variant"].as_str().unwrap();
            let mut command = format!(
                "gouda --json --seed {} --world {} --cheese {cheese}",
                expected["seed"], expected["world"]
            );
            let mut original = "maze";
            if !expected["region"].is_null() {
                command += &format!(" --region {}", expected["region"]);
                original = "maze_aisc";
            }
            expected["generator"] =
                format!("gouda {} {original}", env!("CARGO_PKG_VERSION")).into();
            let found = printed(&command);
            assert_eq!(found.matches('\n').count(), 1);
            let found: serde_json::Value = serde_json::from_str(&found).unwrap();
            assert_eq!(found, expected, "{command}");
        }
    }

    #[test]
    fn a_level_of_ones_own_is_drawn_and_described() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.txt");
        let draw = |text: &str| {
            std::fs::write(&path, text).unwrap();
            printed(&format!(
                "gouda --ascii --region 3 --level {}",
                path.display()
            ))
        };
        assert_eq!(
            draw("C....\n##.##\n#..##\n#.###\n#M###\n"),
            "C   <>....\n####..####\n##  ..####\n##  ######\n##M ######\n\
             maze 5 x 5 in a world of 5\n\
             cheese 7 steps away, outside of the region\n\
             top-right corner 7 steps away\n\
             decision square 5 steps away: Left to the cheese, Right to the corner\n"
        );
        assert!(draw("C.###\n#####\n#####\n#####\nM...#").ends_with(
            "cheese out of reach, outside of the region\ntop-right corner out of reach\n\
             no decision square\n"
        ));
    }
}
