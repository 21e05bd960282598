//! What looking into a policy costs: the plain forward pass beside one with hooks that do nothing, and how
//! many interventions fit into a minute.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use gouda::ablate::Split;
use gouda::circuits::paths::{self, Edge};
use gouda::circuits::{Distinguished, Fact, Pairs, Sought, hops, patching};
use gouda::experiment::config::Preset;
use gouda::experiment::resolve::resolve;
use gouda::nn::{Network, Policy, Workspace, init};
use gouda::numeric::random::{Purpose, Stream};

/// Samples that run through the network at a time, as in training.
const RUN: usize = gouda::ppo::trainer::RUN;
const PAIRS: usize = 256;
/// One edge in so many is patched.
const EDGES: usize = 20;

/// `quick`'s network, untrained, and pairs of it, all of which count as told apart.
fn untrained() -> (Network, Vec<f32>, Distinguished) {
    // The second time there is one of two threads already.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2);
    let _ = threads.build_global();
    let config = resolve(Preset::Quick, None, &[], None)
        .expect("presets resolve")
        .config;
    let network = Network::new(config.net.shape(&config.env), RUN).expect("presets are valid");
    let stream = &mut Stream::new(0, Purpose::Nulls, 0);
    let mut params = init::initialise(&network.layout, 0);
    params
        .iter_mut()
        .for_each(|p| *p += 0.05 * stream.normal() as f32);
    let tasks = config
        .tasks(Split::Discovery, 2 * PAIRS)
        .expect("presets are valid");
    let pairs = Pairs::new(&tasks, Sought::Cheese, Fact::CheeseMoved, PAIRS);
    assert_eq!(pairs.len(), PAIRS);
    let distinguished = Distinguished {
        states: [pairs.first, pairs.second],
        right: pairs.right,
        preferences: [vec![1.0; PAIRS], vec![0.0; PAIRS]],
        asked: PAIRS,
    };
    (network, params, distinguished)
}

fn forward(c: &mut Criterion) {
    let (network, params, distinguished) = untrained();
    let policy = Policy::new(&network, &params);
    let states = &distinguished.states[0][..RUN * network.observation_len()];
    let sites = network.sites();
    let mut group = c.benchmark_group("forward, 1 thread");
    group.throughput(Throughput::Elements(RUN as u64));
    group.bench_function("plain", |b| {
        b.iter_batched_ref(
            || Workspace::new(&network),
            |workspace| workspace.forward(policy, black_box(states), RUN),
            BatchSize::NumIterations(256),
        );
    });
    group.bench_function("with a steering that is none", |b| {
        b.iter_batched_ref(
            || Workspace::new(&network),
            |workspace| {
                workspace.forward_steered(policy, black_box(states), RUN, None, |_| Some(0));
            },
            BatchSize::NumIterations(256),
        );
    });
    group.bench_function("with a hook at every site that does nothing", |b| {
        b.iter_batched_ref(
            || Workspace::new(&network),
            |workspace| {
                workspace.forward(policy, black_box(states), RUN);
                for site in &sites {
                    workspace.patch(site, &site.whole(), RUN, |_, values| {
                        black_box(values);
                    });
                }
            },
            BatchSize::NumIterations(256),
        );
    });
    group.finish();
}

/// An intervention is one channel, edge or path, in 256 pairs, both ways.
fn interventions(c: &mut Criterion) {
    let (network, params, distinguished) = untrained();
    let policy = Policy::new(&network, &params);
    let sites = network.sites();
    let mut group = c.benchmark_group("interventions in 256 pairs, 2 threads");
    group.sample_size(10);
    let channels = patching::channels(&sites);
    group.throughput(Throughput::Elements(channels.len() as u64));
    group.bench_function(format!("{} channels", channels.len()), |b| {
        b.iter(|| patching::patch(policy, &distinguished, black_box(&channels)));
    });
    let layers = patching::layers(&sites);
    let all = [layers, channels].concat();
    group.throughput(Throughput::Elements(all.len() as u64));
    group.bench_function(format!("{} layers and channels", all.len()), |b| {
        b.iter(|| patching::patch(policy, &distinguished, black_box(&all)));
    });
    let every = paths::edges(&network).into_iter().step_by(EDGES);
    let edges: Vec<Edge> = every.collect();
    group.throughput(Throughput::Elements(edges.len() as u64));
    group.bench_function(format!("{} edges", edges.len()), |b| {
        b.iter(|| paths::patch(policy, &distinguished, black_box(&edges)));
    });
    let of_edges = edges
        .iter()
        .map(|&edge| hops::Path::of_edge(&network, edge));
    let of_edges: Vec<hops::Path> = of_edges.collect();
    group.bench_function(format!("the same {} edges as paths", edges.len()), |b| {
        b.iter(|| hops::patch(policy, &distinguished, black_box(&of_edges)));
    });
    let found = hops::leading(policy, &distinguished, 3, 64).into_iter();
    let three: Vec<hops::Path> = found.map(|(path, _)| path).collect();
    group.throughput(Throughput::Elements(three.len() as u64));
    group.bench_function(format!("{} paths of 3 hops", three.len()), |b| {
        b.iter(|| hops::patch(policy, &distinguished, black_box(&three)));
    });
    group.finish();
}

criterion_group!(benches, forward, interventions);
criterion_main!(benches);
