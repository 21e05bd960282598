//! What its own cheese adds to a level, taken away from it, layer by layer.

use crate::circuits::OwnVector;
use crate::findings::tracing::Circuits;
use crate::report::number::{fixed, plural};
use crate::report::page::{cell, lead_list, note, row, table};
use crate::report::svg::escape;

/// What is done at the dose nearest to -1: the dose's place.
fn taken_away(own: &OwnVector) -> Option<usize> {
    let doses = own.doses.iter().map(|(dose, _)| dose).enumerate();
    let negative = doses.filter(|(_, dose)| **dose < 0.0);
    let nearest = negative.min_by(|a, b| (a.1 + 1.0).abs().total_cmp(&(b.1 + 1.0).abs()));
    nearest.map(|(place, _)| place)
}

/// The markup; nothing where levels were not steered so.
pub fn body(circuits: &Circuits) -> String {
    let base = &circuits.base;
    let all = circuits.own_vectors.iter();
    let all: Vec<_> = all
        .filter_map(|own| {
            let place = taken_away(own)?;
            let random = own.random.iter().filter_map(|doses| doses.get(place));
            let random: Vec<[f64; 2]> = random.map(|one| [one.p_cheese, one.p_corner]).collect();
            let (_, steered) = &own.doses[place];
            Some((own, steered, random))
        })
        .collect();
    let least = all
        .iter()
        .min_by(|a, b| a.1.p_cheese.total_cmp(&b.1.p_cheese));
    let Some((most, steered, _)) = least else {
        return String::new();
    };
    let mean = |random: &[[f64; 2]], which: usize| match random.len() {
        0 => f64::NAN,
        len => random.iter().map(|one| one[which]).sum::<f64>() / len as f64,
    };
    let drawn = all.iter().flat_map(|(_, _, random)| random);
    let least_drawn = drawn.map(|one| one[0]).fold(f64::INFINITY, f64::min);
    let opening = format!(
        "What its own cheese adds to each level, taken away from it in every state: of all sites the probability of \
         the step to the cheese is least at {}, {} against {} as it is (least of all random vectors at any site: \
         {}), and that of the step to the corner is {} there against {}. Published for a net of 15 layers: .62 \
         to .09.",
        escape(&most.site),
        fixed(steered.p_cheese, 2),
        fixed(base.p_cheese, 2),
        fixed(least_drawn, 2),
        fixed(steered.p_corner, 2),
        fixed(base.p_corner, 2),
    );
    let rows = all.iter().map(|(own, steered, random)| {
        row(
            "",
            &[
                cell(&own.site),
                cell(&fixed(own.length, 2)),
                cell(&fixed(steered.p_cheese, 2)),
                cell(&fixed(mean(random, 0), 2)),
                cell(&fixed(steered.p_corner, 2)),
                cell(&fixed(mean(random, 1), 2)),
            ],
        )
    });
    let headings = [
        "|site",
        "length",
        "step to the cheese",
        "random",
        "step to the corner",
        "random",
    ];
    let rows: String = rows.collect();
    let draws = all.first().map_or(0, |(_, _, random)| random.len());
    format!(
        "<h3>The cheese of the level itself</h3>\n{}{}{}",
        lead_list(&[opening]),
        table("What its own cheese adds, taken away", &headings, &rows),
        note(&format!(
            "A level's vector is its activations with the cheese minus without, the mouse where episodes start. \
             Length: as a share of the site's activations. Random: the mean of {} of the same length. At the \
             decision squares of S4 on test levels.",
            plural(draws, "vector")
        ))
    )
}
