//! The temporal claim over the seeds, and training again without components.

use super::over::over;
use crate::ablate::Rate;
use crate::findings::{Findings, Retrained, RetrainedRow, Temporal, TemporalRow};
use crate::numeric::draws::{self, packed};
use crate::numeric::sum::mean;

/// The temporal claim, by decomposition.
pub fn temporal(seeds: &[Findings], seed: u64) -> Vec<TemporalRow> {
    let first = seeds.first().map_or(&[][..], |one| &one.temporal);
    let row = |(number, named): (usize, &Temporal)| {
        let all: Vec<_> = seeds
            .iter()
            .filter_map(|one| {
                let mut found = one.temporal.iter();
                found.find(|t| t.decomposition == named.decomposition)
            })
            .collect();
        let number_of = |kind: u64, of: &dyn Fn(&Temporal) -> Option<f64>| {
            let number = packed(&[(number as u64, 12), (kind, 4)]);
            let stream = draws::TIME_OVER.stream(seed, number);
            over(all.iter().filter_map(|one| of(one)).collect(), stream)
        };
        let p: Vec<f64> = all.iter().filter_map(|one| one.p).collect();
        let labelled = (number < 2)
            .then(|| [0, 1].map(|which| seeds.iter().map(|one| one.labelled[number][which]).sum()));
        TemporalRow {
            decomposition: named.decomposition,
            correlation: number_of(0, &|one| one.correlation),
            behavioural: number_of(1, &|one| one.behavioural_correlation),
            difference: number_of(2, &|one| one.difference),
            beyond_random: (p.iter().filter(|&&p| p < 0.05).count(), p.len()),
            labelled,
        }
    };
    first.iter().enumerate().map(row).collect()
}

/// Training again with components projected out.
pub fn retraining(seeds: &[Findings], seed: u64) -> Vec<RetrainedRow> {
    let first = seeds.first().map_or(&[][..], |one| &one.retraining);
    let row = |(number, like): (usize, &Retrained)| {
        let all: Vec<_> = seeds
            .iter()
            .flat_map(|one| &one.retraining)
            .filter(|one| one.set == like.set && one.when == like.when)
            .collect();
        let change_of = |kind: u64, rates: &[Rate]| {
            let of_rate = |one: &Retrained, rate: Rate| one.with[rate] - one.without[rate];
            let change = |one: &&Retrained| {
                let changes: Vec<f64> = rates.iter().map(|&rate| of_rate(one, rate)).collect();
                mean(&changes)
            };
            let number = packed(&[(number as u64, 12), (kind, 4)]);
            let stream = draws::RETRAINING_OVER.stream(seed, number);
            over(all.iter().map(change).collect(), stream)
        };
        Some(RetrainedRow {
            set: like.set,
            when: like.when,
            updates: all.iter().map(|one| one.updates).collect(),
            corner: change_of(0, &[Rate::Corner])?,
            cheese: change_of(1, &Rate::IN)?,
        })
    };
    first.iter().enumerate().filter_map(row).collect()
}
