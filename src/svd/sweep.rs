//! One reading of the whole matrix, tile by tile, and the first of the products of a pass on the way.
//!
//! A tile is all of time over a range of parameters, laid out as panels ([`Panel`]) one after the
//! other, so that a panel's rows are contiguous. Its width depends on T alone. It is read a block of
//! rows at a time; while a block is in the nearest caches it is multiplied, and the next one is
//! fetched. A few tiles a thread are in memory at a time; what is computed from them
//! is handed on in their order, so sums have the same bits for any number of threads.

use std::ops::Range;
use std::sync::Mutex;

use faer::Mat;
use rayon::prelude::*;

use super::Error;
use crate::gradients::{self, GradientMatrix};
use crate::numeric::Real;
use crate::numeric::panel_gemm::{Panel, STEP, add_times, add_transposed_times};
use crate::numeric::simd::{self, Work, vectorised};
use crate::numeric::sum::dot;
use crate::storage::map;

/// Bytes of a tile: it stays in the cache that cores share while its panels are multiplied.
const TILE_BYTES: usize = 4 << 20;
/// A row of a tile is at most 4 KB: more would leave too few tiles to share between threads.
const WIDTH_MAX: usize = 1024;
/// Rows that are read and multiplied together.
const BLOCK: usize = 64;
/// Rows under one sum in the panel's own precision, a multiple of a block; strips are added in `f64`.
const STRIP: usize = 256;
/// Tiles under way for each thread, so that none waits for the slowest.
const TILES_PER_THREAD: usize = 4;

/// `f32` or `f64`: what the products of a pass are computed in.
pub(super) trait Scalar: Panel {
    /// Reads a block in this precision.
    fn read(
        matrix: &dyn GradientMatrix,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [Self],
    ) -> Result<(), gradients::Error>;
}

impl Scalar for f32 {
    fn read(
        matrix: &dyn GradientMatrix,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [Self],
    ) -> Result<(), gradients::Error> {
        matrix.read_block(rows, params, out)
    }
}

impl Scalar for f64 {
    fn read(
        matrix: &dyn GradientMatrix,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [Self],
    ) -> Result<(), gradients::Error> {
        matrix.read_block_f64(rows, params, out)
    }
}

/// Parameters in a tile.
pub(super) fn tile_width<T: Panel>(time_len: usize) -> usize {
    let widest = TILE_BYTES / size_of::<T>() / time_len.max(1);
    (widest / T::WIDTH * T::WIDTH).clamp(T::WIDTH, WIDTH_MAX)
}

/// Memory of the tiles under way, with `l` vectors in each product.
pub(super) fn tiles_bytes<T: Panel>(time_len: usize, l: usize, threads: usize) -> u64 {
    let width = tile_width::<T>(time_len);
    // The tile, the block as it was read; the first product's strip, its sum (eight bytes each) and
    // its transpose; the second product of every tile that waits for its turn.
    let tile = (time_len + BLOCK) * width + 2 * width * l + time_len * l * TILES_PER_THREAD;
    ((tile * size_of::<T>() + 8 * width * l) * threads) as u64
}

/// The number of vectors that products are made with: at least `len`.
pub(super) fn padded(len: usize) -> usize {
    len.max(1).next_multiple_of(STEP)
}

/// The vectors that a pass multiplies the matrix by.
#[derive(Clone, Copy)]
pub(super) struct Factors<'a, T> {
    /// `(T, l)` row-major.
    pub(super) q: &'a [T],
    /// How many, a multiple of [`STEP`].
    pub(super) l: usize,
}

/// All of time over a range of parameters.
pub(super) struct Tile<'a, T> {
    /// Which parameters.
    pub(super) params: Range<usize>,
    panels: &'a [T],
    /// `tile^T q`: of each panel `(l, WIDTH)`.
    y: &'a [f64],
    time_len: usize,
    l: usize,
}

