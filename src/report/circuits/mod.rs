//! What the policy's activations and edges carry: five sections, there where circuits were traced.

mod carriers;
mod directions;
mod eye;
mod graph;
mod heat;
mod hypotheses;
mod levels;
mod look;
mod own;
mod paths;
mod shares;

use crate::findings::tracing::Circuits;

use super::page::Section;

/// The sections.
pub fn sections(circuits: &Circuits) -> Vec<Section> {
    let section = |id, short, question, body| Section {
        id,
        short,
        question,
        body,
    };
    vec![
        section(
            "carriers",
            "Carriers",
            "Which layers, channels and cells carry the preference?",
            carriers::body(circuits),
        ),
        section(
            "paths",
            "Paths",
            "Along which kernel slices does it go?",
            paths::body(circuits),
        ),
        section(
            "directions",
            "Directions",
            "Does adding a cheese or a corner to the activations move the policy?",
            directions::body(circuits),
        ),
        section(
            "hypotheses",
            "Hypotheses",
            "How much do the hypotheses keep under causal scrubbing?",
            hypotheses::body(circuits),
        ),
        section(
            "eye",
            "By eye",
            "What do the leading weights, channels and levels look like?",
            eye::body(circuits),
        ),
    ]
}
