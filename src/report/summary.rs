//! Section 1: what was run, and the verdicts in numbers.

use crate::ablate::Claim;
use crate::locate::Label;
use crate::study::results::{DecompositionSummary, Results};

use super::number::{
    count, duration, fixed, p_value, percent, plural, prefixed, signed, significant,
};
use super::svg::escape;
use super::verdict::{self, chosen, headline, judge, loss_words, obstacles, rival};

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
         top-right {side}\u{a0}×\u{a0}{side} cells. The gradients of its {} were decomposed, and the \
         policy was edited along what was found. The question is whether the walk to the corner and \
         the walk to the cheese, learnt at different times, can be told apart and removed one \
         without the other.",
        count(run.layout.len() as u64),
        prefixed(run.frames as f64),
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
    let curves = &results.curves;
    let total = results.run.frames as f64;
    let when = |frames: f64| {
        format!(
            "{} frames ({} of training)",
            prefixed(frames),
            percent(frames / total)
        )
    };
    let time = |name: &str, time: Option<f64>| match time {
        Some(frames) => format!("{name} reached 90\u{a0}% of its rise at {}.", when(frames)),
        None => format!("{name} did not rise, so it has no such time."),
    };
    let (is_yes, verdict) = match (curves.t_corner, curves.t_cheese) {
        (Some(corner), Some(cheese)) if corner < cheese => {
            (Some(true), format!("Yes: {} before", when(cheese - corner)))
        }
        (Some(corner), Some(cheese)) if corner > cheese => (
            Some(false),
            format!("No: the cheese came {} earlier", when(corner - cheese)),
        ),
        (Some(_), Some(_)) => (Some(false), "No: both came at the same time".to_owned()),
        (Some(_), None) => (None, "The corner came; the cheese never did".to_owned()),
        (None, Some(_)) => (
            Some(false),
            "No: the cheese came; the corner never did".to_owned(),
        ),
        (None, None) => (None, "Neither was learnt".to_owned()),
    };
    let mut sentences = vec![
        time("S5 (walk to the corner, no cheese)", curves.t_corner),
        time("S2 (from the corner to the cheese)", curves.t_cheese),
    ];
    if is_yes != Some(true) {
        let premise = "The premise, two phases in this order, does not hold in this run.";
        sentences.push(premise.to_owned());
    }
    card(
        is_yes,
        "Was the corner learnt before the cheese?",
        &verdict,
        &sentences,
    )
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
                capital(&d.name)
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
    let chosen = chosen(results, claim);
    let Some((choice, outcome)) = headline(&chosen) else {
        return card(None, &question, "No edit was tried", &[]);
    };
    let Some(judged) = judge(claim, outcome) else {
        return card(None, &question, "The rates it needs were not measured", &[]);
    };
    let verdict = format!(
        "{}: {} {}, the worst spared {}",
        if judged.succeeds { "Yes" } else { "No" },
        targets_lost(claim),
        percent(judged.target.value),
        percent(judged.spared.value),
    );
    let mut sentences = vec![
        format!(
            "Chosen among {} on selection levels: {}, {}. On test levels {} {}, and the worst spared \
             rate, {}, lost {}.",
            plural(choice.candidates, "candidate"),
            choice.family,
            outcome.label,
            targets_lost(claim),
            loss_words(judged.target),
            judged.spared.rate.name(),
            loss_words(judged.spared),
        ),
        format!(
            "Selectivity {} (95\u{a0}%: {} to {}); {} where it was chosen.",
            signed(judged.selectivity, 2),
            signed(judged.interval.0, 2),
            signed(judged.interval.1, 2),
            signed(choice.selection_selectivity, 2),
        ),
    ];
    let obstacles = obstacles(claim, outcome);
    if !judged.succeeds && !obstacles.is_empty() {
        sentences.push(format!("The rule is not met: {}.", obstacles.join("; ")));
    }
    sentences.extend(against_controls(
        &chosen,
        claim,
        judged.selectivity,
        choice.p,
    ));
    card(Some(judged.succeeds), &question, &verdict, &sentences)
}

/// "S2 lost", or "S5 and S4 region lost at least".
fn targets_lost(claim: Claim) -> String {
    let names: Vec<&str> = claim.targets().iter().map(|rate| rate.name()).collect();
    let at_least = if names.len() > 1 { " at least" } else { "" };
    format!("{} lost{at_least}", names.join(" and "))
}

/// The control of the same kind and, where it is another, the control that looked best of all.
fn against_controls(
    chosen: &[verdict::Chosen<'_>],
    claim: Claim,
    selectivity: f64,
    p: Option<f64>,
) -> Option<String> {
    let (rival, outcome) = rival(chosen)?;
    let control = outcome.selectivity[claim as usize];
    let comparison = match selectivity > control {
        true => "above",
        false => "not above",
    };
    let p = p.map_or(String::new(), |p| {
        format!(
            "; {} against random directions, on selection levels",
            p_value(p)
        )
    });
    let best = chosen.iter().find(|(_, outcome)| outcome.is_control);
    let best = best
        .filter(|(choice, _)| choice.family != rival.family)
        .map(|(choice, outcome)| {
            let value = signed(outcome.selectivity[claim as usize], 2);
            format!(
                " The control that looked best there, {} ({}), reached {value}.",
                choice.family, outcome.label
            )
        });
    Some(format!(
        "That is {comparison} the best {} ({}), which reached {}{p}.{}",
        rival.family,
        outcome.label,
        signed(control, 2),
        best.unwrap_or_default(),
    ))
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
                count(results.ablation.level_len.1 as u64),
                count(results.ablation.level_len.0 as u64)
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
    let last = results.curves.returns.last();
    fixed(last.map_or(f64::NAN, |&(_, value)| value), 2)
}

/// With a capital first letter.
pub fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
