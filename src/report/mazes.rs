//! Section 8: the policy as a vector field on single mazes, before and after an edit.

use crate::findings::{Arrow, MazeFigure, Results};

use super::figure::{Look, Sample, figure, key};
use super::number::{fixed, percent, plural};
use super::page::{lead, lead_list, note};
use super::svg::{Path, Svg, escape};

/// Side of a cell.
const CELL: f64 = 22.0;
/// Arrows shorter than this are dots.
const SHORT: f64 = 0.05;

const BASE: &str = "var(--corner)";
const EDITED: &str = "var(--cheese)";
const DIFFERENCE: &str = "var(--conflict)";

/// The section's markup.
pub fn body(results: &Results) -> String {
    if results.mazes.is_empty() {
        return lead("No vector fields were computed.");
    }
    let opening = openings(&results.mazes);
    let mazes: String = results.mazes.iter().map(maze).collect();
    let sample = |sample, colour, text| {
        let look = Look::solid(colour);
        key(sample, look, text)
    };
    let keys = [
        sample(
            Sample::Line,
            BASE,
            "mean move with the mouse in that cell: a cell long where it is certain",
        ),
        sample(
            Sample::Line,
            DIFFERENCE,
            "difference, edited minus unedited, at half that scale",
        ),
        sample(
            Sample::Mark,
            BASE,
            "the region where the cheese lay in training",
        ),
        sample(Sample::Ring, "var(--ink)", "where the mouse starts"),
        sample(Sample::Area, "var(--gold)", "the cheese"),
    ];
    format!(
        "{}<div class=\"legend apart\">{}</div>\n{mazes}{}",
        lead_list(&opening),
        keys.concat(),
        note("The mean move is Σ π(a) δ_a; a dot where moves cancel.")
    )
}

/// What each edit does to the moves over all its mazes.
pub fn openings(mazes: &[MazeFigure]) -> Vec<String> {
    let mut edits: Vec<&str> = Vec::new();
    for maze in mazes {
        if !edits.contains(&maze.edit.as_str()) {
            edits.push(&maze.edit);
        }
    }
    edits.iter().map(|edit| opening(edit, mazes)).collect()
}

/// Unedited, edited and difference by cell, for the cells that have both.
fn differences(maze: &MazeFigure) -> Vec<(Arrow, Arrow, Arrow)> {
    let pair = |base: &Arrow| {
        let edited = maze
            .edited
            .iter()
            .find(|e| (e.x, e.y) == (base.x, base.y))?;
        let difference = Arrow {
            dx: edited.dx - base.dx,
            dy: edited.dy - base.dy,
            ..*base
        };
        Some((*base, *edited, difference))
    };
    maze.base.iter().filter_map(pair).collect()
}

/// What one edit does to the moves over all its mazes. The mean of the differences tells a bias of
/// the actions, the same everywhere, from a change that depends on the place.
fn opening(edit: &str, mazes: &[MazeFigure]) -> String {
    let of_edit = mazes.iter().filter(|maze| maze.edit == edit);
    let pairs: Vec<(Arrow, Arrow, Arrow)> = of_edit.flat_map(differences).collect();
    if pairs.is_empty() {
        return format!("{}: no cell has a move before and after.", escape(edit));
    }
    let turned = pairs
        .iter()
        .filter(|(base, edited, _)| base.dx * edited.dx + base.dy * edited.dy < 0.0);
    let mean = |value: &dyn Fn(&Arrow) -> f64| {
        pairs.iter().map(|(_, _, d)| value(d)).sum::<f64>() / pairs.len() as f64
    };
    let towards = |value: f64, positive: &str, negative: &str| {
        let name = if value < 0.0 { negative } else { positive };
        format!("{} {name}", fixed(value.abs(), 2))
    };
    format!(
        "{}: the mean move changes by {} on average over {}, and turns by more than a right angle in {} \
         of them. The changes add up to {} and {}: what is left of them if they are averaged over all \
         cells, a bias of the actions.",
        escape(edit),
        fixed(mean(&|d| d.dx.hypot(d.dy)), 2),
        plural(pairs.len(), "cell"),
        percent(turned.count() as f64 / pairs.len() as f64),
        towards(mean(&|d| d.dx), "to the right", "to the left"),
        towards(mean(&|d| d.dy), "up", "down"),
    )
}

/// One maze before and after one edit.
pub fn maze(maze: &MazeFigure) -> String {
    let difference: Vec<Arrow> = differences(maze).into_iter().map(|(_, _, d)| d).collect();
    let panels = [
        ("Unedited", &maze.base, BASE, 1.0),
        ("Edited", &maze.edited, EDITED, 1.0),
        ("Difference, half scale", &difference, DIFFERENCE, 0.5),
    ];
    let figures: String = panels
        .into_iter()
        .map(|(name, arrows, colour, scale)| {
            let svg = panel(maze, arrows, (colour, scale)).finish(&format!(
                "{name}: vector field on {}, {}",
                maze.title, maze.edit
            ));
            figure("", name, "", "", &svg)
        })
        .collect();
    format!(
        "<h3>{} <span class=\"note\">{}</span></h3>\n<div class=\"panels three\">\n{figures}</div>\n",
        escape(&maze.title),
        escape(&maze.edit)
    )
}

