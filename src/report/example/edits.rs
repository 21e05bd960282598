//! The edits of the made-up run.

use std::collections::BTreeMap;

use crate::ablate::{Claim, PerClaim, PerRate, Rate};
use crate::findings::tracing::WholePolicy;
use crate::findings::{
    Above, Claimed, ComponentEffect, Components, Controls, Currency, Curve, Curves, DoseResponse,
    Family, Findings, Frozen, Portrait, Rise, Role, Temporal,
};
use crate::locate::Label;
use crate::locators::{Kind, Method, Supervision};

use super::{course, layout};

/// Losses of S1, S1 region, the cheese in the region, the cheese near, S4 cheese, S4 region, the corner.
type Losses = [f64; 7];

fn place(rate: Rate) -> usize {
    match rate {
        Rate::S1 => 0,
        Rate::S1Region => 1,
        Rate::InUpRight | Rate::InDownLeft => 2,
        Rate::NearUpRight | Rate::NearDownLeft => 3,
        Rate::S4Cheese => 4,
        Rate::S4Region => 5,
        Rate::S5 | Rate::Corner | Rate::Compass => 6,
    }
}

fn per_rate(losses: Losses) -> PerRate<f64> {
    PerRate::new(|rate| losses[place(rate)])
}

fn edited(losses: Losses) -> PerRate<f64> {
    PerRate::new(|rate| {
        let (last, floor, _) = course(rate);
        last - losses[place(rate)] * (last - floor)
    })
}

