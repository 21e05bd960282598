//! The levels that a policy is traced on.

use crate::ablate::{Split, Tasks};
use crate::circuits::{Fact, Pairs, Sought};
use crate::experiment::{Config, Error};

/// Discovery levels, and how many pairs of states of each fact are made of them.
#[derive(Debug)]
pub struct Discovery {
    /// Twice as many of each situation as pairs: not every level has one.
    pub tasks: Tasks,
    /// Pairs of each fact.
    pub pair_len: usize,
}

impl Discovery {
    /// The levels of so many pairs of each fact.
    ///
    /// # Errors
    /// Levels that cannot be made.
    pub fn new(config: &Config, pair_len: usize) -> Result<Self, Error> {
        let tasks = config.tasks(Split::Discovery, 2 * pair_len)?;
        Ok(Self { tasks, pair_len })
    }

    /// Pairs whose states differ in one fact.
    pub fn pairs(&self, sought: Sought, fact: Fact) -> Pairs {
        Pairs::new(&self.tasks, sought, fact, self.pair_len)
    }
}
