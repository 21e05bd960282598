//! A matrix of more steps than parameters is decomposed the other way round: its passes are over time, and
//! what is held is as small as the number of parameters.

use std::ops::Range;

use faer::MatRef;

use super::certificate::measure;
use super::dense::{orthogonality_of_gram, product};
use super::held::Held;
use super::krylov::in_range;
use super::sweep::Watch;
use super::{Decomposition, Error, Event, range, signs};
use crate::gradients::{self, GradientMatrix};

/// A matrix of more steps than parameters, as one of more parameters than steps.
pub(super) struct Flipped<'a>(pub(super) &'a dyn GradientMatrix);

impl Flipped<'_> {
    fn read_as<T: Copy + Default>(
        rows: &Range<usize>,
        params: &Range<usize>,
        out: &mut [T],
        read: impl FnOnce(&mut [T]) -> Result<(), gradients::Error>,
    ) -> Result<(), gradients::Error> {
        let mut block = vec![T::default(); out.len()];
        read(&mut block)?;
        for (row, out) in out.chunks_exact_mut(params.len().max(1)).enumerate() {
            let column = block.iter().skip(row).step_by(rows.len());
            out.iter_mut().zip(column).for_each(|(out, x)| *out = *x);
        }
        Ok(())
    }
}

impl GradientMatrix for Flipped<'_> {
    fn time_len(&self) -> usize {
        self.0.param_len()
    }

    fn param_len(&self) -> usize {
        self.0.time_len()
    }

    fn is_double(&self) -> bool {
        self.0.is_double()
    }

    fn pass_bytes(&self) -> u64 {
        self.0.pass_bytes()
    }

    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), gradients::Error> {
        Self::read_as(&rows, &params, out, |block| {
            self.0.read_block(params.clone(), rows.clone(), block)
        })
    }

    fn read_block_f64(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f64],
    ) -> Result<(), gradients::Error> {
        Self::read_as(&rows, &params, out, |block| {
            self.0.read_block_f64(params.clone(), rows.clone(), block)
        })
    }
}

/// U and V of a flipped matrix back in their places. The new U is rounded to `f32`, so the residuals
/// are measured anew, in one more pass.
pub(super) fn turn_back(
    flipped: &Flipped<'_>,
    mut found: Decomposition,
    mut long: Vec<f64>,
    tolerance: f64,
    tell: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<Decomposition, Error> {
    let rank = found.rank;
    // The sign rule is that of V, which was U until now.
    for j in 0..rank {
        if signs::turns(long.iter().skip(j).step_by(rank).copied()) {
            for side in [&mut long, &mut found.v] {
                let column = side.iter_mut().skip(j).step_by(rank);
                column.for_each(|x| *x = -*x);
            }
        }
    }
    let short: Vec<f32> = found.v.iter().map(|&x| x as f32).collect();
    found.v = short.iter().map(|&x| f64::from(x)).collect();
    if rank > 0 {
        found.passes += 1;
        let index = found.passes;
        let mut watch = |bytes| tell(Event::Read { index, bytes });
        let norm = found.frobenius_norm;
        let scale = if in_range(norm * norm) {
            1.0
        } else {
            range::power_of_two(1.0 / norm)
        };
        let watch = &mut Watch { tell: &mut watch };
        let held = Held::none(flipped);
        measure(&held, &mut found, &|at| long[at], scale, watch)?;
        let bytes = held.take_read_bytes();
        if !tell(Event::Certificate { bytes }) {
            return Err(Error::Interrupted);
        }
    }
    let orthogonality = |side: &[f64]| {
        let columns = MatRef::from_row_major_slice(side, side.len() / rank.max(1), rank);
        orthogonality_of_gram(product(columns.transpose(), columns).as_ref())
    };
    let mut turned = Decomposition {
        time_len: found.param_len,
        param_len: found.time_len,
        orthogonality_u: orthogonality(&found.v),
        orthogonality_v: orthogonality(&long),
        u: short,
        v: long,
        left_residuals: found.right_residuals.clone(),
        right_residuals: found.left_residuals.clone(),
        ..found
    };
    turned.judge(tolerance);
    Ok(turned)
}
