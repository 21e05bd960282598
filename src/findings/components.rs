//! The decompositions whose single components are tried.

use crate::locators::{Columns, Method, Recorded};

/// A decomposition by what was decomposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Components {
    /// The total gradient as it is.
    Raw,
    /// The total gradient, every step of length 1.
    UnitNorm,
    /// The gradient of the policy's loss.
    Policy,
    /// Of it, the part of transitions that begin outside of the region.
    Before,
    /// Of it, the part of transitions that begin in the region.
    Inside,
}

impl Components {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 5] = [
        Self::Raw,
        Self::UnitNorm,
        Self::Policy,
        Self::Before,
        Self::Inside,
    ];

    fn all() -> [Self; 5] {
        Self::ALL
    }

    /// "raw", "unit-norm", or the stream's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::UnitNorm => "unit-norm",
            Self::Policy => "policy",
            Self::Before => "before",
            Self::Inside => "inside",
        }
    }

    /// What was decomposed, and what was done to its columns before.
    pub fn source(self) -> (Recorded, Columns) {
        match self {
            Self::Raw => (Recorded::Total, Columns::Raw),
            Self::UnitNorm => (Recorded::Total, Columns::UnitNorm),
            Self::Policy => (Recorded::Policy, Columns::UnitNorm),
            Self::Before => (Recorded::Before, Columns::UnitNorm),
            Self::Inside => (Recorded::Inside, Columns::UnitNorm),
        }
    }

    /// Whether it is of a part of the gradient.
    pub fn is_stream(self) -> bool {
        self.source().0 != Recorded::Total
    }

    /// The method that chooses among them by time, of the whole gradient.
    pub fn method(self) -> Option<Method> {
        match self {
            Self::Raw => Some(Method::GradientSvdRaw),
            Self::UnitNorm => Some(Method::GradientSvdUnitNorm),
            _ => None,
        }
    }
}

crate::serde_by_name!(Components, "a decomposition");
