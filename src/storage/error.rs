//! What can go wrong with a file, kept apart by what the user can do about it.

use std::io;
use std::path::{Path, PathBuf};

use super::disk;

/// A failure of storage. The text is complete: it includes the system's own message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused: missing file, no permission, disk full.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was being done, as a verb: "read", "write", "rename".
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there and is not what it should be.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What a sound file has in that place.
        expected: String,
        /// What this one has.
        found: String,
    },
    /// An output directory that already holds something.
    #[error("{} is not empty; name another directory with --out", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// An output directory that holds a run.
    #[error("{} holds a run; go on with it with --resume, or name another directory with --out", path.display())]
    Begun {
        /// The directory.
        path: PathBuf,
    },
    /// Another process is writing the directory.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
}

impl Error {
    /// For `map_err`: the failure of `action` on `path`.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            path,
            action,
            source,
        }
    }

    /// The file at `path` is not what it should be.
    pub fn malformed(path: &Path, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// The whole of a file.
///
/// # Errors
/// The file cannot be read.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    disk::read(path).map_err(Error::io(path, "read"))
}

/// The whole of a text file.
///
/// # Errors
/// The file cannot be read, or is not UTF-8: the byte where it stops being so is named.
pub fn read_text(path: &Path) -> Result<String, Error> {
    String::from_utf8(read_bytes(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::malformed(path, "UTF-8 text", format!("other bytes at offset {at}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_file_and_the_cause() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("läuse und mäuse.txt");
        let text = read_text(&path).unwrap_err().to_string();
        assert!(
            text.starts_with("cannot read ") && text.contains("läuse und mäuse.txt: "),
            "{text}"
        );

        std::fs::write(&path, b"ab\xff").unwrap();
        let text = read_text(&path).unwrap_err().to_string();
        assert!(
            text.ends_with("expected UTF-8 text, found other bytes at offset 2"),
            "{text}"
        );
    }
}
