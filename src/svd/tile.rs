//! A tile of the matrix, all of time over a range of parameters, and both of its products of a pass:
//! `y = tile^T q`, and `z = tile y` or `z = tile u` for a `u` that is given.
//!
//! It is laid out as panels, each contiguous. Where the matrix is read, a block of rows is
//! multiplied while it is in the nearest caches and the next one is fetched, and the second product
//! follows when all of time is there; where panels are [held](Held), each goes through both products
//! while it is in cache. The bits are the same.

use std::ops::Range;

use super::Error;
use super::held::{self, Held};
use super::scalar::Scalar;
use crate::gradients::GradientMatrix;
use crate::numeric::Real;
use crate::numeric::panel_gemm::{BLOCK, add_times, add_transposed_times};
use crate::numeric::simd::{self, Work, vectorised};
use crate::numeric::sum::dot;
use crate::storage::map;

/// Rows under one sum in the panel's own precision, a multiple of a block; strips are added in `f64`.
const STRIP: usize = 256;

/// An entry by parameter and column.
pub(super) type Entries<'a> = &'a (dyn Fn(usize, usize) -> f64 + Sync);

/// What a pass multiplies the matrix by.
#[derive(Clone, Copy)]
pub(super) struct Factors<'a, T> {
    /// `(T, l)` row-major.
    pub(super) q: &'a [T],
    /// How many columns, a multiple of [`STEP`](crate::numeric::panel_gemm::STEP).
    pub(super) l: usize,
    /// The other factor of the second product where that is not the first.
    pub(super) given: Option<Entries<'a>>,
}

/// A tile and its products.
pub(super) struct Tile<'a, T> {
    /// Which parameters.
    pub(super) params: Range<usize>,
    panels: Vec<&'a [T]>,
    /// Of each panel `(l, WIDTH)`.
    y: &'a [f64],
    /// The second product, `(T, l)` row-major.
    pub(super) z: Vec<T>,
    l: usize,
}

impl<T: Scalar> Tile<'_, T> {
    /// The squared Frobenius norm.
    pub(super) fn energy(&self) -> f64 {
        self.panels.iter().map(|panel| dot(panel, panel)).sum()
    }

    /// The first parameter of each panel, and its part of `tile^T q`, `(l, WIDTH)`; columns beyond
    /// the tile are 0.
    pub(super) fn products(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let firsts = self.params.clone().step_by(T::WIDTH);
        firsts.zip(self.y.chunks_exact(self.l * T::WIDTH))
    }
}

/// What a thread needs to make tiles.
pub(super) struct Room<T> {
    panels: Vec<T>,
    /// A block of rows as it was read.
    block: Vec<T>,
    products: Products<T>,
}

/// The first product of a tile, and the other factor of the second.
struct Products<T> {
    /// The first product over a strip, of each panel `(l, WIDTH)`.
    strip: Vec<T>,
    /// The first product.
    y: Vec<f64>,
    /// The factor, of each panel `(WIDTH, l)`.
    u: Vec<T>,
}

impl<T> Default for Room<T> {
    fn default() -> Self {
        Self {
            panels: Vec::new(),
            block: Vec::new(),
            products: Products {
                strip: Vec::new(),
                y: Vec::new(),
                u: Vec::new(),
            },
        }
    }
}

