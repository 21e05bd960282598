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
//! A mean over levels forgets where the cheese lies: [`own_vectors`](super::own_vectors).

use serde::{Deserialize, Serialize};

use super::pairs::{Scene, Sought};
use crate::ablate::{Error, Measurement, PerRate, Rate, Tasks, seen};
use crate::maze::Level;
use crate::nn::{Policy, Steering, Workspace};
use crate::numeric::draws::{self, packed};
use crate::numeric::random::Stream;
use crate::numeric::sum::norm;

/// What a policy does under one steering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steered {
    /// The rates.
    pub rates: PerRate<f64>,
    /// Probability at decision squares of the step to the cheese.
    pub p_cheese: f64,
    /// And of the step to the corner.
    pub p_corner: f64,
}

impl Steered {
    /// Of a policy measured.
    pub fn of(measured: &Measurement) -> Self {
        Self {
            rates: PerRate::new(|rate| measured.rate(rate)),
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
    /// What the policy does under the same doses of random vectors as long, vector by vector.
    pub random: Vec<Vec<Steered>>,
}

/// In which doses vectors are added to the activations, and beside how many random ones as long.
#[derive(Clone, Copy, Debug)]
pub struct Dosing<'a> {
    /// The doses.
    pub doses: &'a [f64],
    /// How many times random vectors are drawn.
    pub random_len: u64,
    /// The seed of the draws.
    pub seed: u64,
}

/// Dose, and what the policy does then; and what it does under the same doses of random vectors, draw by draw.
type InDoses = (Vec<(f64, Steered)>, Vec<Vec<Steered>>);

impl Dosing<'_> {
    /// What becomes of a policy under a steering and under random ones, drawn from the streams that
    /// `stream` gives by the number of the draw.
    pub(super) fn measure(
        self,
        policy: Policy<'_>,
        test: &Tasks,
        steering: &Steering,
        stream: impl Fn(u64) -> Stream,
    ) -> Result<InDoses, Error> {
        let in_doses = |steering: &Steering| -> Result<Vec<Steered>, Error> {
            let steered = |&dose: &f64| {
                let measured = test.measure_steered(policy, Some(&steering.times(dose)))?;
                Ok(Steered::of(&measured))
            };
            self.doses.iter().map(steered).collect()
        };
        let draws = 0..self.random_len;
        let random = draws.map(|draw| in_doses(&steering.random_like(&mut stream(draw))));
        let random = random.collect::<Result<_, Error>>()?;
        let own = in_doses(steering)?;
        Ok((self.doses.iter().copied().zip(own).collect(), random))
    }
}

/// The levels of a direction, each with the fact and without.
fn levels(tasks: &Tasks, sought: Sought) -> Vec<[Level; 2]> {
    let rates: &[Rate] = match sought {
        Sought::Cheese => &[Rate::S1, Rate::S4Cheese],
        Sought::Corner => &[Rate::S5],
    };
    of_rates(tasks, sought, rates)
}

fn of_rates(tasks: &Tasks, sought: Sought, rates: &[Rate]) -> Vec<[Level; 2]> {
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
pub fn directions(policy: Policy<'_>, tasks: &Tasks, sought: Sought) -> Vec<(Vec<f32>, f64)> {
    of_levels(policy, &levels(tasks, sought))
}

/// The same where the episodes of some scenes, all of one thing sought, start.
pub fn in_scenes(policy: Policy<'_>, tasks: &Tasks, scenes: &[Scene]) -> Vec<(Vec<f32>, f64)> {
    let sought = scenes
        .first()
        .map_or(Sought::Cheese, |scene| scene.sought());
    let rates: Vec<Rate> = scenes
        .iter()
        .flat_map(|scene| scene.rates())
        .copied()
        .collect();
    of_levels(policy, &of_rates(tasks, sought, &rates))
}

fn of_levels(policy: Policy<'_>, levels: &[[Level; 2]]) -> Vec<(Vec<f32>, f64)> {
    let network = policy.network;
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
                seen::append(level, level.mouse, &mut states);
            }
            workspace.forward(policy, &states, block.len());
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

/// Measures on `test` the directions that are found on `found_on`, at every site. Calls `done` after each direction.
///
/// # Errors
/// A policy that is not finite; those of `done`.
pub fn measure<E: From<Error>>(
    policy: Policy<'_>,
    found_on: &Tasks,
    test: &Tasks,
    dosing: Dosing<'_>,
    mut done: impl FnMut() -> Result<(), E>,
) -> Result<Vec<Direction>, E> {
    let mut found = Vec::new();
    let sites = policy.network.sites();
    for sought in Sought::ALL {
        let all = directions(policy, found_on, sought);
        for (number, (site, (direction, mean_length))) in sites.iter().zip(all).enumerate() {
            let length = norm(&direction);
            let direction = Steering {
                site: site.clone(),
                vectors: vec![direction],
            };
            let stream = |draw| {
                let parts = [(number as u64, 16), (sought as u64, 8), (draw, 16)];
                draws::BESIDE_DIRECTIONS.stream(dosing.seed, packed(&parts))
            };
            let (doses, random) = dosing.measure(policy, test, &direction, stream)?;
            found.push(Direction {
                sought,
                site: site.name.clone(),
                length: length / mean_length.max(f64::MIN_POSITIVE),
                doses,
                random,
            });
            done()?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Setting, Split};
    use crate::circuits::patching::tests::policy;
    use crate::maze::{ActionSet, observation_len, observe};
    use crate::nn::Kind;

    #[test]
    fn a_direction_is_what_the_fact_adds() {
        for kind in [Kind::Small, Kind::Impala] {
            let (network, params) = policy(kind, 8);
            let tasks =
                Tasks::new(Split::Discovery, Setting::new(9, 5, 50), ActionSet::Four, 8).unwrap();
            for sought in Sought::ALL {
                // Of one level alone: its states differ by the direction, at every site.
                let levels = &levels(&tasks, sought)[..1];
                let seen = |which: usize| {
                    let level: &Level = &levels[0][which];
                    let mut state = vec![0; observation_len(9)];
                    observe(level, level.mouse, &mut state);
                    state
                };
                let directions = of_levels(Policy::new(&network, &params), levels);
                assert_eq!(directions.len(), network.sites().len());
                let (with, without) = (seen(0), seen(1));
                assert_ne!(with, without);
                let logits = |state: &[u8], steering: Option<&Steering>| {
                    let mut workspace = Workspace::new(&network);
                    workspace.forward_steered(
                        Policy::new(&network, &params),
                        state,
                        1,
                        steering,
                        |_| Some(0),
                    );
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
        let tasks =
            Tasks::new(Split::Discovery, Setting::new(9, 5, 30), ActionSet::Four, 8).unwrap();
        let base = Steered::of(&tasks.measure_exact(Policy::new(&network, &params)).unwrap());
        let all = measure(
            Policy::new(&network, &params),
            &tasks,
            &tasks,
            Dosing {
                doses: &[0.0, 1.0],
                random_len: 2,
                seed: 1,
            },
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
        let vectors = vec![
            vec![1.0; network.sites()[1].image.interior_len()],
            vec![0.0; 7],
        ];
        let site = network.sites()[1].clone();
        let steering = Steering { site, vectors };
        let drawn = steering.random_like(&mut draws::BESIDE_DIRECTIONS.stream(1, 1));
        for (own, drawn) in steering.vectors.iter().zip(&drawn.vectors) {
            assert!((norm(own) - norm(drawn)).abs() <= 1e-4 * norm(own));
        }
    }
}
