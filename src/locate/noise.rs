//! What noise adds to a component, and the component without it.
//!
//! Model: `g_t = sum_i s_i v_i(t) u_i + n_t` over the components that are signal, the entries of n_t within tensor l
//! independent of mean 0 and variance `w_tl`, which the residual of the fit gives:
//! ```text
//! w_tl = (|g_tl|^2 - |fit_tl|^2) / (len_l (1 - r/T) (1 - r/P))        r signals, T rows, P parameters
//! ```
//! With `u_i = sum_t x_i(t) g_t` ([`super::left_out`]; of singular vectors `x_i = v_i / s_i`) noise adds to first order to `v_i(t)`, which
//! is taken as by a direction that knows nothing of row t, a variance `sum_l |u_il|^2 w_tl / s_i^2`, to each entry of u_i within tensor l a
//! variance `sum_t x_i(t)^2 w_tl`. Near the edge of noise that is too little: of white noise of variance w it is larger
//! by `(1 + T w / a^2)^2` (Benaych-Georges and Nadakuditi 2012), a being what the direction has without noise,
//! ```text
//! s^2 = (a^2 + T w) (a^2 + P w) / a^2
//! ```
//! and that factor is taken. Noise mixes components i and j by an angle of about `w (s_i^2 + s_j^2)^1/2 / |s_i^2 - s_j^2|`, w the mean standard deviation. What it adds is
//! taken off; what it scatters widens the intervals.

use std::ops::Range;

use faer::{Mat, MatRef};
use serde::{Deserialize, Serialize};

use super::left_out::{courses, weights};
use super::temporal::tau;
use crate::numeric::draws;
use crate::numeric::statistics::quantile;
use crate::svd::{Decomposition, eigen, product};

/// Draws of the bootstrap over rows.
const DRAWS: u64 = 999;
/// Two-sided 95 % point of the normal distribution.
const NORMAL_95: f64 = 1.96;
/// Least share of a course that is not noise, for there to be something to say.
const LEAST: f64 = 0.1;

/// A number with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Between {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Between {
    /// `value` give or take `by`, within `least` and `most`.
    fn within(value: f64, by: f64, (least, most): (f64, f64)) -> Self {
        Self {
            value: value.clamp(least, most),
            low: (value - by).clamp(least, most),
            high: (value + by).clamp(least, most),
        }
    }
}

/// A component without what noise adds to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithoutNoise {
    /// Its temporal index; the interval is of a bootstrap over blocks of rows, and of what it may hold of others.
    pub temporal_index: Between,
    /// Share of the squared course that is noise.
    pub noise: f64,
    /// Share of u's squared length in each tensor.
    pub by_tensor: Vec<Between>,
}

/// The noise of a matrix about the components that are signal.
pub struct Noise<'a> {
    d: &'a Decomposition,
    ranges: &'a [Range<usize>],
    signals: usize,
    /// `U_l^T U_l` of each range.
    grams: Vec<Mat<f64>>,
    /// `w_tl`, `(T, ranges)` row-major.
    variances: Vec<f64>,
    /// What the signals' directions are sums of, `(T, signals)`, times what noise near its edge adds to first order.
    weights: Mat<f64>,
    /// Their courses, by directions that know nothing of the row.
    courses: Vec<Vec<f64>>,
    /// The mean variance of an entry.
    mean: f64,
    /// Whether components are told apart by their tensors, and not by their singular values.
    is_by_tensor: bool,
}

