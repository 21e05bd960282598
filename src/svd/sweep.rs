//! One reading of the whole matrix, tile by tile.
//!
//! A tile is all of time over a range of parameters, laid out as panels ([`Panel`]) one after the
//! other, so that a panel is contiguous and stays in cache between its two products. Its width
//! depends on T alone. A few tiles a thread are in memory at a time; what is computed from them
//! is handed on in their order, so sums have the same bits for any number of threads.

use std::ops::Range;
use std::sync::Mutex;

use faer::Mat;
use rayon::prelude::*;

use super::Error;
use crate::gradients::{self, GradientMatrix};
use crate::numeric::panel_gemm::{Panel, STEP, add_times, transposed_times};
use crate::numeric::sum::dot;

/// Bytes of a tile: it stays in the cache that cores share while its panels are multiplied.
const TILE_BYTES: usize = 4 << 20;
/// A row of a tile is at most 4 KB: more would leave too few tiles to share between threads.
const WIDTH_MAX: usize = 1024;
/// Rows that are read together, then cut into panels.
const STRIP_ROWS: usize = 64;
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
    let tile = time_len * width + STRIP_ROWS * width;
    let result = time_len * l * TILES_PER_THREAD;
    ((tile + result) * size_of::<T>() * threads) as u64
}

/// The number of vectors that products are made with: at least `len`.
pub(super) fn padded(len: usize) -> usize {
    len.max(1).next_multiple_of(STEP)
}

/// All of time over a range of parameters.
pub(super) struct Tile<'a, T> {
    /// Which parameters.
    pub(super) params: Range<usize>,
    panels: &'a [T],
    time_len: usize,
}

impl<T: Scalar> Tile<'_, T> {
    /// The squared Frobenius norm.
    pub(super) fn energy(&self) -> f64 {
        let panels = self.panels.chunks_exact(self.time_len * T::WIDTH);
        panels.map(|panel| dot(panel, panel)).sum()
    }

    /// `z += tile y` with `y = tile^T q`: both products of a pass, panel by panel. `q` and `z` are
    /// `(T, l)` row-major. `visit` sees each panel's first parameter and `y`, `(l, WIDTH)`, columns
    /// beyond the tile being 0.
    pub(super) fn apply(
        &self,
        q: &[T],
        l: usize,
        z: &mut [T],
        mut visit: impl FnMut(usize, &[f64]),
    ) {
        let (mut y, mut strip) = (vec![0.0; l * T::WIDTH], vec![T::ZERO; l * T::WIDTH]);
        let mut turned = vec![T::ZERO; l * T::WIDTH];
        let panels = self.panels.chunks_exact(self.time_len * T::WIDTH);
        for (first, panel) in self.params.clone().step_by(T::WIDTH).zip(panels) {
            transposed_times(panel, q, l, &mut y, &mut strip);
            for (j, y) in y.chunks_exact(T::WIDTH).enumerate() {
                for (c, &y) in y.iter().enumerate() {
                    turned[c * l + j] = T::from_f64(y);
                }
            }
            add_times(panel, &turned, l, z);
            visit(first, &y);
        }
    }

    /// `z += tile u` for a `u` that is given entry by entry, while `visit` sees each parameter, column
    /// and entry of `tile^T q`.
    pub(super) fn apply_with(
        &self,
        q: &[T],
        l: usize,
        z: &mut [T],
        u: impl Fn(usize, usize) -> f64,
        mut visit: impl FnMut(usize, usize, f64),
    ) {
        let (mut y, mut strip) = (vec![0.0; l * T::WIDTH], vec![T::ZERO; l * T::WIDTH]);
        let mut turned = vec![T::ZERO; l * T::WIDTH];
        let panels = self.panels.chunks_exact(self.time_len * T::WIDTH);
        for (first, panel) in self.params.clone().step_by(T::WIDTH).zip(panels) {
            transposed_times(panel, q, l, &mut y, &mut strip);
            turned.fill(T::ZERO);
            for c in 0..T::WIDTH.min(self.params.end - first) {
                for j in 0..l {
                    turned[c * l + j] = T::from_f64(u(first + c, j));
                    visit(first + c, j, y[j * T::WIDTH + c]);
                }
            }
            add_times(panel, &turned, l, z);
        }
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
    watch: &mut Watch<'_>,
    job: impl Fn(&Tile<'_, T>) -> R + Sync,
    mut fold: impl FnMut(R),
) -> Result<(), Error> {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    let width = tile_width::<T>(time_len);
    let threads = rayon::current_num_threads();
    let buffers = Mutex::new(vec![Vec::new(); threads]);
    let starts: Vec<usize> = (0..param_len).step_by(width).collect();
    for group in starts.chunks(threads * TILES_PER_THREAD) {
        let results: Vec<Result<R, Error>> = group
            .par_iter()
            .map(|&first| {
                let params = first..param_len.min(first + width);
                let mut buffer = pop(&buffers);
                let tile = read_tile(matrix, params, scale, &mut buffer);
                let result = tile.map(|tile| job(&tile));
                push(&buffers, buffer);
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

/// A buffer that no thread uses.
fn pop<T>(buffers: &Mutex<Vec<Vec<T>>>) -> Vec<T> {
    let mut buffers = buffers.lock().unwrap_or_else(|e| e.into_inner());
    buffers.pop().unwrap_or_default()
}

fn push<T>(buffers: &Mutex<Vec<Vec<T>>>, buffer: Vec<T>) {
    let mut buffers = buffers.lock().unwrap_or_else(|e| e.into_inner());
    buffers.push(buffer);
}

/// Reads rows a strip at a time and cuts them into panels.
fn read_tile<'a, T: Scalar>(
    matrix: &dyn GradientMatrix,
    params: Range<usize>,
    scale: f64,
    buffer: &'a mut Vec<T>,
) -> Result<Tile<'a, T>, Error> {
    let (time_len, width) = (matrix.time_len(), params.len());
    let panel_len = time_len * T::WIDTH;
    let tile_len = width.div_ceil(T::WIDTH) * panel_len;
    buffer.resize(tile_len + STRIP_ROWS * width, T::ZERO);
    let (panels, strip) = buffer.split_at_mut(tile_len);
    for first in (0..time_len).step_by(STRIP_ROWS) {
        let rows = first..time_len.min(first + STRIP_ROWS);
        let strip = &mut strip[..rows.len() * width];
        T::read(matrix, rows, params.clone(), strip)?;
        if scale != 1.0 {
            for entry in &mut *strip {
                *entry = T::from_f64(entry.to_f64() * scale);
            }
        }
        for (row, entries) in strip.chunks_exact(width).enumerate() {
            let at = (first + row) * T::WIDTH;
            for (panel, piece) in panels
                .chunks_exact_mut(panel_len)
                .zip(entries.chunks(T::WIDTH))
            {
                let place = &mut panel[at..at + T::WIDTH];
                place[..piece.len()].copy_from_slice(piece);
                place[piece.len()..].fill(T::ZERO);
            }
        }
    }
    let panels = &buffer[..tile_len];
    Ok(Tile {
        params,
        panels,
        time_len,
    })
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
    let factors: Vec<T> = row_major(q, l);
    let mut image = vec![0.0; time_len * l];
    let mut energy = 0.0;
    sweep(
        matrix,
        scale,
        watch,
        |tile: &Tile<'_, T>| {
            let mut z = vec![T::ZERO; time_len * l];
            tile.apply(&factors, l, &mut z, |_, _| {});
            (z, if wanted { tile.energy() } else { 0.0 })
        },
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
