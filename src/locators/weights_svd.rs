//! Why gradients, and not weights: the SVD of the weight matrices themselves.
//!
//! For each tensor of two axes or more, as a matrix (inputs x outputs; a 3x3 kernel has 9 in inputs):
//! ```text
//! W = sum_i sigma_i u_i v_i^T      score of entry (r, c): sum_{i < 3} sigma_i^2 u_ir^2 v_ic^2 / |W|_F^2
//! ```
//! of theta_T, or of the displacement theta_T - theta_0. Neither knows of time, so that both claims get
//! the same scores; biases are no matrices and get 0. [`rank_one`] gives the terms one by one, as
//! directions to step along; [`nulls`] says whether their sigma are more than chance.
//!
//! Cost: the eigenvectors of one small matrix a tensor.

use super::kind::Kind;
use super::method::Method;
use faer::Mat;

use super::error::Error;
use super::locator::{Located, Locator, Native, Offer};
use super::method::Supervision;
use super::run::Run;
use crate::nn::Layout;
use crate::nn::layout::Tensor;
use crate::numeric::draws;
use crate::numeric::statistics::quantile;
use crate::svd::right_svd;

/// Terms of a tensor that are scored.
const SET_LEN: usize = 3;
/// Terms that are taken off one by one.
const TERMS_LEN: usize = 12;

/// Components of weight matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightsSvd {
    /// Of theta_T.
    Final,
    /// Of theta_T - theta_0.
    Displacement,
}

impl WeightsSvd {
    /// The parameters whose matrices are decomposed.
    pub fn of(self, run: &Run<'_>) -> Vec<f32> {
        match self {
            Self::Final => run.theta.to_vec(),
            Self::Displacement => run.displacement(),
        }
    }
}

impl Locator for WeightsSvd {
    fn method(&self) -> Method {
        match self {
            Self::Final => Method::WeightsSvd,
            Self::Displacement => Method::DisplacementSvd,
        }
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let param_len = run.theta.len();
        let terms = rank_one(run.layout, &self.of(run), SET_LEN)?;
        let mut scores = vec![0.0; param_len];
        for term in &terms {
            let share = term.explained;
            for (score, &x) in scores[term.tensor.range()].iter_mut().zip(&term.values) {
                *score += share * f64::from(x).powi(2);
            }
        }
        let found = format!("{SET_LEN} leading terms of every matrix");
        let located = Located::undirected(scores, found);
        Ok(Some(
            located.offering(move || Ok(taken_off(terms, param_len))),
        ))
    }
}

/// Single terms taken off, as many as components of the gradient are tried, those of the largest
/// singular values: the effects must say what each is for.
fn taken_off(mut terms: Vec<RankOne>, param_len: usize) -> Vec<Offer> {
    terms.sort_by(|a, b| b.sigma.total_cmp(&a.sigma));
    terms.truncate(TERMS_LEN);
    let offer = |term: RankOne| {
        let sigma = term.sigma as f32;
        let direction = term.direction(param_len);
        Offer {
            claim: None,
            edit: Kind::TakeTermOff,
            member: term.name(),
            supervision: Supervision::Effects,
            native: Native::Add(direction.iter().map(|x| -sigma * x).collect()),
        }
    };
    terms.into_iter().map(offer).collect()
}

/// One term of one weight matrix.
#[derive(Clone, Debug)]
pub struct RankOne {
    /// The tensor.
    pub tensor: Tensor,
    /// Its place in the order of singular values.
    pub index: usize,
    /// Its singular value.
    pub sigma: f64,
    /// Its share of the matrix's squared norm.
    pub explained: f64,
    /// `u v^T`, of length 1, in the order of the tensor's entries.
    pub values: Vec<f32>,
}

impl RankOne {
    /// "conv1.weight 0".
    pub fn name(&self) -> String {
        format!("{} {}", self.tensor.name, self.index)
    }

    /// The term as a direction of all `param_len` parameters, zero outside of its tensor.
    pub fn direction(&self, param_len: usize) -> Vec<f32> {
        let mut direction = vec![0.0; param_len];
        direction[self.tensor.range()].copy_from_slice(&self.values);
        direction
    }
}

/// The `len` leading terms of every matrix among `params`, tensor after tensor.
///
/// # Errors
/// Singular values that do not converge.
pub fn rank_one(layout: &Layout, params: &[f32], len: usize) -> Result<Vec<RankOne>, Error> {
    let mut terms = Vec::new();
    for tensor in matrices(layout) {
        let w = matrix(tensor, &params[tensor.range()]);
        let (s, v) = right_svd(w.as_ref())?;
        let total: f64 = s.iter().map(|s| s * s).sum();
        for (index, &sigma) in s.iter().enumerate().take(len).filter(|(_, s)| **s > 0.0) {
            let mut values = Vec::with_capacity(tensor.len());
            for r in 0..w.nrows() {
                let u = (0..w.ncols())
                    .map(|c| w[(r, c)] * v[(c, index)])
                    .sum::<f64>()
                    / sigma;
                values.extend((0..w.ncols()).map(|c| (u * v[(c, index)]) as f32));
            }
            terms.push(RankOne {
                tensor: tensor.clone(),
                index,
                sigma,
                explained: sigma * sigma / total,
                values,
            });
        }
    }
    Ok(terms)
}

fn matrices(layout: &Layout) -> impl Iterator<Item = &Tensor> {
    let is_matrix = |tensor: &&Tensor| tensor.shape.len() >= 2 && !tensor.is_empty();
    layout.tensors.iter().filter(is_matrix)
}

