//! Components of the training gradients tensor by tensor, so that the largest tensor does not decide
//! for all.
//!
//! For the tensor of parameters R: `G_R = U S V^T` of the total gradient's rows in R, each step
//! scaled to length 1 *within R*. Early and late sets per tensor; score of p in R: the sum over the
//! set of `sigma_i^2 u_ip^2 / |G_R|_F^2`, so that the scores of a tensor sum to the share of its own
//! gradient that its set explains. A tensor of one parameter has one component, which is in no set. No
//! subspace: a direction of one tensor says nothing of the others.
//!
//! Cost: the decompositions of all tensors read the matrix as often as one decomposition does.

use super::decompositions::{Columns, Decomposed};
use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::run::Run;
use super::timing;
use crate::gradients::{Select, Selection};

/// Components of every tensor, by time.
#[derive(Clone, Copy, Debug)]
pub struct LayerSvd;

impl Locator for LayerSvd {
    fn method(&self) -> Method {
        Method::GradientSvdPerTensor
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let mut scores = [(); 2].map(|()| vec![0.0; run.theta.len()]);
        let mut found = [(); 2].map(|()| Vec::new());
        for tensor in run.layout.tensors.iter().filter(|t| !t.is_empty()) {
            let selection = Selection {
                params: vec![tensor.range()],
                ..Selection::default()
            };
            let part = Select::new(run.streams.total.matrix, &selection)?;
            let decomposed = Decomposed::of(&part, Columns::UnitNorm, run.rank, run.seed)?;
            let norm = decomposed.decomposition.frobenius_norm;
            if norm == 0.0 {
                continue;
            }
            let located = timing::located(&decomposed, self.method().supervision())?;
            for (claim, set) in timing::sets(&decomposed)?.into_iter().enumerate() {
                let place = &mut scores[claim][tensor.range()];
                for (score, own) in place.iter_mut().zip(&located.scores[claim]) {
                    *score = own / (norm * norm);
                }
                if !set.members.is_empty() {
                    let list: Vec<String> = set.members.iter().map(usize::to_string).collect();
                    found[claim].push(format!("{} {}", tensor.name, list.join("+")));
                }
            }
        }
        let found = found.map(|found| found.join(", "));
        Ok(Some(Located::scored(scores, found)))
    }
}