impl<'a> Noise<'a> {
    /// About the first `signals` components of `d`, from the matrix's [`energies`](crate::gradients::energies) in `ranges`, which have
    /// no gaps.
    pub fn new(
        d: &'a Decomposition,
        signals: usize,
        ranges: &'a [Range<usize>],
        energies: &[f64],
    ) -> Self {
        let signals = signals.min(d.rank);
        let grams: Vec<Mat<f64>> = ranges.iter().map(|range| gram(d, range)).collect();
        let share = |len: usize| 1.0 - signals as f64 / len.max(1) as f64;
        let free = (share(d.time_len) * share(d.param_len)).max(0.0);
        let mut variances = Vec::with_capacity(energies.len());
        let mut left = 0.0;
        for t in 0..d.time_len {
            let x: Vec<f64> = (0..signals).map(|i| d.s[i] * d.v[t * d.rank + i]).collect();
            for (l, gram) in grams.iter().enumerate() {
                let fit: f64 = (0..signals)
                    .flat_map(|i| (0..signals).map(move |j| (i, j)))
                    .map(|(i, j)| x[i] * x[j] * gram[(i, j)])
                    .sum();
                let residual = (energies[t * ranges.len() + l] - fit).max(0.0);
                left += residual;
                let entries = ranges[l].len() as f64 * free;
                variances.push(if entries > 0.0 {
                    residual / entries
                } else {
                    0.0
                });
            }
        }
        let entries = d.time_len as f64 * d.param_len as f64 * free;
        let mean = if entries > 0.0 { left / entries } else { 0.0 };
        let norm = |energies: &[f64]| energies.iter().sum::<f64>().sqrt();
        let row_norms: Vec<f64> = energies.chunks(ranges.len().max(1)).map(norm).collect();
        Self {
            weights: beyond_first_order(d, signals, mean),
            courses: courses(d, signals, &row_norms),
            d,
            ranges,
            signals,
            grams,
            variances,
            mean,
            is_by_tensor: false,
        }
    }

    /// The same where components are told apart by their tensors, and not by their singular values.
    pub fn by_tensor(self) -> Self {
        Self {
            is_by_tensor: true,
            ..self
        }
    }

    /// `U_l^T U_l` of every tensor.
    pub fn grams(&self) -> &[Mat<f64>] {
        &self.grams
    }

    /// The mean variance of an entry.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    fn variance(&self, t: usize, l: usize) -> f64 {
        self.variances[t * self.ranges.len() + l]
    }

    fn share(&self, i: usize, l: usize) -> f64 {
        self.grams[l][(i, i)]
    }

    /// Component `i` without noise, `b` the profile of the norms; none where it is no signal or nothing is left.
    pub fn without(&self, i: usize, b: &[f64], seed: u64) -> Option<WithoutNoise> {
        let d = self.d;
        if i >= self.signals {
            return None;
        }
        let (square, tensors) = (d.s[i] * d.s[i], self.ranges.len());
        let added = |t: usize| {
            let of = |l| self.share(i, l) * self.variance(t, l);
            (0..tensors).map(of).sum::<f64>() / square
        };
        let v = |t: usize| self.courses[i][t];
        let e: Vec<f64> = (0..d.time_len).map(|t| v(t) * v(t) - added(t)).collect();
        let left: f64 = e.iter().sum();
        if left.is_nan() || left <= LEAST {
            return None;
        }
        let index = index(&e, b, |_| 1.0)?;
        let (low, high) = bootstrap(&e, b, i, seed)?;
        let mixed = self.mixed(i, |j| {
            let moment = |a: usize, b: usize| -> f64 {
                let at = |t| self.courses[a][t] * self.courses[b][t] * tau(t, d.time_len);
                (0..d.time_len).map(at).sum()
            };
            (moment(j, j) - moment(i, i), moment(i, j))
        });
        let temporal_index = Between {
            value: index,
            low: (index.min(low) - mixed).max(-1.0),
            high: (index.max(high) + mixed).min(1.0),
        };
        let by_entry: Vec<f64> = (0..tensors)
            .map(|l| {
                let of = |t| self.weights[(t, i)].powi(2) * self.variance(t, l);
                (0..d.time_len).map(of).sum()
            })
            .collect();
        let masses: Vec<f64> = by_entry
            .iter()
            .zip(self.ranges)
            .map(|(variance, range)| variance * range.len() as f64)
            .collect();
        let rest = 1.0 - masses.iter().sum::<f64>();
        if rest.is_nan() || rest <= LEAST {
            return None;
        }
        let of = |l: usize| {
            let share = (self.share(i, l) - masses[l]) / rest;
            let scatter = 2.0 * (share.max(0.0) * rest * by_entry[l]).sqrt()
                + (2.0 * self.ranges[l].len() as f64).sqrt() * by_entry[l];
            let mixed = self.mixed(i, |j| {
                let gram = &self.grams[l];
                (gram[(j, j)] - gram[(i, i)], gram[(i, j)])
            });
            Between::within(share, NORMAL_95 * scatter / rest + mixed, (0.0, 1.0))
        };
        Some(WithoutNoise {
            temporal_index,
            noise: 1.0 - left,
            by_tensor: (0..tensors).map(of).collect(),
        })
    }

    /// What other signals may add to a quadratic number of component i: `of` gives the number's difference from i's to
    /// j's, and its form between the two.
    fn mixed(&self, i: usize, of: impl Fn(usize) -> (f64, f64)) -> f64 {
        let others = (0..self.signals).filter(|&j| j != i).map(|j| {
            let angle = self.angle(i, j);
            let (difference, between) = of(j);
            let reach = (NORMAL_95 * angle).min(1.0);
            reach * reach * difference.abs() + 2.0 * reach * between.abs()
        });
        others.sum()
    }

    /// About how far noise turns components i and j into each other, in radians.
    pub fn angle(&self, i: usize, j: usize) -> f64 {
        let [a, b] = [i, j].map(|i| self.d.s[i] * self.d.s[i]);
        let apart = match self.is_by_tensor {
            true => a.max(b),
            false => (a - b).abs(),
        };
        match self.mean {
            0.0 => 0.0,
            mean if apart > 0.0 => (mean * (a + b)).sqrt() / apart,
            _ => f64::INFINITY,
        }
    }
}

