//! The one way to the file system: every operation of this program asks the [`Disk`] of its thread
//! first.

use std::ffi::OsString;
use std::fs::{self, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use super::request::{Disk, Real, Request, with};

use super::request::{ask, current};

/// An open file.
#[derive(Debug)]
pub struct File {
    file: fs::File,
    path: PathBuf,
    /// Where the next byte is read or written.
    at: u64,
    disk: Arc<dyn Disk>,
}

impl File {
    fn of(path: &Path, opened: io::Result<fs::File>) -> io::Result<Self> {
        Ok(Self {
            file: opened?,
            path: path.to_owned(),
            at: 0,
            disk: current(),
        })
    }

    /// An existing file, to be read.
    ///
    /// # Errors
    /// The system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        ask(&Request::Read(path))?;
        Self::of(path, fs::File::open(path))
    }

    /// An existing file, to be written from its beginning, over what is there.
    ///
    /// # Errors
    /// The system's.
    pub fn write_to(path: &Path) -> io::Result<Self> {
        ask(&Request::Write(path))?;
        Self::of(path, fs::File::options().write(true).open(path))
    }

    /// A new file, or an existing one emptied, to be written.
    ///
    /// # Errors
    /// The system's.
    pub fn create(path: &Path) -> io::Result<Self> {
        ask(&Request::Create(path))?;
        Self::of(path, fs::File::create(path))
    }

    /// A file, made where there is none, that nobody else has locked; `None` where someone has.
    ///
    /// # Errors
    /// The system's.
    pub fn lock(path: &Path) -> io::Result<Option<Self>> {
        ask(&Request::Lock(path))?;
        let opened = fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path);
        let file = Self::of(path, opened)?;
        match file.file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Gives the lock up.
    ///
    /// # Errors
    /// The system's.
    pub fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    /// Length in bytes.
    ///
    /// # Errors
    /// The system's.
    pub fn byte_len(&self) -> io::Result<u64> {
        self.disk.ask(&Request::Look(&self.path))?;
        Ok(self.file.metadata()?.len())
    }

    /// Cuts the file to `len` bytes, or extends it with zeros.
    ///
    /// # Errors
    /// The system's.
    pub fn set_len(&self, len: u64) -> io::Result<()> {
        let path = &self.path;
        self.disk.ask(&Request::Resize { path, len })?;
        self.file.set_len(len)
    }

    /// Waits until the contents are on the disk.
    ///
    /// # Errors
    /// The system's.
    pub fn sync_all(&self) -> io::Result<()> {
        self.disk.ask(&Request::Sync(&self.path))?;
        self.file.sync_all()
    }

    /// Fills `out` with what lies from byte `offset` on; where the next byte is read stays as it is.
    ///
    /// # Errors
    /// The file ends before that; the system's.
    pub(super) fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.ask(&Request::Fetch(&self.path))?;
        read_exact_at(&self.file, out, offset)
    }

    /// The system's file, to be mapped.
    ///
    /// # Errors
    /// The [`Disk`]'s.
    pub(super) fn to_map(&self) -> io::Result<&fs::File> {
        self.disk.ask(&Request::Map(&self.path))?;
        Ok(&self.file)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &fs::File, out: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &fs::File, mut out: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !out.is_empty() {
        match file.seek_read(out, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(len) => {
                out = &mut out[len..];
                offset += len as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.ask(&Request::Fetch(&self.path))?;
        let len = self.file.read(buffer)?;
        self.at += len as u64;
        Ok(len)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (path, at) = (&self.path, self.at);
        let allowed = self.disk.ask(&Request::Put { path, at, bytes })?;
        let len = self.file.write(&bytes[..allowed.min(bytes.len())])?;
        self.at += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

/// The whole of a file.
///
/// # Errors
/// The system's.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(file.byte_len()?).unwrap_or(0));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Gives a file another name, in place of the one that has it.
///
/// # Errors
/// The system's.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    ask(&Request::Rename { from, to })?;
    fs::rename(from, to)
}

/// Removes a file.
///
/// # Errors
/// The system's.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    ask(&Request::Remove(path))?;
    fs::remove_file(path)
}

/// Removes a directory and all in it.
///
/// # Errors
/// The system's.
pub(super) fn remove_all(path: &Path) -> io::Result<()> {
    ask(&Request::RemoveAll(path))?;
    fs::remove_dir_all(path)
}

/// Makes a directory, with its parents, where there is none.
///
/// # Errors
/// The system's.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    ask(&Request::MakeDirectory(path))?;
    fs::create_dir_all(path)
}

/// Waits until the names in a directory are on the disk.
///
/// # Errors
/// The system's.
pub(super) fn sync_names(path: &Path) -> io::Result<()> {
    ask(&Request::SyncNames(path))?;
    // Only Unix opens directories as files.
    if cfg!(unix) {
        fs::File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// The names in a directory, sorted, and which are directories themselves.
///
/// # Errors
/// The system's.
pub(super) fn list(path: &Path) -> io::Result<Vec<(OsString, bool)>> {
    ask(&Request::List(path))?;
    let mut entries = fs::read_dir(path)?
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name(), entry.file_type()?.is_dir()))
        })
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort_unstable();
    Ok(entries)
}

/// What may be at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    /// A symbolic link, where it is not followed.
    Link,
    /// A device, a pipe, a socket.
    Other,
}

impl Kind {
    fn of(metadata: &fs::Metadata) -> Self {
        match metadata {
            found if found.is_file() => Self::File,
            found if found.is_dir() => Self::Directory,
            found if found.is_symlink() => Self::Link,
            _ => Self::Other,
        }
    }
}

/// What is at `path`, or where the link at it leads, and its length.
///
/// # Errors
/// Nothing is there, and the system's.
pub(super) fn look(path: &Path) -> io::Result<(Kind, u64)> {
    ask(&Request::Look(path))?;
    let found = fs::metadata(path)?;
    Ok((Kind::of(&found), found.len()))
}

/// What is at `path` itself.
///
/// # Errors
/// As for [`look`].
pub(super) fn look_here(path: &Path) -> io::Result<Kind> {
    ask(&Request::Look(path))?;
    Ok(Kind::of(&fs::symlink_metadata(path)?))
}

/// The absolute path without links.
///
/// # Errors
/// As for [`look`].
pub(super) fn canonical(path: &Path) -> io::Result<PathBuf> {
    ask(&Request::Look(path))?;
    fs::canonicalize(path)
}

/// Whether anything is at `path`. Unlike the standard library's, it does not take a disk that
/// fails for a file that is absent.
///
/// # Errors
/// The system's.
pub(super) fn is_there(path: &Path) -> io::Result<bool> {
    match ask(&Request::Look(path)).and_then(|()| path.try_exists()) {
        // What should hold it is a file.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        found => found,
    }
}
