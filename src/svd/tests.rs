//! The whole room against faer's dense SVD of the same entries.

use std::ops::Range;

use faer::Mat;
use proptest::prelude::*;

use super::*;
use crate::gradients::{Dense, GradientMatrix};
use crate::numeric::random::{Purpose, Stream};

pub(super) fn dense(t: usize, p: usize, entry: impl FnMut(usize) -> f64) -> Dense {
    Dense::new(t, p, (0..t * p).map(entry).map(|x| x as f32).collect()).unwrap()
}

pub(super) fn noise(t: usize, p: usize, seed: u64) -> Dense {
    let mut stream = Stream::new(seed, Purpose::Controls, 0);
    dense(t, p, |_| stream.normal())
}

/// `sum_i s_i a_i b_i^T` with random signs in `a_i`, `b_i`: rank at most `s.len()`, exact in f32
/// for powers of two.
pub(super) fn low_rank(t: usize, p: usize, s: &[f64]) -> Dense {
    let mut stream = Stream::new(1, Purpose::Controls, 1);
    let a: Vec<f64> = (0..t * s.len()).map(|_| stream.sign()).collect();
    let b: Vec<f64> = (0..p * s.len()).map(|_| stream.sign()).collect();
    let k = s.len();
    dense(t, p, |at| {
        (0..k)
            .map(|i| s[i] * a[at / p * k + i] * b[at % p * k + i])
            .sum()
    })
}

fn widened(matrix: &Dense) -> Mat<f64> {
    let p = matrix.param_len();
    Mat::from_fn(matrix.time_len(), p, |i, j| {
        f64::from(matrix.values()[i * p + j])
    })
}

pub(super) fn run(matrix: &dyn GradientMatrix, options: &Options) -> Decomposition {
    truncated(matrix, options, &mut |_| {}).unwrap()
}

/// Holds a result against the dense SVD, its certificate against the matrix, and returns it.
fn check(matrix: &Dense, options: &Options) -> Decomposition {
    let found = run(matrix, options);
    let a = widened(matrix);
    let expected = a.singular_values().unwrap();
    let slack = options.tolerance * expected[0];
    let rank = expected
        .iter()
        .filter(|&&s| s > certificate::RANK_FLOOR * expected[0])
        .count();
    assert_eq!(
        found.rank,
        rank.min(options.rank),
        "{:?} {expected:?}",
        found.s
    );
    assert!(
        found.converged,
        "{:?} {:?}",
        found.stop, found.right_residuals
    );
    for i in 0..found.rank {
        assert!(
            (found.s[i] - expected[i]).abs() <= slack,
            "{i} {:?} {expected:?}",
            found.s
        );
        let v = found.v_column(i);
        let u = found.u_column(i);
        assert!(
            v.iter()
                .fold(0.0f64, |m, &x| if x.abs() > m.abs() { x } else { m })
                > 0.0
        );
        // G v - s u and G^T u - s v, without the code under test.
        let left = (0..a.ncols()).map(|j| {
            let g_v: f64 = (0..a.nrows()).map(|t| a[(t, j)] * v[t]).sum();
            (g_v - found.s[i] * f64::from(u[j])).powi(2)
        });
        let right = (0..a.nrows()).map(|t| {
            let gt_u: f64 = (0..a.ncols()).map(|j| a[(t, j)] * f64::from(u[j])).sum();
            (gt_u - found.s[i] * v[t]).powi(2)
        });
        let (left, right) = (left.sum::<f64>().sqrt(), right.sum::<f64>().sqrt());
        let rounding = 1e-13 * expected[0];
        assert!(
            (left - found.left_residuals[i]).abs() <= rounding,
            "{left} {found:?}"
        );
        assert!(
            (right - found.right_residuals[i]).abs() <= rounding,
            "{right}"
        );
        assert!(found.residual(i) <= slack);
    }
    assert!(found.orthogonality_v < 1e-12, "{}", found.orthogonality_v);
    let energy: f64 = expected.iter().map(|s| s * s).sum();
    assert!((found.frobenius_squared - energy).abs() <= 1e-12 * energy);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn random_matrices(t in 1usize..160, p in 1usize..160, rank in 1usize..8, seed: u64) {
        let options = Options { max_passes: 60, seed, ..Options::with_rank(rank) };
        let found = check(&noise(t, p, seed), &options);
        prop_assert!(found.orthogonality_u < 1e-6);
    }
}

