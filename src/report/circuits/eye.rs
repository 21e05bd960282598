//! By eye: weights of the leading edges, and what the leading channels respond to.

use crate::circuits::atlas::{Filter, Map};
use crate::findings::tracing::{Circuits, Pictures};
use crate::report::figure::figure;
use crate::report::number::{fixed, plural, significant};
use crate::report::page::{lead, lead_list, note};
use crate::report::svg::escape;

use super::heat::{Heat, filled};
use super::levels;
use super::look::{largest, scale};

/// The section's markup.
pub fn body(circuits: &Circuits) -> String {
    let Some(pictures) = &circuits.pictures else {
        return lead("These circuits were traced by a version that made no pictures.");
    };
    let opening: Vec<String> = pictures
        .maps
        .iter()
        .map(opening)
        .chain(levels::opening(pictures))
        .collect();
    format!(
        "{}{}{}{}",
        lead_list(&opening),
        filters(pictures),
        maps(pictures),
        levels::body(pictures)
    )
}

/// Root mean square of what there is.
fn spread(rows: &[Vec<Option<f64>>]) -> f64 {
    let all = rows
        .iter()
        .flatten()
        .flatten()
        .filter(|value| value.is_finite());
    let (sum, len) = all.fold((0.0, 0.0), |(sum, len), x| (sum + x * x, len + 1.0));
    if len > 0.0 { f64::sqrt(sum / len) } else { 0.0 }
}

/// What a channel responds to.
fn opening(map: &Map) -> String {
    let (cheese, mouse) = (spread(&map.by_cheese), spread(&map.by_mouse));
    let name = escape(&map.channel);
    let of = |one: f64| significant(one, 2);
    let verdict = match (cheese, mouse) {
        (c, m) if c <= 0.0 && m <= 0.0 => {
            return format!("{name} does not move with cheese or mouse.");
        }
        (c, m) if c > 3.0 * m => "it follows the cheese",
        (c, m) if m > 3.0 * c => "it follows the mouse, not the cheese",
        (c, m) if c > 1.5 * m => "it follows the cheese more",
        (c, m) if m > 1.5 * c => "it follows the mouse more",
        _ => "it follows both alike",
    };
    format!(
        "{name}: its mean activation varies by {} (root mean square over cells) with the cheese's place and \
         by {} with the mouse's: {verdict}.",
        of(cheese),
        of(mouse)
    )
}

fn weights(filter: &Filter, title: &str, most: f64) -> String {
    let has_numbers = filter.weights.len() <= 3;
    let heat = Heat {
        largest: most,
        width: 102.0,
        has_numbers,
        level: &[],
        unit: "",
    };
    let label = format!("weights of {}", filter.part);
    let svg = heat.draw(&filled(&filter.weights), &label);
    figure("", title, "", "", &svg)
}

fn numbers(filters: &[&Filter]) -> f64 {
    let all = filters
        .iter()
        .flat_map(|filter| filter.weights.iter().flatten());
    largest(all.copied())
}

fn filters(pictures: &Pictures) -> String {
    if pictures.filters.is_empty() && pictures.planes.is_empty() {
        return String::new();
    }
    let edges: Vec<&Filter> = pictures.filters.iter().collect();
    let planes: Vec<&Filter> = pictures.planes.iter().flatten().collect();
    let most = [numbers(&edges), numbers(&planes)];
    let edges: String = edges
        .iter()
        .map(|one| weights(one, &one.part, most[0]))
        .collect();
    let names = ["wall", "mouse", "cheese"];
    let of_channel = |three: &[Filter; 3]| -> String {
        let parts = three.iter().zip(names);
        let part = |(filter, plane): (&Filter, &str)| {
            let to = filter.part.replacen(" 0 to ", " ", 1);
            let to = to.replacen(" 1 to ", " ", 1).replacen(" 2 to ", " ", 1);
            weights(filter, &format!("{to} from {plane}"), most[1])
        };
        parts.map(part).collect()
    };
    let planes: String = pictures.planes.iter().map(of_channel).collect();
    format!(
        "<h3>Weights of the leading edges</h3>\n{}<div class=\"panels small\">\n{edges}</div>\n\
         <h3>Leading channels of the first layer, plane by plane</h3>\n{}<div class=\"panels small\">\n{planes}\
         </div>\n",
        note(&format!(
            "Kernel slices of the edges that lead going for the cheese (cheese moved) and for the corner \
             (mouse moved), top row first, orange positive, blue negative; {}. Slices into the hidden layer \
             have one weight a cell.",
            scale(most[0])
        )),
        note(&format!("The same; {}.", scale(most[1])))
    )
}

fn maps(pictures: &Pictures) -> String {
    if pictures.maps.is_empty() {
        return String::new();
    }
    let figures: String = pictures
        .maps
        .iter()
        .map(|map| {
            let all = map.by_cheese.iter().chain(&map.by_mouse).flatten();
            let most = largest(all.filter_map(|value| *value));
            let one = |rows: &[Vec<Option<f64>>], by: &str| {
                let heat = Heat {
                    largest: most,
                    width: 160.0,
                    has_numbers: false,
                    level: &[],
                    unit: "from the mean",
                };
                let label = format!("activation of {} by the cell of the {by}", map.channel);
                let svg = heat.draw(rows, &label);
                let caption = format!("mean {}; {}", fixed(map.mean, 2), scale(most));
                figure("", &format!("{} by {by}", map.channel), &caption, "", &svg)
            };
            one(&map.by_cheese, "cheese") + &one(&map.by_mouse, "mouse")
        })
        .collect();
    format!(
        "<h3>What the leading channels respond to</h3>\n{}<div class=\"panels small\">\n{figures}</div>\n",
        note(&format!(
            "Mean activation over a channel's cells with the cheese (or the mouse) in each cell, as deviation \
             from the maze's mean, averaged over up to {} of the other, spread evenly, and over the mazes among the \
             first {} of S5's discovery levels that have the cell free. Grey: no such maze.",
            plural(crate::circuits::atlas::PARTNERS, "place"),
            pictures.mazes.len()
        ))
    )
}
