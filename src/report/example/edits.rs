//! The edits of the made-up run.

use crate::ablate::{Claim, Mean, Rate};
use crate::findings::results::{Ablation, Choice, DoseResponse, EditOutcome, Estimate, Loss, Rise};
use crate::numeric::statistics::wilson;
use crate::protocol::candidates::role;

use super::course;

const LEVELS: u64 = 1024;

fn estimates(rate_of: impl Fn(Rate) -> f64) -> Vec<Estimate> {
    let estimate = |rate| {
        let successes = (rate_of(rate).clamp(0.0, 1.0) * LEVELS as f64) as u64;
        let interval = wilson(successes, LEVELS, 0.95);
        Estimate {
            rate,
            successes,
            count: LEVELS,
            interval: (interval.low, interval.high),
        }
    };
    Rate::ALL.map(estimate).into()
}

fn edited(losses: [f64; 7]) -> impl Fn(Rate) -> f64 {
    move |rate| {
        let (last, floor, _) = course(rate);
        last - losses[rate as usize] * (last - floor)
    }
}

fn mean(value: f64) -> Mean {
    Mean { value, error: 0.01 }
}

fn outcome(
    family: &str,
    is_control: bool,
    label: &str,
    dose: f64,
    losses: [f64; 7],
) -> EditOutcome {
    let interval = |value: f64| (value - 0.055, value + 0.055);
    let loss = |rate: Rate| (losses[rate as usize], interval(losses[rate as usize]));
    EditOutcome {
        family: family.to_owned(),
        is_control,
        label: format!("{label}, dose {dose:+}"),
        dose,
        length: dose.abs(),
        rates: estimates(edited(losses)),
        losses: Rate::ALL
            .map(|rate| Loss {
                rate,
                value: loss(rate).0,
                interval: loss(rate).1,
                p: 0.003,
            })
            .into(),
        decision: (mean(0.24), mean(0.51)),
        selectivity: Claim::ALL.map(|claim| claim.selectivity(&|rate| loss(rate).0)),
        selectivity_intervals: Claim::ALL.map(|claim| {
            let value = claim.selectivity(&|rate| loss(rate).0);
            (value - 0.07, value + 0.08)
        }),
        succeeds: Claim::ALL.map(|claim| claim.succeeds(&loss)),
    }
}

/// Edits that dissociate, edits that do not, and controls.
pub fn ablation() -> Ablation {
    let step = "step along a component";
    // Losses of S1, S1 region, S2, S3, S4 cheese, S4 region, S5.
    let outcomes = vec![
        outcome(
            step,
            false,
            "unit-norm 9",
            0.25,
            [0.11, 0.03, 0.62, -0.09, 0.1, 0.02, 0.04],
        ),
        outcome(
            step,
            false,
            "unit-norm 5",
            -0.4,
            [0.99, 0.98, -0.01, 0.01, -0.2, 0.97, 1.0],
        ),
        outcome(
            "random in-span step",
            true,
            "random 41",
            0.25,
            [0.4, 0.3, 0.66, 0.2, 0.1, 0.4, 0.36],
        ),
        outcome(
            "random in-span step",
            true,
            "random 7",
            -0.25,
            [0.6, 0.5, 0.3, 0.2, 0.1, 0.52, 0.7],
        ),
        outcome(
            "isotropic step",
            true,
            "isotropic",
            0.4,
            [0.0, 0.0, 0.01, 0.02, -0.01, 0.01, 0.0],
        ),
        outcome(
            "project late components",
            false,
            "raw 3+8 (labelled)",
            1.0,
            [0.97, 0.9, 1.0, 1.0, 0.8, 0.9, 0.99],
        ),
        outcome(
            "project early components",
            false,
            "raw 0+2+6 (lowest index, unlabelled)",
            0.5,
            [0.8, 0.7, 0.9, 0.6, 0.5, 0.8, 0.9],
        ),
        outcome(
            "project random in-span",
            true,
            "raw random, 3 dimensions",
            0.5,
            [0.5, 0.4, 0.2, 0.1, 0.1, 0.6, 0.7],
        ),
        outcome(
            "reset top of late components",
            false,
            "raw 3+8 (labelled)",
            2.0,
            [0.2, 0.1, 0.35, 0.2, 0.1, 0.1, 0.15],
        ),
        outcome(
            "rollback",
            true,
            "checkpoint at 47 %",
            0.47,
            [0.2, 0.1, 0.33, 0.1, 0.0, 0.1, 0.13],
        ),
    ];
    let choice = |claim: usize, outcome: usize, candidates, p| Choice {
        claim,
        family: outcomes[outcome].family.clone(),
        role: role(
            &outcomes[outcome].family,
            outcomes[outcome].is_control,
            Claim::ALL[claim],
        ),
        candidates,
        outcome,
        selection_selectivity: outcomes[outcome].selectivity[claim] + 0.05,
        p,
        p_best: p.map(|p: f64| 1.0 - (1.0 - p).powi(24)),
        p_fall: (!outcomes[outcome].is_control).then_some(0.006),
    };
    let mut choices = vec![
        choice(0, 0, 384, Some(0.012)),
        choice(0, 2, 800, None),
        choice(1, 1, 384, Some(0.004)),
        choice(1, 3, 800, None),
    ];
    for claim in [0, 1] {
        choices.extend((4..outcomes.len()).map(|index| choice(claim, index, 8, None)));
    }
    let response = |name: &str, is_control, kind: [f64; 7]| {
        let doses = [-0.4, -0.25, -0.15, -0.08, 0.08, 0.15, 0.25, 0.4];
        let rates = doses.map(|dose: f64| {
            let scale = if dose > 0.0 { 1.0 } else { 0.6 } * (dose / 0.25).powi(2).min(1.5);
            estimates(edited(kind.map(|loss| (loss * scale).min(1.0))))
        });
        DoseResponse {
            name: name.to_owned(),
            is_control,
            unit: "share of |theta_T - theta_0|".to_owned(),
            doses: doses.into(),
            rates: rates.into(),
        }
    };
    Ablation {
        base: estimates(edited([0.0; 7])),
        floor: estimates(edited([1.0; 7])),
        rises: Rate::ALL
            .map(|rate| {
                let (last, floor, _) = course(rate);
                Rise {
                    rate,
                    value: last - floor,
                    interval: (last - floor - 0.03, last - floor + 0.03),
                    is_learnt: true,
                }
            })
            .into(),
        decision: (mean(0.23), mean(0.67)),
        level_len: (512, 1024),
        doses: vec![
            response(
                "unit-norm 9",
                false,
                [0.11, 0.03, 0.62, -0.09, 0.1, 0.02, 0.04],
            ),
            response("random 41", true, [0.4, 0.3, 0.66, 0.2, 0.1, 0.4, 0.36]),
            response(
                "unit-norm 5",
                false,
                [0.99, 0.98, -0.01, 0.01, -0.2, 0.97, 1.0],
            ),
        ],
        choices,
        outcomes,
    }
}
