//! Rows of a gradient matrix: each the sum over so many updates.

use serde::{Deserialize, Serialize};

use crate::gradients::RowMeta;
use crate::ppo::Update;

use crate::experiment::Config;

/// What a row of `update` alone is.
pub fn alone(update: &Update<'_>) -> RowMeta {
    RowMeta {
        first_update: update.index,
        last_update: update.index,
        frames: update.frames,
        learning_rate: update.learning_rate,
        clip_factor: update.clip_factor,
        advantage_std: update.advantage_std,
        minibatch: update.minibatch.into(),
        norm: 0.0,
    }
}

/// A row in the making.
#[derive(Clone, Debug, PartialEq)]
pub struct Partial {
    /// What is known of it so far.
    pub begun: Begun,
    /// The sum, one entry a parameter; without meaning where nothing is summed.
    pub sum: Vec<f32>,
}

/// What a row in the making covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    /// Updates summed.
    pub updates: u64,
    /// Of them.
    pub meta: RowMeta,
}

/// Sums updates to rows.
#[derive(Clone, Debug)]
pub struct RowSum {
    every: u64,
    total_updates: u64,
    /// The row that is being summed.
    pub partial: Partial,
}

impl RowSum {
    /// Rows as `config` asks for, from the beginning.
    pub fn new(config: &Config, param_len: usize) -> Self {
        let (begun, sum) = (Begun::default(), vec![0.0; param_len]);
        Self::from_partial(config, Partial { begun, sum })
    }

    /// Goes on in a row.
    pub fn from_partial(config: &Config, partial: Partial) -> Self {
        Self {
            every: config.record.every.updates(&config.ppo),
            total_updates: config.ppo.total_updates,
            partial,
        }
    }

    /// Adds what `update` has, its gradient or what it applied. Where that ends a row, the row and
    /// what it is.
    pub fn add(&mut self, values: &[f32], update: &Update<'_>) -> Option<(&[f32], RowMeta)> {
        let Partial { begun, sum } = &mut self.partial;
        let meta = &mut begun.meta;
        if begun.updates == 0 {
            sum.copy_from_slice(values);
            meta.first_update = update.index;
            meta.clip_factor = 0.0;
            meta.advantage_std = 0.0;
        } else {
            sum.iter_mut().zip(values).for_each(|(sum, &x)| *sum += x);
        }
        begun.updates += 1;
        // Means over the updates of a row; the running form is exact for one.
        let weight = 1.0 / begun.updates as f64;
        meta.clip_factor += (update.clip_factor - meta.clip_factor) * weight;
        meta.advantage_std += (update.advantage_std - meta.advantage_std) * weight;
        if begun.updates < self.every && update.index + 1 < self.total_updates {
            return None;
        }
        meta.last_update = update.index;
        meta.frames = update.frames;
        meta.learning_rate = update.learning_rate;
        meta.minibatch = if begun.updates == 1 {
            update.minibatch.into()
        } else {
            0
        };
        begun.updates = 0;
        Some((sum, *meta))
    }
}
