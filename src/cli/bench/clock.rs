//! Timing by slices: the same work over and over, each slice of it timed by itself.
//!
//! Whatever else the machine does falls on a slice now and then, hardly ever on all repetitions of
//! it. The fastest repetition of every slice, summed, is the time of the work undisturbed; every
//! slice's median, summed, is what it took as things were.

use std::time::Instant;

use serde::Serialize;

/// Work a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rate {
    /// Undisturbed.
    pub best: f64,
    /// As things were.
    pub median: f64,
}

/// The seconds of every slice and repetition.
#[derive(Clone, Debug, Default)]
pub struct Slices {
    seconds: Vec<Vec<f64>>,
    next: usize,
}

impl Slices {
    /// Begins another repetition.
    pub fn repeat(&mut self) {
        self.next = 0;
    }

    /// Does and times the next slice; every thread of the pool is awake when the clock starts.
    pub fn time(&mut self, slice: impl FnOnce() + Send) {
        rayon::broadcast(|_| ());
        let start = Instant::now();
        slice();
        let seconds = start.elapsed().as_secs_f64();
        if self.next == self.seconds.len() {
            self.seconds.push(Vec::new());
        }
        self.seconds[self.next].push(seconds);
        self.next += 1;
    }

    /// The rate, a repetition being so much work.
    pub fn rate(&self, work: usize) -> Rate {
        let (mut best, mut median) = (0.0, 0.0);
        for slice in &self.seconds {
            let mut slice = slice.clone();
            slice.sort_by(f64::total_cmp);
            best += slice[0];
            median += slice[slice.len() / 2];
        }
        Rate {
            best: work as f64 / best,
            median: work as f64 / median,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbance_of_one_repetition_does_not_show_in_the_best() {
        let slices = Slices {
            seconds: vec![vec![1.0, 5.0, 1.5], vec![9.0, 1.0, 2.0]],
            next: 0,
        };
        let rate = slices.rate(7);
        assert_eq!((rate.best, rate.median), (3.5, 2.0));
    }
}
