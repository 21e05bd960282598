//! Many environments in fixed blocks, which threads share out between them.
//!
//! An environment depends on its number alone, so neither the blocks nor the threads change a bit:
//! a batch plays as [`super::Simulator`] does, which it is held to.

use rayon::prelude::*;

use super::{Block, EnvSettings, EnvState, Episode, Error, observation_len};

/// Environments in a block: their images and their copies stay in a core's cache.
pub const BLOCK_LEN: usize = 256;

/// Environments `0..env_len` under one seed.
#[derive(Clone, Debug)]
pub struct Batch {
    blocks: Vec<Block>,
    ended: Vec<Vec<Episode>>,
    env_len: usize,
    observation_len: usize,
}

impl Batch {
    /// Environments at the start of their first levels.
    ///
    /// # Errors
    /// A timeout of 0.
    pub fn new(settings: &EnvSettings, seed: u64, env_len: usize) -> Result<Self, Error> {
        if settings.timeout == 0 {
            return Err(Error::Timeout);
        }
        let starts: Vec<usize> = (0..env_len).step_by(BLOCK_LEN).collect();
        let blocks: Vec<Block> = starts
            .into_par_iter()
            .map(|start| {
                let end = (start + BLOCK_LEN).min(env_len);
                Block::new(settings, 0, seed, start as u64..end as u64)
            })
            .collect();
        Ok(Self {
            ended: vec![Vec::new(); blocks.len()],
            blocks,
            env_len,
            observation_len: observation_len(settings.sampler.world()),
        })
    }

    /// Environments in all.
    pub fn env_len(&self) -> usize {
        self.env_len
    }

    /// The blocks, `BLOCK_LEN` environments each but the last: for a caller in whose loop each
    /// block goes ahead without waiting for the others.
    pub fn blocks_mut(&mut self) -> &mut [Block] {
        &mut self.blocks
    }

    /// From now on levels that begin are of this stage; those under way are played to their end.
    ///
    /// # Panics
    /// If there is no such stage.
    pub fn begin_stage(&mut self, stage: usize) {
        for block in &mut self.blocks {
            block.begin_stage(stage);
        }
    }

    /// Takes one step in every environment and adds the episodes that ended to `ended`, in the
    /// order of their environments: those where `dones` is true.
    ///
    /// # Panics
    /// If a slice is not one element an environment, or an action not one of the action set.
    pub fn step(
        &mut self,
        actions: &[u8],
        rewards: &mut [f32],
        dones: &mut [bool],
        ended: &mut Vec<Episode>,
    ) {
        let lens = [actions.len(), rewards.len(), dones.len()];
        assert_eq!(lens, [self.env_len; 3]);
        self.blocks
            .par_iter_mut()
            .zip(&mut self.ended)
            .zip(actions.par_chunks(BLOCK_LEN))
            .zip(rewards.par_chunks_mut(BLOCK_LEN))
            .zip(dones.par_chunks_mut(BLOCK_LEN))
            .for_each(|((((block, ended), actions), rewards), dones)| {
                block.step(actions, rewards, dones, ended);
            });
        for block in &mut self.ended {
            ended.append(block);
        }
    }

    /// Writes what the policy sees, shape `(env_len, world, world, 3)`.
    ///
    /// # Panics
    /// If `out` has another length.
    pub fn observe(&mut self, out: &mut [u8]) {
        assert_eq!(out.len(), self.env_len * self.observation_len);
        self.blocks
            .par_iter_mut()
            .zip(out.par_chunks_mut(BLOCK_LEN * self.observation_len))
            .for_each(|(block, out)| block.observe(out));
    }

    /// All that environment `env` is.
    ///
    /// # Panics
    /// If there is no such environment.
    pub fn state(&self, env: usize) -> EnvState {
        self.blocks[env / BLOCK_LEN].state(env % BLOCK_LEN)
    }

    /// Makes environment `env` what it was when `state` was taken.
    ///
    /// # Errors
    /// A state that no play comes to.
    ///
    /// # Panics
    /// If there is no such environment.
    pub fn restore(&mut self, env: usize, state: &EnvState) -> Result<(), Error> {
        self.blocks[env / BLOCK_LEN].restore(env % BLOCK_LEN, state)
    }
}
