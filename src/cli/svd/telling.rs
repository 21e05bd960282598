//! What `gouda svd` tells while it runs.

use std::time::Instant;

use crate::cli::progress::Watcher;
use crate::cli::speed;
use crate::experiment::Progress;
use crate::gradients::GradientMatrix;
use crate::svd::{Event, Plan};

/// Says what is going on.
pub(super) struct Telling<'a> {
    pub(super) watcher: Watcher,
    view: &'a dyn GradientMatrix,
    pub(super) why: String,
    pass_bytes: u64,
    /// Bytes of the matrix that passes and certificates read.
    pub(super) read_bytes: u64,
    passes: usize,
    /// Passes, and the bytes they read, before the plan was changed.
    pub(super) before: (usize, u64),
    total_bytes: u64,
    residual: Option<f64>,
    begun: Instant,
}

impl<'a> Telling<'a> {
    pub(super) fn new(watcher: Watcher, view: &'a dyn GradientMatrix) -> Self {
        Self {
            watcher,
            view,
            why: String::new(),
            pass_bytes: view.pass_bytes(),
            read_bytes: 0,
            passes: 0,
            before: (0, 0),
            total_bytes: 0,
            residual: None,
            begun: Instant::now(),
        }
    }

    pub(super) fn hear(&mut self, event: Event<'_>) -> bool {
        match event {
            Event::Plan(plan) => self.plan(plan),
            Event::Pass(pass) => {
                self.residual = Some(pass.worst_residual);
                self.read_bytes += pass.bytes;
                self.passes = pass.index;
            }
            Event::Certificate { bytes } => self.read_bytes += bytes,
            Event::Read { index, bytes } => {
                let done = (index as u64 - 1) * self.pass_bytes + bytes;
                let speed = done as f64 / self.begun.elapsed().as_secs_f64() * 1e-9;
                let residual = self
                    .residual
                    .map_or(String::new(), |r| format!(", residual {r:.1e} of sigma_1"));
                let note = format!("reading {index}, {speed:.1} GB/s{residual}");
                // It may take more passes than were expected.
                let shown = done.min(self.total_bytes - 1) / 1_000_000;
                self.watcher.advance(shown, &note);
            }
        }
        !self.watcher.is_interrupted()
    }

    fn plan(&mut self, plan: &Plan) {
        self.before = (self.passes, self.read_bytes);
        self.why = format!("{}: {}", plan.method.name(), plan.why);
        self.total_bytes = (plan.pass_bytes * plan.passes as u64).max(1);
        let (bytes_per_second, flops_per_second) = (speed::reading(self.view), speed::products());
        let seconds = plan.seconds(bytes_per_second, flops_per_second);
        let held = match plan.held_bytes {
            0 => String::new(),
            bytes => format!(
                " and {:.0} MB that hold the matrix once it is read",
                1e-6 * bytes as f64
            ),
        };
        self.watcher.say(&format!(
            "{} steps x {} parameters, {:.1} MB; {}\n\
             about {} readings, {:.1} GB, {:.0} MB of memory at most{held}, about {seconds:.1} s \
             (reads at {:.1} GB/s, multiplies at {:.0} GFLOP/s)",
            self.view.time_len(),
            self.view.param_len(),
            1e-6 * plan.pass_bytes as f64,
            self.why,
            plan.passes,
            1e-9 * self.total_bytes as f64,
            1e-6 * plan.memory_bytes as f64,
            1e-9 * bytes_per_second,
            1e-9 * flops_per_second,
        ));
        self.watcher.begin("SVD, MB", self.total_bytes / 1_000_000);
        self.begun = Instant::now();
    }
}
