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
        .filter(|&&s| s > decompose::RANK_FLOOR * expected[0])
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
        assert!(!signs::turns(v.iter().copied()));
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
        // Stated with the rounding of U at its worst: never below the true one, nor much above.
        let stated = found.right_residuals[i];
        assert!(right <= stated + rounding, "{right} {stated}");
        assert!(stated <= right + 6e-8 * expected[0], "{right} {stated}");
        assert!(found.residual(i) <= slack);
    }
    assert!(found.orthogonality_v < 1e-12, "{}", found.orthogonality_v);
    let energy: f64 = expected.iter().map(|s| s * s).sum();
    assert!((found.frobenius_norm - energy.sqrt()).abs() <= 1e-12 * energy.sqrt());
    found
}

/// The same by every method that takes the matrix.
fn check_all(matrix: &Dense, options: &Options) -> Decomposition {
    for method in [Method::Krylov, Method::Gram, Method::Dense] {
        let options = Options {
            method,
            ..options.clone()
        };
        assert_eq!(check(matrix, &options).method, method);
    }
    check(matrix, options)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn random_matrices(t in 1usize..160, p in 1usize..160, rank in 1usize..8, seed: u64) {
        let options = Options { max_passes: 60, seed, ..Options::with_rank(rank) };
        let found = check_all(&noise(t, p, seed), &options);
        prop_assert!(found.orthogonality_u < 1e-6);
    }
}

/// Fails where `work` does not return: a method that hangs is what the pathologies are after. The
/// limit is a hundred times what they take.
fn ends(work: fn()) {
    let (done, ended) = std::sync::mpsc::channel();
    let worker = std::thread::spawn(move || {
        work();
        // The receiver is gone only where the limit has passed.
        let _ = done.send(());
    });
    match ended.recv_timeout(std::time::Duration::from_secs(200)) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("no end after 200 s"),
        _ => worker.join().unwrap(),
    }
}

#[test]
fn pathologies() {
    ends(pathologies_in_single_precision);
}

fn pathologies_in_single_precision() {
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
        let found = check_all(&matrix, &options);
        assert_eq!((found.rank, found.requested), (rank, 6), "{name}");
        // Blocks that are not all of the space, as wide as the rank and narrower.
        for block in [6, 2] {
            let narrow = Options {
                method: Method::Krylov,
                block: Some(block),
                max_passes: 400,
                ..options.clone()
            };
            assert_eq!(check(&matrix, &narrow).rank, rank, "{name}, block {block}");
        }
    }
}

#[test]
fn zeros_have_rank_0() {
    let found = run(&dense(100, 2000, |_| 0.0), &Options::default());
    assert_eq!((found.rank, found.requested, found.passes), (0, 32, 1));
    assert!(found.converged && found.u.is_empty() && found.explained().is_empty());
    for method in [Method::Krylov, Method::Gram, Method::Dense] {
        let options = Options {
            method,
            ..Options::default()
        };
        for (t, p) in [(100, 2000), (50, 3)] {
            assert_eq!(run(&dense(t, p, |_| 0.0), &options).rank, 0);
        }
    }
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
    let options = Options {
        method: Method::Krylov,
        ..Options::with_rank(3)
    };
    let found = truncated(&matrix, &options, &mut |pass| passes.push(pass)).unwrap();
    assert_eq!(found, check(&matrix, &options));
    // One more for the certificate.
    assert_eq!(
        (found.stop, found.passes),
        (Stop::Tolerance, passes.len() + 1)
    );
    assert_eq!(passes.last().unwrap().index + 1, found.passes);
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
    let krylov = Options {
        max_passes: 5,
        method: Method::Krylov,
        block: Some(10),
        ..Options::with_rank(6)
    };
    let gram = Options {
        method: Method::Gram,
        ..krylov.clone()
    };
    let at = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let found = run(&matrix, &krylov);
            let cross = found.cross(&found).unwrap();
            (found, cross, run(&matrix, &gram))
        })
    };
    let one = at(1);
    assert_eq!(one.0.stop, Stop::MaxPasses);
    assert!(!one.0.converged && one.0.passes == 5);
    for threads in [2, 5] {
        let (found, cross, gram) = at(threads);
        let bits = |x: &Decomposition| -> Vec<u64> {
            let wide = [&x.s, &x.v, &x.left_residuals, &x.right_residuals];
            let wide = wide.into_iter().flatten().map(|x| x.to_bits());
            wide.chain(x.u.iter().map(|x| u64::from(x.to_bits())))
                .collect()
        };
        assert_eq!(bits(&found), bits(&one.0), "{threads} threads");
        assert_eq!(bits(&gram), bits(&one.2), "{threads} threads");
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
    fn read_block(
        &self,
        _: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), crate::gradients::Error> {
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
        assert!(text.starts_with("matrix: row 0, column 1024 is "), "{text}");
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
                block: Some(0),
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
                max_passes: 1,
                ..Options::default()
            },
            "svd.max_passes",
        ),
    ] {
        assert!(refusal(&one, &options).starts_with(name), "{name}");
    }
    let small = Options {
        max_memory_bytes: 100_000,
        ..Options::default()
    };
    let text = refusal(&noise(200, 3000, 1), &small);
    assert!(text.contains("expected at most 0 MB"), "{text}");
    let lanczos = Options {
        method: Method::Lanczos,
        ..Options::with_rank(5)
    };
    let text = refusal(&dense(65, 70_000, |_| 1.0), &lanczos);
    assert!(
        text.contains("at most 4194304 entries, found 65 x 70000"),
        "{text}"
    );
    assert!(check(&noise(90, 130, 1), &lanczos).rank == 5);
    // Whoever watches may end it.
    let mut heard = 0;
    let krylov = Options {
        method: Method::Krylov,
        ..Options::with_rank(5)
    };
    let stopped = decompose(&noise(90, 3000, 1), &krylov, None, &mut |_| {
        heard += 1;
        heard < 3
    });
    assert!(matches!(stopped, Err(Error::Interrupted)));
}