/// The [`weights`] of the first `signals` directions with the singular directions of their space longer by `1 + T w / a^2`.
fn beyond_first_order(d: &Decomposition, signals: usize, w: f64) -> Mat<f64> {
    let x = weights(d, signals);
    // X^T X = (M^T M)^-1, whose eigenvalues are 1 / s^2 of the singular directions.
    let square = product(x.transpose(), x.as_ref());
    let Ok((values, vectors)) = eigen(square.as_ref()) else {
        return x;
    };
    let (rows, columns) = (d.time_len as f64 * w, d.param_len as f64 * w);
    let factor = |value: f64| {
        let free = 1.0 / value - rows - columns;
        let a = 0.5 * (free + (free * free - 4.0 * rows * columns).max(0.0).sqrt());
        // At the edge and below it nothing is known.
        1.0 + rows / a.max((rows * columns).sqrt()).max(f64::MIN_POSITIVE)
    };
    let m = values.len();
    let longer = Mat::from_fn(m, m, |i, j| vectors[(i, j)] * factor(values[j]));
    let turn = product(longer.as_ref(), vectors.transpose());
    product(x.as_ref(), turn.as_ref())
}

/// `U_l^T U_l`.
fn gram(d: &Decomposition, range: &Range<usize>) -> Mat<f64> {
    let mut sum = Mat::<f64>::zeros(d.rank, d.rank);
    let rows = d.u.get(range.start * d.rank..range.end * d.rank);
    // Blocks bound what is widened at a time.
    for block in rows.unwrap_or_default().chunks(4096 * d.rank.max(1)) {
        let wide: Vec<f64> = block.iter().map(|&x| f64::from(x)).collect();
        let u = MatRef::from_row_major_slice(&wide, block.len() / d.rank, d.rank);
        sum += product(u.transpose(), u);
    }
    sum
}

/// The temporal index of rows that count as often as `times` says; none where nothing weighs.
fn index(e: &[f64], b: &[f64], times: impl Fn(usize) -> f64) -> Option<f64> {
    let centre = |weights: &[f64]| {
        let (mut moment, mut total) = (0.0, 0.0);
        for (t, weight) in weights.iter().enumerate() {
            let weight = weight * times(t);
            moment += weight * tau(t, weights.len());
            total += weight;
        }
        (total > 0.0).then(|| moment / total)
    };
    Some(centre(e)? - centre(b)?)
}

/// The 95 % interval of the temporal index, blocks of rows drawn again (Kuensch 1989), of a length of T^(1/3).
fn bootstrap(e: &[f64], b: &[f64], component: usize, seed: u64) -> Option<(f64, f64)> {
    let len = e.len();
    let block = (len as f64).cbrt().round().max(1.0) as usize;
    let starts = u32::try_from(len - block + 1).ok()?;
    let mut stream = draws::INDEX_BOOTSTRAP.stream(seed, component as u64);
    let drawn: Vec<f64> = (0..DRAWS)
        .filter_map(|_| {
            let mut times = vec![0.0; len];
            for _ in 0..len.div_ceil(block) {
                let start = stream.below(starts) as usize;
                times[start..start + block]
                    .iter_mut()
                    .for_each(|n| *n += 1.0);
            }
            index(e, b, |t| times[t])
        })
        .collect();
    Some((quantile(&drawn, 0.025)?, quantile(&drawn, 0.975)?))
}
