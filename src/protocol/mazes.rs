//! Vector fields: what the policy would do at every free cell of a few levels, before and after an
//! edit.

use crate::ablate::seen;
use crate::ablate::situation::{self, Setting, Situation, Split, Task};
use crate::maze::{ActionSet, Cell, Move};
use crate::nn::{Policy, Workspace, softmax};
use crate::numeric::exp::exp;

use crate::experiment::{Config, Error};
use crate::findings::{Arrow, MazeFigure};

/// Draws `edits` (name and parameters) on the first conflict levels and the first corner level of
/// the test split.
///
/// # Errors
/// Levels that cannot be made.
pub fn figures(
    config: &Config,
    policy: Policy<'_>,
    edits: &[(String, Vec<f32>)],
) -> Result<Vec<MazeFigure>, Error> {
    let network = policy.network;
    let env = &config.env;
    let tasks = |situation, count| {
        let setting = Setting::new(env.world, env.region, env.timeout);
        situation::tasks(situation, Split::Test, setting, count).map_err(crate::ablate::Error::from)
    };
    let mut chosen = tasks(Situation::S4, config.ablate.mazes)?;
    chosen.extend(tasks(Situation::InDownLeft, 1)?);
    let mut workspace = Workspace::new(network);
    let mut figures = Vec::new();
    for (index, task) in chosen.iter().enumerate() {
        let what = if index < config.ablate.mazes {
            "conflict"
        } else {
            "cheese in the region"
        };
        let base = arrows(task, env.actions, policy, &mut workspace);
        for (edit, params) in edits {
            figures.push(MazeFigure {
                title: format!("{what}, level seed {}", task.seed),
                rows: task.level.rows(),
                region: env.region,
                edit: edit.clone(),
                base: base.clone(),
                edited: arrows(
                    task,
                    env.actions,
                    Policy::new(network, params),
                    &mut workspace,
                ),
            });
        }
    }
    Ok(figures)
}

/// `sum_a pi(a | cell) delta_a` at every free cell but the cheese.
pub(super) fn arrows(
    task: &Task,
    actions: ActionSet,
    policy: Policy<'_>,
    workspace: &mut Workspace<f32>,
) -> Vec<Arrow> {
    let cells: Vec<Cell> = task
        .level
        .free_cells()
        .into_iter()
        .filter(|&cell| Some(cell) != task.level.cheese)
        .collect();
    let network = policy.network;
    let mut arrows = Vec::with_capacity(cells.len());
    for block in cells.chunks(network.sample_len) {
        let mice = block.iter().map(|&cell| (task, cell));
        let logits = seen::forward(mice, policy, workspace);
        for (cell, logits) in block
            .iter()
            .zip(logits.chunks_exact(network.shape.action_len))
        {
            let mut log_probs = vec![0.0; logits.len()];
            softmax::forward(logits, &mut log_probs);
            let (mut dx, mut dy) = (0.0, 0.0);
            for (action, &log_prob) in log_probs.iter().enumerate() {
                let Some(step) = actions.movement(action as u8) else {
                    continue;
                };
                let (x, y) = match step {
                    Move::Left => (-1.0, 0.0),
                    Move::Right => (1.0, 0.0),
                    Move::Up => (0.0, 1.0),
                    Move::Down => (0.0, -1.0),
                };
                dx += exp(log_prob.into()) * x;
                dy += exp(log_prob.into()) * y;
            }
            arrows.push(Arrow {
                x: cell.x,
                y: cell.y,
                dx,
                dy,
            });
        }
    }
    arrows
}
