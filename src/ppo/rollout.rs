//! Rollouts: every environment plays a fixed number of steps under the current policy.
//!
//! Environments are grouped in fixed blocks, each with a workspace of its own, and blocks run in
//! parallel. An environment's levels and actions come from its own random streams and a sample's
//! logits do not depend on its block, so neither the grouping nor the threads change a bit.

use rayon::prelude::*;

use crate::maze::{self, EnvState, Episode};
use crate::nn::{Network, Policy, Workspace};
use crate::numeric::random::{Purpose, Stream};

use super::Error;
use super::frames::Frames;
use super::gae;
use super::reward_scale::RewardScale;
use super::sample;
use super::settings::Settings;

/// Environments of one block.
pub const BLOCK: usize = 16;

/// The environments between rollouts.
#[derive(Debug)]
pub struct Rollout {
    blocks: Vec<Block>,
    /// What rewards are scaled by, where they are.
    pub(super) rewards: Option<RewardScale>,
    /// The frames last collected.
    pub frames: Frames,
}

#[derive(Debug)]
struct Block {
    environments: maze::Block,
    actions: Vec<Stream>,
    workspace: Workspace<f32>,
    /// Of one step, one an environment.
    step: Step,
    rewards: Vec<f32>,
    dones: Vec<bool>,
    /// V after the last step.
    last_values: Vec<f32>,
    episodes: Vec<Episode>,
}

#[derive(Debug)]
struct Step {
    actions: Vec<u8>,
    rewards: Vec<f32>,
    dones: Vec<bool>,
}

impl Rollout {
    /// Environments at the start of their first training levels.
    ///
    /// # Errors
    /// Settings no level can be made from.
    pub fn new(settings: &Settings, network: &Network, seed: u64) -> Result<Self, Error> {
        let rules = settings.env.rules()?;
        let (env_len, step_len) = (settings.ppo.num_envs, settings.ppo.num_steps);
        let indices: Vec<u64> = (0..env_len as u64).collect();
        let blocks = indices
            .chunks(BLOCK)
            .map(|block| Block {
                environments: maze::Block::new(
                    &rules,
                    settings.stage(0),
                    seed,
                    block[0]..block[0] + block.len() as u64,
                ),
                actions: block
                    .iter()
                    .map(|&e| Stream::new(seed, Purpose::Actions, e))
                    .collect(),
                workspace: Workspace::new(network),
                step: Step {
                    actions: vec![0; block.len()],
                    rewards: vec![0.0; block.len()],
                    dones: vec![false; block.len()],
                },
                rewards: vec![0.0; block.len() * step_len],
                dones: vec![false; block.len() * step_len],
                last_values: vec![0.0; block.len()],
                episodes: Vec::new(),
            })
            .collect();
        let frame_len = env_len * step_len;
        let frames = Frames {
            observations: vec![0; frame_len * network.observation_len()],
            actions: vec![0; frame_len],
            log_probs: vec![0.0; frame_len],
            values: vec![0.0; frame_len],
            advantages: vec![0.0; frame_len],
            in_region: vec![false; frame_len],
        };
        let norm_rewards = settings.ppo.norm_rewards;
        Ok(Self {
            blocks,
            rewards: norm_rewards.then(|| RewardScale::new(env_len)),
            frames,
        })
    }

    /// Every environment and its stream of actions, as they are between two rollouts.
    pub fn state(&self) -> (Vec<EnvState>, Vec<Stream>) {
        let of = |block: &Block| {
            let len = block.actions.len();
            let state = |env| block.environments.state(env);
            (0..len).map(state).collect::<Vec<EnvState>>()
        };
        let actions = self.blocks.iter().flat_map(|block| &block.actions);
        (
            self.blocks.iter().flat_map(of).collect(),
            actions.cloned().collect(),
        )
    }

    /// Puts back what [`state`](Self::state) gave; both have one element an environment.
    ///
    /// # Errors
    /// A state that no play comes to.
    pub fn restore(&mut self, environments: &[EnvState], actions: &[Stream]) -> Result<(), Error> {
        let blocks = self.blocks.iter_mut();
        for (block, (environments, actions)) in
            blocks.zip(environments.chunks(BLOCK).zip(actions.chunks(BLOCK)))
        {
            for (env, state) in environments.iter().enumerate() {
                block.environments.restore(env, state)?;
            }
            block.actions.clone_from_slice(actions);
        }
        Ok(())
    }

