//! The game: single environments and the plain batch of them.
//!
//! A move into a wall stays put and no step costs anything. On the cheese the episode ends with
//! the reward; after `timeout` steps without, it ends with 0. Both are terminal, and the next
//! level begins at once, so the observation after a step that is done is the new level's first.
//!
//! Every environment draws its levels from its own stream: what it plays depends on the seed, its
//! number and its actions, not on the batch it is in. Serial and readable on purpose: faster
//! simulators are held to this one.

use serde::{Deserialize, Serialize};

use super::{Cell, Error, Level, LevelSampler, Move, observation_len, observe};
use crate::numeric::random::{Purpose, Stream};

/// What the numbers of the actions mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionSet {
    /// The four moves: left, right, up, down.
    Four,
    /// procgen's 15 joystick actions, nine directions and six keys: a horizontal part cancels the
    /// vertical one, the keys do nothing here.
    Procgen,
}

const FOUR: [Option<Move>; 4] = [
    Some(Move::Left),
    Some(Move::Right),
    Some(Move::Up),
    Some(Move::Down),
];
const PROCGEN: [Option<Move>; 15] = [
    Some(Move::Left),
    Some(Move::Left),
    Some(Move::Left),
    Some(Move::Down),
    None,
    Some(Move::Up),
    Some(Move::Right),
    Some(Move::Right),
    Some(Move::Right),
    None,
    None,
    None,
    None,
    None,
    None,
];

impl ActionSet {
    fn table(self) -> &'static [Option<Move>] {
        match self {
            ActionSet::Four => &FOUR,
            ActionSet::Procgen => &PROCGEN,
        }
    }

    /// How many actions there are.
    pub fn action_len(self) -> usize {
        self.table().len()
    }

    /// The move an action makes; none for one that does nothing.
    ///
    /// # Panics
    /// If `action` is not below `action_len`.
    pub fn movement(self, action: u8) -> Option<Move> {
        self.table()[usize::from(action)]
    }
}

/// The rules of play.
#[derive(Clone, PartialEq, Debug)]
pub struct EnvSettings {
    /// The levels, of stage 0; its region says who is in the region in every stage.
    pub sampler: LevelSampler,
    /// Those of the stages that may follow, in worlds of the same side.
    pub later: Vec<LevelSampler>,
    /// What actions mean.
    pub actions: ActionSet,
    /// The reward on the cheese; procgen's is 10.
    pub reward: f32,
    /// Steps after which an episode ends; procgen's is 500.
    pub timeout: u16,
}

impl EnvSettings {
    /// The levels of a stage; none if there is no such stage.
    pub fn sampler_of(&self, stage: usize) -> Option<&LevelSampler> {
        match stage.checked_sub(1) {
            None => Some(&self.sampler),
            Some(index) => self.later.get(index),
        }
    }

    /// The same of a stage that there must be.
    pub(super) fn stage(&self, stage: usize) -> &LevelSampler {
        let sampler = self.sampler_of(stage);
        sampler.unwrap_or_else(|| panic!("no stage {stage} of {}", self.later.len() + 1))
    }
}

/// An episode that has ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Episode {
    /// The sum of its rewards.
    pub episode_return: f32,
    /// Its steps.
    pub length: u16,
    /// Whether it ended on the cheese.
    pub cheese: bool,
}

/// What an environment is put down as and taken up again from: the level follows from its seed and stage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EnvState {
    /// The seed of the level.
    pub level_seed: u32,
    /// The stage that the level is of.
    pub stage: usize,
    /// Where the mouse is.
    pub mouse: Cell,
    /// Steps taken in this episode.
    pub steps: u16,
    /// Where the next levels come from.
    pub stream: Stream,
}

impl EnvState {
    /// The level it is in.
    ///
    /// # Errors
    /// No such stage, the mouse stands in a wall of that level, or the episode would be over.
    pub fn level(&self, settings: &EnvSettings) -> Result<Level, Error> {
        let Some(sampler) = settings.sampler_of(self.stage) else {
            return Err(Error::Stage {
                level_seed: self.level_seed,
                found: self.stage,
                last: settings.later.len(),
            });
        };
        let level = sampler.level(self.level_seed);
        if level.is_wall(self.mouse) || self.steps >= settings.timeout {
            return Err(Error::State {
                level_seed: self.level_seed,
                mouse: self.mouse,
                steps: self.steps,
            });
        }
        Ok(level)
    }
}

