//! The temporal claim itself: do early components hurt the corner and late ones the cheese?
//!
//! Sets are compared with all others of the same lengths among the components that were tried: who is
//! in the early set is what the claim says.
//!
//! ```text
//! effect = mean over doses of (loss of the walk to the corner - loss of what the cheese adds in the region)
//!          of the step theta_T - alpha sign(u . (theta_T - theta_0)) u, on selection levels
//! ```
//!
//! What training did along the component is undone: a step the other way does more of it, and the mean over both signs
//! cancels to first order. The effect is positive where undoing the component costs the corner more. The proposal predicts that it falls with
//! the temporal index.

use crate::ablate::Rate;
use crate::experiment::Error;
use crate::findings::{ComponentEffect, Curves, Temporal};
use crate::locate::{Label, temporal};
use crate::numeric::draws;
use crate::numeric::statistics;
use crate::numeric::sum::{dot, mean};

use super::decomposed::Named;
use super::edit::{Member, Tried};

/// Draws of random sets.
const DRAWS: u64 = 999;

/// What the trials say of one decomposition. `displacement` is theta_T - theta_0, `axis` gives the behavioural time of a share
/// of training.
///
/// # Errors
/// Norms that are not finite.
pub fn temporal(
    named: &Named,
    tau: &[f64],
    axis: &dyn Fn(f64) -> f64,
    tried: &[Tried],
    displacement: &[f32],
    seed: u64,
) -> Result<Temporal, Error> {
    let decomposed = &named.decomposed;
    let (d, courses) = (&decomposed.decomposition, decomposed.courses()?);
    let b = temporal::profile(&decomposed.row_norms)?;
    let behavioural: Vec<f64> = tau.iter().map(|&tau| axis(tau)).collect();
    let mut components = Vec::new();
    for (index, course) in courses.iter().enumerate() {
        let member: Member = named.member(index);
        let along = dot(&d.u_column(index), displacement);
        let steps = tried.iter().filter(|one| one.edit.member == member);
        let Some(effect) = undone(steps, along) else {
            continue;
        };
        components.push(ComponentEffect {
            index,
            temporal_index: course.temporal_index,
            behavioural_index: temporal::index_on(&behavioural, &d.v_column(index), &b),
            label: decomposed.components.get(index).map(|c| c.label),
            effect,
        });
    }
    let column = |of: fn(&ComponentEffect) -> f64| components.iter().map(of).collect::<Vec<f64>>();
    let effect = column(|c| c.effect);
    let set = |label| -> Result<Vec<usize>, Error> {
        let members = decomposed.set(label)?.members.into_iter();
        let is_tried = |i: &usize| components.iter().any(|c| c.index == *i);
        Ok(members.filter(is_tried).collect())
    };
    let sets = [set(Label::Early)?, set(Label::Late)?];
    let of_set = |set: &[usize]| -> Option<f64> {
        let members = components.iter().filter(|c| set.contains(&c.index));
        let effects: Vec<f64> = members.map(|c| c.effect).collect();
        (!effects.is_empty()).then(|| mean(&effects))
    };
    let difference = of_set(&sets[0])
        .zip(of_set(&sets[1]))
        .map(|(early, late)| early - late);
    let all: Vec<f64> = components.iter().map(|c| c.effect).collect();
    let p = difference.and_then(|found| share_as_large(&all, &sets, found, seed));
    Ok(Temporal {
        decomposition: named.of,
        correlation: statistics::spearman(&column(|c| c.temporal_index), &effect),
        behavioural_correlation: statistics::spearman(&column(|c| c.behavioural_index), &effect),
        components,
        sets,
        difference,
        p,
    })
}

/// What it costs the corner more than the cheese to undo a component, of the steps along it; none where there are none.
/// `along` is what training moved along it.
fn undone<'a>(steps: impl Iterator<Item = &'a Tried>, along: f64) -> Option<f64> {
    let undoing = steps.filter(|one| one.edit.dose * along < 0.0);
    let effect = |one: &Tried| one.losses[Rate::Corner] - mean(&Rate::IN.map(|r| one.losses[r]));
    let effects: Vec<f64> = undoing.map(effect).collect();
    (!effects.is_empty()).then(|| mean(&effects))
}

