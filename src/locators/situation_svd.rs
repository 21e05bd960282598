//! Components of the gradients of situations: those of transitions from outside of the region serve
//! claim B, those from within it claim A. Time is not asked.
//!
//! - **SVD**: the three leading components of the `inside` stream for A, of the `before` stream for B, unit-norm
//!   columns; score `sum sigma_i^2 u_ip^2`;
//! - **contrast**: generalised eigenvectors of `C_inside` against `C_before` for A and of `C_before` against
//!   `C_inside` for B ([`super::contrast`]), in what the leading components of both span; three of each;
//!   scores from patterns, and what these sources have of the displacement taken off
//!   ([`super::sources`]). It leaves out what both streams have, the nuisance among it.
//!
//! Cost of the contrast: one reading of either stream more.

use super::contrast::{contrast, covariance};
use super::decompositions::{Columns, Recorded};
use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::oblique::of_contrasts;
use super::run::Run;
use super::span::Span;
use super::timing;
use crate::svd::Decomposition;

/// The streams of A and of B.
const STREAMS: [Recorded; 2] = [Recorded::Inside, Recorded::Before];
/// Directions of a set.
const SET_LEN: usize = 3;

/// Leading components of either stream.
#[derive(Clone, Copy, Debug)]
pub struct SituationSvd;

/// What one stream has and the other has not.
#[derive(Clone, Copy, Debug)]
pub struct SituationContrast;

impl Locator for SituationSvd {
    fn method(&self) -> Method {
        Method::SituationSvd
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let of = |stream| -> Result<Option<timing::Weighted>, Error> {
            let decomposed = run.decomposed(stream, Columns::UnitNorm)?;
            Ok(decomposed.map(|decomposed| {
                let d = &decomposed.decomposition;
                let members = leading(d, SET_LEN).map(|i| (d.s[i], d.u_column(i)));
                (members.collect(), "leading components".into())
            }))
        };
        let [a, b] = STREAMS.map(of);
        let (Some(a), Some(b)) = (a?, b?) else {
            return Ok(None);
        };
        let located = timing::of_directions(run.theta.len(), [a, b], self.method().supervision());
        Ok(Some(located))
    }
}

impl Locator for SituationContrast {
    fn method(&self) -> Method {
        Method::SituationContrast
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let mut parts = Vec::new();
        for recorded in STREAMS {
            let Some(stream) = run.streams.get(recorded) else {
                return Ok(None);
            };
            let Some(decomposed) = run.decomposed(recorded, Columns::UnitNorm)? else {
                return Ok(None);
            };
            parts.push((stream, decomposed));
        }
        let vectors: Vec<Vec<f32>> = parts
            .iter()
            .flat_map(|(_, decomposed)| {
                let d = &decomposed.decomposition;
                leading(d, run.rank).map(|i| d.u_column(i))
            })
            .collect();
        if vectors.is_empty() {
            return Ok(None);
        }
        let span = Span::of(&vectors);
        let mut c = Vec::new();
        for (stream, decomposed) in &parts {
            let mut y = span.coordinates(stream.matrix)?;
            for (t, weight) in decomposed.weights.iter().enumerate() {
                (0..span.len).for_each(|j| y[(t, j)] *= weight);
            }
            // A step without such transitions has no gradient of them.
            c.push(covariance(&y, &|t| decomposed.weights[t] > 0.0));
        }
        let (a, b) = (
            contrast(&c[0], &c[1], SET_LEN)?,
            contrast(&c[1], &c[0], SET_LEN)?,
        );
        let direction = |x: &[f64]| span.direction(x);
        let located = of_contrasts(
            [a, b],
            run.displacement(),
            self.method().supervision(),
            &direction,
        );
        Ok(Some(located))
    }
}

fn leading(d: &Decomposition, len: usize) -> std::ops::Range<usize> {
    0..len.min(d.rank)
}
