//! A level as a picture for the terminal, two columns a cell so that cells look square.

use super::{Cell, Level};

/// How to draw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Characters of plain ASCII only.
    pub ascii: bool,
    /// ANSI colours.
    pub colour: bool,
}

/// What to mark beside walls, mouse and cheese.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Marks {
    /// Shades the free cells of the top-right region of this side.
    pub region: Option<u8>,
    /// A cell to point out, the decision square.
    pub decision: Option<Cell>,
}

/// The picture with the mouse at `mouse`, one line a row, the top row first, each ended by a line
/// feed.
pub fn draw(level: &Level, mouse: Cell, marks: Marks, style: Style) -> String {
    let mut picture = String::new();
    for y in (0..level.world).rev() {
        for x in 0..level.world {
            let cell = Cell { x, y };
            let is_shaded = marks.region.is_some_and(|side| level.in_region(cell, side));
            let (unicode, ascii, colour) = if cell == mouse {
                ("🐭", "M ", "1;36")
            } else if Some(cell) == level.cheese {
                ("🧀", "C ", "1;33")
            } else if level.is_wall(cell) {
                ("██", "##", "90")
            } else if Some(cell) == marks.decision {
                ("<>", "<>", "1;35")
            } else if is_shaded {
                ("░░", "..", "32")
            } else {
                ("  ", "  ", "")
            };
            let text = if style.ascii { ascii } else { unicode };
            if style.colour && !colour.is_empty() {
                picture.push_str(&format!("\x1b[{colour}m{text}\x1b[0m"));
            } else {
                picture.push_str(text);
            }
        }
        picture.push('\n');
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_with_and_without_unicode_and_colour() {
        let level = Level::from_text("C....\n##.##\n##M##\n#####\n#####").unwrap();
        let marks = Marks {
            region: Some(3),
            decision: Some(Cell { x: 2, y: 4 }),
        };
        let draw = |ascii, colour| draw(&level, level.mouse, marks, Style { ascii, colour });
        assert_eq!(
            draw(true, false),
            "C   <>....\n####..####\n####M ####\n##########\n##########\n"
        );
        let unicode = draw(false, false);
        assert_eq!(unicode.lines().next(), Some("🧀  <>░░░░"));
        assert_eq!(unicode.lines().nth(2), Some("████🐭████"));
        let coloured = draw(true, true);
        assert_ne!(coloured, draw(true, false));
        let mut plain = coloured;
        for code in ["1;36", "1;33", "90", "1;35", "32", "0"] {
            plain = plain.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(plain, draw(true, false));
    }
}
