//! The operations, the loss, the optimisers and both networks against PyTorch; see
//! data/goldens/nn/make.py, which also says how the files are laid out.

use gouda::nn::adam::Adam;
use gouda::nn::conv2d::Conv2d;
use gouda::nn::dense::Dense;
use gouda::nn::max_pool::MaxPool;
use gouda::nn::sgd::Sgd;
use gouda::nn::{
    Derivatives, Image, Kind, Layout, Network, Policy, Shape, Target, Workspace, relu, softmax,
};
use gouda::numeric::gather_gemm::{End, Init, Pair, Pairs, Product, gather_gemm};
use gouda::numeric::sum;
use gouda::ppo::frames::Frames;
use gouda::ppo::gae;
use gouda::ppo::loss::{self, Coefficients, Sample, Sums};
use gouda::ppo::minibatch::{Gradient, Minibatch, Spread};
use gouda::ppo::trainer;
use serde::Deserialize;
use std::collections::BTreeMap;

const OPERATIONS: &str = include_str!("../data/goldens/nn/operations.json");
const PPO: &str = include_str!("../data/goldens/nn/ppo.json");
const OPTIMISERS: &str = include_str!("../data/goldens/nn/optimisers.json");
const NETWORKS: &str = include_str!("../data/goldens/nn/networks.json");

#[derive(Deserialize)]
struct Entry {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Entry {
    /// As images: how many, and of what shape.
    fn images(&self) -> (usize, Image) {
        let [n, height, width, channels] = self.shape[..] else {
            panic!("four axes: {:?}", self.shape)
        };
        let image = Image {
            height,
            width,
            channels,
        };
        (n, image)
    }

    /// With a border of zeros.
    fn bordered(&self) -> Vec<f64> {
        let (n, image) = self.images();
        let mut bordered = vec![0.0; n * image.bordered_len()];
        let row_len = image.width * image.channels;
        for (row, values) in image.rows(n).zip(self.values.chunks_exact(row_len)) {
            bordered[row].copy_from_slice(values);
        }
        bordered
    }

    fn singles(&self) -> Vec<f32> {
        self.values.iter().map(|&x| x as f32).collect()
    }
}

/// The largest difference, as a share of the largest value.
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let pairs = found.iter().zip(expected);
    let worst = pairs.fold(0.0, |m: f64, (a, b)| {
        // A NaN must not pass for a small difference.
        if (a - b).is_nan() {
            f64::INFINITY
        } else {
            m.max((a - b).abs())
        }
    });
    worst / largest.max(f64::MIN_POSITIVE)
}

fn assert_close(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    let difference = difference(found, expected);
    assert!(
        difference <= tolerance,
        "{name} is off by {difference:e}, {tolerance:e} is allowed"
    );
}

fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| x.into()).collect()
}

fn operations() -> BTreeMap<String, BTreeMap<String, Entry>> {
    serde_json::from_str(OPERATIONS).unwrap()
}

#[test]
fn convolutions() {
    let operations = operations();
    for (name, stride) in [
        ("conv_stride_1", 1),
        ("conv_stride_2_odd", 2),
        ("conv_stride_2_even", 2),
    ] {
        let golden = &operations[name];
        let (n, image) = golden["x"].images();
        let (weight, bias) = (&golden["weight"].values, &golden["bias"].values);
        let conv = Conv2d::new(image, bias.len(), stride, n);
        assert_eq!(golden["y"].images(), (n, conv.y()), "{name}");
        let (x, d_y) = (golden["x"].bordered(), golden["d_y"].bordered());
        let mut y = vec![0.0; d_y.len()];
        conv.forward(n, &x, weight, bias, &mut y, End::Store);
        let (mut d_weight, mut d_bias) = (vec![9.0; weight.len()], vec![9.0; bias.len()]);
        conv.backward_weight(n, &x, &d_y, &mut d_weight, &mut d_bias, false);
        let (mut d_x, mut transposed) = (vec![0.0; x.len()], vec![0.0; weight.len()]);
        conv.transpose(weight, &mut transposed);
        conv.backward_input(n, &d_y, &transposed, &mut d_x, false);
        assert_close(name, &y, &golden["y"].bordered(), 1e-13);
        assert_close(name, &d_x, &golden["d_x"].bordered(), 1e-13);
        assert_close(name, &d_weight, &golden["d_weight"].values, 1e-13);
        assert_close(name, &d_bias, &golden["d_bias"].values, 1e-13);
    }
}

