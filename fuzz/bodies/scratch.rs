//! A file for those readers that take a path, one a thread, in memory where the system has a place
//! for that.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

thread_local! {
    static DIR: TempDir = {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        dir.expect("a directory for temporary files")
    };
}

/// The path of the thread's file `name`.
pub fn path(name: &str) -> PathBuf {
    DIR.with(|dir| dir.path().join(name))
}

/// The path of the thread's file `name`, which holds `bytes`.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = path(name);
    std::fs::write(&path, bytes).expect("room for a small file");
    path
}
