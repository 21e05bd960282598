//! Activation directions (Turner et al. 2023): what having a cheese, or an open corner, adds to the
//! activations on average, added to them and taken away.
//!
//! ```text
//! v_s = mean over levels of  a_s(level) - a_s(level without the cheese, or with the corner walled up)
//! a_s <- a_s + dose v_s      at one site, in every forward pass
//! ```
//!
//! The mouse stands where episodes start; levels are those of S1 and S4 for the cheese, of S5 for the
//! corner. Walls in the corner are what the policy has seen in mazes smaller than their world. Beside each
//! stands the same with random vectors of the same length. What became of the policy is computed, not
//! played.
//!
//! A mean over levels forgets where the cheese lies. So every level also has its [`OwnVector`]: what its own
//! cheese adds where its episodes start, in all states of the level, as published for a net of 15 layers: the
//! probability of the step to the cheese at decision squares falls from .62 to .09 when it is taken away.

use serde::{Deserialize, Serialize};

use super::pairs::Sought;
use crate::ablate::{Error, Measurement, Rate, Tasks};
use crate::maze::{Level, observation_len, observe};
use crate::nn::{Network, Site, Steering, Workspace};
use crate::numeric::random::{Purpose, Stream};

/// Beside the directions' numbers in the streams of random vectors.
const OWN: u64 = 2;

/// What a policy does under one steering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steered {
    /// The rates, in the order of [`Rate::ALL`].
    pub rates: [f64; 7],
    /// Probability at decision squares of the step to the cheese.
    pub p_cheese: f64,
    /// And of the step to the corner.
    pub p_corner: f64,
}

impl Steered {
    /// Of a policy measured.
    pub fn of(measured: &Measurement) -> Self {
        Self {
            rates: Rate::ALL.map(|rate| measured.rate(rate)),
            p_cheese: measured.p_cheese.value,
            p_corner: measured.p_corner.value,
        }
    }
}

/// One direction at one site, in several doses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Direction {
    /// Whose direction it is.
    pub sought: Sought,
    /// The name of the site.
    pub site: String,
    /// The direction's length, as a share of the mean length of the site's activations.
    pub length: f64,
    /// Dose, and what the policy does then.
    pub doses: Vec<(f64, Steered)>,
    /// The same doses of random vectors of the same length, vector by vector.
    pub random: Vec<Vec<Steered>>,
}

/// At one site, for every level what its own cheese adds there, in several doses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnVector {
    /// The name of the site.
    pub site: String,
    /// The vectors' mean length over levels with a cheese, as a share of that of the site's activations.
    pub length: f64,
    /// Dose, and what the policy does then.
    pub doses: Vec<(f64, Steered)>,
    /// The same doses of random vectors, one a level, as long as its own.
    pub random: Vec<Vec<Steered>>,
}

/// The levels of a direction, each with the fact and without.
fn levels(tasks: &Tasks, sought: Sought) -> Vec<[Level; 2]> {
    let rates: &[Rate] = match sought {
        Sought::Cheese => &[Rate::S1, Rate::S4Cheese],
        Sought::Corner => &[Rate::S5],
    };
    let all = rates.iter().flat_map(|&rate| tasks.levels(rate));
    all.map(|task| {
        let mut without = task.level.clone();
        match sought {
            Sought::Cheese => without.cheese = None,
            Sought::Corner => without.close_corner(task.region),
        }
        [task.level.clone(), without]
    })
    .collect()
}

/// The direction at every site, `(cells, channels)` each, and the mean length of its activations.
pub fn directions(
    network: &Network,
    params: &[f32],
    tasks: &Tasks,
    sought: Sought,
) -> Vec<(Vec<f32>, f64)> {
    of_levels(network, params, &levels(tasks, sought))
}

