//! Early and late directions that need not be orthogonal: what the SVD cannot give, since it makes the
//! sum and the difference of two directions of equal power.
//!
//! All three live in the leading components of the total gradient, unit-norm columns: row t has the
//! coordinates `y_t = S V_t` in U. Early is the first third of training, late the last.
//!
//! - **means**: the mean of the late rows, less its projection on what the early rows span, is for A:
//!   filter `w = m_late - E E^T m_late`, E an orthonormal basis of the mean of the early rows and of their
//!   three leading principal directions; pattern `C_late w / sqrt(w^T C_late w)`; and the other way round for B;
//! - **contrast**: generalised eigenvectors of C_late against C_early, and of C_early against C_late
//!   ([`super::contrast`]): three of each, filters and patterns;
//! - **varimax**: `G = (U S R) (V R)^T` with the rotation R that makes courses sparse in time; courses V R
//!   stay orthonormal, patterns U S R need not be orthogonal, filters are `U S^-1 R`. Courses are chosen as
//!   those of components are.
//!
//! Score: the sum of the squares of the patterns' entries. What is taken off the displacement is what the
//! sources have of it ([`super::sources`]), so that the other phase's directions stay.

use super::method::Method;
use std::sync::Arc;

use faer::Mat;

use super::contrast::{Contrast, contrast, covariance};
use super::decompositions::{Columns, Decomposed, Recorded};
use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Supervision;
use super::run::Run;
use super::sources::{self, Source};
use super::span::combine;
use super::timing;
use super::varimax::varimax;
use crate::locate::shared::is_shared;
use crate::locate::temporal::profile;
use crate::locate::{Course, TemporalSet};
use crate::svd::{eigen, product};

/// Directions of a set, and of a phase's span.
const SET_LEN: usize = 3;

/// What all three know.
const SUPERVISION: Supervision = Supervision::Time;

/// Windows of time that rotated courses are to differ between.
const WINDOWS: usize = 20;

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oblique {
    /// Mean of one phase outside of the other's span.
    Means,
    /// Generalised eigenvectors.
    Contrast,
    /// Rotated courses.
    Varimax,
}

impl Locator for Oblique {
    fn method(&self) -> Method {
        match self {
            Self::Means => Method::ObliqueMeans,
            Self::Contrast => Method::ObliqueContrast,
            Self::Varimax => Method::ObliqueVarimax,
        }
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(decomposed) = run.decomposed(Recorded::Total, Columns::UnitNorm)? else {
            return Ok(None);
        };
        if decomposed.decomposition.rank == 0 {
            return Ok(None);
        }
        let space = TimeSpace {
            decomposed,
            tau: run.streams.total.tau,
            displacement: run.displacement(),
        };
        match self {
            Self::Means => space.means(),
            Self::Contrast => space.contrast(),
            Self::Varimax => space.varimax(),
        }
        .map(Some)
    }
}

/// The leading components as a space that rows have coordinates in.
struct TimeSpace<'a> {
    decomposed: Arc<Decomposed>,
    tau: &'a [f64],
    displacement: Vec<f32>,
}

