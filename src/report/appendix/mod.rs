//! The appendix of a study's page: every table, with the field of study.json and the source that made it.

mod behaviour;
mod details;
mod methods;
mod planted;
mod question;

use crate::ablate::Claim;
use crate::findings::Study;

pub use behaviour::{is_along_a_component, is_locators};
pub use details::failed;
pub use question::own;

/// One part.
pub struct Part {
    /// The section of the results that its figures and tables belong to, by its `id`.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its text, without the heading.
    pub text: String,
}

/// All of them.
pub fn parts(study: &Study) -> Vec<Part> {
    let part = |id, title, text| Part { id, title, text };
    vec![
        part(
            "premise",
            "The premise: is the corner learnt before the cheese?",
            behaviour::premise(study),
        ),
        part(
            "claim-a",
            "A: the walk to the cheese removed, the corner kept",
            behaviour::claim(study, Claim::A),
        ),
        part(
            "claim-b",
            "B: the walk to the corner removed, the cheese kept",
            behaviour::claim(study, Claim::B),
        ),
        part(
            "currency",
            "Every locator in one currency: its top parameters reset",
            methods::currency(study),
        ),
        part(
            "weights",
            "Why gradients and not weights?",
            methods::gradients_or_weights(study),
        ),
        part(
            "question",
            "Why SVD at all, and not tracing, patching, scrubbing or circuits read by hand?",
            question::question(study),
        ),
        part(
            "temporal",
            "The temporal claim: do early components hurt the corner and late ones the cheese?",
            methods::temporal(study),
        ),
        part(
            "directions",
            "What the chosen directions are",
            details::directions(study),
        ),
        part("places", "Where the locators point", details::places(study)),
        part(
            "relearning",
            "How fast ablated behaviours come back",
            details::relearning(study),
        ),
        part(
            "retraining",
            "Training again with components projected out",
            details::retraining(study),
        ),
        part(
            "planted",
            "Planted truth: what is found where the answer is known",
            planted::planted(study),
        ),
        part(
            "cost",
            "What it took, and what froze the choices",
            details::cost(study),
        ),
    ]
}
