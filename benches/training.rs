//! Where training time goes: a convolution each way, environment steps, one update of `quick`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gouda::maze::Simulator;
use gouda::nn::Image;
use gouda::nn::conv2d::Conv2d;
use gouda::numeric::gather_gemm::End;
use gouda::ppo::Trainer;
use gouda::study::config::Preset;
use gouda::study::resolve::resolve;

/// Samples of a block, as in training.
const BLOCK: usize = 32;

fn convolution(c: &mut Criterion) {
    let image = Image {
        height: 5,
        width: 5,
        channels: 16,
    };
    let conv = Conv2d::new(image, 16, 1, BLOCK);
    let x = vec![0.5f32; BLOCK * image.bordered_len()];
    let (weight, bias) = (vec![0.1f32; 9 * 16 * 16], vec![0.0f32; 16]);
    let (mut y, mut d_x) = (x.clone(), x.clone());
    let (mut d_weight, mut d_bias) = (weight.clone(), bias.clone());
    let mut group = c.benchmark_group("conv2d 5x5, 16 to 16 channels, 32 samples");
    // Elements are floating-point operations: throughput reads as GFLOP/s.
    group.throughput(Throughput::Elements((2 * BLOCK * 25 * 9 * 16 * 16) as u64));
    group.bench_function("forward", |b| {
        b.iter(|| conv.forward(BLOCK, black_box(&x), (&weight, &bias), &mut y, End::Store));
    });
    group.bench_function("backward, weights", |b| {
        b.iter(|| {
            conv.backward_weight(
                BLOCK,
                black_box(&x),
                &y,
                (&mut d_weight, &mut d_bias),
                false,
            )
        });
    });
    group.bench_function("backward, input", |b| {
        b.iter(|| conv.backward_input(BLOCK, black_box(&y), &weight, &mut d_x, false));
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

criterion_group!(benches, convolution, environment, update);
criterion_main!(benches);
