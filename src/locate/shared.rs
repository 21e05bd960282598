//! Whether rows share a direction, or a component is what nearly orthogonal rows of noise give: for decompositions whose
//! spectrum was not held against drawn nulls.
//!
//! With `e(t) = v(t)^2` and r(t) the norm of row t, the rows' worth of a component is
//! ```text
//! N = sigma^2 / sum e r^2
//! ```
//! 1 for a lone row, whatever its norm, and `n cos^2` for n rows as long as each other of which each has
//! the cosine cos with u. Of T rows of white noise in P dimensions no component has more than
//! `(1 + sqrt(T / P))^2` (Marchenko and Pastur 1967: the edge, which N of the active rows is held to
//! where norms differ). Leading noise gathers in the few rows of the largest norms, and looks like a phase.

/// What chance adds to the edge.
const MARGIN: f64 = 1.1;

/// Whether a component with the singular value `sigma` and the course `v` is worth more rows than white noise gives, the
/// rows having norms and `param_len` entries.
pub fn is_shared(sigma: f64, v: &[f64], row_norms: &[f64], param_len: usize) -> bool {
    let pairs = v.iter().zip(row_norms);
    let one_row: f64 = pairs.map(|(v, r)| (v * r) * (v * r)).sum();
    let edge = 1.0 + (v.len() as f64 / param_len.max(1) as f64).sqrt();
    sigma * sigma > MARGIN * edge * edge * one_row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::{Dense, row_norms};
    use crate::numeric::random::{Purpose, Stream};
    use crate::svd::{Options, truncated};

    /// How many of the eight leading components are shared: of noise, and of a direction in the first
    /// 15 % of rows, whose norms fall by `e^-fall`.
    fn shared(rows: usize, params: usize, fall: f64, strength: f64, seed: u64) -> usize {
        let mut stream = Stream::new(seed, Purpose::Controls, 0);
        let direction: Vec<f64> = (0..params).map(|_| stream.sign()).collect();
        let values = (0..rows).flat_map(|t| {
            let tau = t as f64 / rows as f64;
            let norm = (-fall * tau).exp() * (0.25 * stream.normal()).exp();
            let amount = if tau < 0.15 {
                strength * stream.normal()
            } else {
                0.0
            };
            let entry = |u: &f64| (norm * (stream.normal() + amount * u)) as f32;
            direction.iter().map(entry).collect::<Vec<f32>>()
        });
        let matrix = Dense::new(rows, params, values.collect()).unwrap();
        let d = truncated(&matrix, &Options::with_rank(8), &mut |_| {}).unwrap();
        let norms = row_norms(&matrix).unwrap();
        let is_shared = |&i: &usize| is_shared(d.s[i], &d.v_column(i), &norms, params);
        (0..d.rank).filter(is_shared).count()
    }

    #[test]
    fn noise_shares_nothing_however_its_norms_fall_and_a_short_phase_does() {
        for (rows, params) in [(300, 900), (400, 100)] {
            for fall in [0.0, 3.0] {
                for seed in 0..4 {
                    assert_eq!(
                        shared(rows, params, fall, 0.0, seed),
                        0,
                        "{rows} {fall} {seed}"
                    );
                }
                assert_eq!(shared(rows, params, fall, 1.0, 5), 1, "{rows} {fall}");
            }
        }
        // A lone row, however long, is one row's worth.
        assert!(!is_shared(9.0, &[1.0, 0.0], &[9.0, 1.0], 1_000_000));
    }
}
