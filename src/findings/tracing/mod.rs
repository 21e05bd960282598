//! What a trained policy carries where: all that `circuits.json` says, and what the study over seeds says
//! of a seed's whole policy.

mod circuits;
mod pictures;
mod whole_policy;

pub use circuits::{Carrier, Cells, Circuits, TracedFact};
pub use pictures::{Chosen, LeadingEdges, PicturedLevel, Pictures};
pub use whole_policy::{TakenOff, WholePolicy};
