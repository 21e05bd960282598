//! Components of what was added to the parameters, chosen by when they were active.
//!
//! Under Adam the update is not the gradient, and only updates add up to the displacement:
//! `theta_T - theta_0 = sum_t d_t`, d_t the recorded updates. METHOD's edit (b) is `theta_T - c m_S`, where m_S is
//! what the updates of a set S of components added up to:
//! ```text
//! m_S = sum_{i in S} (sum_s v_i(s)) sum_t v_i(t) d_t
//! ```
//! [`shares`]: v of the SVD of the updates themselves. There `sum_t v_i(t) d_t = sigma_i u_i`, so that a
//! large sigma whose v has mean 0 moved nothing; and where every update was recorded, m_S is the
//! displacement's projection on the set, so that (b) is then edit (a).
//! [`shares_in_courses`]: v of the SVD of another stream, such as the gradients: what Adam made of
//! their components. Under plain SGD it is the same again, under Adam it is not.
//!
//! Columns are raw: scaled ones would not add up to anything.

use super::kind::Kind;
use super::method::Method;
use rayon::prelude::*;

use super::decompositions::{Columns, Recorded};
use super::error::Error;
use super::locator::{Located, Locator, Native, Offer};
use super::run::Run;
use super::timing;
use crate::ablate::Claim;
use crate::gradients::GradientMatrix;

/// Components of the updates, by time.
#[derive(Clone, Copy, Debug)]
pub struct UpdateSvd;

impl Locator for UpdateSvd {
    fn method(&self) -> Method {
        Method::UpdateSvd
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(decomposed) = run.decomposed(Recorded::Update, Columns::Raw)? else {
            return Ok(None);
        };
        let supervision = self.method().supervision();
        let located = timing::located(&decomposed, supervision)?;
        let (run, found) = (*run, located.found.clone());
        Ok(Some(located.offering(move || {
            let shares = shares(&run)?.into_iter().flatten();
            let offers = Claim::ALL.into_iter().zip(found).zip(shares);
            let offer = |((claim, member), share): ((Claim, String), Vec<f32>)| Offer {
                claim: Some(claim),
                edit: Kind::SubtractUpdates,
                member,
                supervision,
                native: Native::Add(share.iter().map(|x| -x).collect()),
            };
            Ok(offers.map(offer).collect())
        })))
    }
}

/// Parameters that are read together.
const TILE: usize = 1024;

/// What the updates of the set for A and of the set for B added up to: m_S, zeros for no component.
/// `None` where updates were not recorded.
///
/// # Errors
/// A matrix that cannot be read or decomposed.
pub fn shares(run: &Run<'_>) -> Result<Option<[Vec<f32>; 2]>, Error> {
    shares_in_courses(run, Recorded::Update, Columns::Raw)
}

/// What the updates of the sets of another stream's decomposition added up to. `None` also where its rows are not those of
/// the updates.
///
/// # Errors
/// A matrix that cannot be read or decomposed.
pub fn shares_in_courses(
    run: &Run<'_>,
    recorded: Recorded,
    columns: Columns,
) -> Result<Option<[Vec<f32>; 2]>, Error> {
    let Some(updates) = run.streams.update else {
        return Ok(None);
    };
    let Some(decomposed) = run.decomposed(recorded, columns)? else {
        return Ok(None);
    };
    let d = &decomposed.decomposition;
    if d.time_len != updates.matrix.time_len() {
        return Ok(None);
    }
    let [a, b] = timing::sets(&decomposed)?.map(|set| {
        let mut weights = vec![0.0; d.time_len];
        for v in set.members.iter().map(|&i| d.v_column(i)) {
            let sum: f64 = v.iter().sum();
            weights.iter_mut().zip(v).for_each(|(w, v)| *w += sum * v);
        }
        weighted_sum(updates.matrix, &weights)
    });
    Ok(Some([a?, b?]))
}

/// The sum of the rows, each times its weight: one reading.
fn weighted_sum(matrix: &dyn GradientMatrix, weights: &[f64]) -> Result<Vec<f32>, Error> {
    let param_len = matrix.param_len();
    let mut total = vec![0.0f32; param_len];
    total
        .par_chunks_mut(TILE)
        .enumerate()
        .try_for_each(|(index, total)| {
            let params = index * TILE..index * TILE + total.len();
            let mut tile = vec![0.0; weights.len() * params.len()];
            matrix.read(params, &mut tile)?;
            let mut sum = vec![0.0f64; total.len()];
            for (row, weight) in tile.chunks_exact(total.len()).zip(weights) {
                sum.iter_mut()
                    .zip(row)
                    .for_each(|(sum, &x)| *sum += weight * f64::from(x));
            }
            total.iter_mut().zip(sum).for_each(|(to, x)| *to = x as f32);
            Ok::<(), Error>(())
        })?;
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locators::GradientSvd;
    use crate::locators::planted::{PLANTS, Planted};
    use crate::numeric::sum::{dot, norm};

    /// Where every update was recorded, what a set's updates added up to is the displacement's
    /// projection on the set; and where an update is the gradient times -rate, so it is by the
    /// gradients' courses.
    #[test]
    fn a_share_is_the_displacement_s_projection() {
        let planted = Planted::new(&PLANTS[0], 2);
        let run = planted.run();
        let gradients = (Recorded::Total, Columns::Raw);
        let by_gradients = shares_in_courses(&run, gradients.0, gradients.1).unwrap();
        let located = [UpdateSvd.locate(&run), GradientSvd::RAW.locate(&run)];
        let displacement = run.displacement();
        for (located, shares) in located
            .into_iter()
            .zip([shares(&run).unwrap(), by_gradients])
        {
            let subspace = located.unwrap().unwrap().subspace.unwrap();
            for (share, basis) in shares.unwrap().iter().zip(subspace) {
                assert_eq!(basis.len(), 3);
                let mut left = share.clone();
                for u in &basis {
                    let along = dot(u, &displacement);
                    left.iter_mut()
                        .zip(u)
                        .for_each(|(left, &u)| *left -= (along * f64::from(u)) as f32);
                }
                let (left, whole) = (norm(&left), norm(share));
                assert!(left < 2e-3 * whole && whole > 0.0, "{left} of {whole}");
            }
        }
    }
}
