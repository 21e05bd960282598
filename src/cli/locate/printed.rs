//! What `gouda locate` prints: JSON, or a line a component.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::cli::Error;
use crate::findings::LocatedMatrix;
use crate::locate::{Between, Component, Label, PValues};

/// What is printed as JSON.
#[derive(Serialize)]
pub(super) struct Printed<'a> {
    out: String,
    has_displacement: bool,
    components: Vec<PrintedComponent<'a>>,
}

/// A component as it is printed.
#[derive(Serialize)]
struct PrintedComponent<'a> {
    index: usize,
    label: Option<Label>,
    sigma: f64,
    explained: f64,
    signal: Option<bool>,
    temporal_index: f64,
    temporal_index_without_noise: Option<Between>,
    participation_ratio: f64,
    p: PValues,
    p_adjusted: Option<f64>,
    halves_agree: Option<f64>,
    t50: Option<f64>,
    reasons: &'a [String],
    tensors: Vec<PrintedTensor<'a>>,
}

/// A component's share in a tensor.
#[derive(Serialize)]
struct PrintedTensor<'a> {
    name: &'a str,
    share: f64,
    without_noise: Option<Between>,
}

impl<'a> Printed<'a> {
    /// What is printed of `found`, which was written into `directory`.
    pub(super) fn of(found: &'a LocatedMatrix, directory: &Path) -> Self {
        Self {
            out: directory.display().to_string(),
            has_displacement: found.displacement.is_some(),
            components: components(found),
        }
    }
}

fn components(found: &LocatedMatrix) -> Vec<PrintedComponent<'_>> {
    let all = found.decomposition.components.iter().enumerate();
    all.map(|(i, c)| component(found, i, c)).collect()
}

fn component<'a>(found: &'a LocatedMatrix, i: usize, c: &'a Component) -> PrintedComponent<'a> {
    let d = &found.decomposition;
    let without = d.without_noise[i].as_ref();
    let tensors = found.layout.tensors.iter().enumerate();
    PrintedComponent {
        index: c.index,
        label: (c.label != Label::None).then_some(c.label),
        sigma: c.sigma,
        explained: c.explained,
        signal: c.signal,
        temporal_index: c.course.temporal_index,
        temporal_index_without_noise: without.map(|one| one.temporal_index),
        participation_ratio: c.course.participation_ratio,
        p: c.p,
        p_adjusted: c.p_adjusted,
        halves_agree: c.agreement,
        t50: c.t50,
        reasons: &c.reasons,
        tensors: tensors
            .map(|(l, tensor)| PrintedTensor {
                name: &tensor.name,
                share: d.by_tensor[i][l],
                without_noise: without.map(|one| one.by_tensor[l]),
            })
            .collect(),
    }
}

/// What is told on the terminal: a line a component that is signal, or that has not been asked.
pub(super) fn table(found: &LocatedMatrix, out: &mut dyn Write) -> Result<(), Error> {
    writeln!(
        out,
        "   i  label   temporal index        p adjusted  of |G|^2  largest tensors"
    )?;
    let all = components(found);
    for one in all.iter().filter(|one| one.signal != Some(false)) {
        let label = match one.label {
            Some(Label::Early) => "early",
            Some(Label::Late) => "late",
            _ => "-",
        };
        let index = match one.temporal_index_without_noise {
            Some(at) => format!("{:+.2} ({:+.2} to {:+.2})", at.value, at.low, at.high),
            None => format!("{:+.2}", one.temporal_index),
        };
        let p = one.p_adjusted.map_or("-".into(), |p| format!("{p:.3}"));
        let mut tensors: Vec<&PrintedTensor<'_>> = one.tensors.iter().collect();
        tensors.sort_by(|a, b| b.share.total_cmp(&a.share));
        let largest: Vec<String> = tensors
            .iter()
            .take(3)
            .map(|tensor| format!("{} {:.0} %", tensor.name, 100.0 * tensor.share))
            .collect();
        writeln!(
            out,
            "{:>4}  {label:<6}  {index:<22}  {p:>8}  {:>6.1} %  {}",
            one.index,
            100.0 * one.explained,
            largest.join(", ")
        )?;
    }
    let signal = all.iter().filter(|one| one.signal == Some(true)).count();
    match found.has_matrix {
        true => writeln!(
            out,
            "{signal} of {} components stand out from matrices with random signs{}",
            all.len(),
            match found.may_hide {
                true => "; they may hide others: --deflate looks behind them",
                false => "",
            }
        )?,
        false => writeln!(
            out,
            "of a decomposition alone: no null of its spectrum, and so no labels{}",
            match found.decomposition.mass.is_empty() {
                true => "; the norms of its rows are not known and taken as even: no p-values",
                false => "",
            }
        )?,
    }
    Ok(())
}
