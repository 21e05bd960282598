//! Proximal policy optimisation (Schulman et al. 2017) as the published implementations do it:
//! rollouts, generalised advantages, the clipped loss, and the trainer that turns them into updates.

mod finite;
pub mod frames;
pub mod gae;
pub mod loss;
pub mod minibatch;
pub mod optimizer;
pub mod parts;
pub mod projection;
pub mod reward_scale;
pub mod rollout;
pub mod sample;
pub mod schedule;
pub mod settings;
pub mod state;
pub mod trainer;

pub use optimizer::Optimizer;
pub use parts::{Part, Parts};
pub use schedule::Stage;
pub use settings::{EnvSettings, NetSettings, PpoSettings, Settings};
pub use state::TrainerState;
pub use trainer::{Trainer, Update};

use std::borrow::Cow;

/// What can stop training.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is out of range.
    #[error("{name} = {found}: expected {expected}")]
    Setting {
        /// The setting's dotted name.
        name: Cow<'static, str>,
        /// What was given.
        found: String,
        /// What is possible.
        expected: String,
    },
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] crate::nn::Error),
    /// The levels cannot be made.
    #[error(transparent)]
    Maze(#[from] crate::maze::Error),
    /// A state to go on from that is not one of this training.
    #[error("state of training, {what}: expected {expected}, found {found}")]
    State {
        /// Which part.
        what: &'static str,
        /// What training with these settings has there.
        expected: String,
        /// What the state has.
        found: String,
    },
    /// A number stopped being finite.
    #[error(
        "update {update}: the {what} is {found}, training cannot go on (lower ppo.learning_rate?)"
    )]
    NotFinite {
        /// The optimiser step, counted from 0.
        update: u64,
        /// Which number: a parameter, an output of a layer, a moment, by the name of its tensor.
        what: String,
        /// NaN or an infinity.
        found: f64,
    },
}
