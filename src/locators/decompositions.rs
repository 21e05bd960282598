//! The decompositions of a run's streams: each made once, when a locator first asks for it, and shared.
//!
//! What was decomposed elsewhere, with labels against all nulls, is [provided](Decompositions::provide)
//! before. The rest is found to a residual of 1e-4 of the largest singular value, or in as many
//! readings of the stream as are allowed, in bounded memory.

use std::sync::{Arc, Mutex, PoisonError};

use super::allocation_factors::LossChanges;
use super::error::Error;
use crate::gradients::{GradientMatrix, Scaled, row_norms};
use crate::locate::shared::is_shared;
use crate::locate::temporal::profile;
use crate::locate::{Component, Course, Label, TemporalSet};
use crate::svd::{self, Decomposition};

/// Residual, relative to the largest singular value, that directions of locators need.
const TOLERANCE: f64 = 1e-4;
/// Readings of a matrix, at most.
const PASSES: usize = 24;
/// Entries up to which the SVD's own plan is taken.
const SMALL_LEN: usize = 1 << 20;
/// Steps or parameters up to which inner products are formed: two readings, where the iteration takes
/// more time on spectra as flat as those of noise.
const GRAM_SIDE: usize = 2048;

/// One of the recorded streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The loss's gradient.
    Total,
    /// What was added to the parameters.
    Update,
    /// Gradient of the policy loss.
    Policy,
    /// Of it, the part from outside of the region.
    Before,
    /// Of it, the part from in the region.
    Inside,
    /// Gradient of the value loss.
    Value,
    /// Gradient of the entropy term.
    Entropy,
}

/// What is done to the gradient of a step before it becomes a column of G.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Nothing.
    Raw,
    /// It is scaled to length 1.
    UnitNorm,
}

impl Columns {
    /// Both, in the order of tables.
    pub const ALL: [Self; 2] = [Self::Raw, Self::UnitNorm];

    /// Its name, also that of its folder in a run's directory.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::UnitNorm => "unit-norm",
        }
    }
}

/// A decomposition with the norms of what was decomposed.
#[derive(Clone, Debug)]
pub struct Decomposed {
    /// The leading triplets.
    pub decomposition: Decomposition,
    /// What each recorded row was multiplied by.
    pub weights: Vec<f64>,
    /// Norms of the rows after that.
    pub row_norms: Vec<f64>,
    /// Components held against all nulls; empty where they were not.
    pub components: Vec<Component>,
}

impl Decomposed {
    /// Decomposes `matrix` to `rank`, or to as many triplets as it has.
    ///
    /// # Errors
    /// A matrix that cannot be read, is empty or not finite.
    pub fn of(
        matrix: &dyn GradientMatrix,
        columns: Columns,
        rank: usize,
        seed: u64,
    ) -> Result<Self, Error> {
        let norms = row_norms(matrix)?;
        let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
        let side = time_len.min(param_len);
        let by_gram = side <= GRAM_SIDE && time_len.saturating_mul(param_len) > SMALL_LEN;
        let options = svd::Options {
            method: if by_gram {
                svd::Method::Gram
            } else {
                svd::Method::Auto
            },
            tolerance: TOLERANCE,
            max_passes: PASSES,
            seed,
            ..svd::Options::with_rank(rank.clamp(1, side.max(1)))
        };
        let (weights, row_norms) = weigh(norms, columns);
        let decomposition = match columns {
            Columns::Raw => svd::truncated(matrix, &options, &mut |_| {})?,
            Columns::UnitNorm => {
                let scaled = Scaled::new(matrix, weights.clone())?;
                svd::truncated(&scaled, &options, &mut |_| {})?
            }
        };
        Ok(Self {
            decomposition,
            weights,
            row_norms,
            components: Vec::new(),
        })
    }

    /// One found elsewhere, with its judged components, of a stream whose rows have `norms`.
    pub fn judged(
        decomposition: Decomposition,
        components: Vec<Component>,
        norms: Vec<f64>,
        columns: Columns,
    ) -> Self {
        let (weights, row_norms) = weigh(norms, columns);
        Self {
            decomposition,
            weights,
            row_norms,
            components,
        }
    }

    /// The early or the late set: labelled where labels are known.
    ///
    /// # Errors
    /// Norms that are not finite.
    pub fn set(&self, label: Label) -> Result<TemporalSet, Error> {
        Ok(match self.components.as_slice() {
            [] => TemporalSet::of_courses(&self.courses()?, |i| self.is_shared(i), label),
            judged => TemporalSet::of_components(judged, label),
        })
    }

