//! Rows of a matrix added up over windows of time, and rows divided by the root of their running mean square.
//!
//! ```text
//! windows    w_j = sum over the rows t of window j of x_t             n windows of equally many rows, to one
//! over RMS   x_t / (sqrt(m_t) + 1e-8)     m_t = (1 - b) sum_{s <= t} b^(t - s) x_s^2 / (1 - b^(t + 1))
//! ```
//! The noise of minibatches has no mean: over a window of k rows its square grows as k, that of a drift as k^2.
//! The second is what Adam divides by, at the resolution of rows: an approximation, for a row is a sum over updates whose single
//! squares are not recorded.
//!
//! Nothing of the size of the matrix is held: a tile of parameters is read and changed at a time. Sums run over rows in
//! their order, in double precision, whatever the tile.

use std::ops::Range;

use crate::gradients::{Error, GradientMatrix};

/// Entries of the inner matrix read at a time, or one parameter's.
const TILE_LEN: usize = 1 << 20;
/// Keeps parameters that have no gradient from dividing by nothing.
const EPSILON: f64 = 1e-8;
/// Of how many rows the running mean square remembers one: the 1,000 updates of Adam are one in 36 of `scheduled`, one in 24 of `quick`.
const ROWS_A_REMEMBERED: usize = 32;

/// Rows added up over windows of time.
pub struct Windows<'a> {
    inner: &'a dyn GradientMatrix,
    len: usize,
}

impl<'a> Windows<'a> {
    /// `len` windows of the rows of `inner`, or as many as it has rows.
    pub fn new(inner: &'a dyn GradientMatrix, len: usize) -> Self {
        let len = len.min(inner.time_len());
        Self { inner, len }
    }

    /// The rows of `windows`.
    fn rows(&self, windows: Range<usize>) -> Range<usize> {
        let start = |window: usize| window * self.inner.time_len() / self.len.max(1);
        start(windows.start)..start(windows.end)
    }

    /// The mean of what rows have, by window.
    pub fn means(&self, of_rows: &[f64]) -> Vec<f64> {
        let mean =
            |window: usize| crate::numeric::sum::mean(&of_rows[self.rows(window..window + 1)]);
        (0..self.len).map(mean).collect()
    }
}

impl GradientMatrix for Windows<'_> {
    fn time_len(&self) -> usize {
        self.len
    }

    fn param_len(&self) -> usize {
        self.inner.param_len()
    }

    fn pass_bytes(&self) -> u64 {
        self.inner.pass_bytes()
    }

    fn read_block(
        &self,
        windows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), Error> {
        let rows = self.rows(windows.clone());
        let width = params.len();
        tiles(
            self.inner,
            rows.clone(),
            params,
            |start, tile_width, tile| {
                let mut sum = vec![0.0f64; tile_width];
                for (place, window) in windows.clone().enumerate() {
                    let own = self.rows(window..window + 1);
                    sum.fill(0.0);
                    let own =
                        (own.start - rows.start) * tile_width..(own.end - rows.start) * tile_width;
                    for row in tile[own].chunks_exact(tile_width) {
                        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
                    }
                    let out = &mut out[place * width + start..][..tile_width];
                    out.iter_mut()
                        .zip(&sum)
                        .for_each(|(out, &sum)| *out = sum as f32);
                }
            },
        )
    }
}

/// Rows divided, parameter by parameter, by the root of their running mean square.
pub struct OverRms<'a> {
    inner: &'a dyn GradientMatrix,
    decay: f64,
}

impl<'a> OverRms<'a> {
    /// The rows of `inner`.
    pub fn new(inner: &'a dyn GradientMatrix) -> Self {
        let remembered = (inner.time_len() / ROWS_A_REMEMBERED).max(1);
        let decay = 1.0 - 1.0 / remembered as f64;
        Self { inner, decay }
    }
}

