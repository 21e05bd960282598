//! A batch in play, for its time to be taken.

use rayon::prelude::*;

use super::clock::Slices;
use crate::maze::batch::BLOCK_LEN;
use crate::maze::{Batch, EnvSettings, Episode, Error, observation_len};
use crate::numeric::random::{Purpose, Stream};

/// Steps of a slice.
pub const SLICE_STEPS: usize = 50;
/// Steps whose observations are kept where they are recorded: more than the caches hold.
const KEPT_STEPS: usize = 16;

/// What happens after each step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Observe {
    /// Nothing.
    Not,
    /// Observations are brought up to date where the simulator keeps them.
    View,
    /// They are also copied, to the same place after every step.
    Write,
    /// They are also copied, to a place of each step's own.
    Record,
}

/// Environments in the middle of their episodes, and what they play next.
pub struct Play {
    batch: Batch,
    actions: Vec<u8>,
    rewards: Vec<f32>,
    dones: Vec<bool>,
    frames: Vec<u8>,
    ended: Vec<Vec<Episode>>,
    one_len: usize,
}

impl Play {
    /// Environments that have played for twice the timeout, and not in step: each began at another
    /// time of its episode.
    pub fn new(
        rules: &EnvSettings,
        env_len: usize,
        step_len: usize,
        action: impl Fn(&mut Stream) -> u8,
    ) -> Result<Self, Error> {
        let mut batch = Batch::new(rules, 0, env_len)?;
        let mut random = Stream::new(0, Purpose::Actions, 0);
        for env in 0..env_len {
            let mut state = batch.state(env);
            state.steps = random.below(u32::from(rules.timeout.min(1000))) as u16;
            batch.restore(env, &state)?;
        }
        let one_len = observation_len(rules.sampler.world());
        let mut play = Self {
            actions: Vec::new(),
            rewards: vec![0.0; env_len],
            dones: vec![false; env_len],
            frames: vec![0; KEPT_STEPS * env_len * one_len],
            ended: vec![Vec::new(); env_len.div_ceil(BLOCK_LEN)],
            one_len,
            batch,
        };
        let mut draw = |len: usize| (0..len * env_len).map(|_| action(&mut random)).collect();
        play.actions = draw(2 * usize::from(rules.timeout.min(1000)));
        play.go_through();
        play.actions = draw(step_len);
        Ok(play)
    }

    /// Plays all steps and stays where they end.
    fn go_through(&mut self) {
        for actions in self.actions.chunks_exact(self.rewards.len()) {
            let (rewards, dones) = (&mut self.rewards, &mut self.dones);
            self.batch.step(actions, rewards, dones, &mut self.ended[0]);
        }
    }

    /// Plays all steps from the same beginning as ever and returns how many episodes ended. Every
    /// block plays a slice's steps by itself; with `in_step` all wait for each other after each.
    pub fn repeat(&mut self, observe: Observe, in_step: bool, slices: &mut Slices) -> usize {
        let env_len = self.rewards.len();
        let mut batch = self.batch.clone();
        self.ended.iter_mut().for_each(Vec::clear);
        // The images as they are after many steps.
        batch.observe(&mut self.frames[..env_len * self.one_len]);
        slices.repeat();
        let mut rest = self.actions.as_slice();
        while !rest.is_empty() {
            let actions;
            (actions, rest) = rest.split_at(rest.len().min(SLICE_STEPS * env_len));
            let (rewards, dones) = (&mut self.rewards, &mut self.dones);
            let (frames, ended) = (&mut self.frames, &mut self.ended);
            if in_step {
                slices.time(|| {
                    for actions in actions.chunks_exact(env_len) {
                        batch.step(actions, rewards, dones, &mut ended[0]);
                    }
                });
                continue;
            }
            slices.time(|| {
                batch
                    .blocks_mut()
                    .par_iter_mut()
                    .zip(rewards.par_chunks_mut(BLOCK_LEN))
                    .zip(dones.par_chunks_mut(BLOCK_LEN))
                    .zip(ended)
                    .zip(frames.par_chunks_mut(KEPT_STEPS * BLOCK_LEN * self.one_len))
                    .enumerate()
                    .for_each(|(i, ((((block, rewards), dones), ended), frames))| {
                        let len = block.env_len();
                        for (t, actions) in actions.chunks_exact(env_len).enumerate() {
                            let actions = &actions[i * BLOCK_LEN..][..len];
                            block.step(actions, rewards, dones, ended);
                            let kept = match observe {
                                Observe::Not => continue,
                                Observe::View => {
                                    std::hint::black_box(block.observations());
                                    continue;
                                }
                                Observe::Write => 0,
                                Observe::Record => t % KEPT_STEPS,
                            };
                            let bytes = len * self.one_len;
                            block.observe(&mut frames[kept * bytes..][..bytes]);
                        }
                    });
            });
        }
        self.ended.iter().map(Vec::len).sum()
    }
}