impl<T: Scalar> Tile<'_, T> {
    /// The squared Frobenius norm.
    pub(super) fn energy(&self) -> f64 {
        let panels = self.panels.chunks_exact(self.time_len * T::WIDTH);
        panels.map(|panel| dot(panel, panel)).sum()
    }

    /// The first parameter of each panel, and its part of `tile^T q`, `(l, WIDTH)`; columns beyond
    /// the tile are 0.
    pub(super) fn products(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let firsts = self.params.clone().step_by(T::WIDTH);
        firsts.zip(self.y.chunks_exact(self.l * T::WIDTH))
    }

    /// `tile tile^T q`, `(T, l)` row-major.
    pub(super) fn applied(&self) -> Vec<T> {
        self.times(|_, panel, c, j| panel[j * T::WIDTH + c])
    }

    /// `tile u`, `(T, l)` row-major, for a `u` that is given by parameter and column.
    pub(super) fn times_given(&self, u: impl Fn(usize, usize) -> f64) -> Vec<T> {
        self.times(|first, _, c, j| {
            if first + c < self.params.end {
                u(first + c, j)
            } else {
                0.0
            }
        })
    }

    /// `tile u`, where `u` is told of each panel the first parameter, the first product, and which of
    /// its columns and of the vectors is asked for.
    fn times(&self, u: impl Fn(usize, &[f64], usize, usize) -> f64) -> Vec<T> {
        let l = self.l;
        let mut turned = vec![T::ZERO; self.y.len()];
        let panels = turned.chunks_exact_mut(l * T::WIDTH);
        for ((first, y), turned) in self.products().zip(panels) {
            for (c, row) in turned.chunks_exact_mut(l).enumerate() {
                for (j, entry) in row.iter_mut().enumerate() {
                    *entry = T::from_f64(u(first, y, c, j));
                }
            }
        }
        let mut z = vec![T::ZERO; self.time_len * l];
        // Rows of z stay in the nearest cache while all panels are added to them.
        for (block, z) in z.chunks_mut(BLOCK * l).enumerate() {
            let rows = block * BLOCK * T::WIDTH..(block * BLOCK + z.len() / l) * T::WIDTH;
            let panels = self.panels.chunks_exact(self.time_len * T::WIDTH);
            for (panel, turned) in panels.zip(turned.chunks_exact(l * T::WIDTH)) {
                add_times(&panel[rows.clone()], turned, l, z);
            }
        }
        z
    }
}

/// The columns of `q` row after row, padded with columns of zeros to `l`.
pub(super) fn row_major<T: Scalar>(q: &Mat<f64>, l: usize) -> Vec<T> {
    let mut out = vec![T::ZERO; q.nrows() * l];
    for j in 0..q.ncols() {
        for (t, out) in out.iter_mut().skip(j).step_by(l).enumerate() {
            *out = T::from_f64(q[(t, j)]);
        }
    }
    out
}

/// A pass: who is told how far it is, and may end it.
pub(super) struct Watch<'a> {
    /// Gets the bytes read so far in this pass; false ends it.
    pub(super) tell: &'a mut dyn FnMut(u64) -> bool,
}

