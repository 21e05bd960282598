//! Progress on stderr: a bar with speed, time left and what is being learnt on a terminal, a line
//! every ten seconds elsewhere. The first Ctrl-C asks the run to stop, the second ends it.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use crate::storage::shown::plain;
use crate::study::Progress;

const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows a run's progress.
#[derive(Debug)]
pub struct Watcher {
    display: Display,
    stage: String,
    steps: u64,
    begun: Instant,
    passed_over: u64,
    interrupted: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Display {
    Quiet,
    Bar(ProgressBar),
    Lines { last: Instant },
}

/// A line on stderr, without escape sequences. Nobody may be reading: a run does not end for that.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", plain(text));
}

impl Watcher {
    /// Watches, unless `quiet`; Ctrl-C is heard either way.
    pub fn new(quiet: bool) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = interrupted.clone();
        // Fails only where a handler is set already, which keeps working.
        let _ = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            line("\ngouda: stopping when this iteration is recorded; once more to stop at once");
        });
        let display = if quiet {
            Display::Quiet
        } else if std::io::stderr().is_terminal() {
            Display::Bar(ProgressBar::hidden())
        } else {
            Display::Lines {
                last: Instant::now(),
            }
        };
        Self {
            display,
            stage: String::new(),
            steps: 0,
            begun: Instant::now(),
            passed_over: 0,
            interrupted,
        }
    }

    /// A line between stages.
    pub fn say(&self, text: &str) {
        match &self.display {
            Display::Quiet => {}
            Display::Bar(bar) => bar.suspend(|| line(text)),
            Display::Lines { .. } => line(text),
        }
    }

    /// Leaves the last bar as it stands.
    pub fn end(&mut self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish();
        }
    }
}

impl Progress for Watcher {
    fn begin(&mut self, stage: &str, steps: u64) {
        self.end();
        self.stage = stage.to_owned();
        self.steps = steps;
        self.begun = Instant::now();
        self.passed_over = 0;
        match &mut self.display {
            Display::Quiet => {}
            Display::Bar(bar) => {
                *bar = ProgressBar::new(steps);
                let style = ProgressStyle::with_template(
                    "{prefix} {bar:12} {percent:>3}% {speed:>7} {eta:>3} left {wide_msg}",
                );
                let speed = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                    // What it is written to is memory.
                    let _ = write!(out, "{:.1}/s", state.per_sec());
                };
                let style = style.expect("the template is fixed and valid");
                bar.set_style(style.with_key("speed", speed));
                bar.set_prefix(stage.to_owned());
            }
            Display::Lines { last } => {
                *last = Instant::now();
                line(&format!("{stage}: {steps} steps"));
            }
        }
    }

    fn advance(&mut self, done: u64, note: &str) {
        match &mut self.display {
            Display::Quiet => {}
            Display::Bar(bar) => {
                // Methods that stop early have taken all the steps they needed.
                bar.set_position(done.min(self.steps));
                if bar.message() != note {
                    bar.set_message(note.to_owned());
                }
            }
            Display::Lines { last } => {
                if last.elapsed() < LINE_EVERY && done != self.steps {
                    return;
                }
                *last = Instant::now();
                let elapsed = self.begun.elapsed();
                let speed = (done - self.passed_over) as f64 / elapsed.as_secs_f64();
                let left = Duration::from_secs_f64(
                    self.steps.saturating_sub(done) as f64 / speed.max(1e-9),
                );
                line(&format!(
                    "{}: {done}/{} ({speed:.1}/s, {} left) {note}",
                    self.stage,
                    self.steps,
                    HumanDuration(left),
                ));
            }
        }
    }

    fn pass_over(&mut self, done: u64) {
        self.passed_over = done;
        if let Display::Bar(bar) = &self.display {
            bar.set_position(done);
            bar.reset_eta();
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
