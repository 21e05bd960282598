//! Opens a sealed recording again, so that a run that was stopped early can go on.
//!
//! The order makes it safe to be killed in: what is said about the rows goes back to
//! `rows.jsonl.part` first, then the manifest is removed, and only without one do the shards lose
//! their names, one by one, as they are taken up.

use std::path::Path;

use super::Error;
use super::manifest::{FILE, Manifest};
use crate::storage::{atomic, exists, run_dir};

/// Undoes the sealing of the folder `dir`, if it is sealed; `lines` is where the rows are told
/// while recording.
pub(super) fn unseal(dir: &Path, lines: &Path) -> Result<(), Error> {
    if !exists(&dir.join(FILE))? {
        return Ok(());
    }
    let rows = Manifest::load(dir)?.rows;
    atomic::write_with(lines, |out| {
        for meta in (0..rows.len()).filter_map(|row| rows.get(row)) {
            serde_json::to_writer(&mut *out, &meta)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })?;
    Ok(run_dir::remove_file(&dir.join(FILE))?)
}
