//! Which components are the early ones and which the late ones: the labelled, or where none is, those
//! whose trimmed courses have the most extreme temporal index, spikes left out.
//!
//! Of n components that may have a phase, the unlabelled sets take `min(3, n / 2)` each, so that no
//! component is in both.

use super::component::{Component, Label};
use super::temporal::Course;

/// Components of a set where the labels name none.
const SET_LEN: usize = 3;

/// Components chosen by time alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemporalSet {
    /// Their indices.
    pub members: Vec<usize>,
    /// By what they were chosen.
    pub how: &'static str,
}

impl TemporalSet {
    /// The components with a label; where none has it, the most extreme among the ones that are
    /// signal and no spikes.
    pub fn of_components(components: &[Component], label: Label) -> Self {
        let labelled: Vec<usize> = components
            .iter()
            .filter(|c| c.label == label)
            .map(|c| c.index)
            .collect();
        if !labelled.is_empty() {
            return Self {
                members: labelled,
                how: "labelled",
            };
        }
        let candidates = components.iter().filter(|c| c.is_candidate());
        Self::extreme(candidates.map(|c| (c.index, &c.course)), label)
    }

    /// The most extreme of courses that were not held against nulls, spikes left out, and those that
    /// `is_shared` ([`super::shared`]) does not hold.
    pub fn of_courses(courses: &[Course], is_shared: impl Fn(usize) -> bool, label: Label) -> Self {
        let phases = courses
            .iter()
            .enumerate()
            .filter(|(index, course)| !course.is_spike() && is_shared(*index));
        Self::extreme(phases, label)
    }

    fn extreme<'a>(courses: impl Iterator<Item = (usize, &'a Course)>, label: Label) -> Self {
        let mut order: Vec<(usize, f64)> = courses
            .map(|(index, course)| (index, course.phase_index()))
            .collect();
        let len = SET_LEN.min(order.len() / 2);
        order.sort_by(|a, b| a.1.total_cmp(&b.1));
        if label == Label::Late {
            order.reverse();
        }
        Self {
            members: order.iter().take(len).map(|(index, _)| *index).collect(),
            how: match label {
                Label::Late => "highest index, unlabelled",
                _ => "lowest index, unlabelled",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::temporal::Trimmed;

    #[test]
    fn extremes_are_disjoint_and_pass_over_spikes() {
        // The trimmed index counts, whatever a few rows say, and a low participation ratio does not.
        let course = |index: f64, share: f64| Course {
            temporal_index: -index,
            early_late_log_ratio: 0.0,
            participation_ratio: 0.05,
            dc: 0.0,
            trimmed: Some(Trimmed { index, share }),
        };
        let indices = [0.1, -0.3, 0.4, -0.9, 0.2, 0.0];
        let mut courses: Vec<Course> = indices.iter().map(|&index| course(index, 0.3)).collect();
        courses[3] = course(-0.9, 0.8);
        let of = |courses: &[Course], is_shared: &dyn Fn(usize) -> bool, label| {
            TemporalSet::of_courses(courses, is_shared, label).members
        };
        let members = |courses: &[Course], label| of(courses, &|_| true, label);
        assert_eq!(members(&courses, Label::Early), [1, 5]);
        assert_eq!(members(&courses, Label::Late), [2, 4]);
        assert!(members(&courses[..1], Label::Early).is_empty());
        assert_eq!(of(&courses, &|index| index != 1, Label::Early), [5, 0]);
    }
}
