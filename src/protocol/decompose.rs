//! The decomposition stage: the SVD of the recorded gradients with raw and with unit-norm columns,
//! its null, its stability, and what every component says about time.

use crate::gradients::{GradientMatrix, Matrix, Scaled, Sketch, row_norms};
use crate::locate::{self, Located, Moved, locate};
use crate::nn::Layout;
use crate::storage::manifest::write_json;
use crate::storage::{Access, RunDir, run_dir};
use crate::svd::{self, Decomposition};

use crate::experiment::{Config, Error, Progress, streams};
use crate::findings::{Components, DecompositionSummary};
use crate::locators::Decomposed;

/// Decomposes `gradients/total` of `run` both ways, saves U, S, V and the certificate under `svd/`,
/// and labels the components. `checkpoints` are shares of training with parameters, theta_0 first.
///
/// # Errors
/// A matrix that cannot be read or is not finite.
pub fn decompose(
    config: &Config,
    run: &RunDir,
    access: Access,
    checkpoints: &[(f64, Vec<f32>)],
    progress: &mut dyn Progress,
) -> Result<Vec<(Decomposed, DecompositionSummary)>, Error> {
    let param_len = checkpoints.first().map_or(0, |(_, params)| params.len());
    let matrix = streams::open(config, run, access, ("total", param_len))?;
    matrix.verify()?;
    let layout = matrix
        .layout()
        .cloned()
        .unwrap_or_else(|| Layout::new(Vec::new()));
    let tau = times(config, &matrix);
    let unit = Scaled::unit_norm(&matrix)?;
    let sketch = Sketch::of(&matrix)?;
    let all = || 0..matrix.time_len();
    let starts = [None, Some(unit.weights())]
        .map(|weights| sketch.as_ref().map(|sketch| sketch.rows(all(), weights)));
    let norms = row_norms(&matrix)?;
    let mut found = Vec::new();
    let views = [
        (Components::Raw, &matrix as &dyn GradientMatrix),
        (Components::UnitNorm, &unit),
    ];
    for ((of, view), start) in views.into_iter().zip(starts) {
        let stage = Stage {
            config,
            of,
            layout: &layout,
            checkpoints,
        };
        let located = stage.locate(view, start.as_deref(), progress)?;
        let dir = run.svd().join(of.name());
        run_dir::ensure_directory(&dir)?;
        svd::output::save(&dir, &located.decomposition)?;
        write_json(&dir.join("components.json"), &located.components)?;
        let summary = DecompositionSummary::new(of, &tau, &layout, &located);
        let columns = of.source().1;
        let Located {
            decomposition,
            components,
            ..
        } = located;
        found.push((
            Decomposed::judged(decomposition, components, norms.clone(), columns),
            summary,
        ));
    }
    Ok(found)
}

/// The middle of each row's updates, as a share of training.
pub(super) fn times(config: &Config, matrix: &Matrix) -> Vec<f64> {
    let total = config.ppo.total_updates as f64;
    let middle = |(&first, &last): (&u64, &u64)| (first + last + 1) as f64 / 2.0 / total;
    match matrix.rows() {
        Some(rows) => rows
            .first_update
            .iter()
            .zip(&rows.last_update)
            .map(middle)
            .collect(),
        None => (0..matrix.time_len())
            .map(|t| (t as f64 + 0.5) / matrix.time_len() as f64)
            .collect(),
    }
}

struct Stage<'a> {
    config: &'a Config,
    of: Components,
    layout: &'a Layout,
    checkpoints: &'a [(f64, Vec<f32>)],
}

impl Stage<'_> {
    fn options(&self) -> locate::Options {
        let config = self.config;
        locate::Options {
            svd: svd::Options {
                tolerance: config.svd.tolerance,
                max_passes: config.svd.max_passes,
                seed: config.seed,
                // The settings bound passes: blocks are wide.
                block: Some(config.svd.rank + 16),
                ..svd::Options::with_rank(config.svd.rank)
            },
            surrogates: config.svd.null_draws,
            draws: config.locate.null_draws as u32,
            seed: config.seed,
            deflates: false,
            // Edits go along the singular vectors as they are.
            turns: false,
        }
    }

    fn locate(
        &self,
        view: &dyn GradientMatrix,
        start: Option<&[f64]>,
        progress: &mut dyn Progress,
    ) -> Result<Located, Error> {
        let tensors: Vec<_> = self.layout.tensors.iter().map(|one| one.range()).collect();
        let moved = |d: &Decomposition| -> Result<Moved, Error> {
            let mut moved = Moved::along(d);
            for (share, params) in self.checkpoints {
                moved.add(d, *share, params, &self.checkpoints[0].1)?;
            }
            Ok(moved)
        };
        let name = self.of.name();
        let found = locate(
            view,
            &tensors,
            &self.options(),
            start,
            Some(&moved),
            &mut |event| {
                match event {
                    locate::Event::Begin(stage, steps) => {
                        progress.begin(&format!("{}, {name} columns", stage.words()), steps);
                    }
                    locate::Event::Advance(done, note) => progress.advance(done, note),
                }
                !progress.is_interrupted()
            },
        );
        match found {
            Err(Error::Locate(locate::Error::Svd(svd::Error::Interrupted))) => {
                Err(Error::Stopped {
                    stage: "the decomposition",
                })
            }
            found => found,
        }
    }
}