#[test]
fn max_pools_with_ties_and_negative_values() {
    let operations = operations();
    for name in ["pool_odd", "pool_even"] {
        let golden = &operations[name];
        let (n, image) = golden["x"].images();
        let pool = MaxPool { x: image };
        assert_eq!(golden["y"].images(), (n, pool.y()), "{name}");
        let (x, d_y) = (golden["x"].bordered(), golden["d_y"].bordered());
        let (mut y, mut argmax) = (vec![0.0; d_y.len()], vec![0; n * pool.argmax_len()]);
        pool.forward(n, &x, &mut y, &mut argmax);
        let mut d_x = vec![0.0; x.len()];
        pool.backward(n, &d_y, &argmax, &mut d_x);
        assert_close(name, &y, &golden["y"].bordered(), 0.0);
        assert_close(name, &d_x, &golden["d_x"].bordered(), 1e-15);
    }
}

#[test]
fn rectifier_and_residual_sum() {
    let operations = operations();
    let values = |op: &str, of: &str| operations[op][of].values.clone();
    let x = values("relu", "x");
    let (mut y, mut d_x) = (vec![9.0; x.len()], vec![9.0; x.len()]);
    relu::forward(&x, &mut y);
    relu::backward(&y, &values("relu", "d_y"), &mut d_x);
    assert_close("relu", &y, &values("relu", "y"), 0.0);
    assert_close("relu", &d_x, &values("relu", "d_x"), 0.0);

    // One row and one step: a product of 1 and x, to which x is added.
    let (x, d_y) = (values("residual", "x"), values("residual", "d_y"));
    let (mut z, mut y, mut d_x) = (vec![9.0; x.len()], vec![9.0; x.len()], d_y.clone());
    let end = End::AddRectified { x: &x, z: &mut z };
    let one = Pairs::once(&[Pair::default()]);
    gather_gemm(Product {
        a: &[1.0],
        b: &x,
        c: &mut y,
        rows: one.all(),
        steps: one.all(),
        n: x.len(),
        init: Init::Zero,
        end,
    });
    relu::backward_add(&z, &d_y, &mut d_x);
    assert_close("residual", &y, &values("residual", "y"), 0.0);
    assert_close("residual", &d_x, &values("residual", "d_x"), 0.0);
}

#[test]
fn dense_layer() {
    let golden = &operations()["dense"];
    let values = |name: &str| golden[name].values.as_slice();
    let [n, in_len] = golden["x"].shape[..] else {
        panic!("two axes")
    };
    let out_len = golden["bias"].values.len();
    let dense = Dense::new(in_len, out_len, n);
    let mut y = vec![0.0; n * out_len];
    let (weight, bias) = (values("weight"), values("bias"));
    dense.forward(n, values("x"), weight, bias, &mut y, End::Store);
    let (mut d_weight, mut d_bias) = (vec![9.0; in_len * out_len], vec![9.0; out_len]);
    let (x, d_y) = (values("x"), values("d_y"));
    dense.backward_weight(n, x, d_y, &mut d_weight, &mut d_bias, false);
    let (mut d_x, mut transposed) = (vec![9.0; n * in_len], vec![0.0; in_len * out_len]);
    dense.transpose(values("weight"), &mut transposed);
    dense.backward_input(n, values("d_y"), &transposed, &mut d_x, false);
    assert_close("y", &y, values("y"), 1e-13);
    assert_close("d_x", &d_x, values("d_x"), 1e-13);
    assert_close("d_weight", &d_weight, values("d_weight"), 1e-13);
    assert_close("d_bias", &d_bias, values("d_bias"), 1e-13);
}

