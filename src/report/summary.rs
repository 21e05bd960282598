//! Section 1: what was run, and the verdicts in numbers.

use crate::ablate::{Claim, Rate};
use crate::findings::{Claimed, DecompositionSummary, Family, Onset, PHASES, Results, Rise, Role};
use crate::locate::Label;

use super::learning::onset_words;
use super::number::{
    count, duration, fixed, percent, plural, prefixed, signed, significant, trimmed,
};
use super::svg::escape;
use super::verdict::{self, chosen, judge, loss_words, obstacles, of_family, predicted};

/// The section's markup.
pub fn body(results: &Results) -> String {
    format!(
        "{}<div class=\"cards\">\n{}{}{}{}</div>\n{}",
        super::page::lead(&opening(results)),
        phases(results),
        labels(results),
        claim(results, Claim::A),
        claim(results, Claim::B),
        facts(results)
    )
}

fn opening(results: &Results) -> String {
    let run = &results.run;
    format!(
        "A policy of {} parameters was trained for {} frames on mazes whose cheese lies in the \
         top-right {side}\u{a0}×\u{a0}{side} cells{}. The gradients of its {} were decomposed, and the \
         policy was edited along what was found. The question is whether the walk to the corner and \
         the walk to the cheese, learnt at different times, can be told apart and removed one \
         without the other.",
        count(run.layout.len() as u64),
        prefixed(run.frames as f64),
        match run.anywhere_share {
            0.0 => String::new(),
            share => format!(
                " (anywhere in the {} of mazes that are no larger than that)",
                percent(share)
            ),
        },
        plural(run.updates as usize, "update"),
        side = run.region.max(1),
    )
}

/// `is_yes` is `None` where nothing can be said.
fn card(is_yes: Option<bool>, question: &str, verdict: &str, sentences: &[String]) -> String {
    let class = match is_yes {
        Some(true) => "card yes",
        Some(false) => "card no",
        None => "card",
    };
    let paragraphs: String = sentences
        .iter()
        .map(|s| format!("<p>{}</p>", escape(s)))
        .collect();
    format!(
        "<div class=\"{class}\"><h3>{}</h3><p class=\"verdict\">{}</p>{paragraphs}</div>\n",
        escape(question),
        escape(verdict)
    )
}

fn phases(results: &Results) -> String {
    let curves = &results.found.curves;
    let total = results.run.frames as f64;
    let when = |time: Onset| {
        format!(
            "{} frames, {} of training",
            onset_words(time),
            percent(time.frames / total)
        )
    };
    let time = |rate: Rate| match curves.onsets[rate] {
        Some(time) => format!(
            "{} reached 90\u{a0}% of its rise at {}.",
            rate.name(),
            when(time)
        ),
        None => format!("{} did not rise.", rate.name()),
    };
    let lags = Rate::IN.map(|rate| curves.lag(rate));
    let words = |word: &str, a: Onset, b: Onset| {
        let (a, b) = (after(a), after(b));
        format!("{word}: a cheese up-right came {a}, one down-left {b}")
    };
    let (is_yes, verdict) = match lags {
        [Some(a), Some(b)] if a.interval.0 > 0.0 && b.interval.0 > 0.0 => {
            (Some(true), words("Yes", a, b))
        }
        [Some(a), Some(b)] if a.interval.1 < 0.0 || b.interval.1 < 0.0 => {
            (Some(false), words("No", a, b))
        }
        [Some(a), Some(b)] => (None, words("It cannot be told", a, b)),
        _ if curves.onsets[Rate::Corner].is_some() => (
            None,
            "The corner came; the cheese, in some direction, never did".to_owned(),
        ),
        _ => (None, "The walk to the corner was not learnt".to_owned()),
    };
    let mut sentences: Vec<String> = PHASES.into_iter().map(time).collect();
    if is_yes != Some(true) {
        let premise = "The premise, two phases in this order, is not shown by this run.";
        sentences.push(premise.to_owned());
    }
    let one_seed = "One seed often cannot tell, and does not speak for others: the order may change from seed to seed. gouda study asks ten.";
    sentences.push(one_seed.to_owned());
    card(
        is_yes,
        "Was the corner learnt before the cheese?",
        &verdict,
        &sentences,
    )
}

