//! The bytes of a sealed file: lent from a memory map, or read into room of the caller's.
//!
//! A map costs nothing but the pages, and cannot tell of a file that is cut short meanwhile: see
//! [`map`]. Reading, `--no-mmap`, copies the same bytes once more and tells it as the
//! failure of that file.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Error;
use super::disk::File;
use super::error::regular;
use super::map::{self, Map};

/// How the bytes of sealed files are come by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Through a memory map.
    #[default]
    Map,
    /// By reading at a place, a piece at a time; the file stays open.
    Read,
    /// As [`Read`](Self::Read), the file opened for every piece: for more files than a process may hold.
    Reopen,
}

impl Access {
    /// Most files that stay open: a system may allow a process no more than 256.
    const OPEN_MAX: usize = 128;
    /// Most files that are mapped: Linux allows a process 65,530 maps.
    const MAPPED_MAX: usize = 16_384;

    /// The same for each of so many files, where a process may hold so many.
    #[must_use]
    pub fn of_files(self, files_len: usize) -> Self {
        let most = match self {
            Self::Map => Self::MAPPED_MAX,
            Self::Read => Self::OPEN_MAX,
            Self::Reopen => 0,
        };
        if files_len <= most {
            self
        } else {
            Self::Reopen
        }
    }
}

/// A sealed file.
#[derive(Debug)]
pub struct Sealed {
    path: PathBuf,
    len: usize,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    Mapped(Map),
    Open(File),
    Closed,
}

impl Sealed {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// It cannot be opened or mapped.
    pub fn open(path: &Path, access: Access) -> Result<Self, Error> {
        let (len, bytes) = match access {
            Access::Map => {
                let map = Map::open(path)?;
                (map.bytes().len(), Bytes::Mapped(map))
            }
            Access::Read | Access::Reopen => {
                regular(path)?;
                let file = File::open(path).map_err(Error::io(path, "open"))?;
                let len = file.byte_len().map_err(Error::io(path, "measure"))?;
                // What does not fit in memory addresses cannot be mapped either.
                let too_long = |_| Error::malformed(path, "a file that can be addressed", "more");
                let len = usize::try_from(len).map_err(too_long)?;
                match access {
                    Access::Reopen => (len, Bytes::Closed),
                    _ => (len, Bytes::Open(file)),
                }
            }
        };
        Ok(Self {
            path: path.to_owned(),
            len,
            bytes,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length when it was opened.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it was empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// `len` bytes from byte `offset` on; `room` is where they are read to if they are read.
    ///
    /// # Errors
    /// The file ends before them, or ended before them when it was read, or cannot be read.
    #[inline]
    pub fn bytes<'a>(
        &'a self,
        offset: usize,
        len: usize,
        room: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Error> {
        match &self.bytes {
            Bytes::Mapped(map) => map.slice(offset, len),
            Bytes::Open(file) => self.read(file, offset, len, room),
            Bytes::Closed => {
                let file = File::open(&self.path).map_err(Error::io(&self.path, "open"))?;
                self.read(&file, offset, len, room)
            }
        }
    }

    fn read<'a>(
        &self,
        file: &File,
        offset: usize,
        len: usize,
        room: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Error> {
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            let expected = format!("{len} bytes from byte {offset} on");
            let found = format!("{} bytes", self.len);
            return Err(Error::malformed(&self.path, expected, found));
        }
        // Not cleared first: what is there is written over.
        room.resize(len, 0);
        file.read_exact_at(room, offset as u64)
            .map_err(|error| self.cut(error, offset + len))?;
        Ok(room)
    }

    /// As [`bytes`](Self::bytes), where they are mapped.
    #[inline]
    pub fn mapped(&self, offset: usize, len: usize) -> Option<&[u8]> {
        match &self.bytes {
            Bytes::Mapped(map) => map.slice(offset, len).ok(),
            Bytes::Open(_) | Bytes::Closed => None,
        }
    }

    /// Says of an early end what it is.
    fn cut(&self, error: io::Error, end: usize) -> Error {
        let source = match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(
                error.kind(),
                format!("it had {} bytes and now ends before byte {end}", self.len),
            ),
            _ => error,
        };
        Error::io(&self.path, "read")(source)
    }

    /// Asks the CPU to fetch bytes of a map into its cache. A hint.
    #[inline]
    pub fn prefetch(&self, bytes: Range<usize>) {
        if let Bytes::Mapped(map) = &self.bytes
            && let Some(bytes) = map.bytes().get(bytes)
        {
            map::prefetch(bytes);
        }
    }

    /// Tells the system that the file will be read from front to back. A hint.
    pub fn advise_sequential(&self) {
        if let Bytes::Mapped(map) = &self.bytes {
            map.advise_sequential();
        }
    }

    /// Tells the system that what lies beside a byte that is read is not wanted for that.
    pub fn advise_random(&self) {
        if let Bytes::Mapped(map) = &self.bytes {
            map.advise_random();
        }
    }

    /// Tells the system that these bytes are wanted soon. A hint.
    pub fn advise_will_need(&self, bytes: Range<usize>) {
        if let Bytes::Mapped(map) = &self.bytes {
            map.advise_will_need(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_and_mapped_are_the_same_bytes_and_refuse_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let contents: Vec<u8> = (0..100_000u32).map(|i| ((i * 7) >> 3) as u8).collect();
        std::fs::write(&path, &contents).unwrap();
        let ways = [Access::Map, Access::Read, Access::Reopen];
        let files = ways.map(|a| Sealed::open(&path, a).unwrap());
        assert_eq!(Access::Map.of_files(20_000), Access::Reopen);
        assert_eq!(Access::Read.of_files(128), Access::Read);
        let mut room = Vec::new();
        for (offset, len) in [(0, 100_000), (99_999, 1), (100_000, 0), (17, 4096), (3, 0)] {
            for file in &files {
                let found = file.bytes(offset, len, &mut room).unwrap();
                assert_eq!(found, &contents[offset..offset + len]);
            }
        }
        for (offset, len) in [(0, 100_001), (100_001, 0), (usize::MAX, 2)] {
            let [mapped, read, reopened] = [0, 1, 2].map(|i| {
                let error = files[i].bytes(offset, len, &mut room).unwrap_err();
                assert!(matches!(error, Error::Malformed { .. }));
                error.to_string()
            });
            assert_eq!((&mapped, &mapped), (&read, &reopened));
        }
    }

    #[test]
    fn a_file_cut_while_it_is_read_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        std::fs::write(&path, [1; 1000]).unwrap();
        let sealed = Sealed::open(&path, Access::Read).unwrap();
        let file = File::write_to(&path).unwrap();
        file.set_len(500).unwrap();
        let mut room = Vec::new();
        assert_eq!(sealed.bytes(0, 500, &mut room).unwrap(), [1; 500]);
        let error = sealed.bytes(400, 101, &mut room).unwrap_err();
        assert!(matches!(error, Error::Io { .. }));
        let text = error.to_string();
        assert!(
            text.ends_with("/s: it had 1000 bytes and now ends before byte 501"),
            "{text}"
        );
    }
}