#[test]
fn log_softmax_and_entropy() {
    let golden = &operations()["softmax"];
    let actions = golden["logits"].shape[1];
    let row = |name: &str, i: usize| golden[name].values[i * actions..(i + 1) * actions].to_vec();
    for i in 0..golden["logits"].shape[0] {
        let (mut log_probs, mut d_logits) = (vec![0.0; actions], vec![0.0; actions]);
        let entropy = softmax::forward(&row("logits", i), &mut log_probs);
        let d_entropy = golden["d_entropy"].values[i];
        let d_log_probs = row("d_log_probs", i);
        softmax::backward(&log_probs, entropy, &d_log_probs, d_entropy, &mut d_logits);
        assert_close("log_probs", &log_probs, &row("log_probs", i), 1e-13);
        assert_close("entropy", &[entropy], &[golden["entropy"].values[i]], 1e-13);
        assert_close("d_logits", &d_logits, &row("d_logits", i), 1e-13);
    }
}

#[derive(Deserialize)]
struct Ppo {
    coefficients: GoldenCoefficients,
    loss: Vec<GoldenLoss>,
    gae: Vec<GoldenGae>,
}

#[derive(Deserialize)]
struct GoldenCoefficients {
    clip: f64,
    value: f64,
    entropy: f64,
}

#[derive(Deserialize)]
struct Batch {
    action: Entry,
    old_log_prob: Entry,
    old_value: Entry,
    advantage: Entry,
    target: Entry,
}

#[derive(Deserialize)]
struct Parts {
    policy: f64,
    value: f64,
    entropy: f64,
    divergence: f64,
    clipped: f64,
}

#[derive(Deserialize)]
struct GoldenLoss {
    #[serde(flatten)]
    batch: Batch,
    clip_value: bool,
    parts: Parts,
    logits: Entry,
    values: Entry,
    d_logits: Entry,
    d_values: Entry,
}

#[derive(Deserialize)]
struct GoldenGae {
    gamma: f32,
    lambda: f32,
    rewards: Entry,
    values: Entry,
    dones: Vec<bool>,
    last_value: f32,
    advantages: Entry,
}

impl Batch {
    fn samples(&self) -> Vec<Sample<f64>> {
        (0..self.action.values.len())
            .map(|i| Sample {
                action: self.action.values[i] as usize,
                old_log_prob: self.old_log_prob.values[i],
                old_value: self.old_value.values[i],
                advantage: self.advantage.values[i],
                target: self.target.values[i],
            })
            .collect()
    }
}

fn ppo() -> Ppo {
    serde_json::from_str(PPO).unwrap()
}

impl GoldenCoefficients {
    fn with(&self, clip_value: bool) -> Coefficients {
        let GoldenCoefficients {
            clip,
            value,
            entropy,
        } = *self;
        Coefficients {
            clip,
            policy: 1.0,
            value,
            entropy,
            clip_value,
        }
    }
}

fn assert_parts(sums: &Sums, len: usize, expected: &Parts, tolerance: f64) {
    let mean = |sum: f64| [sum / len as f64];
    assert_close("policy", &mean(sums.policy), &[expected.policy], tolerance);
    assert_close("value", &mean(sums.value), &[expected.value], tolerance);
    assert_close(
        "entropy",
        &mean(sums.entropy),
        &[expected.entropy],
        tolerance,
    );
    assert_close(
        "divergence",
        &mean(sums.divergence),
        &[expected.divergence],
        tolerance,
    );
    assert_eq!(mean(sums.clipped), [expected.clipped]);
}

#[test]
fn ppo_loss_with_and_without_a_clipped_value() {
    let ppo = ppo();
    for golden in &ppo.loss {
        let samples = golden.batch.samples();
        let n = samples.len();
        assert!(golden.parts.clipped > 0.2 && golden.parts.clipped < 0.8);
        let mut d_logits = vec![9.0; golden.logits.values.len()];
        let mut d_values = vec![9.0; n];
        let sums = loss::block(loss::Block {
            samples: &samples,
            logits: &golden.logits.values,
            values: &golden.values.values,
            coefficients: &ppo.coefficients.with(golden.clip_value),
            scale: 1.0 / n as f64,
            d_logits: &mut d_logits,
            d_values: &mut d_values,
        });
        assert_parts(&sums, n, &golden.parts, 1e-12);
        assert_close("d_logits", &d_logits, &golden.d_logits.values, 1e-12);
        assert_close("d_values", &d_values, &golden.d_values.values, 1e-12);
    }
}

