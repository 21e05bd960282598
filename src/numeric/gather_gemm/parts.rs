//! What a gathered product is made of.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
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

impl Pair {
    /// A pair of these offsets.
    ///
    /// # Panics
    /// An offset of 2^32 and more.
    pub fn new(left: usize, right: usize) -> Self {
        let offset = |at: usize| u32::try_from(at).expect("an offset below 2^32");
        Self {
            left: offset(left),
            right: offset(right),
        }
    }
}

/// A list of pairs that is one list over and over, at a distance each time: as the cells of an image
/// are in one sample after another. It knows its largest offsets, so that a product need not look
/// for them.
#[derive(Clone, Debug)]
pub struct Pairs {
    list: Vec<Pair>,
    turn_len: usize,
    /// Of the first turn.
    largest: Pair,
    distance: Pair,
}

/// Some turns of a list of pairs, from the first on.
#[derive(Clone, Copy, Debug)]
pub struct Turns<'a> {
    list: &'a [Pair],
    largest: Pair,
}

impl Pairs {
    /// `one` and then `one` again, each time with `distance` added, so many times in all.
    ///
    /// # Panics
    /// An offset of 2^32 and more.
    pub fn repeated(one: &[Pair], distance: Pair, turn_len: usize) -> Self {
        let moved = |x: u32, distance: u32, turn: usize| {
            let moved = u64::from(x) + u64::from(distance) * turn as u64;
            u32::try_from(moved).expect("a block of activations stays below 2^32 values")
        };
        let turn = |turn: usize| {
            one.iter().map(move |pair| Pair {
                left: moved(pair.left, distance.left, turn),
                right: moved(pair.right, distance.right, turn),
            })
        };
        Self {
            list: (0..turn_len).flat_map(turn).collect(),
            turn_len,
            largest: one.iter().fold(Pair::default(), |most, pair| Pair {
                left: most.left.max(pair.left),
                right: most.right.max(pair.right),
            }),
            distance,
        }
    }

    /// This list, once.
    pub fn once(list: &[Pair]) -> Self {
        Self::repeated(list, Pair::default(), 1)
    }

    /// The first turns of it.
    ///
    /// # Panics
    /// There are fewer.
    pub fn first(&self, turn_len: usize) -> Turns<'_> {
        assert!(turn_len <= self.turn_len, "{turn_len} of {}", self.turn_len);
        // Not beyond the list's own offsets, which fit.
        let last = turn_len.saturating_sub(1) as u32;
        Turns {
            list: &self.list[..self.list.len() / self.turn_len.max(1) * turn_len],
            largest: Pair {
                left: self.largest.left + last * self.distance.left,
                right: self.largest.right + last * self.distance.right,
            },
        }
    }

    /// All of it.
    pub fn all(&self) -> Turns<'_> {
        self.first(self.turn_len)
    }
}

impl<'a> Turns<'a> {
    /// The pairs in order.
    pub fn list(self) -> &'a [Pair] {
        self.list
    }

    /// No offset on either side is larger.
    pub(super) fn largest(self) -> Pair {
        self.largest
    }
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

impl<T> End<'_, T> {
    /// The same for another product.
    pub fn again(&mut self) -> End<'_, T> {
        match self {
            End::Store => End::Store,
            End::Rectify => End::Rectify,
            End::Add(x) => End::Add(x),
            End::AddRectified { x, z } => End::AddRectified { x, z },
        }
    }
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
    pub rows: Turns<'a>,
    /// The terms of their sums, in order.
    pub steps: Turns<'a>,
    /// Columns.
    pub n: usize,
    /// What sums start from.
    pub init: Init<'a, T>,
    /// What becomes of them.
    pub end: End<'a, T>,
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
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
