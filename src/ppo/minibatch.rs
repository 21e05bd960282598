//! The gradient of the PPO loss over one minibatch.
//!
//! The minibatch is cut into blocks of [`BLOCK`] samples whatever the threads; each block's gradient
//! is summed in sample order, and the blocks' in block order. Within a block, as many samples at a
//! time run through the network as the network was built for.

use std::sync::Mutex;

use rayon::prelude::*;

use crate::nn::{Derivatives, Network, Policy, Target, Workspace};
use crate::numeric::sum;

use super::frames::Frames;
use super::loss::{self, Coefficients, Sample, Sums};

/// Samples of one block.
pub const BLOCK: usize = 64;

/// Parameters a thread sums at a time.
const STRIPE: usize = 4096;

/// Room for the blocks of one minibatch.
#[derive(Debug)]
pub struct Gradient {
    /// One a thread: what one block leaves in the cache the next one finds there. Which block runs
    /// in which room changes nothing, and the locks keep threads apart that are more than expected.
    rooms: Vec<Mutex<Room>>,
    blocks: Vec<Block>,
    transposed: Vec<f32>,
    total: Vec<f32>,
}

/// What a thread needs to run samples through the network.
#[derive(Debug)]
struct Room {
    workspace: Workspace<f32>,
    observations: Vec<u8>,
    samples: Vec<Sample<f32>>,
    d_logits: Vec<f32>,
    d_values: Vec<f32>,
}

/// What a block leaves.
#[derive(Debug)]
struct Block {
    gradient: Vec<f32>,
    sums: Sums,
}

/// Mean and standard deviation of the advantages of a minibatch or of all frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation, with n - 1.
    pub deviation: f64,
}

impl Spread {
    /// Of the frames at `indices`.
    pub fn of(values: &[f32], indices: &[u32]) -> Self {
        Self::over(indices.iter().map(|&i| values[i as usize]))
    }

    /// Of all frames.
    pub fn of_all(values: &[f32]) -> Self {
        Self::over(values.iter().copied())
    }

    fn over(values: impl ExactSizeIterator<Item = f32> + Clone) -> Self {
        let len = values.len() as f64;
        let sum = |f: &dyn Fn(f64) -> f64| values.clone().map(|x| f(x.into())).sum::<f64>();
        let mean = sum(&|x| x) / len;
        let variance = sum(&|x| (x - mean) * (x - mean)) / (len - 1.0).max(1.0);
        Self {
            mean,
            deviation: variance.sqrt(),
        }
    }
}

/// The samples of a loss: all of a minibatch, or a part of one.
#[derive(Clone, Copy, Debug)]
pub struct Minibatch<'a> {
    /// All frames of the iteration.
    pub frames: &'a Frames,
    /// Which of them.
    pub indices: &'a [u32],
    /// What the loss is divided by: the samples of the whole minibatch.
    pub len: usize,
    /// What the loss is made of.
    pub coefficients: Coefficients,
    /// What advantages are normalised by.
    pub spread: Option<Spread>,
}

impl Gradient {
    /// Room for minibatches of `sample_len`.
    pub fn new(network: &Network, sample_len: usize) -> Self {
        let room = || Room {
            workspace: Workspace::new(network),
            observations: vec![0; network.sample_len * network.observation_len()],
            samples: Vec::with_capacity(network.sample_len),
            d_logits: vec![0.0; network.sample_len * network.shape.action_len],
            d_values: vec![0.0; network.sample_len],
        };
        let block = || Block {
            gradient: vec![0.0; network.param_len()],
            sums: Sums::default(),
        };
        Self {
            rooms: (0..rayon::current_num_threads())
                .map(|_| Mutex::new(room()))
                .collect(),
            blocks: (0..sample_len.div_ceil(BLOCK)).map(|_| block()).collect(),
            transposed: vec![0.0; network.param_len()],
            total: vec![0.0; network.param_len()],
        }
    }

