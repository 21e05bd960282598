//! Whole files that are there or not there, never in part: written aside in the same directory,
//! synced, renamed over the name, and the directory synced.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::disk::File;
use super::{Error, disk};

/// Gives `path` the contents `bytes`.
///
/// # Errors
/// The system's; the old contents, if any, then stand.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_with(path, |out| out.write_all(bytes))
}

/// Gives `path` the contents that `body` writes, buffered, so that they need not be in memory.
///
/// # Errors
/// As for [`write()`].
pub fn write_with(
    path: &Path,
    body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let aside = aside(path, &format!(".{}.part", std::process::id()));
    let written = File::create(&aside)
        .and_then(|file| fill(file, body))
        .map_err(Error::io(path, "write"))
        .and_then(|()| rename(&aside, path));
    if written.is_err() {
        // The first error is the one to tell; a file that cannot be removed changes nothing.
        let _ = disk::remove(&aside);
    }
    written?;
    sync_parent(path)
}

fn fill(file: File, body: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, file);
    body(&mut out)?;
    out.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()
}

/// Removes a file.
///
/// # Errors
/// The system's.
pub fn remove(path: &Path) -> Result<(), Error> {
    disk::remove(path).map_err(Error::io(path, "remove"))
}

/// `path` with `suffix` put after its file name.
pub(super) fn aside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    disk::rename(from, to).map_err(Error::io(to, "put in place"))
}

/// Syncs the directory that holds `path`, without which a rename may be lost with the power.
pub(super) fn sync_parent(path: &Path) -> Result<(), Error> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    disk::sync_names(parent).map_err(Error::io(parent, "sync"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn replaces_and_leaves_nothing_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b ü.txt");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn failing_half_way_keeps_the_old_contents() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        write(&path, b"old").unwrap();
        let error = write_with(&path, |out| {
            out.write_all(&[7; 3 << 20])?;
            Err(io::Error::other("half way"))
        })
        .unwrap_err();
        assert!(error.to_string().ends_with("x: half way"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn disk_full_is_reported_even_when_it_shows_only_at_the_flush() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let file = File::write_to(full).unwrap();
        let error = fill(file, |out| out.write_all(b"small enough for the buffer")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
