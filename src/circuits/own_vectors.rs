//! What its own cheese adds to the activations of a level, added to them and taken off: the mean over levels
//! ([`steering`](super::steering)) forgets where the cheese lies.
//!
//! The published effect (the probability of the step to the cheese at decision squares from .62 to .09) is
//! of such a vector, of the level itself.

use serde::{Deserialize, Serialize};

use super::steering::{Dosing, Steered};
use crate::ablate::{Error, Tasks, seen};
use crate::maze::Level;
use crate::nn::{Policy, Site, Steering, Workspace};
use crate::numeric::draws::{self, packed};
use crate::numeric::sum::norm;

/// At one site, for every level what its own cheese adds there, in several doses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnVector {
    /// The name of the site.
    pub site: String,
    /// The vectors' mean length over levels with a cheese, as a share of that of the site's activations.
    pub length: f64,
    /// Dose, and what the policy does then.
    pub doses: Vec<(f64, Steered)>,
    /// What the policy does under the same doses of random vectors, one a level, as long as its own.
    pub random: Vec<Vec<Steered>>,
}

/// What its own cheese adds to a site's activations where a level's episodes start, level by level of
/// `tasks`: zeros where there is none. And the mean length of the activations with a cheese.
pub fn own_vectors(policy: Policy<'_>, tasks: &Tasks, site: &Site) -> (Vec<Vec<f32>>, f64) {
    let levels: Vec<&Level> = tasks.every_level().map(|task| &task.level).collect();
    let mut workspace = Workspace::new(policy.network);
    let mut activations = |levels: &[&Level], keeps: bool| -> Vec<Vec<f32>> {
        let mut states = Vec::new();
        for level in levels {
            let mut level = (*level).clone();
            level.cheese = level.cheese.filter(|_| keeps);
            seen::append(&level, level.mouse, &mut states);
        }
        workspace.forward(policy, &states, levels.len());
        let samples = 0..levels.len();
        let read = |sample| workspace.read(site, &site.whole(), sample);
        samples.map(read).collect()
    };
    let (mut vectors, mut lengths, mut cheeses) = (Vec::new(), 0.0, 0);
    for block in levels.chunks(policy.network.sample_len) {
        let (with, without) = (activations(block, true), activations(block, false));
        for ((level, with), without) in block.iter().zip(with).zip(without) {
            if level.cheese.is_some() {
                lengths += norm(&with);
                cheeses += 1;
            }
            vectors.push(with.iter().zip(&without).map(|(a, b)| a - b).collect());
        }
    }
    (vectors, lengths / f64::from(cheeses.max(1)))
}

