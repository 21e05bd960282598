//! A matrix, and as much of it as may be held in memory between its readings, laid out as a pass
//! wants it: panels of [`WIDTH`] columns in single precision, each with all of time.
//!
//! A panel is held once it has been read, for as long as there is room; the others are read again in
//! every pass. What is held changes no bit.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::gradients::GradientMatrix;
use crate::numeric::panel_gemm::Panel;
use crate::storage::memory;

/// Columns of a panel.
pub(super) const WIDTH: usize = <f32 as Panel>::WIDTH;

/// A matrix with the panels of it that are held.
pub(super) struct Held<'a> {
    pub(super) matrix: &'a dyn GradientMatrix,
    panels: Vec<OnceLock<Box<[f32]>>>,
    /// Bytes that may still be taken.
    left: AtomicU64,
    /// Parameters that were read, all of time, since they were last asked for.
    read: AtomicU64,
}

impl<'a> Held<'a> {
    /// `matrix`, with room to hold `bytes` of it.
    pub(super) fn new(matrix: &'a dyn GradientMatrix, bytes: u64) -> Self {
        let count = matrix.param_len().div_ceil(WIDTH);
        Self {
            matrix,
            panels: (0..count).map(|_| OnceLock::new()).collect(),
            // What single precision would round is read again.
            left: AtomicU64::new(if matrix.is_double() { 0 } else { bytes }),
            read: AtomicU64::new(0),
        }
    }

    /// `matrix`, of which nothing is held.
    pub(super) fn none(matrix: &'a dyn GradientMatrix) -> Self {
        Self::new(matrix, 0)
    }

    /// Takes note that so many parameters were read, with all of time.
    pub(super) fn note_read(&self, params: usize) {
        self.read.fetch_add(params as u64, Ordering::Relaxed);
    }

    /// Bytes of the matrix that were read since this was last asked.
    pub(super) fn take_read_bytes(&self) -> u64 {
        let params = u128::from(self.read.swap(0, Ordering::Relaxed));
        let all = self.matrix.param_len().max(1) as u128;
        (u128::from(self.matrix.pass_bytes()) * params / all) as u64
    }

    /// The panel whose first parameter is this, `(T, WIDTH)`, if it is held.
    pub(super) fn panel(&self, first: usize) -> Option<&[f32]> {
        debug_assert!(first.is_multiple_of(WIDTH));
        self.panels.get(first / WIDTH)?.get().map(|panel| &**panel)
    }

    /// Holds a panel if there is room for it.
    pub(super) fn hold(&self, first: usize, panel: &[f32]) {
        let bytes = size_of_val(panel) as u64;
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            });
        if taken.is_ok() {
            // Another thread's is the same.
            let _ = self.panels[first / WIDTH].set(panel.into());
        }
    }
}

/// Bytes that may be taken to hold a matrix: what `allowed` leaves beside `needed`, but not more than half of
/// what the system has.
pub(super) fn room(allowed: u64, needed: u64) -> u64 {
    let system = memory::available().map_or(u64::MAX, |bytes| bytes / 2);
    allowed.saturating_sub(needed).min(system)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::Dense;

    #[test]
    fn panels_are_held_while_there_is_room() {
        let matrix = Dense::new(3, 70, vec![1.0; 210]).unwrap();
        let panel = [2.0; 3 * WIDTH];
        let held = Held::new(&matrix, 2 * 4 * 3 * WIDTH as u64 + 5);
        for first in [32, 0, 64] {
            held.hold(first, &panel);
        }
        assert_eq!(
            [0, 32, 64].map(|first| held.panel(first).is_some()),
            [true, true, false]
        );
        assert!(held.panel(96).is_none());
        assert!(room(100, 40) <= 60);
        assert_eq!(room(40, 100), 0);
    }
}
