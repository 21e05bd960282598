//! Progress on stderr: a bar with speed, time left and what is being learnt on a terminal, a line
//! every ten seconds elsewhere. The first Ctrl-C asks the run to stop, the second ends it.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use crate::experiment::Progress;
use crate::storage::shown::plain;

const LINE_EVERY: Duration = Duration::from_secs(10);
/// Characters of the bar.
const BAR_LEN: u64 = 12;

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
    Lines { last: Instant, is_done: bool },
}

/// A line on stderr, without escape sequences. Nobody may be reading: a run does not end for that.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", plain(text));
}

impl Watcher {
    /// Watches, unless `quiet`; Ctrl-C is heard either way.
    pub fn new(quiet: bool) -> Self {
        let watcher = Self::deaf(quiet);
        let flag = watcher.interrupted.clone();
        // Fails only where a handler is set already, which keeps working.
        let _ = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            line("\ngouda: stopping as soon as nothing is lost by it; once more to stop at once");
        });
        watcher
    }

    /// Watches, unless `quiet`, what writes nothing: Ctrl-C ends the process as it does any other.
    pub fn deaf(quiet: bool) -> Self {
        let display = if quiet {
            Display::Quiet
        } else if std::io::stderr().is_terminal() {
            Display::Bar(ProgressBar::hidden())
        } else {
            Display::Lines {
                last: Instant::now(),
                is_done: false,
            }
        };
        Self {
            display,
            stage: String::new(),
            steps: 0,
            begun: Instant::now(),
            passed_over: 0,
            interrupted: Arc::new(AtomicBool::new(false)),
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

/// A bar's line: its stage, how far it is, how fast, how long still, and what is being learnt.
fn describe(stage: &str, done: u64, steps: u64, bar: &ProgressBar, note: &str) -> String {
    let share =
        |whole: u64| (u128::from(done) * u128::from(whole) / u128::from(steps.max(1))) as u64;
    let full = share(BAR_LEN);
    format!(
        "{stage} {}{} {:>3}% {:>7} {:>3} left {note}",
        "█".repeat(full as usize),
        "░".repeat((BAR_LEN - full) as usize),
        share(100),
        format!("{:.1}/s", bar.per_sec()),
        format!("{:#}", HumanDuration(bar.eta())),
    )
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
                // All of it is message: that is cut off where a narrow terminal ends, and parts of a
                // template are not.
                let style = ProgressStyle::with_template("{wide_msg}");
                bar.set_style(style.expect("the template is fixed and valid"));
                bar.set_message(stage.to_owned());
            }
            Display::Lines { last, is_done } => {
                (*last, *is_done) = (Instant::now(), false);
                line(&format!("{stage}: {steps} steps"));
            }
        }
    }

    fn advance(&mut self, done: u64, note: &str) {
        match &mut self.display {
            Display::Quiet => {}
            Display::Bar(bar) => {
                // Methods that stop early have taken all the steps they needed.
                let done = done.min(self.steps);
                bar.set_position(done);
                bar.set_message(describe(&self.stage, done, self.steps, bar, note));
            }
            Display::Lines { last, is_done } => {
                // The end is told once, however much is told after it.
                if *is_done || (last.elapsed() < LINE_EVERY && done < self.steps) {
                    return;
                }
                (*last, *is_done) = (Instant::now(), done >= self.steps);
                let elapsed = self.begun.elapsed();
                let done_now = done.saturating_sub(self.passed_over);
                let speed = done_now as f64 / elapsed.as_secs_f64();
                let left = self.steps.saturating_sub(done) as f64 / speed.max(1e-9);
                let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
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
