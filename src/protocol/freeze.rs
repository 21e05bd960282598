//! The choice on selection levels, frozen and hashed before test levels are made.

use std::collections::BTreeMap;

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

/// The first choice of a family for a claim.
pub fn chosen(choices: &[Choice], claim: Claim, family: Family) -> Option<&Choice> {
    choices
        .iter()
        .find(|choice| choice.frozen.claim == claim && choice.frozen.family == family)
}

/// The choices: for either claim the best of each family and role by its margin, the first of
/// equals.
pub fn freeze(tried: &[Tried]) -> Vec<Choice> {
    let mut choices = Vec::new();
    for claim in Claim::ALL {
        let mut families: BTreeMap<(Family, Role), Vec<usize>> = BTreeMap::new();
        for (index, one) in tried.iter().enumerate() {
            if let Some(role) = one.edit.role(claim) {
                let key = (one.edit.family, role);
                families.entry(key).or_default().push(index);
            }
        }
        for ((family, role), indices) in families {
            let best = indices.iter().copied().reduce(|best, index| {
                let better = tried[index].margin(claim) > tried[best].margin(claim);
                if better { index } else { best }
            });
            let place = best.expect("a family has members");
            let mut members: Vec<&Member> =
                indices.iter().map(|&i| &tried[i].edit.member).collect();
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
                margin: one.margin(claim),
                selectivity: one.selectivity(claim),
            };
            choices.push(Choice { frozen, place });
        }
    }
    choices
}

/// SHA-256 of the choices as JSON, in hexadecimal.
pub fn hash(frozen: &[&Frozen]) -> String {
    let json = serde_json::to_vec(frozen).expect("plain data");
    let digest = Sha256::digest(json);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