    /// From now on levels that begin are of this stage of the schedule.
    ///
    /// # Panics
    /// If there is no such stage.
    pub fn begin_stage(&mut self, stage: usize) {
        for block in &mut self.blocks {
            block.environments.begin_stage(stage);
        }
    }

    /// Plays `num_steps` steps in every environment and computes the advantages. Returns the
    /// episodes that ended, environment block by environment block.
    pub fn collect(
        &mut self,
        settings: &Settings,
        network: &Network,
        params: &[f32],
    ) -> Vec<Episode> {
        let step_len = settings.ppo.num_steps;
        let block_len = BLOCK * step_len;
        let frames = &mut self.frames;
        self.blocks
            .par_iter_mut()
            .zip(
                frames
                    .observations
                    .par_chunks_mut(block_len * network.observation_len()),
            )
            .zip(frames.actions.par_chunks_mut(block_len))
            .zip(frames.log_probs.par_chunks_mut(block_len))
            .zip(frames.values.par_chunks_mut(block_len))
            .zip(frames.in_region.par_chunks_mut(block_len))
            .for_each(
                |(((((block, observations), actions), log_probs), values), in_region)| {
                    let frames = BlockFrames {
                        observations,
                        actions,
                        log_probs,
                        values,
                        in_region,
                    };
                    block.play(step_len, network, params, frames);
                },
            );
        self.scale_rewards(settings);
        let frames = &mut self.frames;
        self.blocks
            .par_iter()
            .zip(frames.values.par_chunks(block_len))
            .zip(frames.advantages.par_chunks_mut(block_len))
            .for_each(|((block, values), advantages)| {
                block.estimate(settings, values, advantages);
            });
        self.blocks
            .iter_mut()
            .flat_map(|block| block.episodes.drain(..))
            .collect()
    }

    /// Step by step over all environments, where rewards are scaled.
    fn scale_rewards(&mut self, settings: &Settings) {
        let Some(scale) = &mut self.rewards else {
            return;
        };
        let (env_len, step_len) = (settings.ppo.num_envs, settings.ppo.num_steps);
        let (mut rewards, mut dones) = (vec![0.0; env_len], vec![false; env_len]);
        for t in 0..step_len {
            for (e, (reward, done)) in rewards.iter_mut().zip(&mut dones).enumerate() {
                let (block, at) = (&self.blocks[e / BLOCK], e % BLOCK * step_len + t);
                (*reward, *done) = (block.rewards[at], block.dones[at]);
            }
            scale.step(settings.ppo.gamma.into(), &mut rewards, &dones);
            for (e, &reward) in rewards.iter().enumerate() {
                self.blocks[e / BLOCK].rewards[e % BLOCK * step_len + t] = reward;
            }
        }
    }
}

struct BlockFrames<'a> {
    observations: &'a mut [u8],
    actions: &'a mut [u8],
    log_probs: &'a mut [f32],
    values: &'a mut [f32],
    in_region: &'a mut [bool],
}

impl Block {
    fn play(
        &mut self,
        step_len: usize,
        network: &Network,
        params: &[f32],
        frames: BlockFrames<'_>,
    ) {
        let (env_len, observation_len) = (self.environments.env_len(), network.observation_len());
        for t in 0..step_len {
            let observations = self.forward(network, params);
            for (e, observation) in observations.chunks_exact(observation_len).enumerate() {
                let start = (e * step_len + t) * observation_len;
                frames.observations[start..][..observation_len].copy_from_slice(observation);
            }
            let logits = self.workspace.logits(network, env_len);
            let values = self.workspace.values(network, env_len);
            for (e, logits) in logits.chunks_exact(network.shape.action_len).enumerate() {
                let frame = e * step_len + t;
                let (action, log_prob) = sample::action(logits, self.actions[e].uniform());
                self.step.actions[e] = action;
                frames.actions[frame] = action;
                frames.log_probs[frame] = log_prob;
                frames.values[frame] = values[e];
                frames.in_region[frame] = self.environments.is_in_region(e);
            }
            let Step {
                actions,
                rewards,
                dones,
            } = &mut self.step;
            self.environments
                .step(actions, rewards, dones, &mut self.episodes);
            for (e, (&reward, &done)) in rewards.iter().zip(dones.iter()).enumerate() {
                self.rewards[e * step_len + t] = reward;
                self.dones[e * step_len + t] = done;
            }
        }
        self.forward(network, params);
        let last_values = self.workspace.values(network, env_len);
        self.last_values.copy_from_slice(&last_values[..env_len]);
    }