impl<T: Scalar> Room<T> {
    /// The tile of these parameters.
    pub(super) fn tile<'a>(
        &'a mut self,
        held: &'a Held<'_>,
        params: Range<usize>,
        scale: f64,
        factors: Factors<'_, T>,
    ) -> Result<Tile<'a, T>, Error> {
        let time_len = held.matrix.time_len();
        let firsts = || params.clone().step_by(T::WIDTH).enumerate();
        let products = &mut self.products;
        products.begin(firsts().len() * factors.l * T::WIDTH);
        let mut z = vec![T::ZERO; time_len * factors.l];
        let there = firsts().map(|(_, first)| held.panel(first / held::WIDTH * held::WIDTH));
        let there: Option<Vec<&[f32]>> =
            there.map(|panel| panel.filter(|_| scale == 1.0)).collect();
        let same = there.as_ref().and_then(|panels| {
            let panels = panels.iter().map(|panel| T::of_held(panel));
            panels.collect::<Option<Vec<&[T]>>>()
        });
        let panels = if let Some(panels) = same {
            for (index, first) in firsts() {
                products.add_first(index, panels[index], 0..time_len, factors);
                products.turn(index, first, &params, factors);
                products.add_second(index, panels[index], 0..time_len, factors, &mut z);
            }
            panels
        } else {
            if there.is_none() {
                held.note_read(params.len());
            }
            let panel_len = time_len * T::WIDTH;
            self.panels.resize(firsts().len() * panel_len, T::ZERO);
            for first_row in (0..time_len).step_by(BLOCK) {
                let rows = first_row..time_len.min(first_row + BLOCK);
                let into = Panels {
                    entries: &mut self.panels,
                    panel_len,
                };
                match &there {
                    Some(there) => into.fill(there, &params, rows.clone()),
                    None => {
                        into.read(held.matrix, &mut self.block, rows.clone(), &params, scale)?
                    }
                }
                let ahead = rows.end..time_len.min(rows.end + BLOCK);
                for (index, panel) in self.panels.chunks_exact(panel_len).enumerate() {
                    // The next block's rows, a share for each panel: fetched while this one is
                    // multiplied.
                    let share = |index: usize| ahead.start + ahead.len() * index / firsts().len();
                    for row in share(index)..share(index + 1) {
                        if there.is_none()
                            && let Some(row) = held.matrix.row_in_memory(row, &params)
                        {
                            map::prefetch(bytemuck::cast_slice(row));
                        }
                    }
                    products.add_first(index, panel, rows.clone(), factors);
                }
            }
            let panels: Vec<&[T]> = self.panels.chunks_exact(panel_len).collect();
            for (index, first) in firsts() {
                products.turn(index, first, &params, factors);
                if let Some(panel) = T::as_held(panels[index]).filter(|_| scale == 1.0) {
                    held.hold(first, panel);
                }
            }
            // Rows of z stay in the nearest cache while all panels are added to them.
            for first_row in (0..time_len).step_by(BLOCK) {
                let rows = first_row..time_len.min(first_row + BLOCK);
                for (index, panel) in panels.iter().enumerate() {
                    products.add_second(index, panel, rows.clone(), factors, &mut z);
                }
            }
            panels
        };
        Ok(Tile {
            params,
            panels,
            y: &self.products.y,
            z,
            l: factors.l,
        })
    }
}

impl<T: Scalar> Products<T> {
    fn begin(&mut self, len: usize) {
        self.strip.clear();
        self.strip.resize(len, T::ZERO);
        self.y.clear();
        self.y.resize(len, 0.0);
        self.u.resize(len, T::ZERO);
    }

    /// Adds what `rows` of a panel, whole strips or the next block of one, give of the first product.
    fn add_first(
        &mut self,
        index: usize,
        panel: &[T],
        rows: Range<usize>,
        Factors { q, l, .. }: Factors<'_, T>,
    ) {
        let own = index * l * T::WIDTH..(index + 1) * l * T::WIDTH;
        let (strip, y) = (&mut self.strip[own.clone()], &mut self.y[own]);
        let time_len = q.len() / l;
        for first in rows.clone().step_by(BLOCK) {
            let end = rows.end.min(first + BLOCK);
            let block = &panel[first * T::WIDTH..end * T::WIDTH];
            add_transposed_times(block, &q[first * l..end * l], l, strip);
            if end.is_multiple_of(STRIP) || end == time_len {
                vectorised(|| {
                    for (y, strip) in y.iter_mut().zip(&mut *strip) {
                        *y += strip.to_f64();
                        *strip = T::ZERO;
                    }
                });
            }
        }
    }