/// Measures on `test` what its own cheese adds to each of its levels, at every site; the random vectors beside it
/// are one a level, as long as its own. Calls `done` after each site.
///
/// # Errors
/// A policy that is not finite; those of `done`.
pub fn measure_own<E: From<Error>>(
    policy: Policy<'_>,
    test: &Tasks,
    dosing: Dosing<'_>,
    mut done: impl FnMut() -> Result<(), E>,
) -> Result<Vec<OwnVector>, E> {
    let mut found = Vec::new();
    for (number, site) in policy.network.sites().iter().enumerate() {
        let (vectors, activations) = own_vectors(policy, test, site);
        let lengths: Vec<f64> = vectors.iter().map(|vector| norm(vector)).collect();
        let own = Steering {
            site: site.clone(),
            vectors,
        };
        let stream = |draw| {
            let number = packed(&[(number as u64, 16), (draw, 16)]);
            draws::BESIDE_OWN_VECTORS.stream(dosing.seed, number)
        };
        let (doses, random) = dosing.measure(policy, test, &own, stream)?;
        let cheeses = test
            .every_level()
            .filter(|task| task.level.cheese.is_some());
        let mean_length = lengths.iter().sum::<f64>() / cheeses.count().max(1) as f64;
        found.push(OwnVector {
            site: site.name.clone(),
            length: mean_length / activations.max(f64::MIN_POSITIVE),
            doses,
            random,
        });
        done()?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Rate, Setting, Split};
    use crate::circuits::patching::tests::policy;
    use crate::maze::{ActionSet, observation_len, observe};
    use crate::nn::Kind;

    #[test]
    fn nothing_added_changes_nothing_and_levels_without_a_cheese_stay() {
        let (network, params) = policy(Kind::Small, 9);
        let tasks =
            Tasks::new(Split::Discovery, Setting::new(9, 5, 30), ActionSet::Four, 8).unwrap();
        let base = Steered::of(&tasks.measure_exact(Policy::new(&network, &params)).unwrap());
        let own = Policy::new(&network, &params);
        let dosing = Dosing {
            doses: &[0.0, -1.0],
            random_len: 2,
            seed: 1,
        };
        let all = measure_own(own, &tasks, dosing, || Ok::<(), Error>(())).unwrap();
        assert_eq!(all.len(), network.sites().len());
        for own in &all {
            assert_eq!(own.doses[0].1, base);
            assert!(own.random.iter().all(|doses| doses[0] == base));
            let steered = [&own.doses[1].1, &own.random[0][1], &own.random[1][1]];
            assert!(steered.iter().all(|&one| *one != base), "{}", own.site);
            assert_ne!(steered[1], steered[2]);
            // Nothing is taken from levels without a cheese.
            assert!(
                steered
                    .iter()
                    .all(|one| one.rates[Rate::S5] == base.rates[Rate::S5])
            );
            assert!(own.length > 0.0);
        }
    }

    #[test]
    fn without_its_own_vector_a_level_is_as_without_its_cheese() {
        for kind in [Kind::Small, Kind::Impala] {
            let (network, params) = policy(kind, 10);
            let tasks =
                Tasks::new(Split::Discovery, Setting::new(9, 5, 50), ActionSet::Four, 6).unwrap();
            let site = network.sites()[0].clone();
            let (vectors, length) = own_vectors(Policy::new(&network, &params), &tasks, &site);
            assert!(length > 0.0);
            let levels: Vec<Level> = tasks.every_level().map(|t| t.level.clone()).collect();
            assert_eq!(vectors.len(), levels.len());
            let minus = |vector: &Vec<f32>| vector.iter().map(|x| -x).collect();
            let steering = Steering {
                site,
                vectors: vectors.iter().map(minus).collect(),
            };
            let logits = |keeps: bool, steering: Option<&Steering>| -> Vec<f32> {
                let mut all = Vec::new();
                for (block, levels) in levels.chunks(8).enumerate() {
                    let mut states = vec![0; levels.len() * observation_len(9)];
                    let rooms = states.chunks_mut(observation_len(9));
                    for (level, room) in levels.iter().zip(rooms) {
                        let mut level = level.clone();
                        level.cheese = level.cheese.filter(|_| keeps);
                        observe(&level, level.mouse, room);
                    }
                    let mut workspace = Workspace::new(&network);
                    let which = |sample| Some(block * 8 + sample);
                    let policy = Policy::new(&network, &params);
                    workspace.forward_steered(policy, &states, levels.len(), steering, which);
                    all.extend_from_slice(workspace.logits(&network, levels.len()));
                }
                all
            };
            let (with, without) = (logits(true, None), logits(false, None));
            let steered = logits(true, Some(&steering));
            let largest = without.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            let far = |a: &[f32], b: &[f32]| {
                let pairs = a.iter().zip(b);
                pairs.fold(0.0f32, |m, (a, b)| m.max((a - b).abs())) / largest
            };
            assert!(far(&with, &without) > 1e-2);
            assert!(
                far(&steered, &without) < 1e-5,
                "{}",
                far(&steered, &without)
            );
        }
    }

    #[test]
    fn a_levels_own_vector_moves_no_other_level() {
        let (network, params) = policy(Kind::Small, 11);
        let tasks =
            Tasks::new(Split::Discovery, Setting::new(9, 5, 30), ActionSet::Four, 5).unwrap();
        let site = network.sites()[2].clone();
        let none = vec![0.0; site.image.interior_len()];
        let base = tasks.measure_exact(Policy::new(&network, &params)).unwrap();
        // Situations in the order of `every_level`, by a rate of each; the last has no cheese, and no level of its moves.
        let rates = [
            Rate::S1,
            Rate::InUpRight,
            Rate::InDownLeft,
            Rate::NearUpRight,
            Rate::NearDownLeft,
            Rate::S4Cheese,
            Rate::S5,
        ];
        for chosen in [0, 7, 12, 19, 24, 29, 34] {
            let mut vectors = vec![none.clone(); 35];
            vectors[chosen].fill(1.0);
            let site = site.clone();
            let steering = Steering { site, vectors };
            let moved = tasks
                .measure_steered(Policy::new(&network, &params), Some(&steering))
                .unwrap();
            for (place, rate) in rates.into_iter().enumerate() {
                let pairs = base.by_level(rate).iter();
                let pairs = pairs.zip(moved.by_level(rate)).enumerate();
                for (level, (before, now)) in pairs {
                    assert_eq!(
                        before != now,
                        place * 5 + level == chosen && rate != Rate::S5,
                        "{rate:?} {level}"
                    );
                }
            }
        }
    }
}
