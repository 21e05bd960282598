//! The training loop, one optimiser step at a time: the caller pulls updates and does with each
//! gradient what it likes.

use crate::maze::Episode;
use crate::nn::adam::Adam;
use crate::nn::sgd::Sgd;
use crate::nn::{Network, init};
use crate::numeric::random::{Purpose, Stream};
use crate::numeric::sum;

use super::Error;
use super::finite::Made;
use super::loss::Sums;
use super::minibatch::{Gradient, Minibatch, Spread};
use super::optimizer::Optimizer;
use super::parts::{self, Parts};
use super::projection::{Projection, When};
use super::rollout::{self, Rollout};
use super::settings::{NormAdv, OptimizerKind, Settings};

/// Samples that run through the network at a time.
pub const RUN: usize = 16;
const _: () = assert!(RUN >= rollout::BLOCK, "a block of environments is one run");

/// An agent in training.
#[derive(Debug)]
pub struct Trainer {
    pub(super) settings: Settings,
    network: Network,
    pub(super) params: Vec<f32>,
    pub(super) optimizer: Optimizer,
    pub(super) rollout: Rollout,
    gradient: Gradient,
    parts: Parts,
    projection: Option<Projection>,
    applied: Vec<f32>,
    /// The parameters after the update, until it is known to be finite.
    moved: Vec<f32>,
    seed: u64,
    pub(super) update: u64,
    order: Vec<u32>,
    /// Of the advantages of the last rollout, where they are normalised by it.
    spread: Option<Spread>,
    episodes: Vec<Episode>,
}

/// One optimiser step, as it just happened.
#[derive(Debug)]
pub struct Update<'a> {
    /// Steps before this one.
    pub index: u64,
    /// Frames seen so far.
    pub frames: u64,
    /// The loss's gradient before clipping, one a parameter,
    /// without the directions that are taken out of it.
    pub gradient: &'a [f32],
    /// Its parts, where they were asked for.
    pub parts: Option<&'a Parts>,
    /// What was added to the parameters.
    pub applied: &'a [f32],
    /// Norm of the loss's gradient, before directions are taken out of it.
    pub norm: f64,
    /// What `gradient` was multiplied by before the optimiser saw it.
    pub clip_factor: f64,
    /// The learning rate.
    pub learning_rate: f64,
    /// Standard deviation of the minibatch's advantages.
    pub advantage_std: f64,
    /// CRC-32 of the minibatch's frame indices.
    pub minibatch: u32,
    /// The loss's parts, as means over the minibatch.
    pub loss: Sums,
    /// Whether this is the last update of its iteration.
    pub ends_iteration: bool,
    /// Episodes that ended in the rollout of this iteration.
    pub episodes: &'a [Episode],
}

