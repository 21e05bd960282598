//! The readers' second question over the seeds: the gradient SVDs against tracing, patching, scrubbing and
//! directions of activations, whether they point to the same parameters, and what those say of the policy
//! as a whole.

use serde::{Deserialize, Serialize};

use crate::circuits::Sought;
use crate::experiment::Config;
use crate::findings::tracing::TakenOff;

use crate::over_seeds::over::Over;
use crate::over_seeds::summary::Pair;
use crate::protocol::agreement::Against;
use crate::protocol::seed::Findings;

/// The gradient SVDs: those of the hypotheses, and those that are held against others.
pub const GRADIENTS: [&str; 3] = [
    "gradient SVD, raw",
    "gradient SVD, unit-norm",
    "gradient SVD, per tensor",
];
/// The methods that the readers named, and those next to them.
pub const RIVALS: [&str; 6] = [
    "fisher ratio",
    "attribution patching",
    "activation patching",
    "path patching",
    "channel scrubbing",
    "activation directions",
];

/// Two methods over the seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agreed {
    /// The place of the claim: 0 for A, 1 for B.
    pub claim: usize,
    /// Their names.
    pub between: [String; 2],
    /// Spearman's correlation of their scores.
    pub rho: Over,
    /// The same, its null's mean taken off.
    pub rho_above: Over,
    /// Share of the top 5 % of parameters in common.
    pub overlap: Over,
    /// Mean of its null.
    pub overlap_null: f64,
    /// Overlap, its null's mean taken off.
    pub overlap_above: Over,
    /// Seeds on which the overlap is more than two deviations above its null.
    pub beyond: usize,
}

/// A hypothesis over the seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScrubbedOver {
    /// Its name; nulls of several draws go by one.
    pub name: String,
    /// Share of the loss that is recovered.
    pub recovered: Over,
    /// Means of the quantiles over states.
    pub quantiles: [f64; 3],
    /// Nodes, and channels as a share of all.
    pub size: (usize, f64),
    /// Mean share of draws that no other state matched.
    pub unmatched: f64,
}

/// A direction taken off at one site, over the seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TakenOffOver {
    /// Whose direction.
    pub sought: Sought,
    /// The site.
    pub site: String,
    /// Probability at decision squares of the step to what is sought.
    pub before: Over,
    /// With the direction taken off.
    pub after: Over,
    /// With a random vector of its length.
    pub random: Over,
}

/// What the seeds say.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Question {
    /// Areas in the common currency, gradient SVDs minus rivals.
    pub pairs: Vec<Pair>,
    /// Whether methods point to the same parameters.
    pub agreed: Vec<Agreed>,
    /// Hypotheses.
    pub scrubbed: Vec<ScrubbedOver>,
    /// Directions, site by site.
    pub taken_off: Vec<TakenOffOver>,
}

/// Over the seeds.
pub fn question(seeds: &[Findings], config: &Config) -> Question {
    let seed = config.seed;
    Question {
        pairs: crate::over_seeds::summary::pairs(seeds, (&GRADIENTS, &RIVALS), (seed, 1 << 46)),
        agreed: agreed(seeds, seed),
        scrubbed: scrubbed(seeds, seed),
        taken_off: taken_off(seeds, seed),
    }
}

fn agreed(seeds: &[Findings], seed: u64) -> Vec<Agreed> {
    let mut keys: Vec<(usize, [String; 2])> = Vec::new();
    for one in seeds.iter().flat_map(|one| &one.agreement) {
        let key = (one.claim, one.between.clone());
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let row = |(number, (claim, between)): (usize, (usize, [String; 2]))| {
        let all: Vec<_> = seeds
            .iter()
            .flat_map(|one| &one.agreement)
            .filter(|one| one.claim == claim && one.between == between)
            .collect();
        let over = |kind: u64, of: &dyn Fn(&crate::protocol::agreement::Agreement) -> f64| {
            let index = (1 << 47) + ((number as u64) << 4 | kind);
            Over::of(all.iter().map(|one| of(one)).collect(), (seed, index))
        };
        let above = |one: Against| one.value - one.null;
        let beyond = all
            .iter()
            .filter(|one| above(one.overlap) > 2.0 * one.overlap.deviation);
        let nulls: Vec<f64> = all.iter().map(|one| one.overlap.null).collect();
        Some(Agreed {
            claim,
            rho: over(0, &|one| one.rho.value)?,
            rho_above: over(1, &|one| above(one.rho))?,
            overlap: over(2, &|one| one.overlap.value)?,
            overlap_null: crate::numeric::sum::mean(&nulls),
            overlap_above: over(3, &|one| above(one.overlap))?,
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
        // Draws of one seed are averaged.
        let of_seed = |one: &Findings, of: &dyn Fn(&crate::circuits::Scrubbed) -> f64| {
            let all = one.traced.scrubbed.iter();
            let all = all.filter(|one| family(&one.hypothesis.name) == name);
            let all: Vec<f64> = all.map(of).collect();
            (!all.is_empty()).then(|| crate::numeric::sum::mean(&all))
        };
        let values = |of: &dyn Fn(&crate::circuits::Scrubbed) -> f64| -> Vec<f64> {
            seeds.iter().filter_map(|one| of_seed(one, of)).collect()
        };
        let mean =
            |of: &dyn Fn(&crate::circuits::Scrubbed) -> f64| crate::numeric::sum::mean(&values(of));
        Some(ScrubbedOver {
            name: name.into(),
            recovered: Over::of(
                values(&|one| one.recovered.value),
                (seed, (1 << 47) + (1 << 30) + number as u64),
            )?,
            quantiles: [0, 1, 2].map(|which| mean(&|one| one.quantiles[which])),
            size: (
                mean(&|one| one.nodes as f64) as usize,
                mean(&|one| one.channel_share),
            ),
            unmatched: mean(&|one| one.unmatched),
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
        let over = |kind: u64, of: &dyn Fn(&TakenOff) -> f64| {
            let index = (1 << 47) + (1 << 31) + ((number as u64) << 4 | kind);
            Over::of(all.iter().map(|one| of(one)).collect(), (seed, index))
        };
        Some(TakenOffOver {
            sought: like.sought,
            site: like.site.clone(),
            before: over(0, &|one| one.before)?,
            after: over(1, &|one| one.after)?,
            random: over(2, &|one| one.random)?,
        })
    };
    first.iter().enumerate().filter_map(row).collect()
}
