//! Section 6: the best of each family for either claim, what it cost, and the controls.

use crate::ablate::{Claim, PerRate, Rate};
use crate::findings::{Claimed, Findings, Results, Role};

use super::axes::Scale;
use super::figure::Look;
use super::number::{
    NONE, fixed, percent, percent_bare, percent_interval, percent_interval_bare, plural,
    probability, signed, trimmed,
};
use super::page::{Tint, badge, cell, estimate, lead, markup, note, row, table, words};
use super::scatter::{BY_EFFECT, CONTROL, scatter};
use super::svg::{Svg, escape};
use super::verdict::{self, chosen, judge};

/// The section's markup.
pub fn body(results: &Results) -> String {
    let found = &results.found;
    if found.claims.is_empty() {
        return lead("No edit was measured.") + &rates_table(found);
    }
    let every = |of: &dyn Fn(Claim) -> String| Claim::ALL.map(of).concat();
    format!(
        "{}<div class=\"panels wide\">\n{}</div>\n{}<h3>Rates on test levels</h3>\n{}{}{}",
        every(&|claim| lead(&opening(found, claim))),
        every(&|claim| scatter(std::slice::from_ref(found), claim).html()),
        every(&|claim| choice_table(found, claim)),
        rates_table(found),
        losses_table(found),
        note(
            "A loss is the share of a normalised rate, 1 − (m − floor)/(m₀ − floor); below it is its 95 % \
             bootstrap interval over mazes. A negative loss is a gain. Lengths are shares of |θ_T − θ_0|; \
             doses of the compass are logits."
        )
    )
}

fn opening(found: &Findings, claim: Claim) -> String {
    let chosen = chosen(found, claim);
    let succeed = |roles: &[Role]| {
        let kind = chosen.iter().filter(|c| roles.contains(&c.frozen.role));
        let all = kind.clone().count();
        (kind.filter(|c| c.succeeds).count(), all)
    };
    let edits = succeed(&[Role::Practical, Role::Predicted]);
    let controls = succeed(&[Role::Swapped, Role::Control]);
    let unlearnt = verdict::unlearnt(found, claim);
    let caveat = match unlearnt.is_empty() {
        true => String::new(),
        false => {
            let names: Vec<&str> = unlearnt.iter().map(|rise| rise.rate.name()).collect();
            format!(" It cannot be judged: {} not learnt.", names.join(", "))
        }
    };
    format!(
        "<b>{claim:?}</b>, {}: of the best of each family on selection levels, {} of {} and {} of {} \
         meet the rule on test levels.{caveat}",
        verdict::sentence(claim),
        edits.0,
        plural(edits.1, "edit"),
        controls.0,
        plural(controls.1, "control"),
    )
}

/// The best of each family on selection levels, and how it did on test levels.
fn choice_table(found: &Findings, claim: Claim) -> String {
    let rows: String = chosen(found, claim).into_iter().map(choice_row).collect();
    let headings = [
        "family",
        "|chosen on selection levels",
        "target loses",
        "worst spared loses",
        "selectivity",
        "from −1 to 1",
        "when chosen",
        "p, doses counted",
        "rule",
    ];
    let label = format!("Claim {claim:?}: the best of each family");
    format!("<h3>{label}</h3>\n{}", table(&label, &headings, &rows))
}

fn is_control(claimed: &Claimed) -> bool {
    matches!(claimed.frozen.role, Role::Control | Role::Swapped)
}

fn choice_row(claimed: &Claimed) -> String {
    let frozen = &claimed.frozen;
    let mut cells = vec![family_cell(claimed), member_cell(claimed)];
    let judged = judge(claimed);
    for (loss, tint) in [(judged.target, Tint::Lost), (judged.spared, Tint::Harmed)] {
        let value = format!("{} {}", loss.rate.name(), percent(loss.value));
        let interval = percent_interval(loss.interval);
        cells.push(estimate(&value, &interval, tint, loss.value));
    }
    let interval = format!(
        "{} to {}",
        signed(claimed.interval.0, 2),
        signed(claimed.interval.1, 2)
    );
    let value = signed(claimed.selectivity, 2);
    cells.push(estimate(&value, &interval, Tint::Lost, 0.0));
    cells.push(markup("", &whisker(claimed)));
    let candidates = format!("of {}", frozen.candidates);
    let selection = signed(frozen.selectivity, 2);
    cells.push(estimate(&selection, &candidates, Tint::Lost, 0.0));
    cells.push(claimed.controls.map_or(cell(NONE), |controls| {
        let single = probability(controls.p);
        let draws = format!(
            "{single} of one, {}",
            plural(controls.draws as usize, "draw")
        );
        estimate(&probability(controls.p_chosen), &draws, Tint::Lost, 0.0)
    }));
    cells.push(markup("", &flag(claimed.succeeds)));
    row("", &cells)
}