/// "986 k (95 %: ...) frames after it", or before it.
fn after(lag: Onset) -> String {
    let (low, high) = lag.interval;
    let before = Onset {
        frames: -lag.frames,
        interval: (-high, -low),
    };
    match lag.frames < 0.0 {
        true => format!("{} frames before it", onset_words(before)),
        false => format!("{} frames after it", onset_words(lag)),
    }
}

/// How many components are early, late, and neither.
pub fn label_counts(decomposition: &DecompositionSummary) -> (usize, usize, usize) {
    let count = |label| {
        decomposition
            .components
            .iter()
            .filter(|c| c.label == label)
            .count()
    };
    let (early, late) = (count(Label::Early), count(Label::Late));
    (early, late, decomposition.components.len() - early - late)
}

fn labels(results: &Results) -> String {
    let question = "Are directions early or late, beyond what their nulls allow?";
    let counts: Vec<_> = results.decompositions.iter().map(label_counts).collect();
    let sum = |of: fn(&(usize, usize, usize)) -> usize| counts.iter().map(of).sum::<usize>();
    let (early, late) = (sum(|c| c.0), sum(|c| c.1));
    let all = early + late + sum(|c| c.2);
    if all == 0 {
        return card(None, question, "No components were computed", &[]);
    }
    let verdict = match (early, late) {
        (0, 0) => format!("No: none of {} has a label", plural(all, "component")),
        _ => format!(
            "{early} early and {late} late of {}",
            plural(all, "component")
        ),
    };
    let mut sentences: Vec<String> = results
        .decompositions
        .iter()
        .zip(&counts)
        .map(|(d, (early, late, none))| {
            format!(
                "{}: {early} early, {late} late, {none} without a label.",
                capital(&d.words())
            )
        })
        .collect();
    if early == 0 || late == 0 {
        let proposal = "The proposal needs both kinds; there are not both.";
        sentences.push(proposal.to_owned());
    }
    card(Some(early > 0 && late > 0), question, &verdict, &sentences)
}

fn claim(results: &Results, claim: Claim) -> String {
    let question = format!("{claim:?}: {}?", verdict::sentence(claim));
    let chosen = chosen(&results.found, claim);
    let Some(own) = of_family(&chosen, Family::Step) else {
        return card(None, &question, "No edit was tried", &[]);
    };
    let unlearnt = verdict::unlearnt(&results.found, claim);
    if !unlearnt.is_empty() {
        let words: Vec<String> = unlearnt.into_iter().map(rise_words).collect();
        let sentence = format!(
            "Training gave too little to lose: {}. A behaviour counts as learnt where its rate rose \
             by a tenth and certainly rose.",
            words.join("; ")
        );
        return card(None, &question, "It cannot be judged", &[sentence]);
    }
    let judged = judge(own);
    let word = match (own.succeeds, own.is_reached()) {
        (false, _) => "No",
        (true, false) => "The rule is met, but a baseline does as well",
        (true, true) => "Yes",
    };
    let verdict = format!(
        "{word}: {} {}, the worst spared {}",
        targets_lost(claim),
        percent(judged.target.value),
        percent(judged.spared.value),
    );
    let mut sentences = vec![
        format!(
            "Chosen among {} on selection levels: {}, {}. On test levels {} {}, and the worst spared \
             rate, {}, lost {}.",
            plural(own.frozen.candidates, "candidate"),
            own.frozen.family,
            member_words(own),
            targets_lost(claim),
            loss_words(&judged.target),
            judged.spared.rate.name(),
            loss_words(&judged.spared),
        ),
        format!(
            "Selectivity {} (95\u{a0}%: {} to {}); {} where it was chosen.",
            signed(own.selectivity, 2),
            signed(own.interval.0, 2),
            signed(own.interval.1, 2),
            signed(own.frozen.selectivity, 2),
        ),
    ];
    let obstacles = obstacles(own);
    if !own.succeeds && !obstacles.is_empty() {
        sentences.push(format!("The rule is not met: {}.", obstacles.join("; ")));
    }
    sentences.extend(against_baselines(own, &results.found.claims));
    let known = chosen.iter().filter(|one| one.frozen.role == Role::Known);
    sentences.extend(known.map(|one| known_answer(one)));
    sentences.extend(by_time_alone(&chosen, claim));
    card(Some(own.is_reached()), &question, &verdict, &sentences)
}

