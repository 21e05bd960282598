//! A matrix, and all of it in memory between its readings where it fits: panels of [`WIDTH`] columns in
//! single precision, each with all of time, as a pass wants them.
//!
//! A panel is held once it has been read. A matrix that does not fit as a whole is read again in every
//! pass, band by band as the disk likes it. What is held changes no bit.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::gradients::GradientMatrix;
use crate::numeric::panel_gemm::Panel;
use crate::storage::memory;

/// Bytes that the system is not asked about.
const SMALL: u64 = 64 << 20;

/// Columns of a panel.
pub(super) const WIDTH: usize = <f32 as Panel>::WIDTH;

/// A matrix with the panels of it that are held.
pub(super) struct Held<'a> {
    pub(super) matrix: &'a dyn GradientMatrix,
    /// None where nothing is to be held.
    panels: Vec<OnceLock<Box<[f32]>>>,
    /// Parameters that were read, all of time, since this was last asked for.
    read: AtomicU64,
}

/// Bytes of a matrix as it is held.
pub(super) fn bytes(time_len: usize, param_len: usize) -> u64 {
    4 * time_len as u64 * param_len.next_multiple_of(WIDTH) as u64
}

/// Bytes that will hold a matrix of this shape: all that it takes, or 0 where `allowed` has not as much beside
/// `needed` or the system has not twice as much.
pub(super) fn room(time_len: usize, param_len: usize, allowed: u64, needed: u64) -> u64 {
    let bytes = bytes(time_len, param_len);
    // What is needed is an estimate: twice as much is left for it.
    let left = allowed.saturating_sub(needed.saturating_mul(2));
    let fits = || memory::available().is_none_or(|available| bytes <= available / 2);
    if bytes <= left && (bytes <= SMALL || fits()) {
        bytes
    } else {
        0
    }
}

impl<'a> Held<'a> {
    /// `matrix`, held if `bytes` are enough for it.
    pub(super) fn new(matrix: &'a dyn GradientMatrix, room: u64) -> Self {
        // What single precision would round is read again.
        let fits = bytes(matrix.time_len(), matrix.param_len()) <= room && !matrix.is_double();
        let count = if fits {
            matrix.param_len().div_ceil(WIDTH)
        } else {
            0
        };
        Self {
            matrix,
            panels: (0..count).map(|_| OnceLock::new()).collect(),
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

    /// Holds a panel, if the matrix is held.
    pub(super) fn hold(&self, first: usize, panel: &[f32]) {
        if let Some(place) = self.panels.get(first / WIDTH) {
            place.get_or_init(|| panel.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::Dense;

    #[test]
    fn a_matrix_is_held_where_all_of_it_fits() {
        let matrix = Dense::new(3, 70, vec![1.0; 210]).unwrap();
        let all = bytes(3, 70);
        assert_eq!(all, 4 * 3 * 96);
        for (room, is_held) in [(all, true), (all - 1, false)] {
            let held = Held::new(&matrix, room);
            held.hold(32, &[2.0; 3 * WIDTH]);
            assert_eq!(held.panel(32).is_some(), is_held);
            assert!(held.panel(0).is_none() && held.panel(96).is_none());
            held.note_read(35);
            assert_eq!([held.take_read_bytes(), held.take_read_bytes()], [420, 0]);
        }
        assert_eq!(room(3, 70, all + 20, 10), all);
        assert_eq!(room(3, 70, all + 20, 11), 0);
        assert_eq!(room(3, 70, 10, 100), 0);
        assert_eq!(room(1 << 30, 1 << 30, u64::MAX, 0), 0);
    }
}
