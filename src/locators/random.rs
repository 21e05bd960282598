//! Uniform random scores: what no knowledge gives.

use super::{Error, Located, Locator, Run, Supervision};
use crate::numeric::random::{Purpose, Stream};

/// Random scores.
#[derive(Clone, Copy, Debug)]
pub struct Random;

impl Locator for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn meaning(&self) -> &'static str {
        "uniform random scores, drawn for each claim"
    }

    fn supervision(&self) -> Supervision {
        Supervision::None
    }

    fn locate(&self, run: &Run<'_>) -> Result<Option<Located>, Error> {
        let draw = |claim: u64| {
            let mut stream = Stream::new(run.seed, Purpose::Locators, claim);
            (0..run.theta.len()).map(|_| stream.uniform()).collect()
        };
        Ok(Some(Located {
            scores: [draw(0), draw(1)],
            subspace: None,
            found: ["drawn".into(), "drawn".into()],
        }))
    }
}
