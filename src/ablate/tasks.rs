//! The levels on which policies are measured.

use std::sync::OnceLock;

use crate::maze::ActionSet;

use super::chains::{Chain, Chains};
use super::error::Error;
use super::rate::Rate;
use super::situation::{self, Setting, Situation, Split, Task};

/// The levels on which policies are measured.
#[derive(Clone, Debug)]
pub struct Tasks {
    pub(super) actions: ActionSet,
    pub(super) situations: Vec<(Situation, Vec<Task>)>,
    /// What exact measures need, made when the first is asked for.
    pub(super) chains: OnceLock<Chains>,
}

impl Tasks {
    /// `count` levels of every situation from `split`.
    ///
    /// # Errors
    /// A world and region that do not allow some situation.
    pub fn new(
        split: Split,
        setting: Setting,
        actions: ActionSet,
        count: usize,
    ) -> Result<Self, Error> {
        let situations = Situation::ALL
            .into_iter()
            .map(|s| {
                let tasks = situation::tasks(s, split, setting, count)?;
                Ok((s, tasks))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            actions,
            situations,
            chains: OnceLock::new(),
        })
    }

    /// What the numbers of the actions mean.
    pub fn actions(&self) -> ActionSet {
        self.actions
    }

    /// Levels of every situation.
    pub fn count(&self) -> usize {
        self.situations.first().map_or(0, |(_, tasks)| tasks.len())
    }

    /// The levels behind a rate.
    pub fn levels(&self, rate: Rate) -> &[Task] {
        let mut found = self.situations.iter();
        let of = found.find(|(situation, _)| *situation == rate.situation());
        of.map_or(&[], |(_, tasks)| tasks)
    }

    /// All levels, situation by situation.
    pub fn every_level(&self) -> impl Iterator<Item = &Task> {
        self.situations.iter().flat_map(|(_, tasks)| tasks)
    }

    /// The level seeds behind each rate, in the order of [`Rate::ALL`].
    pub fn seeds(&self) -> Vec<Vec<u32>> {
        let of = |rate| self.levels(rate).iter().map(|task| task.seed).collect();
        Rate::ALL.map(of).into()
    }

    /// The chain of one level of the situation behind a rate.
    pub(super) fn chain(&self, rate: Rate, level: usize) -> &Chain {
        let mut before = 0;
        for (situation, tasks) in &self.situations {
            if *situation == rate.situation() {
                return &self.chains().levels[before + level];
            }
            before += tasks.len();
        }
        unreachable!("every situation has levels")
    }

    /// What exact measures need.
    pub(super) fn chains(&self) -> &Chains {
        self.chains.get_or_init(|| Chains::new(&self.situations))
    }
}