    /// The gradient of the loss over the samples of `batch`, summed in a fixed order, with the loss's
    /// sums.
    pub fn compute(
        &mut self,
        (network, params): (&Network, &[f32]),
        batch: &Minibatch<'_>,
    ) -> (&mut [f32], Sums) {
        let indices = batch.indices;
        if indices.is_empty() {
            self.total.fill(0.0);
            return (&mut self.total, Sums::default());
        }
        let used = indices.len().div_ceil(BLOCK);
        network.transpose(params, &mut self.transposed);
        let transposed = self.transposed.as_slice();
        let rooms = &self.rooms;
        self.blocks[..used]
            .par_iter_mut()
            .zip(indices.par_chunks(BLOCK))
            .for_each(|(block, indices)| {
                let thread = rayon::current_thread_index().unwrap_or(0);
                let mut room = rooms[thread % rooms.len()]
                    .lock()
                    .expect("no block panicked");
                block.sums = Sums::default();
                for (run, indices) in indices.chunks(network.sample_len).enumerate() {
                    room.load(network, batch, indices);
                    let target = Target {
                        d_params: &mut block.gradient,
                        adds: run > 0,
                    };
                    let sums =
                        room.differentiate(Policy::new(network, params), transposed, batch, target);
                    block.sums.add(&sums);
                }
            });
        let blocks = &self.blocks[..used];
        self.total
            .par_chunks_mut(STRIPE)
            .enumerate()
            .for_each(|(stripe, total)| {
                let range = stripe * STRIPE..stripe * STRIPE + total.len();
                total.copy_from_slice(&blocks[0].gradient[range.clone()]);
                for block in &blocks[1..] {
                    sum::add(&block.gradient[range.clone()], total);
                }
            });
        let mut sums = Sums::default();
        for block in blocks {
            sums.add(&block.sums);
        }
        (&mut self.total, sums)
    }
}

impl Room {
    /// Takes samples of `batch`, as many as the network takes at once.
    fn load(&mut self, network: &Network, batch: &Minibatch<'_>, indices: &[u32]) {
        let frames = batch.frames;
        let len = network.observation_len();
        let normalised = |advantage: f32| match batch.spread {
            Some(spread) => {
                ((f64::from(advantage) - spread.mean) / (spread.deviation + 1e-8)) as f32
            }
            None => advantage,
        };
        self.samples.clear();
        for (&i, observation) in indices.iter().zip(self.observations.chunks_exact_mut(len)) {
            let i = i as usize;
            observation.copy_from_slice(&frames.observations[i * len..(i + 1) * len]);
            self.samples.push(Sample {
                action: frames.actions[i].into(),
                old_log_prob: frames.log_probs[i],
                old_value: frames.values[i],
                advantage: normalised(frames.advantages[i]),
                target: frames.advantages[i] + frames.values[i],
            });
        }
    }

    /// The gradient of the frames that were loaded, with their loss's sums.
    fn differentiate(
        &mut self,
        policy: Policy<'_>,
        transposed: &[f32],
        batch: &Minibatch<'_>,
        target: Target<'_, f32>,
    ) -> Sums {
        let (network, n) = (policy.network, self.samples.len());
        let observations = &self.observations[..n * network.observation_len()];
        self.workspace.forward(policy, observations, n);
        let d_logits = &mut self.d_logits[..n * network.shape.action_len];
        let d_values = &mut self.d_values[..n];
        let sums = loss::block(loss::Block {
            samples: &self.samples,
            logits: self.workspace.logits(network, n),
            values: self.workspace.values(network, n),
            coefficients: &batch.coefficients,
            scale: 1.0 / batch.len as f32,
            d_logits,
            d_values,
        });
        let derivatives = Derivatives {
            logits: d_logits,
            values: d_values,
        };
        self.workspace
            .backward(network, transposed, derivatives, target, n);
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Kind, Shape, init};
    use crate::numeric::random::{Purpose, Stream};