    /// Whether component i is more than noise gives, by the rows that share it.
    fn is_shared(&self, i: usize) -> bool {
        let d = &self.decomposition;
        is_shared(d.s[i], &d.v_column(i), &self.row_norms, d.param_len)
    }

    /// The course of every component against the norms of the matrix.
    ///
    /// # Errors
    /// Norms that are not finite.
    pub fn courses(&self) -> Result<Vec<Course>, Error> {
        let b = profile(&self.row_norms)?;
        let d = &self.decomposition;
        Ok((0..d.rank)
            .map(|i| Course::new(&d.v_column(i), &b))
            .collect())
    }
}

/// Weights of rows of these norms, and the norms they then have.
fn weigh(norms: Vec<f64>, columns: Columns) -> (Vec<f64>, Vec<f64>) {
    match columns {
        Columns::Raw => (vec![1.0; norms.len()], norms),
        Columns::UnitNorm => {
            let weight = |&norm: &f64| if norm > 0.0 { norm.recip() } else { 0.0 };
            let is_there = |&norm: &f64| f64::from(u8::from(norm > 0.0));
            (
                norms.iter().map(weight).collect(),
                norms.iter().map(is_there).collect(),
            )
        }
    }
}

type Key = (Recorded, Columns);

/// The decompositions made so far.
#[derive(Debug, Default)]
pub struct Decompositions {
    made: Mutex<Vec<(Key, Arc<Decomposed>)>>,
    loss_changes: Mutex<Option<Arc<LossChanges>>>,
}

impl Decompositions {
    /// Puts down one that was made elsewhere. The first of a stream and its columns stays.
    pub fn provide(
        &self,
        recorded: Recorded,
        columns: Columns,
        decomposed: Decomposed,
    ) -> Arc<Decomposed> {
        let key = (recorded, columns);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, first)) = made.iter().find(|(k, _)| *k == key) {
            return first.clone();
        }
        let decomposed = Arc::new(decomposed);
        made.push((key, decomposed.clone()));
        decomposed
    }

    /// Puts down the loss change allocation; the first stays.
    pub(super) fn provide_loss_changes(&self, made: LossChanges) -> Arc<LossChanges> {
        let held = self.loss_changes.lock();
        let mut held = held.unwrap_or_else(PoisonError::into_inner);
        held.get_or_insert_with(|| Arc::new(made)).clone()
    }

    /// The loss change allocation, where it was made.
    pub(super) fn loss_changes(&self) -> Option<Arc<LossChanges>> {
        let held = self.loss_changes.lock();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The one of a stream and its columns, where it was made.
    pub(super) fn get(&self, key: Key) -> Option<Arc<Decomposed>> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.iter().find(|(k, _)| *k == key).map(|(_, d)| d.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::{Evidence, Label, NullOptions, components};
    use crate::locators::planted::{PLANTS, Planted};
    use crate::locators::{GradientSvd, Locator, Run};

    #[test]
    fn made_once_and_labels_that_were_provided_are_used() {
        let planted = Planted::new(&PLANTS[0], 2);
        let run = planted.run();
        let key = (Recorded::Total, Columns::UnitNorm);
        let unlabelled = run.decomposed(key.0, key.1).unwrap().unwrap();
        assert!(Arc::ptr_eq(
            &unlabelled,
            &run.decomposed(key.0, key.1).unwrap().unwrap()
        ));
        let decomposition = unlabelled.decomposition.clone();
        let evidence = Evidence {
            decomposition: &decomposition,
            row_norms: &unlabelled.row_norms,
            projections: None,
            spectrum: None,
            stability: None,
            groups: &[],
        };
        let mut judged = components(&evidence, &NullOptions { draws: 9, seed: 0 }).unwrap();
        judged[5].label = Label::Late;
        let norms = row_norms(run.streams.total.matrix).unwrap();
        let provided = Decomposed::judged(decomposition, judged, norms, key.1);
        assert_eq!(provided.row_norms, unlabelled.row_norms);
        let decompositions = Decompositions::default();
        decompositions.provide(key.0, key.1, provided);
        let run = Run {
            decompositions: &decompositions,
            ..run
        };
        let located = GradientSvd::UNIT_NORM.locate(&run).unwrap().unwrap();
        // None of the others is signal, since none was held against the spectrum's null.
        assert_eq!(located.found, ["components 5 (labelled)", "no component"]);
    }
}
