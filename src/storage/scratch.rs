//! A directory for what nobody will read again, removed with all that is in it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Error, disk};

/// A new directory among the system's temporary files, for as long as the value lives.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the directory.
    ///
    /// # Errors
    /// The system's.
    pub fn create() -> Result<Self, Error> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let (process, made) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(format!("gouda-{process}-{made}"));
        disk::make_directory(&path).map_err(Error::io(&path, "create"))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Who cannot remove a temporary file has nobody to tell.
        let _ = disk::remove_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn two_are_two_and_nothing_is_left_of_them() {
        let (a, b) = (Scratch::create().unwrap(), Scratch::create().unwrap());
        assert_ne!(a.path(), b.path());
        let path = a.path().to_owned();
        fs::create_dir(path.join("deeper")).unwrap();
        fs::write(path.join("deeper/file"), "x").unwrap();
        drop(a);
        assert!(!path.exists() && b.path().exists());
    }
}