impl Trainer {
    /// An agent with fresh parameters.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn new(settings: Settings, seed: u64) -> Result<Self, Error> {
        settings.check()?;
        let network = Network::new(settings.net.shape(&settings.env), RUN)?;
        let params = init::initialise(&network.layout, seed);
        let len = network.param_len();
        let optimizer = match settings.ppo.optimizer {
            OptimizerKind::Adam => Optimizer::Adam(Adam::new(len, settings.ppo.adam_eps)),
            OptimizerKind::Sgd => Optimizer::Sgd(Sgd::new(len, settings.ppo.momentum)),
        };
        Ok(Self {
            rollout: Rollout::new(&settings, &network, seed)?,
            gradient: Gradient::new(&network, settings.ppo.minibatch_size),
            parts: Parts::default(),
            projection: None,
            applied: vec![0.0; len],
            moved: vec![0.0; len],
            order: Vec::new(),
            spread: None,
            episodes: Vec::new(),
            update: 0,
            settings,
            network,
            params,
            optimizer,
            seed,
        })
    }

    /// Takes directions out of every update from here on.
    pub fn project_out(&mut self, projection: Projection) {
        self.projection = Some(projection);
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The parameters as they are now.
    pub fn params(&self) -> &[f32] {
        &self.params
    }

    /// Goes on with these parameters, trained elsewhere since; the optimiser and the environments stay as they are.
    ///
    /// # Panics
    /// Another number of parameters, or within an iteration.
    pub fn set_params(&mut self, params: &[f32]) {
        assert!(self.is_between_iterations(), "changed in an iteration");
        self.params.copy_from_slice(params);
    }

    /// The optimiser as it is now.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// Updates made.
    pub fn updates(&self) -> u64 {
        self.update
    }

    /// Makes one update, after a new rollout where the last one is used up; `None` once all
    /// `total_updates` are made.
    ///
    /// # Errors
    /// A loss, gradient or parameter that is no longer finite; the parameters are then those before
    /// the update.
    pub fn advance(&mut self) -> Result<Option<Update<'_>>, Error> {
        self.step(false)
    }

    /// As [`advance`](Self::advance), and computes the parts of the gradient beside it, which
    /// changes no bit of anything else.
    ///
    /// # Errors
    /// As there.
    pub fn advance_in_parts(&mut self) -> Result<Option<Update<'_>>, Error> {
        self.step(true)
    }

    fn step(&mut self, in_parts: bool) -> Result<Option<Update<'_>>, Error> {
        let ppo = &self.settings.ppo;
        if self.update == ppo.total_updates {
            return Ok(None);
        }
        let per_iteration = ppo.updates_per_iteration();
        let (iteration, within) = (self.update / per_iteration, self.update % per_iteration);
        if within == 0 {
            self.rollout.begin_stage(self.settings.stage(self.update));
            self.episodes = self
                .rollout
                .collect(&self.settings, &self.network, &self.params);
            let advantages = &self.rollout.frames.advantages;
            let is_whole = self.settings.ppo.norm_adv == NormAdv::Rollout;
            self.spread = is_whole.then(|| Spread::of_all(advantages));
        }
        let per_epoch = (ppo.batch_len() / ppo.minibatch_size) as u64;
        let (epoch, batch) = (within / per_epoch, (within % per_epoch) as usize);
        if batch == 0 {
            self.shuffle(iteration * ppo.update_epochs as u64 + epoch);
        }
        let ppo = &self.settings.ppo;
        let indices = &self.order[batch * ppo.minibatch_size..(batch + 1) * ppo.minibatch_size];
        let frames = &self.rollout.frames;
        let spread = Spread::of(&frames.advantages, indices);
        let minibatch = Minibatch {
            frames,
            indices,
            len: indices.len(),
            coefficients: ppo.coefficients(),
            spread: match ppo.norm_adv {
                NormAdv::Minibatch => Some(spread),
                NormAdv::Rollout => self.spread,
                NormAdv::None => None,
            },
        };
        let model = (&self.network, &*self.params);
        let room = &mut self.gradient;
        if in_parts {
            parts::compute(room, model, &minibatch, &mut self.parts);
        }
        let (gradient, mut sums) = room.compute(model, &minibatch);
        let scale = 1.0 / indices.len() as f64;
        for part in [
            &mut sums.policy,
            &mut sums.value,
            &mut sums.entropy,
            &mut sums.divergence,
            &mut sums.clipped,
        ] {
            *part *= scale;
        }
        let update = self.update;
        let norm = sum::norm(gradient);
        let made = Made {
            update,
            network: &self.network,
            params: &self.params,
            frames,
            indices,
            gradient,
            optimizer: &self.optimizer,
            applied: &[],
        };
        for (what, found) in [
            ("policy loss", sums.policy),
            ("value loss", sums.value),
            ("entropy", sums.entropy),
            ("divergence", sums.divergence),
            ("gradient norm", norm),
        ] {
            made.check(what, found)?;
        }
        let is_shorter = match &self.projection {
            Some(projection) => projection.apply(When::BeforeOptimizer, gradient),
            None => false,
        };
        let clipped_norm = if is_shorter {
            sum::norm(gradient)
        } else {
            norm
        };
        let clip_factor = (ppo.max_grad_norm / (clipped_norm + 1e-6)).min(1.0);
        let progress = (iteration * per_iteration) as f64 / ppo.total_updates as f64;
        let learning_rate = ppo.learning_rate * if ppo.anneal_lr { 1.0 - progress } else { 1.0 };
        // The optimiser sees the clipped gradient; the recorded one has its own length.
        let applied = &mut self.applied;
        match &mut self.optimizer {
            Optimizer::Adam(adam) => adam.update(gradient, clip_factor, learning_rate, applied),
            Optimizer::Sgd(sgd) => sgd.update(gradient, clip_factor, learning_rate, applied),
        }
        if let Some(projection) = &self.projection {
            projection.apply(When::AfterOptimizer, applied);
        }
        self.moved.copy_from_slice(&self.params);
        sum::add(&self.applied, &mut self.moved);
        let made = Made {
            update,
            network: &self.network,
            params: &self.params,
            frames,
            indices,
            gradient,
            optimizer: &self.optimizer,
            applied: &self.applied,
        };
        made.check("parameters' norm", sum::norm(&self.moved))?;
        std::mem::swap(&mut self.params, &mut self.moved);
        self.update += 1;
        Ok(Some(Update {
            index: update,
            frames: (iteration + 1) * ppo.batch_len() as u64,
            gradient,
            parts: in_parts.then_some(&self.parts),
            applied: &self.applied,
            norm,
            clip_factor,
            learning_rate,
            advantage_std: spread.deviation,
            minibatch: crc32fast::hash(bytemuck::cast_slice(indices)),
            loss: sums,
            ends_iteration: within + 1 == per_iteration || self.update == ppo.total_updates,
            episodes: &self.episodes,
        }))
    }

    fn shuffle(&mut self, epoch: u64) {
        self.order = (0..self.settings.ppo.batch_len() as u32).collect();
        Stream::new(self.seed, Purpose::Minibatches, epoch).shuffle(&mut self.order);
    }
}
