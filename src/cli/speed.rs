//! How fast this machine is just now: for times that are told, never for what is computed.

use std::time::Instant;

use rayon::prelude::*;

use crate::gradients::GradientMatrix;
use crate::numeric::panel_gemm::{BLOCK, Panel, add_times, add_transposed_times};
use crate::numeric::{Real, peak};

/// Rows of the panel that is multiplied: it stays in the nearest caches.
const ROWS: usize = 512;
/// Bytes that a sample of reading takes.
const SAMPLE_BYTES: usize = 32 << 20;

/// Floating-point operations a second in the two products of a pass, in `f32`, on all threads.
pub(super) fn products() -> f64 {
    let flops = 4.0 * (ROWS * f32::WIDTH * 48) as f64;
    (0..rayon::current_num_threads())
        .into_par_iter()
        .map(|_| {
            let (panel, q) = (vec![1.0f32; ROWS * f32::WIDTH], vec![1e-3f32; ROWS * 48]);
            let (mut y, mut z) = (vec![0.0f32; 48 * f32::WIDTH], vec![0.0f32; ROWS * 48]);
            let mut best = f64::INFINITY;
            for _ in 0..24 {
                let begun = Instant::now();
                y.fill(0.0);
                for (panel, q) in panel.chunks(BLOCK * f32::WIDTH).zip(q.chunks(BLOCK * 48)) {
                    add_transposed_times(panel, q, 48, &mut y);
                }
                for (panel, z) in panel
                    .chunks(BLOCK * f32::WIDTH)
                    .zip(z.chunks_mut(BLOCK * 48))
                {
                    add_times(panel, &y, 48, z);
                }
                best = best.min(begun.elapsed().as_secs_f64());
            }
            flops / best
        })
        .sum()
}

/// The most floating-point operations a second that all threads can do in this precision.
pub(super) fn peak<T: Real>() -> f64 {
    let rounds = 1 << 18;
    (0..rayon::current_num_threads())
        .into_par_iter()
        .map(|_| {
            let mut best = f64::INFINITY;
            for _ in 0..16 {
                let begun = Instant::now();
                std::hint::black_box(peak::spin::<T>(rounds));
                best = best.min(begun.elapsed().as_secs_f64());
            }
            peak::flops::<T>(rounds) / best
        })
        .sum()
}

/// Bytes of the files a second, from wherever they are now: a few places of the matrix are read.
pub(super) fn reading(matrix: &dyn GradientMatrix) -> f64 {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    let width = param_len.min(1024);
    let rows = (SAMPLE_BYTES / 4 / width.max(1)).clamp(1, time_len.max(1));
    let begun = Instant::now();
    let read: usize = [0, param_len.saturating_sub(width)]
        .into_par_iter()
        .map(|start| {
            let mut read = 0;
            let mut block = vec![0.0f32; 64.min(rows) * width];
            for first in (0..rows).step_by(64) {
                let rows = first..rows.min(first + 64);
                let block = &mut block[..rows.len() * width];
                // What cannot be read is told when it is needed.
                let _ = matrix.read_block(rows.clone(), start..start + width, block);
                read += block.len();
            }
            read
        })
        .sum();
    let entry_bytes = matrix.pass_bytes() as f64 / (time_len as f64 * param_len as f64).max(1.0);
    read as f64 * entry_bytes / begun.elapsed().as_secs_f64().max(1e-9)
}
