//! Edit (e): training again with a component projected out of every step.
//!
//! The same seed, schedule and random streams as the run, for as many updates as one of its
//! checkpoints has; the early set, the late set or as many random in-span directions are taken off
//! the gradient before the optimiser sees it, or off the update after it. What is compared is the
//! checkpoint, which is what the same training without a projection gives to the bit.

use crate::ablate::edit::orthonormal;
use crate::ablate::{PerRate, Split};
use crate::experiment::{Config, Error, Progress};
use crate::findings::{ProjectedSet, Retrained};
use crate::locate::Label;
use crate::numeric::draws;
use crate::ppo::Trainer;
use crate::ppo::projection::{Projection, When};
use crate::protocol::trained_policy::TrainedPolicy;

use crate::protocol::decomposed::Named;

/// Every set, before and after the optimiser.
///
/// # Errors
/// What training refuses, or the user's interruption.
pub fn retrain(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    named: &Named,
    progress: &mut dyn Progress,
) -> Result<Vec<Retrained>, Error> {
    let study = &config.study;
    let total = config.ppo.total_updates as f64;
    let wanted = study.retrain_updates as f64 / total;
    let distance = |share: f64| (share - wanted).abs();
    let nearest = policy.checkpoints.iter().skip(1);
    let Some((share, params)) = nearest.min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)))
    else {
        return Ok(Vec::new());
    };
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
