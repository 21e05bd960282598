//! How much of the protocol is carried out: one seed in brief, or one of many in full.

use crate::experiment::Config;
use crate::locators::{Group, Method};

/// Random controls behind a p-value of the main job at most.
const BRIEF_CONTROLS: u64 = 99;
/// Draws of as many random parameters beside every reset, in brief and in full.
const BRIEF_MATCHED: usize = 2;
const MATCHED: usize = 10;

/// What is done beside the steps along components and their controls.
#[derive(Clone, Debug)]
pub struct Extent {
    /// The methods that are asked.
    pub methods: Vec<Method>,
    /// Random controls behind a p-value at most.
    pub controls: u64,
    /// How many times as many random parameters are drawn beside every reset.
    pub matched: usize,
    /// Whether the components of parts of the gradient are tried too.
    pub streams: bool,
    /// Whether methods are held against each other, the whole policy is traced, ablated behaviours relearnt,
    /// and weights held against random walks.
    pub comparisons: bool,
    /// Whether training is repeated with components projected out.
    pub retraining: bool,
}

impl Extent {
    /// What `gouda reproduce` has time for: the proposal's own methods, beside random scores.
    pub fn brief(config: &Config) -> Self {
        let methods = [Group::GradientSvd, Group::Random].map(Method::of);
        Self {
            methods: methods.into_iter().flatten().collect(),
            controls: config.ablate.controls.min(BRIEF_CONTROLS),
            matched: BRIEF_MATCHED,
            streams: false,
            comparisons: false,
            retraining: false,
        }
    }

    /// What `gouda study` does with each of its seeds.
    pub fn full(config: &Config) -> Self {
        let study = &config.study;
        let number = config.seed.checked_sub(study.first_seed);
        Self {
            methods: Method::ALL.into(),
            controls: config.ablate.controls,
            matched: MATCHED,
            streams: true,
            comparisons: true,
            retraining: number.is_some_and(|number| number < study.retrain_seeds),
        }
    }
}