impl TimeSpace<'_> {
    fn rows(&self) -> Mat<f64> {
        let d = &self.decomposed.decomposition;
        Mat::from_fn(d.time_len, d.rank, |t, j| d.v[t * d.rank + j] * d.s[j])
    }

    /// Whether row t is in the phase of the set for A (late) or for B (early).
    fn is_in(&self, claim: usize, t: usize) -> bool {
        match claim {
            0 => self.tau[t] > 2.0 / 3.0,
            _ => self.tau[t] < 1.0 / 3.0,
        }
    }

    /// What filters and patterns say, by their coordinates, for A and for B.
    fn located(self, claims: [(Vec<[Vec<f64>; 2]>, String); 2]) -> Located<'static> {
        let d = &self.decomposed.decomposition;
        let sources = claims.map(|(coordinates, words)| {
            let source = coordinates.iter().map(|[filter, pattern]| Source {
                filter: combine(&d.u, filter),
                pattern: combine(&d.u, pattern),
            });
            (source.collect(), words)
        });
        sources::located(sources, self.displacement, SUPERVISION)
    }

    fn means(self) -> Result<Located<'static>, Error> {
        let y = self.rows();
        let mean = |claim: usize| -> Vec<f64> {
            let rows: Vec<usize> = (0..y.nrows()).filter(|&t| self.is_in(claim, t)).collect();
            let sum = |j: usize| rows.iter().map(|&t| y[(t, j)]).sum::<f64>();
            (0..y.ncols())
                .map(|j| sum(j) / rows.len().max(1) as f64)
                .collect()
        };
        let left = |claim: usize| -> Result<_, Error> {
            let (own, other) = (mean(claim), mean(1 - claim));
            let (power, principal) = eigen(covariance(&y, &|t| self.is_in(1 - claim, t)).as_ref())?;
            let mut span = vec![other];
            // Directions that the other phase has: all others are no span of it.
            let has_power = |&j: &usize| power[j] > 1e-9 * power[0];
            for j in (0..SET_LEN.min(principal.ncols())).filter(has_power) {
                span.push((0..y.ncols()).map(|i| principal[(i, j)]).collect());
            }
            let filter = outside(own, &span);
            let found = pattern(&covariance(&y, &|t| self.is_in(claim, t)), &filter);
            let source = found.map(|pattern| [filter, pattern]);
            Ok((Vec::from_iter(source), "one direction".to_owned()))
        };
        let claims = [left(0)?, left(1)?];
        Ok(self.located(claims))
    }

    fn contrast(self) -> Result<Located<'static>, Error> {
        let y = self.rows();
        let [late, early] = [0, 1].map(|claim| covariance(&y, &|t| self.is_in(claim, t)));
        let claims = [
            contrast(&late, &early, SET_LEN)?,
            contrast(&early, &late, SET_LEN)?,
        ];
        let u = &self.decomposed.decomposition.u;
        let direction = |x: &[f64]| combine(u, x);
        let displacement = self.displacement;
        Ok(of_contrasts(claims, displacement, SUPERVISION, &direction))
    }

    fn varimax(self) -> Result<Located<'static>, Error> {
        let d = &self.decomposed.decomposition;
        let columns: Vec<Vec<f64>> = (0..d.rank).map(|i| d.v_column(i)).collect();
        let rotation = varimax(&columns, d.time_len.div_ceil(WINDOWS));
        let v = Mat::from_fn(d.time_len, d.rank, |t, j| columns[j][t]);
        let rotated = product(v.as_ref(), rotation.as_ref());
        let b = profile(&self.decomposed.row_norms)?;
        let column = |j: usize| -> Vec<f64> { (0..d.time_len).map(|t| rotated[(t, j)]).collect() };
        let courses: Vec<Course> = (0..d.rank).map(|j| Course::new(&column(j), &b)).collect();
        let is_shared = |j: usize| {
            let length = (0..d.rank)
                .map(|i| (d.s[i] * rotation[(i, j)]).powi(2))
                .sum::<f64>();
            let norms = &self.decomposed.row_norms;
            is_shared(length.sqrt(), &column(j), norms, d.param_len)
        };
        let claims = timing::LABELS.map(|label| {
            let set = TemporalSet::of_courses(&courses, is_shared, label);
            let source = |&j: &usize| {
                let filter = (0..d.rank).map(|i| rotation[(i, j)] / d.s[i]);
                let pattern = (0..d.rank).map(|i| rotation[(i, j)] * d.s[i]);
                [filter.collect(), pattern.collect()]
            };
            let coordinates = set.members.iter().map(source).collect();
            (coordinates, format!("rotated {}", timing::words(&set)))
        });
        Ok(self.located(claims))
    }
}

/// What contrasts for A and for B say of a displacement.
pub(super) fn of_contrasts<'a>(
    claims: [Vec<Contrast>; 2],
    displacement: Vec<f32>,
    supervision: Supervision,
    direction: &dyn Fn(&[f64]) -> Vec<f64>,
) -> Located<'a> {
    let sources = claims.map(|found| {
        let ratios: Vec<String> = found.iter().map(|c| format!("{:.1}", c.ratio)).collect();
        let source = found.iter().map(|c| Source {
            filter: direction(&c.filter),
            pattern: direction(&c.pattern),
        });
        (
            source.collect(),
            format!("power ratios {}", ratios.join(", ")),
        )
    });
    sources::located(sources, displacement, supervision)
}

/// `C w / sqrt(w^T C w)`; `None` where the filter w sees nothing.
fn pattern(c: &Mat<f64>, w: &[f64]) -> Option<Vec<f64>> {
    let image = |i: usize| (0..w.len()).map(|j| c[(i, j)] * w[j]).sum::<f64>();
    let image: Vec<f64> = (0..w.len()).map(image).collect();
    let power = crate::numeric::sum::dot(w, &image);
    (power > 0.0).then(|| image.iter().map(|x| x / power.sqrt()).collect())
}

/// The part of x outside of what `span` spans.
pub(super) fn outside(x: Vec<f64>, span: &[Vec<f64>]) -> Vec<f64> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let dot = crate::numeric::sum::dot::<f64>;
    let reduce = |mut x: Vec<f64>, basis: &[Vec<f64>]| {
        for _ in 0..2 {
            for q in basis {
                let share = dot(q, &x);
                x.iter_mut().zip(q).for_each(|(x, q)| *x -= share * q);
            }
        }
        x
    };
    for vector in span {
        let before = dot(vector, vector).sqrt();
        let mut q = reduce(vector.clone(), &basis);
        let length = dot(&q, &q).sqrt();
        // Rounding is no direction of its own.
        if length > 1e-5 * before {
            q.iter_mut().for_each(|q| *q /= length);
            basis.push(q);
        }
    }
    reduce(x, &basis)
}
