//! Families of edits: whose they are, and what is done. The best of each family is chosen for either claim.

use crate::locators::{Kind, Method};

/// A family of edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Steps along single components of the total gradient.
    Step,
    /// Steps along single components of a part of the gradient.
    StreamStep,
    /// A constant on the logits, whatever the maze.
    Compass,
    /// Steps along random directions in the span of the components.
    RandomStep,
    /// Steps along noise that has in every tensor the length of such a direction.
    MatchedNoise,
    /// Steps along random combinations of the recorded gradients.
    RowCombination,
    /// Random components projected off, or the parameters of highest score in them reset.
    RandomSubset,
    /// Earlier checkpoints.
    Checkpoint,
    /// What moved in a stretch of training, taken back.
    Stretch,
    /// The weights that read the cheese's plane, scaled down.
    Blindfold,
    /// Random vectors added to activations.
    RandomSteer,
    /// An edit of a method's own.
    Of(Method, Kind),
    /// As many random parameters of every tensor as a method's reset puts back.
    Matched(Method),
    /// As many random directions in the span of a method's own, projected off.
    InSpan(Method),
}

impl Family {
    /// The dumbest explanations: what every edit has to be above, each with as many tries.
    pub const BASELINES: [Self; 7] = [
        Self::Compass,
        Self::RandomStep,
        Self::MatchedNoise,
        Self::RowCombination,
        Self::RandomSubset,
        Self::Checkpoint,
        Self::Stretch,
    ];

    /// Every family there can be.
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Step,
            Self::StreamStep,
            Self::Blindfold,
            Self::RandomSteer,
        ];
        all.extend(Self::BASELINES);
        for method in Method::ALL {
            all.extend(Kind::ALL.map(|kind| Self::Of(method, kind)));
            all.extend([Self::Matched(method), Self::InSpan(method)]);
        }
        all
    }

    /// Its name in tables and files.
    pub fn name(self) -> String {
        match self {
            Self::Step => "step along a component".into(),
            Self::StreamStep => "step along a stream's component".into(),
            Self::RandomStep => "random in-span step".into(),
            Self::MatchedNoise => "noise matched tensor by tensor".into(),
            Self::RowCombination => "random combination of rows".into(),
            Self::RandomSubset => "random subset of components".into(),
            Self::Stretch => "stretch taken back".into(),
            Self::Blindfold => "blindfold".into(),
            Self::Compass => "compass".into(),
            Self::Checkpoint => "rollback to a checkpoint".into(),
            Self::RandomSteer => "activation directions: random vector".into(),
            Self::Of(method, kind) => format!("{}: {}", method.name(), kind.name()),
            Self::Matched(method) => format!("{}: as many random ones", method.name()),
            Self::InSpan(method) => format!("{}: as many random directions", method.name()),
        }
    }

    /// The method whose edit it is.
    pub fn method(self) -> Option<Method> {
        match self {
            Self::Of(method, _) => Some(method),
            _ => None,
        }
    }

    /// Whether it is one of the [`BASELINES`](Self::BASELINES).
    pub fn is_baseline(self) -> bool {
        Self::BASELINES.contains(&self)
    }

    /// Whether its effect is known before it is measured, or the best that optimisation found: no rival, but an answer and a
    /// ceiling.
    pub fn is_known(self) -> bool {
        match self {
            Self::Blindfold => true,
            Self::Of(method, _) => method == Method::MaskOracle,
            _ => false,
        }
    }

    /// Whether it is a control to whatever claim: nobody's edit, or one drawn at random.
    pub fn is_control(self) -> bool {
        match self {
            Self::Step | Self::StreamStep | Self::Blindfold => false,
            Self::Of(method, _) => method == Method::Random,
            _ => true,
        }
    }

    /// Whether it is a step along one direction of the total gradient's span: a component, or a random one.
    pub fn is_step_in_span(self) -> bool {
        matches!(self, Self::Step | Self::RandomStep)
    }

    /// Whether it is drawn beside one family of a method alone.
    pub fn is_drawn_beside(self) -> bool {
        matches!(self, Self::Matched(_) | Self::InSpan(_))
    }

    /// What is drawn beside this family alone, if something is.
    pub fn own_control(self) -> Option<Self> {
        match self {
            Self::Of(method, Kind::Reset) => Some(Self::Matched(method)),
            Self::Of(_, Kind::Steer) => Some(Self::RandomSteer),
            Self::Of(method, Kind::ProjectOff) => Some(Self::InSpan(method)),
            _ => None,
        }
    }
}

/// By name, as tables and lists have them.
impl Ord for Family {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name().cmp(&other.name())
    }
}

impl PartialOrd for Family {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

crate::serde_by_name!(Family, "a family of edits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_read_back_from_its_name_and_no_two_share_one() {
        let all = Family::all();
        let mut names: Vec<String> = all.iter().map(|family| family.name()).collect();
        for &family in &all {
            let text = serde_json::to_string(&family).unwrap();
            assert_eq!(serde_json::from_str::<Family>(&text).unwrap(), family);
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }
}
