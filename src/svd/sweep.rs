//! A pass: once through the whole matrix, tile by tile.
//!
//! A few tiles a thread are in memory at a time; what is computed from them is handed on in their
//! order, so sums have the same bits for any number of threads.

use std::sync::Mutex;

use faer::Mat;
use rayon::prelude::*;

use super::Error;
use super::held::Held;
use super::scalar::Scalar;
use super::tile::{Factors, Room, Tile};
use crate::numeric::panel_gemm::{BLOCK, Panel, STEP};

/// Bytes of a tile: it stays in the cache that cores share while its panels are multiplied.
const TILE_BYTES: usize = 4 << 20;
/// A row of a tile is at most 4 KB: more would leave too few tiles to share between threads.
const WIDTH_MAX: usize = 1024;
/// Tiles under way for each thread, so that none waits for the slowest.
const TILES_PER_THREAD: usize = 4;

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

/// Goes through the matrix once, its entries multiplied by `scale`: `job` on every tile, in parallel,
/// and `fold` of its results in the order of the tiles.
pub(super) fn sweep<T: Scalar, R: Send>(
    held: &Held<'_>,
    scale: f64,
    factors: Factors<'_, T>,
    watch: &mut Watch<'_>,
    job: impl Fn(Tile<'_, T>) -> R + Sync,
    mut fold: impl FnMut(R),
) -> Result<(), Error> {
    let matrix = held.matrix;
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
                let tile = room.tile(held, params, scale, factors);
                let result = tile.map(&job);
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

/// A room that no thread uses.
fn pop<T: Scalar>(rooms: &Mutex<Vec<Room<T>>>) -> Room<T> {
    let mut rooms = rooms.lock().unwrap_or_else(|e| e.into_inner());
    rooms.pop().unwrap_or_default()
}

fn push<T>(rooms: &Mutex<Vec<Room<T>>>, room: Room<T>) {
    let mut rooms = rooms.lock().unwrap_or_else(|e| e.into_inner());
    rooms.push(room);
}

/// One pass: `A A^T q`, and `|A|_F^2`, where it is `wanted`.
pub(super) fn apply<T: Scalar>(
    held: &Held<'_>,
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
        held,
        scale,
        Factors {
            q: &rows,
            l,
            given: None,
        },
        watch,
        |tile: Tile<'_, T>| {
            let energy = if wanted { tile.energy() } else { 0.0 };
            (tile.z, energy)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Range;

    use crate::gradients::{self, Dense, GradientMatrix};
    use crate::numeric::random::{Purpose, Stream};
    use crate::svd::held;

    /// Entries that come in blocks only, as those of a file that is not mapped do.
    struct Read<'a>(&'a Dense);

    impl GradientMatrix for Read<'_> {
        fn time_len(&self) -> usize {
            self.0.time_len()
        }

        fn param_len(&self) -> usize {
            self.0.param_len()
        }

        fn read_block(
            &self,
            rows: Range<usize>,
            params: Range<usize>,
            out: &mut [f32],
        ) -> Result<(), gradients::Error> {
            self.0.read_block(rows, params, out)
        }
    }

    #[test]
    fn where_entries_come_from_changes_no_bit() {
        // Several tiles, several strips, and a panel that ends with the matrix.
        // Tiles of doubles begin in the middle of a panel that is held.
        let time_len = 1560;
        assert_eq!(tile_width::<f64>(time_len) % held::WIDTH, held::WIDTH / 2);
        let param_len = 2 * tile_width::<f32>(time_len) + 333;
        let stream = &mut Stream::new(5, Purpose::Nulls, 0);
        let values = (0..time_len * param_len).map(|_| stream.normal() as f32);
        let matrix = Dense::new(time_len, param_len, values.collect()).unwrap();
        let q = Mat::from_fn(time_len, 20, |_, _| stream.normal());
        let watch = &mut Watch {
            tell: &mut |_| true,
        };
        let mut passes = |held: &Held<'_>| {
            let single = apply::<f32>(held, 1.0, watch, &q, true).unwrap();
            let again = apply::<f32>(held, 1.0, watch, &q, true).unwrap();
            assert!(single == again);
            (single, apply::<f64>(held, 1.0, watch, &q, true).unwrap())
        };
        let expected = passes(&Held::none(&matrix));
        let plain = matrix_of(&matrix);
        let square = &plain * (plain.transpose() * &q);
        assert!((&square - &expected.1.0).norm_max() < 1e-9 * square.norm_max());
        let all = held::bytes(time_len, param_len);
        for room in [0, all] {
            for source in [&matrix as &dyn GradientMatrix, &Read(&matrix)] {
                let held = Held::new(source, room);
                assert!(passes(&held) == expected, "{room}");
                // Once, or in every one of the three.
                let times = if room == 0 { 3 } else { 1 };
                assert_eq!(held.take_read_bytes(), times * matrix.pass_bytes());
            }
        }
    }

    fn matrix_of(dense: &Dense) -> Mat<f64> {
        let cols = dense.param_len();
        Mat::from_fn(dense.time_len(), cols, |t, p| dense.row(t)[p].into())
    }
}