/// One environment: a level, how far its episode is, and the stream its levels come from.
#[derive(Clone, PartialEq, Debug)]
pub struct Environment {
    /// The seed of the level.
    pub level_seed: u32,
    /// The stage that the level is of.
    pub stage: usize,
    /// The level.
    pub level: Level,
    /// Where the mouse is.
    pub mouse: Cell,
    /// Steps taken in this episode.
    pub steps: u16,
    /// Where the next levels come from.
    pub stream: Stream,
    /// The stage that the next levels are of.
    pub next_stage: usize,
}

impl Environment {
    /// Environment number `index` under `seed`, at the start of its first level, which is of stage 0.
    pub fn new(settings: &EnvSettings, seed: u64, index: u64) -> Self {
        let mut stream = Stream::new(seed, Purpose::Levels, index);
        let level_seed = settings.sampler.sample_seed(&mut stream);
        let level = settings.sampler.level(level_seed);
        Self {
            level_seed,
            stage: 0,
            mouse: level.mouse,
            level,
            steps: 0,
            stream,
            next_stage: 0,
        }
    }

    /// What [`restore`](Self::restore) takes it up from.
    pub fn state(&self) -> EnvState {
        EnvState {
            level_seed: self.level_seed,
            stage: self.stage,
            mouse: self.mouse,
            steps: self.steps,
            stream: self.stream.clone(),
        }
    }

    /// The environment that was put down as `state`; its next levels are of the present one's stage.
    ///
    /// # Errors
    /// No such stage, the mouse stands in a wall of that level, or the episode would be over.
    pub fn restore(settings: &EnvSettings, state: &EnvState) -> Result<Self, Error> {
        let level = state.level(settings)?;
        Ok(Self {
            level_seed: state.level_seed,
            stage: state.stage,
            mouse: state.mouse,
            steps: state.steps,
            stream: state.stream.clone(),
            next_stage: state.stage,
            level,
        })
    }

    /// Takes one step. Returns the episode if this step ended it, its return being the step's
    /// reward (every other step has none); the environment is then in its next level.
    ///
    /// # Panics
    /// If `action` is not one of the action set.
    pub fn step(&mut self, settings: &EnvSettings, action: u8) -> Option<Episode> {
        if let Some(step) = settings.actions.movement(action) {
            self.mouse = self.level.neighbour(self.mouse, step);
        }
        self.steps += 1;
        let cheese = Some(self.mouse) == self.level.cheese;
        if !cheese && self.steps < settings.timeout {
            return None;
        }
        let episode = Episode {
            episode_return: if cheese { settings.reward } else { 0.0 },
            length: self.steps,
            cheese,
        };
        let sampler = settings.stage(self.next_stage);
        self.stage = self.next_stage;
        self.level_seed = sampler.sample_seed(&mut self.stream);
        self.level = sampler.level(self.level_seed);
        self.mouse = self.level.mouse;
        self.steps = 0;
        Some(episode)
    }

    /// Writes what the policy sees, shape `(world, world, 3)`.
    ///
    /// # Panics
    /// If `out` has another length.
    pub fn observe(&self, out: &mut [u8]) {
        observe(&self.level, self.mouse, out);
    }
}

/// Environments `0..env_len` under one seed, stepped one after the other.
#[derive(Clone, PartialEq, Debug)]
pub struct Simulator {
    /// The rules.
    pub settings: EnvSettings,
    /// The environments.
    pub envs: Vec<Environment>,
}

impl Simulator {
    /// A batch of environments, each at the start of its first level.
    ///
    /// # Errors
    /// A timeout of 0.
    pub fn new(settings: EnvSettings, seed: u64, env_len: usize) -> Result<Self, Error> {
        if settings.timeout == 0 {
            return Err(Error::Timeout);
        }
        let envs = (0..env_len)
            .map(|index| Environment::new(&settings, seed, index as u64))
            .collect();
        Ok(Self { settings, envs })
    }

