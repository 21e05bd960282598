//! Matrices made to mislead the iteration, and what its certificate says of them.

use faer::Mat;

use super::tests::{Double, dense, noise, run};
use super::*;
use crate::gradients::Dense;
use bounds::{Bounds, Likely, bounds};

fn likely(d: &Decomposition) -> (Bounds, Likely) {
    let all = bounds(d);
    let likely = all.likely.clone().unwrap();
    (all, likely)
}

fn krylov(rank: usize) -> Options {
    Options {
        method: Method::Krylov,
        ..Options::with_rank(rank)
    }
}

/// Rows that fall by halves, and two equal ones on columns of their own, whose sum is a direction of value 3 that a
/// start block which is opposite in the two never sees.
fn hidden(t: usize, p: usize) -> Dense {
    let own = p - 100;
    let (left, right) = (noise(t, 20, 2), noise(own, 20, 3));
    let entry = |i: usize, j: usize, r: usize| f64::from(left.row(i)[r] * right.row(j)[r]);
    dense(t, p, |at| {
        let (i, j) = (at / p, at % p);
        match (i, j < own) {
            (104 | 107, false) => 3.0 / (2.0f64 * 100.0).sqrt(),
            (104 | 107, true) | (_, false) => 0.0,
            _ => {
                let sum: f64 = (0..20)
                    .map(|r| 0.5f64.powi(r as i32) * entry(i, j, r))
                    .sum();
                sum / ((t * own) as f64).sqrt()
            }
        }
    })
}

#[test]
fn what_the_start_block_cannot_see_is_found() {
    let matrix = hidden(600, 700);
    for seed in 0..3 {
        let found = run(&matrix, &Options { seed, ..krylov(4) });
        assert!(
            (found.s[0] - 3.0).abs() < 1e-6,
            "seed {seed}: {:?}",
            found.s
        );
        assert!(found.converged);
    }
    // A sketch that holds all directions but the leading ones is no better start.
    let a = Mat::from_fn(600, 700, |i, j| f64::from(matrix.row(i)[j]));
    let u = a.thin_svd().unwrap().U().to_owned();
    let sketch: Vec<f64> = (0..600 * 8).map(|at| u[(at / 8, 1 + at % 8)]).collect();
    let found = decompose(&matrix, &krylov(4), Some(&sketch), &mut |_| true).unwrap();
    assert!(
        (found.s[0] - 3.0).abs() < 1e-6 && found.converged,
        "{:?}",
        found.s
    );
    // With one reading nothing can be done but say so.
    let one = Options {
        max_passes: 1,
        ..krylov(4)
    };
    let found = decompose(&matrix, &one, Some(&sketch), &mut |_| true).unwrap();
    let (proved, likely) = likely(&found);
    assert!(
        found.s[0] < 2.0 && !found.converged && found.passes == 1,
        "{found:?}"
    );
    assert!(
        likely.others_at_least > found.s[3] && likely.gap.is_none(),
        "{likely:?}"
    );
    assert!(likely.others_likely_at_most >= 3.0 && proved.others_at_most >= 3.0);
}

#[test]
fn the_rest_of_a_falling_diagonal_is_not_called_zero() {
    // np.diag([1, 1e-2, 1e-4, 1e-6, 1e-8]): 1 - explained is 0 in f64.
    let diagonal = Mat::from_fn(
        5,
        5,
        |i, j| if i == j { 0.01f64.powi(i as i32) } else { 0.0 },
    );
    for method in [Method::Krylov, Method::Gram, Method::Dense] {
        let options = Options {
            method,
            ..Options::with_rank(4)
        };
        let (proved, likely) = likely(&run(&Double(diagonal.clone()), &options));
        assert!((1e-8..1e-5).contains(&proved.others_at_most), "{proved:?}");
        assert!(likely.others_likely_at_most >= 0.99e-8, "{likely:?}");
    }
}

#[test]
fn a_tie_that_may_go_on_has_no_gap() {
    let entries = Mat::from_fn(60, 90, |i, j| match i {
        _ if i != j => 0.0,
        0..12 => 1.0,
        _ => 0.9f64.powi(i as i32 - 11),
    });
    let options = Options {
        block: Some(1),
        tolerance: 1e-4,
        max_passes: 200,
        ..krylov(8)
    };
    let (_, likely) = likely(&run(&Double(entries), &options));
    assert_eq!((likely.gap, likely.subspace_angle), (None, None));
    assert!(likely.others_likely_at_most >= 1.0);
}

