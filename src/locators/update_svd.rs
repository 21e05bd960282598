//! Components of what was added to the parameters, chosen by when they were active.
//!
//! Under Adam the update is not the gradient, and only updates add up to the displacement:
//! `theta_T - theta_0 = sum_t g_t`, g_t the recorded updates, of which the components of a set S hold
//! ```text
//! m_S = sum_{i in S} u_i sigma_i sum_t v_i(t)
//! ```
//! The edit that belongs to it is METHOD's (b), `theta_T - c m_S`. A large sigma whose v has mean 0
//! moved nothing, and m_S says so. Columns are raw: scaled ones would not add up to anything.

use super::decompositions::{Columns, Recorded};
use super::{Error, Located, Locator, Native, Offer, Run, Supervision, timing};
use crate::ablate::Claim;

/// Components of the updates, by time.
#[derive(Clone, Copy, Debug)]
pub struct UpdateSvd;

impl Locator for UpdateSvd {
    fn name(&self) -> &'static str {
        "update SVD"
    }

    fn meaning(&self) -> &'static str {
        "SVD of the recorded updates: late components for A, early for B, by sum sigma^2 u^2"
    }

    fn supervision(&self) -> Supervision {
        Supervision::Time
    }

    fn locate(&self, run: &Run<'_>) -> Result<Option<Located>, Error> {
        let decomposed = run.decomposed(Recorded::Update, Columns::Raw)?;
        decomposed
            .map(|decomposed| timing::located(&decomposed))
            .transpose()
    }

    fn offers(&self, run: &Run<'_>, located: &Located) -> Result<Vec<Offer>, Error> {
        let mut offers = super::project_off(self.supervision(), located);
        if let Some(shares) = shares(run)? {
            offers.extend(
                Claim::ALL
                    .into_iter()
                    .zip(shares)
                    .map(|(claim, share)| Offer {
                        claim: Some(claim),
                        edit: "subtract their updates",
                        member: located.found[Located::index(claim)].clone(),
                        supervision: self.supervision(),
                        native: Native::Add(share.iter().map(|x| -x).collect()),
                    }),
            );
        }
        Ok(offers)
    }
}

/// What the updates of the set for A and of the set for B added up to: `m_S`, zeros for no component.
/// `None` where updates were not recorded.
///
/// # Errors
/// A matrix that cannot be read or decomposed.
pub fn shares(run: &Run<'_>) -> Result<Option<[Vec<f32>; 2]>, Error> {
    let Some(decomposed) = run.decomposed(Recorded::Update, Columns::Raw)? else {
        return Ok(None);
    };
    let d = &decomposed.decomposition;
    let sets = timing::sets(&decomposed)?;
    Ok(Some(sets.map(|set| {
        let mut weights = vec![0.0; d.rank];
        for i in set.members {
            weights[i] = d.s[i] * d.v_column(i).iter().sum::<f64>();
        }
        if d.rank == 0 {
            return vec![0.0; d.param_len];
        }
        let rows = d.u.chunks_exact(d.rank);
        rows.map(|row| {
            let terms = row.iter().zip(&weights).map(|(&u, w)| f64::from(u) * w);
            terms.sum::<f64>() as f32
        })
        .collect()
    })))
}