fn of_levels(network: &Network, params: &[f32], levels: &[[Level; 2]]) -> Vec<(Vec<f32>, f64)> {
    let sites = network.sites();
    let mut sums: Vec<Vec<f64>> = sites
        .iter()
        .map(|site| vec![0.0; site.image.interior_len()])
        .collect();
    let mut lengths = vec![0.0; sites.len()];
    let mut workspace = Workspace::new(network);
    for block in levels.chunks(network.sample_len) {
        for (which, sign) in [1.0, -1.0].into_iter().enumerate() {
            let mut states = Vec::new();
            for pair in block {
                let level = &pair[which];
                let start = states.len();
                states.resize(start + observation_len(level.world), 0);
                observe(level, level.mouse, &mut states[start..]);
            }
            workspace.forward(network, params, &states, block.len());
            for (number, site) in sites.iter().enumerate() {
                for sample in 0..block.len() {
                    let values = workspace.read(site, &site.whole(), sample);
                    let pairs = sums[number].iter_mut().zip(&values);
                    pairs.for_each(|(sum, &value)| *sum += sign * f64::from(value));
                    if which == 0 {
                        lengths[number] += norm(&values);
                    }
                }
            }
        }
    }
    let share = 1.0 / levels.len().max(1) as f64;
    let means = sums.into_iter().map(|sum| {
        let mean = sum.into_iter().map(|sum| (share * sum) as f32);
        mean.collect::<Vec<f32>>()
    });
    means.zip(lengths).map(|(v, l)| (v, share * l)).collect()
}

/// Measures on `test` the directions that are found on `found_on`, at every site, in every dose, each
/// beside `random_len` random vectors. Calls `done` after each direction.
///
/// # Errors
/// A policy that is not finite; those of `done`.
pub fn measure<E: From<Error>>(
    (network, params): (&Network, &[f32]),
    (found_on, test): (&Tasks, &Tasks),
    doses: &[f64],
    (random_len, seed): (u64, u64),
    mut done: impl FnMut() -> Result<(), E>,
) -> Result<Vec<Direction>, E> {
    let mut found = Vec::new();
    let sites = network.sites();
    for sought in Sought::ALL {
        let all = directions(network, params, found_on, sought);
        for (number, (site, (direction, mean_length))) in sites.iter().zip(all).enumerate() {
            let steer = |vector: &[f32], dose: f64| -> Result<Steered, Error> {
                steered((network, params), test, (site, dose), &[vector.to_vec()])
            };
            let length = norm(&direction);
            let random = (0..random_len)
                .map(|draw| {
                    let index = (number as u64) << 32 | (sought as u64) << 16 | draw;
                    let vector = random(site, length, seed, index);
                    doses.iter().map(|&dose| steer(&vector, dose)).collect()
                })
                .collect::<Result<_, Error>>()?;
            found.push(Direction {
                sought,
                site: site.name.clone(),
                length: length / mean_length.max(f64::MIN_POSITIVE),
                doses: doses
                    .iter()
                    .map(|&dose| Ok((dose, steer(&direction, dose)?)))
                    .collect::<Result<_, Error>>()?,
                random,
            });
            done()?;
        }
    }
    Ok(found)
}

/// What becomes of a policy when so much of these vectors is added.
fn steered(
    (network, params): (&Network, &[f32]),
    test: &Tasks,
    (site, dose): (&Site, f64),
    vectors: &[Vec<f32>],
) -> Result<Steered, Error> {
    let scaled = |vector: &Vec<f32>| vector.iter().map(|x| dose as f32 * x).collect();
    let steering = Steering {
        site: site.clone(),
        vectors: vectors.iter().map(scaled).collect(),
    };
    let measured = test.measure_steered(network, params, Some(&steering))?;
    Ok(Steered::of(&measured))
}

