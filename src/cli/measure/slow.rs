//! Progress of what is mostly too short for any.

use std::time::{Duration, Instant};

use crate::cli::progress::Watcher;
use crate::experiment::Progress;

/// What takes no longer is not told of.
const SHORT: Duration = Duration::from_secs(1);

/// Tells of a few long steps, once it took longer than [`SHORT`].
pub struct Slow {
    quiet: bool,
    begun: Instant,
    steps: u64,
    done: u64,
    watcher: Option<Watcher>,
}

impl Slow {
    /// So many steps, the first of which begins.
    pub fn new(quiet: bool, steps: u64) -> Self {
        Self {
            quiet,
            begun: Instant::now(),
            steps,
            done: 0,
            watcher: None,
        }
    }

    /// The next step begins.
    pub fn next(&mut self) {
        self.done += 1;
        if self.quiet || self.begun.elapsed() < SHORT {
            return;
        }
        let steps = self.steps;
        let watcher = self.watcher.get_or_insert_with(|| {
            let mut watcher = Watcher::deaf(false);
            watcher.begin("levels and policies", steps);
            watcher
        });
        watcher.advance(self.done, "");
    }

    /// All is done.
    pub fn end(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            watcher.end();
        }
    }
}
