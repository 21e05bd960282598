//! How far a parameter moved: `(theta_T - theta_0)^2`. It says where something was learnt, not what.

use super::{Error, Located, Locator, Run, Supervision};

/// The squared displacement.
#[derive(Clone, Copy, Debug)]
pub struct Displacement;

impl Locator for Displacement {
    fn name(&self) -> &'static str {
        "displacement"
    }

    fn meaning(&self) -> &'static str {
        "(theta_T - theta_0)^2, the same for both claims"
    }

    fn supervision(&self) -> Supervision {
        Supervision::None
    }

    fn locate(&self, run: &Run<'_>) -> Result<Option<Located>, Error> {
        let squared = |d: f32| f64::from(d) * f64::from(d);
        let scores = run.displacement().into_iter().map(squared).collect();
        Ok(Some(Located::undirected(scores, "every tensor".into())))
    }
}
