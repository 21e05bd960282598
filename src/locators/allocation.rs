//! What every parameter's movement did to a behaviour along training: loss change allocation (Lan et al. 2019), by
//! behaviour.
//!
//! ```text
//! W_b[p, c] = integral over the straight line from theta_c to theta_c+1 of  (df_b / dtheta_p) dtheta_p
//! sum over p of W_b[p, c] = f_b(theta_c+1) - f_b(theta_c)
//! trapezium of n intervals:  W_b[p, c] = (1/n) ((g_0 + g_n) / 2 + g_1 + ... + g_n-1)_p (theta_c+1 - theta_c)_p
//! error of b = sum over c of |sum_p W_b[p, c] - (f_b(theta_c+1) - f_b(theta_c))| / sum over c of |f_b(theta_c+1) - f_b(theta_c)|
//! ```
//!
//! g_i is the gradient of f_b at the i-th of n + 1 evenly spaced points. Every segment between two checkpoints begins with
//! n = 1; while a behaviour's error is above [`ERROR_MAX`], n doubles in those segments that err most, until gradients
//! run out. (Rectifiers make g jump along the line, so that rules of higher order gain nothing.) Where the optimiser
//! went between two checkpoints is not known: the line stands for it.
//!
//! Behaviours are taken one after the other, and segments added up to at most [`WINDOWS`] windows of time: what is held is
//! one behaviour's gradients by segment and all behaviours' W by window. Points are computed side by side and added in order: same bits at
//! any thread count.

use rayon::prelude::*;

use super::asked::Asked;
use crate::ablate::Rate;
use crate::nn::{Network, Policy};
use crate::numeric::sum;

/// Windows of time, at most.
pub const WINDOWS: usize = 25;
/// The largest error that the grid is not made finer for.
pub const ERROR_MAX: f64 = 0.05;
/// Gradients of a behaviour, at most, for every checkpoint.
const GRADIENTS_MAX: usize = 12;
/// Points whose gradients are held at a time.
const BATCH: usize = 32;

/// What every parameter's movement did to one behaviour.
#[derive(Clone, Debug, PartialEq)]
pub struct Allocated {
    /// The behaviour.
    pub rate: Rate,
    /// States it was asked for in.
    pub states: usize,
    /// f at the first and at the last checkpoint.
    pub ends: [f64; 2],
    /// Sum over the segments of the size of f's change.
    pub variation: f64,
    /// The error of one interval a segment.
    pub coarse_error: f64,
    /// The error that was reached.
    pub error: f64,
    /// Points that a gradient was computed at.
    pub points: usize,
    /// Window by window, one number a parameter.
    pub windows: Vec<Vec<f32>>,
}

/// The same of several behaviours along one path.
#[derive(Clone, Debug, PartialEq)]
pub struct Allocation {
    /// The ends of the windows, as shares of training.
    pub tau: Vec<f64>,
    /// In the order in which they were asked.
    pub behaviours: Vec<Allocated>,
    /// Seconds it took.
    pub seconds: f64,
}

impl Allocation {
    /// Of what is asked, along checkpoints; none for fewer than two of them.
    pub fn new(
        network: &Network,
        checkpoints: &[&(f64, Vec<f32>)],
        asked: &[Asked],
    ) -> Option<Self> {
        let begun = std::time::Instant::now();
        let segment_len = checkpoints.len().checked_sub(1).filter(|&len| len > 0)?;
        let window_len = segment_len.min(WINDOWS);
        let window = |segment: usize| segment * window_len / segment_len;
        let behaviours = asked.iter().map(|asked| {
            let mut path = Path::new(network, checkpoints, asked);
            let coarse_error = path.error();
            path.refine();
            path.allocated(coarse_error, window, window_len)
        });
        let behaviours = behaviours.collect();
        let last = |of: usize| (0..segment_len).rfind(|&segment| window(segment) == of);
        let ends = (0..window_len).filter_map(last);
        Some(Self {
            tau: ends.map(|segment| checkpoints[segment + 1].0).collect(),
            behaviours,
            seconds: begun.elapsed().as_secs_f64(),
        })
    }
}

/// One behaviour along the checkpoints.
struct Path<'a> {
    network: &'a Network,
    checkpoints: &'a [&'a (f64, Vec<f32>)],
    asked: &'a Asked,
    /// f at every checkpoint.
    values: Vec<f64>,
    segments: Vec<Segment>,
    points: usize,
}

/// From one checkpoint to the next.
struct Segment {
    /// Intervals.
    n: usize,
    /// `(g_0 + g_n) / 2 + g_1 + ... + g_n-1`.
    sum: Vec<f32>,
    /// The sum over all parameters of the movement times `sum / n`.
    total: f64,
}

