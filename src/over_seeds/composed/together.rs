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

/// What is told while it goes on.
const STAGE: &str = "training both towers together";
/// Share of the run's first learning rate that is begun with.
const RATE: f64 = 0.1;
/// Part of the updates in which the values alone learn: one in so many.
const VALUES: u64 = 4;

/// Both towers on both their levels, from the log's last parameters and for as many updates as the log has, an even number;
/// `settings` have the whole network.
///
/// # Errors
/// What training refuses, or the user's interruption.
pub fn together(
    settings: &Settings,
    towers: &Towers,
    mut log: Log,
    seed: u64,
    progress: &mut dyn Progress,
) -> Result<Log, Error> {
    let layout = &towers.full.layout;
    let is_value = |p: &usize| {
        let mut tensors = layout.tensors.iter();
        tensors.any(|one| one.name.starts_with("value.") && one.range().contains(p))
    };
    let but_values: Vec<usize> = (0..layout.len()).filter(|p| !is_value(p)).collect();
    let of_values = (log.total / VALUES).next_multiple_of(2).min(log.total);
    progress.begin(STAGE, log.total);
    // Optimisers begin anew: moments of what was held are 0, after steps that they do not know of.
    for (updates, held) in [
        (of_values, but_values),
        (log.total - of_values, towers.held()),
    ] {
        if updates > 0 {
            in_turn(settings, (updates, held), &mut log, seed, progress)?;
        }
    }
    Ok(log)
}

/// So many updates, half of them on either levels, with some parameters held.
fn in_turn(
    settings: &Settings,
    (updates, held): (u64, Vec<usize>),
    log: &mut Log,
    seed: u64,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let mut settings = settings.clone();
    settings.ppo.learning_rate *= RATE;
    settings.ppo.total_updates = updates / 2;
    let mut params = log.params.clone();
    let begin = |settings: Settings, seed| {
        let mut trainer = Trainer::from_params(settings, seed, params.clone())?;
        trainer.project_out(Projection::holding(held.clone()));
        Ok::<_, Error>(trainer)
    };
    let own = begin(settings.clone(), seed)?;
    settings.env.region = settings.env.world;
    settings.env.mouse = MouseStart::Anywhere;
    settings.env.schedule.clear();
    let mut trainers = [own, begin(settings, seed + 1)?];
    let until = log.made + updates;
    for turn in [0, 1].into_iter().cycle() {
        if log.made == until {
            break;
        }
        trainers[turn].set_params(&params);
        iteration(&mut trainers[turn], log, progress)?;
        params = trainers[turn].params().to_vec();
    }
    Ok(())
}

/// One iteration, or what is left of it.
fn iteration(
    trainer: &mut Trainer,
    log: &mut Log,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    progress.stop_if_interrupted(STAGE)?;
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