    /// The advantages of what was played.
    fn estimate(&self, settings: &Settings, values: &[f32], advantages: &mut [f32]) {
        let step_len = settings.ppo.num_steps;
        for (e, &last_value) in self.last_values.iter().enumerate() {
            let range = e * step_len..(e + 1) * step_len;
            gae::advantages(
                gae::Steps {
                    rewards: &self.rewards[range.clone()],
                    values: &values[range.clone()],
                    dones: &self.dones[range.clone()],
                },
                last_value,
                settings.ppo.gamma,
                settings.ppo.gae_lambda,
                &mut advantages[range],
            );
        }
    }

    /// Runs the network on what the environments show now, and returns that.
    fn forward(&mut self, network: &Network, params: &[f32]) -> &[u8] {
        let env_len = self.environments.env_len();
        let observations = self.environments.observations();
        self.workspace
            .forward(Policy::new(network, params), observations, env_len);
        observations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maze::{ActionSet, Environment, MouseStart};
    use crate::nn::{Kind, init};
    use crate::ppo::{EnvSettings, NetSettings, PpoSettings, Stage};

    fn settings() -> Settings {
        Settings {
            env: EnvSettings {
                world: 5,
                region: 3,
                min_maze_dim: 3,
                timeout: 6,
                reward: 10.0,
                actions: ActionSet::Procgen,
                mouse: MouseStart::Anywhere,
                // In its levels, too, the region is that of the settings.
                schedule: vec![Stage {
                    from: 0.5,
                    region: 0,
                    min_maze_dim: 5,
                }],
            },
            net: NetSettings {
                kind: Kind::Small,
                channels: 4,
                blocks: 1,
                hidden: 8,
            },
            ppo: PpoSettings {
                num_envs: BLOCK + 3,
                num_steps: 9,
                minibatch_size: 9,
                gamma: 0.9,
                gae_lambda: 0.8,
                ..PpoSettings::usual()
            },
        }
    }

    /// The same play as without, its rewards scaled step by step over all environments in order.
    #[test]
    fn rewards_are_scaled_by_the_returns_of_all_environments() {
        let mut settings = settings();
        let network = Network::new(settings.net.shape(&settings.env), BLOCK).unwrap();
        let params = init::initialise(&network.layout, 5);
        let mut plain = Rollout::new(&settings, &network, 8).unwrap();
        settings.ppo.norm_rewards = true;
        let mut scaled = Rollout::new(&settings, &network, 8).unwrap();
        let (env_len, step_len) = (settings.ppo.num_envs, settings.ppo.num_steps);
        let mut scale = RewardScale::new(env_len);
        for _ in 0..3 {
            plain.collect(&settings, &network, &params);
            scaled.collect(&settings, &network, &params);
            assert_eq!(plain.frames.observations, scaled.frames.observations);
            let all = |of: &dyn Fn(&Block) -> Vec<f32>| -> Vec<f32> {
                plain.blocks.iter().flat_map(of).collect()
            };
            let mut rewards = all(&|block| block.rewards.clone());
            let last_values = all(&|block| block.last_values.clone());
            let dones: Vec<bool> = plain.blocks.iter().flat_map(|b| b.dones.clone()).collect();
            assert!(rewards.contains(&10.0));
            for t in 0..step_len {
                let at = |e: usize| e * step_len + t;
                let mut step: Vec<f32> = (0..env_len).map(|e| rewards[at(e)]).collect();
                let ended: Vec<bool> = (0..env_len).map(|e| dones[at(e)]).collect();
                scale.step(0.9f32.into(), &mut step, &ended);
                (0..env_len).for_each(|e| rewards[at(e)] = step[e]);
            }
            for (e, &last_value) in last_values.iter().enumerate() {
                let range = e * step_len..(e + 1) * step_len;
                let mut advantages = vec![0.0; step_len];
                let steps = gae::Steps {
                    rewards: &rewards[range.clone()],
                    values: &plain.frames.values[range.clone()],
                    dones: &dones[range.clone()],
                };
                gae::advantages(steps, last_value, 0.9, 0.8, &mut advantages);
                assert_eq!(scaled.frames.advantages[range], advantages);
            }
            assert_eq!(scaled.rewards.as_ref(), Some(&scale));
        }
        assert_eq!(scale.frames, 3 * (env_len * step_len) as u64);
    }

    /// Two rollouts in a row against every environment played alone, one sample at a time.
    #[test]
    fn environments_play_as_if_alone() {
        let settings = settings();
        let rules = settings.env.rules().unwrap();
        let network = Network::new(settings.net.shape(&settings.env), BLOCK).unwrap();
        let params: Vec<f32> = init::initialise(&network.layout, 5)
            .iter()
            .map(|p| 3.0 * p)
            .collect();
        let mut rollout = Rollout::new(&settings, &network, 8).unwrap();
        let mut rounds = Vec::new();
        for stage in 0..2 {
            rollout.begin_stage(stage);
            let episodes = rollout.collect(&settings, &network, &params);
            rounds.push((rollout.frames.clone(), episodes));
        }
        let mut workspace = Workspace::new(&network);
        let mut observation = vec![0; network.observation_len()];
        let mut ended = [Vec::new(), Vec::new()];
        let mut sides = [0; 2];
        for e in 0..settings.ppo.num_envs {
            let mut environment = Environment::new(&rules, 8, e as u64);
            let mut actions = Stream::new(8, Purpose::Actions, e as u64);
            for (((frames, _), ended), stage) in rounds.iter().zip(&mut ended).zip(0..) {
                environment.next_stage = stage;
                let (mut rewards, mut dones) = (Vec::new(), Vec::new());
                let range = e * 9..(e + 1) * 9;
                for frame in range.clone() {
                    environment.observe(&mut observation);
                    workspace.forward(Policy::new(&network, &params), &observation, 1);
                    let (action, log_prob) =
                        sample::action(workspace.logits(&network, 1), actions.uniform());
                    let value = workspace.values(&network, 1)[0];
                    let start = frame * observation.len();
                    assert_eq!(
                        frames.observations[start..][..observation.len()],
                        observation
                    );
                    assert_eq!(frames.actions[frame], action);
                    // Half of the mazes have a side of 3, all of which is the region's.
                    let level = &environment.level;
                    let in_region = level.maze_dim > 3 && level.in_region(environment.mouse, 3);
                    assert_eq!(frames.in_region[frame], in_region);
                    sides[usize::from(in_region)] += 1;
                    assert_eq!(frames.log_probs[frame].to_bits(), log_prob.to_bits());
                    assert_eq!(frames.values[frame].to_bits(), value.to_bits());
                    let episode = environment.step(&rules, action);
                    rewards.push(episode.map_or(0.0, |episode| episode.episode_return));
                    dones.push(episode.is_some());
                    ended.extend(episode);
                }
                environment.observe(&mut observation);
                workspace.forward(Policy::new(&network, &params), &observation, 1);
                let mut advantages = vec![0.0; 9];
                gae::advantages(
                    gae::Steps {
                        rewards: &rewards,
                        values: &frames.values[range.clone()],
                        dones: &dones,
                    },
                    workspace.values(&network, 1)[0],
                    0.9,
                    0.8,
                    &mut advantages,
                );
                assert_eq!(frames.advantages[range], advantages);
            }
        }
        assert!(sides.iter().all(|&frames| frames > 20), "{sides:?}");
        for ((_, episodes), ended) in rounds.iter().zip(&ended) {
            let order = |episode: &Episode| (episode.length, episode.cheese);
            let (mut found, mut expected) = (episodes.clone(), ended.clone());
            found.sort_by_key(order);
            expected.sort_by_key(order);
            assert_eq!(found, expected);
            assert!(
                found.iter().any(|episode| episode.cheese)
                    && found.iter().any(|episode| !episode.cheese)
            );
        }
    }
}
