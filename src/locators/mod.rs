//! Locators: ways to say which parameters serve which behaviour, one a file, all behind one trait.
//!
//! A locator sees a [`Run`] and gives, for either claim, a score a parameter (the higher, the more
//! the behaviour that the claim removes is said to live there) and, where it has one, a subspace.
//! What it was told beyond parameters and gradients is its [`Supervision`], which stands beside its
//! name wherever a result does.

mod activation_directions;
mod activation_patching;
pub mod calibration;
mod channel_scrubbing;
mod channels;
mod contrast;
pub mod decompositions;
mod displacement;
pub mod fisher;
mod gradient_displacement;
mod gradient_svd;
mod kind;
mod layer_svd;
mod method;
mod oblique;
pub mod oracle;
pub mod path_patching;
pub mod planted;
pub mod probe_gradient;
pub mod probes;
mod random;
pub mod rollback;
mod situation_svd;
mod span;
mod timing;
pub mod trajectory;
pub mod update_svd;
mod varimax;
pub mod weights_svd;

pub use activation_directions::ActivationDirections;
pub use activation_patching::ActivationPatching;
pub use channel_scrubbing::ChannelScrubbing;
pub use decompositions::{Columns, Decomposed, Decompositions, Recorded};
pub use displacement::Displacement;
pub use fisher::Fisher;
pub use gradient_displacement::GradientDisplacement;
pub use gradient_svd::GradientSvd;
pub use kind::Kind;
pub use layer_svd::LayerSvd;
pub use method::{Group, Method};
pub use oblique::Oblique;
pub use oracle::Oracle;
pub use path_patching::{Attribution, PathPatching};
pub use random::Random;
pub use rollback::Rollback;
pub use situation_svd::{SituationContrast, SituationSvd};
pub use trajectory::Trajectory;
pub use update_svd::UpdateSvd;
pub use weights_svd::WeightsSvd;

use crate::ablate::Claim;
use crate::gradients::GradientMatrix;
use crate::nn::{Layout, Policy, Steering};

/// What can go wrong in a locator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A decomposition.
    #[error(transparent)]
    Svd(#[from] crate::svd::Error),
    /// Gradients that cannot be read.
    #[error(transparent)]
    Gradients(#[from] crate::gradients::Error),
    /// Courses over time.
    #[error(transparent)]
    Locate(#[from] crate::locate::Error),
    /// A policy that cannot be measured.
    #[error(transparent)]
    Ablate(#[from] crate::ablate::Error),
}

/// What a locator was told beyond parameters and gradients; the later, the more.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Supervision {
    /// Nothing.
    None,
    /// The order of the training steps.
    Time,
    /// When the behaviours were learnt: S2 and S5 over training.
    Phases,
    /// Which training steps were made before the corner was reached and which in it.
    Situations,
    /// The right moves in situations on discovery levels.
    Labels,
    /// What edits do on discovery or selection levels.
    Effects,
}

/// One recorded stream.
#[derive(Clone, Copy)]
pub struct Stream<'a> {
    /// Time x parameters.
    pub matrix: &'a dyn GradientMatrix,
    /// The middle of each row's updates, as a share of training.
    pub tau: &'a [f64],
}

/// The recorded streams; only `total` is always there.
#[derive(Clone, Copy)]
pub struct Streams<'a> {
    /// The loss's gradient.
    pub total: Stream<'a>,
    /// What was added to the parameters.
    pub update: Option<Stream<'a>>,
    /// Gradient of the policy loss.
    pub policy: Option<Stream<'a>>,
    /// Of it, the part of transitions that begin outside of the region.
    pub before: Option<Stream<'a>>,
    /// Of it, the part of transitions that begin in the region.
    pub inside: Option<Stream<'a>>,
    /// Gradient of the value loss.
    pub value: Option<Stream<'a>>,
    /// Gradient of the entropy term.
    pub entropy: Option<Stream<'a>>,
}

impl<'a> Streams<'a> {
    /// Of a run that recorded nothing else.
    pub fn only(total: Stream<'a>) -> Self {
        Self {
            total,
            update: None,
            policy: None,
            before: None,
            inside: None,
            value: None,
            entropy: None,
        }
    }

    /// One of them, if it was recorded.
    pub fn get(&self, recorded: Recorded) -> Option<Stream<'a>> {
        match recorded {
            Recorded::Total => Some(self.total),
            Recorded::Update => self.update,
            Recorded::Policy => self.policy,
            Recorded::Before => self.before,
            Recorded::Inside => self.inside,
            Recorded::Value => self.value,
            Recorded::Entropy => self.entropy,
        }
    }
}

/// What a policy does, for those locators that are shown it.
#[derive(Clone, Copy)]
pub struct Behaviour<'a> {
    /// The network with theta_T.
    pub policy: Policy<'a>,
    /// States of the situations on discovery levels with their right moves.
    pub probes: &'a [Probe],
    /// Discovery levels, for those that look at effects.
    pub tasks: &'a crate::ablate::Tasks,
}

/// States that ask for one behaviour, with the moves that are it.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Which behaviour; S1's entry, S2, S3, S4's region and S5 are probed.
    pub rate: crate::ablate::Rate,
    /// `(states, world, world, 3)` of 0 and 1.
    pub observations: Vec<u8>,
    /// The actions that take the mouse one step nearer to its end, one bit an action, one a state.
    pub right: Vec<u16>,
}

