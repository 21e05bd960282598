//! From components to what a locator says, by time alone: the late set serves claim A, the early set
//! claim B. Score of parameter p: the sum over the set of `sigma_i^2 u_ip^2`; subspace: its u.

use super::decompositions::Decomposed;
use super::error::Error;
use super::locator::Located;
use super::method::Supervision;
use crate::ablate::recipe;
use crate::locate::{Label, TemporalSet};

/// The label of the set for claim A and for claim B.
pub const LABELS: [Label; 2] = [Label::Late, Label::Early];

/// The sets for claim A and for claim B: labelled where labels are known.
///
/// # Errors
/// Norms that are not finite.
pub fn sets(decomposed: &Decomposed) -> Result<[TemporalSet; 2], Error> {
    let [a, b] = LABELS;
    Ok([decomposed.set(a)?, decomposed.set(b)?])
}

/// What the sets of a decomposition say.
///
/// # Errors
/// Norms that are not finite.
pub fn located<'a>(
    decomposed: &Decomposed,
    supervision: Supervision,
) -> Result<Located<'a>, Error> {
    let d = &decomposed.decomposition;
    let directions = sets(decomposed)?.map(|set| {
        let members = set.members.iter().map(|&i| (d.s[i], d.u_column(i)));
        (members.collect::<Vec<_>>(), words(&set))
    });
    Ok(of_directions(d.param_len, directions, supervision))
}

/// Directions of length 1, each with its weight, and the words for them.
pub type Weighted = (Vec<(f64, Vec<f32>)>, String);

/// What directions say of A and of B.
pub fn of_directions<'a>(
    param_len: usize,
    directions: [Weighted; 2],
    supervision: Supervision,
) -> Located<'a> {
    let scores = directions
        .each_ref()
        .map(|(members, _)| scores(members, param_len));
    let [(a, a_found), (b, b_found)] = directions;
    let only = |members: Vec<(f64, Vec<f32>)>| members.into_iter().map(|(_, u)| u).collect();
    Located::scored(scores, [a_found, b_found]).with_subspace([only(a), only(b)], supervision)
}

/// The scores of all parameters by the squared weights of some directions.
pub fn scores(members: &[(f64, Vec<f32>)], param_len: usize) -> Vec<f64> {
    match members {
        [] => vec![0.0; param_len],
        members => recipe::scores(members),
    }
}

/// "components 3+7 (labelled)".
pub fn words(set: &TemporalSet) -> String {
    if set.members.is_empty() {
        return "no component".into();
    }
    let members: Vec<String> = set.members.iter().map(usize::to_string).collect();
    format!("components {} ({})", members.join("+"), set.how)
}
