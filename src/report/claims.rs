//! What edits did to the rates of a claim: a point an edit, and the best of each family.

use crate::ablate::{Claim, Rate};
use crate::findings::results::{Choice, EditOutcome, Results, Role};

use super::axes::{Axis, Plot, Scale, Size};
use super::figure::{Look, Sample, figure, key, legend};
use super::number::{NONE, fixed, percent, percent_bare, percent_interval, probability, signed};
use super::page::{Tint, badge, cell, estimate, markup, row, table};
use super::svg::{Svg, escape};
use super::verdict::{self, Chosen, chosen, headline, judge};

const EDIT: Look = Look {
    colour: "var(--corner)",
    is_dashed: false,
};
const CONTROL: Look = Look {
    colour: "var(--plain)",
    is_dashed: false,
};

fn names(rates: &[Rate]) -> String {
    let names: Vec<&str> = rates.iter().map(|rate| rate.name()).collect();
    names.join(", ")
}

/// Loss of the target against the worst loss of the spared, an edit a point.
pub fn scatter(results: &Results, claim: Claim) -> String {
    let keys = [
        key(Sample::Dot, EDIT, "edit"),
        key(Sample::Ring, CONTROL, "control"),
        key(
            Sample::Area,
            Look {
                colour: "var(--good)",
                ..EDIT
            },
            "where the rule is met",
        ),
    ];
    let size = Size {
        width: 420.0,
        height: 300.0,
    };
    let y_label = format!(
        "least loss of {}, % of what was learnt",
        names(claim.targets())
    );
    let x_label = format!("worst loss of {}, %", names(claim.spared()));
    let axis = |label| Axis {
        label,
        range: (-0.2, 1.4),
        is_log: false,
        format: |tick| percent_bare(tick),
    };
    let mut plot = Plot::new(size, &axis(&x_label), &axis(&y_label));
    if let (Some(left), Some(right), Some(top), Some(bottom)) = (
        plot.x.place_within(-0.2),
        plot.x.place_within(0.1),
        plot.y.place_within(1.4),
        plot.y.place_within(0.5),
    ) {
        let tooltip = "target lost at least half, every spared one at most a tenth";
        plot.svg.group("var(--good)", tooltip, |svg| {
            svg.rect((left, top), (right - left, bottom - top), "solid", 0.14);
        });
    }
    plot.svg.open(
        "var(--rule)",
        "selectivity 0: as much is lost of the spared as of the target",
    );
    plot.curve([(-0.2, -0.2), (1.4, 1.4)], "line thin dashed");
    plot.svg.close();
    let head = headline(&chosen(results, claim));
    // Controls first, so that edits lie on top.
    let mut outcomes: Vec<&EditOutcome> = results.ablation.outcomes.iter().collect();
    outcomes.sort_by_key(|outcome| !outcome.is_control);
    for outcome in outcomes {
        let Some(judged) = judge(claim, outcome) else {
            continue;
        };
        let (Some(x), Some(y)) = (
            plot.x.place_within(judged.spared.value),
            plot.y.place_within(judged.target.value),
        ) else {
            continue;
        };
        let cross = [
            (
                judged.spared.interval.0,
                judged.target.value,
                judged.spared.interval.1,
                judged.target.value,
            ),
            (
                judged.spared.value,
                judged.target.interval.0,
                judged.spared.value,
                judged.target.interval.1,
            ),
        ]
        .map(|(x1, y1, x2, y2)| {
            let place = |x, y| Some((plot.x.place_within(x)?, plot.y.place_within(y)?));
            Some((place(x1, y1)?, place(x2, y2)?))
        });
        let tooltip = format!(
            "{}, {}: target loses {}, worst spared {} ({}), selectivity {}",
            outcome.family,
            outcome.label,
            percent(judged.target.value),
            percent(judged.spared.value),
            judged.spared.rate.name(),
            signed(judged.selectivity, 2)
        );
        let (look, class) = match outcome.is_control {
            true => (CONTROL, "ring"),
            false => (EDIT, "dot"),
        };
        let is_head = head.is_some_and(|(_, chosen)| std::ptr::eq(chosen, outcome));
        plot.svg.group(look.colour, &tooltip, |svg| {
            for (from, to) in cross.into_iter().flatten() {
                svg.line(from, to, "whisker");
            }
            svg.disc((x, y), 4.0, class);
            if is_head {
                svg.disc((x, y), 7.5, "halo");
            }
            svg.disc((x, y), 9.0, "target");
        });
    }
    let title = format!("Claim {claim:?}: {}", verdict::sentence(claim));
    let svg = plot.svg.finish(&format!(
        "{title}: loss of the target against the worst spared loss"
    ));
    let caption = "each point an edit with its 95 % intervals, held at the frame where beyond; the \
                   circled one is the chosen step";
    figure("", &title, caption, &legend(&keys), &svg)
}

