//! Both towers train together by PPO, on the run's levels and on levels whose mouse and cheese are anywhere, an iteration of
//! either in turn, each with an optimiser of its own. What is [held](super::towers::Towers::held) at zero stays there. At first
//! the values alone learn: the towers were taught moves, and a wrong value would unteach them.

use crate::experiment::{Error, Progress};
use crate::maze::MouseStart;
use crate::ppo::Trainer;
use crate::ppo::projection::Projection;
use crate::ppo::settings::Settings;

use super::log::Log;
use super::towers::Towers;

/// Share of the run's first learning rate that is begun with.
const RATE: f64 = 0.1;
/// Part of the updates in which the values alone learn: one in so many.
const VALUES: u64 = 4;

/// Both towers of `params` on both their levels, for so many updates in all; `settings` have the whole network.
///
/// # Errors
/// What training refuses, or the user's interruption.
pub fn together(
    settings: &Settings,
    towers: &Towers,
    params: Vec<f32>,
    (updates, seed): (u64, u64),
    progress: &mut dyn Progress,
) -> Result<Log, Error> {
    let mut settings = settings.clone();
    settings.ppo.learning_rate *= RATE;
    settings.ppo.total_updates = updates / 2;
    let mut log = Log::new(updates / 2 * 2, &params);
    let layout = &towers.full.layout;
    let values = layout
        .tensors
        .iter()
        .filter(|one| one.name.starts_with("value."));
    let values: Vec<usize> = values.flat_map(|one| one.range()).collect();
    let but_values: Vec<usize> = (0..layout.len()).filter(|p| !values.contains(p)).collect();
    let begin = |settings: Settings, seed| {
        let mut trainer = Trainer::from_params(settings, seed, params.clone())?;
        trainer.project_out(Projection::holding(but_values.clone()));
        Ok::<_, Error>(trainer)
    };
    let own = begin(settings.clone(), seed)?;
    settings.env.region = settings.env.world;
    settings.env.mouse = MouseStart::Anywhere;
    settings.env.schedule.clear();
    let mut trainers = [own, begin(settings, seed + 1)?];
    let stage = "training both towers together";
    progress.begin(stage, log.total);
    for turn in [0, 1].into_iter().cycle() {
        if log.made == log.total {
            break;
        }
        if log.made >= log.total / VALUES {
            trainers[turn].project_out(Projection::holding(towers.held()));
        }
        iteration(&mut trainers[turn], &mut log, stage, progress)?;
        let params = trainers[turn].params().to_vec();
        trainers[1 - turn].set_params(&params);
    }
    Ok(log)
}

/// One iteration, or what is left of it.
fn iteration(
    trainer: &mut Trainer,
    log: &mut Log,
    stage: &'static str,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    progress.stop_if_interrupted(stage)?;
    while let Some(update) = trainer.advance()? {
        let ends = update.ends_iteration;
        let (gradient, applied) = (update.gradient.to_vec(), update.applied.to_vec());
        log.add(&gradient, &applied, trainer.params());
        progress.advance(log.made, "");
        if ends {
            break;
        }
    }
    Ok(())
}
