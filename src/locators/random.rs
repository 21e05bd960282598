//! Uniform random scores: what no knowledge gives.

use super::error::Error;
use super::locator::{Located, Locator};
use super::method::Method;
use super::run::Run;
use super::streams;
use crate::numeric::random::{Purpose, Stream};

/// Random scores.
#[derive(Clone, Copy, Debug)]
pub struct Random;

impl Locator for Random {
    fn method(&self) -> Method {
        Method::Random
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let draw = |claim: u64| {
            let number = streams::random_scores(claim);
            let mut stream = Stream::new(run.seed, Purpose::Locators, number);
            (0..run.theta.len()).map(|_| stream.uniform()).collect()
        };
        let found = ["drawn".into(), "drawn".into()];
        Ok(Some(Located::scored([draw(0), draw(1)], found)))
    }
}
