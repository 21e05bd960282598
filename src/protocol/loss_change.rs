//! Which tensors learnt which behaviour when, for the findings of a run and of a seed.

use crate::experiment::Error;
use crate::findings::{BehaviourLearnt, LearntTogether, LossChange};
use crate::locators::allocation::Allocated;
use crate::locators::allocation_factors::Factored;
use crate::locators::{Run, loss_changes};
use crate::nn::Layout;

/// What the loss change allocation of a run says of its tensors; none where there are not two checkpoints.
///
/// # Errors
/// Numbers that are not finite.
pub fn loss_change(run: &Run<'_>) -> Result<Option<LossChange>, Error> {
    let Some(made) = loss_changes(run)? else {
        return Ok(None);
    };
    let allocation = &made.allocation;
    let behaviours = allocation.behaviours.iter();
    let behaviour_len = behaviours.len();
    let terms = |of: &dyn Fn(&Factored) -> Vec<LearntTogether>| {
        made.factored.as_ref().map_or(Vec::new(), of)
    };
    Ok(Some(LossChange {
        tau: allocation.tau.clone(),
        behaviours: behaviours.map(|one| learnt(run.layout, one)).collect(),
        svd: terms(&|factored| of_svd(run.layout, factored, behaviour_len)),
        factors: terms(&|factored| of_factors(run.layout, factored)),
        seconds: allocation.seconds,
    }))
}

fn learnt(layout: &Layout, one: &Allocated) -> BehaviourLearnt {
    let in_window = |range: std::ops::Range<usize>, window: &Vec<f32>| {
        window[range]
            .iter()
            .map(|&w| f64::from(w))
            .fold(0.0, |a, b| a + b)
    };
    let tensors = layout.tensors.iter();
    BehaviourLearnt {
        rate: one.rate,
        states: one.states,
        ends: one.ends.into(),
        variation: one.variation,
        coarse_error: one.coarse_error,
        error: one.error,
        points: one.points,
        by_tensor: tensors
            .map(|tensor| {
                let windows = one.windows.iter();
                windows
                    .map(|window| in_window(tensor.range(), window))
                    .collect()
            })
            .collect(),
    }
}

/// The sum of what is in each tensor.
fn by_tensor(layout: &Layout, weights: &[f64]) -> Vec<f64> {
    let of = |range: std::ops::Range<usize>| weights[range].iter().fold(0.0, |a, b| a + b);
    layout
        .tensors
        .iter()
        .map(|tensor| of(tensor.range()))
        .collect()
}

fn of_svd(layout: &Layout, factored: &Factored, behaviour_len: usize) -> Vec<LearntTogether> {
    let d = &factored.svd;
    let window_len = d.time_len / behaviour_len.max(1);
    let term = |(i, share): (usize, f64)| {
        let v = d.v_column(i);
        let rows = || v.chunks(window_len.max(1));
        let of_behaviour = |row: &[f64]| {
            let squares: f64 = row.iter().map(|v| v * v).sum();
            squares.copysign(row.iter().sum())
        };
        let squares: Vec<f64> = d
            .u_column(i)
            .iter()
            .map(|&u| f64::from(u).powi(2))
            .collect();
        let at = |window: usize| rows().map(|row| row[window]).fold(0.0, |a, b| a + b);
        LearntTogether {
            share,
            by_behaviour: rows().map(of_behaviour).collect(),
            course: (0..window_len).map(at).collect(),
            by_tensor: by_tensor(layout, &squares),
        }
    };
    d.explained().into_iter().enumerate().map(term).collect()
}

fn of_factors(layout: &Layout, factored: &Factored) -> Vec<LearntTogether> {
    let factors = &factored.factors;
    let sizes: Vec<f64> = factors.w.iter().map(|w| w.iter().sum()).collect();
    let whole = sizes.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let term = |(r, size): (usize, f64)| {
        let shares: Vec<f64> = factors.w[r].iter().map(|w| w / size).collect();
        LearntTogether {
            share: size / whole,
            by_behaviour: factors.a[r].clone(),
            course: factors.b[r].clone(),
            by_tensor: by_tensor(layout, &shares),
        }
    };
    let named = sizes
        .into_iter()
        .enumerate()
        .filter(|&(_, size)| size > 0.0);
    named.map(term).collect()
}
