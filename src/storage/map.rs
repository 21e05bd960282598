//! A read-only memory map of a sealed file.
//!
//! Caveat: a file cut short by someone else while it is mapped ends the process with SIGBUS when
//! the lost part is touched. No check can prevent that; lengths are checked when the map is made,
//! and this program never changes a file after it has been sealed. Where that may happen (files
//! on a network, a disk that fails), `--no-mmap` reads instead ([`sealed`](super::sealed)): the
//! cut is then an error that names the file.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Error;
use super::disk::File;
use super::error::regular;

/// The bytes of a file, paged in as they are touched.
#[derive(Debug)]
pub struct Map {
    path: PathBuf,
    map: memmap2::Mmap,
}

impl Map {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// The file cannot be opened or mapped.
    pub fn open(path: &Path) -> Result<Self, Error> {
        regular(path)?;
        let file = File::open(path).map_err(Error::io(path, "open"))?;
        let file = file.to_map().map_err(Error::io(path, "map"))?;
        // SAFETY: the map is read-only and private to this value. That nobody changes the file
        // under it is the rule of this room (sealed files are never written again); against other
        // programs there is no protection, see the caveat above.
        let map = unsafe { memmap2::Mmap::map(file) }.map_err(Error::io(path, "map"))?;
        Ok(Self {
            path: path.to_owned(),
            map,
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// `len` bytes from byte `offset` on.
    ///
    /// # Errors
    /// The file ends before them.
    pub fn slice(&self, offset: usize, len: usize) -> Result<&[u8], Error> {
        let end = offset.checked_add(len);
        end.and_then(|end| self.map.get(offset..end))
            .ok_or_else(|| {
                let expected = format!("{len} bytes from byte {offset} on");
                Error::malformed(&self.path, expected, format!("{} bytes", self.map.len()))
            })
    }

    /// Tells the system that the file will be read from front to back. A hint: failure is none.
    pub fn advise_sequential(&self) {
        #[cfg(unix)]
        let _ = self.map.advise(memmap2::Advice::Sequential);
    }

    /// Tells the system that what lies beside a byte that is read is not wanted for that.
    pub fn advise_random(&self) {
        #[cfg(unix)]
        let _ = self.map.advise(memmap2::Advice::Random);
    }

    /// Tells the system that these bytes are wanted soon. A hint: failure is none.
    pub fn advise_will_need(&self, bytes: Range<usize>) {
        #[cfg(unix)]
        if bytes.start < bytes.end && bytes.end <= self.map.len() {
            let len = bytes.end - bytes.start;
            let _ = self
                .map
                .advise_range(memmap2::Advice::WillNeed, bytes.start, len);
        }
        #[cfg(not(unix))]
        let _ = bytes;
    }
}

/// Asks the CPU to fetch these bytes into its cache. A hint, worth giving where the next bytes to
/// be read lie on another page, which the CPU does not foresee.
#[inline]
pub fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(64) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and faults nowhere; the address is within a slice.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_within_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        std::fs::write(&path, [1, 2, 3]).unwrap();
        let map = Map::open(&path).unwrap();
        assert_eq!(map.slice(1, 2).unwrap(), [2, 3]);
        assert!(map.slice(3, 0).unwrap().is_empty());
        for (offset, len) in [(1, 3), (4, 0), (usize::MAX, 1), (0, usize::MAX)] {
            assert!(matches!(
                map.slice(offset, len),
                Err(Error::Malformed { .. })
            ));
        }
        map.advise_sequential();
        map.advise_random();
        map.advise_will_need(0..3);
        map.advise_will_need(1..100);

        std::fs::write(&path, []).unwrap();
        assert!(Map::open(&path).unwrap().bytes().is_empty());
    }
}
