//! Edit (e): training again with a component projected out of every step.
//!
//! The same seed, schedule and random streams as the run, up to its first checkpoint by which what the cheese adds in the region
//! was learnt in either direction, or to the end; before that nothing could be said of the late set. The early set, the late set or as many random in-span directions are taken off
//! the gradient before the optimiser sees it, or off the update after it. What is compared is the
//! checkpoint, which is what the same training without a projection gives to the bit.

use crate::ablate::edit::orthonormal;
use crate::ablate::{PerRate, Rate, Split};
use crate::experiment::{Config, Error, Progress};
use crate::findings::{Curves, ProjectedSet, Retrained};
use crate::locate::Label;
use crate::numeric::draws;
use crate::ppo::Trainer;
use crate::ppo::projection::{Projection, When};
use crate::protocol::trained_policy::TrainedPolicy;

use crate::protocol::decomposed::Named;

/// The place of the first checkpoint by which what the cheese adds was learnt in both directions; of the last where it was not.
fn learnt_by(curves: &Curves, checkpoints: &[(f64, Vec<f32>)]) -> usize {
    let last = checkpoints.len() - 1;
    let [Some(a), Some(b)] = Rate::IN.map(|rate| curves.share(rate)) else {
        return last;
    };
    let learnt = checkpoints.iter().position(|(share, _)| *share >= a.max(b));
    learnt.unwrap_or(last)
}

/// Every set, before and after the optimiser.
///
/// # Errors
/// What training refuses, or the user's interruption.
pub fn retrain(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    named: &Named,
    curves: &Curves,
    progress: &mut dyn Progress,
) -> Result<Vec<Retrained>, Error> {
    let total = config.ppo.total_updates as f64;
    let (share, params) = &policy.checkpoints[learnt_by(curves, policy.checkpoints)];
    let updates = (share * total).round() as u64;
    let tasks = config.tasks(Split::Selection, config.ablate.selection_levels)?;
    let rates = |params: &[f32]| {
        let measured = tasks.measure_exact(policy.with(params))?;
        Ok::<_, Error>(PerRate::new(|rate| measured.rate(rate)))
    };
    let without = rates(params)?;
    let d = &named.decomposed.decomposition;
    let set = |label| -> Result<Vec<Vec<f32>>, Error> {
        let members = named.decomposed.set(label)?.members.into_iter();
        Ok(members.map(|i| d.u_column(i)).collect())
    };
    let (early, late) = (set(Label::Early)?, set(Label::Late)?);
    let random: Vec<Vec<f32>> = (0..early.len().max(late.len()) as u64)
        .map(|i| {
            let mut stream = draws::PROJECTED_OUT.stream(config.seed, i);
            named.in_span(config.ablate.components, &mut stream)
        })
        .collect();
    let arms = [
        (ProjectedSet::Early, early),
        (ProjectedSet::Late, late),
        (ProjectedSet::Random, random),
    ];
    let arms = arms.iter().filter(|(_, basis)| !basis.is_empty());
    let mut found = Vec::new();
    for (set, basis) in arms {
        for when in [When::BeforeOptimizer, When::AfterOptimizer] {
            if *set == ProjectedSet::Random && when == When::AfterOptimizer {
                // The control of the two sets before it; after it the sets are each other's.
                continue;
            }
            progress.begin(
                &format!(
                    "training again without {} components, {}",
                    set.name(),
                    when.name()
                ),
                updates,
            );
            let mut trainer = Trainer::new(config.settings(), config.seed)?;
            let basis = orthonormal(basis);
            trainer.project_out(Projection::new(&basis, when));
            while trainer.updates() < updates {
                progress.stop_if_interrupted("training again")?;
                if trainer.advance()?.is_none() {
                    break;
                }
                progress.advance(trainer.updates(), "");
            }
            found.push(Retrained {
                set: *set,
                when,
                components: basis.len(),
                updates,
                without,
                with: rates(trainer.params())?,
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Onset;

    /// The later of the two directions decides.
    #[test]
    fn training_goes_on_until_the_cheese_was_learnt() {
        let checkpoints: Vec<(f64, Vec<f32>)> = (0..=10)
            .map(|i| (f64::from(i) / 10.0, Vec::new()))
            .collect();
        let onset = |frames: f64| Onset {
            frames,
            interval: (frames, frames),
        };
        let curves = |down_left: Option<f64>| Curves {
            frames: vec![0, 1000],
            rates: PerRate::default(),
            p_cheese: Vec::new(),
            p_corner: Vec::new(),
            onsets: PerRate::new(|rate| match rate {
                Rate::InUpRight => Some(onset(310.0)),
                Rate::InDownLeft => down_left.map(onset),
                _ => Some(onset(10.0)),
            }),
            lags: Vec::new(),
            returns: Vec::new(),
        };
        assert_eq!(learnt_by(&curves(Some(640.0)), &checkpoints), 7);
        assert_eq!(learnt_by(&curves(Some(20.0)), &checkpoints), 4);
        assert_eq!(learnt_by(&curves(None), &checkpoints), 10);
    }
}