#[test]
fn generalised_advantages_across_ends_of_episodes() {
    for golden in ppo().gae {
        let mut advantages = vec![9.0; golden.dones.len()];
        gae::advantages(
            gae::Steps {
                rewards: &golden.rewards.singles(),
                values: &golden.values.singles(),
                dones: &golden.dones,
            },
            golden.last_value,
            golden.gamma,
            golden.lambda,
            &mut advantages,
        );
        assert_close(
            "advantages",
            &widened(&advantages),
            &golden.advantages.values,
            1e-6,
        );
    }
}

#[derive(Deserialize)]
struct Optimisers {
    adam: GoldenOptimiser,
    sgd: GoldenOptimiser,
}

#[derive(Deserialize)]
struct GoldenOptimiser {
    start: Entry,
    largest_norm: f64,
    rates: Vec<f64>,
    steps: Vec<GoldenStep>,
}

#[derive(Deserialize)]
struct GoldenStep {
    gradient: Entry,
    norm: f64,
    params: Entry,
}

/// Follows the golden's steps with `update`, which is handed a gradient, the factor by which
/// the trainer clips it, the learning rate, and where to write the update.
fn follow(golden: &GoldenOptimiser, mut update: impl FnMut(&[f64], f64, f64, &mut [f64])) {
    let mut params = golden.start.values.clone();
    let mut applied = vec![9.0; params.len()];
    for (step, &rate) in golden.steps.iter().zip(&golden.rates) {
        let norm = sum::norm(&step.gradient.values);
        assert_close("norm", &[norm], &[step.norm], 1e-14);
        let factor = (golden.largest_norm / (norm + 1e-6)).min(1.0);
        update(&step.gradient.values, factor, rate, &mut applied);
        params.iter_mut().zip(&applied).for_each(|(p, u)| *p += u);
        assert_close("params", &params, &step.params.values, 1e-13);
    }
}

#[test]
fn optimisers() {
    let golden: Optimisers = serde_json::from_str(OPTIMISERS).unwrap();
    let len = golden.adam.start.values.len();
    let mut adam = Adam::new(len, 1e-5);
    follow(&golden.adam, |g, f, rate, u| adam.update(g, f, rate, u));
    let mut sgd = Sgd::new(len, 0.9);
    follow(&golden.sgd, |g, f, rate, u| sgd.update(g, f, rate, u));
}

#[derive(Deserialize)]
struct GoldenNetwork {
    kind: Kind,
    world: usize,
    channels: usize,
    blocks: usize,
    hidden: usize,
    action_len: usize,
    observations: String,
    raw_advantage: Entry,
    #[serde(flatten)]
    batch: Batch,
    parts: Parts,
    logits: Entry,
    values: Entry,
    gradients: Vec<GoldenGradient>,
}

#[derive(Deserialize)]
struct GoldenGradient {
    name: String,
    shape: Vec<usize>,
    first: Vec<f64>,
    sum: f64,
    squares: f64,
}

impl GoldenNetwork {
    fn network(&self, sample_len: usize) -> Network {
        let shape = Shape {
            kind: self.kind,
            world: self.world,
            channels: self.channels,
            blocks: self.blocks,
            hidden: self.hidden,
            action_len: self.action_len,
        };
        Network::new(shape, sample_len).unwrap()
    }

    fn observations(&self) -> Vec<u8> {
        self.observations.bytes().map(|bit| bit - b'0').collect()
    }