#[test]
fn what_was_not_looked_for_is_not_absent() {
    let noise = noise(200, 300, 4);
    // Three values of 1, and then 1e-9 and less, in f64: squares hide them from the iteration.
    let a = Mat::from_fn(200, 300, |i, j| f64::from(noise.row(i)[j]));
    let svd = a.thin_svd().unwrap();
    let value = |r: usize| {
        if r < 3 {
            1.0
        } else {
            1e-9 * 0.9f64.powi(r as i32 - 3)
        }
    };
    let scaled = Mat::from_fn(200, 200, |i, r| svd.U()[(i, r)] * value(r));
    let matrix = Double(&scaled * svd.V().transpose());
    let found = run(&matrix, &krylov(60));
    assert!(found.rank == 60 || !found.is_whole(), "{:?}", found.s);
    // All of it in memory: every value is there.
    let options = Options {
        method: Method::Dense,
        ..krylov(60)
    };
    let found = run(&matrix, &options);
    assert_eq!(found.rank, 60);
    // A rank that is one is called one.
    let low = super::tests::low_rank(200, 300, &[2.0, 1.0, 0.5]);
    let found = run(&low, &krylov(6));
    assert!(found.rank == 3 && found.is_whole(), "{found:?}");
}

#[test]
fn small_values_do_not_spoil_vectors() {
    let hilbert = |n: usize| Mat::from_fn(n, n, |i, j| 1.0 / (i + j + 1) as f64);
    let vandermonde = Mat::from_fn(59, 33, |i, j| (i as f64 / 58.0).powi(32 - j as i32));
    for (name, matrix, rank) in [("hilbert", hilbert(50), 20), ("vander", vandermonde, 200)] {
        let options = Options {
            method: Method::Dense,
            ..Options::with_rank(rank)
        };
        let found = run(&Double(matrix.clone()), &options);
        assert!(found.converged, "{name} {found:?}");
        assert!(
            found.orthogonality_v < 1e-13,
            "{name} {}",
            found.orthogonality_v
        );
        assert!(
            found.orthogonality_u < 1e-6,
            "{name} {}",
            found.orthogonality_u
        );
        let expected = matrix.singular_values().unwrap();
        for (s, expected) in found.s.iter().zip(&expected) {
            assert!((s - expected).abs() < 1e-15 * 60.0 * found.s[0], "{name}");
        }
    }
}

#[test]
fn numbers_at_the_ends_of_f64() {
    let noise = noise(20, 30, 6);
    let scaled = |scale: f64| {
        Double(Mat::from_fn(20, 30, |i, j| {
            scale * f64::from(noise.row(i)[j])
        }))
    };
    let plain = run(&scaled(1.0), &Options::with_rank(4));
    let (_, expected) = likely(&plain);
    let found = run(&scaled(1e-160), &Options::with_rank(4));
    let (_, small) = likely(&found);
    let (a, b) = (
        small.subspace_angle.unwrap(),
        expected.subspace_angle.unwrap(),
    );
    assert!((a / b - 1.0).abs() < 0.5, "{a} {b}");
    let refused = truncated(&scaled(1e307), &Options::with_rank(4), &mut |_| {});
    assert!(matches!(refused, Err(Error::TooLarge)), "{refused:?}");
    // Every share is one.
    let ones = run(&dense(30, 20, |_| 1.0), &Options::with_rank(1));
    assert!(ones.explained()[0] <= 1.0);
}

#[test]
fn readings_are_counted_where_the_matrix_is_turned() {
    for passes in [2, 3, 5] {
        let options = Options {
            max_passes: passes,
            ..krylov(4)
        };
        assert_eq!(run(&noise(700, 300, 1), &options).passes, passes);
    }
}

#[test]
fn little_memory_narrows_the_block_and_slow_decay_changes_the_method() {
    let matrix = noise(300, 4000, 5);
    let told = |options: &Options| {
        let mut plans = Vec::new();
        let found = decompose(&matrix, options, None, &mut |event| {
            if let Event::Plan(plan) = event {
                plans.push(plan.clone());
            }
            true
        });
        (plans, found.unwrap())
    };
    let rank = 8;
    let small = Plan::new(
        &matrix,
        &Options {
            block: Some(16),
            ..krylov(rank)
        },
        0,
        2,
    )
    .unwrap();
    let options = Options {
        max_memory_bytes: small.memory_bytes,
        ..krylov(rank)
    };
    assert_eq!(Plan::new(&matrix, &options, 0, 2).unwrap().block, 16);
    // Noise: within 14 readings the iteration would not get there.
    let few = Options {
        max_passes: 14,
        ..Options::with_rank(rank)
    };
    let (plans, found) = told(&few);
    let methods: Vec<Method> = plans.iter().map(|plan| plan.method).collect();
    assert_eq!(methods, [Method::Krylov, Method::Gram]);
    assert!(found.converged && found.passes <= 14 && found.method == Method::Gram);
}
