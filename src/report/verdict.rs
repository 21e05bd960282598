//! What an edit did to the rates that a claim is about, and why the claim holds or fails.

use crate::ablate::{Claim, Rate};
use crate::findings::results::{Choice, EditOutcome, Loss, Results, Rise, Role};

use super::number::{percent, percent_interval};

/// What a claim asks for.
pub fn sentence(claim: Claim) -> &'static str {
    match claim {
        Claim::A => "lose the walk to the cheese, keep the walk to the corner",
        Claim::B => "lose the walk to the corner, keep the walk to the cheese",
    }
}

/// An edit seen from a claim.
pub struct Judged<'a> {
    /// The target that lost least.
    pub target: &'a Loss,
    /// The spared behaviour that lost most.
    pub spared: &'a Loss,
    /// Selectivity on test levels.
    pub selectivity: f64,
    /// Its 95 % bootstrap interval over mazes.
    pub interval: (f64, f64),
    /// Whether the rule is met.
    pub succeeds: bool,
}

/// `None` where a rate that the claim needs was not measured.
pub fn judge(claim: Claim, outcome: &EditOutcome) -> Option<Judged<'_>> {
    let losses = |rates: &[Rate]| -> Option<Vec<&Loss>> {
        let find = |rate: &Rate| outcome.losses.iter().find(|loss| loss.rate == *rate);
        rates.iter().map(find).collect()
    };
    let by_value = |a: &&Loss, b: &&Loss| a.value.total_cmp(&b.value);
    let target = losses(claim.targets())?.into_iter().min_by(by_value)?;
    let spared = losses(claim.spared())?.into_iter().max_by(by_value)?;
    Some(Judged {
        target,
        spared,
        selectivity: outcome.selectivity[claim as usize],
        interval: outcome.selectivity_intervals[claim as usize],
        succeeds: outcome.succeeds[claim as usize],
    })
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
pub fn obstacles(claim: Claim, outcome: &EditOutcome) -> Vec<String> {
    let mut obstacles = Vec::new();
    for loss in &outcome.losses {
        let name = loss.rate.name();
        if claim.targets().contains(&loss.rate) && loss.value < 0.5 {
            obstacles.push(format!(
                "{name} lost {}, less than half",
                percent(loss.value)
            ));
        }
        if claim.spared().contains(&loss.rate) && loss.value > 0.1 {
            obstacles.push(format!(
                "{name} lost {}, more than a tenth",
                percent(loss.value)
            ));
        } else if claim.spared().contains(&loss.rate) && loss.interval.1 > 0.1 {
            let high = percent(loss.interval.1);
            obstacles.push(format!(
                "{name} may have lost up to {high}, more than a tenth"
            ));
        }
    }
    obstacles
}

/// A choice with the outcome it points to.
pub type Chosen<'a> = (&'a Choice, &'a EditOutcome);

/// The choices for a claim, the most selective on selection levels first: test levels choose
/// nothing here either.
pub fn chosen(results: &Results, claim: Claim) -> Vec<Chosen<'_>> {
    let ablation = &results.ablation;
    let mut chosen: Vec<Chosen<'_>> = ablation
        .choices
        .iter()
        .filter(|choice| choice.claim == claim as usize)
        .filter_map(|choice| Some((choice, ablation.outcomes.get(choice.outcome)?)))
        .collect();
    let value = |chosen: &Chosen<'_>| chosen.0.selection_selectivity;
    chosen.sort_by(|a, b| value(b).total_cmp(&value(a)));
    chosen
}

/// The rates a claim is about that were not learnt; nothing can be said of it where there are any.
pub fn unlearnt(results: &Results, claim: Claim) -> Vec<&Rise> {
    let needed = |rise: &&Rise| claim.rates().any(|rate| rate == rise.rate) && !rise.is_learnt;
    results.ablation.rises.iter().filter(needed).collect()
}

/// The best, on selection levels, of what the proposal predicts from time alone.
pub fn predicted<'a>(chosen: &[Chosen<'a>]) -> Option<Chosen<'a>> {
    let mut predicted = chosen
        .iter()
        .filter(|(choice, _)| choice.role == Role::Predicted);
    predicted.next().copied()
}

/// The step along a component that was chosen: the one compared with random directions, or else
/// the best that is no control.
pub fn headline<'a>(chosen: &[Chosen<'a>]) -> Option<Chosen<'a>> {
    let mut candidates = chosen.iter().filter(|(_, outcome)| !outcome.is_control);
    let compared = candidates.clone().find(|(choice, _)| choice.p.is_some());
    compared.or_else(|| candidates.next()).copied()
}

/// The best random control: of the same kind as the headline where there is one.
pub fn rival<'a>(chosen: &[Chosen<'a>]) -> Option<Chosen<'a>> {
    let mut controls = chosen.iter().filter(|(_, outcome)| outcome.is_control);
    let same_kind = |(choice, _): &&Chosen<'_>| choice.family == "random in-span step";
    let random = controls.clone().find(same_kind);
    random.or_else(|| controls.next()).copied()
}