impl GradientMatrix for OverRms<'_> {
    fn time_len(&self) -> usize {
        self.inner.time_len()
    }

    fn param_len(&self) -> usize {
        self.inner.param_len()
    }

    fn pass_bytes(&self) -> u64 {
        self.inner.pass_bytes()
    }

    /// Reads all rows before those that are asked for.
    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), Error> {
        let width = params.len();
        tiles(
            self.inner,
            0..rows.end,
            params,
            |start, tile_width, tile| {
                let mut mean = vec![0.0f64; tile_width];
                let mut forgotten = 1.0;
                for (row, values) in tile.chunks_exact(tile_width).enumerate() {
                    forgotten *= self.decay;
                    for (mean, x) in mean.iter_mut().zip(values) {
                        *mean = self.decay * *mean + (1.0 - self.decay) * x * x;
                    }
                    let Some(place) = row.checked_sub(rows.start) else {
                        continue;
                    };
                    let out = &mut out[place * width + start..][..tile_width];
                    for (out, (x, mean)) in out.iter_mut().zip(values.iter().zip(&mean)) {
                        *out = (x / ((mean / (1.0 - forgotten)).sqrt() + EPSILON)) as f32;
                    }
                }
            },
        )
    }
}

/// Reads `rows` of the parameters `params` a tile after the other: takes where the tile starts among them, its width, and its
/// entries.
fn tiles(
    matrix: &dyn GradientMatrix,
    rows: Range<usize>,
    params: Range<usize>,
    mut each: impl FnMut(usize, usize, &[f64]),
) -> Result<(), Error> {
    let width = (TILE_LEN / rows.len().max(1)).max(1);
    let mut tile = Vec::new();
    for start in params.clone().step_by(width) {
        let own = start..params.end.min(start + width);
        tile.resize(rows.len() * own.len(), 0.0);
        matrix.read_block_f64(rows.clone(), own.clone(), &mut tile)?;
        each(start - params.start, own.len(), &tile);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::Dense;

    fn dense(rows: usize, cols: usize) -> Dense {
        let values = (0..rows * cols).map(|i| (i as f32 * 0.7).cos());
        Dense::new(rows, cols, values.collect()).unwrap()
    }

    /// Any block of a view is that of the whole.
    fn blocks_agree(view: &dyn GradientMatrix, whole: &Dense) {
        let (rows, cols) = (whole.time_len(), whole.param_len());
        let mut block = vec![0.0; (rows - 1) * (cols - 3)];
        let mut expected = block.clone();
        view.read_block(1..rows, 2..cols - 1, &mut block).unwrap();
        whole
            .read_block(1..rows, 2..cols - 1, &mut expected)
            .unwrap();
        assert_eq!(block, expected);
    }

    #[test]
    fn a_window_is_the_naive_sum_of_its_rows_and_every_row_is_in_one() {
        let inner = dense(47, 9);
        for len in [1, 5, 46, 47, 100] {
            let windows = Windows::new(&inner, len);
            assert_eq!(windows.time_len(), len.min(47));
            let found = Dense::from_matrix(&windows).unwrap();
            let mut next = 0;
            for window in 0..windows.time_len() {
                let rows = windows.rows(window..window + 1);
                assert!(rows.start == next && !rows.is_empty());
                next = rows.end;
                for p in 0..9 {
                    let sum: f64 = rows.clone().map(|t| f64::from(inner.row(t)[p])).sum();
                    assert_eq!(found.row(window)[p], sum as f32);
                }
            }
            assert_eq!(next, 47);
            if len > 1 {
                blocks_agree(&windows, &found);
            }
        }
        let tau: Vec<f64> = (0..47).map(f64::from).collect();
        assert_eq!(Windows::new(&inner, 1).means(&tau), [23.0]);
    }

    #[test]
    fn rows_over_their_rms_are_adams_without_its_momentum() {
        let inner = dense(70, 9);
        let view = OverRms::new(&inner);
        let found = Dense::from_matrix(&view).unwrap();
        blocks_agree(&view, &found);
        assert_eq!(view.decay, 0.5);
        for p in 0..9 {
            let mut mean = 0.0;
            for t in 0..70 {
                let x = f64::from(inner.row(t)[p]);
                mean = 0.5 * mean + 0.5 * x * x;
                let corrected = mean / (1.0 - 0.5f64.powi(t as i32 + 1));
                let expected = x / (corrected.sqrt() + EPSILON);
                assert!((f64::from(found.row(t)[p]) - expected).abs() < 1e-6);
            }
        }
        // What has no gradient stays where it is.
        let still = Dense::new(3, 4, vec![0.0; 12]).unwrap();
        let found = Dense::from_matrix(&OverRms::new(&still)).unwrap();
        assert_eq!(found, still);
    }
}
