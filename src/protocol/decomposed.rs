//! A decomposition whose single components are tried.

use std::sync::Arc;

use super::edit::{Direction, Member};
use crate::ablate::edit;
use crate::experiment::Error;
use crate::findings::Components;
use crate::locators::{Decomposed, Run};
use crate::numeric::random::Stream;

/// A decomposition and what it is of.
#[derive(Clone, Debug)]
pub struct Named {
    /// What it is of.
    pub of: Components,
    /// Its components.
    pub decomposed: Arc<Decomposed>,
}

impl Named {
    /// Those that the run has, parts of the gradient among them or not.
    ///
    /// # Errors
    /// A matrix that cannot be read or decomposed.
    pub fn all(run: &Run<'_>, streams: bool) -> Result<Vec<Self>, Error> {
        let mut named = Vec::new();
        for of in Components::ALL {
            if of.is_stream() && !streams {
                continue;
            }
            let (recorded, columns) = of.source();
            if let Some(decomposed) = run.decomposed(recorded, columns)? {
                named.push(Self { of, decomposed });
            }
        }
        Ok(named)
    }

    /// Component `i` as a member of a family.
    pub fn member(&self, i: usize) -> Member {
        Member::Component(self.of, i)
    }

    /// The directions of the `len` leading components.
    pub fn directions(&self, len: usize) -> Vec<Direction> {
        let d = &self.decomposed.decomposition;
        let component = |i: usize| (self.member(i), Arc::new(d.u_column(i)));
        (0..len.min(d.rank)).map(component).collect()
    }

    /// A random unit direction in the span of the `len` leading components, drawn from `stream`.
    pub fn in_span(&self, len: usize, stream: &mut Stream) -> Vec<f32> {
        let d = &self.decomposed.decomposition;
        let len = len.min(d.rank);
        let rows = d.u.chunks_exact(d.rank.max(1));
        let leading: Vec<f32> = rows.flat_map(|row| &row[..len]).copied().collect();
        edit::in_span(&leading, len, stream)
    }
}