/// A training run, as far as locators may look.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Names and places of the tensors.
    pub layout: &'a Layout,
    /// theta_0.
    pub theta_0: &'a [f32],
    /// theta_T.
    pub theta: &'a [f32],
    /// Share of training and parameters of each checkpoint, theta_0 first and theta_T last.
    pub checkpoints: &'a [(f64, Vec<f32>)],
    /// The recorded streams.
    pub streams: Streams<'a>,
    /// Decompositions of the streams, made when first asked for.
    pub decompositions: &'a Decompositions,
    /// t_corner as a share of training, where the phases were measured.
    pub t_corner: Option<f64>,
    /// What the policy does; absent where there are only matrices.
    pub behaviour: Option<Behaviour<'a>>,
    /// Components that decompositions have.
    pub rank: usize,
    /// Seed of whatever is drawn.
    pub seed: u64,
}

impl Run<'_> {
    /// theta_T - theta_0.
    pub fn displacement(&self) -> Vec<f32> {
        let pairs = self.theta.iter().zip(self.theta_0);
        pairs.map(|(&theta, &theta_0)| theta - theta_0).collect()
    }
}

/// What a locator says, for claim A and for claim B.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// One score a parameter, finite; the highest are reset first.
    pub scores: [Vec<f64>; 2],
    /// Directions in parameter space, where it has some.
    pub subspace: Option<[Vec<Vec<f32>>; 2]>,
    /// What it found, in words: "components 3, 7 (labelled)".
    pub found: [String; 2],
}

impl Located {
    /// The same scores for both claims: what says where and not what for.
    pub fn undirected(scores: Vec<f64>, found: String) -> Self {
        Self {
            scores: [scores.clone(), scores],
            subspace: None,
            found: [found.clone(), found],
        }
    }

    /// The place of a claim in the pairs.
    pub fn index(claim: Claim) -> usize {
        match claim {
            Claim::A => 0,
            Claim::B => 1,
        }
    }
}

/// An edit of a locator's own, beside the resets that all of them are compared by.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The claim it is for; none where the effects must say.
    pub claim: Option<Claim>,
    /// What it does, in two or three words.
    pub edit: &'static str,
    /// What it does it to: "components 3, 7".
    pub member: String,
    /// What its choice is told beyond what the locator is.
    pub supervision: Supervision,
    /// How it is made.
    pub native: Native,
}

/// How an edit is made, up to its dose.
#[derive(Clone, Debug, PartialEq)]
pub enum Native {
    /// Steps along a direction, in shares of |theta_T - theta_0|, of either sign.
    Step(Vec<f32>),
    /// The displacement's projection on these directions taken off, in shares of it.
    Project(Vec<Vec<f32>>),
    /// This vector added to theta_T, in shares of it.
    Add(Vec<f32>),
    /// Whole parameters by dose.
    Params(Vec<(f64, Vec<f32>)>),
    /// One of these added to the activations in every forward pass, either sign; no parameter changes.
    Steer(Vec<Steer>),
}

/// A direction in the activations of a site.
#[derive(Clone, Debug, PartialEq)]
pub struct Steer {
    /// "cheese at conv3".
    pub member: String,
    /// At a dose of 1.
    pub steering: Steering,
}

/// A way to say which parameters serve which behaviour.
pub trait Locator: Sync {
    /// Who it is.
    fn method(&self) -> Method {
        let mut all = Method::ALL.into_iter();
        let found = all.find(|method| method.name() == self.name());
        found.expect("every locator is one of the methods")
    }
    /// Its name in tables.
    fn name(&self) -> &'static str;
    /// One sentence for the reader of a table: what is scored, by what equation.
    fn meaning(&self) -> &'static str;
    /// What it is told.
    fn supervision(&self) -> Supervision;
    /// What it says of a run; `None` where the run has not what it needs.
    ///
    /// # Errors
    /// A matrix that cannot be read or decomposed.
    fn locate(&self, run: &Run<'_>) -> Result<Option<Located>, Error>;
    /// Its own edits; where it has a subspace, taking the displacement in it off.
    ///
    /// # Errors
    /// As [`locate`](Self::locate).
    fn offers(&self, _run: &Run<'_>, located: &Located) -> Result<Vec<Offer>, Error> {
        Ok(project_off(self.supervision(), located))
    }
}

/// Taking off the displacement in what a locator's subspaces span, where they are not empty.
fn project_off(supervision: Supervision, located: &Located) -> Vec<Offer> {
    let Some(subspace) = &located.subspace else {
        return Vec::new();
    };
    let offer = |claim| {
        let index = Located::index(claim);
        Offer {
            claim: Some(claim),
            edit: "project off",
            member: located.found[index].clone(),
            supervision,
            native: Native::Project(subspace[index].clone()),
        }
    };
    Claim::ALL
        .into_iter()
        .filter(|&claim| !subspace[Located::index(claim)].is_empty())
        .map(offer)
        .collect()
}

/// The locator that bounds the others.
pub const ORACLE: &str = "mask oracle";

/// Every locator, in the order of tables.
pub fn all() -> Vec<Box<dyn Locator>> {
    vec![
        Box::new(GradientSvd::RAW),
        Box::new(GradientSvd::UNIT_NORM),
        Box::new(LayerSvd),
        Box::new(Oblique::Means),
        Box::new(Oblique::Contrast),
        Box::new(Oblique::Varimax),
        Box::new(GradientSvd::POLICY),
        Box::new(GradientSvd::VALUE),
        Box::new(GradientSvd::ENTROPY),
        Box::new(SituationSvd),
        Box::new(SituationContrast),
        Box::new(UpdateSvd),
        Box::new(WeightsSvd::Final),
        Box::new(WeightsSvd::Displacement),
        Box::new(Trajectory),
        Box::new(Rollback),
        Box::new(Displacement),
        Box::new(GradientDisplacement),
        Box::new(Fisher),
        Box::new(Attribution),
        Box::new(ActivationPatching),
        Box::new(PathPatching),
        Box::new(ChannelScrubbing),
        Box::new(ActivationDirections),
        Box::new(Oracle::default()),
        Box::new(Random),
    ]
}
