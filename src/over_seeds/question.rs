//! The readers' second question over the seeds: the gradient SVDs against tracing, patching, scrubbing and
//! directions of activations, whether they point to the same parameters, and what those say of the policy
//! as a whole.

use super::over::over;
use super::ranking::pairs;
use crate::ablate::Claim;
use crate::experiment::Config;
use crate::findings::tracing::TakenOff;
use crate::findings::{Against, Agreed, Agreement, Findings, Question, ScrubbedOver, TakenOffOver};
use crate::locators::{Group, Method};
use crate::numeric::draws::{self, packed};
use crate::numeric::sum::mean;

/// Over the seeds.
pub fn question(seeds: &[Findings], config: &Config) -> Question {
    let seed = config.seed;
    Question {
        pairs: pairs(seeds, Group::Rival, seed, draws::RIVAL_PAIRS_OVER),
        agreed: agreed(seeds, seed),
        scrubbed: scrubbed(seeds, seed),
        taken_off: taken_off(seeds, seed),
    }
}

fn agreed(seeds: &[Findings], seed: u64) -> Vec<Agreed> {
    let mut keys: Vec<(Claim, [Method; 2])> = Vec::new();
    for one in seeds.iter().flat_map(|one| &one.agreement) {
        let key = (one.claim, one.between);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let row = |(number, (claim, between)): (usize, (Claim, [Method; 2]))| {
        let all: Vec<_> = seeds
            .iter()
            .flat_map(|one| &one.agreement)
            .filter(|one| one.claim == claim && one.between == between)
            .collect();
        let number_of = |kind: u64, of: &dyn Fn(&Agreement) -> f64| {
            let number = packed(&[(number as u64, 16), (kind, 4)]);
            let stream = draws::AGREEMENT_OVER.stream(seed, number);
            over(all.iter().map(|one| of(one)).collect(), stream)
        };
        let above = |one: Against| one.value - one.null;
        let beyond = all
            .iter()
            .filter(|one| above(one.overlap) > 2.0 * one.overlap.deviation);
        let nulls: Vec<f64> = all.iter().map(|one| one.overlap.null).collect();
        Some(Agreed {
            claim,
            rho: number_of(0, &|one| one.rho.value)?,
            rho_above: number_of(1, &|one| above(one.rho))?,
            overlap: number_of(2, &|one| one.overlap.value)?,
            overlap_null: mean(&nulls),
            overlap_above: number_of(3, &|one| above(one.overlap))?,
            beyond: beyond.count(),
            between,
        })
    };
    keys.into_iter().enumerate().filter_map(row).collect()
}

/// The name without the number of a draw: "late, random channels 3".
fn family(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit())
        .trim_end()
}

fn scrubbed(seeds: &[Findings], seed: u64) -> Vec<ScrubbedOver> {
    let mut names: Vec<&str> = Vec::new();
    for one in seeds.iter().flat_map(|one| &one.traced.scrubbed) {
        let name = family(&one.hypothesis.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let row = |(number, name): (usize, &str)| {
        // Draws of one seed are averaged; a seed in which a number is not defined does not count.
        let of_seed = |one: &Findings, of: &dyn Fn(&crate::circuits::Scrubbed) -> f64| {
            let all = one.traced.scrubbed.iter();
            let all = all.filter(|one| family(&one.hypothesis.name) == name);
            let all: Vec<f64> = all.map(of).filter(|x| x.is_finite()).collect();
            (!all.is_empty()).then(|| mean(&all))
        };
        let values = |of: &dyn Fn(&crate::circuits::Scrubbed) -> f64| -> Vec<f64> {
            seeds.iter().filter_map(|one| of_seed(one, of)).collect()
        };
        let mean_of = |of: &dyn Fn(&crate::circuits::Scrubbed) -> f64| mean(&values(of));
        Some(ScrubbedOver {
            name: name.into(),
            recovered: over(
                values(&|one| one.recovered.value),
                draws::HYPOTHESES_OVER.stream(seed, number as u64),
            )?,
            quantiles: [0, 1, 2].map(|which| mean_of(&|one| one.quantiles[which])),
            size: (
                mean_of(&|one| one.nodes as f64) as usize,
                mean_of(&|one| one.channel_share),
            ),
            unmatched: mean_of(&|one| one.unmatched),
        })
    };
    names.into_iter().enumerate().filter_map(row).collect()
}

fn taken_off(seeds: &[Findings], seed: u64) -> Vec<TakenOffOver> {
    let first = seeds.first().map_or(&[][..], |one| &one.traced.taken_off);
    let row = |(number, like): (usize, &TakenOff)| {
        let all: Vec<_> = seeds
            .iter()
            .flat_map(|one| &one.traced.taken_off)
            .filter(|one| one.site == like.site && one.sought == like.sought)
            .collect();
        let number_of = |kind: u64, of: &dyn Fn(&TakenOff) -> f64| {
            let number = packed(&[(number as u64, 16), (kind, 4)]);
            let stream = draws::DIRECTIONS_OVER.stream(seed, number);
            over(all.iter().map(|one| of(one)).collect(), stream)
        };
        Some(TakenOffOver {
            sought: like.sought,
            site: like.site.clone(),
            before: number_of(0, &|one| one.before)?,
            after: number_of(1, &|one| one.after)?,
            random: number_of(2, &|one| one.random)?,
        })
    };
    first.iter().enumerate().filter_map(row).collect()
}