/// The best of each family on selection levels, and how it did on test levels.
pub fn choice_table(results: &Results, claim: Claim) -> String {
    let chosen = chosen(results, claim);
    let rows: String = chosen
        .iter()
        .map(|chosen| choice_row(claim, chosen))
        .collect();
    let headings = [
        "family",
        "|chosen on selection levels",
        "target loses",
        "worst spared loses",
        "selectivity",
        "from −1 to 1",
        "when chosen",
        "p, of the best",
        "fall, p (Holm)",
        "rule",
    ];
    let label = format!("Claim {claim:?}: the best of each family");
    format!("<h3>{label}</h3>\n{}", table(&label, &headings, &rows))
}

fn choice_row(claim: Claim, (choice, outcome): &Chosen<'_>) -> String {
    let mut cells = vec![
        choice_cell(choice),
        markup(
            "words",
            &format!(
                "{}<small>length {}</small>",
                escape(&outcome.label),
                fixed(outcome.length, 3)
            ),
        ),
    ];
    match judge(claim, outcome) {
        Some(judged) => {
            for (loss, tint) in [(judged.target, Tint::Lost), (judged.spared, Tint::Harmed)] {
                let value = format!("{} {}", loss.rate.name(), percent(loss.value));
                let interval = percent_interval(loss.interval);
                cells.push(estimate(&value, &interval, tint, loss.value));
            }
            let interval = format!(
                "{} to {}",
                signed(judged.interval.0, 2),
                signed(judged.interval.1, 2)
            );
            let value = signed(judged.selectivity, 2);
            cells.push(estimate(&value, &interval, Tint::Lost, 0.0));
            let look = if outcome.is_control { CONTROL } else { EDIT };
            let drawing = whisker(
                judged.selectivity,
                judged.interval,
                look,
                outcome.is_control,
            );
            cells.push(markup("", &drawing));
        }
        None => cells.extend([cell(NONE), cell(NONE), cell(NONE), cell(NONE)]),
    }
    let selection = signed(choice.selection_selectivity, 2);
    let candidates = format!("of {}", choice.candidates);
    cells.push(estimate(&selection, &candidates, Tint::Lost, 0.0));
    let best = choice.p_best.map_or(String::new(), probability);
    cells.push(choice.p.map_or(cell(NONE), |p| {
        estimate(&probability(p), &best, Tint::Lost, 0.0)
    }));
    cells.push(cell(&choice.p_fall.map_or(NONE.to_owned(), probability)));
    cells.push(markup("", &flag(outcome.succeeds[claim as usize])));
    row("", &cells)
}

/// The family of a choice, with what it is to the claim.
fn choice_cell(choice: &Choice) -> String {
    let role = match choice.role {
        Role::Practical => String::new(),
        Role::Predicted => badge("", "predicted"),
        Role::Swapped => badge("", "control: swapped"),
        Role::Control => badge("", "control"),
    };
    markup("words", &format!("{} {role}", escape(&choice.family)))
}

/// The family of an edit, with a mark on controls.
pub fn family_cell(outcome: &EditOutcome) -> String {
    let control = match outcome.is_control {
        true => format!(" {}", badge("", "control")),
        false => String::new(),
    };
    markup("words", &format!("{}{control}", escape(&outcome.family)))
}

/// Whether the rule is met.
pub fn flag(succeeds: bool) -> String {
    if succeeds {
        badge("yes", "met")
    } else {
        badge("no", "no")
    }
}

/// An estimate with its interval from -1 to 1, small enough for a cell.
fn whisker(value: f64, interval: (f64, f64), look: Look, is_control: bool) -> String {
    let mut svg = Svg::new(104.0, 18.0);
    let scale = Scale::linear((-1.0, 1.0), (6.0, 98.0));
    svg.line((6.0, 9.0), (98.0, 9.0), "grid");
    for tick in [-1.0, 0.0, 1.0] {
        if let Some(x) = scale.place_within(tick) {
            svg.line((x, 4.0), (x, 14.0), "axis");
        }
    }
    let places = [value, interval.0, interval.1].map(|value| scale.place_within(value));
    if let [Some(at), Some(low), Some(high)] = places {
        svg.group(look.colour, "", |svg| {
            svg.line((low, 9.0), (high, 9.0), "line");
            svg.disc((at, 9.0), 4.0, if is_control { "ring" } else { "dot" });
        });
    }
    let words = [value, interval.0, interval.1].map(|value| signed(value, 2));
    svg.finish(&format!("{}, from {} to {}", words[0], words[1], words[2]))
}
