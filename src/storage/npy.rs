//! `.npy` files of floats, whole: see [`npy_header`](super::npy_header) for the format. Sizes are
//! checked against the length of the file before anything is allocated.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

pub use super::dtype::Dtype;
pub use super::npy_header::{Header, MAX_HEADER_BYTES, header, parse};

use super::disk::File;
use super::error::regular;
use super::{Checksum, Error, atomic};

/// Writes `values`, whose axes have the lengths `shape`, and tells the checksum of the file.
///
/// # Errors
/// The system's.
///
/// # Panics
/// `shape` does not multiply out to the number of values.
pub fn write_f32(path: &Path, shape: &[usize], values: &[f32]) -> Result<u32, Error> {
    write(
        path,
        Dtype::F32,
        shape,
        values.len(),
        bytemuck::cast_slice(values),
    )
}

/// As [`write_f32`], in double precision.
///
/// # Errors
/// The system's.
///
/// # Panics
/// `shape` does not multiply out to the number of values.
pub fn write_f64(path: &Path, shape: &[usize], values: &[f64]) -> Result<u32, Error> {
    write(
        path,
        Dtype::F64,
        shape,
        values.len(),
        bytemuck::cast_slice(values),
    )
}

fn write(
    path: &Path,
    dtype: Dtype,
    shape: &[usize],
    len: usize,
    data: &[u8],
) -> Result<u32, Error> {
    assert_eq!(
        shape.iter().product::<usize>(),
        len,
        "shape {shape:?} for {len} values"
    );
    let header = header(dtype, shape);
    let mut sum = Checksum::new();
    sum.update(&header);
    sum.update(data);
    atomic::write_with(path, |out| {
        out.write_all(&header)?;
        out.write_all(data)
    })?;
    Ok(sum.finish())
}

/// Shape and values of an `f4` file.
///
/// # Errors
/// The file cannot be read, is not `.npy`, or has another type.
pub fn read_f32(path: &Path) -> Result<(Vec<usize>, Vec<f32>), Error> {
    read(path, Dtype::F32)
}

/// Shape and values of an `f8` file.
///
/// # Errors
/// The file cannot be read, is not `.npy`, or has another type.
pub fn read_f64(path: &Path) -> Result<(Vec<usize>, Vec<f64>), Error> {
    read(path, Dtype::F64)
}

fn read<T: bytemuck::Pod>(path: &Path, dtype: Dtype) -> Result<(Vec<usize>, Vec<T>), Error> {
    let (mut file, header) = open(path)?;
    if header.dtype != dtype {
        return Err(Error::malformed(path, dtype.descr(), header.dtype.descr()));
    }
    if header.fortran_order {
        return Err(Error::malformed(path, "C order", "Fortran order"));
    }
    let mut values = vec![T::zeroed(); header.len()];
    file.read_exact(bytemuck::cast_slice_mut(&mut values))
        .map_err(Error::io(path, "read"))?;
    Ok((header.shape, values))
}

/// The header of the file at `path`.
///
/// # Errors
/// The file cannot be read, or is not a `.npy` file that this reader takes.
pub fn read_header(path: &Path) -> Result<Header, Error> {
    open(path).map(|(_, header)| header)
}

/// The file, standing where its data begins.
fn open(path: &Path) -> Result<(File, Header), Error> {
    regular(path)?;
    let mut file = File::open(path).map_err(Error::io(path, "open"))?;
    let file_bytes = file.byte_len().map_err(Error::io(path, "measure"))?;
    let mut head = Vec::new();
    file.by_ref()
        .take(MAX_HEADER_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(Error::io(path, "read"))?;
    let header = parse(path, &head, file_bytes)?;
    file.seek(SeekFrom::Start(header.data_offset as u64))
        .map_err(Error::io(path, "read"))?;
    Ok((file, header))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_huge_announcement_allocates_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("huge.npy");
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,), }\n";
        let mut bytes = header(Dtype::F32, &[0]);
        bytes.truncate(10);
        bytes[8] = text.len() as u8;
        bytes.extend(text.as_bytes());
        bytes.extend([0; 8]);
        std::fs::write(&path, bytes).unwrap();
        assert!(
            read_f32(&path)
                .unwrap_err()
                .to_string()
                .ends_with("found 8")
        );
    }

    proptest! {
        #[test]
        fn written_is_read(shape in prop::collection::vec(0usize..5, 0..4), seed in any::<u32>()) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a.npy");
            let len: usize = shape.iter().product();
            let singles: Vec<f32> = (0..len).map(|i| (i as u32 ^ seed) as f32 / 7.0).collect();
            write_f32(&path, &shape, &singles).unwrap();
            prop_assert_eq!(read_header(&path).unwrap().data_offset % 64, 0);
            prop_assert_eq!(read_f32(&path).unwrap(), (shape.clone(), singles));
            prop_assert!(read_f64(&path).is_err());

            let doubles: Vec<f64> = (0..len).map(|i| f64::from(i as u32 ^ seed) / 7.0).collect();
            write_f64(&path, &shape, &doubles).unwrap();
            prop_assert_eq!(read_f64(&path).unwrap(), (shape, doubles));
        }
    }
}
