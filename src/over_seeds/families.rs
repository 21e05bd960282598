//! Every family of edits over the seeds, for either claim, against the baselines with as many tries.

use super::over::{adjust, over, over_groups};
use crate::ablate::{Claim, PerClaim, PerRate};
use crate::findings::{Claimed, Family, FamilyOver, Findings, Over, Role};
use crate::numeric::draws::{self, packed};
use crate::numeric::random::Stream;
use crate::numeric::sum::mean;

/// Families over the seeds, best first.
pub fn families(seeds: &[Findings], seed: u64) -> PerClaim<Vec<FamilyOver>> {
    let mut families = PerClaim::new(|claim| of_claim(seeds, claim, seed));
    let tested = families.iter_mut().flatten();
    adjust(tested.filter(|one| one.is_hypothesis()).map(|one| {
        let p = one.above.as_ref().and_then(|above| above.p);
        (p, &mut one.p_adjusted)
    }));
    for families in families.iter_mut() {
        families.sort_by(|a, b| b.selectivity.mean.total_cmp(&a.selectivity.mean));
    }
    families
}

fn of_claim(seeds: &[Findings], claim: Claim, seed: u64) -> Vec<FamilyOver> {
    let claims = seeds.iter().flat_map(|one| &one.claims);
    let mut keys: Vec<(Family, Role)> = claims
        .filter(|c| c.frozen.claim == claim)
        .map(|c| (c.frozen.family, c.frozen.role))
        .collect();
    keys.sort();
    keys.dedup();
    let numbered = keys.into_iter().enumerate();
    let families = numbered.filter_map(|(number, (family, role))| {
        let stream = |kind| {
            let parts = [(number as u64, 16), (kind, 3), (claim as u64, 1)];
            draws::FAMILIES_OVER.stream(seed, packed(&parts))
        };
        of_family(seeds, claim, family, role, stream)
    });
    families.collect()
}

/// A seed's choice; of a baseline that with the most tries.
fn find(one: &Findings, claim: Claim, family: Family, role: Role) -> Option<&Claimed> {
    let key = (claim, family, role);
    let all = one.claims.iter();
    let all = all.filter(|c| (c.frozen.claim, c.frozen.family, c.frozen.role) == key);
    all.max_by_key(|c| c.frozen.beside)
}

fn of_family(
    seeds: &[Findings],
    claim: Claim,
    family: Family,
    role: Role,
    stream: impl Fn(u64) -> Stream,
) -> Option<FamilyOver> {
    let all: Vec<(&Findings, &Claimed)> = seeds
        .iter()
        .filter_map(|one| Some((one, find(one, claim, family, role)?)))
        .collect();
    let above = all
        .iter()
        .filter_map(|(_, own)| Some(own.above?.difference));
    let above: Vec<f64> = above.collect();
    let draws = |c: &Claimed| c.draws.iter().map(|&d| f64::from(d)).collect::<Vec<f64>>();
    let groups: Vec<Vec<f64>> = all.iter().map(|(_, c)| draws(c)).collect();
    let selectivity = all.iter().map(|(_, c)| c.selectivity).collect();
    let selectivity: Over = over_groups(selectivity, &groups, stream(0))?;
    let losses = PerRate::new(|rate| {
        let losses: Vec<f64> = all.iter().map(|(_, c)| c.losses[rate]).collect();
        mean(&losses)
    });
    let controls = all.iter().filter(|_| family != Family::Step);
    let controls: Vec<f64> = controls
        .filter_map(|(_, c)| Some(c.controls?.p_chosen))
        .collect();
    Some(FamilyOver {
        family,
        role,
        supervision: all.first()?.1.frozen.supervision,
        seeds: all.len(),
        successes: all.iter().filter(|(_, c)| c.succeeds).count(),
        selectivity,
        reached: all.iter().filter(|(_, c)| c.is_reached()).count(),
        above: over(above, stream(1)),
        p_adjusted: None,
        candidates: all.first()?.1.frozen.candidates,
        losses,
        beyond_controls: (!controls.is_empty()).then(|| {
            let beyond = controls.iter().filter(|&&p| p < 0.05).count();
            (beyond, controls.len())
        }),
    })
}
