//! Where the SVD's time goes: the two products of a pass, a pass, a whole decomposition.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gouda::gradients::Dense;
use gouda::numeric::panel_gemm::{BLOCK, Panel, add_times, add_transposed_times};
use gouda::numeric::random::{Purpose, Stream};
use gouda::svd::{Method, Options, truncated};

const ROWS: usize = BLOCK;

fn products<T: Panel>(c: &mut Criterion, name: &str) {
    for l in [16, 48] {
        let (panel, q) = (vec![T::ONE; ROWS * T::WIDTH], vec![T::ONE; ROWS * l]);
        let (mut y, mut z) = (vec![T::ZERO; l * T::WIDTH], vec![T::ZERO; ROWS * l]);
        let mut group = c.benchmark_group(format!("{name}, {ROWS} rows, {l} vectors"));
        // Elements are floating-point operations: throughput reads as GFLOP/s.
        group.throughput(Throughput::Elements((2 * ROWS * T::WIDTH * l) as u64));
        group.bench_function("panel^T q", |b| {
            b.iter(|| add_transposed_times(black_box(&panel), &q, l, &mut y));
        });
        group.bench_function("panel y", |b| {
            b.iter(|| add_times(black_box(&panel), &y, l, &mut z));
        });
        group.finish();
    }
}

/// Eight directions above noise, 500 x 40,000: 80 MB.
fn matrix() -> Dense {
    let (rows, cols) = (500, 40_000);
    let mut stream = Stream::new(1, Purpose::Controls, 0);
    let v: Vec<f64> = (0..rows * 8).map(|_| stream.normal()).collect();
    let u: Vec<f64> = (0..cols * 8).map(|_| stream.sign()).collect();
    let entry = |at: usize| {
        let (t, p) = (at / cols, at % cols);
        let planted: f64 = (0..8)
            .map(|i| v[t * 8 + i] * u[p * 8 + i] / (i + 1) as f64)
            .sum();
        (planted + 0.1 * stream.sign()) as f32
    };
    let values = (0..rows * cols).map(entry).collect();
    Dense::new(rows, cols, values).expect("finite entries, as many as there are places")
}

fn decompositions(c: &mut Criterion) {
    let matrix = matrix();
    let mut group = c.benchmark_group("500 x 40,000, rank 8");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(4 * 500 * 40_000));
    let whole = |method| Options {
        method,
        ..Options::with_rank(8)
    };
    let pass = Options {
        max_passes: 2,
        tolerance: 0.9,
        ..whole(Method::Krylov)
    };
    for (name, options) in [
        ("one pass and the certificate's", pass),
        ("krylov to 1e-6", whole(Method::Krylov)),
        ("gram", whole(Method::Gram)),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| truncated(black_box(&matrix), &options, &mut |_| {}));
        });
    }
    group.finish();
}

fn all(c: &mut Criterion) {
    products::<f32>(c, "f32");
    products::<f64>(c, "f64");
    decompositions(c);
}

criterion_group!(benches, all);
criterion_main!(benches);
