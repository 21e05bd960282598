//! Section 6: what every edit cost, the best of each family for either claim, and the controls.

use crate::ablate::{Claim, Mean, Rate};
use crate::findings::results::{EditOutcome, Estimate, Results, Role};

use super::claims;
use super::number::{NONE, fixed, percent_bare, percent_interval_bare, plural, signed, trimmed};
use super::page::{Tint, cell, estimate, lead, markup, note, row, table, words};
use super::verdict::{self, chosen, headline};

const NOT_MEASURED: (Mean, Mean) = {
    let none = Mean {
        value: f64::NAN,
        error: f64::NAN,
    };
    (none, none)
};

/// The section's markup.
pub fn body(results: &Results) -> String {
    let ablation = &results.ablation;
    if ablation.outcomes.is_empty() {
        return lead("No edit was measured.") + &rates_table(results);
    }
    let opening: String = Claim::ALL
        .iter()
        .map(|&claim| lead(&opening(results, claim)))
        .collect();
    let figures: String = Claim::ALL
        .iter()
        .map(|&claim| claims::scatter(results, claim))
        .collect();
    let choices: String = Claim::ALL
        .iter()
        .map(|&claim| claims::choice_table(results, claim))
        .collect();
    format!(
        "{opening}<div class=\"panels wide\">\n{figures}</div>\n{choices}<h3>Every edit on test levels</h3>\n{}{}{}",
        rates_table(results),
        outcome_table(results),
        note(
            "A loss is the share of a normalised rate, 1 − (m − floor)/(m₀ − floor); below it is its 95 % \
             bootstrap interval over levels. A negative loss is a gain. Under A and B stand the selectivity and \
             whether the rule is met; lengths are shares of |θ_T − θ_0|; under P stand the mean \
             probabilities, at the decision squares, of the moves towards the cheese and, below, the corner, with \
             the half-widths of their 95 % intervals. A bold row was chosen for a claim \
             among the steps along components."
        )
    )
}

fn opening(results: &Results, claim: Claim) -> String {
    let chosen = chosen(results, claim);
    let succeed = |roles: &[Role]| {
        let kind = chosen
            .iter()
            .filter(|(choice, _)| roles.contains(&choice.role));
        let all = kind.clone().count();
        (
            kind.filter(|(_, o)| o.succeeds[claim as usize]).count(),
            all,
        )
    };
    let edits = succeed(&[Role::Practical, Role::Predicted]);
    let controls = succeed(&[Role::Swapped, Role::Control]);
    let unlearnt = verdict::unlearnt(results, claim);
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

/// Probabilities of the moves towards the cheese, above, and the corner, below, each with twice its
/// standard error.
fn decision((cheese, corner): (Mean, Mean)) -> String {
    let words = |mean: Mean| match mean.value.is_finite() {
        true => format!(
            "{}\u{a0}±\u{a0}{}",
            fixed(mean.value, 2),
            fixed(1.96 * mean.error, 2)
        ),
        false => NONE.to_owned(),
    };
    estimate(&words(cheese), &words(corner), Tint::Lost, 0.0)
}

fn rate_headings(first: &[&'static str]) -> Vec<&'static str> {
    first
        .iter()
        .copied()
        .chain(Rate::ALL.map(Rate::name))
        .collect()
}

/// The unedited and the untrained policy.
fn rates_table(results: &Results) -> String {
    let ablation = &results.ablation;
    let cells = |name: &str, estimates: &[Estimate], probabilities: (Mean, Mean)| {
        let mut cells = vec![words(name)];
        for rate in Rate::ALL {
            let found = estimates.iter().find(|e| e.rate == rate);
            cells.push(found.map_or(cell(NONE), |e| {
                let share = e.successes as f64 / e.count as f64;
                estimate(
                    &percent_bare(share),
                    &percent_interval_bare(e.interval),
                    Tint::Lost,
                    0.0,
                )
            }));
        }
        cells.push(decision(probabilities));
        row("", &cells)
    };
    let rows = cells("unedited policy, m₀", &ablation.base, ablation.decision)
        + &cells("untrained policy, the floor", &ablation.floor, NOT_MEASURED);
    let mut headings = rate_headings(&["rates, %"]);
    headings.push("P");
    table(
        "Rates of the unedited and the untrained policy",
        &headings,
        &rows,
    )
}

fn outcome_table(results: &Results) -> String {
    let outcomes = &results.ablation.outcomes;
    let heads = Claim::ALL.map(|claim| headline(&chosen(results, claim)).map(|(_, o)| o));
    let best = |outcome: &EditOutcome| outcome.selectivity[0].max(outcome.selectivity[1]);
    let family_best = |family: &str| {
        let members = outcomes.iter().filter(|o| o.family == family);
        members.map(best).fold(f64::NEG_INFINITY, f64::max)
    };
    let mut sorted: Vec<&EditOutcome> = outcomes.iter().collect();
    sorted.sort_by(|a, b| {
        (a.is_control.cmp(&b.is_control))
            .then(family_best(&b.family).total_cmp(&family_best(&a.family)))
            .then(a.family.cmp(&b.family))
            .then(best(b).total_cmp(&best(a)))
    });
    let rows: String = sorted
        .into_iter()
        .map(|outcome| {
            let is_head = heads
                .iter()
                .flatten()
                .any(|head| std::ptr::eq(*head, outcome));
            outcome_row(outcome, if is_head { "chosen" } else { "" })
        })
        .collect();
    let mut headings = rate_headings(&["losses, % · family", "|edit", "dose, length"]);
    headings.extend(["P", "A", "B"]);
    table("Losses of every edit", &headings, &rows)
}

fn outcome_row(outcome: &EditOutcome, class: &str) -> String {
    let mut cells = vec![
        claims::family_cell(outcome),
        words(&outcome.label),
        estimate(
            &trimmed(fixed(outcome.dose, 4)),
            &fixed(outcome.length, 3),
            Tint::Lost,
            0.0,
        ),
    ];
    for rate in Rate::ALL {
        let loss = outcome.losses.iter().find(|loss| loss.rate == rate);
        cells.push(loss.map_or(cell(NONE), |loss| {
            estimate(
                &percent_bare(loss.value),
                &percent_interval_bare(loss.interval),
                Tint::Lost,
                loss.value,
            )
        }));
    }
    cells.push(decision(outcome.decision));
    for claim in Claim::ALL {
        let value = signed(outcome.selectivity[claim as usize], 2);
        let inner = format!(
            "{value}<small>{}</small>",
            claims::flag(outcome.succeeds[claim as usize])
        );
        cells.push(markup("", &inner));
    }
    row(class, &cells)
}
