//! The files of a matrix, opened.

use super::source::Source;
use crate::nn::layout::Layout;

/// The files of a matrix, in their places.
pub(super) struct Opened {
    /// In order of both axes.
    pub(super) sources: Vec<Source>,
    /// What the parameters are, where the files say.
    pub(super) layout: Option<Layout>,
    /// The axis of the files along which they lie side by side; none where each is a step.
    pub(super) stack_axis: Option<usize>,
}

impl Opened {
    /// What says nothing more than where its files lie.
    pub(super) fn of(sources: Vec<Source>) -> Self {
        Self {
            sources,
            layout: None,
            stack_axis: None,
        }
    }
}