/// A matrix of `f64`.
pub(super) struct Double(pub(super) Mat<f64>);

impl GradientMatrix for Double {
    fn time_len(&self) -> usize {
        self.0.nrows()
    }
    fn param_len(&self) -> usize {
        self.0.ncols()
    }
    fn is_double(&self) -> bool {
        true
    }
    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), crate::gradients::Error> {
        let entries = rows.flat_map(|t| params.clone().map(move |p| self.0[(t, p)]));
        out.iter_mut().zip(entries).for_each(|(o, x)| *o = x as f32);
        Ok(())
    }
    fn read_block_f64(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f64],
    ) -> Result<(), crate::gradients::Error> {
        let entries = rows.flat_map(|t| params.clone().map(move |p| self.0[(t, p)]));
        out.iter_mut().zip(entries).for_each(|(o, x)| *o = x);
        Ok(())
    }
}

#[test]
fn pathologies_of_f64() {
    ends(pathologies_in_double_precision);
}

fn pathologies_in_double_precision() {
    let (t, p) = (83, 130);
    let noise = noise(t, p, 5);
    let entry = |i: usize, j: usize| f64::from(noise.values()[i * p + j]);
    let diagonal = |power: f64| {
        Mat::from_fn(t, p, move |i, j| {
            if i == j {
                10f64.powf(30.0 - power * i as f64)
            } else {
                0.0
            }
        })
    };
    let row = Mat::from_fn(t, p, |_, j| entry(0, j));
    let ties = Mat::from_fn(t, p, |i, j| {
        f64::from(u8::from(i == j)) * if i < 20 { 2.0 } else { 1.0 }
    });
    let table = [
        ("noise", Mat::from_fn(t, p, entry), 6),
        ("tall", Mat::from_fn(p, t, |i, j| entry(j, i)), 6),
        ("zeros", Mat::zeros(t, p), 0),
        ("1 x n", Mat::from_fn(1, p, entry), 1),
        ("n x 1", Mat::from_fn(p, 1, |i, _| entry(0, i)), 1),
        ("repeated rows", row, 1),
        ("tied values", ties, 6),
        (
            "subnormal",
            Mat::from_fn(t, p, |i, j| entry(i, j) * 1e-310),
            6,
        ),
        (
            "near the largest float",
            Mat::from_fn(t, p, |i, j| entry(i, j) * 1e305),
            6,
        ),
        ("1e30 down to 1e-30", diagonal(60.0 / 82.0), 6),
        (
            "rank 3",
            Mat::from_fn(t, p, |i, j| (0..3).map(|k| entry(i, k) * entry(k, j)).sum()),
            3,
        ),
        ("k above min(m, n)", Mat::from_fn(4, p, entry), 4),
    ];
    for (name, entries, rank) in table {
        let (rows, scale) = (entries.nrows(), entries.norm_max());
        let scaled = if scale > 0.0 {
            Mat::from_fn(rows, entries.ncols(), |i, j| entries[(i, j)] / scale)
        } else {
            entries.clone()
        };
        let expected = scaled.singular_values().unwrap();
        let matrix = Double(entries);
        for method in [Method::Auto, Method::Krylov, Method::Gram, Method::Dense] {
            for block in [None, Some(2)] {
                let options = Options {
                    method,
                    block,
                    max_passes: 400,
                    ..Options::with_rank(6)
                };
                let found = run(&matrix, &options);
                assert_eq!(
                    found.rank, rank,
                    "{name}, {method:?}, {block:?}: {:?}",
                    found.s
                );
                assert!(found.converged, "{name}, {method:?}, {block:?}: {found:?}");
                for (i, s) in found.s.iter().enumerate() {
                    let error = (s / scale - expected[i]).abs();
                    assert!(
                        error <= 1e-6 * expected[0],
                        "{name}, {method:?}: {s} {error}"
                    );
                }
                if rank > 0 {
                    let norm = found.frobenius_norm / scale;
                    assert!(
                        (norm - scaled.norm_l2()).abs() <= 1e-12 * norm,
                        "{name} {norm}"
                    );
                    let orthogonality = found.orthogonality_u.max(found.orthogonality_v);
                    assert!(orthogonality < 1e-6, "{name}, {method:?}: {orthogonality}");
                }
            }
        }
    }
}