impl<'a> Path<'a> {
    /// One interval a segment.
    fn new(network: &'a Network, checkpoints: &'a [&'a (f64, Vec<f32>)], asked: &'a Asked) -> Self {
        let segment_len = checkpoints.len() - 1;
        let len = checkpoints[0].1.len();
        let mut path = Self {
            network,
            checkpoints,
            asked,
            values: Vec::new(),
            segments: (0..segment_len)
                .map(|_| Segment {
                    n: 1,
                    sum: vec![0.0; len],
                    total: 0.0,
                })
                .collect(),
            points: 0,
        };
        let places: Vec<(usize, f64)> = (0..segment_len)
            .map(|segment| (segment, 0.0))
            .chain([(segment_len - 1, 1.0)])
            .collect();
        let mut values = Vec::new();
        path.at(&places, |segments, place, value, gradient| {
            values.push(value);
            let half: Vec<f32> = gradient.iter().map(|g| 0.5 * g).collect();
            // A checkpoint ends one segment and begins the next.
            let checkpoint = values.len() - 1;
            if checkpoint > 0 {
                sum::add(&half, &mut segments[checkpoint - 1].sum);
            }
            if place.1 == 0.0 {
                sum::add(&half, &mut segments[checkpoint].sum);
            }
        });
        path.values = values;
        (0..segment_len).for_each(|segment| path.total(segment));
        path
    }

    /// The movement from checkpoint `segment` to the next.
    fn movement(&self, segment: usize) -> impl Iterator<Item = f64> {
        let ends = self.checkpoints[segment]
            .1
            .iter()
            .zip(&self.checkpoints[segment + 1].1);
        ends.map(|(&from, &to)| f64::from(to) - f64::from(from))
    }

    /// Value and gradient at shares of segments, in their order.
    fn at(
        &mut self,
        places: &[(usize, f64)],
        mut take: impl FnMut(&mut [Segment], (usize, f64), f64, &[f32]),
    ) {
        self.points += places.len();
        for places in places.chunks(BATCH) {
            let computed: Vec<(f64, Vec<f32>)> = places
                .par_iter()
                .map(|&(segment, share)| {
                    let from = self.checkpoints[segment].1.iter();
                    let theta: Vec<f32> = match share {
                        1.0 => self.checkpoints[segment + 1].1.clone(),
                        _ => from
                            .zip(self.movement(segment))
                            .map(|(&from, moved)| (f64::from(from) + share * moved) as f32)
                            .collect(),
                    };
                    self.asked
                        .value_and_gradient(Policy::new(self.network, &theta))
                })
                .collect();
            for (&place, (value, gradient)) in places.iter().zip(&computed) {
                take(&mut self.segments, place, *value, gradient);
            }
        }
    }

    fn total(&mut self, segment: usize) {
        let Segment { n, sum, .. } = &self.segments[segment];
        let terms = sum.iter().zip(self.movement(segment));
        let total: f64 = terms.map(|(&g, moved)| f64::from(g) * moved).sum();
        self.segments[segment].total = total / *n as f64;
    }

    fn change(&self, segment: usize) -> f64 {
        self.values[segment + 1] - self.values[segment]
    }

    fn variation(&self) -> f64 {
        (0..self.segments.len())
            .map(|segment| self.change(segment).abs())
            .sum()
    }

    /// By how much each segment errs.
    fn errors(&self) -> Vec<f64> {
        let segments = self.segments.iter().enumerate();
        segments
            .map(|(at, segment)| (segment.total - self.change(at)).abs())
            .collect()
    }

    /// The errors as a share of what changed; 0 where nothing did.
    fn error(&self) -> f64 {
        let (errors, variation) = (self.errors().iter().sum::<f64>(), self.variation());
        if variation > 0.0 {
            errors / variation
        } else {
            0.0
        }
    }

    /// Doubles the intervals where the error is largest until it is small or gradients run out.
    fn refine(&mut self) {
        let most = GRADIENTS_MAX * self.checkpoints.len();
        let allowed = ERROR_MAX * self.variation();
        if allowed == 0.0 {
            return;
        }
        loop {
            let errors = self.errors();
            let mut left: f64 = errors.iter().sum();
            if left <= allowed {
                return;
            }
            let mut order: Vec<usize> = (0..errors.len()).collect();
            order.sort_by(|&a, &b| errors[b].total_cmp(&errors[a]));
            let mut places = Vec::new();
            let mut chosen = Vec::new();
            // Half of an error is what doubling leaves of it.
            for segment in order
                .into_iter()
                .take_while(|&segment| errors[segment] > 0.0)
            {
                let n = self.segments[segment].n;
                if left <= allowed || self.points + places.len() + n > most {
                    break;
                }
                left -= 0.5 * errors[segment];
                let middle = |i: usize| (segment, (i as f64 + 0.5) / n as f64);
                places.extend((0..n).map(middle));
                chosen.push(segment);
            }
            if chosen.is_empty() {
                return;
            }
            self.at(&places, |segments, (segment, _), _, gradient| {
                sum::add(gradient, &mut segments[segment].sum);
            });
            for segment in chosen {
                self.segments[segment].n *= 2;
                self.total(segment);
            }
        }
    }

    fn allocated(
        self,
        coarse_error: f64,
        window: impl Fn(usize) -> usize,
        window_len: usize,
    ) -> Allocated {
        let mut windows = vec![vec![0.0f64; self.segments[0].sum.len()]; window_len];
        for (at, segment) in self.segments.iter().enumerate() {
            let scale = 1.0 / segment.n as f64;
            let terms = segment.sum.iter().zip(self.movement(at));
            let to = windows[window(at)].iter_mut();
            to.zip(terms)
                .for_each(|(to, (&g, moved))| *to += scale * f64::from(g) * moved);
        }
        let narrow = |window: Vec<f64>| window.into_iter().map(|w| w as f32).collect();
        Allocated {
            rate: self.asked.rate,
            states: self.asked.weights.len(),
            ends: [self.values[0], self.values[self.values.len() - 1]],
            variation: self.variation(),
            coarse_error,
            error: self.error(),
            points: self.points,
            windows: windows.into_iter().map(narrow).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::{Setting, Split, Tasks};
    use crate::locators::asked_states::asked;
    use crate::maze::ActionSet;
    use crate::nn::{Shape, init};
    use crate::numeric::random::{Purpose, Stream};

    /// A policy that moved up two behaviours' gradients, and at random.
    type Made = (Network, Vec<(f64, Vec<f32>)>, Vec<Asked>);

    fn made() -> Made {
        let setting = Setting::new(9, 5, 50);
        let tasks = Tasks::new(Split::Discovery, setting, ActionSet::Four, 12).unwrap();
        let shape = Shape {
            world: 9,
            ..Shape::tiny()
        };
        let network = Network::new(shape, 16).unwrap();
        let mut stream = Stream::new(5, Purpose::Nulls, 0);
        let asked: Vec<Asked> = asked(&tasks).into_iter().take(3).collect();
        let mut theta = init::initialise(&network.layout, 4);
        let mut checkpoints = vec![(0.0, theta.clone())];
        for step in 1..=5 {
            for one in &asked[1..] {
                let (_, gradient) = one.value_and_gradient(Policy::new(&network, &theta));
                let length = sum::norm(&gradient).max(1e-9) as f32;
                for (theta, g) in theta.iter_mut().zip(&gradient) {
                    *theta += 0.2 * g / length + 0.005 * stream.normal() as f32;
                }
            }
            checkpoints.push((f64::from(step) / 5.0, theta.clone()));
        }
        (network, checkpoints, asked)
    }

    #[test]
    fn a_finer_grid_errs_less_and_in_the_end_the_parts_add_up() {
        let (network, checkpoints, asked) = made();
        let checkpoints: Vec<&(f64, Vec<f32>)> = checkpoints.iter().collect();
        for one in &asked {
            let mut path = Path::new(&network, &checkpoints, one);
            let mut errors = vec![path.error()];
            for _ in 0..4 {
                let n = path.segments[0].n;
                let middles = |segment| (0..n).map(move |i| (segment, (i as f64 + 0.5) / n as f64));
                let places: Vec<_> = (0..path.segments.len()).flat_map(middles).collect();
                path.at(&places, |segments, (segment, _), _, gradient| {
                    sum::add(gradient, &mut segments[segment].sum);
                });
                for segment in 0..path.segments.len() {
                    path.segments[segment].n *= 2;
                    path.total(segment);
                }
                errors.push(path.error());
            }
            assert!(
                errors[0] > 2.0 * errors[4] && errors[4] < 0.05,
                "{errors:?}"
            );
        }
        let made = Allocation::new(&network, &checkpoints, &asked).unwrap();
        assert_eq!(made.tau, [0.2, 0.4, 0.6, 0.8, 1.0]);
        for (one, asked) in made.behaviours.iter().zip(&asked) {
            assert!(
                one.error <= ERROR_MAX && one.error <= one.coarse_error,
                "{}",
                one.error
            );
            let [before, after] = one.ends;
            let value = |theta: &[f32]| asked.value_and_gradient(Policy::new(&network, theta)).0;
            assert_eq!(before, value(&checkpoints[0].1));
            assert_eq!(after, value(&checkpoints[5].1));
            let parts: f64 = one.windows.iter().flatten().map(|&w| f64::from(w)).sum();
            let rise = after - before;
            assert!(
                (parts - rise).abs() <= ERROR_MAX * one.variation + 1e-4,
                "{parts} {rise}"
            );
            // No behaviour reads the value head.
            let heads = network
                .layout
                .tensors
                .iter()
                .filter(|t| t.name.starts_with("value"));
            for tensor in heads {
                assert!(
                    one.windows
                        .iter()
                        .all(|w| w[tensor.range()].iter().all(|&w| w == 0.0))
                );
            }
        }
        assert!(Allocation::new(&network, &checkpoints[..1], &asked).is_none());
    }

    #[test]
    fn the_same_bits_at_any_thread_count() {
        let (network, checkpoints, asked) = made();
        let checkpoints: Vec<&(f64, Vec<f32>)> = checkpoints.iter().collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let made = pool
                .unwrap()
                .install(|| Allocation::new(&network, &checkpoints, &asked));
            made.unwrap().behaviours
        };
        assert_eq!(run(1), run(3));
    }
}
