//! The result: triplets, and what is known about their errors.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::dense::right_svd;
use super::probes::Unseen;
use super::{Error, Method};

/// Parameters that a block of [`Decomposition::cross`] spans.
const CROSS_LEN: usize = 4096;

/// Why the iteration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The residuals fell below the tolerance.
    Tolerance,
    /// The Krylov space became all that the matrix reaches: the result is exact to rounding.
    WholeSpace,
    /// The allowed passes were used up.
    MaxPasses,
}

/// `G = U S V^T` to rank k, with `G` parameters x time, and its certificate.
#[derive(Clone, Debug, PartialEq)]
pub struct Decomposition {
    /// Triplets found: what was asked for, or the numerical rank of the matrix if that is less.
    pub rank: usize,
    /// Triplets asked for.
    pub requested: usize,
    /// Steps, T.
    pub time_len: usize,
    /// Parameters, P.
    pub param_len: usize,
    /// Left singular vectors, `(P, rank)` row-major.
    pub u: Vec<f32>,
    /// Singular values, largest first.
    pub s: Vec<f64>,
    /// Right singular vectors, `(T, rank)` row-major; of the entries largest in size, but for 1e-5, the first
    /// is positive.
    pub v: Vec<f64>,
    /// `|G v_i - s_i u_i|`, of the vectors as stored, computed from the matrix.
    pub left_residuals: Vec<f64>,
    /// `|G^T u_i - s_i v_i|`, likewise, or at most `s_1` times the rounding of `u_i` above it.
    pub right_residuals: Vec<f64>,
    /// `|G|_F`.
    pub frobenius_norm: f64,
    /// The next singular value, as the method estimates it, where it does.
    pub next_singular_value: Option<f64>,
    /// What is known of all that the triplets leave out; none in files of before.
    pub unseen: Option<Unseen>,
    /// Times that the matrix was read from end to end.
    pub passes: usize,
    /// Whether every residual is within the tolerance, and nothing larger was certainly missed.
    pub converged: bool,
    /// Why the method ended.
    pub stop: Stop,
    /// The method.
    pub method: Method,
    /// Largest entry of `|U^T U - 1|`.
    pub orthogonality_u: f64,
    /// Largest entry of `|V^T V - 1|`.
    pub orthogonality_v: f64,
}

impl Decomposition {
    /// The direction `u_i` in parameter space.
    pub fn u_column(&self, i: usize) -> Vec<f32> {
        assert!(i < self.rank, "component {i} of {}", self.rank);
        self.u.iter().skip(i).step_by(self.rank).copied().collect()
    }

    /// The course `v_i` over time.
    pub fn v_column(&self, i: usize) -> Vec<f64> {
        assert!(i < self.rank, "component {i} of {}", self.rank);
        self.v.iter().skip(i).step_by(self.rank).copied().collect()
    }

    /// Each component's share of `|G|_F^2`, at most 1; none for a matrix of zeros.
    pub fn explained(&self) -> Vec<f64> {
        self.s
            .iter()
            .map(|s| (s / self.frobenius_norm).powi(2).min(1.0))
            .collect()
    }

    /// The larger residual of component `i`.
    pub fn residual(&self, i: usize) -> f64 {
        self.left_residuals[i].max(self.right_residuals[i])
    }

    /// Decides whether every residual is within `tolerance` of the largest singular value, and nothing
    /// is certainly [missed](Self::misses).
    pub(super) fn judge(&mut self, tolerance: f64) {
        let limit = tolerance * self.s.first().copied().unwrap_or(0.0);
        let small = (0..self.rank).all(|i| self.residual(i) <= limit);
        self.converged = small && !self.misses(tolerance);
    }

    /// Whether the triplets certainly leave out a singular value above the last of them that was asked for, by
    /// more than that one's residual and `tolerance` of the largest.
    pub(super) fn misses(&self, tolerance: f64) -> bool {
        let (Some(unseen), Some(first)) = (self.unseen, self.s.first()) else {
            return false;
        };
        let last = match self.s.last() {
            Some(last) if self.rank == self.requested => last + self.residual(self.rank - 1),
            _ => 0.0,
        };
        unseen.others_at_least > last + tolerance * first
    }

    /// Whether the rank is that of the matrix: all that is left out is likely rounding, or nothing.
    pub fn is_whole(&self) -> bool {
        self.rank == self.time_len.min(self.param_len)
            || self.unseen.is_some_and(|unseen| unseen.others_are_rounding)
    }

    /// `U^T x` for a vector of parameters, such as a displacement.
    ///
    /// # Errors
    /// `x` has another number of parameters.
    pub fn project(&self, x: &[f32]) -> Result<Vec<f64>, Error> {
        self.check_params(x.len())?;
        let mut coefficients = vec![0.0; self.rank];
        if self.rank > 0 {
            for (row, &x) in self.u.chunks_exact(self.rank).zip(x) {
                for (sum, &u) in coefficients.iter_mut().zip(row) {
                    *sum += f64::from(u) * f64::from(x);
                }
            }
        }
        Ok(coefficients)
    }

    /// The inner products `U^T U'` with another decomposition's directions, `(rank, rank')`
    /// row-major. Blocks of parameters run in parallel and are added in order.
    ///
    /// # Errors
    /// The other has another number of parameters.
    pub fn cross(&self, other: &Self) -> Result<Vec<f64>, Error> {
        self.check_params(other.param_len)?;
        let (k, l) = (self.rank, other.rank);
        if k == 0 || l == 0 {
            return Ok(Vec::new());
        }
        let blocks: Vec<Mat<f64>> = self
            .u
            .par_chunks(CROSS_LEN * k)
            .zip(other.u.par_chunks(CROSS_LEN * l))
            .map(|(a, b)| {
                let widen = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
                let (rows, a, b) = (a.len() / k, widen(a), widen(b));
                let mut out = Mat::zeros(k, l);
                matmul(
                    &mut out,
                    Accum::Replace,
                    MatRef::from_row_major_slice(&a, rows, k).transpose(),
                    MatRef::from_row_major_slice(&b, rows, l),
                    1.0,
                    Par::Seq,
                );
                out
            })
            .collect();
        let mut sum = Mat::<f64>::zeros(k, l);
        for block in blocks {
            sum += block;
        }
        Ok((0..k * l).map(|at| sum[(at / l, at % l)]).collect())
    }

    /// The principal angles between the spans of two decompositions' directions, in radians,
    /// smallest first; as many as the lesser rank. Angles below 1e-4 drown in the rounding of U.
    ///
    /// # Errors
    /// The other has another number of parameters.
    pub fn principal_angles(&self, other: &Self) -> Result<Vec<f64>, Error> {
        let cross = self.cross(other)?;
        if cross.is_empty() {
            return Ok(Vec::new());
        }
        let (cosines, _) = right_svd(MatRef::from_row_major_slice(&cross, self.rank, other.rank))?;
        Ok(cosines
            .iter()
            .map(|cosine| cosine.min(1.0).acos())
            .collect())
    }

    fn check_params(&self, found: usize) -> Result<(), Error> {
        if found == self.param_len {
            return Ok(());
        }
        Err(Error::Mismatch {
            what: "parameters",
            expected: self.param_len,
            found,
        })
    }
}
