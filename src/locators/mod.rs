//! Locators: ways to say which parameters serve which behaviour, one a file, all behind one trait.
//!
//! A locator sees a [`Run`] and gives, for either claim, a score a parameter (the higher, the more
//! the behaviour that the claim removes is said to live there) and, where it has one, a subspace.
//! What it knows beyond parameters and gradients is its [`Supervision`], which stands beside its
//! name wherever a result does.

mod activation_directions;
mod activation_patching;
pub mod allocation;
pub mod allocation_factors;
mod asked;
mod asked_states;
pub mod calibration;
mod channel_scrubbing;
mod channels;
mod contrast;
mod cuts;
pub mod decompositions;
mod displacement;
mod error;
pub mod fisher;
pub mod gradient_displacement;
mod gradient_svd;
mod in_span;
mod kind;
mod layer_svd;
mod locator;
mod loss_change;
mod method;
mod nonnegative;
mod oblique;
pub mod oracle;
pub mod path_patching;
pub mod planted;
pub mod probe_gradient;
pub mod probes;
mod random;
pub mod rollback;
mod run;
mod situation_svd;
mod sources;
mod span;
mod timing;
pub mod trajectory;
pub mod update_svd;
mod varimax;
pub mod weights_svd;
mod window_svd;
mod windows;

pub use activation_directions::ActivationDirections;
pub use activation_patching::ActivationPatching;
pub use calibration::Precision;
pub use channel_scrubbing::ChannelScrubbing;
pub use cuts::CUTS;
pub use decompositions::{Columns, Decomposed, Decompositions, Recorded};
pub use displacement::Displacement;
pub use error::Error;
pub use fisher::Fisher;
pub use gradient_displacement::GradientDisplacement;
pub use gradient_svd::GradientSvd;
pub use in_span::InSpan;
pub use kind::Kind;
pub use layer_svd::LayerSvd;
pub use locator::{Located, Locator, Native, Offer, Offers, Steer};
pub use loss_change::{LastGradient, LossChange, LossChangeFactors, loss_changes};
pub use method::{Group, Method, Supervision};
pub use oblique::Oblique;
pub use oracle::Oracle;
pub use path_patching::{Attribution, PathPatching};
pub use random::Random;
pub use rollback::Rollback;
pub use run::{Behaviour, Probe, Run, Stream, Streams};
pub use situation_svd::{SituationContrast, SituationSvd};
pub use trajectory::Trajectory;
pub use update_svd::UpdateSvd;
pub use weights_svd::WeightsSvd;
pub use window_svd::WindowSvd;

/// Every locator, in the order of tables.
pub fn all() -> Vec<Box<dyn Locator>> {
    let [gradients, updates, unit_norm, over_rms, probes, phases] = WindowSvd::ALL;
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
        Box::new(gradients),
        Box::new(updates),
        Box::new(unit_norm),
        Box::new(over_rms),
        Box::new(probes),
        Box::new(phases),
        Box::new(WeightsSvd::Final),
        Box::new(WeightsSvd::Displacement),
        Box::new(Trajectory),
        Box::new(Rollback),
        Box::new(Displacement),
        Box::new(GradientDisplacement),
        Box::new(Fisher),
        Box::new(LossChange),
        Box::new(LastGradient),
        Box::new(LossChangeFactors),
        Box::new(Attribution),
        Box::new(ActivationPatching),
        Box::new(PathPatching),
        Box::new(ChannelScrubbing),
        Box::new(ActivationDirections),
        Box::new(Oracle::default()),
        Box::new(Random),
    ]
}
