//! What a locator is, and what it says: scores, a subspace, edits.

use std::fmt;

use super::error::Error;
use super::in_span::InSpan;
use super::kind::Kind;
use super::method::{Method, Supervision};
use super::run::Run;
use crate::ablate::Claim;
use crate::nn::Steering;

/// A way to say which parameters serve which behaviour.
pub trait Locator: Sync {
    /// Who it is.
    fn method(&self) -> Method;
    /// What it says of a run; `None` where the run has not what it needs.
    ///
    /// # Errors
    /// A matrix that cannot be read or decomposed.
    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error>;
}

/// What a locator says, for claim A and for claim B.
#[derive(Debug)]
pub struct Located<'a> {
    /// One score a parameter, finite; the highest are reset first.
    pub scores: [Vec<f64>; 2],
    /// Directions in parameter space, where it has some.
    pub subspace: Option<[Vec<Vec<f32>>; 2]>,
    /// What it found, in words: "components 3, 7 (labelled)".
    pub found: [String; 2],
    /// Its own edits, beside the resets that all locators are compared by.
    pub offers: Offers<'a>,
}

impl<'a> Located<'a> {
    /// Scores without a subspace and without edits.
    pub fn scored(scores: [Vec<f64>; 2], found: [String; 2]) -> Self {
        Self {
            scores,
            subspace: None,
            found,
            offers: Offers::default(),
        }
    }

    /// One list of scores for both claims, of locators that say where something was learnt and not what.
    pub fn undirected(scores: Vec<f64>, found: String) -> Self {
        Self::scored([scores.clone(), scores], [found.clone(), found])
    }

    /// Adds a subspace, and edits that take the displacement off in what it spans, where it is not empty.
    pub fn with_subspace(mut self, subspace: [Vec<Vec<f32>>; 2], supervision: Supervision) -> Self {
        let offers: Vec<Offer> = Claim::ALL
            .into_iter()
            .filter(|&claim| !subspace[Self::index(claim)].is_empty())
            .map(|claim| Offer {
                claim: Some(claim),
                edit: Kind::ProjectOff,
                member: self.found[Self::index(claim)].clone(),
                supervision,
                native: Native::Project(subspace[Self::index(claim)].clone()),
            })
            .collect();
        self.subspace = Some(subspace);
        self.offering(move || Ok(offers))
    }

    /// Adds edits after those that are there already; they are made when they are asked for.
    pub fn offering(mut self, make: impl FnOnce() -> Result<Vec<Offer>, Error> + 'a) -> Self {
        let before = self.offers;
        self.offers = Offers(Box::new(move || {
            let mut offers = before.make()?;
            offers.extend(make()?);
            Ok(offers)
        }));
        self
    }

    /// Whether the scores of a claim rank parameters: the same score for all of them names none.
    pub fn names(&self, claim: Claim) -> bool {
        !is_constant(&self.scores[Self::index(claim)])
    }

    /// The place of a claim in the pairs.
    pub fn index(claim: Claim) -> usize {
        match claim {
            Claim::A => 0,
            Claim::B => 1,
        }
    }
}

/// Whether all values are the same.
pub(super) fn is_constant(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}

/// Edits that are made when they are asked for: some cost as much as the scores, and not everyone asks.
pub struct Offers<'a>(Box<dyn FnOnce() -> Result<Vec<Offer>, Error> + 'a>);

impl Offers<'_> {
    /// Makes them.
    ///
    /// # Errors
    /// As [`locate`](Locator::locate).
    pub fn make(self) -> Result<Vec<Offer>, Error> {
        (self.0)()
    }
}

impl Default for Offers<'_> {
    fn default() -> Self {
        Self(Box::new(|| Ok(Vec::new())))
    }
}

impl fmt::Debug for Offers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offers").finish_non_exhaustive()
    }
}

/// An edit of a locator's own, beside the resets that all of them are compared by.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The claim it is for; none where the effects must say.
    pub claim: Option<Claim>,
    /// What it does.
    pub edit: Kind,
    /// What it does it to: "components 3, 7".
    pub member: String,
    /// What its choice knows, beyond what the locator does.
    pub supervision: Supervision,
    /// How it is made.
    pub native: Native,
}

/// How an edit is made, up to its dose.
#[derive(Clone, Debug, PartialEq)]
pub enum Native {
    /// Steps along a direction, in shares of |theta_T - theta_0|, of either sign.
    Step(Vec<f32>),
    /// The displacement's projection on these directions taken off, in shares of it.
    Project(Vec<Vec<f32>>),
    /// The same, each dose to stand beside as many random directions in their span.
    ProjectInSpan(InSpan),
    /// This vector added to theta_T, in shares of it.
    Add(Vec<f32>),
    /// Whole parameters by dose.
    Params(Vec<(f64, Vec<f32>)>),
    /// One of these added to the activations in every forward pass, either sign; no parameter changes.
    Steer(Vec<Steer>),
}

/// A direction in the activations of a site.
#[derive(Clone, Debug, PartialEq)]
pub struct Steer {
    /// "cheese at conv3".
    pub member: String,
    /// At a dose of 1.
    pub steering: Steering,
}
