//! What its own cheese adds to a level, taken away from it, layer by layer.

use crate::circuits::{OwnVector, Steered};
use crate::findings::tracing::Circuits;
use crate::report::number::{fixed, plural};
use crate::report::page::{cell, lead_list, note, row, table};
use crate::report::svg::escape;

/// A site's vectors at the dose nearest to -1.
struct TakenAway<'a> {
    own: &'a OwnVector,
    /// The policy without what each level's cheese adds.
    steered: &'a Steered,
    /// The same without random vectors.
    random: Vec<&'a Steered>,
}

impl<'a> TakenAway<'a> {
    /// Nothing where only positive doses were given.
    fn of(own: &'a OwnVector) -> Option<Self> {
        let doses = own.doses.iter().enumerate();
        let negative = doses.filter(|(_, (dose, _))| *dose < 0.0);
        let away = |dose: f64| (dose + 1.0).abs();
        let nearest = negative.min_by(|a, b| away(a.1.0).total_cmp(&away(b.1.0)));
        let (place, (_, steered)) = nearest?;
        let random = own.random.iter().filter_map(|doses| doses.get(place));
        Some(Self {
            own,
            steered,
            random: random.collect(),
        })
    }

    /// The mean over random vectors.
    fn mean(&self, of: impl Fn(&Steered) -> f64) -> f64 {
        match self.random.len() {
            0 => f64::NAN,
            len => self.random.iter().map(|one| of(one)).sum::<f64>() / len as f64,
        }
    }
}

/// The markup; nothing where levels were not steered so.
pub fn body(circuits: &Circuits) -> String {
    let base = &circuits.base;
    let all = circuits.own_vectors.iter().filter_map(TakenAway::of);
    let all: Vec<TakenAway<'_>> = all.collect();
    let least = all
        .iter()
        .min_by(|a, b| a.steered.p_cheese.total_cmp(&b.steered.p_cheese));
    let Some(most) = least else {
        return String::new();
    };
    let drawn = all.iter().flat_map(|one| &one.random);
    let least_drawn = drawn.map(|one| one.p_cheese).fold(f64::INFINITY, f64::min);
    let opening = format!(
        "What its own cheese adds to each level, taken away from it in every state: of all sites the probability of \
         the step to the cheese is least at {}, {} against {} as it is (least of all random vectors at any site: \
         {}), and that of the step to the corner is {} there against {}. Published for a net of 15 layers: .62 \
         to .09.",
        escape(&most.own.site),
        fixed(most.steered.p_cheese, 2),
        fixed(base.p_cheese, 2),
        fixed(least_drawn, 2),
        fixed(most.steered.p_corner, 2),
        fixed(base.p_corner, 2),
    );
    let rows = all.iter().map(|one| {
        row(
            "",
            &[
                cell(&one.own.site),
                cell(&fixed(one.own.length, 2)),
                cell(&fixed(one.steered.p_cheese, 2)),
                cell(&fixed(one.mean(|steered| steered.p_cheese), 2)),
                cell(&fixed(one.steered.p_corner, 2)),
                cell(&fixed(one.mean(|steered| steered.p_corner), 2)),
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
    let draws = all.first().map_or(0, |one| one.random.len());
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
