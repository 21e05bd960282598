//! What a gathered product is made of.

#[cfg(target_arch = "x86_64")]
use crate::numeric::Real;

/// An output row, or a term of the sum: two offsets. One list can be the rows of one product and
/// the terms of another, as a convolution's cells are forward and in its weight gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// Offset in `a`; a row's and a term's are added.
    pub left: u32,
    /// Offset of the first of `n` consecutive values: of a row in `c`, of a term in `b`.
    pub right: u32,
}

/// What a sum starts from.
#[derive(Clone, Copy, Debug)]
pub enum Init<'a, T> {
    /// Zero.
    Zero,
    /// One value a column, `n` in all.
    Bias(&'a [T]),
    /// What `c` holds.
    Accumulate,
}

/// What becomes of a finished sum. Slices are laid out as `c` is.
#[derive(Debug)]
pub enum End<'a, T> {
    /// `c = sum`.
    Store,
    /// `c = max(sum, 0)`.
    Rectify,
    /// `c = x + sum`.
    Add(&'a [T]),
    /// `z = max(sum, 0)`, `c = x + z`.
    AddRectified {
        /// The other summand.
        x: &'a [T],
        /// Keeps the rectified sum.
        z: &'a mut [T],
    },
}

/// A product with all that it is made of.
#[derive(Debug)]
pub struct Product<'a, T> {
    /// The left factor, gathered.
    pub a: &'a [T],
    /// The right factor.
    pub b: &'a [T],
    /// The output.
    pub c: &'a mut [T],
    /// Which outputs are computed.
    pub rows: &'a [Pair],
    /// The terms of their sums, in order.
    pub steps: &'a [Pair],
    /// Columns.
    pub n: usize,
    /// What sums start from.
    pub init: Init<'a, T>,
    /// What becomes of them.
    pub end: End<'a, T>,
}

#[cfg(target_arch = "x86_64")]
impl<T: Real> Product<'_, T> {
    /// The same product where `T` is `f32`.
    pub(super) fn as_f32(&mut self) -> Option<Product<'_, f32>> {
        if std::any::TypeId::of::<T>() != std::any::TypeId::of::<f32>() {
            return None;
        }
        let init = match self.init {
            Init::Zero => Init::Zero,
            Init::Bias(bias) => Init::Bias(bytemuck::cast_slice(bias)),
            Init::Accumulate => Init::Accumulate,
        };
        let end = match &mut self.end {
            End::Store => End::Store,
            End::Rectify => End::Rectify,
            End::Add(x) => End::Add(bytemuck::cast_slice(x)),
            End::AddRectified { x, z } => End::AddRectified {
                x: bytemuck::cast_slice(x),
                z: bytemuck::cast_slice_mut(z),
            },
        };
        Some(Product {
            a: bytemuck::cast_slice(self.a),
            b: bytemuck::cast_slice(self.b),
            c: bytemuck::cast_slice_mut(self.c),
            rows: self.rows,
            steps: self.steps,
            n: self.n,
            init,
            end,
        })
    }
}
