//! Where training time goes: every layer of the nets each way, the passes beside them, environment
//! steps, one update of `quick`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gouda::experiment::config::Preset;
use gouda::experiment::resolve::resolve;
use gouda::maze::Simulator;
use gouda::nn::adam::Adam;
use gouda::nn::conv2d::Conv2d;
use gouda::nn::dense::Dense;
use gouda::nn::max_pool::MaxPool;
use gouda::nn::{Image, relu};
use gouda::numeric::gather_gemm::End;
use gouda::numeric::random::{Purpose, Stream};
use gouda::numeric::sum;
use gouda::ppo::Trainer;

/// Samples that run through the network at a time, as in training.
const RUN: usize = gouda::ppo::trainer::RUN;

/// Every shape of convolution in `small` at 9x9 and 13x13 and in `impala` at 15x15: side, channels
/// in and out, stride.
const CONVOLUTIONS: [(usize, usize, usize, usize); 8] = [
    (9, 3, 16, 2),
    (5, 16, 16, 1),
    (13, 3, 32, 2),
    (7, 32, 32, 1),
    (15, 3, 16, 1),
    (8, 16, 16, 1),
    (8, 16, 32, 1),
    (4, 32, 32, 1),
];

fn convolution(c: &mut Criterion) {
    for (side, channels, out, stride) in CONVOLUTIONS {
        let image = Image {
            height: side,
            width: side,
            channels,
        };
        let conv = Conv2d::new(image, out, stride, RUN);
        let x = vec![0.5f32; RUN * image.bordered_len()];
        let (weight, bias) = (vec![0.1f32; 9 * channels * out], vec![0.0f32; out]);
        let mut y = vec![0.0f32; RUN * conv.y().bordered_len()];
        let (mut z, before) = (y.clone(), y.clone());
        let (mut d_x, mut d_weight, mut d_bias) = (x.clone(), weight.clone(), bias.clone());
        let name = format!("conv2d {side}x{side}, {channels} to {out} channels, stride {stride}");
        let mut group = c.benchmark_group(name);
        // Elements are floating-point operations: throughput reads as GFLOP/s.
        group.throughput(Throughput::Elements((2 * RUN * conv.forward_len()) as u64));
        group.bench_function("forward", |b| {
            b.iter(|| conv.forward(RUN, black_box(&x), &weight, &bias, &mut y, End::Store));
        });
        group.bench_function("forward, rectified and added", |b| {
            b.iter(|| {
                let end = End::AddRectified {
                    x: &before,
                    z: &mut z,
                };
                conv.forward(RUN, black_box(&x), &weight, &bias, &mut y, end);
            });
        });
        group.bench_function("backward, weights", |b| {
            b.iter(|| {
                conv.backward_weight(RUN, black_box(&x), &y, &mut d_weight, &mut d_bias, true);
            });
        });
        // The first layer has no gradient of its input.
        if channels > 3 {
            group.bench_function("backward, input", |b| {
                b.iter(|| conv.backward_input(RUN, black_box(&y), &weight, &mut d_x, true));
            });
        }
        group.finish();
    }
}

fn dense(c: &mut Criterion) {
    for (in_len, out_len) in [(400, 64), (1568, 128), (128, 256), (64, 4), (64, 1)] {
        let dense = Dense::new(in_len, out_len, RUN);
        let (x, weight) = (vec![0.5f32; RUN * in_len], vec![0.1f32; in_len * out_len]);
        let (bias, mut y) = (vec![0.0f32; out_len], vec![0.0f32; RUN * out_len]);
        let (mut d_x, mut d_weight, mut d_bias) = (x.clone(), weight.clone(), bias.clone());
        let mut group = c.benchmark_group(format!("dense, {in_len} to {out_len}"));
        group.throughput(Throughput::Elements((2 * RUN * dense.forward_len()) as u64));
        group.bench_function("forward", |b| {
            b.iter(|| dense.forward(RUN, black_box(&x), &weight, &bias, &mut y, End::Rectify));
        });
        group.bench_function("backward, weights", |b| {
            b.iter(|| {
                dense.backward_weight(RUN, black_box(&x), &y, &mut d_weight, &mut d_bias, true);
            });
        });
        group.bench_function("backward, input", |b| {
            b.iter(|| dense.backward_input(RUN, black_box(&y), &weight, &mut d_x, false));
        });
        group.bench_function("transpose, once an update", |b| {
            b.iter(|| dense.transpose(black_box(&weight), &mut d_weight));
        });
        group.finish();
    }
}