    /// From now on levels that begin are of this stage; those under way are played to their end.
    ///
    /// # Panics
    /// If there is no such stage.
    pub fn begin_stage(&mut self, stage: usize) {
        self.settings.stage(stage);
        for env in &mut self.envs {
            env.next_stage = stage;
        }
    }

    /// Takes one step in every environment and returns the episodes that ended, in the order of
    /// their environments: those where `dones` is true.
    ///
    /// # Panics
    /// If a slice is not one element an environment, or an action not one of the action set.
    pub fn step(
        &mut self,
        actions: &[u8],
        rewards: &mut [f32],
        dones: &mut [bool],
    ) -> Vec<Episode> {
        let env_len = self.envs.len();
        assert_eq!([actions.len(), rewards.len(), dones.len()], [env_len; 3]);
        let mut ended = Vec::new();
        for (i, env) in self.envs.iter_mut().enumerate() {
            let episode = env.step(&self.settings, actions[i]);
            rewards[i] = episode.map_or(0.0, |episode| episode.episode_return);
            dones[i] = episode.is_some();
            ended.extend(episode);
        }
        ended
    }

    /// Writes what the policy sees, shape `(env_len, world, world, 3)`.
    ///
    /// # Panics
    /// If `out` has another length.
    pub fn observe(&self, out: &mut [u8]) {
        let one_len = observation_len(self.settings.sampler.world());
        assert_eq!(out.len(), self.envs.len() * one_len);
        for (env, out) in self.envs.iter().zip(out.chunks_exact_mut(one_len)) {
            env.observe(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Variant, shortest_path};
    use super::*;

    fn settings(actions: ActionSet, timeout: u16) -> EnvSettings {
        EnvSettings {
            sampler: LevelSampler::new(11, Variant::Corner { region: 3 }, 3, 0..1000).unwrap(),
            later: Vec::new(),
            actions,
            reward: 10.0,
            timeout,
        }
    }

    #[test]
    fn procgen_actions_fold_onto_five_moves() {
        let with = |wanted| -> Vec<u8> {
            let actions = 0..ActionSet::Procgen.action_len() as u8;
            actions
                .filter(|&a| ActionSet::Procgen.movement(a) == wanted)
                .collect()
        };
        assert_eq!(with(Some(Move::Left)), [0, 1, 2]);
        assert_eq!(with(Some(Move::Down)), [3]);
        assert_eq!(with(Some(Move::Up)), [5]);
        assert_eq!(with(Some(Move::Right)), [6, 7, 8]);
        assert_eq!(with(None), [4, 9, 10, 11, 12, 13, 14]);
        assert_eq!(ActionSet::Four.action_len(), 4);
        for step in Move::ALL {
            assert_eq!(ActionSet::Four.movement(step as u8), Some(step));
        }
    }

    #[test]
    fn the_shortest_path_is_rewarded_and_a_new_level_begins() {
        let settings = settings(ActionSet::Four, 500);
        let mut env = Environment::new(&settings, 3, 0);
        for _ in 0..20 {
            let level = env.level.clone();
            let mut next_seed = env.stream.clone();
            let path = shortest_path(&level, env.mouse, level.cheese.unwrap()).unwrap();
            let mut ended = None;
            for pair in path.windows(2) {
                assert_eq!((ended, env.mouse), (None, pair[0]));
                let toward = |step: &Move| level.neighbour(pair[0], *step) == pair[1];
                let step = Move::ALL.into_iter().find(toward).unwrap();
                ended = env.step(&settings, step as u8);
            }
            let expected = Episode {
                episode_return: 10.0,
                length: path.len() as u16 - 1,
                cheese: true,
            };
            assert_eq!(ended, Some(expected));
            assert_eq!(env.level_seed, settings.sampler.sample_seed(&mut next_seed));
            assert_eq!(env.level, settings.sampler.level(env.level_seed));
            assert_eq!((env.mouse, env.steps), (env.level.mouse, 0));
        }
    }

    #[test]
    fn doing_nothing_times_out_without_reward_and_the_last_step_still_counts() {
        let settings = settings(ActionSet::Procgen, 7);
        let mut env = Environment::new(&settings, 3, 0);
        let level = env.level.clone();
        for _ in 0..6 {
            assert_eq!(env.step(&settings, 4), None);
            assert_eq!(env.mouse, level.mouse);
        }
        // A cheese reached on the very last step is reached.
        let mut lucky = env.clone();
        let free = Move::ALL.map(|step| level.neighbour(level.mouse, step));
        let (wall, way) = (
            free[0],
            free.into_iter().find(|&to| to != level.mouse).unwrap(),
        );
        assert_eq!(wall, level.mouse, "nothing is left of the start");
        lucky.level.cheese = Some(way);
        let action = if way.x > level.mouse.x { 7 } else { 5 };
        let reached = lucky.step(&settings, action).unwrap();
        assert_eq!(
            (reached.length, reached.cheese, reached.episode_return),
            (7, true, 10.0)
        );

        let timed_out = env.step(&settings, 0).unwrap();
        let expected = (7, false, 0.0);
        assert_eq!(
            (timed_out.length, timed_out.cheese, timed_out.episode_return),
            expected
        );
        assert_eq!(env.steps, 0);
        let fault = Simulator::new(
            EnvSettings {
                timeout: 0,
                ..settings
            },
            0,
            1,
        );
        assert_eq!(fault, Err(Error::Timeout));
    }

    #[test]
    fn an_environment_put_down_and_taken_up_again_plays_on() {
        let settings = settings(ActionSet::Four, 20);
        let mut env = Environment::new(&settings, 9, 1);
        let mut draws = Stream::new(9, Purpose::Actions, 1);
        for _ in 0..300 {
            let text = serde_json::to_string(&env.state()).unwrap();
            let state: EnvState = serde_json::from_str(&text).unwrap();
            let mut again = Environment::restore(&settings, &state).unwrap();
            assert_eq!(again, env);
            let action = draws.below(4) as u8;
            assert_eq!(again.step(&settings, action), env.step(&settings, action));
            assert_eq!(again, env);
        }
        let in_a_wall = EnvState {
            mouse: Cell { x: 200, y: 3 },
            ..env.state()
        };
        let over = EnvState {
            steps: 20,
            ..env.state()
        };
        for state in [in_a_wall, over] {
            let fault = Environment::restore(&settings, &state).unwrap_err();
            assert!(matches!(fault, Error::State { .. }), "{fault}");
        }
        let elsewhere = EnvState {
            stage: 1,
            ..env.state()
        };
        let fault = Environment::restore(&settings, &elsewhere).unwrap_err();
        assert!(matches!(fault, Error::Stage { .. }), "{fault}");
    }

    #[test]
    fn an_environment_plays_the_same_alone_as_in_a_batch() {
        let settings = settings(ActionSet::Four, 20);
        let mut batch = Simulator::new(settings.clone(), 9, 6).unwrap();
        let mut alone: Vec<Environment> =
            (0..6).map(|i| Environment::new(&settings, 9, i)).collect();
        assert_ne!(alone[0].level, alone[1].level);
        let one_len = observation_len(11);
        let (mut all, mut one) = (vec![0; 6 * one_len], vec![0; one_len]);
        let (mut rewards, mut dones) = ([0.0; 6], [false; 6]);
        let mut draws: Vec<Stream> = (0..6)
            .map(|i| Stream::new(9, Purpose::Actions, i))
            .collect();
        let mut cheese_len = 0;
        for _ in 0..2000 {
            let actions: Vec<u8> = draws.iter_mut().map(|draw| draw.below(4) as u8).collect();
            let ended = batch.step(&actions, &mut rewards, &mut dones);
            batch.observe(&mut all);
            let mut expected = Vec::new();
            for (i, env) in alone.iter_mut().enumerate() {
                let episode = env.step(&settings, actions[i]);
                assert_eq!(dones[i], episode.is_some());
                assert_eq!(rewards[i], episode.map_or(0.0, |e| e.episode_return));
                expected.extend(episode);
                env.observe(&mut one);
                assert_eq!(all[i * one_len..][..one_len], one);
            }
            assert_eq!(ended, expected);
            cheese_len += ended.iter().filter(|episode| episode.cheese).count();
        }
        assert!(cheese_len > 0, "random play finds some cheese");
        assert_eq!(batch.envs, alone);
    }
}
