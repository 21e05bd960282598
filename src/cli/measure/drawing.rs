//! A level in the terminal with what the policy does in every cell, two columns a cell.

use crate::ablate::on_level::OnLevel;
use crate::maze::{Cell, Level, Move};

/// Columns of a terminal.
const WIDTH: usize = 80;
/// Columns between two drawings side by side.
const GAP: usize = 4;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Characters of plain ASCII only.
    pub ascii: bool,
    /// ANSI colours.
    pub colour: bool,
}

/// What the drawing's signs are.
pub const LEGEND: &str = "\
arrow: the likeliest move; digit: its probability in tenths, 9 from 0.9 on
M beside the arrow: the mouse starts here; C: the cheese";

/// The likeliest move, none where it is to stay, and its probability.
pub fn likeliest(moves: &[f64; 5]) -> (Option<Move>, f64) {
    let mut best = (None, moves[4]);
    // Of equals the first.
    for step in Move::ALL.into_iter().rev() {
        let p = moves[step as usize];
        if p >= best.1 {
            best = (Some(step), p);
        }
    }
    best
}

/// One line a row of the level, the top row first.
pub fn lines(level: &Level, did: &OnLevel, region: u8, style: Style) -> Vec<String> {
    let row = |y: u8| {
        let cell = |x: u8| drawn(level, did, region, style, Cell { x, y });
        (0..level.world).map(cell).collect()
    };
    (0..level.world).rev().map(row).collect()
}

fn drawn(level: &Level, did: &OnLevel, region: u8, style: Style, cell: Cell) -> String {
    let (text, colour) = if level.is_wall(cell) {
        let wall = if style.ascii { "##" } else { "██" };
        (wall.to_owned(), "90")
    } else if level.cheese == Some(cell) {
        ("C ".to_owned(), "1;33")
    } else {
        let found = did.cells.iter().find(|(place, _)| *place == cell);
        let (step, p) = found.map_or((None, 0.0), |(_, moves)| likeliest(moves));
        let arrow = arrow(step, style.ascii);
        let colour = match (p, level.in_region(cell, region)) {
            _ if cell == level.mouse => "1;36",
            (0.9.., false) => "1",
            (0.9.., true) => "1;32",
            (0.5.., true) => "32",
            (0.5.., false) => "",
            (_, true) => "2;32",
            (_, false) => "2",
        };
        let tenths = ((10.0 * p) as u32).min(9);
        let text = match cell == level.mouse {
            true => format!("{arrow}M"),
            false => format!("{arrow}{tenths}"),
        };
        (text, colour)
    };
    match style.colour && !colour.is_empty() {
        true => format!("\x1b[{colour}m{text}\x1b[0m"),
        false => text,
    }
}

fn arrow(step: Option<Move>, ascii: bool) -> char {
    let (unicode, plain) = match step {
        Some(Move::Left) => ('←', '<'),
        Some(Move::Right) => ('→', '>'),
        Some(Move::Up) => ('↑', '^'),
        Some(Move::Down) => ('↓', 'v'),
        None => ('·', '.'),
    };
    if ascii { plain } else { unicode }
}

/// Drawings of levels of one world with a line above each, side by side where that fits into 80 columns.
pub fn beside(drawings: &[(&str, Vec<String>)], world: u8) -> String {
    let width = 2 * usize::from(world);
    let all = drawings.len() * width + (drawings.len() - 1) * GAP;
    let mut text = String::new();
    if drawings.len() == 1 || all > WIDTH {
        for (head, lines) in drawings {
            if !head.is_empty() {
                text += &format!("{head}\n");
            }
            text += &(lines.join("\n") + "\n");
        }
        return text;
    }
    let space = " ".repeat(GAP);
    let heads: Vec<String> = drawings
        .iter()
        .map(|(head, _)| format!("{head:<width$}"))
        .collect();
    text += &format!("{}\n", heads.join(&space).trim_end());
    for row in 0..usize::from(world) {
        let cells: Vec<&str> = drawings
            .iter()
            .map(|(_, lines)| lines[row].as_str())
            .collect();
        text += &(cells.join(&space) + "\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::on_level::Ended;

    fn drawn(ascii: bool, colour: bool) -> Vec<String> {
        let level = Level::from_text("C....\n##.##\n##M##\n#####\n#####").unwrap();
        let moves = |place: usize| match place {
            0 => [0.0, 0.0, 0.0, 0.05, 0.95],
            1 => [0.3, 0.3, 0.2, 0.1, 0.1],
            2 => [0.0, 1.0, 0.0, 0.0, 0.0],
            _ => [0.1, 0.1, 0.2, 0.6, 0.0],
        };
        let free = level.free_cells().into_iter().enumerate();
        let ended = Ended {
            cheese: None,
            region: 0.0,
        };
        let did = OnLevel {
            cells: free.map(|(place, cell)| (cell, moves(place))).collect(),
            seen: ended,
            hidden: None,
        };
        lines(&level, &did, 3, Style { ascii, colour })
    }

    #[test]
    fn arrows_stand_in_free_cells_with_their_probability() {
        assert_eq!(
            drawn(true, false),
            [
                "C v6v6v6v6",
                "####<3####",
                "####.M####",
                "##########",
                "##########"
            ]
        );
        assert_eq!(drawn(false, false)[1], "████←3████");
        let mut plain = drawn(true, true).join("\n");
        assert_ne!(plain, drawn(true, false).join("\n"));
        for code in ["1;36", "1;33", "1;32", "2;32", "32", "90", "1", "2", "0"] {
            plain = plain.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(plain, drawn(true, false).join("\n"));
    }

    #[test]
    fn two_stand_side_by_side_where_there_is_room() {
        let small = || vec!["##########".to_owned(); 5];
        let both = beside(&[("before", small()), ("after", small())], 5);
        assert_eq!(both.lines().next(), Some("before        after"));
        assert_eq!(both.lines().nth(1), Some("##########    ##########"));
        let large = || vec!["#".repeat(50); 25];
        let both = beside(&[("before", large()), ("after", large())], 25);
        assert_eq!(both.lines().count(), 52);
    }
}
