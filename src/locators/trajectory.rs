//! Principal components of the weights' path, chosen by when they moved.
//!
//! Checkpoints theta_c, centred over c (paths of weights must be, or their mean is the first
//! component): `theta_c - mean = sum_i u_i sigma_i v_i(c)`. The course of component i is its *velocity*
//! `sigma_i (v_i(c + 1) - v_i(c))`, against the lengths of the steps `|theta_{c+1} - theta_c|`; early and late
//! sets by its temporal index, score `sum sigma_i^2 u_ip^2`.
//!
//! The components of any random walk are cosines, the first of them with 60.8 % of the variance (Antognini
//! and Sohl-Dickstein 2018), so that none of this says anything before [`nulls`] is asked: random walks with steps as
//! long as the ones that were made. They are drawn exactly and without P dimensions: the steps'
//! directions are the rows of a Gaussian matrix, whose triangle in `X = L Q` has normal entries below the
//! diagonal and chi ones on it (Bartlett 1933).
//!
//! Cost: one decomposition of C x P; a null's draw one of C x C.

use super::decompositions::{Columns, Decomposed};
use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::run::Run;
use super::timing;
use super::weights_svd::AgainstNull;
use crate::gradients::Dense;
use crate::locate::temporal::profile;
use crate::locate::{Course, TemporalSet};
use crate::numeric::draws;
use crate::numeric::exp::ln;
use crate::numeric::random::Stream;
use crate::numeric::sum::norm;

/// Components whose shares and indices are compared.
const LEADING: usize = 8;

/// Components of the weights' path, by time.
#[derive(Clone, Copy, Debug)]
pub struct Trajectory;

impl Locator for Trajectory {
    fn method(&self) -> Method {
        Method::TrajectoryPca
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let rows: Vec<&[f32]> = run.checkpoints.iter().map(|(_, p)| &p[..]).collect();
        let Some(path) = Path::new(&rows, run.rank.min(LEADING), run.seed)? else {
            return Ok(None);
        };
        let d = &path.decomposed.decomposition;
        let sets = timing::LABELS.map(|label| {
            // A path's rows are no draws of noise: each is the one before and a step.
            let set = TemporalSet::of_courses(&path.courses, |_| true, label);
            let members = set.members.iter().map(|&i| (d.s[i], d.u_column(i)));
            (members.collect(), timing::words(&set))
        });
        Ok(Some(timing::of_directions(
            d.param_len,
            sets,
            self.method().supervision(),
        )))
    }
}

/// A path with its components.
struct Path {
    decomposed: Decomposed,
    courses: Vec<Course>,
}

impl Path {
    /// `None` for fewer than three points and for a path that does not move.
    fn new(rows: &[&[f32]], rank: usize, seed: u64) -> Result<Option<Self>, Error> {
        let (len, param_len) = (rows.len(), rows.first().map_or(0, |row| row.len()));
        if len < 3 || param_len == 0 {
            return Ok(None);
        }
        let mut mean = vec![0.0f64; param_len];
        for row in rows {
            let terms = mean.iter_mut().zip(*row);
            terms.for_each(|(mean, &x)| *mean += f64::from(x) / len as f64);
        }
        let centred = rows.iter().flat_map(|row| {
            let pairs = row.iter().zip(&mean);
            pairs.map(|(&x, mean)| (f64::from(x) - mean) as f32)
        });
        let matrix = Dense::new(len, param_len, centred.collect())?;
        let decomposed = Decomposed::of(&matrix, Columns::Raw, rank, seed)?;
        let steps: Vec<f64> = rows.windows(2).map(step_len).collect();
        let b = profile(&steps)?;
        let d = &decomposed.decomposition;
        if d.rank == 0 {
            return Ok(None);
        }
        let courses = (0..d.rank).map(|i| {
            let v = d.v_column(i);
            let mut velocity: Vec<f64> = v.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let length = norm(&velocity);
            velocity.iter_mut().for_each(|x| *x /= length);
            Course::new(&velocity, &b)
        });
        Ok(Some(Self {
            courses: courses.collect(),
            decomposed,
        }))
    }

    /// Share of the leading component, of the three leading ones, and how early and how late the most
    /// extreme of the leading components are.
    fn numbers(&self) -> [f64; 4] {
        let explained = self.decomposed.decomposition.explained();
        let share = |len: usize| explained.iter().take(len).sum::<f64>();
        let indices = || {
            let phases = self.courses.iter().filter(|course| !course.is_spike());
            phases.map(|course| course.temporal_index)
        };
        [
            share(1),
            share(3),
            indices().map(|index| -index).fold(-1.0, f64::max),
            indices().fold(-1.0, f64::max),
        ]
    }
}

