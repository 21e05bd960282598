//! How long each stage of a job takes.

use std::collections::BTreeMap;
use std::time::Instant;

/// Seconds of stages, one after another.
pub struct Clock {
    last: Instant,
    /// By stage.
    pub seconds: BTreeMap<String, f64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            last: Instant::now(),
            seconds: BTreeMap::new(),
        }
    }
}

impl Clock {
    /// A stage ends, and the next begins.
    pub fn lap(&mut self, stage: &str) {
        let seconds = self.last.elapsed().as_secs_f64();
        self.seconds.insert(stage.into(), seconds);
        self.last = Instant::now();
    }
}
