//! The level after the present one, of every environment of a block, made before it is needed.
//!
//! What an environment plays next depends on its own stream alone, so its next level can be made
//! at any time. Environments that have begun their last one wait until there are enough of them to
//! make levels side by side, or until one of them needs its next.

use super::fast_generate::LevelMaker;
use super::mt19937_lanes::LANES;
use super::{Level, LevelSampler};
use crate::numeric::random::Stream;

/// A level, its seed, and the stream after it was drawn.
#[derive(Clone, Debug)]
pub(super) struct Next {
    pub level: Level,
    pub level_seed: u32,
    pub stream: Stream,
}

/// One level ahead for every environment.
#[derive(Clone, Debug)]
pub(super) struct NextLevels {
    sampler: LevelSampler,
    maker: LevelMaker,
    ahead: Vec<Next>,
    is_ready: Vec<bool>,
    waiting: Vec<usize>,
}

impl NextLevels {
    /// The levels that these streams draw first.
    pub fn new(sampler: &LevelSampler, streams: impl Iterator<Item = Stream>) -> Self {
        let ahead: Vec<Next> = streams
            .map(|stream| Next {
                level: Level::solid(sampler.world(), 3),
                level_seed: 0,
                stream,
            })
            .collect();
        let mut levels = Self {
            sampler: sampler.clone(),
            maker: sampler.maker(),
            is_ready: vec![false; ahead.len()],
            waiting: (0..ahead.len()).collect(),
            ahead,
        };
        levels.refill();
        levels
    }

    /// Hands the next level of environment `env` to `begin`.
    pub fn take(&mut self, env: usize, begin: impl FnOnce(&Next)) {
        if !self.is_ready[env] {
            self.refill();
        }
        begin(&self.ahead[env]);
        self.is_ready[env] = false;
        self.waiting.push(env);
        if self.waiting.len() >= LANES {
            self.refill();
        }
    }

    /// From now on environment `env` draws from `stream`.
    pub fn restart(&mut self, env: usize, stream: Stream) {
        self.ahead[env].stream = stream;
        if self.is_ready[env] {
            self.is_ready[env] = false;
            self.waiting.push(env);
        }
    }

    /// From now on every environment draws from its stream of these, and levels of this sampler, in a
    /// world of the same side: what was made ahead is drawn anew.
    pub fn begin<'a>(&mut self, sampler: &LevelSampler, streams: impl Iterator<Item = &'a Stream>) {
        self.sampler = sampler.clone();
        self.maker = sampler.maker();
        for (env, stream) in streams.enumerate() {
            self.restart(env, stream.clone());
        }
    }

    fn refill(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for envs in waiting.chunks(LANES) {
            self.draw_seeds(envs);
            let mut seeds = [0; LANES];
            for (seed, &env) in seeds.iter_mut().zip(envs) {
                *seed = self.ahead[env].level_seed;
                self.is_ready[env] = true;
            }
            let ahead = &mut self.ahead;
            self.maker.levels(&seeds[..envs.len()], |i, level| {
                ahead[envs[i]].level = level;
            });
        }
        waiting.clear();
        self.waiting = waiting;
    }

    /// Draws the seed of each environment's next level. Where small mazes are passed over, the
    /// lanes that are left look at further candidates of the same environments, and a stream ends
    /// behind the first candidate that counts.
    fn draw_seeds(&mut self, envs: &[usize]) {
        if self.sampler.min_maze_dim() == 3 {
            for &env in envs {
                let next = &mut self.ahead[env];
                next.level_seed = self.sampler.candidate(&mut next.stream);
            }
            return;
        }
        let mut open = envs.to_vec();
        while !open.is_empty() {
            let mut seeds = [0; LANES];
            let mut behind: Vec<Stream> = Vec::with_capacity(LANES);
            for (lane, seed) in seeds.iter_mut().enumerate() {
                let before = match lane.checked_sub(open.len()) {
                    Some(earlier) => &behind[earlier],
                    None => &self.ahead[open[lane]].stream,
                };
                let mut stream = before.clone();
                *seed = self.sampler.candidate(&mut stream);
                behind.push(stream);
            }
            let dims = self.maker.maze_dims(&seeds);
            let open_len = open.len();
            let mut nth = 0;
            open.retain(|&env| {
                let mut lanes = (nth..LANES).step_by(open_len);
                let last = lanes.clone().next_back().expect("a lane an environment");
                let found = lanes.find(|&lane| dims[lane] >= self.sampler.min_maze_dim());
                let lane = found.unwrap_or(last);
                self.ahead[env].level_seed = seeds[lane];
                self.ahead[env].stream = behind[lane].clone();
                nth += 1;
                found.is_none()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Variant;
    use super::*;
    use crate::numeric::random::Purpose;

    #[test]
    fn every_environment_gets_its_own_levels_in_order_whoever_asks_when() {
        for (min_maze_dim, env_len) in [(3, 40), (7, 5), (11, 1), (11, 40)] {
            let new = |region, min_maze_dim| {
                let variant = Variant::Corner { region };
                LevelSampler::new(11, variant, min_maze_dim, 5..9000).unwrap()
            };
            let (first, other) = (new(3, min_maze_dim), new(0, 9));
            let mut sampler = first.clone();
            let stream = |env| Stream::new(2, Purpose::Levels, env as u64);
            let mut levels = NextLevels::new(&sampler, (0..env_len).map(stream));
            let mut alone: Vec<Stream> = (0..env_len).map(stream).collect();
            let mut order = Stream::new(1, Purpose::Controls, 0);
            for turn in 0..1000 {
                let env = (order.below(env_len as u32) & order.below(64)) as usize;
                if turn % 100 == 99 {
                    let elsewhere = Stream::new(3, Purpose::Levels, turn);
                    levels.restart(env, elsewhere.clone());
                    alone[env] = elsewhere;
                }
                if turn % 250 == 249 {
                    // Other levels from here on, of those drawn ahead too.
                    sampler = match sampler == first {
                        true => other.clone(),
                        false => first.clone(),
                    };
                    levels.begin(&sampler, alone.iter());
                }
                let level_seed = sampler.sample_seed(&mut alone[env]);
                levels.take(env, |next| {
                    assert_eq!(next.level_seed, level_seed);
                    assert_eq!(next.level, sampler.level(level_seed));
                    assert_eq!(next.stream, alone[env]);
                });
            }
        }
    }
}