fn elementwise(c: &mut Criterion) {
    let random = &mut Stream::new(0, Purpose::Nulls, 0);
    let mut group = c.benchmark_group("elementwise");
    for side in [15, 8, 4] {
        let pool = MaxPool {
            x: Image {
                height: side,
                width: side,
                channels: 32,
            },
        };
        let x: Vec<f32> = (0..RUN * pool.x.bordered_len())
            .map(|_| random.normal() as f32)
            .collect();
        let mut y = vec![0.0f32; RUN * pool.y().bordered_len()];
        let (mut argmax, mut d_x) = (vec![0; RUN * pool.argmax_len()], x.clone());
        group.bench_function(format!("max-pool {side}x{side}, forward"), |b| {
            b.iter(|| pool.forward(RUN, black_box(&x), &mut y, &mut argmax));
        });
        group.bench_function(format!("max-pool {side}x{side}, backward"), |b| {
            b.iter(|| pool.backward(RUN, black_box(&y), &argmax, &mut d_x));
        });
    }
    let y: Vec<f32> = (0..RUN * 49 * 16).map(|_| random.normal() as f32).collect();
    let (d_y, mut d_x) = (y.clone(), y.clone());
    group.bench_function("relu 5x5, 16 channels, backward", |b| {
        b.iter(|| relu::backward(black_box(&y), &d_y, &mut d_x));
    });
    group.bench_function("relu 5x5, 16 channels, backward in place", |b| {
        b.iter(|| relu::backward_in_place(black_box(&y), &mut d_x));
    });
    let (gradient, mut update) = (vec![0.1f32; 33_397], vec![0.0f32; 33_397]);
    let mut adam = Adam::new(gradient.len(), 1e-5);
    group.bench_function("adam, 33,397 parameters", |b| {
        b.iter(|| adam.update(black_box(&gradient), 0.5, 1e-3, &mut update));
    });
    group.bench_function("norm, 33,397 parameters", |b| {
        b.iter(|| sum::norm(black_box(&gradient)));
    });
    group.finish();
}

fn environment(c: &mut Criterion) {
    let config = resolve(Preset::Quick, None, &[], None)
        .expect("presets resolve")
        .config;
    let rules = config.env.rules().expect("presets are valid");
    let env_len = 64;
    let mut simulator = Simulator::new(rules, 0, env_len).expect("presets are valid");
    let (mut rewards, mut dones) = (vec![0.0; env_len], vec![false; env_len]);
    let mut actions = vec![0u8; env_len];
    let mut t = 0u32;
    let mut group = c.benchmark_group("environment, 64 side by side");
    group.throughput(Throughput::Elements(env_len as u64));
    group.bench_function("step, resets included", |b| {
        b.iter(|| {
            for (e, action) in actions.iter_mut().enumerate() {
                *action = ((e as u32).wrapping_mul(2_654_435_761).wrapping_add(t) >> 7) as u8 % 4;
            }
            t = t.wrapping_add(0x9e37);
            black_box(simulator.step(&actions, &mut rewards, &mut dones));
        });
    });
    group.finish();
}

fn update(c: &mut Criterion) {
    let config = resolve(Preset::Quick, None, &[], None)
        .expect("presets resolve")
        .config;
    let mut settings = config.settings();
    settings.ppo.total_updates = u64::MAX >> 24;
    settings.ppo.anneal_lr = false;
    let frames = settings.ppo.batch_len() as f64 / settings.ppo.updates_per_iteration() as f64;
    let mut trainer = Trainer::new(settings, 0).expect("presets are valid");
    let mut group = c.benchmark_group("quick");
    // Elements are environment frames, rollouts included.
    group.throughput(Throughput::Elements(frames as u64));
    group.sample_size(50);
    group.bench_function("update", |b| {
        b.iter(|| {
            trainer
                .advance()
                .expect("training stays finite")
                .map(|u| u.norm)
        });
    });
    group.finish();
}

criterion_group!(
    benches,
    convolution,
    dense,
    elementwise,
    environment,
    update
);
criterion_main!(benches);