#[test]
fn pathologies() {
    let (t, p) = (130, 97);
    let one_hot = |at: usize| if at == 57 * p + 40 { 3.0 } else { 0.0 };
    let diagonal = |at: usize| {
        if at / p == at % p {
            0.5f64.powi((at % p) as i32)
        } else {
            0.0
        }
    };
    let mut noise_row = Stream::new(4, Purpose::Controls, 2);
    let row: Vec<f64> = (0..p).map(|_| noise_row.normal()).collect();
    let base = noise(t, p, 9);
    let scaled = |factor: f32| {
        let values = base.values().iter().map(|x| x * factor).collect();
        Dense::new(t, p, values).unwrap()
    };
    // Name, matrix, triplets among the six asked for.
    let table = [
        ("one-hot", dense(t, p, one_hot), 1),
        ("rank 1", low_rank(t, p, &[2.0]), 1),
        ("rank 3, tied values", low_rank(t, p, &[1.0, 1.0, 1.0]), 3),
        ("k above the rank", low_rank(t, p, &[4.0, 2.0, 1.0, 0.5]), 4),
        ("repeated rows", dense(t, p, |at| row[at % p]), 1),
        (
            "two repeated rows",
            dense(t, p, |at| row[(at % p + at / p % 2 * 13) % p]),
            2,
        ),
        (
            "identity",
            dense(t, p, |at| f64::from(u8::from(at / p == at % p))),
            6,
        ),
        ("falling by halves", dense(t, p, diagonal), 6),
        (
            "huge dynamic range",
            dense(t, p, |at| diagonal(at).powi(8)),
            3,
        ),
        ("denormals", scaled(1e-41), 6),
        ("largest floats", scaled(5e37), 6),
        ("1 x n", dense(1, 3000, |at| at as f64), 1),
        ("n x 1", dense(3000, 1, |at| at as f64), 1),
        ("1 x 1", dense(1, 1, |_| -2.0), 1),
        ("wide, few rows", noise(3, 2500, 1), 3),
        ("tall, few columns", noise(2500, 3, 1), 3),
        (
            "rounded to f32",
            dense(t, p, |at| row[at / p % 97] * row[at % p] / 3.0),
            1,
        ),
    ];
    for (name, matrix, rank) in table {
        let options = Options {
            max_passes: 60,
            ..Options::with_rank(6)
        };
        let found = check(&matrix, &options);
        assert_eq!((found.rank, found.requested), (rank, 6), "{name}");
        // Without a start block that is all of the space, too.
        let narrow = Options {
            block: 6,
            max_passes: 200,
            ..options
        };
        assert_eq!(check(&matrix, &narrow).rank, rank, "{name}, narrow block");
    }
}

#[test]
fn zeros_have_rank_0() {
    let found = run(&dense(100, 2000, |_| 0.0), &Options::default());
    assert_eq!((found.rank, found.requested, found.passes), (0, 32, 1));
    assert!(found.converged && found.u.is_empty() && found.explained().is_empty());
}

#[test]
fn a_planted_spectrum_comes_out_of_noise_over_several_tiles() {
    let (t, p) = (300, 3000);
    let planted = low_rank(t, p, &[1.0, 0.5, 0.25]);
    let noise = noise(t, p, 3);
    let matrix = dense(t, p, |at| {
        f64::from(planted.values()[at] + 0.05 * noise.values()[at])
    });
    let mut passes = Vec::new();
    let options = Options::with_rank(3);
    let found = truncated(&matrix, &options, &mut |pass| passes.push(pass)).unwrap();
    assert_eq!(found, check(&matrix, &options));
    assert_eq!((found.stop, found.passes), (Stop::Tolerance, passes.len()));
    assert_eq!(passes.last().unwrap().index, found.passes);
    assert!(passes.iter().all(|pass| pass.bytes == 4 * 300 * 3000));
    assert!(found.explained()[0] > 0.6);
    // u_i projects to its own coordinate; the directions are orthonormal.
    let projected = found.project(&found.u_column(1)).unwrap();
    let crossed = found.cross(&found).unwrap();
    for i in 0..3 {
        let expected = if i == 1 { 1.0 } else { 0.0 };
        assert!((projected[i] - expected).abs() < 1e-6 && (crossed[3 + i] - expected).abs() < 1e-6);
    }
    assert!(found.project(&[0.0]).is_err());
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let matrix = noise(150, 5000, 8);
    let options = Options {
        max_passes: 5,
        ..Options::with_rank(6)
    };
    let at = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let found = run(&matrix, &options);
            let cross = found.cross(&found).unwrap();
            (found, cross)
        })
    };
    let one = at(1);
    assert_eq!(one.0.stop, Stop::MaxPasses);
    assert!(!one.0.converged && one.0.passes == 5);
    for threads in [2, 5] {
        let (found, cross) = at(threads);
        let bits = |x: &Decomposition| -> Vec<u64> {
            let wide = [&x.s, &x.v, &x.left_residuals, &x.right_residuals];
            let wide = wide.into_iter().flatten().map(|x| x.to_bits());
            wide.chain(x.u.iter().map(|x| u64::from(x.to_bits())))
                .collect()
        };
        assert_eq!(bits(&found), bits(&one.0), "{threads} threads");
        assert_eq!(cross, one.1);
    }
}

/// A matrix that does not look at what it gives.
struct Unchecked(f32);

impl GradientMatrix for Unchecked {
    fn time_len(&self) -> usize {
        2
    }
    fn param_len(&self) -> usize {
        1500
    }
    fn read(&self, params: Range<usize>, out: &mut [f32]) -> Result<(), crate::gradients::Error> {
        out.fill(if params.contains(&1100) { self.0 } else { 1.0 });
        Ok(())
    }
}

#[test]
fn what_is_refused_and_why() {
    let refusal = |matrix: &dyn GradientMatrix, options: &Options| {
        truncated(matrix, options, &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    for entry in [f32::NAN, f32::INFINITY] {
        let text = refusal(&Unchecked(entry), &Options::default());
        assert!(text.starts_with("parameters 1024 to 1499"), "{text}");
    }
    let empty = Dense::new(0, 5, vec![]).unwrap();
    assert!(refusal(&empty, &Options::default()).contains("found 0 steps x 5 parameters"));
    let one = dense(1, 1, |_| 1.0);
    for (options, name) in [
        (
            Options {
                rank: 0,
                ..Options::default()
            },
            "svd.rank",
        ),
        (
            Options {
                block: 31,
                ..Options::default()
            },
            "svd.block",
        ),
        (
            Options {
                tolerance: 1e-9,
                ..Options::default()
            },
            "svd.tolerance",
        ),
        (
            Options {
                tolerance: f64::NAN,
                ..Options::default()
            },
            "svd.tolerance",
        ),
        (
            Options {
                max_passes: 2,
                ..Options::default()
            },
            "svd.max_passes",
        ),
    ] {
        assert!(refusal(&one, &options).starts_with(name), "{name}");
    }
}
