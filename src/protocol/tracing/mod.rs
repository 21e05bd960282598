//! What a trained policy carries where: what `gouda circuits` and the main job ask of it, one kind of question a
//! file, and what the study over seeds asks of a seed's policy.

mod circuits;
mod discovery;
mod hypotheses;
mod patching;
mod pictures;
mod whole_policy;

pub use circuits::{Extent, trace_policy, trace_run};
pub use hypotheses::read_hypotheses;
pub use whole_policy::trace_whole;
