//! Uniform random scores: what no knowledge gives.

use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::run::Run;
use crate::numeric::draws;

/// Random scores.
#[derive(Clone, Copy, Debug)]
pub struct Random;

impl Locator for Random {
    fn method(&self) -> Method {
        Method::Random
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let draw = |claim: u64| {
            let mut stream = draws::RANDOM_SCORES.stream(run.seed, claim);
            (0..run.theta.len()).map(|_| stream.uniform()).collect()
        };
        let found = ["drawn".into(), "drawn".into()];
        Ok(Some(Located::scored([draw(0), draw(1)], found)))
    }
}
