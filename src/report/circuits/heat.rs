//! Grids of numbers in colour: orange above zero, blue below, as strong as they are large.

use crate::report::number::signed;
use crate::report::svg::{Anchor, Path, Svg};

use super::look::colour;

/// How a grid is drawn.
pub struct Heat<'a> {
    /// What is fully coloured.
    pub largest: f64,
    /// Width that the whole may take.
    pub width: f64,
    /// Whether numbers stand in the cells.
    pub has_numbers: bool,
    /// The level behind it, in text: walls, mouse and cheese.
    pub level: &'a [String],
    /// What the tooltips call a number.
    pub unit: &'a str,
}

impl Heat<'_> {
    /// The drawing of rows of numbers; none is left empty.
    pub fn draw(&self, rows: &[Vec<Option<f64>>], label: &str) -> String {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let side = (self.width / columns.max(1) as f64).clamp(3.0, 34.0);
        let size = |len: usize| (side * len.max(1) as f64).max(8.0) + 2.0;
        let mut svg = Svg::new(size(columns), size(rows.len()));
        let place =
            |row: usize, column: usize| (1.0 + side * column as f64, 1.0 + side * row as f64);
        let mut frame = Path::default();
        for (row, values) in rows.iter().enumerate() {
            frame.rect(place(row, 0), (side * values.len() as f64, side));
        }
        svg.path(&frame, "frame");
        for (row, values) in rows.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                let Some(value) = value.filter(|value| value.is_finite()) else {
                    continue;
                };
                let share = match self.largest > 0.0 {
                    true => (value / self.largest).abs().min(1.0),
                    false => 0.0,
                };
                let at = place(row, column);
                // Most cells of most maps say nothing: a page has thousands.
                if share < 0.005 && !self.has_numbers {
                    continue;
                }
                let digits = if value.abs() < 0.1 { 3 } else { 2 };
                let words = format!("{} {}", signed(value, digits), self.unit);
                svg.group(colour(value), &words, |svg| {
                    svg.rect(at, (side - 1.0, side - 1.0), "solid", 0.9 * share);
                    if self.has_numbers {
                        let middle = (at.0 + side / 2.0, at.1 + side / 2.0 + 3.5);
                        let number = signed(value, 2);
                        svg.text(middle, Anchor::Middle, "label mini", &number);
                    }
                });
            }
        }
        self.draw_level(&mut svg, side);
        svg.finish(label)
    }

    fn draw_level(&self, svg: &mut Svg, side: f64) {
        let mut walls = Path::default();
        let mut marks = Vec::new();
        for (row, line) in self.level.iter().enumerate() {
            for (column, character) in line.chars().enumerate() {
                let at = (1.0 + side * column as f64, 1.0 + side * row as f64);
                let inset = side * 0.36;
                match character {
                    '#' => {
                        walls.rect((at.0 + inset, at.1 + inset), (side * 0.26, side * 0.26));
                    }
                    'M' | 'C' => marks.push((at, character)),
                    _ => {}
                }
            }
        }
        svg.path(&walls, "wall");
        for (at, character) in marks {
            let colour = match character {
                'C' => "var(--gold)",
                _ => "var(--ink)",
            };
            let middle = (at.0 + side / 2.0 - 0.5, at.1 + side / 2.0 - 0.5);
            let words = if character == 'C' {
                "the cheese"
            } else {
                "the mouse"
            };
            svg.group(colour, words, |svg| {
                svg.disc(
                    middle,
                    side * 0.24,
                    if character == 'C' { "dot" } else { "ring" },
                );
            });
        }
    }
}

/// Rows of which every number is there.
pub fn filled(rows: &[Vec<f64>]) -> Vec<Vec<Option<f64>>> {
    let row = |row: &Vec<f64>| row.iter().copied().map(Some).collect();
    rows.iter().map(row).collect()
}
