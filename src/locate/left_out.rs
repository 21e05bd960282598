//! Courses by directions that know nothing of the row.
//!
//! A direction is a sum of rows, `u_i = sum_t x_i(t) g_t`, and so holds some of the noise n_t of every one. Its course
//! at t is larger by what that has to do with itself,
//! ```text
//! s_i v_i(t) = u_i . g_t     holds     x_i(t) |n_t|^2
//! ```
//! which is more where rows are longer: a direction that was active throughout would be early where norms fall. It is taken off,
//! as if u_i had been found without the row's noise (the leave-one-out of linear regression):
//! ```text
//! v_i(t) - x_i(t) r_t / s_i        r_t = |g_t|^2 - |fit_t|^2,  X = M (M^T M)^-1,  M = V S
//! ```
//! over the components that are signal; of singular vectors X is `V S^-1`, of components that were [turned](super::turn)
//! it is not.

use faer::Mat;

use crate::svd::{Decomposition, eigen, product};

/// What each of the first `signals` directions is a sum of: `X`, `(T, signals)`.
pub(super) fn weights(d: &Decomposition, signals: usize) -> Mat<f64> {
    let signals = signals.min(d.rank);
    let m = Mat::from_fn(d.time_len, signals, |t, i| d.s[i] * d.v[t * d.rank + i]);
    let square = product(m.transpose(), m.as_ref());
    let Ok((values, vectors)) = eigen(square.as_ref()) else {
        // As if they were singular vectors.
        return Mat::from_fn(d.time_len, signals, |t, i| d.v[t * d.rank + i] / d.s[i]);
    };
    let divided = Mat::from_fn(signals, signals, |i, j| vectors[(i, j)] / values[j]);
    let inverse = product(divided.as_ref(), vectors.transpose());
    product(m.as_ref(), inverse.as_ref())
}

/// The courses of the first `signals` components of `d`, whose rows had these norms.
pub(super) fn courses(d: &Decomposition, signals: usize, row_norms: &[f64]) -> Vec<Vec<f64>> {
    let x = weights(d, signals);
    let residual: Vec<f64> = (0..d.time_len)
        .map(|t| {
            let fit = (0..x.ncols()).map(|i| (d.s[i] * d.v[t * d.rank + i]).powi(2));
            (row_norms[t] * row_norms[t] - fit.sum::<f64>()).max(0.0)
        })
        .collect();
    let course = |i: usize| -> Vec<f64> {
        let at = |t: usize| d.v[t * d.rank + i] - x[(t, i)] * residual[t] / d.s[i];
        (0..d.time_len).map(at).collect()
    };
    (0..x.ncols()).map(course).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::{Dense, row_norms};
    use crate::numeric::random::{Purpose, Stream};
    use crate::svd::{Options, truncated};

    /// Signal and noise fall together: the plain course leans to where noise is loud, the other is that of the signal.
    #[test]
    fn a_steady_direction_under_falling_norms_is_steady() {
        const ROWS: usize = 200;
        const PARAMS: usize = 800;
        let (mut plain, mut left_out) = (0.0, 0.0);
        for seed in 0..8 {
            let mut stream = Stream::new(seed, Purpose::Controls, 0);
            let mut values = Vec::new();
            for t in 0..ROWS {
                let fade = (-2.0 * t as f64 / ROWS as f64).exp();
                let amount = 1.5 * stream.sign();
                let entry = |p| match p < 100 {
                    true => amount / 10.0,
                    false => 0.0,
                };
                let row = (0..PARAMS).map(|p| fade * (entry(p) + 0.1 * stream.normal()));
                values.extend(row.map(|x| x as f32).collect::<Vec<f32>>());
            }
            let matrix = Dense::new(ROWS, PARAMS, values).unwrap();
            let options = Options {
                max_passes: 60,
                ..Options::with_rank(1)
            };
            let d = truncated(&matrix, &options, &mut |_| {}).unwrap();
            let norms = row_norms(&matrix).unwrap();
            // Amounts of one size: v / fade is one size, but for the noise along u.
            let lean = |v: &[f64]| {
                let size = |t: usize| v[t].abs() / (-2.0 * t as f64 / ROWS as f64).exp();
                let mean = |rows: std::ops::Range<usize>| rows.map(size).sum::<f64>() / 50.0;
                mean(0..50) / mean(150..200) - 1.0
            };
            plain += lean(&d.v_column(0)) / 8.0;
            left_out += lean(&courses(&d, 1, &norms)[0]) / 8.0;
        }
        assert!(plain > 0.03 && left_out.abs() < 0.01, "{plain} {left_out}");
    }

    #[test]
    fn directions_are_the_sums_that_the_weights_say() {
        let mut stream = Stream::new(3, Purpose::Controls, 0);
        let values: Vec<f32> = (0..6 * 30).map(|_| stream.normal() as f32).collect();
        let matrix = Dense::new(6, 30, values).unwrap();
        let mut d = truncated(&matrix, &Options::with_rank(6), &mut |_| {}).unwrap();
        // Turn the first two, as a group is turned.
        let (cos, sin) = (0.6, 0.8);
        let (u, v, s) = (d.u.clone(), d.v.clone(), d.s.clone());
        let along = |t: usize, i: usize| s[i] * v[t * 6 + i];
        for p in 0..30 {
            let [a, b] = [f64::from(u[p * 6]), f64::from(u[p * 6 + 1])];
            d.u[p * 6] = (cos * a + sin * b) as f32;
            d.u[p * 6 + 1] = (cos * b - sin * a) as f32;
        }
        d.s[0] = (cos * s[0]).hypot(sin * s[1]);
        d.s[1] = (cos * s[1]).hypot(sin * s[0]);
        for t in 0..6 {
            d.v[t * 6] = (cos * along(t, 0) + sin * along(t, 1)) / d.s[0];
            d.v[t * 6 + 1] = (cos * along(t, 1) - sin * along(t, 0)) / d.s[1];
        }
        let x = weights(&d, 6);
        for p in 0..30 {
            for i in 0..6 {
                let sum: f64 = (0..6)
                    .map(|t| x[(t, i)] * f64::from(matrix.row(t)[p]))
                    .sum();
                assert!((sum - f64::from(d.u[p * 6 + i])).abs() < 1e-5);
            }
        }
    }
}