/// The behavioural axis: at each share of training, the mean share of their final rise that the walk to the corner and what the
/// cheese adds in the region had reached (running maximum, linear between the points of the curves).
pub fn behavioural_axis(curves: &Curves) -> impl Fn(f64) -> f64 + use<> {
    let last = curves
        .frames
        .last()
        .map_or(1.0, |&frames| frames.max(1) as f64);
    let tau: Vec<f64> = curves.frames.iter().map(|&f| f as f64 / last).collect();
    let risen = [&[Rate::Corner][..], &Rate::IN].map(|rates| {
        let value = |at: usize| {
            let all: Vec<f64> = rates
                .iter()
                .map(|&rate| curves.rates[rate][at].value)
                .collect();
            mean(&all)
        };
        let values: Vec<f64> = (0..tau.len()).map(value).collect();
        let first = values.first().copied().unwrap_or(0.0);
        let mut most = 0.0f64;
        let risen: Vec<f64> = values
            .iter()
            .map(|value| {
                most = most.max(value - first);
                most
            })
            .collect();
        match risen.last() {
            Some(&whole) if whole > 0.0 => risen.into_iter().map(|x| x / whole).collect(),
            _ => vec![0.0; risen.len()],
        }
    });
    move |at| {
        let after = tau.iter().position(|&t| t >= at).unwrap_or(tau.len() - 1);
        let Some(before) = after.checked_sub(1) else {
            return 0.0;
        };
        let part = ((at - tau[before]) / (tau[after] - tau[before])).min(1.0);
        let value = |risen: &Vec<f64>| risen[before] + part * (risen[after] - risen[before]);
        risen.iter().map(value).sum::<f64>() / 2.0
    }
}

/// p-value of a difference against pairs of disjoint random sets of the same lengths.
fn share_as_large(all: &[f64], sets: &[Vec<usize>; 2], found: f64, seed: u64) -> Option<f64> {
    let (early, late) = (sets[0].len(), sets[1].len());
    if early + late > all.len() {
        return None;
    }
    let mut stream = draws::RANDOM_SETS.stream(seed, 0);
    let mut shuffled = all.to_vec();
    let as_large = (0..DRAWS).filter(|_| {
        stream.shuffle(&mut shuffled);
        mean(&shuffled[..early]) - mean(&shuffled[early..early + late]) >= found
    });
    Some(statistics::monte_carlo_p(as_large.count() as u64, DRAWS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extreme_difference_is_rare_among_random_sets_and_none_is_not() {
        let random: Vec<f64> = (0..24).map(|i| f64::from(i) / 24.0).collect();
        let sets = [vec![0, 1, 2], vec![3, 4, 5]];
        let p = |found| share_as_large(&random, &sets, found, 1).unwrap();
        assert!(p(0.86) < 0.01 && p(-2.0) == 1.0);
        assert!((0.4..0.6).contains(&p(0.0)), "{}", p(0.0));
        assert_eq!(share_as_large(&random[..5], &sets, 0.0, 1), None);
    }

    /// What undoes a component is asked, and not what does more of it.
    #[test]
    fn the_effect_is_of_undoing_what_training_did() {
        use crate::ablate::PerRate;
        use crate::ablate::recipe::Recipe;
        use crate::findings::{Components, Family};
        use crate::locators::Supervision;
        let step = |dose: f64, corner: f64| {
            let losses = |rate| match rate {
                Rate::Corner => corner,
                Rate::InUpRight => 0.1,
                Rate::InDownLeft => 0.3,
                _ => 9.0,
            };
            let edit = crate::protocol::edit::Edit {
                family: Family::Step,
                supervision: Supervision::Effects,
                meant_for: None,
                member: Member::Component(Components::Raw, 0),
                dose,
                recipe: Recipe::Reset(Vec::new().into()),
            };
            Tried {
                edit,
                losses: PerRate::new(losses),
            }
        };
        let tried = [step(0.1, 0.5), step(-0.1, -0.5), step(0.2, 0.9)];
        let found = |along| undone(tried.iter(), along);
        assert!((found(-3.0).unwrap() - 0.5).abs() < 1e-12);
        assert!((found(3.0).unwrap() - -0.7).abs() < 1e-12);
        assert_eq!(found(0.0), None);
    }

    /// The corner and the cheese rise one after the other: each is half of the axis, and a fall is no way back.
    #[test]
    fn the_behavioural_axis_is_the_mean_share_of_both_rises() {
        use crate::ablate::{Mean, PerRate};
        let rates = PerRate::new(|rate| {
            let values = match rate {
                Rate::Corner => [0.2, 0.6, 0.4, 0.6, 0.6],
                Rate::InUpRight => [0.0, 0.0, 0.0, 0.2, 0.5],
                Rate::InDownLeft => [0.0, 0.0, 0.0, 0.0, 0.3],
                _ => [0.0; 5],
            };
            values.map(|value| Mean { value, error: 0.0 }).into()
        });
        let curves = Curves {
            frames: vec![0, 25, 50, 75, 100],
            rates,
            p_cheese: Vec::new(),
            p_corner: Vec::new(),
            onsets: PerRate::default(),
            lags: Vec::new(),
            returns: Vec::new(),
        };
        let axis = behavioural_axis(&curves);
        for (at, expected) in [
            (0.0, 0.0),
            (0.25, 0.5),
            (0.5, 0.5),
            (0.75, 0.625),
            (1.0, 1.0),
        ] {
            assert!((axis(at) - expected).abs() < 1e-12, "{at}: {}", axis(at));
        }
        assert!((axis(0.125) - 0.25).abs() < 1e-12);
    }
}
