//! JSON, one object a line: metrics that grow while a run goes on and can be read meanwhile.
//!
//! A process killed in the middle of a line leaves a torn one at the end; it is cut off when the
//! file is resumed and passed over when it is read. NaN and infinity are written as `null`.

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::disk::File;
use super::error::read_bytes;
use super::run_dir;

/// A file of lines, open for appending.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    out: BufWriter<File>,
    len: usize,
}

impl Lines {
    /// Begins an empty file, in place of one that may be there.
    ///
    /// # Errors
    /// The system's.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path).map_err(Error::io(path, "create"))?;
        Ok(Self {
            path: path.to_owned(),
            out: BufWriter::new(file),
            len: 0,
        })
    }

    /// Goes on after the first `len` lines of a file; what follows them is dropped.
    ///
    /// # Errors
    /// The file cannot be read or written, or has fewer whole lines.
    pub fn resume(path: &Path, len: usize) -> Result<Self, Error> {
        let bytes = read_bytes(path)?;
        let ends = || bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
        let end = match len.checked_sub(1) {
            None => 0,
            Some(last) => match ends().nth(last) {
                Some((at, _)) => at as u64 + 1,
                None => {
                    let found = ends().count();
                    return Err(Error::malformed(
                        path,
                        format!("{len} lines"),
                        found.to_string(),
                    ));
                }
            },
        };
        let file = File::write_to(path)
            .and_then(|mut file| {
                file.set_len(end)?;
                file.seek(SeekFrom::Start(end))?;
                Ok(file)
            })
            .map_err(Error::io(path, "resume"))?;
        Ok(Self {
            path: path.to_owned(),
            out: BufWriter::new(file),
            len,
        })
    }

    /// Lines so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a line; it is in the file after the next [`flush`](Self::flush) or
    /// [`sync`](Self::sync).
    ///
    /// # Errors
    /// The system's.
    pub fn push(&mut self, value: &impl Serialize) -> Result<(), Error> {
        serde_json::to_writer(&mut self.out, value)
            .map_err(std::io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(Error::io(&self.path, "write"))?;
        self.len += 1;
        Ok(())
    }

    /// Lets readers see all lines.
    ///
    /// # Errors
    /// The system's.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.out.flush().map_err(Error::io(&self.path, "write"))
    }

    /// Flushes, and waits until all lines are on the disk.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.out
            .get_ref()
            .sync_all()
            .map_err(Error::io(&self.path, "sync"))
    }

    /// Deletes the file, which has served its purpose, for good.
    ///
    /// # Errors
    /// The system's.
    pub fn remove(self) -> Result<(), Error> {
        run_dir::remove_file(&self.path)
    }
}

/// All whole lines of a file.
///
/// # Errors
/// The file cannot be read, or a line is not a `T`: it is named by number, from 1.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Error> {
    let bytes = read_bytes(path)?;
    let Some(end) = bytes.iter().rposition(|&byte| byte == b'\n') else {
        return Ok(Vec::new());
    };
    bytes[..end]
        .split(|&byte| byte == b'\n')
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|error| {
                let expected = format!("a record in line {}", index + 1);
                Error::malformed(path, expected, error.to_string())
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_and_unwanted_lines_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.jsonl");
        let mut lines = Lines::create(&path).unwrap();
        for i in 0..3 {
            lines.push(&[i, 10 * i]).unwrap();
        }
        lines.sync().unwrap();
        assert_eq!(lines.len(), 3);
        drop(lines);
        assert_eq!(std::fs::read(&path).unwrap(), b"[0,0]\n[1,10]\n[2,20]\n");

        std::fs::write(&path, b"[0,0]\n[1,10]\n[2,20]\n[3,").unwrap();
        assert_eq!(read::<[i32; 2]>(&path).unwrap(), [[0, 0], [1, 10], [2, 20]]);
        let error = Lines::resume(&path, 4).unwrap_err().to_string();
        assert!(error.ends_with("expected 4 lines, found 3"), "{error}");

        let mut lines = Lines::resume(&path, 2).unwrap();
        lines.push(&[9, 9]).unwrap();
        lines.flush().unwrap();
        assert_eq!(read::<[i32; 2]>(&path).unwrap(), [[0, 0], [1, 10], [9, 9]]);
        let lines = Lines::resume(&path, 0).unwrap();
        assert!(read::<[i32; 2]>(&path).unwrap().is_empty());
        lines.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_bad_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.jsonl");
        std::fs::write(&path, b"1\n2\nthree\n4\n").unwrap();
        let error = read::<i32>(&path).unwrap_err().to_string();
        assert!(
            error.contains("expected a record in line 3, found "),
            "{error}"
        );
        // A line of nothing is no record, and counts.
        std::fs::write(&path, b"\n1").unwrap();
        let error = read::<i32>(&path).unwrap_err().to_string();
        assert!(error.contains("in line 1, found "), "{error}");
    }

    #[test]
    fn disk_full_is_an_error() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let mut lines = Lines::create(full).unwrap();
        lines.push(&1).unwrap();
        let error = lines.sync().unwrap_err();
        assert!(
            matches!(
                error,
                Error::Io {
                    action: "write",
                    ..
                }
            ),
            "{error}"
        );
    }
}
