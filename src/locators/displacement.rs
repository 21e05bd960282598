//! How far a parameter moved: `(theta_T - theta_0)^2`. It says where something was learnt, not what.

use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::run::Run;

/// The squared displacement.
#[derive(Clone, Copy, Debug)]
pub struct Displacement;

impl Locator for Displacement {
    fn method(&self) -> Method {
        Method::Displacement
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let squared = |d: f32| f64::from(d) * f64::from(d);
        let scores = run.displacement().into_iter().map(squared).collect();
        Ok(Some(Located::undirected(scores, "every tensor".into())))
    }
}
