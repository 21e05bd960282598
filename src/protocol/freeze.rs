//! The choice on selection levels, frozen and hashed before test levels are made.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::edit::{Member, Tried};
use crate::ablate::Claim;
use crate::findings::{Family, Frozen, Role};

/// A choice, and its place among what was tried.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What is frozen.
    pub frozen: Frozen,
    /// Which of the trials it is.
    pub place: usize,
}

/// The choice of a family for a claim; of a baseline that which stands beside the steps along single components, or with the most tries.
pub fn chosen(choices: &[Choice], claim: Claim, family: Family) -> Option<&Choice> {
    let of = |family| {
        let all = choices.iter();
        all.filter(move |c| c.frozen.claim == claim && c.frozen.family == family)
    };
    let beside = of(Family::Step).next().map(|step| step.frozen.candidates);
    let stands_beside = of(family).find(|c| c.frozen.beside.is_some() && c.frozen.beside == beside);
    stands_beside.or_else(|| of(family).max_by_key(|c| c.frozen.beside))
}

/// Whether it is the one that [`chosen`] gives of its family.
pub fn is_chosen(choices: &[Choice], choice: &Choice) -> bool {
    let Frozen { claim, family, .. } = choice.frozen;
    chosen(choices, claim, family).is_some_and(|one| one.frozen == choice.frozen)
}

/// The choices: for either claim the best of each family and role by its margin, the first of
/// equals. Of a baseline one for every number of candidates that a family beside it has, among the first as many tries.
pub fn freeze(tried: &[Tried]) -> Vec<Choice> {
    let mut choices = Vec::new();
    for claim in Claim::ALL {
        let families = families(tried, claim);
        let lens = candidates(&families);
        for ((family, role), indices) in families {
            if !family.is_baseline() {
                choices.push(choose(tried, claim, (family, role), &indices, None));
                continue;
            }
            for &len in &lens {
                let first = &indices[..len.min(indices.len())];
                choices.push(choose(tried, claim, (family, role), first, Some(len)));
            }
        }
    }
    choices
}

/// The places of the trials of every family and role to a claim.
type Families = BTreeMap<(Family, Role), Vec<usize>>;

fn families(tried: &[Tried], claim: Claim) -> Families {
    let mut families = Families::new();
    for (index, one) in tried.iter().enumerate() {
        if let Some(role) = one.edit.role(claim) {
            let key = (one.edit.family, role);
            families.entry(key).or_default().push(index);
        }
    }
    families
}

/// How many candidates the families have that are held against baselines, each number once.
fn candidates(families: &Families) -> BTreeSet<usize> {
    let compared = families.iter().filter(|((_, role), _)| role.is_compared());
    compared.map(|(_, indices)| indices.len()).collect()
}

/// The most candidates that a family has that is held against baselines: as many tries each of these needs.
pub fn most_candidates(tried: &[Tried]) -> usize {
    let of = |claim| candidates(&families(tried, claim)).last().copied();
    Claim::ALL.into_iter().filter_map(of).max().unwrap_or(0)
}

/// The best of the trials at `indices`.
fn choose(
    tried: &[Tried],
    claim: Claim,
    (family, role): (Family, Role),
    indices: &[usize],
    beside: Option<usize>,
) -> Choice {
    let best = indices.iter().copied().reduce(|best, index| {
        let better = tried[index].margin(claim) > tried[best].margin(claim);
        if better { index } else { best }
    });
    let place = best.expect("a family has members");
    let mut members: Vec<&Member> = indices.iter().map(|&i| &tried[i].edit.member).collect();
    members.sort_unstable();
    members.dedup();
    let one = &tried[place];
    let frozen = Frozen {
        claim,
        family,
        role,
        supervision: one.edit.supervision,
        member: one.edit.member.words(),
        dose: one.edit.dose,
        candidates: indices.len(),
        members: members.len(),
        beside,
        margin: one.margin(claim),
        selectivity: one.selectivity(claim),
    };
    Choice { frozen, place }
}

/// SHA-256 of the choices as JSON, in hexadecimal.
pub fn hash(frozen: &[&Frozen]) -> String {
    let json = serde_json::to_vec(frozen).expect("plain data");
    let digest = Sha256::digest(json);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::recipe::Recipe;
    use crate::ablate::{PerRate, Rate};
    use crate::locators::{Kind, Method, Supervision};
    use crate::protocol::edit::Edit;

    fn tried(family: Family, dose: f64, corner: f64) -> Tried {
        let edit = Edit {
            family,
            supervision: Supervision::Effects,
            meant_for: None,
            member: Member::Named(format!("{dose}")),
            dose,
            recipe: Recipe::Reset(Vec::new().into()),
        };
        let losses = PerRate::new(|rate| match rate {
            Rate::InUpRight | Rate::InDownLeft => 1.0,
            Rate::Corner => corner,
            _ => 0.0,
        });
        Tried { edit, losses }
    }

    /// A family of two tries stands beside the best of a baseline's first two, one of four beside that of its four.
    #[test]
    fn baselines_have_as_many_tries_as_what_they_stand_beside() {
        let few = Family::Of(Method::GradientSvdRaw, Kind::ProjectOff);
        let mut all: Vec<Tried> = (0..4)
            .map(|i| tried(Family::Step, f64::from(i), 0.5))
            .collect();
        all.extend([tried(few, 1.0, 0.4), tried(few, 2.0, 0.4)]);
        let corner = [0.4, 0.3, 0.1, 0.2, 0.0];
        let of_corner = corner.iter().zip(0..);
        all.extend(of_corner.map(|(&corner, i)| tried(Family::Compass, f64::from(i), corner)));
        assert_eq!(most_candidates(&all), 4);
        let choices = freeze(&all);
        let compass = choices.iter().filter(|choice| {
            choice.frozen.family == Family::Compass && choice.frozen.claim == Claim::A
        });
        let found: Vec<_> = compass
            .map(|choice| {
                (
                    choice.frozen.beside,
                    choice.frozen.candidates,
                    choice.frozen.dose,
                )
            })
            .collect();
        // The fifth, the best of all, is never asked.
        assert_eq!(found, [(Some(2), 2, 1.0), (Some(4), 4, 2.0)]);
        let most = chosen(&choices, Claim::A, Family::Compass).unwrap();
        assert_eq!(most.frozen.dose, 2.0);
    }
}