#[test]
fn a_tie_wider_than_the_block_is_found_whole() {
    // Twelve equal values above a falling rest: a block of 4 first sees four of them.
    let (t, p) = (200, 300);
    let entries = Mat::from_fn(t, p, |i, j| match i {
        _ if i != j => 0.0,
        0..12 => 3.0,
        _ => 2.0 / (i - 10) as f64,
    });
    let options = Options {
        method: Method::Krylov,
        block: Some(4),
        max_passes: 200,
        ..Options::with_rank(16)
    };
    let found = run(&Double(entries), &options);
    let expected = [[3.0; 12].as_slice(), &[1.0, 2.0 / 3.0, 0.5, 0.4]].concat();
    for (s, expected) in found.s.iter().zip(expected) {
        assert!((s - expected).abs() < 1e-6, "{:?}", found.s);
    }
}

#[test]
fn products_in_single_precision_give_way_where_they_are_too_coarse() {
    // Above the size where f32 is tried; the last values are at 3e-5 of the first.
    let (t, p) = (140, 130_000);
    let s: Vec<f64> = (0..10).map(|i| 0.3f64.powi(i)).collect();
    let planted = low_rank(t, p, &s);
    let noise = noise(t, p, 12);
    let matrix = dense(t, p, |at| {
        f64::from(planted.values()[at]) + 1e-7 * f64::from(noise.values()[at])
    });
    let options = Options {
        method: Method::Krylov,
        block: Some(5),
        tolerance: 3e-7,
        ..Options::with_rank(10)
    };
    let mut plan = None;
    let found = decompose(&matrix, &options, None, &mut |event| {
        if let Event::Plan(found) = event {
            plan = Some(found.clone());
        }
        true
    })
    .unwrap();
    assert_eq!(plan.unwrap().precision, Precision::Single);
    let gram = run(
        &matrix,
        &Options {
            method: Method::Gram,
            ..options
        },
    );
    assert!(found.converged && gram.converged, "{found:?}");
    for (a, b) in found.s.iter().zip(&gram.s) {
        assert!(
            (a - b).abs() < 1e-7 * gram.s[0],
            "{:?} {:?}",
            found.s,
            gram.s
        );
    }
    assert_eq!(found.rank, 10);
}

#[test]
fn a_sketch_is_a_start_and_one_reading_is_enough_for_low_rank() {
    let (t, p) = (300, 3000);
    let matrix = low_rank(t, p, &[4.0, 2.0, 1.0]);
    // A times signs, 8 columns of it.
    let mut stream = Stream::new(0, Purpose::Controls, 7);
    let omega: Vec<f64> = (0..p * 8).map(|_| stream.sign()).collect();
    let sketch: Vec<f64> = (0..t * 8)
        .map(|at| {
            let row = matrix.row(at / 8).iter().enumerate();
            row.map(|(i, &x)| f64::from(x) * omega[i * 8 + at % 8])
                .sum()
        })
        .collect();
    let options = Options {
        max_passes: 1,
        ..Options::with_rank(3)
    };
    let found = decompose(&matrix, &options, Some(&sketch), &mut |_| true).unwrap();
    assert_eq!((found.passes, found.rank), (1, 3));
    let expected = run(&matrix, &Options::with_rank(3));
    assert!(found.converged, "{found:?}");
    for (a, b) in found.s.iter().zip(&expected.s) {
        assert!((a - b).abs() < 1e-6 * expected.s[0]);
    }
    // Of noise one reading tells the truth about itself: far from converged.
    let noisy = noise(t, p, 2);
    let found = decompose(&noisy, &options, Some(&sketch), &mut |_| true).unwrap();
    assert!(!found.converged && found.passes == 1);
    // Wider than the blocks of the iteration, it is cut to them; directions that a narrower block
    // left out later would keep this from converging.
    let above = dense(t, p, |at| {
        f64::from(matrix.values()[at] + 0.2 * noisy.values()[at])
    });
    let wide: Vec<f64> = (0..t * 64)
        .map(|at| {
            let row = above.row(at / 64).iter().enumerate();
            row.map(|(i, &x)| f64::from(x) * omega[(i * 8 + at % 64) % omega.len()])
                .sum()
        })
        .collect();
    let narrow = Options {
        method: Method::Krylov,
        block: Some(4),
        ..Options::with_rank(8)
    };
    let from_random = run(&above, &narrow);
    let found = decompose(&above, &narrow, Some(&wide), &mut |_| true).unwrap();
    assert!(found.converged && from_random.converged, "{found:?}");
    let readings = (found.passes, from_random.passes);
    assert!(readings.0 <= readings.1 + 4, "{readings:?}");
    // A sketch of zeros is no start.
    let more = Options {
        max_passes: 60,
        ..Options::with_rank(3)
    };
    let zeros = vec![0.0; t * 8];
    assert!(
        decompose(&noisy, &more, Some(&zeros), &mut |_| true)
            .unwrap()
            .converged
    );
}
