//! Section 6: which tensors learnt which behaviour when, and what was learnt together.

use crate::ablate::Rate;
use crate::findings::{BehaviourLearnt, LearntTogether, LossChange, Results};

use super::figure::{figure, look};
use super::number::{percent, plural, signed, significant};
use super::page::{lead, note};
use super::svg::{Anchor, Path, Svg, escape};

/// The share of a behaviour's rise that has the full colour.
const FULL: f64 = 0.05;
/// The least depth of colour that is drawn.
const FAINT: f64 = 0.08;
/// Tensors of a term that are named.
const NAMED: usize = 3;

/// The section's markup.
pub fn body(results: &Results) -> String {
    let Some(found) = &results.loss_change else {
        return lead("There are not two checkpoints to go between.");
    };
    let names: Vec<&str> = results
        .run
        .layout
        .tensors
        .iter()
        .map(|t| t.name.as_str())
        .collect();
    let rows = rows(found, names.len());
    let opening: Vec<String> = found
        .behaviours
        .iter()
        .map(|one| opening(one, &names))
        .collect();
    let panels: String = found
        .behaviours
        .iter()
        .map(|one| panel(one, &found.tau, &names, &rows))
        .collect();
    let terms: String = found
        .factors
        .iter()
        .enumerate()
        .map(|(number, one)| term(number, one, found, &names))
        .collect();
    let svd: Vec<String> = found
        .svd
        .iter()
        .enumerate()
        .map(|(number, one)| in_words(number, one, found, &names))
        .collect();
    format!(
        "{}<div class=\"panels two\">\n{panels}</div>\n{}<h3>What was learnt together</h3>\n{}\
         <div class=\"panels three\">\n{terms}</div>\n{}",
        super::page::lead_list(&opening),
        note(&caption(found)),
        lead(
            "What was learnt (what was unlearnt left out), taken apart into a few terms: each has its behaviours, \
             its course over training and its parameters, and terms only add up."
        ),
        note(&format!(
            "The same by an SVD, which has signs and orthogonal terms: {}.",
            svd.join("; ")
        )),
    )
}

/// The tensors in which anything was learnt: a value head has no part in what the policy does.
fn rows(found: &LossChange, len: usize) -> Vec<usize> {
    let is_there = |&tensor: &usize| {
        let mut all = found.behaviours.iter();
        all.any(|one| {
            one.by_tensor
                .get(tensor)
                .is_some_and(|row| row.iter().any(|&w| w != 0.0))
        })
    };
    (0..len).filter(is_there).collect()
}

/// What a share is of: the rise, or where there was none all that went up and down.
fn whole(one: &BehaviourLearnt) -> f64 {
    match one.rise() > 0.0 {
        true => one.rise(),
        false => one.variation.max(f64::MIN_POSITIVE),
    }
}

fn shares(one: &BehaviourLearnt) -> Vec<f64> {
    let rows = one.by_tensor.iter();
    rows.map(|row| row.iter().sum::<f64>() / whole(one))
        .collect()
}

/// The largest of the shares, by name.
fn leading(shares: &[f64], names: &[&str]) -> String {
    let mut order: Vec<usize> = (0..shares.len().min(names.len())).collect();
    order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
    let named = order.into_iter().take(NAMED).filter(|&at| shares[at] > 0.0);
    let named: Vec<String> = named
        .map(|at| format!("{} {}", escape(names[at]), percent(shares[at])))
        .collect();
    named.join(", ")
}

fn opening(one: &BehaviourLearnt, names: &[&str]) -> String {
    let (name, rise) = (one.rate.name(), signed(one.rise(), 2));
    match one.rise() > 0.0 {
        true => format!(
            "{name}: {rise}, most of it by {}.",
            leading(&shares(one), names)
        ),
        false => format!(
            "{name}: {rise}, so nothing was learnt in the end; shares are of all that went up and down."
        ),
    }
}

fn caption(found: &LossChange) -> String {
    let error = |one: &BehaviourLearnt| format!("{} {}", one.rate.name(), percent(one.error));
    let errors: Vec<String> = found.behaviours.iter().map(error).collect();
    let points: usize = found.behaviours.iter().map(|one| one.points).sum();
    format!(
        "Rows are tensors, columns windows of training. A square is what the movement of a tensor&#39;s parameters in that \
         window added to the behaviour (gradient times movement, summed along straight lines between checkpoints), as a \
         share of the behaviour&#39;s whole rise; blue is learnt, orange is unlearnt, full from {} on. The corner is the mean \
         log-probability of the needed move, the four needed moves weighted alike; a cheese is by how much seeing it raises \
         the needed move over the mean of the four, in logits; the compass is the logits for up and right over those for \
         left and down. Squares of a panel add up to all of the \
         rise (what one adds another may take, so that shares go beyond 100 %) but for this error: {} (from {}, {} s).",
        percent(FULL),
        escape(&errors.join(", ")),
        plural(points, "gradient"),
        significant(found.seconds, 2),
    )
}

