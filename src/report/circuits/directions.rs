//! Activation directions: what a cheese or an open corner adds, added and taken away, against random
//! vectors of the same length.

use crate::circuits::{Direction, Sought, Steered};
use crate::findings::tracing::Circuits;
use crate::report::axes::{Scale, range_of};
use crate::report::figure::{Look, Sample, figure, key};
use crate::report::number::{fixed, plural, signed, trimmed};
use crate::report::page::{lead, lead_list, note};
use crate::report::svg::{Anchor, Svg, escape};

use super::look::{NEGATIVE, POSITIVE, roomy};

const ROW: f64 = 20.0;
const LEFT: f64 = 122.0;
const WIDTH: f64 = 420.0;
const TOP: f64 = 8.0;

/// One dose at one site.
struct Effect<'a> {
    direction: &'a Direction,
    dose: f64,
    /// Change of the probability of the step.
    change: f64,
    /// The same of the random vectors.
    random: Vec<f64>,
}

/// The section's markup.
pub fn body(circuits: &Circuits) -> String {
    if circuits.directions.iter().all(|one| one.doses.is_empty()) {
        return lead("No directions were added.");
    }
    let opening: Vec<String> = Sought::ALL
        .into_iter()
        .flat_map(|sought| [-1.0, 1.0].map(|sign| (sought, sign)))
        .map(|(sought, sign)| opening(circuits, sought, sign))
        .collect();
    let figures = Sought::ALL
        .map(|sought| one_figure(circuits, sought))
        .concat();
    let keys = [
        key(Sample::Dot, Look::solid(POSITIVE), "direction added once"),
        key(
            Sample::Ring,
            Look::solid(NEGATIVE),
            "direction taken away once",
        ),
        key(
            Sample::Area,
            Look::solid("var(--plain)"),
            "from the least to the greatest of random vectors of the same length, either sign",
        ),
    ];
    format!(
        "{}<div class=\"legend apart\">{}</div>\n<div class=\"panels wide\">\n{figures}</div>\n{}{}",
        lead_list(&opening),
        keys.concat(),
        note(&format!(
            "A direction is the mean over discovery levels of the activations with the cheese (S1 and S4) \
             minus without, or with the corner open (S5) minus walled up. It is added at one site in every \
             forward pass. The probabilities are means at the decision squares of S4 on test levels, \
             computed, not played; unsteered they are {} for the step to the cheese and {} for that to the \
             corner.",
            fixed(circuits.base.p_cheese, 2),
            fixed(circuits.base.p_corner, 2)
        )),
        super::own::body(circuits)
    )
}

fn goal(sought: Sought) -> &'static str {
    match sought {
        Sought::Cheese => "cheese",
        Sought::Corner => "corner",
    }
}

fn step(sought: Sought, steered: &Steered) -> f64 {
    match sought {
        Sought::Cheese => steered.p_cheese,
        Sought::Corner => steered.p_corner,
    }
}

/// By site, the dose nearest to once with this sign.
fn effects(circuits: &Circuits, sought: Sought, sign: f64) -> Vec<Effect<'_>> {
    let base = step(sought, &circuits.base);
    let of = circuits
        .directions
        .iter()
        .filter(|one| one.sought == sought);
    of.filter_map(|direction| {
        let doses = direction.doses.iter().enumerate();
        let with_sign = doses.filter(|(_, (dose, _))| dose * sign > 0.0 && dose.is_finite());
        let nearest = with_sign.min_by(|a, b| {
            let away = |dose: f64| (dose - sign).abs();
            away(a.1.0).total_cmp(&away(b.1.0))
        });
        let (number, (dose, steered)) = nearest?;
        let change = step(sought, steered) - base;
        let random = direction
            .random
            .iter()
            .filter_map(|doses| doses.get(number));
        change.is_finite().then(|| Effect {
            direction,
            dose: *dose,
            change,
            random: random.map(|steered| step(sought, steered) - base).collect(),
        })
    })
    .collect()
}