fn panel(maze: &MazeFigure, arrows: &[Arrow], (colour, scale): (&str, f64)) -> Svg {
    let rows = maze.rows.len();
    let columns = maze
        .rows
        .iter()
        .map(|row| row.chars().count())
        .max()
        .unwrap_or(0);
    let (width, height) = (CELL * columns as f64, CELL * rows as f64);
    let mut svg = Svg::new(width.max(CELL) + 4.0, height.max(CELL) + 4.0);
    let place = |column: usize, row: usize| (2.0 + CELL * column as f64, 2.0 + CELL * row as f64);
    svg.rect(place(0, 0), (width, height), "floor", 1.0);
    let mut walls = Path::default();
    let (mut cheese, mut mouse) = (None, None);
    // Of free cells: first column, last column, first row, last row.
    let mut free: Option<[usize; 4]> = None;
    for (row, line) in maze.rows.iter().enumerate() {
        for (column, character) in line.chars().enumerate() {
            match character {
                '#' => {
                    walls.rect(place(column, row), (CELL, CELL));
                    continue;
                }
                'C' => cheese = Some((column, row)),
                'M' => mouse = Some((column, row)),
                _ => {}
            }
            free = Some(match free {
                None => [column, column, row, row],
                Some([l, r, t, b]) => [l.min(column), r.max(column), t.min(row), b.max(row)],
            });
        }
    }
    svg.path(&walls, "wall");
    if let Some([left, right, top, bottom]) = free {
        let side = usize::from(maze.region.max(1))
            .min(right - left + 1)
            .min(bottom - top + 1);
        let edge = CELL * side as f64;
        svg.group(BASE, "the region", |svg| {
            svg.rect(place(right + 1 - side, top), (edge, edge), "outline", 0.0);
        });
        let (column, row) = mouse.unwrap_or((left, bottom));
        let (x, y) = place(column, row);
        svg.group("var(--ink)", "start", |svg| {
            svg.disc((x + CELL / 2.0, y + CELL / 2.0), CELL * 0.42, "start");
        });
    }
    if let Some((column, row)) = cheese {
        draw_cheese(&mut svg, place(column, row));
    }
    let (mut shafts, mut heads) = (Path::default(), Path::default());
    for arrow in arrows {
        let (column, row) = (
            usize::from(arrow.x),
            rows.checked_sub(1 + usize::from(arrow.y)),
        );
        if let Some(row) = row.filter(|_| arrow.dx.is_finite() && arrow.dy.is_finite()) {
            let (x, y) = place(column, row);
            let centre = (x + CELL / 2.0, y + CELL / 2.0);
            let arrow = (scale * arrow.dx, -scale * arrow.dy);
            draw_arrow((&mut shafts, &mut heads), centre, arrow);
        }
    }
    svg.group(colour, "", |svg| {
        svg.path(&shafts, "shaft");
        svg.path(&heads, "solid");
    });
    svg
}

/// A wedge with two holes.
fn draw_cheese(svg: &mut Svg, (x, y): (f64, f64)) {
    let at = |u: f64, v: f64| (x + CELL * u, y + CELL * v);
    let mut wedge = Path::default();
    let corners = [
        at(0.08, 0.62),
        at(0.92, 0.14),
        at(0.92, 0.86),
        at(0.08, 0.86),
    ];
    wedge.start(corners[0].0, corners[0].1);
    for corner in &corners[1..] {
        wedge.on(corner.0, corner.1);
    }
    wedge.close();
    svg.group("var(--gold)", "cheese", |svg| {
        svg.path(&wedge, "cheese");
        svg.disc(at(0.42, 0.7), CELL * 0.09, "hole");
        svg.disc(at(0.72, 0.5), CELL * 0.11, "hole");
    });
}

/// An arrow about its middle; a dot where it is short.
fn draw_arrow((shafts, heads): (&mut Path, &mut Path), (x, y): (f64, f64), (dx, dy): (f64, f64)) {
    let length = dx.hypot(dy);
    if length < SHORT {
        heads.rect((x - 1.0, y - 1.0), (2.0, 2.0));
        return;
    }
    let (ux, uy) = (dx / length, dy / length);
    let half = 0.5 * 0.94 * CELL * length.min(2.0);
    let head = (0.36 * CELL).min(1.2 * half);
    let tip = (x + ux * half, y + uy * half);
    let neck = (tip.0 - ux * head, tip.1 - uy * head);
    shafts
        .start(x - ux * half, y - uy * half)
        .on(neck.0, neck.1);
    let wing = 0.42 * head;
    heads
        .start(tip.0, tip.1)
        .on(neck.0 - uy * wing, neck.1 + ux * wing)
        .on(neck.0 + uy * wing, neck.1 - ux * wing)
        .close();
}
