//! By eye: single levels, those fixed by seed and those on which the policy is worst.

use crate::ablate::Rate;
use crate::findings::tracing::{Chosen, PicturedLevel, Pictures};
use crate::report::figure::figure;
use crate::report::mazes;
use crate::report::number::{percent, plural, signed};
use crate::report::page::{details, note};
use crate::report::svg::escape;

use super::heat::{Heat, filled};
use super::look::{largest, scale};

const PLANES: [&str; 3] = ["walls", "mouse", "cheese"];

/// What the edits do to the moves, from all levels.
pub fn opening(pictures: &Pictures) -> Vec<String> {
    let fields: Vec<_> = pictures
        .levels
        .iter()
        .flat_map(|level| &level.fields)
        .cloned()
        .collect();
    mazes::openings(&fields)
}

/// The markup.
pub fn body(pictures: &Pictures) -> String {
    if pictures.levels.is_empty() {
        return String::new();
    }
    let (first, others) = pictures.levels.split_at(1);
    let draw = |levels: &[PicturedLevel]| levels.iter().map(level).collect::<String>();
    let is_worst = |level: &&PicturedLevel| matches!(level.chosen, Chosen::Worst { .. });
    let worst = others.iter().filter(is_worst).count();
    let others = match others.is_empty() {
        true => String::new(),
        false => {
            let label = format!(
                "{} more, {worst} of them from the tenth on which the policy is worst",
                plural(others.len(), "level")
            );
            details(&label, false, &draw(others))
        }
    };
    format!(
        "<h3>Single levels</h3>\n{}{}{others}",
        note(
            "First what flipping one entry of the observation does to the preference for the step towards the \
             cheese, exactly: a free cell made wall or the other way round, a mouse or a cheese more, or the \
             one there taken away (states with two mice or cheeses do not occur). Small squares are walls, \
             the ring is the mouse, which stands where the ways to cheese and corner part if they do, the \
             golden disc the cheese. Then the mean moves, as in the section on mazes, with the leading channels \
             or edges of going for the cheese (cheese moved) taken out."
        ),
        draw(first)
    )
}

/// Why this level, and how the policy does on it.
fn why(level: &PicturedLevel) -> String {
    let success = percent(level.success);
    match level.chosen {
        Chosen::First => format!(
            "the first discovery level of {} by seed; probability of success {success}",
            level.rate.name()
        ),
        Chosen::Worst { len, of, at_most } => format!(
            "the first by seed of the worst tenth, {len} of {of} discovery levels of {} with a probability of \
             success of {} or less; here {success}",
            level.rate.name(),
            percent(at_most)
        ),
    }
}

fn level(level: &PicturedLevel) -> String {
    let what = match level.rate {
        Rate::S4Cheese | Rate::S4Region => "S4, conflict",
        rate => rate.name(),
    };
    let planes = level.flips.planes.iter().zip(PLANES);
    let flips: String = planes
        .map(|(plane, name)| {
            let most = largest(plane.iter().flatten().copied());
            let heat = Heat {
                largest: most,
                width: 200.0,
                has_numbers: false,
                level: &level.rows,
                unit: "logits",
            };
            let label = format!("flips of {name} on level {}", level.seed);
            let svg = heat.draw(&filled(plane), &label);
            figure("", &format!("Flips of {name}"), &scale(most), "", &svg)
        })
        .collect();
    let fields: String = level.fields.iter().map(mazes::maze).collect();
    format!(
        "<h3>{what}, level seed {} <span class=\"note\">{}</span></h3>\n{}<div class=\"panels three\">\n{flips}\
         </div>\n{fields}",
        level.seed,
        escape(&why(level)),
        note(&format!(
            "Preference for the step towards the cheese as it is: {} logits.",
            signed(level.flips.preference, 2)
        ))
    )
}