fn step_len(pair: &[&[f32]]) -> f64 {
    let pairs = pair[1].iter().zip(pair[0]);
    let moved: Vec<f64> = pairs.map(|(&b, &a)| f64::from(b) - f64::from(a)).collect();
    norm(&moved)
}

/// What the path of weights has, against `draws` random walks whose steps are as long: the variance's
/// share in the leading component and in the three leading ones, and the most extreme temporal
/// indices among the leading eight. Empty for a path that does not move.
///
/// # Errors
/// A decomposition that fails.
pub fn nulls(run: &Run<'_>, draws: usize) -> Result<Vec<AgainstNull>, Error> {
    let rows: Vec<&[f32]> = run.checkpoints.iter().map(|(_, p)| &p[..]).collect();
    let rank = run.rank.min(LEADING);
    let Some(path) = Path::new(&rows, rank, run.seed)? else {
        return Ok(Vec::new());
    };
    let steps: Vec<f64> = rows.windows(2).map(step_len).collect();
    let observed = path.numbers();
    let mut drawn = [(); 4].map(|()| Vec::with_capacity(draws));
    for draw in 0..draws as u64 {
        let mut stream = draws::RANDOM_WALKS.stream(run.seed, draw);
        let walk = walk(&steps, run.theta.len(), &mut stream);
        let points: Vec<&[f32]> = walk.iter().map(|point| &point[..]).collect();
        if let Some(path) = Path::new(&points, rank, run.seed)? {
            for (drawn, number) in drawn.iter_mut().zip(path.numbers()) {
                drawn.push(number);
            }
        }
    }
    let names = [
        "share of the leading component",
        "share of the 3 leading components",
        "earliest: minus the least temporal index",
        "latest: the greatest temporal index",
    ];
    let rows = names.iter().zip(observed).zip(&drawn);
    Ok(rows
        .filter_map(|((name, observed), drawn)| {
            AgainstNull::new(format!("trajectory PCA, {name}"), observed, drawn)
        })
        .collect())
}

/// A random walk in `param_len` dimensions with steps of these lengths, in coordinates in which step i
/// has no more than i + 1.
fn walk(steps: &[f64], param_len: usize, stream: &mut Stream) -> Vec<Vec<f32>> {
    let dimensions = steps.len().min(param_len);
    let mut at = vec![0.0; dimensions];
    let mut points = vec![vec![0.0f32; dimensions]];
    for (i, length) in steps.iter().enumerate() {
        let mut direction = vec![0.0; dimensions];
        let below = i.min(dimensions);
        direction[..below].fill_with(|| stream.normal());
        if i < dimensions {
            direction[i] = chi(param_len - i, stream);
        }
        let scale = length / norm(&direction);
        at.iter_mut()
            .zip(direction)
            .for_each(|(at, x)| *at += scale * x);
        points.push(at.iter().map(|&x| x as f32).collect());
    }
    points
}

/// The length of a standard normal vector of `n` dimensions: chi-squared by Marsaglia and Tsang's gamma
/// (2000), which is for n of 2 or more.
fn chi(n: usize, stream: &mut Stream) -> f64 {
    if n == 1 {
        return stream.normal().abs();
    }
    let d = n as f64 / 2.0 - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = stream.normal();
        let v = (1.0 + c * x).powi(3);
        let u = 1.0 - stream.uniform();
        if v > 0.0 && ln(u) < 0.5 * x * x + d - d * v + d * ln(v) {
            return (2.0 * d * v).sqrt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locators::planted::{PLANTS, Planted};
    use crate::numeric::random::Purpose;

    #[test]
    fn walks_have_their_steps_and_the_known_share() {
        let mut stream = Stream::new(5, Purpose::Locators, 0);
        let walk = walk(&[1.0; 150], 100_000, &mut stream);
        let points: Vec<&[f32]> = walk.iter().map(|point| &point[..]).collect();
        let lengths: Vec<f64> = points.windows(2).map(step_len).collect();
        assert!(lengths.iter().all(|length| (length - 1.0).abs() < 1e-5));
        let path = Path::new(&points, 8, 0).unwrap().unwrap();
        // 6 / pi^2, of infinitely many steps in infinitely many dimensions.
        let share = path.decomposed.decomposition.explained()[0];
        assert!((share - 0.608).abs() < 0.02, "{share}");
        let squares: f64 = (0..4000).map(|_| chi(3, &mut stream).powi(2)).sum();
        assert!((squares / 4000.0 - 3.0).abs() < 0.2, "{squares}");
    }

    #[test]
    fn a_path_of_two_phases_is_no_random_walk() {
        let planted = Planted::new(&PLANTS[0], 4);
        let rows = nulls(&planted.run(), 19).unwrap();
        assert_eq!(rows.len(), 4);
        for row in &rows {
            assert!(row.null_mean <= row.null_95);
        }
        let latest = &rows[3];
        assert!(latest.observed > latest.null_95, "{rows:?}");
    }
}
