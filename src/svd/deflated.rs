//! What is left of a matrix when triplets that were found are taken down to the size of the next.

use std::ops::Range;

use super::Decomposition;
use crate::gradients::{self, GradientMatrix};

/// `G - sum over the first triplets of (s - next) u v^T`; of an `f32` matrix rounded to that.
pub(super) struct Deflated<'a> {
    matrix: &'a dyn GradientMatrix,
    d: &'a Decomposition,
    len: usize,
    /// The singular value after them.
    next: f64,
}

impl<'a> Deflated<'a> {
    /// `matrix` with the first `len` triplets of `d`, which is of it, no larger than the one after them.
    pub(super) fn new(matrix: &'a dyn GradientMatrix, d: &'a Decomposition, len: usize) -> Self {
        Self {
            matrix,
            d,
            len,
            next: d.s.get(len).copied().unwrap_or(0.0),
        }
    }

    /// Takes the triplets from a block.
    fn take<T: Copy>(
        &self,
        rows: Range<usize>,
        params: &Range<usize>,
        out: &mut [T],
        less: impl Fn(T, f64) -> T,
    ) {
        let (d, rank) = (self.d, self.d.rank);
        let mut along = vec![0.0; self.len];
        for (t, out) in rows.zip(out.chunks_exact_mut(params.len().max(1))) {
            let v = &d.v[t * rank..];
            (0..self.len).for_each(|j| along[j] = (d.s[j] - self.next) * v[j]);
            let u = d.u[params.start * rank..].chunks_exact(rank);
            for (out, u) in out.iter_mut().zip(u) {
                let pairs = along.iter().zip(u);
                *out = less(*out, pairs.map(|(a, &u)| a * f64::from(u)).sum());
            }
        }
    }
}

impl GradientMatrix for Deflated<'_> {
    fn time_len(&self) -> usize {
        self.matrix.time_len()
    }

    fn param_len(&self) -> usize {
        self.matrix.param_len()
    }

    fn is_double(&self) -> bool {
        self.matrix.is_double()
    }

    fn pass_bytes(&self) -> u64 {
        self.matrix.pass_bytes()
    }

    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), gradients::Error> {
        self.matrix.read_block(rows.clone(), params.clone(), out)?;
        self.take(rows, &params, out, |x, less| (f64::from(x) - less) as f32);
        Ok(())
    }

    fn read_block_f64(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f64],
    ) -> Result<(), gradients::Error> {
        self.matrix
            .read_block_f64(rows.clone(), params.clone(), out)?;
        let double = self.is_double();
        self.take(rows, &params, out, |x, less| match double {
            true => x - less,
            false => f64::from((x - less) as f32),
        });
        Ok(())
    }
}