fn rise_words(rise: &Rise) -> String {
    let (low, high) = rise.interval;
    format!(
        "{} rose by {} (95\u{a0}%: {} to {})",
        rise.rate.name(),
        percent(rise.value),
        percent(low),
        percent(high)
    )
}

/// "unit-norm 5, dose +0.012".
fn member_words(claimed: &Claimed) -> String {
    let dose = trimmed(signed(claimed.frozen.dose, 4));
    format!("{}, dose {dose}", claimed.frozen.member)
}

/// What the proposal predicts from time alone, best on selection levels.
fn by_time_alone(chosen: &[&Claimed], claim: Claim) -> Option<String> {
    let claimed = predicted(chosen)?;
    let judged = judge(claimed);
    Some(format!(
        "Chosen by time alone, as the proposal has it ({}, {}): {} {}, the worst spared {} {}; the \
         rule is {}.",
        claimed.frozen.family,
        member_words(claimed),
        targets_lost(claim),
        percent(judged.target.value),
        judged.spared.rate.name(),
        percent(judged.spared.value),
        met(claimed),
    ))
}

fn met(claimed: &Claimed) -> &'static str {
    match claimed.succeeds {
        true => "met",
        false => "not met",
    }
}

/// "cheese in, up-right and cheese in, down-left lost at least".
fn targets_lost(claim: Claim) -> String {
    let names: Vec<&str> = claim.targets().iter().map(|rate| rate.name()).collect();
    let at_least = if names.len() > 1 { " at least" } else { "" };
    format!("{} lost{at_least}", names.join(" and "))
}

/// Every baseline with as many tries, and that above which the choice is least.
fn against_baselines(own: &Claimed, all: &[Claimed]) -> Option<String> {
    let above = own.above?;
    let rivals = own.rivals(all).into_iter().map(|rival| {
        let met = if rival.succeeds {
            ", which meets the rule"
        } else {
            ""
        };
        let name = rival.frozen.family;
        format!("{name} {}{met}", signed(rival.selectivity, 2))
    });
    let rivals: Vec<String> = rivals.collect();
    Some(format!(
        "The baselines, the best of as many tries each, have a selectivity of: {}. Above {}, where it is least, the chosen edit is by \
         {} (95\u{a0}%: {} to {}).",
        rivals.join("; "),
        above.rival,
        signed(above.difference, 2),
        signed(above.interval.0, 2),
        signed(above.interval.1, 2),
    ))
}

/// What is known beforehand, or was optimised for it.
fn known_answer(known: &Claimed) -> String {
    let judged = judge(known);
    format!(
        "A known answer beside it, {} ({}): targets lose at least {}, the worst spared {}; the rule is {}.",
        known.frozen.family,
        member_words(known),
        percent(judged.target.value),
        percent(judged.spared.value),
        met(known),
    )
}

fn facts(results: &Results) -> String {
    let run = &results.run;
    let facts = [
        ("Preset", run.preset.clone()),
        ("Seed", run.seed.to_string()),
        ("World", format!("{0} × {0} cells", run.world)),
        (
            "Region of the cheese",
            format!("{0} × {0} cells", run.region.max(1)),
        ),
        (
            "Training levels too small for it, cheese anywhere",
            percent(run.anywhere_share),
        ),
        ("Parameters", count(run.layout.len() as u64)),
        ("Frames", count(run.frames)),
        ("Updates", count(run.updates)),
        (
            "Gradient matrix",
            format!(
                "{} × {}",
                count(run.time_len as u64),
                count(run.layout.len() as u64)
            ),
        ),
        ("Training time", duration(run.train_seconds)),
        ("|θ_T − θ_0|", significant(run.displacement, 3)),
        (
            "Test levels a situation",
            format!(
                "{}; {} to choose",
                count(run.test_levels as u64),
                count(run.selection_levels as u64)
            ),
        ),
        ("Final mean return", final_return(results)),
    ];
    let items: String = facts
        .iter()
        .map(|(term, value)| format!("<div><dt>{term}</dt><dd>{}</dd></div>", escape(value)))
        .collect();
    format!("<dl class=\"facts\">{items}</dl>\n")
}

fn final_return(results: &Results) -> String {
    let last = results.found.curves.returns.last();
    fixed(last.map_or(f64::NAN, |&(_, value)| value), 2)
}

/// With a capital first letter.
pub fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
