//! What can go wrong with a file, kept apart by what the user can do about it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::disk::{self, File, Kind};
use super::shown::shown;

/// Most bytes of a text file: settings, a level, a command line.
pub const TEXT_MAX: u64 = 16 << 20;
/// Most bytes of any other file that is read whole: JSON, lines of it.
pub const WHOLE_MAX: u64 = 1 << 30;

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
    #[error("{} is not empty", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// An output directory that holds a run.
    #[error("{} holds a run", path.display())]
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

    /// The file at `path` is not what it should be. What was found may be anyone's bytes: it is told
    /// without control characters, and cut where it is long.
    pub fn malformed(path: &Path, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            expected: shown(&expected.into()),
            found: shown(&found.into()),
        }
    }
}

/// Refuses what is no file with an end: a device would be read for ever, a pipe waited for.
/// Directories are left to the reading, which fails. Gives the length.
///
/// # Errors
/// The system's; a device, a pipe, a socket.
pub(super) fn regular(path: &Path) -> Result<u64, Error> {
    match disk::look(path).map_err(Error::io(path, "read"))? {
        (Kind::File | Kind::Directory, len) => Ok(len),
        _ => {
            let found = "a device, a pipe or a socket";
            Err(Error::malformed(path, "a regular file", found))
        }
    }
}

/// The whole of a file of at most [`WHOLE_MAX`] bytes.
///
/// # Errors
/// The file cannot be read, is larger, or is no regular file.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    read_at_most(path, WHOLE_MAX)
}

/// The whole of a file of at most `most` bytes.
///
/// # Errors
/// As for [`read_bytes`].
pub fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    within(path, most, regular(path)?)?;
    disk::read(path).map_err(Error::io(path, "read"))
}

fn within(path: &Path, most: u64, found: u64) -> Result<(), Error> {
    if found <= most {
        return Ok(());
    }
    let expected = format!("a file of at most {most} bytes");
    Err(Error::malformed(path, expected, found.to_string()))
}

/// The whole of a text file of at most [`TEXT_MAX`] bytes.
///
/// # Errors
/// The file cannot be read, is larger, is no regular file, or is not UTF-8: the byte where it stops
/// being so is named.
pub fn read_text(path: &Path) -> Result<String, Error> {
    utf8(path, read_at_most(path, TEXT_MAX)?)
}

/// As [`read_text`], of a file that the user named, who may mean a pipe.
///
/// # Errors
/// Those of [`read_text`] but for that.
pub fn read_named_text(path: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(TEXT_MAX + 1).read_to_end(&mut bytes))
        .map_err(Error::io(path, "read"))?;
    within(path, TEXT_MAX, bytes.len() as u64)?;
    utf8(path, bytes)
}

/// Whether what is at `path` is a directory.
///
/// # Errors
/// Nothing is there, and the system's.
pub fn is_directory(path: &Path) -> Result<bool, Error> {
    let (kind, _) = disk::look(path).map_err(Error::io(path, "open"))?;
    Ok(kind == Kind::Directory)
}

/// Whether anything is at `path`. Unlike the standard library's, it does not take a disk that
/// fails for a file that is absent.
///
/// # Errors
/// The system's.
pub fn exists(path: &Path) -> Result<bool, Error> {
    disk::is_there(path).map_err(Error::io(path, "look for"))
}

fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::malformed(path, "UTF-8 text", format!("other bytes at offset {at}"))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_has_no_end_and_what_is_too_large_is_refused_unread() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large.toml");
        // Sparse: it takes no room.
        let file = fs::File::create(&path).unwrap();
        file.set_len(TEXT_MAX + 1).unwrap();
        for text in [read_text(&path), read_named_text(&path)] {
            let text = text.unwrap_err().to_string();
            assert!(
                text.ends_with("expected a file of at most 16777216 bytes, found 16777217"),
                "{text}"
            );
        }
        file.set_len(WHOLE_MAX + 1).unwrap();
        let text = read_bytes(&path).unwrap_err().to_string();
        assert!(
            text.contains("at most 1073741824 bytes, found 1073741825"),
            "{text}"
        );
        let zero = Path::new("/dev/zero");
        if zero.exists() {
            let text = read_bytes(zero).unwrap_err().to_string();
            assert!(text.contains("expected a regular file"), "{text}");
            let text = read_named_text(zero).unwrap_err().to_string();
            assert!(text.contains("at most 16777216 bytes"), "{text}");
        }
    }

    #[test]
    fn messages_name_the_file_and_the_cause() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("läuse und mäuse.txt");
        let text = read_text(&path).unwrap_err().to_string();
        assert!(
            text.starts_with("cannot read ") && text.contains("läuse und mäuse.txt: "),
            "{text}"
        );

        fs::write(&path, b"ab\xff").unwrap();
        let text = read_text(&path).unwrap_err().to_string();
        assert!(
            text.ends_with("expected UTF-8 text, found other bytes at offset 2"),
            "{text}"
        );
    }
}