fn panel(one: &BehaviourLearnt, tau: &[f64], names: &[&str], rows: &[usize]) -> String {
    const LEFT: f64 = 92.0;
    const ROW: f64 = 13.0;
    const WIDTH: f64 = 260.0;
    let cell = WIDTH / tau.len().max(1) as f64;
    let bottom = 4.0 + ROW * rows.len() as f64;
    let mut svg = Svg::new(LEFT + WIDTH + 6.0, bottom + 18.0);
    let whole = whole(one);
    svg.rect((LEFT, 4.0), (WIDTH, bottom - 5.0), "frame", 1.0);
    for (place, &tensor) in rows.iter().enumerate() {
        let y = 4.0 + ROW * place as f64;
        svg.text(
            (LEFT - 6.0, y + ROW - 3.5),
            Anchor::End,
            "tick",
            &shortened(names[tensor]),
        );
        for (window, &added) in one.by_tensor[tensor].iter().enumerate() {
            let share = added / whole;
            let colour = if share >= 0.0 {
                "var(--corner)"
            } else {
                "var(--cheese)"
            };
            let depth = (share.abs() / FULL).sqrt().min(1.0);
            // What is hardly seen is not drawn: a page has thousands of squares.
            if depth < FAINT {
                continue;
            }
            let to = percent(tau[window]);
            let words = format!("{}, to {to}: {} %", names[tensor], signed(100.0 * share, 1));
            let (at, size) = ((LEFT + cell * window as f64, y), (cell - 0.6, ROW - 1.0));
            svg.group(colour, &words, |svg| svg.rect(at, size, "solid", depth));
        }
    }
    for (share, anchor) in [
        (0.0, Anchor::Start),
        (0.5, Anchor::Middle),
        (1.0, Anchor::End),
    ] {
        let words = if share == 0.0 {
            "start".to_owned()
        } else {
            percent(share)
        };
        svg.text(
            (LEFT + WIDTH * share, bottom + 13.0),
            anchor,
            "tick",
            &words,
        );
    }
    let name = one.rate.name();
    let label = format!("{name}: a row a tensor, a column a window of training");
    let caption = format!("{} by {}", signed(one.rise(), 2), unit(one.rate));
    figure("", name, &caption, "", &svg.finish(&label))
}

fn unit(rate: Rate) -> &'static str {
    match rate {
        Rate::Corner => "log-probability",
        _ => "logits",
    }
}

fn term(number: usize, one: &LearntTogether, found: &LossChange, names: &[&str]) -> String {
    const LEFT: f64 = 136.0;
    const ROW: f64 = 13.0;
    const BAR: f64 = 130.0;
    const HEIGHT: f64 = 54.0;
    let rows = one.by_behaviour.len() as f64;
    let base = 10.0 + ROW * rows + HEIGHT;
    let mut svg = Svg::new(LEFT + BAR + 32.0, base + 18.0);
    for (place, (share, behaviour)) in one.by_behaviour.iter().zip(&found.behaviours).enumerate() {
        let (rate, y) = (behaviour.rate, 2.0 + ROW * place as f64);
        svg.text(
            (LEFT - 6.0, y + ROW - 3.5),
            Anchor::End,
            "tick",
            rate.name(),
        );
        svg.group(look(rate).colour, "", |svg| {
            svg.rect(
                (LEFT, y),
                (BAR * share.clamp(0.0, 1.0), ROW - 2.0),
                "solid",
                0.8,
            );
        });
        let at = (LEFT + BAR * share.clamp(0.0, 1.0) + 3.0, y + ROW - 3.5);
        svg.text(at, Anchor::Start, "label mini", &percent(*share));
    }
    let most = one
        .course
        .iter()
        .copied()
        .fold(0.0, f64::max)
        .max(f64::MIN_POSITIVE);
    let mut path = Path::default();
    let mut from = 0.0;
    for (&to, &height) in found.tau.iter().zip(&one.course) {
        let x = LEFT + BAR * 0.5 * (from + to);
        let y = base - (HEIGHT - 6.0) * (height / most).clamp(0.0, 1.0);
        match path.is_empty() {
            true => path.start(x, y),
            false => path.on(x, y),
        };
        from = to;
    }
    svg.line((LEFT, base), (LEFT + BAR, base), "axis");
    svg.group("var(--ink)", "", |svg| svg.path(&path, "line thin"));
    svg.text(
        (LEFT - 6.0, base - 0.5 * HEIGHT),
        Anchor::End,
        "tick",
        "course",
    );
    svg.text((LEFT, base + 13.0), Anchor::Start, "tick", "start");
    svg.text(
        (LEFT + BAR, base + 13.0),
        Anchor::End,
        "tick",
        "end of training",
    );
    let title = format!("Term {}: {} of it", number + 1, percent(one.share));
    let label = format!("{title}: its share on every behaviour and its course");
    let caption = format!(
        "lies in {}",
        leading(&one.by_tensor, names).replace("&#39;", "'")
    );
    figure("", &title, &caption, "", &svg.finish(&label))
}

/// A term of the SVD in a clause.
fn in_words(number: usize, one: &LearntTogether, found: &LossChange, names: &[&str]) -> String {
    let mut order: Vec<usize> = (0..one.by_behaviour.len().min(found.behaviours.len())).collect();
    order.sort_by(|&a, &b| {
        one.by_behaviour[b]
            .abs()
            .total_cmp(&one.by_behaviour[a].abs())
    });
    let behaviours = order.iter().take(2).map(|&at| {
        let share = one.by_behaviour[at];
        let sign = if share < 0.0 { "−" } else { "" };
        format!(
            "{} {sign}{}",
            found.behaviours[at].rate.name(),
            percent(share.abs())
        )
    });
    let behaviours: Vec<String> = behaviours.collect();
    format!(
        "term {} ({} of squares) {}, in {}",
        number + 1,
        percent(one.share),
        escape(&behaviours.join(" and ")),
        leading(&one.by_tensor, names)
    )
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= 15 {
        return name.to_owned();
    }
    name.chars().take(14).collect::<String>() + "…"
}
