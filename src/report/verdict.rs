//! What an edit did to the rates that a claim is about, and why the claim holds or fails.

use crate::ablate::selectivity::{LEAST_TARGET, MOST_SPARED};
use crate::ablate::{Claim, Rate};
use crate::findings::{Claimed, Family, Findings, Rise, Role};

use super::number::{percent, percent_interval};

/// What a claim asks for.
pub fn sentence(claim: Claim) -> &'static str {
    match claim {
        Claim::A => "lose the walk to the cheese, keep the walk to the corner",
        Claim::B => "lose the walk to the corner, keep the walk to the cheese",
    }
}

/// "S5, S4 region".
pub fn names(rates: &[Rate]) -> String {
    let names: Vec<&str> = rates.iter().map(|rate| rate.name()).collect();
    names.join(", ")
}

/// What one rate lost.
pub struct Loss {
    /// Which rate.
    pub rate: Rate,
    /// Its loss.
    pub value: f64,
    /// The 95 % interval.
    pub interval: (f64, f64),
}

/// An edit seen from its claim.
pub struct Judged {
    /// The target that lost least.
    pub target: Loss,
    /// The spared behaviour that lost most.
    pub spared: Loss,
}

/// The rates that decide.
pub fn judge(claimed: &Claimed) -> Judged {
    let claim = claimed.frozen.claim;
    let by_value = |a: &Loss, b: &Loss| a.value.total_cmp(&b.value);
    let losses = |rates: &'static [Rate]| rates.iter().map(|&rate| loss(claimed, rate));
    let target = losses(claim.targets()).min_by(by_value);
    let spared = losses(claim.spared()).max_by(by_value);
    Judged {
        target: target.expect("every claim has targets"),
        spared: spared.expect("every claim spares some rates"),
    }
}

fn loss(claimed: &Claimed, rate: Rate) -> Loss {
    Loss {
        rate,
        value: claimed.losses[rate],
        interval: claimed.intervals[rate],
    }
}

/// "76 % (95 %: 70 to 81 %)".
pub fn loss_words(loss: &Loss) -> String {
    format!(
        "{} (95\u{a0}%: {})",
        percent(loss.value),
        percent_interval(loss.interval)
    )
}

/// What keeps a claim from holding, in words; empty where nothing does.
pub fn obstacles(claimed: &Claimed) -> Vec<String> {
    let claim = claimed.frozen.claim;
    let mut obstacles = Vec::new();
    for &rate in claim.targets() {
        let Loss { value, .. } = loss(claimed, rate);
        if value < LEAST_TARGET {
            let (name, lost) = (rate.name(), percent(value));
            obstacles.push(format!("{name} lost {lost}, less than half"));
        }
    }
    for &rate in claim.spared() {
        let Loss {
            value, interval, ..
        } = loss(claimed, rate);
        let name = rate.name();
        if value > MOST_SPARED {
            obstacles.push(format!("{name} lost {}, more than a tenth", percent(value)));
        } else if interval.1 > MOST_SPARED {
            let high = percent(interval.1);
            obstacles.push(format!(
                "{name} may have lost up to {high}, more than a tenth"
            ));
        }
    }
    obstacles
}

/// The choices for a claim, the most selective on selection levels first: test levels choose
/// nothing here either.
pub fn chosen(found: &Findings, claim: Claim) -> Vec<&Claimed> {
    let mut chosen: Vec<&Claimed> = found.choices(claim).collect();
    chosen.sort_by(|a, b| b.frozen.selectivity.total_cmp(&a.frozen.selectivity));
    chosen
}

/// The choice of one family, as a control or not.
pub fn of_family<'a>(chosen: &[&'a Claimed], family: Family) -> Option<&'a Claimed> {
    let mut chosen = chosen.iter();
    chosen.find(|c| c.frozen.family == family).copied()
}

/// The best, on selection levels, of what the proposal predicts from time alone.
pub fn predicted<'a>(chosen: &[&'a Claimed]) -> Option<&'a Claimed> {
    let mut chosen = chosen.iter();
    chosen.find(|c| c.frozen.role == Role::Predicted).copied()
}

/// The rates a claim is about that were not learnt; nothing can be said of it where there are any.
pub fn unlearnt(found: &Findings, claim: Claim) -> Vec<&Rise> {
    let rises = claim.rates().map(|rate| &found.rises[rate]);
    rises.filter(|rise| !rise.is_learnt).collect()
}
