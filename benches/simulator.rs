//! The simulator: steps, steps with the observation written, levels; worlds of 13 and 25, 4,096
//! environments, one and two threads. `gouda bench sim` prints the same as rates and shares.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gouda::maze::{ActionSet, Batch, EnvSettings, LevelSampler, Split, Variant, observation_len};
use gouda::numeric::random::{Purpose, Stream};
use rayon::prelude::*;

const ENVS: usize = 4096;
/// Twice procgen's timeout and some: no episode repeats its actions.
const STEPS: usize = 1021;
const LEVELS: usize = 1 << 13;

fn rules(world: u8) -> EnvSettings {
    let variant = Variant::Corner { region: 5 };
    let sampler = LevelSampler::new(world, variant, 3, Split::Train.seeds());
    EnvSettings {
        sampler: sampler.expect("such levels exist"),
        later: Vec::new(),
        actions: ActionSet::Four,
        reward: 1.0,
        timeout: 500,
    }
}

fn simulator(c: &mut Criterion) {
    let mut random = Stream::new(0, Purpose::Actions, 0);
    let actions: Vec<u8> = (0..STEPS * ENVS).map(|_| random.below(4) as u8).collect();
    for world in [13, 25] {
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().expect("threads can be started");
            let rules = rules(world);
            let mut batch = pool
                .install(|| Batch::new(&rules, 0, ENVS))
                .expect("the timeout is not 0");
            let (mut rewards, mut dones) = (vec![0.0; ENVS], vec![false; ENVS]);
            let mut ended = Vec::new();
            let mut observations = vec![0; ENVS * observation_len(world)];
            let mut group = c.benchmark_group(format!("world {world}, {threads} threads"));
            group.warm_up_time(Duration::from_secs(1));
            group.measurement_time(Duration::from_secs(3));
            // Elements are environment steps, resets included.
            group.throughput(Throughput::Elements(ENVS as u64));
            for is_written in [false, true] {
                let name = ["steps", "steps, observation written"][usize::from(is_written)];
                let mut row = actions.chunks_exact(ENVS).cycle();
                group.bench_function(name, |b| {
                    pool.install(|| {
                        b.iter(|| {
                            let row = row.next().expect("an endless cycle");
                            ended.clear();
                            batch.step(row, &mut rewards, &mut dones, &mut ended);
                            if is_written {
                                batch.observe(&mut observations);
                            }
                        });
                    });
                });
            }
            let seeds: Vec<u32> = (0..LEVELS).map(|_| random.below(1_000_000_000)).collect();
            let mut makers = vec![rules.sampler.maker(); 8];
            group.throughput(Throughput::Elements(LEVELS as u64));
            group.bench_function("levels", |b| {
                pool.install(|| {
                    b.iter(|| {
                        makers
                            .par_iter_mut()
                            .zip(seeds.par_chunks(LEVELS / 8))
                            .for_each(|(maker, seeds)| {
                                maker.levels(seeds, |_, level| {
                                    black_box(level);
                                });
                            });
                    });
                });
            });
            group.finish();
        }
    }
}

criterion_group!(benches, simulator);
criterion_main!(benches);