/// What its own cheese adds to a site's activations where a level's episodes start, level by level of
/// `tasks`: zeros where there is none. And the mean length of the activations with a cheese.
pub fn own_vectors(
    network: &Network,
    params: &[f32],
    tasks: &Tasks,
    site: &Site,
) -> (Vec<Vec<f32>>, f64) {
    let levels: Vec<&Level> = tasks.every_level().map(|task| &task.level).collect();
    let mut workspace = Workspace::new(network);
    let mut activations = |levels: &[&Level], keeps: bool| -> Vec<Vec<f32>> {
        let mut states = Vec::new();
        for level in levels {
            let mut level = (*level).clone();
            level.cheese = level.cheese.filter(|_| keeps);
            let start = states.len();
            states.resize(start + observation_len(level.world), 0);
            observe(&level, level.mouse, &mut states[start..]);
        }
        workspace.forward(network, params, &states, levels.len());
        let samples = 0..levels.len();
        let read = |sample| workspace.read(site, &site.whole(), sample);
        samples.map(read).collect()
    };
    let (mut vectors, mut lengths, mut cheeses) = (Vec::new(), 0.0, 0);
    for block in levels.chunks(network.sample_len) {
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

/// Measures on `test` what its own cheese adds to each of its levels, at every site, in every dose, each
/// beside `random_len` times a random vector a level, as long as its own. Calls `done` after each site.
///
/// # Errors
/// A policy that is not finite; those of `done`.
pub fn measure_own<E: From<Error>>(
    (network, params): (&Network, &[f32]),
    test: &Tasks,
    doses: &[f64],
    (random_len, seed): (u64, u64),
    mut done: impl FnMut() -> Result<(), E>,
) -> Result<Vec<OwnVector>, E> {
    let mut found = Vec::new();
    for (number, site) in network.sites().iter().enumerate() {
        let (vectors, activations) = own_vectors(network, params, test, site);
        let lengths: Vec<f64> = vectors.iter().map(|vector| norm(vector)).collect();
        let of_all = |vectors: &[Vec<f32>]| -> Result<Vec<Steered>, Error> {
            let steer = |&dose| steered((network, params), test, (site, dose), vectors);
            doses.iter().map(steer).collect()
        };
        let random = (0..random_len)
            .map(|draw| {
                let index = (number as u64) << 32 | OWN << 16 | draw;
                let mut stream = Stream::new(seed, Purpose::Controls, index);
                let lengths = lengths.iter();
                let vectors = lengths.map(|&length| drawn(site, length, &mut stream));
                of_all(&vectors.collect::<Vec<_>>())
            })
            .collect::<Result<_, Error>>()?;
        let cheeses = test
            .every_level()
            .filter(|task| task.level.cheese.is_some());
        let mean_length = lengths.iter().sum::<f64>() / cheeses.count().max(1) as f64;
        let steered = of_all(&vectors)?;
        found.push(OwnVector {
            site: site.name.clone(),
            length: mean_length / activations.max(f64::MIN_POSITIVE),
            doses: doses.iter().copied().zip(steered).collect(),
            random,
        });
        done()?;
    }
    Ok(found)
}

/// A normal vector over a site, of this length.
fn random(site: &Site, length: f64, seed: u64, index: u64) -> Vec<f32> {
    drawn(
        site,
        length,
        &mut Stream::new(seed, Purpose::Controls, index),
    )
}

fn drawn(site: &Site, length: f64, stream: &mut Stream) -> Vec<f32> {
    let draws = (0..site.image.interior_len()).map(|_| stream.normal() as f32);
    let mut vector: Vec<f32> = draws.collect();
    let scale = (length / norm(&vector).max(f64::MIN_POSITIVE)) as f32;
    vector.iter_mut().for_each(|x| *x *= scale);
    vector
}

fn norm(values: &[f32]) -> f64 {
    crate::numeric::sum::norm(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::Split;
    use crate::circuits::patching::tests::policy;
    use crate::maze::ActionSet;
    use crate::nn::Kind;

    #[test]
    fn a_direction_is_what_the_fact_adds() {
        for kind in [Kind::Small, Kind::Impala] {
            let (network, params) = policy(kind, 8);
            let tasks = Tasks::new(Split::Discovery, (9, 5, 50), ActionSet::Four, 8).unwrap();
            for sought in Sought::ALL {
                // Of one level alone: its states differ by the direction, at every site.
                let levels = &levels(&tasks, sought)[..1];
                let seen = |which: usize| {
                    let level: &Level = &levels[0][which];
                    let mut state = vec![0; observation_len(9)];
                    observe(level, level.mouse, &mut state);
                    state
                };
                let directions = of_levels(&network, &params, levels);
                assert_eq!(directions.len(), network.sites().len());
                let (with, without) = (seen(0), seen(1));
                assert_ne!(with, without);
                let logits = |state: &[u8], steering: Option<&Steering>| {
                    let mut workspace = Workspace::new(&network);
                    let steering = (steering, |_: usize| 0);
                    workspace.forward_steered((&network, &params), state, 1, steering);
                    workspace.logits(&network, 1).to_vec()
                };
                for (site, (vector, length)) in network.sites().into_iter().zip(directions) {
                    assert!(length > 0.0);
                    let is_branch = site.name != "conv0" && site.name.starts_with("conv")
                        || site.name.contains("res");
                    let name = site.name.clone();
                    let steering = Steering {
                        site,
                        vectors: vec![vector],
                    };
                    let (steered, wanted) =
                        (logits(&without, Some(&steering)), logits(&with, None));
                    let largest = wanted.iter().fold(0.0f32, |m, x| m.max(x.abs()));
                    let mut pairs = steered.iter().zip(&wanted);
                    let same = pairs.all(|(a, b)| (a - b).abs() < 1e-5 * largest);
                    assert!(same || is_branch, "{kind:?} {name}: {steered:?} {wanted:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_added_changes_nothing_and_random_vectors_have_the_length() {
        let (network, params) = policy(Kind::Small, 9);
        let tasks = Tasks::new(Split::Discovery, (9, 5, 30), ActionSet::Four, 8).unwrap();
        let base = Steered::of(&tasks.measure_exact(&network, &params).unwrap());
        let all = measure(
            (&network, &params),
            (&tasks, &tasks),
            &[0.0, 1.0],
            (2, 1),
            || Ok::<(), Error>(()),
        )
        .unwrap();
        assert_eq!(all.len(), 2 * network.sites().len());
        for direction in &all {
            assert_eq!(direction.doses[0].1, base);
            assert_ne!(direction.doses[1].1, base, "{}", direction.site);
            assert!(direction.random.iter().all(|doses| doses[0] == base));
            assert_ne!(direction.random[0][1], direction.random[1][1]);
            assert!(direction.length > 0.0);
        }
        let vector = random(&network.sites()[1], 3.0, 1, 1);
        assert!((norm(&vector) - 3.0).abs() < 1e-5);
        let own = (&network, params.as_slice());
        let all = measure_own(own, &tasks, &[0.0, -1.0], (2, 1), || Ok::<(), Error>(())).unwrap();
        assert_eq!(all.len(), network.sites().len());
        for own in &all {
            assert_eq!(own.doses[0].1, base);
            assert!(own.random.iter().all(|doses| doses[0] == base));
            let steered = [&own.doses[1].1, &own.random[0][1], &own.random[1][1]];
            assert!(steered.iter().all(|&one| *one != base), "{}", own.site);
            assert_ne!(steered[1], steered[2]);
            // Nothing is taken from levels without a cheese.
            let s5 = Rate::S5.index();
            assert!(steered.iter().all(|one| one.rates[s5] == base.rates[s5]));
            assert!(own.length > 0.0);
        }
    }

    #[test]
    fn without_its_own_vector_a_level_is_as_without_its_cheese() {
        for kind in [Kind::Small, Kind::Impala] {
            let (network, params) = policy(kind, 10);
            let tasks = Tasks::new(Split::Discovery, (9, 5, 50), ActionSet::Four, 6).unwrap();
            let site = network.sites()[0].clone();
            let (vectors, length) = own_vectors(&network, &params, &tasks, &site);
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
                    let steering = (steering, |sample: usize| block * 8 + sample);
                    let policy = (&network, params.as_slice());
                    workspace.forward_steered(policy, &states, levels.len(), steering);
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
        let tasks = Tasks::new(Split::Discovery, (9, 5, 30), ActionSet::Four, 5).unwrap();
        let site = network.sites()[2].clone();
        let none = vec![0.0; site.image.interior_len()];
        let base = tasks.measure_exact(&network, &params).unwrap();
        // Situations in the order of `every_level`, by a rate of each.
        let rates = [Rate::S1, Rate::S2, Rate::S3, Rate::S4Cheese, Rate::S5];
        for chosen in [0, 7, 12, 19, 24] {
            let mut vectors = vec![none.clone(); 25];
            vectors[chosen].fill(1.0);
            let site = site.clone();
            let steering = Steering { site, vectors };
            let moved = tasks
                .measure_steered(&network, &params, Some(&steering))
                .unwrap();
            for (place, rate) in rates.into_iter().enumerate() {
                let pairs = base.probabilities(rate).iter();
                let pairs = pairs.zip(moved.probabilities(rate)).enumerate();
                for (level, (before, now)) in pairs {
                    assert_eq!(
                        before != now,
                        place * 5 + level == chosen,
                        "{rate:?} {level}"
                    );
                }
            }
        }
    }
}
