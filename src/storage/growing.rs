//! A float32 `.npy` matrix that grows by rows while it is written under an aside name
//! (`<name>.part`), and takes its name when it is sealed.
//!
//! Rows have fixed places, so that writing some of them again, after a failure or when a run is
//! resumed, ends in the same file. The file is opened for each write: a matrix may have more
//! shards than a process may have open files.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::disk::File;
use super::error::exists;
use super::npy::{self, Dtype};
use super::{Error, atomic};

/// A matrix being written.
#[derive(Debug)]
pub struct GrowingNpy {
    path: PathBuf,
    aside: PathBuf,
    columns: usize,
    data_offset: u64,
}

impl GrowingNpy {
    /// Begins the file that will be `path`, with no rows.
    ///
    /// # Errors
    /// The system's.
    pub fn create(path: &Path, columns: usize) -> Result<Self, Error> {
        let growing = Self::at(path, columns);
        File::create(&growing.aside)
            .and_then(|mut file| file.write_all(&npy::header(Dtype::F32, &[0, columns])))
            .map_err(Error::io(&growing.aside, "create"))?;
        Ok(growing)
    }

    /// Takes up a file again that was begun and had at least `rows` rows written, sealed or not.
    ///
    /// # Errors
    /// The file is missing, has another width, or has fewer rows.
    pub fn resume(path: &Path, columns: usize, rows: usize) -> Result<Self, Error> {
        let growing = Self::at(path, columns);
        if exists(path)? && !exists(&growing.aside)? {
            atomic::rename(path, &growing.aside)?;
        }
        let aside = &growing.aside;
        let begun = npy::header(Dtype::F32, &[0, columns]);
        let mut header = Vec::new();
        let file = File::open(aside).map_err(Error::io(aside, "resume"))?;
        let found = file.byte_len().map_err(Error::io(aside, "measure"))?;
        file.take(begun.len() as u64)
            .read_to_end(&mut header)
            .map_err(Error::io(aside, "read"))?;
        // Where it was being sealed, the header already tells the number of rows.
        if header != begun && npy::read_header(aside)?.shape.get(1) != Some(&columns) {
            let expected = format!("a .npy file of {columns} columns being written");
            return Err(Error::malformed(aside, expected, "another header"));
        }
        let needed = u128::from(growing.data_offset) + rows as u128 * columns as u128 * 4;
        if u128::from(found) < needed {
            let expected = format!("at least {needed} bytes, for {rows} rows of {columns}");
            return Err(Error::malformed(aside, expected, found.to_string()));
        }
        Ok(growing)
    }

    fn at(path: &Path, columns: usize) -> Self {
        Self {
            path: path.to_owned(),
            aside: atomic::aside(path, ".part"),
            columns,
            data_offset: npy::header(Dtype::F32, &[0, columns]).len() as u64,
        }
    }

    fn offset(&self, row: usize) -> u64 {
        self.data_offset + row as u64 * self.columns as u64 * 4
    }

    /// Writes whole rows, `rows.len() / columns` of them, from row `first` on.
    ///
    /// # Errors
    /// The system's, disk full among them; writing the same rows again is then allowed.
    pub fn write_rows(&self, first: usize, rows: &[f32]) -> Result<(), Error> {
        File::write_to(&self.aside)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(self.offset(first)))?;
                file.write_all(bytemuck::cast_slice(rows))
            })
            .map_err(Error::io(&self.aside, "write"))
    }

    /// Reads rows back that were written, from row `first` on, into the whole of `rows`.
    ///
    /// # Errors
    /// The system's.
    pub fn read_rows(&self, first: usize, rows: &mut [f32]) -> Result<(), Error> {
        File::open(&self.aside)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(self.offset(first)))?;
                file.read_exact(bytemuck::cast_slice_mut(rows))
            })
            .map_err(Error::io(&self.aside, "read"))
    }

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self) -> Result<(), Error> {
        File::write_to(&self.aside)
            .and_then(|file| file.sync_all())
            .map_err(Error::io(&self.aside, "sync"))
    }

    /// Ends the file after `rows` rows, writes that in its header, syncs it and gives it its name.
    ///
    /// # Errors
    /// The system's.
    pub fn seal(self, rows: usize) -> Result<(), Error> {
        File::write_to(&self.aside)
            .and_then(|mut file| {
                file.set_len(self.offset(rows))?;
                file.write_all(&npy::header(Dtype::F32, &[rows, self.columns]))?;
                file.sync_all()
            })
            .map_err(Error::io(&self.aside, "seal"))?;
        atomic::rename(&self.aside, &self.path)?;
        atomic::sync_parent(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_is_taken_up_again_and_sealed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("g.npy");
        let growing = GrowingNpy::create(&path, 2).unwrap();
        growing
            .write_rows(0, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .unwrap();
        assert!(!path.exists());
        drop(growing);

        let error = GrowingNpy::resume(&path, 2, 4).unwrap_err().to_string();
        assert!(
            error.contains("g.npy.part: expected at least 160 bytes"),
            "{error}"
        );
        let growing = GrowingNpy::resume(&path, 2, 1).unwrap();
        growing.write_rows(1, &[7.0, 8.0]).unwrap();
        let mut back = [0.0; 4];
        growing.read_rows(0, &mut back).unwrap();
        assert_eq!(back, [1.0, 2.0, 7.0, 8.0]);
        // The third row of the first attempt is cut off.
        growing.seal(2).unwrap();
        assert_eq!(
            npy::read_f32(&path).unwrap(),
            (vec![2, 2], vec![1.0, 2.0, 7.0, 8.0])
        );

        // Killed between sealing and the manifest.
        let error = GrowingNpy::resume(&path, 3, 1).unwrap_err().to_string();
        assert!(error.contains("a .npy file of 3 columns"), "{error}");
        let growing = GrowingNpy::resume(&path, 2, 2).unwrap();
        growing.write_rows(2, &[9.0, 9.5]).unwrap();
        growing.seal(3).unwrap();
        assert_eq!(npy::read_f32(&path).unwrap().0, [3, 2]);
    }
}
