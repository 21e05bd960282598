//! Checksums of a matrix: of a stream's blocks, of safetensors files that have one.

use std::path::Path;

use super::{Error, Matrix};
use crate::storage::{self, checksum};

impl Matrix {
    /// The safetensors files.
    fn steps(&self) -> impl Iterator<Item = &Path> {
        let paths = self.sources.iter().map(|source| source.file.path());
        paths.filter(|path| path.extension().is_some_and(|end| end == "safetensors"))
    }

    /// Whether there are checksums to [`verify`](Self::verify): of a stream, or of safetensors files the first of which has
    /// one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn has_checksums(&self) -> Result<bool, Error> {
        Ok(match self.steps().next() {
            Some(path) => {
                storage::tensors::metadata(path)?.contains_key(storage::tensors::CHECKSUM)
            }
            None => self.manifest.is_some(),
        })
    }

    /// Recomputes all checksums. Reads the whole matrix. A plain file has none.
    ///
    /// # Errors
    /// The first block that is damaged, by file and rows.
    pub fn verify(&self) -> Result<(), Error> {
        let Some(manifest) = &self.manifest else {
            return self.steps().try_for_each(|path| {
                storage::tensors::metadata(path)?;
                Ok(())
            });
        };
        for (source, shard) in self.sources.iter().zip(&manifest.shards) {
            source.file.advise_sequential();
            let row_bytes = shard.params.len().saturating_mul(source.dtype.bytes());
            let block_bytes = manifest.block_rows.saturating_mul(row_bytes);
            let mut room = Vec::new();
            for (index, &expected) in shard.blocks.iter().enumerate() {
                let at = index * block_bytes;
                let len = block_bytes.min(source.data_len() - at);
                let block = source.data(at, len, &mut room)?;
                let found = checksum::of_bytes(block);
                if found != expected {
                    let first = index * manifest.block_rows;
                    let last = first + block.len() / row_bytes - 1;
                    let expected = format!("CRC {expected:08x} for rows {first} to {last}");
                    let found = format!("{found:08x}: the file is damaged");
                    let path = source.file.path();
                    return Err(storage::Error::malformed(path, expected, found).into());
                }
            }
        }
        Ok(())
    }
}