/// The family of a choice, with what it is to the claim.
fn family_cell(claimed: &Claimed) -> String {
    let role = match claimed.frozen.role {
        Role::Practical => String::new(),
        Role::Predicted => badge("", "predicted"),
        Role::Swapped => badge("", "control: swapped"),
        Role::Control => badge("", "control"),
        Role::Known => badge("", "known answer"),
    };
    let family = escape(&claimed.frozen.family.name());
    markup("words", &format!("{family} {role}"))
}

fn member_cell(claimed: &Claimed) -> String {
    let frozen = &claimed.frozen;
    let inner = format!(
        "{}, dose {}<small>length {}</small>",
        escape(&frozen.member),
        trimmed(signed(frozen.dose, 4)),
        fixed(claimed.length, 3)
    );
    markup("words", &inner)
}

/// Whether the rule is met.
fn flag(succeeds: bool) -> String {
    match succeeds {
        true => badge("yes", "met"),
        false => badge("no", "no"),
    }
}

/// A selectivity with its interval from -1 to 1, small enough for a cell.
fn whisker(claimed: &Claimed) -> String {
    let (value, interval) = (claimed.selectivity, claimed.interval);
    let look: Look = if is_control(claimed) {
        CONTROL
    } else {
        BY_EFFECT
    };
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
            let class = if is_control(claimed) { "ring" } else { "dot" };
            svg.disc((at, 9.0), 4.0, class);
        });
    }
    let words = [value, interval.0, interval.1].map(|value| signed(value, 2));
    svg.finish(&format!("{}, from {} to {}", words[0], words[1], words[2]))
}

fn rate_headings(first: &[&'static str]) -> Vec<&'static str> {
    let rates = Rate::ALL.map(Rate::name);
    first.iter().copied().chain(rates).collect()
}

/// The unedited and the untrained policy.
fn rates_table(found: &Findings) -> String {
    let cells = |name: &str, rates: &PerRate<f64>| {
        let mut cells = vec![words(name)];
        cells.extend(rates.iter().map(|&rate| cell(&percent_bare(rate))));
        row("", &cells)
    };
    let rises = {
        let mut cells = vec![words("what training gained")];
        cells.extend(found.rises.iter().map(|rise| {
            let interval = percent_interval_bare(rise.interval);
            estimate(&percent_bare(rise.value), &interval, Tint::Lost, 0.0)
        }));
        row("", &cells)
    };
    let rows = cells("unedited policy, m₀", &found.base)
        + &cells("untrained policy, the floor", &found.floor)
        + &rises;
    let label = "Rates of the unedited and the untrained policy";
    table(label, &rate_headings(&["rates, %"]), &rows)
}

/// What every chosen edit cost, whatever it was chosen for.
fn losses_table(found: &Findings) -> String {
    let all = Claim::ALL.map(|claim| chosen(found, claim)).concat();
    let rows: String = all
        .into_iter()
        .map(|claimed| {
            let claim = format!("{:?}", claimed.frozen.claim);
            let mut cells = vec![cell(&claim), family_cell(claimed), member_cell(claimed)];
            cells.extend(Rate::ALL.map(|rate| {
                let (loss, interval) = (claimed.losses[rate], claimed.intervals[rate]);
                let interval = percent_interval_bare(interval);
                estimate(&percent_bare(loss), &interval, Tint::Lost, loss)
            }));
            row("", &cells)
        })
        .collect();
    let headings = rate_headings(&["for", "losses, % · family", "|edit"]);
    table("Losses of every chosen edit", &headings, &rows)
}
