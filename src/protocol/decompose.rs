//! The decomposition stage: the SVD of the recorded gradients with raw and with unit-norm columns,
//! its null, its stability, and what every component says about time.

use std::ops::Range;

use crate::gradients::{EveryOther, GradientMatrix, Matrix, Scaled, Sketch, row_norms};
use crate::locate::{self, Component, Evidence, NullOptions, Projections, Stability, split_half};
use crate::nn::Layout;
use crate::numeric::sum;
use crate::storage::manifest::write_json;
use crate::storage::{Access, RunDir, run_dir};
use crate::svd::null::{self, SpectrumNull};
use crate::svd::{self, Decomposition};

use crate::experiment::{Config, Error, Progress, streams};
use crate::findings::{Components, DecompositionSummary};
use crate::locators::Decomposed;

/// Time bins of the figures.
const BINS: usize = 120;

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
    let mut found = Vec::new();
    let views = [
        (Components::Raw, &matrix as &dyn GradientMatrix),
        (Components::UnitNorm, &unit),
    ];
    for ((of, view), start) in views.into_iter().zip(starts) {
        let stage = Stage {
            config,
            of,
            tau: &tau,
            layout: &layout,
            checkpoints,
        };
        let decomposition = stage.truncated(view, start.as_deref(), progress)?;
        let dir = run.svd().join(of.name());
        run_dir::ensure_directory(&dir)?;
        svd::output::save(&dir, &decomposition)?;
        let spectrum = stage.spectrum(view, progress)?;
        let stability = stage.stability(view, &decomposition, progress)?;
        let norms = row_norms(view)?;
        let components = stage.components(&decomposition, &norms, (&spectrum, &stability))?;
        write_json(&dir.join("components.json"), &components)?;
        let summary = stage.summary(&decomposition, &components, &norms, &spectrum);
        let (norms, columns) = (row_norms(&matrix)?, of.source().1);
        found.push((
            Decomposed::judged(decomposition, components, norms, columns),
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
    tau: &'a [f64],
    layout: &'a Layout,
    checkpoints: &'a [(f64, Vec<f32>)],
}

impl Stage<'_> {
    fn options(&self) -> svd::Options {
        svd::Options {
            tolerance: self.config.svd.tolerance,
            max_passes: self.config.svd.max_passes,
            seed: self.config.seed,
            // The settings bound passes: blocks are wide.
            block: Some(self.config.svd.rank + 16),
            ..svd::Options::with_rank(self.config.svd.rank)
        }
    }

    fn truncated(
        &self,
        view: &dyn GradientMatrix,
        start: Option<&[f64]>,
        progress: &mut dyn Progress,
    ) -> Result<Decomposition, Error> {
        let name = self.of.name();
        progress.begin(
            &format!("SVD, {name} columns"),
            self.config.svd.max_passes as u64,
        );
        let found = svd::decompose(view, &self.options(), start, &mut |event| {
            if let svd::Event::Pass(pass) = event {
                let note = format!("residual {:.1e} of sigma_1", pass.worst_residual);
                progress.advance(pass.index as u64, &note);
            }
            !progress.is_interrupted()
        });
        match found {
            Err(svd::Error::Interrupted) => Err(Error::Stopped {
                stage: "the decomposition",
            }),
            found => Ok(found?),
        }
    }

    fn spectrum(
        &self,
        view: &dyn GradientMatrix,
        progress: &mut dyn Progress,
    ) -> Result<SpectrumNull, Error> {
        let options = null::NullOptions {
            surrogates: self.config.svd.null_draws,
            seed: self.config.seed,
            ..null::NullOptions::default()
        };
        let name = self.of.name();
        progress.begin(
            &format!("null spectrum, {name} columns"),
            options.surrogates as u64,
        );
        Ok(null::spectrum(view, &options, &mut |surrogate, pass| {
            progress.advance(surrogate as u64, &format!("pass {}", pass.index));
        })?)
    }

    fn stability(
        &self,
        view: &dyn GradientMatrix,
        decomposition: &Decomposition,
        progress: &mut dyn Progress,
    ) -> Result<Stability, Error> {
        let name = self.of.name();
        progress.begin(&format!("split halves, {name} columns"), 2);
        let half = |odd| svd::truncated(&EveryOther::new(view, odd), &self.options(), &mut |_| {});
        let odd = half(true)?;
        progress.advance(1, "odd rows");
        let even = half(false)?;
        progress.advance(2, "even rows");
        Ok(split_half(decomposition, &odd, &even)?)
    }

    fn components(
        &self,
        decomposition: &Decomposition,
        row_norms: &[f64],
        (spectrum, stability): (&SpectrumNull, &Stability),
    ) -> Result<Vec<Component>, Error> {
        let theta_0 = &self.checkpoints[0].1;
        let (mut tau, mut whole) = (Vec::new(), Vec::new());
        let mut along = vec![Vec::new(); decomposition.rank];
        for (share, params) in self.checkpoints {
            let moved: Vec<f32> = params.iter().zip(theta_0).map(|(&p, &o)| p - o).collect();
            tau.push(*share);
            whole.push(sum::norm(&moved));
            for (along, value) in along.iter_mut().zip(decomposition.project(&moved)?) {
                along.push(value);
            }
        }
        let evidence = Evidence {
            decomposition,
            row_norms,
            projections: Some(Projections {
                tau: &tau,
                along: &along,
                whole: &whole,
            }),
            spectrum: Some(spectrum),
            stability: Some(stability),
        };
        let draws = self.config.locate.null_draws as u32;
        Ok(locate::components(
            &evidence,
            &NullOptions {
                draws,
                seed: self.config.seed,
            },
        )?)
    }

    fn summary(
        &self,
        decomposition: &Decomposition,
        components: &[Component],
        row_norms: &[f64],
        spectrum: &SpectrumNull,
    ) -> DecompositionSummary {
        let d = decomposition;
        let bins = BINS.min(d.time_len);
        let ranges: Vec<_> = (0..bins)
            .map(|b| b * d.time_len / bins..(b + 1) * d.time_len / bins)
            .collect();
        let mean = |values: &[f64]| {
            ranges
                .iter()
                .map(|r| sum::mean(&values[r.clone()]))
                .collect::<Vec<f64>>()
        };
        let total: f64 = row_norms.iter().map(|norm| norm * norm).sum();
        let mass = |r: &Range<usize>| {
            row_norms[r.clone()]
                .iter()
                .map(|norm| norm * norm)
                .sum::<f64>()
                / total
        };
        let share = |u: &[f32], tensor: &crate::nn::layout::Tensor| {
            let part = &u[tensor.range()];
            sum::dot(part, part)
        };
        DecompositionSummary {
            of: self.of,
            sigma: d.s.clone(),
            null_sigma: spectrum.quantiles.clone(),
            null_top: spectrum.threshold,
            null_draws: spectrum.largest.len(),
            left_residuals: d.left_residuals.clone(),
            right_residuals: d.right_residuals.clone(),
            explained: d.explained(),
            passes: d.passes,
            converged: d.converged,
            tau: mean(self.tau),
            v: (0..d.rank).map(|i| mean(&d.v_column(i))).collect(),
            mass: ranges.iter().map(mass).collect(),
            components: components.to_vec(),
            by_tensor: (0..d.rank)
                .map(|i| {
                    let u = d.u_column(i);
                    self.layout
                        .tensors
                        .iter()
                        .map(|tensor| share(&u, tensor))
                        .collect()
                })
                .collect(),
        }
    }
}
