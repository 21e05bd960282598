//! CRC-32 (the polynomial of zip and PNG): tells damage, not malice.

use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;
use super::disk::File;
use super::error::regular;

/// A CRC-32 in the making; the order of the updates is part of it, their lengths are not.
#[derive(Clone, Debug, Default)]
pub struct Checksum(crc32fast::Hasher);

impl Checksum {
    /// Of nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Takes in numbers as their little-endian bytes.
    pub fn update_f32s(&mut self, values: &[f32]) {
        self.0.update(bytemuck::cast_slice(values));
    }

    /// The checksum of all that was taken in.
    pub fn finish(&self) -> u32 {
        self.0.clone().finalize()
    }
}

/// The checksum of some bytes.
pub fn of_bytes(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// The checksum of numbers as their little-endian bytes.
pub fn of_f32s(values: &[f32]) -> u32 {
    crc32fast::hash(bytemuck::cast_slice(values))
}

/// Length and checksum of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Length.
    pub bytes: u64,
    /// CRC-32 of the contents.
    pub crc32: u32,
}

impl FileSum {
    /// Reads the file at `path` through, a piece at a time.
    ///
    /// # Errors
    /// The file cannot be read, or is no regular file.
    pub fn of(path: &Path) -> Result<Self, Error> {
        regular(path)?;
        let mut file = File::open(path).map_err(Error::io(path, "read"))?;
        let mut piece = vec![0; 1 << 20];
        let mut sum = Checksum::new();
        let mut bytes = 0;
        loop {
            match file.read(&mut piece).map_err(Error::io(path, "read"))? {
                0 => {
                    return Ok(Self {
                        bytes,
                        crc32: sum.finish(),
                    });
                }
                read_len => {
                    sum.update(&piece[..read_len]);
                    bytes += read_len as u64;
                }
            }
        }
    }

    /// Holds the file at `path`, whose sum this is, to the checksum that is `expected` of it.
    ///
    /// # Errors
    /// It is another.
    pub fn check(&self, path: &Path, expected: u32) -> Result<(), Error> {
        if self.crc32 == expected {
            return Ok(());
        }
        let found = format!("{:08x}: the file is damaged", self.crc32);
        Err(Error::malformed(path, format!("CRC {expected:08x}"), found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_value_however_it_is_cut() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(of_bytes(b"123456789"), 0xcbf4_3926);
        let mut sum = Checksum::new();
        sum.update(b"1234");
        sum.update(b"56789");
        assert_eq!(sum.finish(), 0xcbf4_3926);
        assert_eq!(
            of_f32s(&[1.0, -2.5]),
            of_bytes(&[0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0])
        );
    }

    #[test]
    fn file_longer_than_a_piece() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let bytes: Vec<u8> = (0..(1 << 20) + 77u32)
            .map(|i| ((i * 31) >> 3) as u8)
            .collect();
        std::fs::write(&path, &bytes).unwrap();
        let expected = FileSum {
            bytes: bytes.len() as u64,
            crc32: of_bytes(&bytes),
        };
        assert_eq!(FileSum::of(&path).unwrap(), expected);
    }
}