    fn frames(network: &Network, len: usize) -> Frames {
        let stream = &mut Stream::new(4, Purpose::Nulls, 0);
        Frames {
            observations: (0..len * network.observation_len())
                .map(|_| stream.below(2) as u8)
                .collect(),
            actions: (0..len).map(|_| stream.below(4) as u8).collect(),
            log_probs: (0..len)
                .map(|_| -0.5 - 2.0 * stream.uniform() as f32)
                .collect(),
            values: (0..len).map(|_| stream.normal() as f32).collect(),
            advantages: (0..len).map(|_| stream.normal() as f32).collect(),
            in_region: vec![false; len],
        }
    }

    const COEFFICIENTS: Coefficients = Coefficients {
        clip: 0.2,
        policy: 1.0,
        value: 0.5,
        entropy: 0.01,
        clip_value: true,
    };

    #[test]
    fn the_gradient_has_the_same_bits_at_any_thread_count() {
        for (kind, hidden) in [(Kind::Small, 300), (Kind::Impala, 1)] {
            let shape = Shape {
                kind,
                channels: 8,
                blocks: 2,
                hidden,
                ..Shape::tiny()
            };
            let network = Network::new(shape, 24).unwrap();
            let params = init::initialise(&network.layout, 0);
            let frames = frames(&network, 240);
            // Three whole blocks and one of eight samples, in an order that is not the frames'.
            let indices: Vec<u32> = (0..200).map(|i| i * 37 % 240).collect();
            let batch = Minibatch {
                frames: &frames,
                indices: &indices,
                len: indices.len(),
                coefficients: COEFFICIENTS,
                spread: Some(Spread::of(&frames.advantages, &indices)),
            };
            let compute = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| {
                    let mut gradient = Gradient::new(&network, 200);
                    let (d_params, sums) = gradient.compute((&network, &params), &batch);
                    (
                        d_params.iter().map(|d| d.to_bits()).collect::<Vec<u32>>(),
                        sums,
                    )
                })
            };
            let one = compute(1);
            assert!(one.0.len() > STRIPE, "more than one stripe to sum");
            for threads in [2, 5] {
                assert_eq!(compute(threads), one, "{kind:?}, {threads} threads");
            }
        }
    }

    #[test]
    fn the_gradient_is_the_mean_of_its_samples() {
        let network = Network::new(Shape::tiny(), 24).unwrap();
        let params = init::initialise(&network.layout, 0);
        let frames = frames(&network, 70);
        let indices: Vec<u32> = (0..70).rev().collect();
        let batch = Minibatch {
            frames: &frames,
            indices: &indices,
            len: indices.len(),
            coefficients: COEFFICIENTS,
            spread: Some(Spread::of(&frames.advantages, &indices)),
        };
        let mut gradient = Gradient::new(&network, 70);
        let whole = gradient.compute((&network, &params), &batch).0.to_vec();
        let mut mean = vec![0.0f64; whole.len()];
        for &index in &indices {
            let one = gradient
                .compute(
                    (&network, &params),
                    &Minibatch {
                        indices: &[index],
                        len: 1,
                        ..batch
                    },
                )
                .0;
            mean.iter_mut()
                .zip(one)
                .for_each(|(m, &mut d)| *m += f64::from(d) / 70.0);
        }
        let largest = mean.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
        assert!(largest > 1e-3);
        for (&a, &b) in whole.iter().zip(&mean) {
            assert!((f64::from(a) - b).abs() < 1e-5 * largest, "{a} {b}");
        }
    }

    #[test]
    fn the_deviation_divides_by_one_less_than_the_frames() {
        let spread = Spread::of(&[9.0, 1.0, 2.0, 9.0, 6.0], &[4, 1, 2]);
        assert_eq!(
            spread,
            Spread {
                mean: 3.0,
                deviation: 7f64.sqrt()
            }
        );
        assert_eq!(Spread::of_all(&[6.0, 1.0, 2.0]), spread);
    }
}