/// Reads the matrix once, its entries multiplied by `scale`: `job` on every tile, in parallel, and
/// `fold` of its results in the order of the tiles.
pub(super) fn sweep<T: Scalar, R: Send>(
    matrix: &dyn GradientMatrix,
    scale: f64,
    factors: Factors<'_, T>,
    watch: &mut Watch<'_>,
    job: impl Fn(&Tile<'_, T>) -> R + Sync,
    mut fold: impl FnMut(R),
) -> Result<(), Error> {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    let width = tile_width::<T>(time_len);
    let threads = rayon::current_num_threads();
    let rooms = Mutex::new(Vec::new());
    let starts: Vec<usize> = (0..param_len).step_by(width).collect();
    for group in starts.chunks(threads * TILES_PER_THREAD) {
        let results: Vec<Result<R, Error>> = group
            .par_iter()
            .map(|&first| {
                let params = first..param_len.min(first + width);
                let mut room = pop(&rooms);
                let tile = room.tile(matrix, params, scale, factors);
                let result = tile.map(|tile| job(&tile));
                push(&rooms, room);
                result
            })
            .collect();
        for result in results {
            fold(result?);
        }
        let done = param_len.min(group[0] + group.len() * width);
        let bytes = u128::from(matrix.pass_bytes()) * done as u128 / param_len as u128;
        if !(watch.tell)(bytes as u64) {
            return Err(Error::Interrupted);
        }
    }
    Ok(())
}

/// What a thread holds of the matrix.
struct Room<T> {
    panels: Vec<T>,
    /// A block of rows as it was read.
    block: Vec<T>,
    /// The first product over a strip.
    strip: Vec<T>,
    y: Vec<f64>,
}

/// A room that no thread uses.
fn pop<T: Scalar>(rooms: &Mutex<Vec<Room<T>>>) -> Room<T> {
    let mut rooms = rooms.lock().unwrap_or_else(|e| e.into_inner());
    rooms.pop().unwrap_or_else(|| Room {
        panels: Vec::new(),
        block: Vec::new(),
        strip: Vec::new(),
        y: Vec::new(),
    })
}

fn push<T>(rooms: &Mutex<Vec<Room<T>>>, room: Room<T>) {
    let mut rooms = rooms.lock().unwrap_or_else(|e| e.into_inner());
    rooms.push(room);
}

impl<T: Scalar> Room<T> {
    /// Reads a tile, and multiplies it.
    fn tile(
        &mut self,
        matrix: &dyn GradientMatrix,
        params: Range<usize>,
        scale: f64,
        Factors { q, l }: Factors<'_, T>,
    ) -> Result<Tile<'_, T>, Error> {
        let time_len = matrix.time_len();
        let panel_len = time_len * T::WIDTH;
        let count = params.len().div_ceil(T::WIDTH);
        self.panels.resize(count * panel_len, T::ZERO);
        self.strip.clear();
        self.strip.resize(count * l * T::WIDTH, T::ZERO);
        self.y.clear();
        self.y.resize(self.strip.len(), 0.0);
        for first in (0..time_len).step_by(BLOCK) {
            let rows = first..time_len.min(first + BLOCK);
            self.read(matrix, rows.clone(), &params, scale)?;
            let ahead = rows.end..time_len.min(rows.end + BLOCK);
            let panels = self.panels.chunks_exact(panel_len);
            let strips = self.strip.chunks_exact_mut(l * T::WIDTH);
            for (index, (panel, strip)) in panels.zip(strips).enumerate() {
                // The next block's rows, a share for each panel: the CPU fetches while it multiplies.
                let share = |index: usize| ahead.start + ahead.len() * index / count;
                for row in share(index)..share(index + 1) {
                    if let Some(row) = matrix.row_in_memory(row, &params) {
                        map::prefetch(bytemuck::cast_slice(row));
                    }
                }
                let panel = &panel[rows.start * T::WIDTH..rows.end * T::WIDTH];
                add_transposed_times(panel, &q[rows.start * l..rows.end * l], l, strip);
            }
            if rows.end.is_multiple_of(STRIP) || rows.end == time_len {
                vectorised(|| {
                    for (y, strip) in self.y.iter_mut().zip(&mut self.strip) {
                        *y += strip.to_f64();
                        *strip = T::ZERO;
                    }
                });
            }
        }
        Ok(Tile {
            params,
            panels: &self.panels,
            y: &self.y,
            time_len,
            l,
        })
    }

    /// Reads rows into their places in the panels: from where they lie in memory, if they do.
    fn read(
        &mut self,
        matrix: &dyn GradientMatrix,
        rows: Range<usize>,
        params: &Range<usize>,
        scale: f64,
    ) -> Result<(), Error> {
        let panel_len = matrix.time_len() * T::WIDTH;
        let direct = |row: usize| {
            let row = matrix.row_in_memory(row, params).filter(|_| scale == 1.0);
            row.filter(|row| all_finite(row))
        };
        let mut left = rows;
        while !left.is_empty()
            && let Some(entries) = direct(left.start)
        {
            self.place(panel_len, left.start, entries);
            left.start += 1;
        }
        if left.is_empty() {
            return Ok(());
        }
        // The rest, which also tells what is wrong with it.
        let mut block = std::mem::take(&mut self.block);
        block.resize(left.len() * params.len(), T::ZERO);
        T::read(matrix, left.clone(), params.clone(), &mut block)?;
        if scale != 1.0 {
            for entry in &mut block {
                *entry = T::from_f64(entry.to_f64() * scale);
            }
        }
        for (row, entries) in left.zip(block.chunks_exact(params.len())) {
            self.place(panel_len, row, entries);
        }
        self.block = block;
        Ok(())
    }

    /// Cuts a row into the panels; what the last one has beyond it is 0.
    fn place<S: Real>(&mut self, panel_len: usize, row: usize, entries: &[S]) {
        simd::apply(Place {
            panels: &mut self.panels,
            panel_len,
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

/// One pass: `A A^T q`, and `|A|_F^2`, where it is `wanted`.
pub(super) fn apply<T: Scalar>(
    matrix: &dyn GradientMatrix,
    scale: f64,
    watch: &mut Watch<'_>,
    q: &Mat<f64>,
    wanted: bool,
) -> Result<(Mat<f64>, f64), Error> {
    let (time_len, l) = (q.nrows(), padded(q.ncols()));
    let rows: Vec<T> = row_major(q, l);
    let mut image = vec![0.0; time_len * l];
    let mut energy = 0.0;
    sweep(
        matrix,
        scale,
        Factors { q: &rows, l },
        watch,
        |tile: &Tile<'_, T>| (tile.applied(), if wanted { tile.energy() } else { 0.0 }),
        |(z, tile_energy)| {
            for (sum, z) in image.iter_mut().zip(z) {
                *sum += z.to_f64();
            }
            energy += tile_energy;
        },
    )?;
    let image = Mat::from_fn(time_len, q.ncols(), |t, j| image[t * l + j]);
    Ok((image, energy))
}