fn opening(circuits: &Circuits, sought: Sought, sign: f64) -> String {
    let goal = goal(sought);
    let done = if sign < 0.0 { "taken away" } else { "added" };
    let all = effects(circuits, sought, sign);
    let most = all
        .iter()
        .max_by(|a, b| a.change.abs().total_cmp(&b.change.abs()));
    let Some(most) = most else {
        return format!("The {goal} direction was not {done}.");
    };
    let far = |values: &[f64]| values.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    let beyond = |way: f64| {
        let farther = all.iter().filter(|effect| {
            way * effect.change > far(&effect.random) && !effect.random.is_empty()
        });
        farther.count()
    };
    let way = |change: f64| match sign * change {
        x if x > 0.0 => "as its name says",
        _ => "against its name",
    };
    format!(
        "The {goal} direction {done} (dose {}) moves the probability of the step to the {goal} most at {}, by \
         {}, {} (random vectors there by up to {}). Farther than the farthest random vector it moves it as \
         its name says at {} of {}, and against its name at {}.",
        signed(most.dose, 1),
        escape(&most.direction.site),
        signed(most.change, 3),
        way(most.change),
        fixed(far(&most.random), 3),
        beyond(sign),
        plural(all.len(), "site"),
        beyond(-sign),
    )
}

fn one_figure(circuits: &Circuits, sought: Sought) -> String {
    let [down, up] = [-1.0, 1.0].map(|sign| effects(circuits, sought, sign));
    let mut sites: Vec<&str> = Vec::new();
    for effect in down.iter().chain(&up) {
        if !sites.contains(&effect.direction.site.as_str()) {
            sites.push(&effect.direction.site);
        }
    }
    let both = || down.iter().chain(&up);
    let values = both().flat_map(|effect| effect.random.iter().copied().chain([effect.change]));
    let (low, high) = range_of(values.chain([0.0])).unwrap_or((-1.0, 1.0));
    let bottom = TOP + ROW * sites.len() as f64;
    let x = Scale::linear(roomy(low, high), (LEFT, WIDTH - 10.0));
    let mut svg = Svg::new(WIDTH, bottom + 36.0);
    for tick in x.ticks(5) {
        if let Some(at) = x.place_within(tick) {
            svg.line((at, TOP), (at, bottom), "grid");
            let words = trimmed(signed(tick, 2));
            svg.text((at, bottom + 15.0), Anchor::Middle, "tick", &words);
        }
    }
    if let Some(zero) = x.place_within(0.0) {
        svg.line((zero, TOP), (zero, bottom), "axis");
    }
    for (row, site) in sites.iter().enumerate() {
        let y = TOP + ROW * (row as f64 + 0.5);
        let words: String = site
            .replace("stream after ", "after ")
            .chars()
            .take(20)
            .collect();
        svg.text((LEFT - 8.0, y + 4.0), Anchor::End, "label", &words);
        let here = |effect: &&Effect<'_>| effect.direction.site == *site;
        let random = both()
            .filter(here)
            .flat_map(|effect| effect.random.iter().copied());
        if let Some((low, high)) = range_of(random) {
            let words = format!("random vectors: {} to {}", signed(low, 2), signed(high, 2));
            if let (Some(low), Some(high)) = (x.place_within(low), x.place_within(high)) {
                svg.group("var(--plain)", &words, |svg| {
                    svg.rect((low, y - 6.0), (high - low, 12.0), "solid", 0.2);
                });
            }
        }
        for (list, colour, class) in [(&up, POSITIVE, "dot"), (&down, NEGATIVE, "ring")] {
            for effect in list.iter().filter(here) {
                let words = format!(
                    "{site}, dose {}: {}",
                    signed(effect.dose, 1),
                    signed(effect.change, 3)
                );
                if let Some(at) = x.place_within(effect.change) {
                    svg.group(colour, &words, |svg| {
                        svg.disc((at, y), 3.6, class);
                        svg.disc((at, y), 8.0, "target");
                    });
                }
            }
        }
    }
    let middle = (LEFT + WIDTH - 10.0) / 2.0;
    let goal = goal(sought);
    let words = format!("change of P(step to the {goal})");
    svg.text((middle, bottom + 31.0), Anchor::Middle, "label", &words);
    let title = format!("The {goal} direction, layer by layer");
    let svg = svg.finish(&format!("{title}: {words}"));
    figure("", &title, "at decision squares", "", &svg)
}
