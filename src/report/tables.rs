//! Tables and numbers of RESULTS.md and its appendix.

use crate::findings::{Over, Role};
use crate::locators::Supervision;
use crate::report::number::{NONE, fixed, probability, signed};

/// A table; the first column is words, the others are set to the right.
pub fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let headings: Vec<String> = headings.iter().map(|&h| h.into()).collect();
    let rule: Vec<String> = (0..headings.len())
        .map(|i| if i == 0 { ":--".into() } else { "--:".into() })
        .collect();
    let body: String = rows.into_iter().map(|row| line(&row)).collect();
    format!("{}{}{body}", line(&headings), line(&rule))
}

/// "+0.31 [+0.12, +0.48]".
pub fn with_interval(over: &Over) -> String {
    match over.interval {
        Some((low, high)) => format!(
            "{} [{}, {}]",
            signed(over.mean, 2),
            signed(low, 2),
            signed(high, 2)
        ),
        None => signed(over.mean, 2),
    }
}

/// The same, or a dash.
pub fn maybe(over: Option<&Over>) -> String {
    over.map_or(NONE.into(), with_interval)
}

/// "0.31 [0.12, 0.48]", without signs.
pub fn share(over: Option<&Over>) -> String {
    let Some(over) = over else {
        return NONE.into();
    };
    match over.interval {
        Some((low, high)) => format!(
            "{} [{}, {}]",
            fixed(over.mean, 2),
            fixed(low, 2),
            fixed(high, 2)
        ),
        None => fixed(over.mean, 2),
    }
}

/// A p-value or a dash.
pub fn p(p: Option<f64>) -> String {
    p.map_or(NONE.into(), probability)
}

/// That of a number over seeds, or a dash.
pub fn p_of(over: Option<&Over>) -> String {
    p(over.and_then(|over| over.p))
}

/// What a locator was told, in a word.
pub fn told(supervision: Supervision) -> &'static str {
    match supervision {
        Supervision::None => "nothing",
        Supervision::Time => "time",
        Supervision::Phases => "phases",
        Supervision::Situations => "situations",
        Supervision::Labels => "right moves",
        Supervision::Effects => "effects",
    }
}

/// What an edit is to a claim, in a word.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Practical => "by effect",
        Role::Predicted => "predicted",
        Role::Swapped => "swapped",
        Role::Control => "control",
        Role::Known => "known answer",
    }
}
