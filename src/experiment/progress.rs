//! Whoever watches a run, and may stop it.

use super::Error;

/// What a stage tells whoever watches; the answer says whether to go on.
pub trait Progress {
    /// A stage begins: its name, and how many steps it will take.
    fn begin(&mut self, stage: &str, steps: u64);
    /// So many steps of the stage are done; `note` says what is being learnt.
    fn advance(&mut self, done: u64, note: &str);
    /// So many steps of the stage were done before it began.
    fn pass_over(&mut self, _done: u64) {}
    /// Whether the user asked to stop.
    fn is_interrupted(&self) -> bool {
        false
    }
    /// Ends a stage that leaves nothing behind, where the user asked to stop.
    ///
    /// # Errors
    /// The user's interruption, with the stage.
    fn stop_if_interrupted(&self, stage: &'static str) -> Result<(), Error> {
        match self.is_interrupted() {
            true => Err(Error::Stopped { stage }),
            false => Ok(()),
        }
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _: &str, _: u64) {}
    fn advance(&mut self, _: u64, _: &str) {}
}