    /// Makes a panel's factor of the second product: the first product transposed, or what is given.
    fn turn(&mut self, index: usize, first: usize, params: &Range<usize>, factors: Factors<'_, T>) {
        let l = factors.l;
        let own = index * l * T::WIDTH..(index + 1) * l * T::WIDTH;
        let (y, u) = (&self.y[own.clone()], &mut self.u[own]);
        for (c, row) in u.chunks_exact_mut(l).enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry = T::from_f64(match factors.given {
                    None => y[j * T::WIDTH + c],
                    Some(given) if first + c < params.end => given(first + c, j),
                    Some(_) => 0.0,
                });
            }
        }
    }

    /// Adds the second product of some rows of a panel.
    fn add_second(
        &self,
        index: usize,
        panel: &[T],
        rows: Range<usize>,
        Factors { l, .. }: Factors<'_, T>,
        z: &mut [T],
    ) {
        let u = &self.u[index * l * T::WIDTH..(index + 1) * l * T::WIDTH];
        let panel = &panel[rows.start * T::WIDTH..rows.end * T::WIDTH];
        add_times(panel, u, l, &mut z[rows.start * l..rows.end * l]);
    }
}

/// Panels that are being filled, one after the other.
struct Panels<'a, T> {
    entries: &'a mut [T],
    panel_len: usize,
}

impl<T: Scalar> Panels<'_, T> {
    /// Takes rows from panels that are held; `there` has for each of these the one that it is of.
    fn fill(self, there: &[&[f32]], params: &Range<usize>, rows: Range<usize>) {
        let firsts = params.clone().step_by(T::WIDTH);
        let panels = self.entries.chunks_exact_mut(self.panel_len);
        for ((first, panel), held) in firsts.zip(panels).zip(there) {
            let column = first % held::WIDTH;
            for row in rows.clone() {
                let at = row * held::WIDTH + column;
                simd::apply(Place {
                    panels: panel,
                    panel_len: self.panel_len,
                    row,
                    entries: &held[at..at + T::WIDTH],
                });
            }
        }
    }

    /// Reads rows: from where they lie in memory, if they do.
    fn read(
        mut self,
        matrix: &dyn GradientMatrix,
        block: &mut Vec<T>,
        mut rows: Range<usize>,
        params: &Range<usize>,
        scale: f64,
    ) -> Result<(), Error> {
        let direct = |row: usize| {
            let row = matrix.row_in_memory(row, params).filter(|_| scale == 1.0);
            row.filter(|row| all_finite(row))
        };
        while !rows.is_empty()
            && let Some(entries) = direct(rows.start)
        {
            self.place(rows.start, entries);
            rows.start += 1;
        }
        if rows.is_empty() {
            return Ok(());
        }
        // The rest, which also tells what is wrong with it.
        block.resize(rows.len() * params.len(), T::ZERO);
        T::read(matrix, rows.clone(), params.clone(), block)?;
        if scale != 1.0 {
            for entry in &mut *block {
                *entry = T::from_f64(entry.to_f64() * scale);
            }
        }
        for (row, entries) in rows.zip(block.chunks_exact(params.len())) {
            self.place(row, entries);
        }
        Ok(())
    }

    /// Cuts a row into the panels; what the last one has beyond it is 0.
    fn place<S: Real>(&mut self, row: usize, entries: &[S]) {
        simd::apply(Place {
            panels: self.entries,
            panel_len: self.panel_len,
            row,
            entries,
        });
    }
}

struct Place<'a, S, T> {
    panels: &'a mut [T],
    panel_len: usize,
    row: usize,
    entries: &'a [S],
}

impl<S: Real, T: Scalar> Work for Place<'_, S, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let at = self.row * T::WIDTH;
        let panels = self.panels.chunks_exact_mut(self.panel_len);
        for (panel, entries) in panels.zip(self.entries.chunks(T::WIDTH)) {
            let place = &mut panel[at..at + T::WIDTH];
            if entries.len() < T::WIDTH {
                place.fill(T::ZERO);
            }
            // Sixteen at a time are registers; they are what a panel's row is made of.
            let (places, rest) = place.as_chunks_mut::<16>();
            debug_assert!(rest.is_empty());
            let (sixteens, last) = entries.as_chunks::<16>();
            for (place, entries) in places.iter_mut().zip(sixteens) {
                *place = entries.map(|x| T::from_f64(x.to_f64()));
            }
            if let Some(place) = places.get_mut(sixteens.len()) {
                for (place, x) in place.iter_mut().zip(last) {
                    *place = T::from_f64(x.to_f64());
                }
            }
        }
    }
}

/// Whether none is NaN or infinite.
fn all_finite(values: &[f32]) -> bool {
    vectorised(|| values.iter().fold(true, |finite, x| finite & x.is_finite()))
}
