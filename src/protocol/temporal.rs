//! The temporal claim itself: do early components hurt the corner and late ones the cheese?
//!
//! Sets are compared with all others of the same lengths among the components that were tried: who is
//! in the early set is what the claim says.
//!
//! The effect of a component is `mean over signs and doses of (S5 loss - S2 loss)` of the steps along
//! it, on selection levels: positive where it costs the corner more. The proposal predicts that it
//! falls with the temporal index.

use crate::ablate::Rate;
use crate::experiment::Error;
use crate::findings::{ComponentEffect, Curves, Temporal};
use crate::locate::{Label, temporal};
use crate::numeric::draws;
use crate::numeric::statistics;
use crate::numeric::sum::mean;

use super::decomposed::Named;
use super::edit::{Member, Tried};

/// Draws of random sets.
const DRAWS: u64 = 999;

/// What the trials say of one decomposition. `axis` gives the behavioural time of a share of
/// training.
///
/// # Errors
/// Norms that are not finite.
pub fn temporal(
    named: &Named,
    tau: &[f64],
    axis: &dyn Fn(f64) -> f64,
    tried: &[Tried],
    seed: u64,
) -> Result<Temporal, Error> {
    let decomposed = &named.decomposed;
    let (d, courses) = (&decomposed.decomposition, decomposed.courses()?);
    let b = temporal::profile(&decomposed.row_norms)?;
    let behavioural: Vec<f64> = tau.iter().map(|&tau| axis(tau)).collect();
    let effects = |member: &dyn Fn(&Tried) -> bool| -> Option<f64> {
        let steps = tried.iter().filter(|one| member(one));
        let effects: Vec<f64> = steps
            .map(|one| one.losses[Rate::S5] - one.losses[Rate::S2])
            .collect();
        (!effects.is_empty()).then(|| mean(&effects))
    };
    let mut components = Vec::new();
    for (index, course) in courses.iter().enumerate() {
        let member: Member = named.member(index);
        let Some(effect) = effects(&|one| one.edit.member == member) else {
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

/// The behavioural axis: at each share of training, the mean share of their final rise that S5 and S2
/// had reached (running maximum, linear between the points of the curves).
pub fn behavioural_axis(curves: &Curves) -> impl Fn(f64) -> f64 + use<> {
    let last = curves
        .frames
        .last()
        .map_or(1.0, |&frames| frames.max(1) as f64);
    let tau: Vec<f64> = curves.frames.iter().map(|&f| f as f64 / last).collect();
    let risen = [Rate::S5, Rate::S2].map(|rate| {
        let values = &curves.rates[rate as usize].values;
        let first = values.first().map_or(0.0, |mean| mean.value);
        let mut most = 0.0f64;
        let risen: Vec<f64> = values
            .iter()
            .map(|mean| {
                most = most.max(mean.value - first);
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

    /// S5 and S2 rise one after the other: each is half of the axis, and a fall is no way back.
    #[test]
    fn the_behavioural_axis_is_the_mean_share_of_both_rises() {
        use crate::ablate::Mean;
        use crate::findings::RateCurve;
        let curve = |rate: Rate| RateCurve {
            rate,
            values: match rate {
                Rate::S5 => [0.2, 0.6, 0.4, 0.6, 0.6],
                Rate::S2 => [0.0, 0.0, 0.0, 0.1, 0.4],
                _ => [0.0; 5],
            }
            .map(|value| Mean { value, error: 0.0 })
            .into(),
        };
        let curves = Curves {
            frames: vec![0, 25, 50, 75, 100],
            rates: Rate::ALL.map(curve).into(),
            p_cheese: Vec::new(),
            p_corner: Vec::new(),
            t_corner: None,
            t_cheese: None,
            lag: None,
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
