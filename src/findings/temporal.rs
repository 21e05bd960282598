//! What the components of a decomposition say about time and effects.

use serde::{Deserialize, Serialize};

use super::Components;
use crate::locate::Label;

/// One component and what steps along it cost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ComponentEffect {
    /// Its place in the order of singular values.
    pub index: usize,
    /// Temporal index on the axis of time.
    pub temporal_index: f64,
    /// The same on the behavioural axis, the share by which the walk to the corner and what the cheese adds had risen.
    pub behavioural_index: f64,
    /// Its label, where all nulls were drawn.
    pub label: Option<Label>,
    /// What undoing it cost the walk to the corner more than what the cheese adds in the region.
    pub effect: f64,
}

/// The components of one decomposition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Temporal {
    /// Which decomposition.
    pub decomposition: Components,
    /// Its components.
    pub components: Vec<ComponentEffect>,
    /// Rank correlation of temporal index and effect; the proposal predicts a negative one.
    pub correlation: Option<f64>,
    /// The same on the behavioural axis.
    pub behavioural_correlation: Option<f64>,
    /// The early set, then the late one.
    pub sets: [Vec<usize>; 2],
    /// Mean effect of the early set minus that of the late one; the proposal predicts a positive one.
    pub difference: Option<f64>,
    /// Share of pairs of sets of the same lengths, drawn among its components, whose difference is at
    /// least as large.
    pub p: Option<f64>,
}
