//! An edit: of which family, to which member of it, at which dose.

use std::sync::Arc;

use crate::ablate::recipe::Recipe;
use crate::ablate::{Claim, PerRate};
use crate::findings::{Components, Family, Role};
use crate::locators::Supervision;

/// Which member of a family; its words are for people alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// One component of a decomposition, by its place in the order of singular values.
    Component(Components, usize),
    /// What a method found, or another thing that has a name.
    Named(String),
}

impl Member {
    /// "unit-norm 5", "components 3+7 (labelled)".
    pub fn words(&self) -> String {
        match self {
            Self::Component(of, index) => format!("{} {index}", of.name()),
            Self::Named(name) => name.clone(),
        }
    }
}

/// A member of a family that is a direction of any length but zero.
pub type Direction = (Member, Arc<Vec<f32>>);

/// An edit that is to be tried.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Its family; the best of each is reported for either claim.
    pub family: Family,
    /// What its choice is told.
    pub supervision: Supervision,
    /// The claim its method means it for; none where it is tried for both.
    pub meant_for: Option<Claim>,
    /// Which member of the family.
    pub member: Member,
    /// The dose, in the family's unit, negative for the other sign.
    pub dose: f64,
    /// How it is made.
    pub recipe: Recipe,
}

/// An edit that was tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The edit.
    pub edit: Edit,
    /// What it cost on selection levels.
    pub losses: PerRate<f64>,
}

impl Edit {
    /// What the edit is to a claim; none where it is a control for the other.
    pub fn role(&self, claim: Claim) -> Option<Role> {
        if self.family.is_known() && self.meant_for.is_none_or(|meant| meant == claim) {
            return Some(Role::Known);
        }
        match (self.family.is_control(), self.meant_for) {
            (true, Some(meant)) if meant != claim => None,
            (true, _) => Some(Role::Control),
            (false, Some(meant)) if meant != claim => Some(Role::Swapped),
            (false, Some(_)) => Some(Role::Predicted),
            (false, None) => Some(Role::Practical),
        }
    }
}

impl Tried {
    /// How far inside the rule of success it is on selection levels.
    pub fn margin(&self, claim: Claim) -> f64 {
        claim.margin(&|rate| self.losses[rate])
    }

    /// Selectivity on selection levels.
    pub fn selectivity(&self, claim: Claim) -> f64 {
        claim.selectivity(&|rate| self.losses[rate])
    }
}