    fn assert_gradient(&self, layout: &Layout, d_params: &[f64], tolerance: f64) {
        assert_eq!(layout.tensors.len(), self.gradients.len());
        for (tensor, golden) in layout.tensors.iter().zip(&self.gradients) {
            assert_eq!((&tensor.name, &tensor.shape), (&golden.name, &golden.shape));
            let found = &d_params[tensor.range()];
            let name = &tensor.name;
            assert_close(name, &found[..golden.first.len()], &golden.first, tolerance);
            let squares = found.iter().map(|d| d * d).sum::<f64>();
            assert_close(name, &[squares], &[golden.squares], 10.0 * tolerance);
            // The sum may cancel: its error is measured by the length of what is summed.
            let scale = (golden.squares * found.len() as f64).sqrt();
            let error = (found.iter().sum::<f64>() - golden.sum).abs();
            assert!(
                error <= tolerance * scale,
                "sum of {name} is off by {error:e}"
            );
        }
    }
}

/// The parameters as data/goldens/nn/make.py draws them.
fn parameters(layout: &Layout) -> Vec<f32> {
    let mut state = 1u32;
    let mut params = Vec::new();
    for tensor in &layout.tensors {
        let (_, rest) = tensor.shape.split_last().unwrap();
        let bound = match rest {
            [] => 0.1,
            _ => (6.0 / rest.iter().product::<usize>() as f64).sqrt(),
        };
        for _ in 0..tensor.len() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let uniform = 2.0 * f64::from(state) / 4_294_967_296.0 - 1.0;
            params.push((uniform * bound) as f32);
        }
    }
    params
}

fn networks() -> Vec<GoldenNetwork> {
    serde_json::from_str(NETWORKS).unwrap()
}

#[test]
fn networks_in_double_precision() {
    let ppo = ppo();
    for golden in networks() {
        let samples = golden.batch.samples();
        let n = samples.len();
        let network = golden.network(n);
        let params = widened(&parameters(&network.layout));
        let mut workspace = Workspace::new(&network);
        workspace.forward(Policy::new(&network, &params), &golden.observations(), n);
        let (logits, values) = (workspace.logits(&network, n), workspace.values(&network, n));
        assert_close("logits", logits, &golden.logits.values, 1e-12);
        assert_close("values", values, &golden.values.values, 1e-12);
        let (mut d_logits, mut d_values) = (vec![0.0; logits.len()], vec![0.0; n]);
        let sums = loss::block(loss::Block {
            samples: &samples,
            logits,
            values,
            coefficients: &ppo.coefficients.with(true),
            scale: 1.0 / n as f64,
            d_logits: &mut d_logits,
            d_values: &mut d_values,
        });
        assert_parts(&sums, n, &golden.parts, 1e-11);
        let mut d_params = vec![9.0; params.len()];
        let derivatives = Derivatives {
            logits: &d_logits,
            values: &d_values,
        };
        let mut transposed = vec![0.0; params.len()];
        network.transpose(&params, &mut transposed);
        workspace.backward(
            &network,
            &transposed,
            derivatives,
            Target {
                d_params: &mut d_params,
                adds: false,
            },
            n,
        );
        golden.assert_gradient(&network.layout, &d_params, 1e-11);
    }
}

/// The way of training itself: frames in, advantages normalised, runs summed.
#[test]
fn minibatch_gradients_in_single_precision() {
    let ppo = ppo();
    for golden in networks() {
        let network = golden.network(trainer::RUN);
        let params = parameters(&network.layout);
        let n = golden.batch.action.values.len();
        assert!(n > trainer::RUN, "more than one run");
        let frames = Frames {
            observations: golden.observations(),
            actions: golden
                .batch
                .action
                .values
                .iter()
                .map(|&a| a as u8)
                .collect(),
            log_probs: golden.batch.old_log_prob.singles(),
            values: golden.batch.old_value.singles(),
            advantages: golden.raw_advantage.singles(),
            in_region: vec![false; n],
        };
        let indices: Vec<u32> = (0..n as u32).collect();
        let spread = Spread::of(&frames.advantages, &indices);
        let mut gradient = Gradient::new(&network, n);
        let (d_params, sums) = gradient.compute(
            (&network, &params),
            &Minibatch {
                frames: &frames,
                indices: &indices,
                len: n,
                coefficients: ppo.coefficients.with(true),
                spread: Some(spread),
            },
        );
        assert_parts(&sums, n, &golden.parts, 1e-5);
        golden.assert_gradient(&network.layout, &widened(d_params), 1e-4);
    }
}