/// An edit, its member and dose, what it is to A and to B, and what it cost.
struct Made(Family, &'static str, f64, [Option<Role>; 2], Losses);

/// Edits that dissociate, edits that do not, and controls.
fn made() -> Vec<Made> {
    use Role::{Control, Known, Practical, Predicted, Swapped};
    let (raw, unit) = (Method::GradientSvdRaw, Method::GradientSvdUnitNorm);
    let project = |method| Family::Of(method, Kind::ProjectOff);
    let both = |role| [Some(role), Some(role)];
    vec![
        Made(
            Family::Step,
            "unit-norm 9",
            0.25,
            [Some(Practical), None],
            [0.11, 0.03, 0.62, -0.09, 0.1, 0.02, 0.04],
        ),
        Made(
            Family::Step,
            "unit-norm 5",
            -0.4,
            [None, Some(Practical)],
            [0.99, 0.98, -0.01, 0.01, -0.2, 0.97, 1.0],
        ),
        Made(
            Family::RandomStep,
            "random unit-norm 41",
            0.25,
            [Some(Control), None],
            [0.4, 0.3, 0.66, 0.2, 0.1, 0.4, 0.36],
        ),
        Made(
            Family::RandomStep,
            "random raw 7",
            -0.25,
            [None, Some(Control)],
            [0.6, 0.5, 0.3, 0.2, 0.1, 0.52, 0.7],
        ),
        Made(
            Family::Compass,
            "up and right",
            2.0,
            both(Control),
            [0.05, 0.02, 0.3, 0.2, 0.1, -0.1, -0.02],
        ),
        Made(
            Family::MatchedNoise,
            "noise 17",
            0.4,
            both(Control),
            [0.0, 0.0, 0.01, 0.02, -0.01, 0.01, 0.0],
        ),
        Made(
            project(raw),
            "components 3+8 (labelled)",
            1.0,
            [Some(Predicted), Some(Swapped)],
            [0.97, 0.9, 1.0, 1.0, 0.8, 0.9, 0.99],
        ),
        Made(
            project(unit),
            "components 0+2+6 (lowest index, unlabelled)",
            0.5,
            [Some(Swapped), Some(Predicted)],
            [0.8, 0.7, 0.9, 0.6, 0.5, 0.8, 0.9],
        ),
        Made(
            Family::Of(raw, Kind::Reset),
            "components 3+8 (labelled)",
            2.0,
            [Some(Predicted), Some(Swapped)],
            [0.2, 0.1, 0.35, 0.2, 0.1, 0.1, 0.15],
        ),
        Made(
            Family::Matched(raw),
            "gradient SVD, raw",
            2.0,
            both(Control),
            [0.2, 0.1, 0.2, 0.1, 0.1, 0.1, 0.15],
        ),
        Made(
            Family::Blindfold,
            "the cheese's plane",
            1.0,
            both(Known),
            [0.9, 0.0, 1.0, 1.0, 1.0, -0.4, 0.0],
        ),
        Made(
            Family::Checkpoint,
            "checkpoint",
            0.47,
            both(Control),
            [0.2, 0.1, 0.33, 0.1, 0.0, 0.1, 0.13],
        ),
    ]
}

fn claimed(claim: Claim, role: Role, made: &Made) -> Claimed {
    let Made(family, member, dose, _, losses) = made;
    let losses = per_rate(*losses);
    let intervals = losses.map(|loss| (loss - 0.055, loss + 0.055));
    let selectivity = claim.selectivity(&|rate| losses[rate]);
    let frozen = Frozen {
        claim,
        family: *family,
        role,
        supervision: Supervision::Effects,
        member: (*member).into(),
        dose: *dose,
        candidates: 240,
        members: 24,
        beside: family.is_baseline().then_some(240),
        margin: claim.margin(&|rate| losses[rate]),
        selectivity: selectivity + 0.05,
    };
    Claimed {
        length: dose.abs(),
        rates: edited(made.4),
        losses,
        intervals,
        selectivity,
        interval: (selectivity - 0.07, selectivity + 0.08),
        draws: vec![selectivity as f32; 3],
        succeeds: claim.succeeds(&|rate| (losses[rate], intervals[rate])),
        above: role.is_compared().then_some(Above {
            rival: Family::RandomStep,
            difference: selectivity - 0.3,
            interval: (selectivity - 0.4, selectivity - 0.2),
        }),
        controls: (*family == Family::Step).then_some(Controls {
            p: 0.0012,
            draws: 999,
            p_chosen: 0.29,
        }),
        frozen,
    }
}

fn curve() -> Curve {
    Curve {
        percent: vec![1.0, 10.0],
        losses: vec![per_rate([0.1; 7]); 2],
        selectivity: vec![0.1, 0.2],
        random: vec![0.0, 0.1],
        area: 0.15,
        random_area: 0.05,
    }
}

/// What the protocol found.
pub fn found(curves: Curves) -> Findings {
    let mut claims = Vec::new();
    for claim in Claim::ALL {
        for one in &made() {
            claims.extend(one.3[claim as usize].map(|role| claimed(claim, role, one)));
        }
    }
    let tensors = layout().tensors.len();
    let temporal = |decomposition, correlation| Temporal {
        decomposition,
        components: vec![ComponentEffect {
            index: 0,
            temporal_index: -0.2,
            behavioural_index: -0.1,
            label: Some(Label::Early),
            effect: 0.3,
        }],
        correlation: Some(correlation),
        behavioural_correlation: Some(0.1),
        sets: [vec![0], vec![]],
        difference: None,
        p: None,
    };
    let portraits = claims.iter().filter(|c| c.frozen.family == Family::Step);
    let portraits = portraits.map(|c| Portrait {
        claim: c.frozen.claim,
        family: c.frozen.family,
        member: c.frozen.member.clone(),
        dose: c.frozen.dose,
        by_tensor: vec![1.0 / tensors as f64; tensors],
        bias: 0.4,
        shift: vec![-1.0, 1.0, 1.0, -1.0],
    });
    Findings {
        seed: 3,
        config_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        gradient_checksum: "8a1f03bc".into(),
        frozen_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        curves,
        base: edited([0.0; 7]),
        floor: edited([1.0; 7]),
        rises: PerRate::new(|rate| {
            let (last, floor, _) = course(rate);
            Rise {
                rate,
                value: last - floor,
                interval: (last - floor - 0.03, last - floor + 0.03),
                is_learnt: true,
            }
        }),
        currency: vec![Currency {
            locator: Method::GradientSvdRaw,
            seconds: 0.1,
            found: PerClaim::new(|_| Some("components 3+8 (labelled)".into())),
            by_tensor: PerClaim::new(|_| vec![1.0 / tensors as f64; tensors]),
            curves: PerClaim::new(|_| curve()),
            blindfold: None,
        }],
        loss_change: Some(super::loss_change().brief()),
        temporal: vec![
            temporal(Components::Raw, -0.09),
            temporal(Components::UnitNorm, -0.28),
        ],
        labelled: [[3, 2], [2, 2]],
        portraits: portraits.collect(),
        claims,
        relearning: Vec::new(),
        retraining: Vec::new(),
        walks: Vec::new(),
        agreement: Vec::new(),
        traced: WholePolicy::default(),
        seconds: BTreeMap::new(),
    }
}

/// Chosen steps and a control at growing doses.
pub fn doses() -> Vec<DoseResponse> {
    let response = |family, member: &str, kind: Losses| {
        let doses = [-0.4, -0.25, -0.15, -0.08, 0.08, 0.15, 0.25, 0.4];
        let rates = doses.map(|dose: f64| {
            let scale = if dose > 0.0 { 1.0 } else { 0.6 } * (dose / 0.25).powi(2).min(1.5);
            edited(kind.map(|loss| (loss * scale).min(1.0)))
        });
        DoseResponse {
            family,
            member: member.into(),
            doses: doses.into(),
            intervals: rates
                .map(|all| all.map(|rate| (rate - 0.03, rate + 0.03)))
                .into(),
            rates: rates.into(),
        }
    };
    let all = made();
    let [a, b, random] = [0, 1, 2].map(|index| &all[index]);
    vec![
        response(a.0, a.1, a.4),
        response(random.0, random.1, random.4),
        response(b.0, b.1, b.4),
    ]
}