/// Inputs x outputs.
fn matrix(tensor: &Tensor, values: &[f32]) -> Mat<f64> {
    let out_len = tensor.shape[tensor.shape.len() - 1];
    Mat::from_fn(values.len() / out_len, out_len, |r, c| {
        f64::from(values[r * out_len + c])
    })
}

/// A number beside what chance gives.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AgainstNull {
    /// What it is a number of.
    pub what: String,
    /// The number.
    pub observed: f64,
    /// Mean of the null.
    pub null_mean: f64,
    /// The null's 95 % quantile.
    pub null_95: f64,
}

impl AgainstNull {
    /// From what was observed and what was drawn; `None` where nothing was.
    pub fn new(what: String, observed: f64, drawn: &[f64]) -> Option<Self> {
        Some(Self {
            what,
            observed,
            null_mean: crate::numeric::sum::mean(drawn),
            null_95: quantile(drawn, 0.95)?,
        })
    }
}

/// Of every matrix the share of its squared norm in its leading term, and in its three leading terms,
/// against `draws` nulls. For theta_T: the same entries in random order. For the displacement: that of a
/// random walk whose steps are as long as those between checkpoints; a sum of steps in uniform
/// random directions has itself a uniform random direction, and shares do not depend on its
/// length, so that one draw of normal entries is such a walk's end. Left out where a matrix has no
/// more terms than those.
///
/// # Errors
/// Singular values that do not converge.
pub fn nulls(which: WeightsSvd, run: &Run<'_>, draws: usize) -> Result<Vec<AgainstNull>, Error> {
    let params = which.of(run);
    let mut table = Vec::new();
    for (index, tensor) in matrices(run.layout).enumerate() {
        let observed = shares(tensor, &params[tensor.range()])?;
        let mut stream = draws::WEIGHTS_NULLS.stream(run.seed, index as u64);
        let mut drawn = [Vec::new(), Vec::new()];
        for _ in 0..draws {
            let mut entries = params[tensor.range()].to_vec();
            match which {
                WeightsSvd::Final => stream.shuffle(&mut entries),
                WeightsSvd::Displacement => {
                    entries.iter_mut().for_each(|x| *x = stream.normal() as f32)
                }
            }
            for (drawn, share) in drawn.iter_mut().zip(shares(tensor, &entries)?) {
                drawn.push(share);
            }
        }
        let terms = [("leading term", 1), ("3 leading terms", SET_LEN)];
        let term_len = tensor.shape[tensor.shape.len() - 1];
        let term_len = term_len.min(tensor.len() / term_len);
        for (((what, len), observed), drawn) in terms.iter().zip(observed).zip(&drawn) {
            if term_len <= *len {
                continue;
            }
            let what = format!(
                "{}, {}: share of {what}",
                which.method().name(),
                tensor.name
            );
            table.extend(AgainstNull::new(what, observed, drawn));
        }
    }
    Ok(table)
}

/// Shares of the leading term and of the three leading ones; 0 for a matrix of zeros.
fn shares(tensor: &Tensor, values: &[f32]) -> Result<[f64; 2], Error> {
    let (s, _) = right_svd(matrix(tensor, values).as_ref())?;
    let power = |len: usize| s.iter().take(len).map(|s| s * s).sum::<f64>();
    let total = power(s.len()).max(f64::MIN_POSITIVE);
    Ok([power(1) / total, power(SET_LEN) / total])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locators::planted::{PLANTS, Planted};

    #[test]
    fn terms_add_up_to_the_matrix() {
        let planted = Planted::new(&PLANTS[0], 2);
        let run = planted.run();
        let terms = rank_one(run.layout, run.theta, usize::MAX).unwrap();
        let mut sum = vec![0.0; run.theta.len()];
        for term in &terms {
            let direction = term.direction(sum.len());
            sum.iter_mut()
                .zip(direction)
                .for_each(|(sum, x)| *sum += term.sigma * f64::from(x));
        }
        for tensor in matrices(run.layout) {
            let pairs = run.theta[tensor.range()].iter().zip(&sum[tensor.range()]);
            let worst = pairs
                .map(|(a, b)| (f64::from(*a) - b).abs())
                .fold(0.0, f64::max);
            assert!(worst < 1e-5, "{}: {worst}", tensor.name);
        }
        assert_eq!(sum[216..224], [0.0; 8], "the first bias");
    }

    #[test]
    fn only_structure_is_above_the_null() {
        // Entries without structure of the planted theta_0, and a matrix that has some.
        let planted = Planted::new(&PLANTS[0], 3);
        let mut run = planted.run();
        run.theta = run.theta_0;
        let dense = |table: &[AgainstNull]| {
            let of = |row: &&AgainstNull| row.what.contains("dense.weight: share of leading");
            table.iter().find(of).unwrap().clone()
        };
        let row = dense(&nulls(WeightsSvd::Final, &run, 19).unwrap());
        assert!(row.observed < 1.1 * row.null_95 && row.null_mean < row.null_95);
        let range = run.layout.tensors[4].range();
        let mut theta = run.theta_0.to_vec();
        for (i, x) in theta[range].iter_mut().enumerate() {
            *x += 0.1 * ((i / 40) as f32).sin();
        }
        run.theta = &theta;
        for which in [WeightsSvd::Final, WeightsSvd::Displacement] {
            let row = dense(&nulls(which, &run, 19).unwrap());
            assert!(row.observed > 2.0 * row.null_95, "{row:?}");
        }
    }
}
